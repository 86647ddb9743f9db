"""The rooms of the demo house: the table of rooms, and the air in each of them."""

from __future__ import annotations

import math
from random import Random

from attrs import define, frozen

from loxone_exporter.simulator.demo.clock import HOUR, Clock
from loxone_exporter.simulator.demo.people import People
from loxone_exporter.simulator.demo.weather import Sky, Weather, facing


NORTH, EAST, SOUTH, WEST = 0.0, 90.0, 180.0, 270.0
GROUND, UPPER, OUTSIDE = "ground floor", "upper floor", "outside"


@frozen
class RoomPlan:
    """One line of the table of rooms.

    Attributes:
        name: As in the structure file.
        icon: Its picture in the app.
        floor: On which electricity meter it hangs.
        volume: Cubic metres of air; 0 for places without an air of their own.
        insulation: Hours in which an unheated room follows the outdoor temperature (time constant).
        window: The direction its windows face, in degrees; None without windows.
        glass: Square metres of glass for each 10 cubic metres of room.
        comfort: What people want it to be, in °C; 0 for unheated rooms.
    """

    name: str
    icon: str
    floor: str
    volume: float = 0.0
    insulation: float = 60.0
    window: float | None = None
    glass: float = 0.0
    comfort: float = 0.0


ROOMS = (
    RoomPlan("Central", "central", GROUND),
    RoomPlan("Living Room", "sofa-1", GROUND, 105, 70, SOUTH, 0.9, 21.5),
    RoomPlan("Küche", "chef-hat", GROUND, 58, 62, EAST, 0.6, 21.0),
    RoomPlan("Hallway", "shoe-1", GROUND, 40, 55, NORTH, 0.2, 19.5),
    RoomPlan("Gäste-WC", "toilet", GROUND, 9, 48, NORTH, 0.3, 19.0),
    RoomPlan("Büro", "desk", GROUND, 36, 58, WEST, 0.8, 21.0),
    RoomPlan("Utility Room", "washing-machine", GROUND, 28, 80, None, 0.0, 17.0),
    RoomPlan("Ložnice", "bed-double", UPPER, 44, 60, EAST, 0.6, 18.5),
    RoomPlan("Dětský pokoj", "toys", UPPER, 41, 58, SOUTH, 0.8, 21.5),
    RoomPlan("Gästezimmer", "bed-single", UPPER, 34, 56, WEST, 0.6, 18.0),
    RoomPlan("Koupelna", "shower-1", UPPER, 27, 52, NORTH, 0.3, 22.5),
    RoomPlan("Upper Hallway", "stairs", UPPER, 33, 60, SOUTH, 0.5, 19.5),
    RoomPlan("Wellness", "sauna", UPPER, 25, 75, None, 0.0, 21.0),
    RoomPlan("Garage", "garage", OUTSIDE, 95, 20, NORTH, 0.1),
    RoomPlan("Garten", "tree", OUTSIDE),
)

HEATING_PER_HOUR = 1.7
"""How many °C a fully open heating valve adds in an hour; cooling takes half as much away."""

_AIR_SECONDS = 5.0
_OPEN_WINDOW_HOURS = 2.5
_WARMTH_PER_PERSON = 4.0
_WARMTH_PER_LIGHT_WATT = 0.035
_SUN_PER_HOUR = 0.0021
_OUTDOOR_CO2 = 420.0
_CO2_AWAKE, _CO2_ASLEEP = 18_000.0, 12_000.0
"""What a person breathes out: ppm in a cubic metre of air in an hour."""
_SHOWER = ("Koupelna", "Wellness")
_KEEP_FROST_OUT = 5.0


@define
class Room:
    """The state of a room.

    Attributes:
        plan: Its line in the table of rooms.
        temperature: °C.
        humidity: Relative, in percent.
        co2: ppm.
        target: What the room controller aims at, in °C; 0 without heating.
        cool_above: Where cooling begins, in °C.
        valve: 1 full heating to -1 full cooling.
        window_open: Whether a window is open.
        shade: How far the blinds keep the sun out: 0 not at all to 1 completely.
        light_watts: What its lights consume.
        people: Who is in it.
        awake: How many of them are awake.
        airing_left: Seconds until somebody closes the open window.
    """

    plan: RoomPlan
    temperature: float
    humidity: float = 45.0
    co2: float = 520.0
    target: float = 0.0
    cool_above: float = 25.0
    valve: float = 0.0
    window_open: bool = False
    shade: float = 0.0
    light_watts: float = 0.0
    people: int = 0
    awake: int = 0
    airing_left: float = 0.0

    @property
    def name(self) -> str:
        """As in the structure file."""
        return self.plan.name

    def advance(self, seconds: float, sky: Sky, ventilation: float) -> None:
        """Let the air change.

        Args:
            seconds: How long.
            sky: The weather outside.
            ventilation: The air that the house ventilation exchanges, in volumes per hour.
        """
        hours = seconds / HOUR
        plan = self.plan
        if self.target:
            gap = self.target - self.temperature
            warmth = self.temperature - self.cool_above
            self.valve = -min(1.0, warmth) if warmth > 0 else min(1.0, max(0.0, gap * 1.4 + 0.15))
        if self.window_open:
            self.valve = 0.0
        loss = 1 / plan.insulation + (1 / _OPEN_WINDOW_HOURS if self.window_open else 0.0)
        heating = HEATING_PER_HOUR * (self.valve if self.valve > 0 else self.valve / 2)
        sun = 0.0
        if plan.window is not None:
            sun = facing(sky, plan.window) * plan.glass * (1 - self.shade) * _SUN_PER_HOUR
        inside = (
            self.people * _WARMTH_PER_PERSON + self.light_watts * _WARMTH_PER_LIGHT_WATT
        ) / max(1.0, plan.volume)
        self.temperature += hours * (
            (sky.temperature - self.temperature) * loss + heating + sun + inside
        )
        if not self.target:
            self.temperature = max(self.temperature, _KEEP_FROST_OUT)
        exchange = ventilation + (6.0 if self.window_open else 0.0)
        self._breathe(hours, exchange)
        self._moisten(hours, exchange, sky)

    def _breathe(self, hours: float, exchange: float) -> None:
        asleep = self.people - self.awake
        breath = (self.awake * _CO2_AWAKE + asleep * _CO2_ASLEEP) / self.plan.volume
        steady = _OUTDOOR_CO2 + breath / exchange
        self.co2 += (steady - self.co2) * (1 - math.exp(-exchange * hours))

    def _moisten(self, hours: float, exchange: float, sky: Sky) -> None:
        outdoor = sky.humidity * saturation(sky.temperature) / saturation(self.temperature)
        dry = min(75.0, max(24.0, 0.75 * outdoor + 10))
        source = 30.0 if self.name in _SHOWER and self.awake else 2.5 * self.people
        self.humidity += (min(88.0, dry + source) - self.humidity) * (
            1 - math.exp(-(exchange + 0.6) * hours)
        )


class Rooms:
    """All rooms of the house."""

    def __init__(self, clock: Clock, weather: Weather, people: People, chance: Random) -> None:
        """Furnish the rooms as they are at the start."""
        self._clock = clock
        self._weather = weather
        self._people = people
        self._chance = chance
        outdoor = weather.now.temperature
        self.all = {
            plan.name: Room(
                plan,
                temperature=_start_temperature(plan, outdoor, weather.average, chance),
                humidity=chance.uniform(40, 48),
                co2=chance.uniform(480, 620),
                target=plan.comfort,
            )
            for plan in ROOMS
            if plan.volume
        }
        self._waiting = _AIR_SECONDS
        self.ventilation = 0.5
        """The air that the house ventilation exchanges, in volumes per hour."""

    def __getitem__(self, name: str) -> Room:
        """The room of a name.

        Raises:
            KeyError: There is no such room, or it has no air of its own.
        """
        return self.all[name]

    def advance(self, seconds: float) -> None:
        """Let the air in all rooms change, once in a few seconds."""
        self._waiting += seconds
        if self._waiting < _AIR_SECONDS:
            return
        seconds, self._waiting = self._waiting, 0.0
        sky = self._weather.now
        for name, room in self.all.items():
            room.people = self._people.count(name)
            room.awake = self._people.awake.get(name, 0)
            self._air(room, seconds)
            room.advance(seconds, sky, self.ventilation)

    @property
    def heat_demand(self) -> float:
        """How much of the full heating (> 0) or cooling (< 0) power the house asks for: -1 to 1."""
        valves = [room.valve for room in self.all.values() if room.target]
        return sum(valves) / len(valves)

    def _air(self, room: Room, seconds: float) -> None:
        """Somebody opens a window now and then, and closes it after a few minutes."""
        if room.plan.window is None or not room.target:
            return
        if room.window_open:
            room.airing_left -= seconds
            room.window_open = room.airing_left > 0
        elif room.awake and self._chance.random() < seconds / (2.5 * HOUR):
            room.window_open = True
            room.airing_left = self._chance.uniform(180, 720)


def saturation(temperature: float) -> float:
    """The water that air can hold, in grams per cubic metre, as a ratio to that at 0 °C."""
    return math.exp(17.62 * temperature / (243.12 + temperature)) * 273 / (273 + temperature)


def _start_temperature(plan: RoomPlan, outdoor: float, average: float, chance: Random) -> float:
    if not plan.comfort:
        return max(6.0, (outdoor + average) / 2 + 3)
    summer = max(0.0, average - 15) * 0.25
    return plan.comfort + summer + chance.uniform(-0.4, 0.4)
