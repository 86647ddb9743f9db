"""The typed families: what each holds, in which base unit, gauge or counter.

One family holds one quantity in one base unit, so that its average makes sense. What is measured,
what is aimed at and what is a limit are different families, and so are the two directions of an
energy total. What repeats a value that somebody else measured has a family of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import evolve

from loxone_exporter.config.model import MetricType
from loxone_exporter.metrics.quantities.digital import DIGITAL
from loxone_exporter.metrics.quantities.energy import ENERGY
from loxone_exporter.metrics.quantities.environment import ENVIRONMENT
from loxone_exporter.metrics.quantities.family import COUNTABLE, COUNTED, READING, Family
from loxone_exporter.metrics.quantities.states import NAMED


__all__ = ["FAMILIES", "STATES", "Family", "find_family", "units_of", "without_reading"]

FAMILIES: Final[Mapping[str, Family]] = {
    family.key: family for family in (*ENVIRONMENT, *ENERGY, *DIGITAL)
}
"""All that the catalog may name, by key. `{currency}` stands for the Miniserver's, as `eur`."""

STATES: Final[Mapping[str, Family]] = {family.key: family for family in NAMED}
"""Likewise the families of named states, whose samples have a label `state` besides."""


_UNITS: Final[Mapping[str, frozenset[str]]] = {
    quantity: frozenset(family.unit for family in FAMILIES.values() if family.quantity == quantity)
    for quantity in {family.quantity for family in FAMILIES.values()}
}
_NAMES: Final = frozenset(family.name for family in (*FAMILIES.values(), *STATES.values()))


def units_of(quantity: str) -> frozenset[str]:
    """The base units that a quantity of the table has; none for one that is not in it."""
    return _UNITS.get(quantity, frozenset())


def find_family(
    quantity: str, unit: str, type_: MetricType, *, is_counted: bool = False
) -> Family | None:
    """The family of a quantity, in this unit and of this type; None where there cannot be one.

    What the table has is in the units of the table. Another quantity is invented: a configuration
    may name what it likes. Names are not given twice: a gauge whose name a counter has is the one
    for that counter's readings, and of a gauge that is no reading there is no counter. Which of the
    two an invented name is, its quantity and unit tell alone, so that no two states disagree.

    Args:
        quantity: As `temperature_target`.
        unit: The base unit; with `{currency}` where it is one.
        type_: Gauge or counter.
        is_counted: Whether the configuration says of the quantity, if it is invented, that it is a
            counter; what meters count needs nobody to say so.
    """
    if quantity not in _UNITS:
        return _invent(quantity, unit, type_, is_counted=is_counted)
    counter = Family(without_reading(quantity), unit, "counter", "")
    if counter.key in FAMILIES:
        reading = evolve(counter, quantity=counter.quantity + READING, type="gauge")
        return FAMILIES[counter.key if type_ == "counter" else reading.key]
    return FAMILIES.get(evolve(counter, quantity=quantity, type="gauge").key)


def without_reading(quantity: str) -> str:
    """The quantity of which this may be the readings."""
    while quantity.endswith(READING):
        quantity = quantity.removesuffix(READING)
    return quantity


def _invent(quantity: str, unit: str, type_: MetricType, *, is_counted: bool) -> Family | None:
    if unit == "seconds" and quantity.endswith("_timestamp"):
        quantity, unit = quantity.removesuffix("_timestamp"), "timestamp_seconds"
    if unit not in (COUNTABLE if is_counted else COUNTED):
        type_ = "gauge"
    elif type_ == "gauge":
        quantity = without_reading(quantity) + READING
    else:
        quantity = without_reading(quantity)
    family = Family(quantity, unit, type_, "What an override in the configuration makes of it.")
    return None if family.name in _NAMES else family
