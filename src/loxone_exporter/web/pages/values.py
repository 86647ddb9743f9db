"""What a series shows, as people like to read it: 46.7 %, 1.6 kW, yes."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Final

from attrs import frozen

from loxone_exporter.metrics.inventory import ShownSeries
from loxone_exporter.metrics.quantities.digital import DIGITAL
from loxone_exporter.metrics.series import INFO_LABELS, LABELS, PLAIN_VALUE, TEXT_VALUE
from loxone_exporter.web.pages.wording import ago, duration


class Kind(enum.IntEnum):
    """What a series holds, the more telling first."""

    QUANTITY = enum.auto()
    NAMED = enum.auto()
    NUMBER = enum.auto()
    TIME = enum.auto()
    TEXT = enum.auto()
    PLAIN = enum.auto()
    LOCK = enum.auto()
    COUNT = enum.auto()
    INFO = enum.auto()


@frozen
class Value:
    """What a series shows.

    Attributes:
        kind: What that is.
        text: For people.
        exact: The number in the base unit, where the text has another one; empty otherwise.
        is_off: Whether it is a no.
    """

    kind: Kind
    text: str
    exact: str = ""
    is_off: bool = False


@frozen
class _Scale:
    """A unit that people read.

    Attributes:
        symbol: The unit.
        multiply: What a number in the base unit is multiplied by.
        decimals: How many are shown at most.
        least: From which number on, in the base unit, this unit is used.
    """

    symbol: str
    multiply: float = 1.0
    decimals: int = 1
    least: float = 0.0

    def write(self, value: float) -> str:
        return f"{_rounded(value * self.multiply, self.decimals)} {self.symbol}".rstrip()


_SCALES: Final[Mapping[str, tuple[_Scale, ...]]] = {
    "amperes": (_Scale("A", decimals=2),),
    "bytes": (
        _Scale("B"),
        _Scale("kB", 1e-3, least=1e3),
        _Scale("MB", 1e-6, least=1e6),
        _Scale("GB", 1e-9, least=1e9),
    ),
    "celsius": (_Scale("°C"),),
    "cubic_meters": (_Scale("l", 1e3), _Scale("m³", decimals=3, least=1)),
    "cubic_meters_per_second": (_Scale("l/h", 3.6e6), _Scale("m³/h", 3600, 2, 1 / 3600)),
    "decibels": (_Scale("dB"),),
    "degrees": (_Scale("°"),),
    "grams": (_Scale("g"), _Scale("kg", 1e-3, 2, 1e3)),
    "grams_per_cubic_meter": (_Scale("g/m³", decimals=2),),
    "grams_per_kilowatt_hour": (_Scale("g/kWh"),),
    "hertz": (_Scale("Hz", decimals=2),),
    "joules": (_Scale("Wh", 1 / 3600), _Scale("kWh", 1 / 3.6e6, least=3.6e6)),
    "lux": (_Scale("lx"),),
    "meters": (_Scale("mm", 1e3), _Scale("m", decimals=2, least=0.1), _Scale("km", 1e-3, 2, 1e4)),
    "meters_per_second": (_Scale("mm/h", 3.6e6), _Scale("m/s", least=1e-3)),
    "ohms": (_Scale("Ω"),),
    "pascals": (_Scale("hPa", 1e-2),),
    "ppm": (_Scale("ppm"),),
    "ratio": (_Scale("%", 100),),
    "square_meters": (_Scale("m²"),),
    "vars": (_Scale("var"),),
    "voltamperes": (_Scale("VA"),),
    "volts": (_Scale("V", decimals=2),),
    "watts": (_Scale("W"), _Scale("kW", 1e-3, 2, 1e3), _Scale("MW", 1e-6, 2, 1e6)),
    "watts_per_square_meter": (_Scale("W/m²"),),
}

_CURRENCY_UNITS: Final = {"_per_kilowatt_hour": "/kWh", "_per_hour": "/h", "": ""}
_CURRENCY_LENGTH = 3
_CURRENCY_DECIMALS = 4

_MINUTES_OF_A_DAY = 24 * 60

_DIGITAL: Final = frozenset(family.name for family in DIGITAL)
_LOCK: Final = "loxone_lock_state"
_CONTROL: Final = "loxone_control_info"
_TIME: Final = "_timestamp_seconds"
_NOT_TOLD: Final = frozenset({*LABELS, *INFO_LABELS, "state", "code"})
"""Labels that say what information is about; the others are what it says."""


def value_of(series: ShownSeries, now: float) -> Value:
    """What a series shows.

    Args:
        series: The series.
        now: The time, in Unix time.
    """
    if series.holding is not None:
        kind = Kind.LOCK if series.metric == _LOCK else Kind.NAMED
        return Value(kind, ", ".join(series.holding) or "none of its names")
    write = _WRITTEN.get(series.metric)
    if write is not None:
        return write(series.value)
    if series.metric.endswith("_info"):
        return Value(Kind.TEXT if series.metric == TEXT_VALUE else Kind.INFO, _told(series))
    return _typed(series, now)


def _typed(series: ShownSeries, now: float) -> Value:
    metric, number = series.metric, series.value
    if metric in _DIGITAL:
        return _yes_or_no(number)
    if metric.removesuffix("_total").endswith(_TIME):
        return Value(Kind.TIME, ago(number, now) if number else "never", plain(number))
    if not series.unit:
        return Value(Kind.NUMBER, plain(number))
    text = quantity(number, series.unit)
    exact = f"{plain(number)} {series.unit.replace('_', ' ')}"
    is_alike = text.partition(" ")[0] == plain(number)
    return Value(Kind.QUANTITY, text, "" if is_alike else exact)


def quantity(number: float, unit: str) -> str:
    """A number in a base unit, in a unit that people read."""
    if unit == "seconds":
        return duration(number) if number >= 1 else f"{_rounded(number, 3)} s"
    size = abs(number)
    for scale in reversed(_SCALES.get(unit, ())):
        if size >= scale.least:
            return scale.write(number)
    for ending, symbol in _CURRENCY_UNITS.items():
        currency = unit.removesuffix(ending)
        if unit.endswith(ending) and len(currency) == _CURRENCY_LENGTH:
            return f"{_rounded(number, _CURRENCY_DECIMALS)} {currency.upper()}{symbol}"
    return f"{plain(number)} {unit.replace('_', ' ')}"


def plain(number: float) -> str:
    """A number as it is, in few characters."""
    return f"{number:.10g}"


def _rounded(number: float, decimals: int) -> str:
    text = f"{number:,.{decimals}f}"
    text = text.rstrip("0").rstrip(".") if decimals else text
    return "0" if text == "-0" else text


def _yes_or_no(number: float) -> Value:
    return Value(Kind.NUMBER, "yes" if number else "no", plain(number), is_off=not number)


def _clock(number: float) -> Value:
    """Seconds after midnight."""
    minutes = int(number / 60 % _MINUTES_OF_A_DAY)
    exact = f"{plain(number)} seconds after midnight"
    return Value(Kind.TIME, f"{minutes // 60:02}:{minutes % 60:02}", exact)


def _on_for(number: float) -> Value:
    """How long a state was on; the seconds need no second number."""
    text = duration(number)
    exact = "" if text == f"{plain(number)} s" else f"{plain(number)} seconds"
    return Value(Kind.COUNT, f"on for {text}", exact)


def _told(series: ShownSeries) -> str:
    labels = series.labels
    if series.metric == _CONTROL:
        return f"UUID {labels['uuid']}"
    return ", ".join(value for name, value in labels.items() if name not in _NOT_TOLD and value)


_WRITTEN: Final[Mapping[str, Callable[[float], Value]]] = {
    PLAIN_VALUE: lambda number: Value(Kind.PLAIN, plain(number)),
    "loxone_miniserver_internet_reachable": _yes_or_no,
    "loxone_miniserver_sunrise_seconds": _clock,
    "loxone_miniserver_sunset_seconds": _clock,
    "loxone_control_activations_total": lambda number: Value(
        Kind.COUNT, f"came on {plain(number)} times"
    ),
    "loxone_control_on_seconds_total": _on_for,
}
"""How the families are written that are no quantities."""
