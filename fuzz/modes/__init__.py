"""The ways of fuzzing."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from fuzz.cases import Mode
from fuzz.modes.frames import FramesMode
from fuzz.modes.http import HttpMode
from fuzz.modes.pure import PureMode
from fuzz.modes.sockets import SocketsMode


MODES: Final[Mapping[str, Mode[Any]]] = MappingProxyType(
    {mode.name: mode for mode in (HttpMode(), FramesMode(), SocketsMode(), PureMode())}
)
"""All of them, by name."""
