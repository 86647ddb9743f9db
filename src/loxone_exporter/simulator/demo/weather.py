"""Sun and weather of the demo house.

Both are pure functions of the time and the seed, so that the size of the steps does not show.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

from attrs import frozen

from loxone_exporter.simulator.demo.clock import DAY, HOUR, LOXONE_EPOCH, Clock


LATITUDE = math.radians(50.0)
SOLAR_NOON = 12.75
"""The hour of the wall clock at which the sun is in the south, between summer and winter time."""

CLEAR_SKY_WATTS = 980.0
"""Solar radiation per square metre with the sun overhead and no clouds."""

LUX_PER_WATT = 110.0
TWILIGHT = -6.0
"""The elevation of the sun, in degrees, below which it is night."""

_DULL = 15.0
"""The radiation below which rooms need light; the dullest noon in winter has 20."""

_COLDEST_DAY = 22
_WETTEST = 0.72


@frozen
class Sky:
    """The weather at one time.

    Attributes:
        elevation: Of the sun, in degrees above the horizon.
        azimuth: Of the sun, in degrees from the north over the east.
        clouds: 0 clear to 1 overcast.
        temperature: °C.
        humidity: Relative, in percent.
        wind: km/h.
        wind_direction: Degrees from the north over the east.
        rain: mm per hour.
        pressure: hPa.
        radiation: Global, in watts per square metre.
    """

    elevation: float
    azimuth: float
    clouds: float
    temperature: float
    humidity: float
    wind: float
    wind_direction: float
    rain: float
    pressure: float
    radiation: float

    @property
    def dark(self) -> bool:
        """Whether people need light in a room with windows."""
        return self.elevation < 0 or self.radiation < _DULL

    @property
    def lux(self) -> float:
        """The brightness outside."""
        twilight = 40.0 * max(0.0, 1 - self.elevation / TWILIGHT) if self.elevation < 0 else 40.0
        return twilight + self.radiation * LUX_PER_WATT

    @property
    def dew_point(self) -> float:
        """°C, by the Magnus formula."""
        gamma = math.log(self.humidity / 100) + 17.62 * self.temperature / (
            243.12 + self.temperature
        )
        return 243.12 * gamma / (17.62 - gamma)

    @property
    def perceived(self) -> float:
        """The temperature that wind makes of it, in °C."""
        return self.temperature - min(8.0, self.wind * max(0.0, 16 - self.temperature) / 120)

    @property
    def weather_type(self) -> int:
        """One of the codes of `weatherTypeTexts` in the structure file."""
        if self.rain > 0:
            return 11 if self.temperature > 1.0 else 21
        return 1 + min(4, round(self.clouds * 4))


class Weather:
    """The weather over the house."""

    def __init__(self, clock: Clock, seed: int) -> None:
        """Invent the weather of all times."""
        self._clock = clock
        chance = Random(seed)  # noqa: S311  # a game of chance, not cryptography
        self._warmth = _wander(chance, 2.3 * DAY, 6.5 * DAY, 17 * DAY)
        self._front = _wander(chance, 9 * HOUR, 31 * HOUR, 3.7 * DAY)
        self._puffs = _wander(chance, 4 * 60, 11 * 60, 47 * 60)
        self._breeze = _wander(chance, 7 * 60, 2.2 * HOUR, 1.4 * DAY)
        self._gusts = _wander(chance, 23, 71, 190)
        self.now = self.at(clock.unix)
        self.average = _mean_temperature(clock.local.timetuple().tm_yday)
        """The outdoor temperature of the last 48 hours, in °C, smoothed."""

    def advance(self, seconds: float) -> None:
        """Let the weather follow the clock."""
        self.now = self.at(self._clock.unix)
        self.average += (self.now.temperature - self.average) * min(1.0, seconds / (2 * DAY))

    def at(self, unix: float) -> Sky:
        """The weather at a time near the present one (of the same offset from UTC)."""
        hour = self._clock.hour + (unix - self._clock.unix) / HOUR
        day = self._clock.local.timetuple().tm_yday + hour / 24
        elevation, azimuth = _sun(day, hour)
        front = self._front(unix)
        clouds = _clip(0.45 + 0.6 * front + 0.22 * self._puffs(unix), 0.0, 1.0)
        afternoon = -math.cos((hour - 3.0) * math.tau / 24)
        temperature = (
            _mean_temperature(day) + (6.0 - 3.5 * clouds) * afternoon + 4.0 * self._warmth(unix)
        )
        wet = clouds - _WETTEST
        return Sky(
            elevation=elevation,
            azimuth=azimuth,
            clouds=clouds,
            temperature=temperature,
            humidity=_clip(72 - 14 * afternoon + 14 * front, 25.0, 98.0),
            wind=max(
                0.0, 10 + 9 * self._breeze(unix) + 4 * self._gusts(unix) + 6 * max(0.0, front)
            ),
            wind_direction=(250 + 70 * front) % 360,
            rain=max(0.0, 9.0 * wet * (0.6 + self._breeze(unix))) if wet > 0 else 0.0,
            pressure=1015 - 11 * front,
            radiation=max(0.0, math.sin(math.radians(elevation)))
            * CLEAR_SKY_WATTS
            * (1 - 0.82 * clouds**1.6),
        )

    def sun_time(self, *, rising: bool) -> int:
        """Sunrise or sunset in minutes since local midnight (control catalog, globalStates)."""
        declination = _declination(self._clock.local.timetuple().tm_yday)
        half_day = math.acos(_clip(-math.tan(LATITUDE) * math.tan(declination), -1.0, 1.0))
        hours = half_day / math.tau * 24
        return round((SOLAR_NOON - hours if rising else SOLAR_NOON + hours) * 60)

    @property
    def since_2009(self) -> int:
        """When the weather service last sent the weather: on each full quarter of an hour."""
        return int(self._clock.unix // 900 * 900) - LOXONE_EPOCH


def facing(sky: Sky, azimuth: float) -> float:
    """The radiation through a window that faces a direction, in watts per square metre."""
    if sky.elevation <= 0:
        return 0.0
    angle = math.cos(math.radians(sky.azimuth - azimuth)) * math.cos(math.radians(sky.elevation))
    direct = sky.radiation * max(0.0, angle) / max(0.25, math.sin(math.radians(sky.elevation)))
    return min(700.0, 0.15 * sky.radiation + direct * (1 - sky.clouds))


def _sun(day: float, hour: float) -> tuple[float, float]:
    declination = _declination(day)
    angle = math.radians((hour - SOLAR_NOON) * 15)
    height = math.sin(LATITUDE) * math.sin(declination) + math.cos(LATITUDE) * math.cos(
        declination
    ) * math.cos(angle)
    azimuth = math.atan2(
        math.sin(angle),
        math.cos(angle) * math.sin(LATITUDE) - math.tan(declination) * math.cos(LATITUDE),
    )
    return math.degrees(math.asin(height)), (math.degrees(azimuth) + 180) % 360


def _declination(day: float) -> float:
    return math.radians(-23.44) * math.cos((day + 10) * math.tau / 365.25)


def _mean_temperature(day: float) -> float:
    return 9.5 - 10.5 * math.cos((day - _COLDEST_DAY) * math.tau / 365.25)


def _wander(chance: Random, *periods: float) -> Callable[[float], float]:
    """A wave of several periods (in seconds) between -1 and 1, different for each seed."""
    waves = [
        (math.tau / (period * chance.uniform(0.9, 1.1)), chance.uniform(0, math.tau))
        for period in periods
    ]
    scale = 1 / len(waves)

    def wave(unix: float) -> float:
        return scale * sum(math.sin(speed * unix + phase) for speed, phase in waves)

    return wave


def _clip(value: float, low: float, high: float) -> float:
    return min(high, max(low, value))
