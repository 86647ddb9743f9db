"""Event tables: live values as they cross the wire (protocol reference, section 5.3).

A table is a run of entries without a count. Each reader hands out the whole entries one by one.
What is left over after the last of them, and is none, is a `RemainderError`, or a plain
`ProtocolError` where there was not a single one.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Iterator
from typing import Any

from attrs import frozen

from loxone_exporter.errors import ProtocolError, RemainderError
from loxone_exporter.loxone.uuids import StateUuid


_VALUE = struct.Struct("<16sd")
_TEXT = struct.Struct("<16s16sI")
_DAYTIMER = struct.Struct("<16sdi")
_DAYTIMER_ENTRY = struct.Struct("<iiiid")
_WEATHER = struct.Struct("<16sIi")
_WEATHER_ENTRY = struct.Struct("<iiiiidddddd")

_MOST_PARTS = 1000
"""Switching times of a schedule, or hours of a forecast, that are read; more than that is nonsense,
and would have to be kept."""

NO_ICON = bytes(16)


@frozen
class DaytimerEntry:
    """One switching time: minutes since local midnight, and the value between them."""

    mode: int
    start: int
    end: int
    need_activate: int
    value: float


@frozen
class Daytimer:
    """The schedule of one daytimer."""

    uuid: StateUuid
    default: float
    entries: tuple[DaytimerEntry, ...] = ()

    def non_finite(self) -> int:
        """How many of its numbers are none, or infinite."""
        numbers = (self.default, *(entry.value for entry in self.entries))
        return sum(not math.isfinite(number) for number in numbers)


@frozen
class WeatherEntry:
    """The weather at one time; the units are those of `weatherServer.format` in the structure file.

    Attributes:
        timestamp: Seconds since 2009-01-01 UTC.
    """

    timestamp: int
    weather_type: int
    wind_direction: int
    solar_radiation: int
    relative_humidity: int
    temperature: float
    perceived_temperature: float
    dew_point: float
    precipitation: float
    wind_speed: float
    barometric_pressure: float

    def non_finite(self) -> int:
        """How many of its numbers are none, or infinite."""
        numbers = (
            self.temperature,
            self.perceived_temperature,
            self.dew_point,
            self.precipitation,
            self.wind_speed,
            self.barometric_pressure,
        )
        return sum(not math.isfinite(number) for number in numbers)


@frozen
class Weather:
    """Actual weather or forecast.

    Attributes:
        last_update: Seconds since 2009-01-01 UTC.
    """

    uuid: StateUuid
    last_update: int
    entries: tuple[WeatherEntry, ...] = ()


def decode_values(payload: bytes) -> Iterator[tuple[StateUuid, float]]:
    """Read a value table.

    Raises:
        ProtocolError: While iterating, where the last entry is cut off.
    """
    remainder = len(payload) % _VALUE.size
    return _values_before(payload, remainder) if remainder else _VALUE.iter_unpack(payload)


def _values_before(payload: bytes, remainder: int) -> Iterator[tuple[StateUuid, float]]:
    end = len(payload) - remainder
    yield from _VALUE.iter_unpack(payload[:end])
    raise _cut_off(end, f"a value entry is cut off after {remainder} bytes")


def encode_values(values: Iterable[tuple[StateUuid, float]]) -> bytes:
    """Write a value table."""
    return b"".join(_VALUE.pack(uuid, value) for uuid, value in values)


def decode_texts(payload: bytes) -> Iterator[tuple[StateUuid, str]]:
    """Read a text table; invalid UTF-8 is replaced, trailing NULs are cut off.

    Raises:
        ProtocolError: While iterating, where an entry is cut off.
    """
    offset = 0
    while offset < len(payload):
        uuid, _icon, length = _unpack(_TEXT, payload, offset, "text")
        offset += _TEXT.size
        if length > len(payload) - offset:
            raise _cut_off(offset - _TEXT.size, f"a text entry of {length} bytes is cut off")
        text = payload[offset : offset + length].decode("utf-8", errors="replace")
        yield StateUuid(uuid), text.rstrip("\0")
        offset += length + _padding(length)


def encode_texts(texts: Iterable[tuple[StateUuid, str]], *, padding: bytes = bytes(3)) -> bytes:
    """Write a text table.

    Args:
        texts: State UUIDs and their texts.
        padding: Three bytes from which the padding is taken; a real Miniserver does not zero it.
    """
    parts = []
    for uuid, text in texts:
        data = text.encode()
        parts += [_TEXT.pack(uuid, NO_ICON, len(data)), data, padding[: _padding(len(data))]]
    return b"".join(parts)


def decode_daytimers(payload: bytes) -> Iterator[Daytimer]:
    """Read a daytimer table.

    Raises:
        ProtocolError: While iterating, where an entry is cut off.
    """
    offset = 0
    while offset < len(payload):
        uuid, default, count = _unpack(_DAYTIMER, payload, offset, "daytimer")
        entries = _unpack_many(_DAYTIMER, _DAYTIMER_ENTRY, payload, offset, count, kind="daytimer")
        yield Daytimer(StateUuid(uuid), default, tuple(DaytimerEntry(*entry) for entry in entries))
        offset += _DAYTIMER.size + _DAYTIMER_ENTRY.size * count


def encode_daytimers(daytimers: Iterable[Daytimer]) -> bytes:
    """Write a daytimer table."""
    parts = []
    for daytimer in daytimers:
        parts.append(_DAYTIMER.pack(daytimer.uuid, daytimer.default, len(daytimer.entries)))
        parts += [
            _DAYTIMER_ENTRY.pack(e.mode, e.start, e.end, e.need_activate, e.value)
            for e in daytimer.entries
        ]
    return b"".join(parts)


def decode_weather(payload: bytes) -> Iterator[Weather]:
    """Read a weather table.

    Raises:
        ProtocolError: While iterating, where an entry is cut off.
    """
    offset = 0
    while offset < len(payload):
        uuid, last_update, count = _unpack(_WEATHER, payload, offset, "weather")
        entries = _unpack_many(_WEATHER, _WEATHER_ENTRY, payload, offset, count, kind="weather")
        yield Weather(
            StateUuid(uuid), last_update, tuple(WeatherEntry(*entry) for entry in entries)
        )
        offset += _WEATHER.size + _WEATHER_ENTRY.size * count


def encode_weather(reports: Iterable[Weather]) -> bytes:
    """Write a weather table."""
    parts = []
    for report in reports:
        parts.append(_WEATHER.pack(report.uuid, report.last_update, len(report.entries)))
        parts += [
            _WEATHER_ENTRY.pack(
                e.timestamp,
                e.weather_type,
                e.wind_direction,
                e.solar_radiation,
                e.relative_humidity,
                e.temperature,
                e.perceived_temperature,
                e.dew_point,
                e.precipitation,
                e.wind_speed,
                e.barometric_pressure,
            )
            for e in report.entries
        ]
    return b"".join(parts)


def _padding(length: int) -> int:
    return -length % 4


def _unpack(layout: struct.Struct, payload: bytes, offset: int, kind: str) -> tuple[Any, ...]:
    left = len(payload) - offset
    if left < layout.size:
        raise _cut_off(offset, f"a {kind} entry is cut off after {left} bytes")
    return layout.unpack_from(payload, offset)


def _unpack_many(
    head: struct.Struct, part: struct.Struct, payload: bytes, offset: int, count: int, *, kind: str
) -> Iterator[tuple[Any, ...]]:
    """Read the parts of an entry that begins at an offset; of too many, the first ones."""
    start, size = offset + head.size, part.size * count
    if not 0 <= size <= len(payload) - start:
        raise _cut_off(offset, f"a {kind} entry announces {count} sub-entries and is cut off")
    return part.iter_unpack(payload[start : start + min(size, part.size * _MOST_PARTS)])


def _cut_off(offset: int, text: str) -> ProtocolError:
    """What is wrong at an offset, before which all entries are whole."""
    return RemainderError(text) if offset else ProtocolError(text)
