"""From the number that a Miniserver sends to the one that a typed family shows."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Final, Protocol

from attrs import frozen

from loxone_exporter.loxone.uuids import StateUuid
from loxone_exporter.metrics.catalog import Epoch
from loxone_exporter.units import Unit


NO_VALUE: Final = 2147483.647
"""What any analog state may say where there is no value (control catalog, consequences, 4)."""

_LOXONE_EPOCH = 1230768000.0
_EARLIEST, _LATEST = _LOXONE_EPOCH, 2524608000.0
"""Times before 2009 or after 2049 are none: 0, -1, or counted since another year."""


class Conversion(Protocol):
    """Makes a number one of its family, or None where it says that there is no value."""

    def __call__(self, value: float, /) -> float | None:
        """Convert one number."""


@frozen
class DigitalConversion:
    """0 or 1; anything but 0 is yes, or the other way round."""

    is_inverted: bool = False

    def __call__(self, value: float, /) -> float | None:
        """Convert one number."""
        return float((value == 0) is self.is_inverted)


@frozen
class UnitConversion:
    """A number in the base unit of its family.

    Attributes:
        unit: What the Miniserver sends; None for a mere number.
        absent: Numbers that mean that there is no value.
    """

    unit: Unit | None
    absent: frozenset[float] = frozenset()

    def __call__(self, value: float, /) -> float | None:
        """Convert one number."""
        if value == NO_VALUE or value in self.absent:
            return None
        if self.unit is None:
            return value
        converted = self.unit.convert(value)
        return converted if math.isfinite(converted) else None


@frozen
class TimeConversion:
    """Unix time in seconds."""

    epoch: Epoch

    def __call__(self, value: float, /) -> float | None:
        """Convert one number."""
        match self.epoch:
            case Epoch.LOXONE:
                moment = value + _LOXONE_EPOCH
            case Epoch.UNIX_MILLISECONDS:
                moment = value / 1000
            case Epoch.UNIX:
                moment = value
        return moment if _EARLIEST < moment < _LATEST else None


@frozen(weakref_slot=False)
class CounterConversion:
    """A number of a counter, none of which is below zero (OpenMetrics 1.0, Counter).

    Attributes:
        convert: Makes the number one of its family.
    """

    convert: Conversion

    def __call__(self, value: float, /) -> float | None:
        """Convert one number."""
        converted = self.convert(value)
        return None if converted is None or converted < 0 else converted


@functools.lru_cache(maxsize=256)  # thousands of states have a few conversions between them
def unit_conversion(unit: Unit | None, absent: frozenset[float]) -> UnitConversion:
    """A conversion from this unit."""
    return UnitConversion(unit, absent)


@functools.lru_cache  # likewise
def time_conversion(epoch: Epoch) -> TimeConversion:
    """A conversion from times that are counted like this."""
    return TimeConversion(epoch)


UNCHANGED: Final = UnitConversion(None)
DIGITAL: Final = DigitalConversion()
INVERTED: Final = DigitalConversion(is_inverted=True)


@frozen
class Condition:
    """A digital state that says whether another state has a value at all.

    Attributes:
        uuid: Where it is found.
        wanted: What it is while there is a value.
    """

    uuid: StateUuid
    wanted: bool

    def holds(self, values: Mapping[StateUuid, float]) -> bool:
        """Whether there is a value; there is while nobody knows."""
        value = values.get(self.uuid)
        return value is None or bool(value) is self.wanted
