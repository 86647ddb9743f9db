"""Which failure it is that a Miniserver signals, by HTTP status, close code or answer code.

Pure translation: protocol reference, sections 1.6, 2.6, 2.7 and 3.7.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from loxone_exporter.errors import (
    BadTextError,
    BootingError,
    BusyError,
    ClosedNormallyError,
    ConnectionLostError,
    LockedOutError,
    LoginTimeoutError,
    MisbehaviourError,
    RejectedError,
    SessionError,
    TlsError,
    TokenExpiredError,
    UpdatingError,
    UserChangedError,
    UserDisabledError,
)
from loxone_exporter.loxone.replies import OK, Reply, parse_error_page


_SECONDS_LEFT = re.compile(r"\((\d{1,9})\)\s*$")
_FORBIDDEN = 403
_REDIRECTIONS = range(300, 400)
_BRUTE_FORCE_LOCK = 300.0
"""Seconds (section 3.7, code 429)."""
_UNAVAILABLE = 503
_TOO_MANY = 901
_BRUTE_FORCE = 429
TOO_LATE: Final = 420
"""The code by which a Miniserver says, before it closes, that nobody has logged in."""


class Phase(enum.Enum):
    """When an answer comes; the same code means different things."""

    OPENING = enum.auto()
    """Before the login, and in what prepares it: nothing is about credentials yet."""
    LOGIN = enum.auto()
    """In answer to the command that carries the credentials or the token."""
    SESSION = enum.auto()
    """After the login."""


_Meanings = Mapping[int, tuple[type[SessionError], str]]

_ANSWERS: Final[_Meanings] = {
    TOO_LATE: (LoginTimeoutError, ": the login took too long"),
    423: (UserDisabledError, ": the user is disabled"),
    503: (BootingError, ": the Miniserver is starting"),
    901: (BusyError, ": the Miniserver has no connection left"),
}
"""What means the same at any time."""

_ANSWERS_IN: Final[Mapping[Phase, _Meanings]] = {
    Phase.OPENING: {},
    Phase.LOGIN: {
        401: (RejectedError, ": user or password is wrong"),
        403: (RejectedError, ": the user lacks the right"),
        477: (TokenExpiredError, ": the token is not valid any more"),
        500: (RejectedError, ": user or password is wrong"),
    },
    Phase.SESSION: {
        401: (TokenExpiredError, ": the login is not valid any more"),
        403: (RejectedError, ": the user lacks the right for it"),
        477: (TokenExpiredError, ": the token is not valid any more"),
    },
}
"""What means something in one phase only."""

_BROKEN_BY_BYTES = frozenset({1002, 1003, 1009})
_NOT_CLOSED = 1006
"""Stands for the end of a connection without a close frame (RFC 6455, 7.4.1)."""
_BAD_TEXT = 1007
_BLOCKED = 4003
LOCATION_SHOWN: Final = 200
"""Characters of a redirection's target in texts."""


_CLOSURES: Final[Mapping[int, tuple[Callable[[str], SessionError], str]]] = {
    1000: (ClosedNormallyError, ""),
    4004: (partial(UserChangedError, ourselves=False), " (a user was changed)"),
    4005: (partial(UserChangedError, ourselves=True), " (this user was changed)"),
    4006: (UserDisabledError, " (the user is disabled)"),
    4007: (UpdatingError, " (an update is running)"),
    4008: (BusyError, " (no further client can receive events)"),
}


def refusal(status: int, body: bytes, asked_for: str, location: str = "") -> SessionError:
    """Name the failure behind an HTTP status other than the expected one.

    Args:
        status: The status.
        body: What came with it.
        asked_for: The path, without any secret.
        location: Where a redirection leads.
    """
    page = parse_error_page(body)
    if page is not None and status == OK:
        status = page.code
    if status == _UNAVAILABLE:
        return BootingError("the Miniserver is starting (HTTP status 503)")
    if status == _TOO_MANY:
        return BusyError("the Miniserver has no connection left (HTTP status 901)")
    if status == _FORBIDDEN and page is not None:
        # What is asked for here needs no rights: the Miniserver refuses only a blocked address.
        left = "it does not say for how long" if page.remaining is None else f"{page.remaining} s"
        return LockedOutError(
            f"the Miniserver has locked out this address after too many failed logins: {left}",
            remaining=page.remaining,
        )
    if status in _REDIRECTIONS:
        return _redirection(status, asked_for, location)
    return MisbehaviourError(f"HTTP status {status} in answer to {asked_for}")


def leads_to_tls(status: int, location: str) -> bool:
    """Whether an HTTP answer sends its clients on to HTTPS."""
    return status in _REDIRECTIONS and location.lower().startswith("https:")


def _redirection(status: int, asked_for: str, location: str) -> SessionError:
    text = f"HTTP status {status} in answer to {asked_for}: the Miniserver sends its clients"
    shown = repr(location[:LOCATION_SHOWN])
    if leads_to_tls(status, location):
        return TlsError(f"{text} to {shown}; it is not followed: see `host`, `tls` and `tls_port`")
    return MisbehaviourError(f"{text} to {shown}; it is not followed: is this the right host?")


def closure(code: int, reason: str) -> SessionError:
    """Name the failure behind the close frame of a WebSocket."""
    if code == _NOT_CLOSED:
        return ConnectionLostError("the connection broke")
    text = f"the Miniserver closed the connection: {code} {reason}".rstrip()
    if code in _BROKEN_BY_BYTES:
        # Mostly found on our side, and not said by the Miniserver.
        return MisbehaviourError(f"the WebSocket's protocol was broken: {code} {reason}")
    if code == _BAD_TEXT:
        return BadTextError("a text was no UTF-8, which no WebSocket may carry (1007)")
    if code == _BLOCKED:
        seconds = _SECONDS_LEFT.search(reason)
        return LockedOutError(text, remaining=float(seconds[1]) if seconds else None)
    kind, explanation = _CLOSURES.get(code, (ConnectionLostError, ""))
    return kind(text + explanation)


def answer(reply: Reply, asked_for: str, phase: Phase = Phase.OPENING) -> SessionError | None:
    """Name the failure behind the code of an answer; None where there is none.

    Args:
        reply: The answer.
        asked_for: What the command was for, without any secret.
        phase: When it was asked for.
    """
    if reply.code == OK:
        return None
    if reply.code == _BRUTE_FORCE:
        text = f"code {reply.code} in answer to {asked_for}: too many failed logins"
        return LockedOutError(text, remaining=_BRUTE_FORCE_LOCK)
    meanings = {**_ANSWERS, **_ANSWERS_IN[phase]}
    kind, explanation = meanings.get(reply.code, (MisbehaviourError, ""))
    return kind(f"code {reply.code} in answer to {asked_for}{explanation}")


def end_of_login(reply: Reply, asked_for: str) -> TokenExpiredError | None:
    """Likewise after the login, where other codes than those that say it is over do not matter."""
    failure = answer(reply, asked_for, Phase.SESSION)
    return failure if isinstance(failure, TokenExpiredError) else None
