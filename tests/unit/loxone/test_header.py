from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loxone_exporter.errors import ProtocolError
from loxone_exporter.loxone.header import Header, Identifier, decode_header, encode_header
from support.strategies import headers, is_value_or_protocol_error


# Protocol reference, section 8.1.
VECTORS = [
    ("0300000061010000", Header(Identifier.TEXT, 353)),
    ("03000000ab000000", Header(Identifier.TEXT, 171)),
    ("03010000c8430100", Header(Identifier.FILE, 82888)),
    ("0301800054560100", Header(Identifier.FILE, 87636, estimated=True)),
    ("03020000980a0000", Header(Identifier.VALUES, 2712)),
    ("0302000048000000", Header(Identifier.VALUES, 72)),
    ("03030000d8050000", Header(Identifier.TEXTS, 1496)),
    ("0304000034000000", Header(Identifier.DAYTIMERS, 52)),
    ("0305000000000000", Header(Identifier.OUT_OF_SERVICE, 0)),
    ("0306000000000000", Header(Identifier.KEEPALIVE, 0)),
    ("0307000030000000", Header(Identifier.WEATHER, 48)),
    ("030700005c000000", Header(Identifier.WEATHER, 92)),
]


@pytest.mark.parametrize(("frame", "header"), VECTORS)
def test_header_vectors(frame: str, header: Header) -> None:
    assert header == decode_header(bytes.fromhex(frame))
    assert bytes.fromhex(frame) == encode_header(header)


# Quirk 10: the flag is the highest bit; the lowest and all others mean nothing.
@pytest.mark.parametrize(
    ("info", "estimated"), [(0x80, True), (0xFF, True), (0x01, False), (0x7F, False)]
)
def test_only_the_highest_bit_says_estimated(info: int, *, estimated: bool) -> None:
    frame = bytes.fromhex("0301") + bytes([info]) + bytes.fromhex("009c170000")
    assert Header(Identifier.FILE, 6044, estimated=estimated) == decode_header(frame)


def test_reserved_byte_is_ignored() -> None:
    assert Header(Identifier.TEXT, 1) == decode_header(bytes.fromhex("030000ff01000000"))


def test_unknown_identifier_is_handed_on() -> None:
    assert Header(42, 3) == decode_header(bytes.fromhex("032a000003000000"))


@pytest.mark.parametrize(
    "frame", ["", "03", "03060000000000", "030600000000000000", "0406000000000000"]
)
def test_what_is_no_header_is_refused(frame: str) -> None:
    with pytest.raises(ProtocolError, match=frame[:16] or "nothing"):
        decode_header(bytes.fromhex(frame))


@given(header=headers)
def test_every_header_survives_being_written_and_read(header: Header) -> None:
    assert header == decode_header(encode_header(header))


@given(frame=st.binary(max_size=12) | st.binary(min_size=7, max_size=7).map(b"\x03".__add__))
def test_any_bytes_are_a_header_or_refused(frame: bytes) -> None:
    assert is_value_or_protocol_error(lambda: decode_header(frame))
