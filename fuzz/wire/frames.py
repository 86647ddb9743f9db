"""The frames of a WebSocket (RFC 6455, section 5), right and wrong ones."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from attrs import evolve, frozen

from fuzz.mutations import cut_up, mutate


CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10

_FIN = 0x80
_MASKED = 0x80
_SHORT, _MEDIUM, _LONG = 125, 126, 127
_MAX_FRAME: Final = 64 * 2**20
"""A longer one is never whole, and is passed on as it comes."""

_CODES: Final = (
    0,
    999,
    1000,
    1001,
    1002,
    1003,
    1004,
    1005,
    1006,
    1007,
    1008,
    1009,
    1010,
    1011,
    1015,
) + (2999, 3000, 4000, 4003, 4004, 4005, 4006, 4007, 4008, 4999, 5000, 65535)
_REASONS: Final = (
    b"",
    b"bye",
    b"blocked (30)",
    b"blocked (999999999)",
    b"blocked (-1)",
    b"\xff\xfe",
    b"x" * 123,
    "🐴".encode() * 30,
)


@frozen
class Frame:
    """One frame.

    Attributes:
        first: Its first byte: FIN, three reserved bits, and the opcode.
        payload: What it carries.
        announced: The length that it says it has, where that is another one.
        form: In which of the three forms its length is written; 0 for the right one.
        mask: Four bytes, where it is masked, which a server must not do.
    """

    first: int
    payload: bytes
    announced: int | None = None
    form: int = 0
    mask: bytes = b""

    @property
    def opcode(self) -> int:
        """What kind of frame it is."""
        return self.first & 0x0F

    def write(self) -> bytes:
        """The frame as it crosses the wire."""
        length = len(self.payload) if self.announced is None else self.announced
        form = self.form or (_SHORT if length <= _SHORT else _MEDIUM if length < 2**16 else _LONG)
        flag = _MASKED if self.mask else 0
        if form == _SHORT:
            head = struct.pack("!BB", self.first, flag | length & 0x7F)
        elif form == _MEDIUM:
            head = struct.pack("!BBH", self.first, flag | _MEDIUM, length & 0xFFFF)
        else:
            head = struct.pack("!BBQ", self.first, flag | _LONG, length & (2**64 - 1))
        return head + self.mask + self.payload


def read_frames(buffer: bytearray) -> list[Frame] | None:
    """Take the whole frames of a server out of a buffer; None where there is one without an end."""
    frames = []
    while (found := _head(buffer)) is not None:
        start, length = found
        if length > _MAX_FRAME:
            return None
        if len(buffer) < start + length:
            break
        frames.append(Frame(buffer[0], bytes(buffer[start : start + length])))
        del buffer[: start + length]
    return frames


def _head(buffer: bytearray) -> tuple[int, int] | None:
    """Where the payload begins, and how long it is; None where the head is not whole."""
    if len(buffer) < struct.calcsize("!BB"):
        return None
    length = buffer[1] & 0x7F
    for form, layout in ((_MEDIUM, "!H"), (_LONG, "!Q")):
        if length == form:
            end = 2 + struct.calcsize(layout)
            return (end, struct.unpack_from(layout, buffer, 2)[0]) if len(buffer) >= end else None
    return 2, length


def close_frame(chance: Random) -> Frame:
    """A close frame with any code and reason, or with neither."""
    code, reason = struct.pack("!H", chance.choice(_CODES)), chance.choice(_REASONS)
    return Frame(_FIN | CLOSE, chance.choice((code + reason, code + reason, b"", b"\x03")))


def _opcode(frame: Frame, chance: Random) -> bytes:
    return evolve(frame, first=frame.first & 0xF0 | chance.randrange(16)).write()


def _flags(frame: Frame, chance: Random) -> bytes:
    return evolve(frame, first=frame.first ^ chance.choice((0x10, 0x20, 0x40, 0x80))).write()


def _other_kind(frame: Frame, _chance: Random) -> bytes:
    return evolve(frame, first=frame.first ^ (TEXT | BINARY)).write()


def _fragments(frame: Frame, chance: Random) -> bytes:
    """In fragments, as it is allowed, perhaps with a ping in between, or wrong in some way."""
    parts = cut_up(frame.payload, chance, chance.choice((2, 3, 30)))
    pieces = [Frame(CONTINUATION, part) for part in parts]
    pieces[0] = evolve(pieces[0], first=frame.opcode)
    pieces[-1] = evolve(pieces[-1], first=pieces[-1].first | _FIN)
    match chance.randrange(6):
        case 0:
            pieces.insert(1, Frame(_FIN | PING, chance.randbytes(chance.choice((0, 4, 125, 126)))))
        case 1:
            pieces.insert(1, Frame(_FIN | frame.opcode, b"{}"))
        case 2:
            pieces.pop(0)
        case 3:
            pieces.pop()
        case _:
            pass
    return b"".join(piece.write() for piece in pieces)


def _masked(frame: Frame, chance: Random) -> bytes:
    return evolve(frame, mask=chance.randbytes(4)).write()


def _long_form(frame: Frame, chance: Random) -> bytes:
    return evolve(frame, form=chance.choice((_MEDIUM, _LONG))).write()


def _announce(frame: Frame, chance: Random) -> bytes:
    length = len(frame.payload)
    odd = (length + 1, max(length - 1, 0), length * 2 + 9, 0, 65535, 2**20, 2**31, 2**62, 2**63 + 1)
    return evolve(frame, announced=chance.choice(odd)).write()


def _control(frame: Frame, chance: Random) -> bytes:
    """A ping or pong that is allowed, or too long, or cut in two, before the frame."""
    kind = chance.choice((PING, PONG))
    payload = chance.randbytes(chance.choice((0, 1, 125, 126, 1000)))
    odd = Frame(chance.choice((_FIN, _FIN, 0)) | kind, payload)
    return odd.write() * chance.choice((1, 1, 50)) + frame.write()


def _close(frame: Frame, chance: Random) -> bytes:
    """A close frame before the frame, or in its place."""
    return close_frame(chance).write() + chance.choice((b"", frame.write()))


def _payload(frame: Frame, chance: Random) -> bytes:
    return evolve(frame, payload=mutate(frame.payload, chance)).write()


def _no_utf8(frame: Frame, chance: Random) -> bytes:
    place = chance.randint(0, len(frame.payload))
    odd = chance.choice((b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80"))
    payload = frame.payload[:place] + odd + frame.payload[place:]
    return evolve(frame, payload=payload).write()


def _cut(frame: Frame, chance: Random) -> bytes:
    written = frame.write()
    return written[: chance.randint(0, len(written))]


def _twice(frame: Frame, chance: Random) -> bytes:
    return frame.write() * chance.choice((2, 2, 100))


def _drop(_frame: Frame, _chance: Random) -> bytes:
    return b""


def _giant(frame: Frame, chance: Random) -> bytes:
    """A message of many megabytes, whole or never to be."""
    size = chance.choice((2**20, 17 * 2**20))
    payload = (frame.payload or b" ") * (size // max(len(frame.payload), 1) + 1)
    return evolve(frame, payload=payload, announced=chance.choice((None, 2**40))).write()


FRAME_KINDS: Final[Mapping[str, Callable[[Frame, Random], bytes]]] = {
    "opcode": _opcode,
    "flags": _flags,
    "other kind": _other_kind,
    "fragments": _fragments,
    "masked": _masked,
    "long form": _long_form,
    "announced": _announce,
    "control": _control,
    "close": _close,
    "payload": _payload,
    "no utf-8": _no_utf8,
    "cut": _cut,
    "twice": _twice,
    "drop": _drop,
    "giant": _giant,
}
