"""States, failures and times in plain words."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping
from typing import Final

from attrs import frozen

from loxone_exporter.errors import FailureReason
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


@frozen
class Advice:
    """What a failure means.

    Attributes:
        what: What happened, in a few words.
        remedy: What to do about it.
    """

    what: str
    remedy: str


ADVICE: Final[Mapping[FailureReason, Advice]] = {
    FailureReason.UNREACHABLE: Advice(
        "Nobody answers at its address",
        "Is the Miniserver switched on, and are host, port and tls_port right? A firewall between "
        "here and there may be in the way.",
    ),
    FailureReason.TLS: Advice(
        "There is no TLS connection that can be trusted",
        "The message names the certificate, and the option of the configuration that decides.",
    ),
    FailureReason.IDENTITY: Advice(
        "Another device answers than the one that is expected",
        "If the Miniserver was replaced, correct its serial in the configuration, or restart the "
        "exporter where there is none. If it was not, find out who answers at its address.",
    ),
    FailureReason.BOOTING: Advice(
        "The Miniserver is starting", "There is nothing to do: it is asked until it is ready."
    ),
    FailureReason.CONNECTION_LOST: Advice(
        "The connection broke",
        "If it was once, there is nothing to do. If it happens again and again, look at the "
        "network; a pattern in time tells more.",
    ),
    FailureReason.SILENT: Advice(
        "The Miniserver does not answer any more",
        "If it was once, there is nothing to do. If it happens again and again, look at the "
        "network and at the load of the Miniserver.",
    ),
    FailureReason.OUT_OF_SERVICE: Advice(
        "The Miniserver went out of service",
        "There is nothing to do: that comes before a restart, and it is asked until it is back.",
    ),
    FailureReason.UPDATING: Advice(
        "The Miniserver installs new firmware",
        "There is nothing to do but to wait some minutes.",
    ),
    FailureReason.BUSY: Advice(
        "The Miniserver has as many clients as it can serve",
        "Close apps and other clients that nobody needs: no more than 31 of them can receive "
        "events.",
    ),
    FailureReason.REJECTED: Advice(
        "User or password is wrong, or the user lacks a right",
        "Correct username or password in the configuration: it is tried at once. If you corrected "
        "the user in Loxone Config instead, restart the exporter, or wait.",
    ),
    FailureReason.USER_DISABLED: Advice(
        "The user is disabled",
        "Enable the user in Loxone Config, then restart the exporter, or wait.",
    ),
    FailureReason.USER_CHANGED: Advice(
        "A user was changed in Loxone Config",
        "There is nothing to do: the exporter logs in anew, and sees what the user may see now.",
    ),
    FailureReason.LOCKED_OUT: Advice(
        "The Miniserver has locked this address out, after too many failed logins",
        "Wait, and look for the client that fails to log in: it may be another one at the same "
        "address.",
    ),
    FailureReason.LOGIN_TIMEOUT: Advice(
        "The login took too long",
        "If it was once, there is nothing to do. If it happens again, look at the network and at "
        "the load of the Miniserver.",
    ),
    FailureReason.TOKEN_EXPIRED: Advice(
        "The token is not valid any more",
        "There is nothing to do, unless it happens again and again: another one is asked for.",
    ),
    FailureReason.INSECURE_LOGIN: Advice(
        "The firmware knows no login that is safe from eavesdroppers",
        "Update the Miniserver; or, if nobody can listen in your network, set allow_legacy_login.",
    ),
    FailureReason.BAD_TEXT: Advice(
        "The Miniserver sent a text that is no UTF-8",
        "Look for odd characters in the names of rooms, controls and users in Loxone Config.",
    ),
    FailureReason.PROTOCOL: Advice(
        "What answers does not behave like a Miniserver",
        "Are host and port those of the Miniserver? If they are, please report the message.",
    ),
    FailureReason.BUG: Advice(
        "This program has a fault",
        "Please report what the log says of it. The session is begun anew meanwhile.",
    ),
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
    if time > now:
        return f"in {duration(time - now)}"
    return "just now" if now - time < 1 else f"{duration(now - time)} ago"


def utc(time: float) -> str:
    """A point in time as HTML has it in `datetime`; empty where no calendar goes so far."""
    try:
        return dt.datetime.fromtimestamp(time, dt.UTC).isoformat(" ", "seconds")
    except (ValueError, OverflowError, OSError):
        return ""


def amount(number: int, one: str, many: str = "") -> str:
    """A number of things: `1 room`, `2,345 rooms`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
