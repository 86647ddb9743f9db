"""Electricity and water of the demo house: what is produced, stored, consumed and counted.

All powers are whole watts, drawn up together every few seconds and held in between. So the meters,
the energy flow monitor and all others that show a power agree with each other at every instant:

    consumption = production + grid + storage

with the signs of the control catalog: the grid is positive when importing, the storage is positive
when discharging. Counters count what the powers that were shown brought about.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from random import Random

from attrs import define, field, frozen

from loxone_exporter.simulator.demo.clock import HOUR, Clock
from loxone_exporter.simulator.demo.people import People
from loxone_exporter.simulator.demo.rooms import GROUND, OUTSIDE, UPPER, Rooms
from loxone_exporter.simulator.demo.weather import Weather


HOLD_SECONDS = 5.0
"""How long the powers stay as they are."""

PRODUCTION_PEAK = 9_800.0
BATTERY_WATTS = 4_600.0
BATTERY_KWH = 10.2
MINIMUM_CHARGE = 8.0
"""Below this state of charge, in percent, the battery gives nothing."""

_FULL = 100.0
_CHARGING_EFFICIENCY = 0.95
_INVERTER_STARTS = 25.0
_HEAT_PUMP_WATTS = (650.0, 2_700.0)
_HEAT_PUMP_STARTS, _HEAT_PUMP_STOPS = 0.12, 0.04
_WALLBOX_WATTS = (1_400.0, 7_200.0)
_STANDBY = {GROUND: 135.0, UPPER: 60.0, OUTSIDE: 35.0}
_EVERY_DAY = range(7)


@frozen
class Appliance:
    """A machine that runs by the clock.

    Attributes:
        name: For people.
        floor: On which meter it hangs.
        watts: What it takes while its heater is on, and what between.
        starts: The hour of the day.
        hours: How long it runs.
        weekdays: On which days, Monday is 0.
    """

    name: str
    floor: str
    watts: tuple[float, float]
    starts: float
    hours: float
    weekdays: tuple[int, ...] = tuple(_EVERY_DAY)

    def running(self, clock: Clock) -> bool:
        """Whether it runs now."""
        return clock.weekday in self.weekdays and clock.between(
            self.starts, self.starts + self.hours
        )

    def power(self, clock: Clock) -> float:
        """What it consumes now, in watts: its heater works in bursts of five minutes."""
        if not self.running(clock):
            return 0.0
        return self.watts[int(clock.hour * 12) % 3 > 0]


APPLIANCES = {
    appliance.name: appliance
    for appliance in (
        Appliance("Geschirrspüler", GROUND, (1950, 70), 20.2, 1.6),
        Appliance("Waschmaschine", GROUND, (2050, 190), 10.0, 1.9, (1, 5)),
        Appliance("Trockner", GROUND, (780, 610), 12.2, 1.3, (1, 5)),
        Appliance("Backofen", GROUND, (2300, 40), 17.8, 0.7),
        Appliance("Kochfeld", GROUND, (1500, 900), 18.0, 0.4),
        Appliance("Toaster", GROUND, (900, 0), 7.0, 0.3),
    )
}


@define
class Register:
    """A meter: what flows now, and what has flowed in each direction.

    Attributes:
        total: In the positive direction since ever.
        negative: In the negative direction since ever.
        actual: What flows now, for example in kW; it may be negative.
        per_hour: How much the total grows in an hour with an `actual` of 1.
    """

    total: float
    negative: float = 0.0
    actual: float = 0.0
    per_hour: float = 1.0
    _began: dict[str, tuple[float, float]] = field(factory=dict, init=False)
    _date: dt.date | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        """Begin with sums as of a house that has been lived in."""
        for period, share in _SHARES.items():
            self._began[period] = (self.total * (1 - share), self.negative * (1 - share))

    def advance(self, seconds: float, date: dt.date) -> None:
        """Count what flowed; the sums begin anew with their period."""
        if self._date is not None and date != self._date:
            for period, ended in _ENDED.items():
                if ended(self._date, date):
                    self._began[period] = (self.total, self.negative)
        self._date = date
        amount = self.actual * self.per_hour * seconds / HOUR
        if amount >= 0:
            self.total += amount
        else:
            self.negative -= amount

    def sum(self, period: str, *, negative: bool = False) -> float:
        """What has flowed since the "Day", "Week", "Month" or "Year" began."""
        return (
            self.negative - self._began[period][1]
            if negative
            else (self.total - self._began[period][0])
        )


_SHARES = {"Day": 0.0004, "Week": 0.002, "Month": 0.011, "Year": 0.16}
_ENDED: dict[str, Callable[[dt.date, dt.date], bool]] = {
    "Day": lambda old, new: old != new,
    "Week": lambda old, new: old.isocalendar()[:2] != new.isocalendar()[:2],
    "Month": lambda old, new: (old.year, old.month) != (new.year, new.month),
    "Year": lambda old, new: old.year != new.year,
}


@define
class Car:
    """The electric car and the wallbox.

    Attributes:
        connected: Whether it hangs on the wallbox.
        missing: What its battery lacks, in kWh.
        session: What it got since it was connected, in kWh.
        since: When it was connected, in Unix seconds.
        charging: Whether it takes power now.
    """

    connected: bool = False
    missing: float = 0.0
    session: float = 0.0
    since: float = 0.0
    charging: bool = False


class Energy:
    """The electricity and the water of the house.

    Attributes:
        registers: Meters by name; powers in kW and energy in kWh, water in l/h and m³ or l.
        charge: The battery's state of charge, in percent.
        extra_loads: Watts of further consumers by floor; devices add theirs.
        extra_water: Flows of further consumers in l/h; devices add theirs.
        heat_pump_running: Whether the heat pump's compressor runs.
    """

    def __init__(
        self, clock: Clock, weather: Weather, people: People, rooms: Rooms, chance: Random
    ) -> None:
        """Switch the mains on."""
        self._clock = clock
        self._weather = weather
        self._people = people
        self._rooms = rooms
        self._chance = chance
        self.registers = {
            "grid": Register(8_421.7, 11_950.2),
            "production": Register(31_801.0),
            "storage": Register(4_903.3, 5_274.9),
            "heat pump": Register(9_340.6),
            "wallbox": Register(6_120.8),
            GROUND: Register(7_655.1),
            UPPER: Register(3_871.5),
            OUTSIDE: Register(912.9),
            "water": Register(718.204, per_hour=0.001),
            "garden water": Register(96_410.0),
        }
        self.charge = chance.uniform(35, 70)
        self.car = Car(connected=not clock.between(7.3, 17), missing=chance.uniform(4, 9))
        self.car.since = clock.unix - 2 * HOUR
        self.extra_loads: dict[str, list[Callable[[], float]]] = {
            GROUND: [],
            UPPER: [],
            OUTSIDE: [],
        }
        self.extra_water: list[Callable[[], float]] = []
        self.heat_pump_running = False
        self._hold = 0.0
        self._drawing = 0.0

    def advance(self, seconds: float) -> None:
        """Count what flowed, then draw up new powers when the old ones have been held."""
        for register in self.registers.values():
            register.advance(seconds, self._clock.day)
        self._store(seconds)
        self._drive(seconds)
        self._hold -= seconds
        if self._hold <= 0:
            self._hold = HOLD_SECONDS
            self._draw_up()

    @property
    def consumption(self) -> float:
        """What the house consumes, in kW."""
        return sum(self.watts(name) for name in CONSUMERS) / 1000

    def watts(self, name: str) -> int:
        """The power on a meter in whole watts."""
        return round(self.registers[name].actual * 1000)

    @property
    def price(self) -> float:
        """The spot price of the hour in € per kWh: high in the evening, low at noon."""
        return _PRICES[int(self._clock.hour)] + 0.01 * (self._clock.day.toordinal() % 5)

    def _draw_up(self) -> None:
        """Draw up all powers anew, so that they balance to the watt."""
        watts = {floor: self._floor(floor) for floor in (GROUND, UPPER, OUTSIDE)}
        watts["heat pump"] = self._heat_pump()
        production = self._production()
        watts["wallbox"] = self._wallbox(production - sum(watts.values()))
        missing = sum(watts.values()) - production
        watts["storage"] = storage = self._storage(missing)
        watts["production"] = production
        watts["grid"] = missing - storage
        for name, power in watts.items():
            self.registers[name].actual = power / 1000
        garden = sum(flow() for flow in self.extra_water)
        self.registers["garden water"].actual = garden
        self.registers["water"].actual = garden + self._taps()

    def _floor(self, floor: str) -> int:
        watts = _STANDBY[floor]
        watts += sum(a.power(self._clock) for a in APPLIANCES.values() if a.floor == floor)
        for name, room in self._rooms.all.items():
            if room.plan.floor == floor:
                watts += room.light_watts + room.awake * _GADGETS.get(name, 12.0)
        watts += sum(load() for load in self.extra_loads[floor])
        return self._noisy(watts)

    def _heat_pump(self) -> int:
        demand = abs(self._rooms.heat_demand)
        hot_water = self._clock.between(4.5, 5.4) or self._clock.between(13.0, 13.8)
        bound = _HEAT_PUMP_STOPS if self.heat_pump_running else _HEAT_PUMP_STARTS
        self.heat_pump_running = hot_water or demand > bound
        if not self.heat_pump_running:
            return self._noisy(18)
        low, high = _HEAT_PUMP_WATTS
        return self._noisy(low + (high - low) * (0.7 if hot_water else min(1.0, demand * 1.3)))

    def _production(self) -> int:
        watts = PRODUCTION_PEAK * self._weather.now.radiation / 1000 * 0.9
        return self._noisy(watts) if watts > _INVERTER_STARTS else 0

    def _wallbox(self, surplus: float) -> int:
        car = self.car
        low, high = _WALLBOX_WATTS
        cheap = self._clock.between(1.0, 5.0)
        car.charging = car.connected and car.missing > 0 and (cheap or surplus > low)
        if not car.charging:
            return 0
        return self._noisy(high / 2 if cheap else min(high, surplus))

    def _storage(self, missing: float) -> int:
        if missing > 0:
            return round(min(missing, BATTERY_WATTS)) if self.charge > MINIMUM_CHARGE else 0
        return 0 if self.charge >= _FULL else round(max(missing, -BATTERY_WATTS))

    def _store(self, seconds: float) -> None:
        kwh = self.registers["storage"].actual * seconds / HOUR
        gained = -kwh * _CHARGING_EFFICIENCY if kwh < 0 else -kwh
        self.charge = min(_FULL, max(0.0, self.charge + gained / BATTERY_KWH * 100))

    def _drive(self, seconds: float) -> None:
        car = self.car
        kwh = self.registers["wallbox"].actual * seconds / HOUR
        car.session += kwh
        car.missing = max(0.0, car.missing - kwh)
        away = self._clock.between(11, 15) if self._clock.weekend else self._clock.between(7.3, 17)
        if car.connected and away:
            car.connected = False
        elif not car.connected and not away:
            self.car = Car(
                connected=True, missing=self._chance.uniform(5, 13), since=self._clock.unix
            )

    def _taps(self) -> float:
        """Somebody opens a tap now and then, for as long as it takes."""
        if self._drawing > 0:
            self._drawing -= HOLD_SECONDS
        else:
            users = sum(self._people.awake.get(room, 0) for room in _WET_ROOMS)
            if users and self._chance.random() < users * 0.02:
                self._drawing = self._chance.uniform(8, 90)
        return round(self._chance.uniform(380, 520)) if self._drawing > 0 else 0.0

    def _noisy(self, watts: float) -> int:
        return max(0, round(watts * self._chance.gauss(1, 0.01)))


CONSUMERS = (GROUND, UPPER, OUTSIDE, "heat pump", "wallbox")
"""The meters that together make up the consumption of the house."""

_WET_ROOMS = ("Küche", "Gäste-WC", "Koupelna", "Wellness", "Utility Room")
_GADGETS = {"Living Room": 120.0, "Büro": 145.0, "Küche": 60.0, "Dětský pokoj": 45.0}
# fmt: off
_PRICES = (
    0.231, 0.224, 0.219, 0.216, 0.218, 0.229, 0.262, 0.301, 0.308, 0.281, 0.246, 0.218,
    0.197, 0.189, 0.196, 0.221, 0.258, 0.309, 0.341, 0.348, 0.326, 0.291, 0.263, 0.244,
)
# fmt: on
