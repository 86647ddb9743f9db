"""The demo house as a whole, before anybody looks at it through a Miniserver."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from random import Random

from loxone_exporter.simulator.demo.clock import HOUR, Clock
from loxone_exporter.simulator.demo.energy import Energy
from loxone_exporter.simulator.demo.people import People
from loxone_exporter.simulator.demo.rooms import Rooms
from loxone_exporter.simulator.demo.weather import Weather


class World:
    """Everything in the house that is no control: time, weather, people, air and energy.

    The controls of the house read from it, and the devices behind them act upon it.
    """

    def __init__(self, now: dt.datetime, seed: int) -> None:
        """Let the world begin.

        Args:
            now: The local time, with its time zone.
            seed: Decides everything that is chance.
        """
        self.chance = Random(seed)  # noqa: S311  # a game of chance, not cryptography
        self.clock = Clock(now)
        self.weather = Weather(self.clock, seed)
        self.people = People(self.clock, self.chance)
        self.rooms = Rooms(self.clock, self.weather, self.people, self.chance)
        self.energy = Energy(self.clock, self.weather, self.people, self.rooms, self.chance)

    def advance(self, seconds: float) -> None:
        """Let time pass; what consumes energy has to have done so before."""
        self.clock.advance(seconds)
        self.weather.advance(seconds)
        self.people.advance(seconds)
        self.rooms.advance(seconds)

    def happens(self, seconds: float, *, per_hour: float) -> bool:
        """Whether something that happens now and then happened in the last seconds."""
        return self.chance.random() < per_hour * seconds / HOUR

    def noisy(self, read: Callable[[], float], noise: float, digits: int) -> Callable[[], float]:
        """A sensor for a quantity: it is never quite right, and has a limited resolution."""

        def measure() -> float:
            return round(read() + self.chance.gauss(0, noise), digits)

        return measure
