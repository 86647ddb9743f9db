from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loxone_exporter.errors import ProtocolError
from loxone_exporter.loxone.uuids import StateUuid, format_uuid, parse_uuid
from support.strategies import uuids


# Protocol reference, sections 8.1 and 8.2.
VECTORS = [
    ("fea2860f7803083effffb2d4efc8b5b6", "0f86a2fe-0378-3e08-ffffb2d4efc8b5b6"),
    ("52b6fd0e1002c215ffff215a15a1f57b", "0efdb652-0210-15c2-ffff215a15a1f57b"),
    ("649a860f00029b0affffd4c75dbaf53c", "0f869a64-0200-0a9b-ffffd4c75dbaf53c"),
    ("9a5d8f15b000fe54ffff8626c2663bec", "158f5d9a-00b0-54fe-ffff8626c2663bec"),
    ("295b8f1590003c2fffff3ce43fa9aec5", "158f5b29-0090-2f3c-ffff3ce43fa9aec5"),
    ("9a5d8f15af00a554ffff8626c2663bec", "158f5d9a-00af-54a5-ffff8626c2663bec"),
    ("d69a860fd201d60cffff373f9870b52a", "0f869ad6-01d2-0cd6-ffff373f9870b52a"),
    ("aaaaaaaabbbbccccdddddddddddddddd", "aaaaaaaa-bbbb-cccc-dddddddddddddddd"),
    ("78563412341278560000000000000000", "12345678-1234-5678-0000000000000000"),
]


@pytest.mark.parametrize(("binary", "text"), VECTORS)
def test_uuid_vectors(binary: str, text: str) -> None:
    assert text == format_uuid(bytes.fromhex(binary))
    assert bytes.fromhex(binary) == parse_uuid(text)


def test_uuid_in_upper_case_is_the_same() -> None:
    text = "0F86A2FE-0378-3E08-FFFFB2D4EFC8B5B6"
    assert parse_uuid(text.lower()) == parse_uuid(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0f86a2fe-0378-3e08-ffff-b2d4efc8b5b6",
        "0f86a2fe-0378-3e08-ffffb2d4efc8b5b6/AI1",
        "0f86a2fe-0378-3e08-ffffb2d4efc8b5b6\n",
        " 0f86a2fe-0378-3e08-ffffb2d4efc8b5b6",
        "0f86a2fe-0378-3e08-ffffb2d4efc8b5bg",
        "0f86a2fe03783e08ffffb2d4efc8b5b6",
    ],
)
def test_what_is_no_uuid_of_a_state_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError, match="not a state UUID"):
        parse_uuid(text)


def test_a_refusal_shows_no_more_than_the_beginning() -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_uuid("x" * 10_000)
    assert len(str(caught.value)) < 100


@given(uuid=uuids)
def test_every_uuid_survives_being_written_and_read(uuid: StateUuid) -> None:
    assert uuid == parse_uuid(format_uuid(uuid))


@given(text=st.from_regex(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{16}", fullmatch=True))
def test_every_uuid_survives_being_read_and_written(text: str) -> None:
    assert text == format_uuid(parse_uuid(text))
