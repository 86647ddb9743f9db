"""The four people of the demo house, who have no names: where each of them is.

Everybody follows a table of the day, a little earlier or later each day, and makes short trips to
other rooms in between. Lights, air, doors and buttons follow from where the people are.
"""

from __future__ import annotations

from bisect import bisect
from random import Random

from attrs import define, frozen

from loxone_exporter.simulator.demo.clock import Clock


@frozen
class Stay:
    """From an hour of the day on, somebody is in a room.

    Attributes:
        hour: Hours since midnight.
        room: Its name; None is out of the house.
        asleep: Sleeping people need no light.
    """

    hour: float
    room: str | None
    asleep: bool = False


_NIGHT = {room: Stay(0.0, room, asleep=True) for room in ("Ložnice", "Dětský pokoj")}

_WORKER = (
    _NIGHT["Ložnice"],
    Stay(6.2, "Koupelna"),
    Stay(6.6, "Küche"),
    Stay(7.2, "Hallway"),
    Stay(7.3, None),
    Stay(16.9, "Hallway"),
    Stay(17.0, "Küche"),
    Stay(18.1, "Living Room"),
    Stay(21.9, "Koupelna"),
    Stay(22.3, "Ložnice", asleep=True),
)
_AT_HOME = (
    _NIGHT["Ložnice"],
    Stay(6.6, "Koupelna"),
    Stay(7.0, "Küche"),
    Stay(8.2, "Büro"),
    Stay(12.2, "Küche"),
    Stay(13.0, "Büro"),
    Stay(16.4, "Utility Room"),
    Stay(16.8, "Garten"),
    Stay(17.6, "Küche"),
    Stay(19.0, "Living Room"),
    Stay(21.2, "Wellness"),
    Stay(22.4, "Koupelna"),
    Stay(22.8, "Ložnice", asleep=True),
)
_CHILD = (
    _NIGHT["Dětský pokoj"],
    Stay(6.7, "Koupelna"),
    Stay(6.9, "Küche"),
    Stay(7.5, None),
    Stay(14.2, "Hallway"),
    Stay(14.3, "Dětský pokoj"),
    Stay(16.2, "Garten"),
    Stay(17.8, "Küche"),
    Stay(18.5, "Dětský pokoj"),
    Stay(19.7, "Koupelna"),
    Stay(20.2, "Dětský pokoj", asleep=True),
)
_WEEKEND = {
    "Ložnice": (
        _NIGHT["Ložnice"],
        Stay(8.0, "Koupelna"),
        Stay(8.5, "Küche"),
        Stay(10.0, "Living Room"),
        Stay(11.3, "Küche"),
        Stay(13.2, "Garten"),
        Stay(16.5, "Living Room"),
        Stay(18.0, "Küche"),
        Stay(19.5, "Wellness"),
        Stay(21.0, "Living Room"),
        Stay(23.1, "Ložnice", asleep=True),
    ),
    "Dětský pokoj": (
        _NIGHT["Dětský pokoj"],
        Stay(7.6, "Living Room"),
        Stay(8.7, "Küche"),
        Stay(9.6, "Dětský pokoj"),
        Stay(12.0, "Küche"),
        Stay(13.0, "Garten"),
        Stay(16.6, "Dětský pokoj"),
        Stay(18.2, "Küche"),
        Stay(19.0, "Living Room"),
        Stay(20.6, "Koupelna"),
        Stay(21.0, "Dětský pokoj", asleep=True),
    ),
}
_WEEK = (_WORKER, _AT_HOME, _CHILD, _CHILD)

_TRIPS = ("Küche", "Gäste-WC", "Hallway", "Upper Hallway", "Utility Room", "Garage", "Gästezimmer")
_SECONDS_BETWEEN_TRIPS = 1500.0
_TRIP_SECONDS = (60.0, 240.0)
_UNPUNCTUALITY = 0.3
"""Hours by which the day of a person is earlier or later than the table says, at most."""


@define
class _Person:
    table: tuple[Stay, ...] = ()
    hours: tuple[float, ...] = ()
    trip: str = ""
    trip_left: float = 0.0


class People:
    """Who is where.

    Attributes:
        awake: How many people are awake in each room.
        asleep: How many sleep in each room.
        at_home: How many are in the house or the garden.
    """

    def __init__(self, clock: Clock, chance: Random) -> None:
        """Put everybody where the clock says."""
        self._clock = clock
        self._chance = chance
        self._persons = [_Person() for _ in _WEEK]
        self._day = clock.day
        self._plan_day()
        self.awake: dict[str, int] = {}
        self.asleep: dict[str, int] = {}
        self.at_home = 0
        self.advance(0.0)

    def advance(self, seconds: float) -> None:
        """Let everybody go where they are due."""
        if self._clock.day != self._day:
            self._day = self._clock.day
            self._plan_day()
        awake: dict[str, int] = {}
        asleep: dict[str, int] = {}
        for person in self._persons:
            stay = person.table[max(0, bisect(person.hours, self._clock.hour) - 1)]
            if stay.room is None:
                person.trip_left = 0.0
            elif stay.asleep:
                asleep[stay.room] = asleep.get(stay.room, 0) + 1
            else:
                room = self._trip(person, seconds) or stay.room
                awake[room] = awake.get(room, 0) + 1
        self.awake = awake
        self.asleep = asleep
        self.at_home = sum(awake.values()) + sum(asleep.values())

    def count(self, room: str) -> int:
        """How many people breathe in a room."""
        return self.awake.get(room, 0) + self.asleep.get(room, 0)

    @property
    def all_asleep(self) -> bool:
        """Whether somebody is at home and nobody is awake."""
        return bool(self.asleep) and not self.awake

    def _trip(self, person: _Person, seconds: float) -> str:
        if person.trip_left > 0:
            person.trip_left -= seconds
        elif self._chance.random() < seconds / _SECONDS_BETWEEN_TRIPS:
            person.trip = self._chance.choice(_TRIPS)
            person.trip_left = self._chance.uniform(*_TRIP_SECONDS)
        return person.trip if person.trip_left > 0 else ""

    def _plan_day(self) -> None:
        for person, usual in zip(self._persons, _WEEK, strict=True):
            table = _WEEKEND[str(usual[0].room)] if self._clock.weekend else usual
            shift = self._chance.uniform(-_UNPUNCTUALITY, _UNPUNCTUALITY)
            person.table = table
            person.hours = (0.0, *(stay.hour + shift for stay in table[1:]))
