from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loxone_exporter.errors import ProtocolError, RemainderError
from loxone_exporter.loxone.tables import (
    Daytimer,
    DaytimerEntry,
    Weather,
    WeatherEntry,
    decode_daytimers,
    decode_texts,
    decode_values,
    decode_weather,
    encode_daytimers,
    encode_texts,
    encode_values,
    encode_weather,
)
from loxone_exporter.loxone.uuids import StateUuid, parse_uuid
from support.strategies import (
    damaged,
    daytimer_tables,
    is_value_or_protocol_error,
    text_tables,
    uuids,
    value_tables,
    weather_tables,
)


# The vectors are those of the protocol reference, section 8.2.
KITCHEN = parse_uuid("0f86a2fe-0378-3e08-ffffb2d4efc8b5b6")
LIGHT = parse_uuid("0f869a64-0200-0a9b-ffffd4c75dbaf53c")
OTHER = parse_uuid("12345678-1234-5678-0000000000000000")
DAYTIMER = parse_uuid("aaaaaaaa-bbbb-cccc-dddddddddddddddd")

VALUES = [
    (
        "52b6fd0e1002c215ffff215a15a1f57b 6bbc74931804b63f",
        [(parse_uuid("0efdb652-0210-15c2-ffff215a15a1f57b"), 0.08600000000000001)],
    ),
    ("649a860f00029b0affffd4c75dbaf53c 0000000000001440", [(LIGHT, 5.0)]),
    (
        (
            "fea2860f7803083effffb2d4efc8b5b6 0000000000803540"
            "649a860f00029b0affffd4c75dbaf53c 0000000000000080"
        ),
        [(KITCHEN, 21.5), (LIGHT, -0.0)],
    ),
    ("", []),
]

TEXTS = [
    (
        (
            "9a5d8f15b000fe54ffff8626c2663bec 00000000000000000000000000000000 0d000000"
            "6873762834322c37362c373729 292900"
            "295b8f1590003c2fffff3ce43fa9aec5 00000000000000000000000000000000 00000000"
            "9a5d8f15af00a554ffff8626c2663bec 00000000000000000000000000000000 02000000 5b5d 5d38"
        ),
        [
            (parse_uuid("158f5d9a-00b0-54fe-ffff8626c2663bec"), "hsv(42,76,77)"),
            (parse_uuid("158f5b29-0090-2f3c-ffff3ce43fa9aec5"), ""),
            (parse_uuid("158f5d9a-00af-54a5-ffff8626c2663bec"), "[]"),
        ],
    ),
    (
        "d69a860fd201d60cffff373f9870b52a 00000000000000000000000000000000 01000000 5b 000000",
        [(parse_uuid("0f869ad6-01d2-0cd6-ffff373f9870b52a"), "[")],
    ),
    (
        (
            "fea2860f7803083effffb2d4efc8b5b6 00000000000000000000000000000000 0d000000"
            "4bc3bc6368652032312e35c2b0 000000"
        ),
        [(KITCHEN, "Küche 21.5°")],
    ),
]

DAYTIMERS = [
    (
        (
            "aaaaaaaabbbbccccdddddddddddddddd 0000000000003240 01000000"
            "01000000 68010000 e0010000 00000000 0000000000003640"
        ),
        [Daytimer(DAYTIMER, 18.0, (DaytimerEntry(1, 360, 480, 0, 22.0),))],
    ),
    (
        (
            "78563412341278560000000000000000 0000000000002e40 03000000"
            "00000000 00000000 68010000 00000000 0000000000003240"
            "00000000 68010000 38040000 01000000 0000000000003640"
            "00000000 38040000 a0050000 00000000 0000000000003240"
        ),
        [
            Daytimer(
                OTHER,
                15.0,
                (
                    DaytimerEntry(0, 0, 360, 0, 18.0),
                    DaytimerEntry(0, 360, 1080, 1, 22.0),
                    DaytimerEntry(0, 1080, 1440, 0, 18.0),
                ),
            )
        ],
    ),
]

WEATHER = [
    (
        (
            "aaaaaaaabbbbccccdddddddddddddddd 0046c323 01000000"
            "e8030000 01000000 b4000000 f4010000 41000000"
            "0000000000803640 0000000000003540 0000000000002e40"
            "0000000000000000 0000000000001640 0000000000aa8f40"
        ),
        [
            Weather(
                DAYTIMER,
                600000000,
                (WeatherEntry(1000, 1, 180, 500, 65, 22.5, 21.0, 15.0, 0.0, 5.5, 1013.25),),
            )
        ],
    ),
    # Quirk 9: a table without entries.
    (
        "11111111222233334444444444444444 0065cd1d 00000000",
        [Weather(parse_uuid("11111111-2222-3333-4444444444444444"), 500000000)],
    ),
]


@pytest.mark.parametrize(("payload", "values"), VALUES)
def test_value_table_vectors(payload: str, values: list[tuple[StateUuid, float]]) -> None:
    assert values == list(decode_values(bytes.fromhex(payload)))
    assert bytes.fromhex(payload) == encode_values(values)


def test_value_table_vector_with_negative_zero_and_nan() -> None:
    payload = bytes.fromhex(
        "fea2860f7803083effffb2d4efc8b5b60000000000803540"
        "649a860f00029b0affffd4c75dbaf53c0000000000000080"
        "78563412341278560000000000000000000000000000f87f"
    )
    decoded = list(decode_values(payload))
    assert [KITCHEN, LIGHT, OTHER] == [uuid for uuid, _ in decoded]
    temperature, zero, nothing = (value for _, value in decoded)
    assert 21.5 == temperature
    assert -1.0 == math.copysign(1.0, zero)
    assert math.isnan(nothing)
    assert payload == encode_values(decoded)


@pytest.mark.parametrize(("payload", "texts"), TEXTS)
def test_text_table_vectors(payload: str, texts: list[tuple[StateUuid, str]]) -> None:
    assert texts == list(decode_texts(bytes.fromhex(payload)))


@pytest.mark.parametrize(("payload", "texts"), TEXTS[1:])
def test_text_table_vectors_with_clean_padding_are_written(
    payload: str, texts: list[tuple[StateUuid, str]]
) -> None:
    assert bytes.fromhex(payload) == encode_texts(texts)


# Section 8.2: the capture, whose entries are padded in different ways.
def test_text_table_vector_is_written_with_its_own_padding() -> None:
    payload, texts = TEXTS[0]
    written = [
        encode_texts([entry], padding=padding)
        for entry, padding in zip(texts, [b"))\0", b"???", b"]8?"], strict=True)
    ]
    assert bytes.fromhex(payload) == b"".join(written)


# Quirk 8: what pads a text is whatever was there before.
def test_padding_of_texts_may_be_anything() -> None:
    texts = [(KITCHEN, "hsv(42,76,77)"), (OTHER, "[]"), (LIGHT, "")]
    encoded = encode_texts(texts, padding=b"))\0")
    assert bytes.fromhex(TEXTS[0][0])[49:52] == encoded[49:52]
    assert texts == list(decode_texts(encoded))


# Quirk 8.
@pytest.mark.parametrize("data", [b"on\0", b"on\0\0\0\0\0"])
def test_trailing_nuls_are_no_part_of_a_text(data: bytes) -> None:
    assert [(KITCHEN, "on")] == list(decode_texts(encode_texts([(KITCHEN, data.decode())])))


def test_nuls_inside_a_text_stay() -> None:
    assert [(KITCHEN, "o\0n")] == list(decode_texts(encode_texts([(KITCHEN, "o\0n")])))


# Quirk 6.
def test_invalid_utf8_in_a_text_is_replaced() -> None:
    payload = KITCHEN + bytes(16) + struct.pack("<I", 4) + b"K\xfcch"
    assert [(KITCHEN, "K\ufffdch")] == list(decode_texts(payload))


def test_last_padding_may_be_missing() -> None:
    payload = encode_texts([(KITCHEN, "on")])
    assert [(KITCHEN, "on")] == list(decode_texts(payload[:-2]))


def test_icons_of_texts_are_ignored() -> None:
    payload = KITCHEN + OTHER + struct.pack("<I", 2) + b"on\0\0"
    assert [(KITCHEN, "on")] == list(decode_texts(payload))


@pytest.mark.parametrize(("payload", "daytimers"), DAYTIMERS)
def test_daytimer_table_vectors(payload: str, daytimers: list[Daytimer]) -> None:
    assert daytimers == list(decode_daytimers(bytes.fromhex(payload)))
    assert bytes.fromhex(payload) == encode_daytimers(daytimers)


def test_daytimers_follow_each_other() -> None:
    payload = "".join(payload for payload, _ in DAYTIMERS)
    daytimers = [daytimer for _, table in DAYTIMERS for daytimer in table]
    assert daytimers == list(decode_daytimers(bytes.fromhex(payload)))


@pytest.mark.parametrize(("payload", "reports"), WEATHER)
def test_weather_table_vectors(payload: str, reports: list[Weather]) -> None:
    assert reports == list(decode_weather(bytes.fromhex(payload)))
    assert bytes.fromhex(payload) == encode_weather(reports)


# Quirk 9: the real table of 48 bytes.
def test_two_weather_reports_without_entries_follow_each_other() -> None:
    reports = [Weather(KITCHEN, 1), Weather(OTHER, 2)]
    payload = encode_weather(reports)
    assert 48 == len(payload)
    assert reports == list(decode_weather(payload))


# Each kind of table, with two entries.
TABLES: list[tuple[Callable[[bytes], Iterator[Any]], Callable[[list[Any]], bytes], list[Any]]] = [
    (decode_values, encode_values, [(KITCHEN, 21.5), (LIGHT, -0.0)]),
    (decode_texts, encode_texts, [(KITCHEN, "on"), (OTHER, "off")]),
    (decode_daytimers, encode_daytimers, DAYTIMERS[0][1] + DAYTIMERS[1][1]),
    (decode_weather, encode_weather, WEATHER[0][1] + WEATHER[1][1]),
]


def read_up_to_an_error(entries: Iterator[Any]) -> tuple[list[Any], ProtocolError | None]:
    read = []
    try:
        for entry in entries:
            read.append(entry)  # noqa: PERF402  # a list of all would be lost with the error
    except ProtocolError as error:
        return read, error
    return read, None


# Section 5.3: what is too short to be an entry ends the table, and costs none of the others.
@pytest.mark.parametrize("remainder", range(1, 24))
@pytest.mark.parametrize(("decode", "encode", "entries"), TABLES)
def test_whole_entries_before_a_remainder_are_read(
    decode: Callable[[bytes], Iterator[Any]],
    encode: Callable[[list[Any]], bytes],
    entries: list[Any],
    remainder: int,
) -> None:
    read, error = read_up_to_an_error(decode(encode(entries) + bytes(remainder)))
    assert entries == read
    assert isinstance(error, RemainderError)
    assert f"cut off after {remainder} bytes" in str(error)


@pytest.mark.parametrize(("decode", "encode", "entries"), TABLES)
def test_whole_entries_before_a_cut_are_read(
    decode: Callable[[bytes], Iterator[Any]],
    encode: Callable[[list[Any]], bytes],
    entries: list[Any],
) -> None:
    whole, first = encode(entries), len(encode(entries[:1]))
    for length in range(first + 1, len(whole) - 3):
        read, error = read_up_to_an_error(decode(whole[:length]))
        assert entries[:1] == read
        assert isinstance(error, RemainderError)


# Of a text three bytes of padding may be missing, and nothing of the others.
@pytest.mark.parametrize(
    ("decode", "payload", "spare"),
    [
        (decode_values, VALUES[0][0], 0),
        (decode_texts, TEXTS[1][0], 3),
        (decode_daytimers, DAYTIMERS[0][0], 0),
        (decode_weather, WEATHER[0][0], 0),
    ],
)
def test_cut_off_entries_are_refused(
    decode: Callable[[bytes], Iterable[object]], payload: str, spare: int
) -> None:
    whole = bytes.fromhex(payload)
    for length in range(1, len(whole) - spare):
        with pytest.raises(ProtocolError, match="cut off") as caught:
            list(decode(whole[:length]))
        assert not isinstance(caught.value, RemainderError)  # there was nothing before
    assert 1 == len(list(decode(whole[: len(whole) - spare])))


@pytest.mark.parametrize("count", [-1, 2, 2**31 - 1, -(2**31)])
def test_wrong_counts_are_refused(count: int) -> None:
    with pytest.raises(ProtocolError, match=f"announces {count} sub-entries"):
        list(decode_daytimers(KITCHEN + struct.pack("<di", 0.0, count) + bytes(24)))
    with pytest.raises(ProtocolError, match=f"announces {count} sub-entries"):
        list(decode_weather(KITCHEN + struct.pack("<Ii", 0, count) + bytes(68)))


def test_huge_text_length_is_refused() -> None:
    with pytest.raises(ProtocolError, match="text entry of 4294967295 bytes"):
        list(decode_texts(KITCHEN + bytes(16) + b"\xff\xff\xff\xff" + b"text"))


@given(table=value_tables)
def test_every_value_table_survives_being_written_and_read(
    table: list[tuple[StateUuid, float]],
) -> None:
    assert table == list(decode_values(encode_values(table)))


@given(table=text_tables, padding=st.binary(min_size=3, max_size=3))
def test_every_text_table_survives_being_written_and_read(
    table: list[tuple[StateUuid, str]], padding: bytes
) -> None:
    assert table == list(decode_texts(encode_texts(table, padding=padding)))


@given(table=daytimer_tables)
def test_every_daytimer_table_survives_being_written_and_read(table: list[Daytimer]) -> None:
    assert table == list(decode_daytimers(encode_daytimers(table)))


@given(table=weather_tables)
def test_every_weather_table_survives_being_written_and_read(table: list[Weather]) -> None:
    assert table == list(decode_weather(encode_weather(table)))


@given(uuid=uuids, value=st.sampled_from([math.nan, math.inf, -math.inf]))
def test_values_that_are_no_numbers_survive_too(uuid: StateUuid, value: float) -> None:
    payload = encode_values([(uuid, value)])
    assert payload == encode_values(decode_values(payload))


payloads = st.one_of(
    st.binary(max_size=100),
    damaged(value_tables.map(encode_values)),
    damaged(text_tables.map(encode_texts)),
    damaged(daytimer_tables.map(encode_daytimers)),
    damaged(weather_tables.map(encode_weather)),
)


@given(payload=payloads)
def test_any_bytes_are_a_table_or_refused(payload: bytes) -> None:
    assert is_value_or_protocol_error(lambda: list(decode_values(payload)))
    assert is_value_or_protocol_error(lambda: list(decode_texts(payload)))
    assert is_value_or_protocol_error(lambda: list(decode_daytimers(payload)))
    assert is_value_or_protocol_error(lambda: list(decode_weather(payload)))
