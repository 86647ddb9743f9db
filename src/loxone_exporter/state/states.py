"""The states of one house, and how many events told them."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, field

from loxone_exporter.loxone.tables import Daytimer, Weather
from loxone_exporter.loxone.uuids import StateUuid


@define
class EventCounts:
    """How many events came, by their kind.

    Attributes:
        values: Numbers.
        texts: Texts.
        daytimers: Schedules.
        weather: Reports of the weather.
        unknown: Those of all of them whose state the structure does not have.
    """

    values: int = 0
    texts: int = 0
    daytimers: int = 0
    weather: int = 0
    unknown: int = 0


@define(eq=False)
class States:
    """The states of one house, each under the UUID that its structure holds.

    Attributes:
        values: The last number of each state; finite, and only of states in the structure.
        texts: Likewise, the last text.
        daytimers: Likewise, the last schedule.
        weather: Likewise, the last weather or forecast.
    """

    values: dict[StateUuid, float] = field(factory=dict)
    texts: dict[StateUuid, str] = field(factory=dict)
    daytimers: dict[StateUuid, Daytimer] = field(factory=dict)
    weather: dict[StateUuid, Weather] = field(factory=dict)

    def all_uuids(self) -> set[StateUuid]:
        """The states of which anything is known."""
        return {*self.values, *self.texts, *self.daytimers, *self.weather}

    def known_to(self, known: Mapping[StateUuid, StateUuid]) -> States:
        """Those of them that another structure has as well, under its UUIDs."""
        return States(
            {known[uuid]: value for uuid, value in self.values.items() if uuid in known},
            {known[uuid]: text for uuid, text in self.texts.items() if uuid in known},
            {known[uuid]: daytimer for uuid, daytimer in self.daytimers.items() if uuid in known},
            {known[uuid]: weather for uuid, weather in self.weather.items() if uuid in known},
        )
