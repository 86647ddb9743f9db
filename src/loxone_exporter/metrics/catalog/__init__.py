"""What the states of control types mean: one table, by type and state (control catalog)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from loxone_exporter.metrics.catalog.climate import CLIMATE
from loxone_exporter.metrics.catalog.energy import ENERGY
from loxone_exporter.metrics.catalog.entry import (
    LOCK,
    TEXT,
    UNKNOWN,
    Entry,
    Epoch,
    Kind,
    Members,
    Names,
    Privacy,
)
from loxone_exporter.metrics.catalog.rooms import ROOMS
from loxone_exporter.metrics.catalog.safety import SAFETY


__all__ = [
    "CATALOG",
    "COMMON",
    "Entry",
    "Epoch",
    "Kind",
    "Members",
    "Names",
    "Privacy",
    "find_entry",
    "is_private",
]

CATALOG: Final[Mapping[str, Mapping[str, Entry]]] = {**CLIMATE, **ENERGY, **ROOMS, **SAFETY}
"""By control type and state; `#` stands for the digits that a state's name ends with."""

COMMON: Final[Mapping[str, Entry]] = {"jLocked": LOCK, "events": UNKNOWN, "infoText": TEXT}
"""States that many types have."""

_OF_UNKNOWN_TYPES: Final[Mapping[str, Entry]] = {
    state: entry
    for states in CATALOG.values()
    for state, entry in states.items()
    if entry.is_private and state not in COMMON
}
"""What is private in one type may be so in a new one, which nobody knows yet."""

_NUMBER_AT_END = re.compile(r"\d+$")


def find_entry(control_type: str, state_name: str) -> Entry | None:
    """The row of a state; None where nobody knows it.

    Args:
        control_type: As in the structure file.
        state_name: Likewise, without the index of a list.
    """
    states = CATALOG.get(control_type, _OF_UNKNOWN_TYPES)
    return (
        states.get(state_name)
        or states.get(_NUMBER_AT_END.sub("#", state_name))
        or COMMON.get(state_name)
    )


def is_private(control_type: str, state_name: str) -> bool:
    """Whether a state is never exported, for it holds a secret or tells about persons.

    Args:
        control_type: As in the structure file.
        state_name: Likewise, without the index of a list.
    """
    entry = find_entry(control_type, state_name)
    return entry is not None and entry.is_private
