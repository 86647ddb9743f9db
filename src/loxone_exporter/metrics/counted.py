"""Which states are counted: the digital ones, but for settings."""

from __future__ import annotations

from collections.abc import Iterator

from loxone_exporter.loxone.structure import Structure
from loxone_exporter.loxone.uuids import StateUuid
from loxone_exporter.metrics.catalog import Entry, Kind, find_entry
from loxone_exporter.metrics.catalog.entry import SWITCHABLE
from loxone_exporter.metrics.decisions import decide


def is_counted(entry: Entry | None) -> bool:
    """Whether states of this row are counted.

    Args:
        entry: The row that holds for the very control; None where nobody knows the state.
    """
    return entry is not None and entry.kind is Kind.DIGITAL and entry is not SWITCHABLE


def counted_states(structure: Structure) -> Iterator[StateUuid]:
    """The states of a house that are to be watched, one after the other; each takes its time.

    Filters and overrides are none of its business: they may keep a state out of the scrape, and
    which of them do is worked out later, at the first one.

    Args:
        structure: The structure file.
    """
    for control in structure.walk():
        for state in control.states:
            # A decision takes its time, and most states cannot be digital.
            row = find_entry(control.type, state.base_name)
            if row is None or not any(map(is_counted, (row, *row.variants.values()))):
                continue
            if is_counted(decide(control, state, structure.units).entry):
                yield state.uuid
