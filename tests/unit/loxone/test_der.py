from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loxone_exporter.errors import ProtocolError
from loxone_exporter.loxone.der import INTEGER, SEQUENCE, UTC_TIME, Element, read_element
from support.strategies import is_value_or_protocol_error, write_der


@pytest.mark.parametrize(
    ("data", "element"),
    [
        ("0500", Element(0x05, b"")),
        ("020105", Element(INTEGER, b"\x05")),
        ("3003020105", Element(SEQUENCE, b"\x02\x01\x05")),
        ("04810105", Element(0x04, b"\x05")),
        ("0484000000020506", Element(0x04, b"\x05\x06")),
        ("04820081" + "ab" * 129, Element(0x04, b"\xab" * 129)),
    ],
)
def test_elements(data: str, element: Element) -> None:
    assert element == read_element(bytes.fromhex(data))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "cut off"),
        ("02", "cut off"),
        ("020205", "cut off"),
        ("0482", "cut off"),
        ("048201", "cut off"),
        ("0484ffffffff", "cut off"),
        ("0480050000", "has 0 bytes"),
        ("04850000000001", "has 5 bytes"),
        ("04ff", "has 127 bytes"),
        ("1f810105", "unknown tag 0x1f"),
        ("02010500", "1 bytes too many"),
    ],
)
def test_what_is_no_element_is_refused(data: str, message: str) -> None:
    with pytest.raises(ProtocolError, match=message):
        read_element(bytes.fromhex(data))


def test_parts_follow_each_other() -> None:
    sequence = read_element(bytes.fromhex("3008020105300302010a"))
    number, inner = sequence.parts()
    assert (5, [10]) == (number.number(), [part.number() for part in inner.parts()])
    assert [] == read_element(b"\x30\x00").parts()


def test_parts_must_fill_the_whole() -> None:
    with pytest.raises(ProtocolError, match="cut off"):
        read_element(bytes.fromhex("300402010502")).parts()


def test_content_is_not_in_the_repr() -> None:
    assert "secret" not in repr(Element(UTC_TIME, b"secret"))


@given(number=st.integers(-(2**200), 2**200))
def test_every_number_survives_being_written_and_read(number: int) -> None:
    content = number.to_bytes(26, "big", signed=True)
    assert number == read_element(write_der(INTEGER, content)).number()


@given(tag=st.integers(0, 255).filter(lambda tag: tag & 31 != 31), content=st.binary(max_size=300))
def test_every_element_survives_being_written_and_read(tag: int, content: bytes) -> None:
    assert Element(tag, content) == read_element(write_der(tag, content))


@given(data=st.binary(max_size=40))
def test_any_bytes_are_elements_or_refused(data: bytes) -> None:
    assert is_value_or_protocol_error(lambda: read_element(data).parts())
    assert is_value_or_protocol_error(Element(SEQUENCE, data).parts)
