"""Everything that can go wrong in this program and has a name.

Errors of third-party libraries and of the operating system are translated into these where they
occur: a caller never needs to know which library did the work.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, TypeVar


AnyError = TypeVar("AnyError", bound=BaseException)


class ExporterError(Exception):
    """Base of all errors of this package; never raised itself.

    The text is for the owner of the house: what happened, and where there is a remedy, the remedy.
    """


class ListenError(ExporterError):
    """The HTTP server cannot listen where it was told to."""


class OutputError(ExporterError):
    """What a command has to say cannot be written."""


class ProtocolError(ExporterError):
    """Bytes that the Miniserver's protocol does not allow."""


class StructureError(ProtocolError):
    """A structure file that cannot be understood."""


class SessionError(ExporterError):
    """A session with a Miniserver ended, or never began; never raised itself.

    Attributes:
        reason: One word for logs and metrics; a closed set, one for each subclass.
    """

    reason: ClassVar[str]


class UnreachableError(SessionError):
    """No TCP connection, or no HTTP or WebSocket answer over it."""

    reason = "unreachable"


class BootingError(SessionError):
    """The Miniserver answers, but only to say that it is starting (HTTP status or code 503)."""

    reason = "booting"


class ConnectionLostError(SessionError):
    """A session that had begun was ended by the peer or by the network."""

    reason = "connection_lost"


class ClosedNormallyError(ConnectionLostError):
    """The Miniserver ended the session in good order, and without a reason (close code 1000)."""


class SilentError(SessionError):
    """The Miniserver did not answer in time; a mute peer is as good as none."""

    reason = "silent"


class OutOfServiceError(SessionError):
    """The Miniserver announced that it goes out of service (protocol reference, section 2.2)."""

    reason = "out_of_service"


class UpdatingError(SessionError):
    """The Miniserver installs new firmware, which takes minutes."""

    reason = "updating"


class BusyError(SessionError):
    """The Miniserver has as many clients as it can serve."""

    reason = "busy"


class RejectedError(SessionError):
    """The Miniserver does not accept these credentials, or not any more."""

    reason = "rejected"


class LockedOutError(SessionError):
    """The Miniserver refuses this address for a while, after too many failed logins.

    Attributes:
        remaining: Seconds until the Miniserver listens again, where it said so.
    """

    reason = "locked_out"

    def __init__(self, message: str, *, remaining: float | None = None) -> None:
        super().__init__(message)
        self.remaining = remaining


class MisbehaviourError(SessionError):
    """The Miniserver, or what answers in its place, does not speak the protocol."""

    reason = "protocol"


def leaves(group: BaseExceptionGroup[AnyError], kind: type[AnyError]) -> Iterator[AnyError]:
    """The exceptions of one kind in a group, however deep they are nested."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from leaves(error, kind)
        elif isinstance(error, kind):
            yield error
