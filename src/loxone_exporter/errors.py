"""Everything that can go wrong in this program and has a name.

Errors of third-party libraries and of the operating system are translated into these where they
occur: a caller never needs to know which library did the work.
"""

from __future__ import annotations

import enum
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


class UsageError(ExporterError):
    """A command was not told what it needs, or was told what cannot be done."""


class StoppedError(ExporterError):
    """A signal ended a command before its work was done."""


class MissingExtraError(ExporterError):
    """Something needs libraries that are not installed by default."""


class ProtocolError(ExporterError):
    """Bytes that the Miniserver's protocol does not allow."""


class NoTokensError(ProtocolError):
    """The firmware is one of the first that may have tokens, and does not know the commands."""


class RemainderError(ProtocolError):
    """What follows the whole entries of a table, which are good, is no entry."""


class NoAnswerError(ProtocolError):
    """A text that is no answer to any command, where one was due."""


class StructureError(ProtocolError):
    """A structure file that cannot be understood."""


class UnexplainedEndError(ExporterError):
    """A session ended without a failure and without having been asked to; a bug of ours."""


class FailureReason(enum.StrEnum):
    """Why a session ended or never began: one word for logs and metrics, a closed set."""

    UNREACHABLE = enum.auto()
    TLS = enum.auto()
    IDENTITY = enum.auto()
    BOOTING = enum.auto()
    CONNECTION_LOST = enum.auto()
    SILENT = enum.auto()
    OUT_OF_SERVICE = enum.auto()
    UPDATING = enum.auto()
    BUSY = enum.auto()
    REJECTED = enum.auto()
    USER_DISABLED = enum.auto()
    USER_CHANGED = enum.auto()
    LOCKED_OUT = enum.auto()
    LOGIN_TIMEOUT = enum.auto()
    TOKEN_EXPIRED = enum.auto()
    INSECURE_LOGIN = enum.auto()
    BAD_TEXT = enum.auto()
    PROTOCOL = enum.auto()
    BUG = enum.auto()


class SessionError(ExporterError):
    """A session with a Miniserver ended, or never began; never raised itself.

    Attributes:
        reason: What logs and metrics call it.
    """

    reason: ClassVar[FailureReason]


class UnreachableError(SessionError):
    """No TCP connection, or no HTTP or WebSocket answer over it."""

    reason = FailureReason.UNREACHABLE


class TlsError(SessionError):
    """TLS is not there where it has to be, or the certificate is not the right one."""

    reason = FailureReason.TLS


class IdentityError(SessionError):
    """Another device answers than the one that is configured, or that was there before."""

    reason = FailureReason.IDENTITY


class BootingError(SessionError):
    """The Miniserver answers, but only to say that it is starting (HTTP status or code 503)."""

    reason = FailureReason.BOOTING


class ConnectionLostError(SessionError):
    """A session that had begun was ended by the peer or by the network."""

    reason = FailureReason.CONNECTION_LOST


class ClosedNormallyError(ConnectionLostError):
    """The Miniserver ended the session in good order, and without a reason (close code 1000)."""


class SilentError(SessionError):
    """The Miniserver did not answer in time; a mute peer is as good as none."""

    reason = FailureReason.SILENT


class OutOfServiceError(SessionError):
    """The Miniserver announced that it goes out of service (protocol reference, section 2.2)."""

    reason = FailureReason.OUT_OF_SERVICE


class UpdatingError(SessionError):
    """The Miniserver installs new firmware, which takes minutes."""

    reason = FailureReason.UPDATING


class BusyError(SessionError):
    """The Miniserver has as many clients as it can serve."""

    reason = FailureReason.BUSY


class RejectedError(SessionError):
    """The Miniserver does not accept these credentials, or not any more."""

    reason = FailureReason.REJECTED


class UserDisabledError(RejectedError):
    """The user was disabled in Loxone Config."""

    reason = FailureReason.USER_DISABLED


class UserChangedError(SessionError):
    """A user was changed, and what this one may see with it (close codes 4004 and 4005).

    Attributes:
        ourselves: Whether it is the user of this session: the token is gone, then.
    """

    reason = FailureReason.USER_CHANGED

    def __init__(self, message: str, *, ourselves: bool) -> None:
        super().__init__(message)
        self.ourselves = ourselves


class LockedOutError(SessionError):
    """The Miniserver refuses this address for a while, after too many failed logins.

    Attributes:
        remaining: Seconds until the Miniserver listens again, where it said so.
    """

    reason = FailureReason.LOCKED_OUT

    def __init__(self, message: str, *, remaining: float | None = None) -> None:
        super().__init__(message)
        self.remaining = remaining


class LoginTimeoutError(SessionError):
    """The Miniserver waited in vain for the login (code 420)."""

    reason = FailureReason.LOGIN_TIMEOUT


class TokenExpiredError(SessionError):
    """The Miniserver does not accept the token any more: a new login is needed."""

    reason = FailureReason.TOKEN_EXPIRED


class InsecureLoginError(SessionError):
    """The firmware has no login but the one that can be guessed offline by who listens."""

    reason = FailureReason.INSECURE_LOGIN


class BadTextError(SessionError):
    """A text frame was no UTF-8, which ends a WebSocket (close code 1007)."""

    reason = FailureReason.BAD_TEXT


class MisbehaviourError(SessionError):
    """The Miniserver, or what answers in its place, does not speak the protocol."""

    reason = FailureReason.PROTOCOL


def leaves(group: BaseExceptionGroup[AnyError], kind: type[AnyError]) -> Iterator[AnyError]:
    """The exceptions of one kind in a group, however deep they are nested."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from leaves(error, kind)
        elif isinstance(error, kind):
            yield error
