"""What a simulated Miniserver sends over the WebSocket: headers and frames, right and wrong ones.

Without I/O: what is sent follows from the profile and the faults, as they are at the moment. Each
message comes as pieces to be sent one after the other (protocol reference, sections 2.2 to 2.5 and
5.3).
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import cycle, islice
from random import Random
from typing import Final, TypeVar

from attrs import define, evolve, field

from loxone_exporter.loxone.header import Header, Identifier, encode_header
from loxone_exporter.loxone.tables import (
    Weather,
    encode_daytimers,
    encode_texts,
    encode_values,
    encode_weather,
)
from loxone_exporter.loxone.uuids import StateUuid
from loxone_exporter.simulator.connection import BINARY_FRAME, TEXT_FRAME, frame, frame_head
from loxone_exporter.simulator.faults import Faults
from loxone_exporter.simulator.house import House
from loxone_exporter.simulator.profile import Profile
from loxone_exporter.simulator.structure_faults import STAND_IN, spoil_json, spoil_utf8


_T = TypeVar("_T")

_UNKNOWN_IDENTIFIER: Final = 9
_FLAGS_AT: Final = 2
_OVERSIZE: Final = 1 << 30
_OVERSIZE_BEGINNING: Final = bytes(64 * 1024)
_UNREQUESTED_SIZE: Final = 7000  # section 2.5
_UNASKED_TEXT: Final = b"2026-01-01 08:00:00.000;PRG start program\r\n"
_UNASKED_ANSWER: Final = b'{"LL": { "control": "dev/sps/io/Q2", "value": "0", "Code": "404"}}\r\n'
_GZIP_OVERHEAD: Final = 23  # of what cannot be compressed
_ODD_NUMBERS: Final = (math.nan, math.inf, -math.inf)
_NO_STATE: Final = StateUuid(bytes(16))


@define(eq=False)
class Messages:
    """Writes the messages of one device.

    Attributes:
        profile: What kind of device it is.
        faults: What it does wrong at the moment.
    """

    profile: Profile
    faults: Faults
    _random: Random = field(factory=lambda: Random(1))  # noqa: S311  # noise, no cryptography

    def out_of_service(self) -> Iterator[bytes]:
        """The announcement of a restart, which has no payload."""
        yield self._header(Header(Identifier.OUT_OF_SERVICE, 0))

    def keepalive(self) -> Iterator[bytes]:
        """The answer to a keepalive, which has no payload."""
        yield self._header(Header(Identifier.KEEPALIVE, 0))
        if self.faults.gzip_after_keepalive:
            yield from self._message(Identifier.FILE, BINARY_FRAME, _unrequested_file())

    def text(self, payload: bytes) -> Iterator[bytes]:
        """An answer."""
        if self.faults.invalid_utf8_answer:
            payload = spoil_utf8(payload[:-1] + STAND_IN.encode() + payload[-1:])
        yield from self._stranger()
        yield from self._message(Identifier.TEXT, TEXT_FRAME, payload)

    def unasked(self, *, with_answer: bool) -> Iterator[bytes]:
        """A text that nobody asked for, and an answer likewise."""
        yield from self._message(Identifier.TEXT, TEXT_FRAME, _UNASKED_TEXT)
        if with_answer:
            yield from self._message(Identifier.TEXT, TEXT_FRAME, _UNASKED_ANSWER)

    def structure(self, content: bytes) -> Iterator[bytes]:
        """The structure file (section 2.4)."""
        identifier = Identifier(self.profile.structure_identifier)
        if self.faults.estimate_without_exact:
            yield self._header(Header(identifier, len(content), estimated=True))
        else:
            if self.profile.structure_estimated:
                guess = len(content) + len(content) // 16
                yield self._header(Header(identifier, guess, estimated=True))
            yield self._header(Header(identifier, len(content)))
        yield frame(BINARY_FRAME if self.profile.structure_binary else TEXT_FRAME, content)

    def all_states(self, house: House) -> Iterator[bytes]:
        """The full tables that follow a subscription (section 5.1)."""
        if self.faults.empty_tables:
            yield from self._empty_tables()
        yield from self.events(house.values, house.texts)
        if house.daytimers:
            yield from self._table(Identifier.DAYTIMERS, encode_daytimers(house.daytimers))
        if house.weather:
            yield from self._table(Identifier.WEATHER, encode_weather(house.weather))

    def events(
        self, values: Mapping[StateUuid, float], texts: Mapping[StateUuid, str]
    ) -> Iterator[bytes]:
        """Changed states, in batches."""
        batch = self.profile.values_per_table
        for some_values in _batches(self._spoil_values(values), batch):
            yield from self._table(Identifier.VALUES, encode_values(some_values))
        padding = self.profile.text_padding
        if self.faults.text_padding:
            padding = self.faults.text_padding * 3  # however few they are, three are needed
        for some_texts in _batches(self._spoil_texts(texts), batch):
            table = encode_texts(some_texts, padding=padding)
            if self.faults.invalid_utf8_text:
                table = spoil_utf8(table)
            yield from self._table(Identifier.TEXTS, table)

    def flood(self, house: House, first: int, count: int) -> Iterator[bytes]:
        """So many value events: the states as they are, over and over, from one of them on."""
        for values in _batches(islice(cycle(house.values.items()), first, first + count), 1000):
            yield from self._table(Identifier.VALUES, encode_values(values))

    def garbage(self) -> Iterator[bytes]:
        """Frames that are no messages."""
        yield frame(BINARY_FRAME, self._random.randbytes(self._random.randrange(64)))
        yield frame(TEXT_FRAME, self._random.randbytes(self._random.randrange(32)).hex().encode())

    def oversize(self) -> Iterator[bytes]:
        """The beginning of a message that no client can want."""
        yield self._header(Header(Identifier.FILE, _OVERSIZE))
        yield frame_head(BINARY_FRAME, _OVERSIZE) + _OVERSIZE_BEGINNING

    def _empty_tables(self) -> Iterator[bytes]:
        """A table without a frame, one with an empty frame, and weather without hours."""
        yield self._header(Header(Identifier.VALUES, 0))
        yield self._header(Header(Identifier.TEXTS, 0))
        yield frame(BINARY_FRAME, b"")
        without_hours = encode_weather([Weather(_NO_STATE, 0), Weather(_NO_STATE, 0)])
        yield from self._table(Identifier.WEATHER, without_hours)

    def _spoil_values(self, values: Mapping[StateUuid, float]) -> Iterable[tuple[StateUuid, float]]:
        if not self.faults.nan_values:
            return values.items()
        return zip(values, cycle(_ODD_NUMBERS), strict=False)

    def _spoil_texts(self, texts: Mapping[StateUuid, str]) -> Iterable[tuple[StateUuid, str]]:
        return ((uuid, self._spoil_text(text)) for uuid, text in texts.items())

    def _spoil_text(self, text: str) -> str:
        faults = self.faults
        if faults.control_characters:
            text = spoil_json(text)
        if faults.double_encoded_texts:
            text = json.dumps(text)
        if faults.invalid_utf8_text:
            text += STAND_IN
        return f"{text}\0\0" if faults.trailing_nuls else text

    def _table(self, identifier: Identifier, table: bytes) -> Iterator[bytes]:
        yield from self._stranger()
        remainder = bytes(self.faults.table_remainder)
        yield from self._message(identifier, BINARY_FRAME, table + remainder)

    def _stranger(self) -> Iterator[bytes]:
        if self.faults.unknown_identifier:
            yield from self._message(_UNKNOWN_IDENTIFIER, BINARY_FRAME, b"unknown")

    def _message(self, identifier: int, kind: int, payload: bytes) -> Iterator[bytes]:
        yield self._header(Header(identifier, len(payload)))
        yield frame(kind, payload)

    def _header(self, header: Header) -> bytes:
        if self.faults.length_mismatch and header.length:
            header = evolve(header, length=header.length + 1)
        encoded = bytearray(encode_header(header))
        encoded[_FLAGS_AT] |= self.faults.header_flags or 0
        return frame(BINARY_FRAME, bytes(encoded))


def _unrequested_file() -> bytes:
    """A file in gzip's format, of the size that was seen."""
    content = Random(1).randbytes(_UNREQUESTED_SIZE - _GZIP_OVERHEAD)  # noqa: S311  # as above
    return gzip.compress(content, mtime=0)


def _batches(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
