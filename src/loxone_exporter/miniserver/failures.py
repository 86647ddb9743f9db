"""Which failure it is that a Miniserver signals, by HTTP status, close code or answer code.

Pure translation: protocol reference, sections 1.6, 2.6, 2.7 and 3.7.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from loxone_exporter.errors import (
    BootingError,
    BusyError,
    ClosedNormallyError,
    ConnectionLostError,
    LockedOutError,
    MisbehaviourError,
    RejectedError,
    SessionError,
    SilentError,
    UpdatingError,
)
from loxone_exporter.loxone.replies import OK, Reply, parse_error_page


_SECONDS_LEFT = re.compile(r"\((\d{1,9})\)\s*$")
_FORBIDDEN = 403
_REDIRECTIONS = range(300, 400)
_BRUTE_FORCE_LOCK = 300.0
"""Seconds (section 3.7, code 429)."""
_UNAVAILABLE = 503
_BRUTE_FORCE = 429

_ANSWERS: Final[Mapping[int, tuple[type[SessionError], str]]] = {
    401: (RejectedError, ": user or password is wrong"),
    403: (RejectedError, ": the user lacks the right"),
    420: (SilentError, ": the login took too long"),
    423: (RejectedError, ": the user is disabled"),
    477: (RejectedError, ": the token is not valid any more"),
    500: (RejectedError, ": user or password is wrong"),
    503: (BootingError, ": the Miniserver is starting"),
    901: (BusyError, ": the Miniserver has no connection left"),
}

_BROKEN_BY_BYTES = frozenset({1002, 1003, 1007, 1009})
_BLOCKED = 4003

_CLOSURES: Final[Mapping[int, tuple[type[SessionError], str]]] = {
    1000: (ClosedNormallyError, ""),
    4006: (RejectedError, " (the user is disabled)"),
    4007: (UpdatingError, " (an update is running)"),
    4008: (BusyError, " (no further client can receive events)"),
}


def refusal(status: int, body: bytes, asked_for: str) -> SessionError:
    """Name the failure behind an HTTP status other than the expected one."""
    page = parse_error_page(body)
    if page is not None and status == OK:
        status = page.code
    if status == _UNAVAILABLE:
        return BootingError("the Miniserver is starting (HTTP status 503)")
    if status == _FORBIDDEN and page is not None:
        # What is asked for here needs no rights: the Miniserver refuses only a blocked address.
        left = "it does not say for how long" if page.remaining is None else f"{page.remaining} s"
        return LockedOutError(
            f"the Miniserver has locked out this address after too many failed logins: {left}",
            remaining=page.remaining,
        )
    if status in _REDIRECTIONS:
        return MisbehaviourError(
            f"HTTP status {status} in answer to {asked_for}: the Miniserver sends its clients "
            "elsewhere, to TLS most likely, which is not supported yet"
        )
    return MisbehaviourError(f"HTTP status {status} in answer to {asked_for}")


def closure(code: int, reason: str) -> SessionError:
    """Name the failure behind the close frame of a WebSocket."""
    text = f"the Miniserver closed the connection: {code} {reason}".rstrip()
    if code in _BROKEN_BY_BYTES:
        # Mostly found on our side, and not said by the Miniserver.
        return MisbehaviourError(f"the WebSocket's protocol was broken: {code} {reason}")
    if code == _BLOCKED:
        seconds = _SECONDS_LEFT.search(reason)
        return LockedOutError(text, remaining=float(seconds[1]) if seconds else None)
    kind, explanation = _CLOSURES.get(code, (ConnectionLostError, ""))
    return kind(text + explanation)


def answer(reply: Reply, asked_for: str) -> SessionError | None:
    """Name the failure behind the code of an answer; None where there is none.

    Args:
        reply: The answer.
        asked_for: What the command was for, without any secret.
    """
    if reply.code == OK:
        return None
    if reply.code == _BRUTE_FORCE:
        text = f"code {reply.code} in answer to {asked_for}: too many failed logins"
        return LockedOutError(text, remaining=_BRUTE_FORCE_LOCK)
    kind, explanation = _ANSWERS.get(reply.code, (MisbehaviourError, ""))
    return kind(f"code {reply.code} in answer to {asked_for}{explanation}")
