"""The way to a Miniserver: where its session is, and how sessions fared."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Callable

from attrs import define, field, frozen

from loxone_exporter.errors import FailureReason
from loxone_exporter.histogram import Histogram
from loxone_exporter.loxone.replies import Device


_MAX_FAILURE_TEXT = 1000
"""Characters kept of what is said of a failure; parts of it may be the other side's words."""


def no_messages() -> int:
    """How many messages wait where there is no connection."""
    return 0


class ConnectionState(enum.StrEnum):
    """Where a Miniserver's session is; each is a value of the label `state`."""

    DISCONNECTED = enum.auto()
    CONNECTING = enum.auto()
    AUTHENTICATING = enum.auto()
    DISCOVERING = enum.auto()
    SUBSCRIBING = enum.auto()
    CONNECTED = enum.auto()
    BACKOFF = enum.auto()
    REJECTED = enum.auto()
    LOCKED_OUT = enum.auto()


class Security(enum.StrEnum):
    """What protects the connection; each is a value of the label `security`."""

    PLAIN = enum.auto()
    """No TLS; commands that carry secrets are encrypted one by one."""
    VERIFIED = enum.auto()
    """TLS, with a certificate for this Miniserver from an authority that is trusted."""
    PINNED = enum.auto()
    """TLS, with the one certificate that is configured."""
    UNVERIFIED = enum.auto()
    """TLS, with whatever certificate there is."""


def _cut(text: str) -> str:
    return text[:_MAX_FAILURE_TEXT]


@frozen
class Failure:
    """How a session ended, or why it never began.

    Attributes:
        reason: What logs and metrics call it.
        text: What happened, as the log has it.
        time: When, in Unix time.
        retry: When the next session begins at the latest, in Unix time.
    """

    reason: FailureReason
    text: str = field(converter=_cut)
    time: float
    retry: float


@define(eq=False, kw_only=True)
class LinkState:
    """What is known of the way to a Miniserver, and of how sessions fared.

    Attributes:
        device: Who answered last.
        security: What protects the connection; None before the first.
        certificate: What the Miniserver showed last, in DER form; None without TLS.
        certificate_not_after: Until when the certificate is valid, in Unix time; None without TLS.
        token_valid_until: Likewise the token; None without one.
        login_retry: When the password is tried again, in Unix time, after it was rejected or the
            address was locked out; None where nothing of the kind is due.
        clock_offset: Seconds that the Miniserver's clock is ahead; None where it does not tell.
        structure_time: When the structure was last changed, in Unix time; None before its states
            are in, for one of them tells the time zone.
        sessions: How many sessions got as far as events.
        failures: How often sessions failed, by reason.
        last_failure: The last of them; None where there was none.
        structure_changes: How many controls were added, removed and renamed by new structure files.
        broken_structures: How many structure files could not be read.
        received_bytes: How many bytes came over WebSockets; with TLS, what was in it.
        round_trips: How long keepalives waited for their answers.
        queued_messages: Tells how many messages are there that nobody has looked at yet.
    """

    device: Device | None = None
    security: Security | None = None
    certificate: bytes | None = field(default=None, repr=False)
    certificate_not_after: float | None = None
    token_valid_until: float | None = None
    login_retry: float | None = None
    clock_offset: float | None = None
    structure_time: float | None = None
    sessions: int = 0
    failures: Counter[FailureReason] = field(factory=Counter)
    last_failure: Failure | None = None
    structure_changes: Counter[str] = field(factory=Counter)
    broken_structures: int = 0
    received_bytes: int = 0
    round_trips: Histogram = field(factory=Histogram)
    queued_messages: Callable[[], int] = field(default=no_messages, repr=False)
