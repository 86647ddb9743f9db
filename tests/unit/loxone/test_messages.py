from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loxone_exporter.errors import ProtocolError
from loxone_exporter.loxone.header import WITHOUT_PAYLOAD, Header, Identifier, encode_header
from loxone_exporter.loxone.messages import Message, MessageAssembler
from support.strategies import headers, is_value_or_protocol_error


KEEPALIVE = encode_header(Header(Identifier.KEEPALIVE, 0))


def feed_all(*frames: bytes | str) -> list[Message]:
    assembler = MessageAssembler()
    messages = (assembler.feed(frame) for frame in frames)
    return [message for message in messages if message is not None]


def test_payload_belongs_to_the_header_before_it() -> None:
    header = encode_header(Header(Identifier.VALUES, 24))
    assert [Message(Identifier.VALUES, bytes(24), 24)] == feed_all(header, bytes(24))


def test_text_frames_are_payloads_too() -> None:
    header = encode_header(Header(Identifier.TEXT, 2))
    assert [Message(Identifier.TEXT, "{}", 2)] == feed_all(header, "{}")


@pytest.mark.parametrize("identifier", sorted(WITHOUT_PAYLOAD))
def test_bare_headers_are_messages(identifier: Identifier) -> None:
    header = encode_header(Header(identifier, 0))
    assert [Message(identifier), Message(Identifier.KEEPALIVE)] == feed_all(header, KEEPALIVE)


def test_payload_that_looks_like_a_header_is_a_payload() -> None:
    header = encode_header(Header(Identifier.FILE, 8))
    assert [Message(Identifier.FILE, KEEPALIVE, 8)] == feed_all(header, KEEPALIVE)


@pytest.mark.parametrize("length", [1, 23, 25, 2**32 - 1])
def test_wrong_length_loses_no_payload(length: int) -> None:
    header = encode_header(Header(Identifier.VALUES, length))
    (message,) = feed_all(header, bytes(24))
    assert Message(Identifier.VALUES, bytes(24), length) == message
    assert not message.is_as_announced


# Section 2.3: lengths are in bytes, also those of texts.
@pytest.mark.parametrize(
    ("payload", "announced", "expected"),
    [
        (bytes(24), 24, True),
        (bytes(24), 23, False),
        ("abc", 3, True),
        ("abc", 4, False),
        ("Küche 21.5°", 13, True),
        ("Küche 21.5°", 11, False),
        ("Küche 21.5°", 12, False),
        ("Küche 21.5°", 44, False),
        ("😀", 4, True),
        ("", 0, True),
        ("", 1, False),
    ],
)
def test_length_counts_in_bytes(payload: bytes | str, announced: int, *, expected: bool) -> None:
    assert expected is Message(Identifier.TEXT, payload, announced).is_as_announced


@given(text=st.text(max_size=20), surplus=st.integers(-3, 3))
def test_a_text_is_as_announced_only_if_it_is(text: str, surplus: int) -> None:
    message = Message(Identifier.TEXT, text, len(text.encode()) + surplus)
    assert (surplus == 0) is message.is_as_announced


def test_length_zero_needs_no_payload() -> None:
    header = encode_header(Header(Identifier.TEXT, 0))
    assert [Message(Identifier.TEXT), Message(Identifier.KEEPALIVE)] == feed_all(header, KEEPALIVE)


@pytest.mark.parametrize("empty", [b"", ""], ids=["binary", "text"])
def test_length_zero_may_be_followed_by_an_empty_payload(empty: bytes | str) -> None:
    header = encode_header(Header(Identifier.TEXT, 0))
    messages = [Message(Identifier.TEXT), Message(Identifier.KEEPALIVE)]
    assert messages == feed_all(header, empty, KEEPALIVE)


# Quirk 9.
def test_estimate_is_followed_by_the_exact_header() -> None:
    estimate = encode_header(Header(Identifier.FILE, 87636, estimated=True))
    exact = encode_header(Header(Identifier.FILE, 5))
    messages = feed_all(estimate, exact, "abcde", KEEPALIVE)
    assert [Message(Identifier.FILE, "abcde", 5), Message(Identifier.KEEPALIVE)] == messages


def test_exact_header_may_be_left_out() -> None:
    estimate = encode_header(Header(Identifier.FILE, 5, estimated=True))
    file, keepalive = feed_all(estimate, '{"a":1}', KEEPALIVE)
    assert Message(Identifier.FILE, '{"a":1}', 5) == file
    assert Message(Identifier.KEEPALIVE) == keepalive


# Quirk 10: another client keeps the flag although the next header is exact.
def test_exact_header_ends_the_estimate() -> None:
    estimate = encode_header(Header(Identifier.FILE, 5, estimated=True))
    exact = encode_header(Header(Identifier.FILE, 5))
    assembler = MessageAssembler()
    for frame in (estimate, exact, "abcde"):
        assembler.feed(frame)
    with pytest.raises(ProtocolError):
        assembler.feed("neither a header nor announced")


def test_repeated_estimates_are_one() -> None:
    estimate = encode_header(Header(Identifier.FILE, 5, estimated=True))
    exact = encode_header(Header(Identifier.FILE, 5))
    messages = feed_all(estimate, estimate, exact, "abcde")
    assert [Message(Identifier.FILE, "abcde", 5)] == messages


def test_estimated_keepalive_is_a_keepalive() -> None:
    header = encode_header(Header(Identifier.KEEPALIVE, 0, estimated=True))
    assert [Message(Identifier.KEEPALIVE)] == feed_all(header)


@pytest.mark.parametrize("frame", [b"12345678", "text", b"\x03\x06"])
def test_after_an_unannounced_frame_the_next_header_is_understood(frame: bytes | str) -> None:
    assembler = MessageAssembler()
    with pytest.raises(ProtocolError, match="expected a message header"):
        assembler.feed(frame)
    assert Message(Identifier.KEEPALIVE) == assembler.feed(KEEPALIVE)


# Quirk 11: such files come unasked; they are messages like others, for others to drop.
def test_unrequested_compressed_file_is_a_message() -> None:
    header = bytes.fromhex("03010000581b0000")
    blob = bytes.fromhex("1f8b0800") + bytes(6996)
    messages = feed_all(KEEPALIVE, header, blob, KEEPALIVE)
    keepalive = Message(Identifier.KEEPALIVE)
    assert [keepalive, Message(Identifier.FILE, blob, 7000), keepalive] == messages


def test_payloads_are_not_in_the_repr() -> None:
    assert "secret" not in repr(Message(Identifier.TEXT, "secret"))


frames = (
    headers.map(encode_header)
    | st.builds(Header, st.sampled_from(Identifier), st.sampled_from([0, 1]), st.booleans()).map(
        encode_header
    )
    | st.binary(max_size=9)
    | st.text(max_size=9)
)


@given(frames=st.lists(frames, max_size=12))
def test_any_sequence_of_frames_is_messages_or_refused(frames: list[bytes | str]) -> None:
    assembler = MessageAssembler()
    for frame in frames:
        assert is_value_or_protocol_error(partial(assembler.feed, frame))


@given(frames=st.lists(frames, max_size=12))
def test_whatever_came_before_two_keepalives_bring_it_in_step(frames: list[bytes | str]) -> None:
    # One may be taken for a payload that a header before it has announced.
    assembler = MessageAssembler()
    for frame in frames:
        is_value_or_protocol_error(partial(assembler.feed, frame))
    assembler.feed(KEEPALIVE)
    assert Message(Identifier.KEEPALIVE) == assembler.feed(KEEPALIVE)
