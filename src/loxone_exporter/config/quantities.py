"""Checks of what an override says of values: quantities and units."""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches

from loxone_exporter.config.checks import describe, exactly
from loxone_exporter.units import (
    HouseUnits,
    base_units,
    find_unit,
    is_degree_sign,
    is_reserved_end,
    spellings,
)


_QUANTITY = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_RESERVED_BEGINS = (
    "control",
    "exporter",
    "miniserver",
    "weather",
    "schedule_next_change",
    "energy_flow_node",
)
"""What other metrics of the exporter begin with."""


def quantity(value: object) -> str:
    """A quantity, as `temperature_target`, or an empty text for none."""
    text = exactly(value, str)
    if text and not _QUANTITY.fullmatch(text):
        raise ValueError(
            'expected lower-case words and digits, joined by underscores, such as "humidity", '
            f"found {describe(text)}"
        )
    for reserved in _RESERVED_BEGINS:
        if text == reserved or text.startswith(f"{reserved}_"):
            raise ValueError(f"names that begin with {reserved} are taken by other metrics")
    if is_reserved_end(text):
        end = text.rpartition("_")[2]
        raise ValueError(f"a name must not end with {end}, which means something else")
    for base in base_units():
        if text.endswith(f"_{base}"):
            raise ValueError(f"the unit comes behind the quantity by itself: leave out {base}")
    return text


def unit(value: object) -> str:
    """A unit in any spelling that format strings may have, or an empty text for none."""
    text = exactly(value, str)
    if not base_units_of(text):
        known = {spelling.casefold(): spelling for spelling in spellings()}
        nearest = get_close_matches(text.casefold(), known, n=1)
        meant = f", did you mean {known[nearest[0]]!r}?" if nearest else ""
        wanted = 'expected a unit such as "kWh", "°C", "%" or "l/min"'
        raise ValueError(f"{wanted}, found {describe(text)}{meant}")
    return text


def base_units_of(spelling: str) -> Collection[str]:
    """The base units in which what is sent in this unit may be shown; none if it is no unit."""
    if not spelling:
        return ("",)
    if is_degree_sign(spelling):
        return ("celsius", "degrees")
    found = find_unit(spelling, _house_of(spelling))
    return () if found is None else (found.base,)


def _house_of(unit_spelling: str) -> HouseUnits:
    """A house in which this could be a price: which currencies there are, its Miniserver knows."""
    currency, slash, _ = unit_spelling.partition("/")
    return HouseUnits(currency=currency if slash else "EUR")
