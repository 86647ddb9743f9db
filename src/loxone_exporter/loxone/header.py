"""The eight bytes that announce each message of a Miniserver (protocol reference, section 2.2)."""

from __future__ import annotations

import enum
import struct

from attrs import frozen

from loxone_exporter.errors import ProtocolError


SIZE = 8

_MAGIC = 0x03
_ESTIMATED = 0x80
_HEADER = struct.Struct("<BBBBI")


class Identifier(enum.IntEnum):
    """What kind of message follows a header."""

    TEXT = 0
    FILE = 1
    VALUES = 2
    TEXTS = 3
    DAYTIMERS = 4
    OUT_OF_SERVICE = 5
    KEEPALIVE = 6
    WEATHER = 7


WITHOUT_PAYLOAD = frozenset({Identifier.OUT_OF_SERVICE, Identifier.KEEPALIVE})
"""These headers are whole messages: no payload frame follows."""


@frozen
class Header:
    """One header.

    Attributes:
        identifier: A member of `Identifier`, or the bare number where the Miniserver sends one that
            nobody knows.
        length: Length of the payload in bytes.
        estimated: The length is a guess; a header with the exact one follows.
    """

    identifier: int
    length: int
    estimated: bool = False


def decode_header(frame: bytes) -> Header:
    """Read a header.

    Raises:
        ProtocolError: Not eight bytes, or not starting with 0x03.
    """
    if len(frame) != SIZE or frame[0] != _MAGIC:
        raise ProtocolError(
            f"expected a message header, received {frame[:SIZE].hex() or 'nothing'}"
        )
    _, identifier, info, _, length = _HEADER.unpack(frame)
    return Header(identifier, length, bool(info & _ESTIMATED))


def encode_header(header: Header) -> bytes:
    """Write a header."""
    info = _ESTIMATED if header.estimated else 0
    return _HEADER.pack(_MAGIC, header.identifier, info, 0, header.length)
