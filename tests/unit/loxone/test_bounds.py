"""Whatever is sent, reading it takes time and memory in proportion to its size.

What takes more than in proportion takes minutes for a megabyte, or gigabytes: the bounds here are
far above what is needed, and far below that.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import struct
import time
import tracemalloc
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import pytest

from loxone_exporter.errors import ProtocolError
from loxone_exporter.loxone import der
from loxone_exporter.loxone.crypto import (
    PublicKey,
    SessionKey,
    decode_base64,
    encode_base64,
    end_of_validity,
    hash_token,
)
from loxone_exporter.loxone.decoding import decode_json
from loxone_exporter.loxone.header import Header, decode_header, encode_header
from loxone_exporter.loxone.messages import Message, MessageAssembler
from loxone_exporter.loxone.replies import (
    parse_device,
    parse_error_page,
    parse_firmware,
    parse_hash_parameters,
    parse_reply,
    parse_token,
    parse_validity,
)
from loxone_exporter.loxone.structure import parse_structure
from loxone_exporter.loxone.tables import (
    decode_daytimers,
    decode_texts,
    decode_values,
    decode_weather,
)
from loxone_exporter.loxone.uuids import parse_uuid
from support.strategies import write_der
from support.structures import key


MEGABYTE = 2**20
SECONDS = 20.0
BYTES = 2 * MEGABYTE

ANSWER = '{"LL": {"control": "c", "value": "'

TEXTS = {
    "nesting": "[" * MEGABYTE,
    "objects": '{"a":' * (MEGABYTE // 5),
    "both": '{"a":[' * (MEGABYTE // 6),
    "quotes": ANSWER + '"' * MEGABYTE,
    "quotes and blanks": ANSWER + '" ' * (MEGABYTE // 2),
    "quotes and commas": ANSWER + '",' * (MEGABYTE // 2),
    "ends of answers": ANSWER + '","Code":"1"' * (MEGABYTE // 12),
    "blanks": ANSWER + '"' + " " * MEGABYTE,
    "only blanks": " " * MEGABYTE,
    "codes": ANSWER + 'a", "Code": "' + "9" * MEGABYTE,
    "numbers": "[" + "9" * 4000 + ("," + "9" * 4000) * (MEGABYTE // 4000),
    "long number": "9" * MEGABYTE,
    "exponents": "[1e999" + ",1e999" * (MEGABYTE // 6) + "]",
    "surrogates": '["' + "\\ud800" * (MEGABYTE // 6) + '"]',
    "single quotes": "{'" * (MEGABYTE // 2),
    "error codes": "<errorcode>" * (MEGABYTE // 11),
    "error code and blanks": "<errorcode>" + " " * MEGABYTE,
    "blocks that begin": "-----BEGIN A-----" * (MEGABYTE // 17),
    "block with an endless label": "-----BEGIN " + "A" * MEGABYTE,
    "dashes": "-" * MEGABYTE,
    "base64": "A" * MEGABYTE,
    "hexadecimal": "ab" * (MEGABYTE // 2),
    "dots": "1." * (MEGABYTE // 2),
    "colons": "50:" * (MEGABYTE // 3),
}

BYTE_STRINGS = {
    "zeros": bytes(MEGABYTE),
    "ones": b"\xff" * MEGABYTE,
    "daytimers without entries": bytes(28) * (MEGABYTE // 28),
    "weather without entries": bytes(24) * (MEGABYTE // 24),
    "texts of no length": bytes(36) * (MEGABYTE // 36),
    "text of zeros": bytes(32) + struct.pack("<I", MEGABYTE) + bytes(MEGABYTE),
    "one number": write_der(der.SEQUENCE, write_der(der.INTEGER, b"\x7f" * MEGABYTE) * 2),
    "many numbers": write_der(der.SEQUENCE, write_der(der.INTEGER, b"\1") * (MEGABYTE // 3)),
    "certificate with a long number": write_der(
        der.SEQUENCE,
        write_der(der.SEQUENCE, write_der(der.INTEGER, b"\x7f" * MEGABYTE))
        + write_der(der.SEQUENCE, b"")
        + write_der(der.BIT_STRING, b"\0"),
    ),
    "public key with a long number": write_der(
        der.SEQUENCE,
        write_der(der.SEQUENCE, bytes.fromhex("06092a864886f70d0101010500"))
        + write_der(
            der.BIT_STRING,
            b"\0"
            + write_der(
                der.SEQUENCE,
                write_der(der.INTEGER, b"\x7f" * MEGABYTE) + write_der(der.INTEGER, b"\3"),
            ),
        ),
    ),
}


def bounded(read: Callable[[], object]) -> None:
    """Read; a refusal is as good as a value, as long as it comes soon."""
    begun = time.perf_counter()
    with contextlib.suppress(ProtocolError):
        read()
    assert time.perf_counter() - begun < SECONDS


@pytest.mark.parametrize("name", TEXTS)
def test_texts_are_read_in_time(name: str) -> None:
    text = TEXTS[name]
    for read in (
        decode_json,
        parse_reply,
        parse_device,
        parse_firmware,
        parse_hash_parameters,
        parse_token,
        parse_validity,
        parse_structure,
        parse_uuid,
        PublicKey.parse,
        decode_base64,
    ):
        bounded(partial(read, text))
    bounded(lambda: parse_error_page(text.encode()))
    bounded(lambda: hash_token("token", text, "SHA256"))
    bounded(lambda: parse_hash_parameters({"key": text, "salt": text, "hashAlg": text}))


@pytest.mark.parametrize("name", BYTE_STRINGS)
def test_bytes_are_read_in_time(name: str) -> None:
    data = BYTE_STRINGS[name]
    for read in (
        decode_header,
        lambda payload: list(decode_values(payload)),
        lambda payload: list(decode_texts(payload)),
        lambda payload: list(decode_daytimers(payload)),
        lambda payload: list(decode_weather(payload)),
        parse_structure,
        parse_reply,
        parse_error_page,
        end_of_validity,
        lambda payload: PublicKey.parse(encode_base64(payload)),
        SessionKey.from_exchange_text,
        SessionKey(bytes(32), bytes(16)).decrypt,
    ):
        bounded(partial(read, data))


STRUCTURES: dict[str, Callable[[int], Any]] = {
    "problems": lambda size: {str(number): None for number in range(size // 12)},
    "wrong states": lambda size: {"a": {"states": {"active": [0] * (size // 3)}}},
    "states": lambda size: {"a": {"states": {"x" * 256: [key(1)] * (size // 40)}}},
    "states of a long name": lambda size: {
        "a": {"states": {"x" * (size // 2): [key(1)] * (size // 80)}}
    },
    "problems of a long name": lambda size: {
        "a": {"name": "x" * (size // 2), "states": {"active": [0] * (size // 6)}}
    },
}


@pytest.mark.parametrize("name", STRUCTURES)
def test_structures_are_read_in_bounded_time_and_memory(name: str) -> None:
    large, small = (
        json.dumps({"controls": STRUCTURES[name](size)}) for size in (MEGABYTE, MEGABYTE // 32)
    )
    bounded(partial(parse_structure, large))
    assert peak_of(partial(parse_structure, small)) < BYTES


@pytest.mark.parametrize("count", [1, 2**16, 2**31 - 1, -1, -(2**31)])
def test_announced_entries_are_not_made_room_for(count: int) -> None:
    for header in (struct.pack("<16sdi", b"", 0.0, count), struct.pack("<16sIi", b"", 0, count)):
        for decode in (decode_daytimers, decode_weather):
            assert peak_of(partial(_refused, decode, header)) < 2**16


def test_announced_texts_are_not_made_room_for() -> None:
    payload = bytes(32) + struct.pack("<I", 2**32 - 1)
    assert peak_of(partial(_refused, decode_texts, payload)) < 2**16


def test_announced_messages_are_not_made_room_for() -> None:
    assembler = MessageAssembler()
    header = encode_header(Header(0, 2**32 - 1))
    assert peak_of(lambda: [assembler.feed(frame) for frame in (header, "{}")]) < 2**16


def test_headers_without_payloads_are_not_kept() -> None:
    assembler = MessageAssembler()
    estimate = encode_header(Header(1, 2**32 - 1, estimated=True))

    def feed() -> None:
        for frame in itertools.repeat(estimate, 1000):
            assert assembler.feed(frame) is None

    assert peak_of(feed) < 2**16


def test_length_of_a_message_is_counted_in_time() -> None:
    for text in ("a" * MEGABYTE, "ä" * (MEGABYTE // 2)):
        bounded(partial(getattr, Message(0, text, 1), "is_as_announced"))


def _refused(decode: Callable[[bytes], Iterable[object]], payload: bytes) -> None:
    with pytest.raises(ProtocolError):
        list(decode(payload))


def peak_of(read: Callable[[], object]) -> int:
    """How many bytes are in use at most while something is read."""
    tracemalloc.start()
    try:
        read()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
