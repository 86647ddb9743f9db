"""What a house has to look like in a scrape, by a walk of our own through its structure file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from loxone_exporter.loxone.structure import parse_structure
from loxone_exporter.loxone.uuids import StateUuid, parse_uuid
from loxone_exporter.metrics.privacy import private_uuids
from loxone_exporter.simulator.house import House
from loxone_exporter.simulator.structure_file import read_document


Row: TypeAlias = tuple[str, str, str, str, str, float]
"""Name, room, category, type, subcontrol and value; names without what makes them unique."""

_UNIQUE = re.compile(r" \([0-9a-f]{8}(?:-[0-9a-f]{4}){2}-[0-9a-f]{16}(?:/[^()/]+)*\)(?=/|$)")


def rows_of(house: House) -> Iterator[Row]:
    """The rows of all numeric states that are exported."""
    document = read_document(house.structure)
    hidden = private_uuids(parse_structure(house.structure))
    rooms = _names(document.get("rooms", {}))
    categories = _names(document.get("cats", {}))

    def walk(
        controls: Mapping[str, Any], top: str | None, room: str, category: str, path: str
    ) -> Iterator[Row]:
        for control in controls.values():
            own_room = rooms.get(control.get("room"), room)
            own_category = categories.get(control.get("cat"), category)
            own_path = path if top is None else f"{path}{control['name']}/"
            name = top or control["name"]
            for label, uuid in _states(control):
                if uuid in house.values and uuid not in hidden:
                    yield (
                        name,
                        own_room,
                        own_category,
                        control["type"],
                        f"{own_path}{label}",
                        house.values[uuid],
                    )
            parts = control.get("subControls") or {}
            yield from walk(parts, name, own_room, own_category, own_path)

    return walk(document["controls"], None, "", "", "")


def _names(section: Mapping[str, Any]) -> dict[str | None, str]:
    return {uuid: entry["name"] for uuid, entry in section.items()}


def _states(control: Mapping[str, Any]) -> Iterator[tuple[str, StateUuid]]:
    for state, uuids in (control.get("states") or {}).items():
        if isinstance(uuids, list):
            for index, uuid in enumerate(uuids):
                yield f"{state}[{index}]", parse_uuid(uuid)
        else:
            yield state, parse_uuid(uuids)


def row_of(labels: Mapping[str, str], value: float) -> Row:
    """The row that a sample shows."""
    return (
        _UNIQUE.sub("", labels["name"]),
        labels["room"],
        labels["category"],
        labels["type"],
        _UNIQUE.sub("", labels["subcontrol"]),
        value,
    )


def mistakes(expected: Iterable[Row], shown: Iterable[Row]) -> Iterator[str]:
    """What is shown and not so, and what is so and not shown."""
    wanted, found = Counter(expected), Counter(shown)
    for row, count in (found - wanted).items():
        yield f"shown {count} time(s) too often: {row}"
    for row, count in (wanted - found).items():
        yield f"not shown {count} time(s): {row}"
