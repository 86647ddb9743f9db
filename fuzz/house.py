"""A wing of the demo house: some of its controls, with their states, small enough to be quick."""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from attrs import frozen

from loxone_exporter.loxone.structure import parse_structure
from loxone_exporter.loxone.tables import Daytimer, Weather
from loxone_exporter.loxone.uuids import StateUuid
from loxone_exporter.simulator.demo import DemoHouse
from loxone_exporter.simulator.house import Changes, House
from loxone_exporter.simulator.structure_changes import modifications_state


NOON: Final = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)

_UNMODIFIED: Final = 6
_ODD_TEXTS: Final = ("", "plain", 'q"\\\n', "Küche 🐴", '{"locked": 1}', '[{"id": 1, "name": "x"}]')


@frozen
class _Demo:
    document: dict[str, Any]
    values: Mapping[StateUuid, float]
    texts: Mapping[StateUuid, str]
    daytimers: Sequence[Daytimer]
    weather: Sequence[Weather]


@functools.cache
def _demo() -> _Demo:
    house = DemoHouse(now=NOON)
    return _Demo(
        json.loads(house.structure), house.values, house.texts, house.daytimers, house.weather
    )


@functools.cache
def number_of_controls() -> int:
    """How many controls there are to choose from."""
    return len(_demo().document["controls"])


@functools.cache
def whole_house() -> Wing:
    """All of them."""
    return Wing(range(number_of_controls()))


class Wing(House):
    """Some controls of the demo house; nothing changes by itself.

    Attributes:
        document: The structure file, as JSON.
    """

    def __init__(
        self, controls: Sequence[int], *, last_modified: str = "2026-05-01 08:00:00"
    ) -> None:
        """Build it.

        Args:
            controls: Which ones, by their places in the demo house.
            last_modified: The date of the structure file.
        """
        demo = _demo()
        all_controls = list(demo.document["controls"].items())
        self.last_modified = last_modified
        self.document = {
            **demo.document,
            "lastModified": last_modified,
            "controls": dict(all_controls[place] for place in controls),
        }
        self.structure = json.dumps(self.document, ensure_ascii=False).encode()
        known = parse_structure(self.structure).state_uuids()
        self.values = {uuid: value for uuid, value in demo.values.items() if uuid in known}
        self.texts = {uuid: text for uuid, text in demo.texts.items() if uuid in known}
        self.daytimers = [daytimer for daytimer in demo.daytimers if daytimer.uuid in known]
        self.weather = [weather for weather in demo.weather if weather.uuid in known]
        self._modifications = modifications_state(self.structure)

    def advance(self, seconds: float) -> Changes:  # noqa: ARG002  # as any house
        """Let nothing happen."""
        return Changes({}, {})

    def change(self, number: int) -> Changes:
        """New values for all states, that are not those of any other number.

        Now and then one of them says that the structure file was modified.
        """
        values = {uuid: float(1000 * number + at) for at, uuid in enumerate(self.values)}
        texts = {
            uuid: text if ":" in text else f"{_ODD_TEXTS[(number + at) % len(_ODD_TEXTS)]}"
            for at, (uuid, text) in enumerate(self.texts.items())
        }
        if self._modifications is not None and number % _UNMODIFIED:
            texts.pop(self._modifications, None)
            values.pop(self._modifications, None)
        return Changes(values, texts)
