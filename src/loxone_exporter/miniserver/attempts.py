"""Accounting for logins: who tries, with what, and what becomes of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import trio
from attrs import frozen

from loxone_exporter.config.model import MiniserverConfig
from loxone_exporter.config.secret import Secret
from loxone_exporter.errors import (
    BadTextError,
    BootingError,
    BusyError,
    ClosedNormallyError,
    ConnectionLostError,
    LockedOutError,
    LoginTimeoutError,
    NoTokensError,
    OutOfServiceError,
    ProtocolError,
    RejectedError,
    SessionError,
    SilentError,
    TokenExpiredError,
    UpdatingError,
)
from loxone_exporter.loxone.crypto import PublicKey
from loxone_exporter.loxone.replies import Device
from loxone_exporter.miniserver.memory import SessionMemory
from loxone_exporter.state import LinkState


_EXCUSES = (BootingError, UpdatingError, BusyError, LoginTimeoutError)
"""Failures of a login by which the Miniserver says that it is not about the credentials."""

_UNANSWERED = (ConnectionLostError, SilentError, OutOfServiceError, BadTextError)
"""Failures of a login that say nothing: the credentials may have been judged before."""

_NO_TOKEN_GIVEN = (
    BootingError,
    BusyError,
    ClosedNormallyError,
    LockedOutError,
    LoginTimeoutError,
    NoTokensError,
    RejectedError,
    TokenExpiredError,
    UpdatingError,
)
"""Failures of a login by which the Miniserver says that there is no token."""


@frozen
class Party:
    """Who logs in, and where.

    Attributes:
        config: The user, and what is allowed.
        password: The password as it is now.
        device: The Miniserver.
        public_key: Its key; None where firmware knows no encryption.
        memory: The token from before, and how often the password may be tried.
        link: Where it is shown until when the token is valid.
    """

    config: MiniserverConfig
    password: Secret
    device: Device
    public_key: PublicKey | None
    memory: SessionMemory
    link: LinkState


@contextlib.contextmanager
def password_attempt(party: Party) -> Iterator[None]:
    """Account for the password that is sent within the block.

    Raises:
        RejectedError: It was wrong, or must not be tried yet.
    """
    budget, user = party.memory.budget, party.config.username
    wait = budget.wait(party.password, trio.current_time())
    if wait > 0:
        raise RejectedError(f"the password of {user!r} is not tried again for {wait:.0f} s")
    budget.spend(party.password, trio.current_time())
    try:
        yield
    except NoTokensError:
        budget.withdraw()
        raise
    except _EXCUSES:
        budget.excuse(trio.current_time())
        raise
    except ClosedNormallyError as error:
        budget.reject(trio.current_time())
        # Some firmware rejects a login without a word (section 2.7).
        raise RejectedError(
            f"the connection was closed in answer to the login of {user!r}: "
            "user or password is wrong, perhaps"
        ) from error
    except _UNANSWERED:
        budget.leave_open(trio.current_time())
        raise
    except (SessionError, ProtocolError):
        budget.reject(trio.current_time())
        raise
    budget.accept()


@contextlib.contextmanager
def token_asked_for(memory: SessionMemory) -> Iterator[None]:
    """Remember a token that is asked for within the block, and of which nothing more is heard."""
    memory.lost_tokens += 1
    try:
        yield
    except _NO_TOKEN_GIVEN:
        memory.lost_tokens -= 1
        raise
    memory.lost_tokens -= 1
