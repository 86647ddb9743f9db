"""Houses of which the soak knows everything at any time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from random import Random
from typing import Any, Final

from attrs import frozen

from benchmarks.house import InventedHouse
from loxone_exporter.loxone.uuids import parse_uuid
from loxone_exporter.simulator.demo import DemoHouse
from loxone_exporter.simulator.house import Changes, House, PlayedHouse
from loxone_exporter.simulator.structure_changes import rename_a_control, write_structure
from loxone_exporter.simulator.structure_file import read_document, write_document


WITNESS_TYPE: Final = "InfoOnlyAnalog"
MOST_EXTENSIONS: Final = 60
"""How many controls come and go at most: a house does not grow for ever."""

_FIRST_EVIDENCE: Final = 100_000.03125
"""From a million on, expositions have exponents."""

_MODIFICATIONS: Final = "50ac0000-0003-0000-ffff000000000000"


@frozen
class Evidence:
    """What a scrape shows once it is as the house is.

    Attributes:
        name: The witness's name, which every renaming changes.
        value: A number that nothing else ever has.
    """

    name: str
    value: float


class WatchedHouse(House):
    """A house with a witness in it: a control whose value nobody changes but the soak.

    It is the first control of the structure file, so that renaming the first control renames it.
    """

    def __init__(self, inner: House, number: int) -> None:
        """Put a witness into a house.

        Args:
            inner: The house.
            number: Tells the witnesses of houses apart.
        """
        self._inner = inner
        self._number = number
        self._extensions: dict[str, str] = {}
        self._extensions_in_all = 0
        self._evidence = _FIRST_EVIDENCE
        self.is_frozen = False
        self.values = inner.values
        self.texts = inner.texts
        self.daytimers = inner.daytimers
        self.weather = inner.weather

        document = read_document(inner.structure)
        self._key = self._uuid(1, 0)
        witness = self._control(self._key, "Witness", self._uuid(2, 0))
        document["controls"] = {self._key: witness, **document["controls"]}
        document.setdefault("globalStates", {}).setdefault("modifications", _MODIFICATIONS)
        self.structure = write_document(document)
        self.last_modified = inner.last_modified
        self.values[parse_uuid(self._uuid(2, 0))] = self._evidence

    def advance(self, seconds: float) -> Changes:
        """Let time pass, unless the house is frozen."""
        return Changes({}, {}) if self.is_frozen else self._inner.advance(seconds)

    @property
    def evidence(self) -> Evidence:
        """What the witness says now."""
        name = read_document(self.structure)["controls"][self._key]["name"]
        return Evidence(name, self._evidence)

    def next_evidence(self) -> Changes:
        """Have the witness say something new; to be published."""
        self._evidence += 1
        return Changes({parse_uuid(self._uuid(2, 0)): self._evidence}, {})

    def extend(self, chance: Random) -> None:
        """Add controls, or take some of those away that were added, and rename the witness.

        Args:
            chance: Decides how many.
        """
        document = read_document(self.structure)
        room = MOST_EXTENSIONS - len(self._extensions)
        if self._extensions and (not room or chance.random() < 1 / 2):
            count = chance.randint(1, len(self._extensions))
            for key in chance.sample(list(self._extensions), count):
                del document["controls"][key]
                del self.values[parse_uuid(self._extensions.pop(key))]
        else:
            for key, control in self._new_controls(chance.randint(1, room)):
                document["controls"][key] = control
        write_structure(self, document)
        rename_a_control(self)

    def _new_controls(self, count: int) -> Iterator[tuple[str, dict[str, Any]]]:
        for _ in range(count):
            self._extensions_in_all += 1
            number = self._extensions_in_all
            key, state = self._uuid(3, number), self._uuid(4, number)
            self._extensions[key] = state
            self.values[parse_uuid(state)] = number + 0.25
            # Names that others have had before, and have at the same time.
            yield key, self._control(key, f"Extension {number % MOST_EXTENSIONS // 2}", state)

    def _control(self, key: str, name: str, state: str) -> dict[str, Any]:
        return {
            "name": name,
            "type": WITNESS_TYPE,
            "uuidAction": key,
            "details": {"format": "%.1f"},
            "states": {"value": state},
        }

    def _uuid(self, kind: int, number: int) -> str:
        return f"50ac{kind:04x}-{self._number:04x}-0000-ffff{number:012x}"


def demo_house(number: int) -> WatchedHouse:
    """The demo house, each time with other people and other weather."""
    return WatchedHouse(DemoHouse(now=dt.datetime.now().astimezone(), seed=number), number)


def small_house(number: int, *, controls: int = 20) -> WatchedHouse:
    """A house of a few controls, in which every state is a number that no other state has."""
    return WatchedHouse(PlayedHouse(InventedHouse(controls, number=number).structure), number)
