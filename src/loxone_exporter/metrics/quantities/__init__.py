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
from loxone_exporter.metrics.quantities.family import READING, Family
from loxone_exporter.metrics.quantities.states import NAMED


__all__ = ["FAMILIES", "STATES", "Family", "find_family", "units_of"]

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


def find_family(quantity: str, unit: str, type_: MetricType) -> Family | None:
    """The family of a quantity, in this unit and of this type; None where there cannot be one.

    What the table has is in the units of the table. Another quantity is invented: a configuration
    may name what it likes. Names are not given twice: a gauge whose name a counter of the table has
    is the one for that counter's readings, and of a gauge of the table that is no reading there is
    no counter.

    Args:
        quantity: As `temperature_target`.
        unit: The base unit; with `{currency}` where it is one.
        type_: Gauge or counter.
    """
    invented = Family(quantity, unit, type_, "What an override in the configuration makes of it.")
    if quantity not in _UNITS:
        return None if invented.name in _NAMES else invented
    counter = evolve(invented, quantity=quantity.removesuffix(READING), type="counter")
    if counter.key in FAMILIES:
        reading = evolve(counter, quantity=counter.quantity + READING, type="gauge")
        return FAMILIES[counter.key if type_ == "counter" else reading.key]
    return FAMILIES.get(evolve(invented, type="gauge").key)
