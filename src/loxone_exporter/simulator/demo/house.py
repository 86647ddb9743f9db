"""The demo house, put together: its world, its controls, and the values that a Miniserver sees."""

from __future__ import annotations

import datetime as dt
import heapq
from collections.abc import Callable, Iterator

from attrs import define

from loxone_exporter.loxone.tables import Daytimer, Weather, WeatherEntry
from loxone_exporter.loxone.uuids import StateUuid, parse_uuid
from loxone_exporter.simulator.demo.blueprint import (
    Number,
    Schedule,
    State,
    Text,
    assign_uuids,
    walk,
)
from loxone_exporter.simulator.demo.clock import HOUR, LOXONE_EPOCH
from loxone_exporter.simulator.demo.ground_floor import ground_floor
from loxone_exporter.simulator.demo.outside import outside
from loxone_exporter.simulator.demo.plant import plant
from loxone_exporter.simulator.demo.structure import LAST_MODIFIED, OtherSections, write_structure
from loxone_exporter.simulator.demo.upper_floor import upper_floor
from loxone_exporter.simulator.demo.weather import Sky
from loxone_exporter.simulator.demo.whole_house import whole_house
from loxone_exporter.simulator.demo.world import World
from loxone_exporter.simulator.house import Changes, House


LONGEST_STEP = 60.0
"""A longer time passes in steps of so many seconds."""

_FORECAST_HOURS = 48


@define
class _NumberProbe:
    """Reads a number when its time has come."""

    uuid: StateUuid
    read: Callable[[], float]
    every: float
    step: float


@define
class _TextProbe:
    """Reads a text when its time has come."""

    uuid: StateUuid
    read: Callable[[], str]
    every: float


class DemoHouse(House):
    """A house of 15 rooms that lives: people, weather, heating, electricity.

    Everything in it is invented. Given the same start, seed and steps, the same happens again.
    """

    def __init__(self, *, now: dt.datetime, seed: int = 1) -> None:
        """Build the house.

        Args:
            now: The local time at the start, with its time zone.
            seed: Decides everything that is chance.

        Raises:
            ValueError: The time has no time zone.
        """
        self.world = World(now, seed)
        rooms = [
            *ground_floor(self.world),
            *upper_floor(self.world),
            *outside(self.world),
        ]
        wallbox = next(control for control in rooms if control.type == "Wallbox2")
        self.controls = [*whole_house(self.world, rooms), *rooms, *plant(self.world, wallbox)]
        assign_uuids(self.controls)
        self._other = OtherSections(self.world)
        self._devices = [d for control in walk(self.controls) for d in control.devices]
        self._passed = 0.0
        self._always: list[_NumberProbe | _TextProbe] = []
        self._later: list[tuple[float, int, _NumberProbe | _TextProbe]] = []
        self._step(0.0)

        self.structure = write_structure(self.controls, self._other)
        self.last_modified = LAST_MODIFIED
        self.values = {}
        self.texts = {}
        self.daytimers = []
        self.weather = self._report_weather()
        for state in self._states():
            self._connect(state)

    def advance(self, seconds: float) -> Changes:
        """Let time pass in the house, apply what it changes and return just that."""
        values: dict[StateUuid, float] = {}
        texts: dict[StateUuid, str] = {}
        while seconds > 0:
            step = min(seconds, LONGEST_STEP)
            seconds -= step
            self._step(step)
            self._passed += step
            self._read(values, texts)
        if self.weather[0].last_update != self.world.weather.since_2009:
            self.weather[:] = self._report_weather()
        return Changes(values, texts)

    def _step(self, seconds: float) -> None:
        self.world.advance(seconds)
        for device in self._devices:
            device.advance(seconds)
        self.world.energy.advance(seconds)

    def _due(self) -> Iterator[_NumberProbe | _TextProbe]:
        """The probes whose time has come; those that are read at every step come first."""
        yield from self._always
        while self._later and self._later[0][0] <= self._passed:
            _, place, probe = self._later[0]
            heapq.heapreplace(self._later, (self._passed + probe.every, place, probe))
            yield probe

    def _read(self, values: dict[StateUuid, float], texts: dict[StateUuid, str]) -> None:
        """Read what is due, and note what changed."""
        for probe in self._due():
            uuid = probe.uuid
            if isinstance(probe, _NumberProbe):
                value = float(probe.read())
                old = self.values[uuid]
                if value != old and abs(value - old) >= probe.step:
                    self.values[uuid] = values[uuid] = value
            else:
                text = probe.read()
                if text != self.texts[uuid]:
                    self.texts[uuid] = texts[uuid] = text

    def _states(self) -> Iterator[State]:
        """All states that are numbers, texts or schedules, each once."""
        seen = set()
        for control in walk(self.controls):
            for _, state in control.named_states():
                if state.uuid not in seen:
                    seen.add(state.uuid)
                    yield state
        yield from self._other.states()

    def _connect(self, state: State) -> None:
        """Give a state its first value, and a probe if it lives."""
        uuid = parse_uuid(state.uuid)
        if isinstance(state, Schedule):
            self.daytimers.append(Daytimer(uuid, state.default, state.entries))
        elif isinstance(state, Number):
            self.values[uuid] = float(state.read())
            self._probe(_NumberProbe(uuid, state.read, state.every, state.step))
        elif isinstance(state, Text):
            self.texts[uuid] = state.read()
            self._probe(_TextProbe(uuid, state.read, state.every))
        elif isinstance(state.value, str):
            self.texts[uuid] = state.value
        else:
            self.values[uuid] = float(state.value)

    def _probe(self, probe: _NumberProbe | _TextProbe) -> None:
        if probe.every:
            due = self.world.chance.uniform(0, probe.every)  # so that not all are due at once
            heapq.heappush(self._later, (due, len(self._later), probe))
        else:
            self._always.append(probe)

    def _report_weather(self) -> list[Weather]:
        weather = self.world.weather
        updated = weather.since_2009
        times = [updated + hour * int(HOUR) for hour in range(_FORECAST_HOURS + 1)]
        entries = tuple(_entry(time, weather.at(time + LOXONE_EPOCH)) for time in times)
        return [
            Weather(parse_uuid(self._other.weather_actual.uuid), updated, entries[:1]),
            Weather(parse_uuid(self._other.weather_forecast.uuid), updated, entries[1:]),
        ]


def _entry(time: int, sky: Sky) -> WeatherEntry:
    return WeatherEntry(
        timestamp=time,
        weather_type=sky.weather_type,
        wind_direction=round(sky.wind_direction),
        solar_radiation=round(sky.radiation),
        relative_humidity=round(sky.humidity),
        temperature=round(sky.temperature, 1),
        perceived_temperature=round(sky.perceived, 1),
        dew_point=round(sky.dew_point, 1),
        precipitation=round(sky.rain, 1),
        wind_speed=round(sky.wind, 1),
        barometric_pressure=round(sky.pressure, 1),
    )
