"""The ways of fuzzing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from fuzz.cases import Mode
from fuzz.fronts import Front
from fuzz.modes.frames import FramesMode
from fuzz.modes.http import HttpMode
from fuzz.modes.pure import PureMode
from fuzz.modes.sockets import SocketsMode


_ALL: Final[Sequence[Mode[Any]]] = (
    HttpMode(),
    HttpMode(
        name="login",
        what="likewise, where only who logs in is answered",
        front=Front(has_login=True),
        share=1.0,
        batch=32,
    ),
    HttpMode(
        name="https",
        what="likewise, by TLS, below it and without it",
        front=Front(has_tls=True),
        share=1.0,
        batch=32,
    ),
    FramesMode(),
    SocketsMode(),
    PureMode(),
)

MODES: Final[Mapping[str, Mode[Any]]] = MappingProxyType({mode.name: mode for mode in _ALL})
"""All of them, by name."""
