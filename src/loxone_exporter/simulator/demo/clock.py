"""The time in the demo house, in the forms that its parts and its Miniserver use."""

from __future__ import annotations

import datetime as dt
import math


LOXONE_EPOCH = 1_230_768_000
"""2009-01-01 00:00 UTC in Unix seconds: where the Miniserver's own count of seconds begins."""

DAY = 86_400.0
HOUR = 3_600.0
MINUTE = 60.0


class Clock:
    """The wall clock of the house.

    Attributes:
        unix: Unix seconds.
        local: The wall time.
        day: The date.
        hour: Hours since local midnight.
        weekday: 0 for Monday to 6 for Sunday.
    """

    def __init__(self, now: dt.datetime) -> None:
        """Start the clock at an aware time."""
        if now.tzinfo is None:
            raise ValueError("the demo house needs a time with its time zone")
        self._zone = now.tzinfo
        self._set(now.timestamp())

    def advance(self, seconds: float) -> None:
        """Move the clock on."""
        self._set(self.unix + seconds)

    @property
    def since_2009(self) -> float:
        """Whole seconds since 2009, as in states of the kind ts-2009 of the control catalog."""
        return math.floor(self.unix) - LOXONE_EPOCH

    @property
    def weekend(self) -> bool:
        """Whether it is Saturday or Sunday."""
        return self.weekday >= _SATURDAY

    @property
    def operating_mode(self) -> int:
        """The id of the weekday among the operating modes: 3 for Monday to 9 for Sunday."""
        return self.weekday + 3

    @property
    def stamp(self) -> str:
        """The wall time as logs of the Miniserver have it."""
        return f"{self.local:%Y-%m-%d %H:%M:%S}"

    def between(self, start: float, end: float) -> bool:
        """Whether the hour lies in a span of the day; a span may reach over midnight."""
        if start <= end:
            return start <= self.hour < end
        return self.hour >= start or self.hour < end

    def next_at(self, hour: float) -> float:
        """The Unix time at which the wall clock next shows an hour (of a day of 24 hours)."""
        return self.unix + (hour - self.hour) % 24 * HOUR

    def _set(self, unix: float) -> None:
        self.unix = unix
        self.local = local = dt.datetime.fromtimestamp(unix, tz=self._zone)
        self.day = local.date()
        self.weekday = local.weekday()
        self.hour = local.hour + local.minute / 60 + (local.second + local.microsecond / 1e6) / HOUR


_SATURDAY = 5
