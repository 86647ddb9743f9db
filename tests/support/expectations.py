"""What the demo house is expected to become, typed by hand in data/demo-house.txt."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from attrs import field, frozen

from loxone_exporter.loxone.uuids import parse_uuid
from loxone_exporter.simulator.house import House


_FILE = Path(__file__).resolve().parents[1] / "data" / "demo-house.txt"
_HEADING = re.compile(r"\[(?P<type>[^]]+)\] (?P<name>.*) \| (?P<room>.*) \| (?P<category>.*)")

# Written down once more, so that a mistake in the exporter's own table shows.
IN_BASE_UNITS: Final[Mapping[str, Callable[[float], float]]] = {
    "celsius": lambda value: value,
    "kelvin": lambda value: value,
    "ratio": lambda value: value,
    "count": lambda value: value,
    "s": lambda value: value,
    "deg": lambda value: value,
    "lx": lambda value: value,
    "ppm": lambda value: value,
    "V": lambda value: value,
    "W": lambda value: value,
    "€": lambda value: value,
    "€/kWh": lambda value: value,
    "€/h": lambda value: value,
    "%": lambda value: value / 100,
    "kW": lambda value: value * 1_000,
    "kWh": lambda value: value * 3_600_000,
    "kg/kWh": lambda value: value * 1_000,
    "m3": lambda value: value,
    "l": lambda value: value / 1_000,
    "l/h": lambda value: value / 3_600_000,
    "km/h": lambda value: value / 3.6,
    "hPa": lambda value: value * 100,
    "mm": lambda value: value / 1_000,
    "mm/h": lambda value: value / 3_600_000,
    "h": lambda value: value * 3_600,
    "unix": lambda value: value,
    "unix-ms": lambda value: value / 1_000,
    "2009": lambda value: value + 1_230_768_000,
    "bool": lambda value: value,
    "inverted": lambda value: 1 - value,
    "nonzero": lambda value: float(value != 0),
}


@frozen
class Expected:
    """One state of the demo house.

    Attributes:
        labels: Those that its series have, but for `miniserver`.
        family: The typed family's samples; empty where there is none.
        is_optional: Whether that is served on request only.
        is_private: Whether not even the plain value is served.
        unit: A key of `IN_BASE_UNITS`.
        absent: Numbers that mean that there is no value.
    """

    labels: Mapping[str, str]
    family: str
    is_optional: bool
    is_private: bool
    unit: str
    absent: frozenset[float] = field(factory=frozenset)

    def value(self, sent: float) -> float | None:
        """What the typed family shows where this was sent."""
        return None if sent in self.absent else IN_BASE_UNITS[self.unit](sent)


def expected_states() -> Iterator[Expected]:
    """All states that are numbers."""
    heading: dict[str, str] = {}
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        if match := _HEADING.fullmatch(line):
            heading = match.groupdict()
        elif line.startswith("    "):
            subcontrol, family, *unit = re.split(r" {2,}", line.strip())
            words = " ".join(unit).split()
            yield Expected(
                labels={**heading, "subcontrol": subcontrol},
                family=family.strip("()") if family not in {"-", "!"} else "",
                is_optional=family.startswith("("),
                is_private=family == "!",
                unit=words[0] if words else "",
                absent=frozenset(float(word.removeprefix("absent=")) for word in words[1:]),
            )


def numbers_sent(house: House) -> list[float]:
    """The numbers of the house, in the order of the expectation; by a walk of our own."""
    values: list[float] = []

    def walk(controls: Mapping[str, Any]) -> None:
        for control in controls.values():
            for uuids in (control.get("states") or {}).values():
                for uuid in uuids if isinstance(uuids, list) else [uuids]:
                    value = house.values.get(parse_uuid(uuid))
                    if value is not None:
                        values.append(value)
            walk(control.get("subControls") or {})

    walk(json.loads(house.structure)["controls"])
    return values
