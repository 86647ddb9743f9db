"""States and times in plain words."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping
from typing import Final

from loxone_exporter.state import ConnectionState, Security


class Tone(enum.StrEnum):
    """How something is to be taken; each is a class of the stylesheet."""

    GOOD = enum.auto()
    BUSY = enum.auto()
    BAD = enum.auto()


STATES: Final[Mapping[ConnectionState, tuple[str, Tone]]] = {
    ConnectionState.DISCONNECTED: ("Not connected", Tone.BUSY),
    ConnectionState.CONNECTING: ("Connecting", Tone.BUSY),
    ConnectionState.AUTHENTICATING: ("Logging in", Tone.BUSY),
    ConnectionState.DISCOVERING: ("Reading the structure file", Tone.BUSY),
    ConnectionState.SUBSCRIBING: ("Waiting for the first values", Tone.BUSY),
    ConnectionState.CONNECTED: ("Connected", Tone.GOOD),
    ConnectionState.BACKOFF: ("Waiting to try again", Tone.BAD),
    ConnectionState.REJECTED: ("Login rejected", Tone.BAD),
    ConnectionState.LOCKED_OUT: ("Locked out", Tone.BAD),
}

SECURITY: Final[Mapping[Security, str]] = {
    Security.PLAIN: "without TLS",
    Security.VERIFIED: "TLS, verified",
    Security.PINNED: "TLS, pinned certificate",
    Security.UNVERIFIED: "TLS, certificate not verified",
}


_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_LONGEST = 36_500 * _DAY


def duration(seconds: float) -> str:
    """A duration in at most two units: `12 s`, `5 min`, `3 h 20 min`, `2 days 4 h`."""
    if abs(seconds) > _LONGEST:  # a number that is no duration, whatever it is called
        return f"{seconds:.3g} s"
    whole = int(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min"
    if whole < _DAY:
        return _two(f"{whole // _HOUR} h", whole % _HOUR // _MINUTE, "min")
    days = whole // _DAY
    return _two("1 day" if days == 1 else f"{days} days", whole % _DAY // _HOUR, "h")


def _two(first: str, second: int, unit: str) -> str:
    return f"{first} {second} {unit}" if second else first


def ago(time: float, now: float) -> str:
    """When something was or will be, seen from now; both in Unix time."""
    # While a page is made, what it tells of goes on: something may come after its `now`.
    if abs(now - time) < 1:
        return "just now"
    return f"in {duration(time - now)}" if time > now else f"{duration(now - time)} ago"


def utc(time: float) -> str:
    """A point in time as HTML has it in `datetime`; empty where no calendar goes so far."""
    try:
        return dt.datetime.fromtimestamp(time, dt.UTC).isoformat(" ", "seconds")
    except (ValueError, OverflowError, OSError):
        return ""


def amount(number: int, one: str, many: str = "") -> str:
    """A number of things: `1 room`, `2,345 rooms`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
