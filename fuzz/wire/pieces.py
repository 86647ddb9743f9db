"""What goes out to a client in the end: bytes, pauses, and ends of many kinds."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Final, TypeAlias

from fuzz.mutations import cut_up, mutate


class End(enum.Enum):
    """How a connection may end."""

    CLOSED = enum.auto()
    """The client reads its end."""
    MUTE = enum.auto()
    """Nothing comes any more, not even the end: half open."""


Piece: TypeAlias = bytes | float | End
"""Bytes; a pause in seconds; an end."""

_DRIBBLE: Final = (0.01, 1.0, 14.0, 16.0)
_LATE: Final = (5.0, 11.0, 14.9, 31.0, 125.0)
"""Seconds on both sides of what the exporter waits for."""


def _bytes(data: bytes, chance: Random) -> Sequence[Piece]:
    return [mutate(data, chance)]


def _close(data: bytes, chance: Random) -> Sequence[Piece]:
    return [data[: chance.randint(0, len(data))], End.CLOSED]


def _mute(data: bytes, chance: Random) -> Sequence[Piece]:
    return [data[: chance.randint(0, len(data))], End.MUTE]


def _dribble(data: bytes, chance: Random) -> Sequence[Piece]:
    pause = chance.choice(_DRIBBLE)
    pieces = cut_up(data, chance, chance.choice((2, 3, 20)))
    return [part for piece in pieces for part in (piece, pause)]


def _late(data: bytes, chance: Random) -> Sequence[Piece]:
    return [chance.choice(_LATE), data]


def _twice(data: bytes, _chance: Random) -> Sequence[Piece]:
    return [data, data]


def _drop(_data: bytes, _chance: Random) -> Sequence[Piece]:
    return []


def _more(data: bytes, chance: Random) -> Sequence[Piece]:
    return [data, chance.randbytes(chance.choice((1, 8, 200)))]


STREAM_KINDS: Final[Mapping[str, Callable[[bytes, Random], Sequence[Piece]]]] = {
    "bytes": _bytes,
    "close": _close,
    "mute": _mute,
    "dribble": _dribble,
    "late": _late,
    "twice": _twice,
    "drop": _drop,
    "more": _more,
}
