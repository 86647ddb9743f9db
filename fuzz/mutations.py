"""Mutations of bytes: what may happen to them on their way, and what somebody may do to them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from random import Random
from typing import Final


Mutation = Callable[[bytes, Random], bytes]

TOKENS: Final = (
    b"\0",
    b"\r\n",
    b"\n",
    b"\r\n\r\n",
    b" ",
    b"\t",
    b'"',
    b"'",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"/",
    b"%",
    b"%00",
    b"%ff",
    b"..",
    b"-1",
    b"0",
    b"1e999",
    b"nan",
    b"99999999999999999999",
    b"null",
    b"\xff\xff\xff\xff",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"\\ud800",
    b"\xf0\x9f\x90\xb4",
)
"""Bytes that mean something to one parser or another."""

_LONGEST_REPEAT = 4096
_INTEGERS: Final = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_WIDTHS: Final = ("B", "<H", ">H", "<I", ">I", "<Q", ">Q")


def mutate(data: bytes, chance: Random, others: Sequence[bytes] = ()) -> bytes:
    """Change bytes in one to four ways.

    Args:
        data: The bytes.
        chance: Decides everything.
        others: What parts may be taken from.
    """
    for _ in range(min(1 + int(chance.expovariate(1.2)), 4)):
        if others and chance.random() < 1 / 8:
            data = splice(data, chance.choice(others), chance)
        else:
            data = chance.choice(_MUTATIONS)(data, chance)
    return data


def splice(data: bytes, other: bytes, chance: Random) -> bytes:
    """The beginning of one and the end of the other."""
    return data[: chance.randint(0, len(data))] + other[chance.randint(0, len(other)) :]


def cut_up(data: bytes, chance: Random, pieces: int) -> list[bytes]:
    """The same in so many pieces, some of which may be empty."""
    places = sorted(chance.randint(0, len(data)) for _ in range(pieces - 1))
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]


def _flip_bit(data: bytes, chance: Random) -> bytes:
    place, bit = chance.randrange(max(len(data), 1)), 1 << chance.randrange(8)
    return data[:place] + bytes(byte ^ bit for byte in data[place : place + 1]) + data[place + 1 :]


def _set_bytes(data: bytes, chance: Random) -> bytes:
    place, length = chance.randint(0, len(data)), chance.choice((1, 1, 2, 4, 16))
    return data[:place] + chance.randbytes(length) + data[place + length :]


def _insert_bytes(data: bytes, chance: Random) -> bytes:
    place = chance.randint(0, len(data))
    return data[:place] + chance.randbytes(chance.choice((1, 2, 8, 40))) + data[place:]


def _insert_token(data: bytes, chance: Random) -> bytes:
    place = chance.randint(0, len(data))
    return data[:place] + chance.choice(TOKENS) * chance.choice((1, 1, 1, 3)) + data[place:]


def _delete(data: bytes, chance: Random) -> bytes:
    start, end = _range(data, chance)
    return data[:start] + data[end:]


def _repeat(data: bytes, chance: Random) -> bytes:
    start, end = _range(data, chance)
    times = chance.choice((2, 2, 3, 10, 100))
    repeated = (data[start:end] * times)[: max(_LONGEST_REPEAT, end - start)]
    return data[:start] + repeated + data[end:]


def _move(data: bytes, chance: Random) -> bytes:
    start, end = _range(data, chance)
    rest = data[:start] + data[end:]
    place = chance.randint(0, len(rest))
    return rest[:place] + data[start:end] + rest[place:]


def _truncate(data: bytes, chance: Random) -> bytes:
    return data[: chance.randint(0, len(data))]


def _behead(data: bytes, chance: Random) -> bytes:
    return data[chance.randint(0, min(len(data), 16)) :]


def _set_integer(data: bytes, chance: Random) -> bytes:
    layout = chance.choice(_WIDTHS)
    size = struct.calcsize(layout)
    number = chance.choice(_INTEGERS) & ((1 << 8 * size) - 1)
    place = chance.randint(0, max(len(data) - size, 0))
    return data[:place] + struct.pack(layout, number) + data[place + size :]


def _range(data: bytes, chance: Random) -> tuple[int, int]:
    start = chance.randint(0, len(data))
    return start, min(len(data), start + int(chance.expovariate(1 / 12)) + 1)


_MUTATIONS: Final[Sequence[Mutation]] = (
    _flip_bit,
    _flip_bit,
    _set_bytes,
    _insert_bytes,
    _insert_token,
    _insert_token,
    _delete,
    _repeat,
    _move,
    _truncate,
    _behead,
    _set_integer,
)
