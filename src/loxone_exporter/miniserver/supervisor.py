"""One supervisor per Miniserver: session, failure, pause, session.

The only place with a broad `except`: a bug in a session costs that session, and nothing else. A bug
may also end a session without a word, or with a cancellation that nobody asked for: trio-websocket
has leaked such ones, and each ends all that runs beside it, up to the program, in silence. Neither
gets beyond the supervisor.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import trio
from attrs import define, field

from loxone_exporter import logs
from loxone_exporter.config.model import MiniserverConfig
from loxone_exporter.config.secret import Secret
from loxone_exporter.errors import (
    FailureReason,
    IdentityError,
    InsecureLoginError,
    LockedOutError,
    OutOfServiceError,
    RejectedError,
    SessionError,
    TokenExpiredError,
    UnexplainedEndError,
    UserChangedError,
    UserDisabledError,
    leaves,
)
from loxone_exporter.miniserver.backoff import STABLE_AFTER, Backoff
from loxone_exporter.miniserver.budget import LoginBudget
from loxone_exporter.miniserver.memory import SessionMemory
from loxone_exporter.miniserver.network import Connect, connect_tcp
from loxone_exporter.miniserver.password import PasswordSource
from loxone_exporter.miniserver.session import FAREWELL, Sessions
from loxone_exporter.state import ConnectionState, Failure, MiniserverState
from loxone_exporter.stop import StopRequest


LEAVE: Final = 3.5
"""Seconds after a stop for all that is said to the Miniserver yet. With the closing handshake, the
stop is over within five."""

_SHORT = 2.0
"""Seconds; of a pause shorter than that, the tenths are told."""

LONG_SESSION: Final = 3600.0
"""Seconds after which refused tokens are forgiven: one an hour gets nobody locked out."""

_TELLING = (LockedOutError, UserDisabledError, RejectedError, UserChangedError)
"""What a failure is called first, where several tasks of a session noticed its end."""

_ABOUT_LOGIN = (LockedOutError, RejectedError, InsecureLoginError)
"""Failures after which it is shown when the login is tried again."""

_FOR_THE_OWNER = (RejectedError, IdentityError)
"""Failures that only the owner can end, who may not want to wait then."""

_logger = logging.getLogger(__name__)


async def supervise(
    miniserver: MiniserverConfig,
    state: MiniserverState,
    stop: StopRequest,
    *,
    connect: Connect = connect_tcp,
    backoff: Backoff | None = None,
    budget: LoginBudget | None = None,
) -> None:
    """Keep a session with one Miniserver running until the stop is requested.

    Args:
        miniserver: Its configuration.
        state: Where everything that is learned about it goes.
        stop: Ends the session politely.
        connect: Opens connections; tests have one of their own.
        backoff: The delays; tests have predictable ones.
        budget: What is left of an earlier supervisor's attempts to log in.
    """
    logs.MINISERVER.set(miniserver.name)
    _warn_of(miniserver)
    memory = SessionMemory(budget=budget or LoginBudget())
    supervisor = _Supervisor(
        Sessions(miniserver, state, memory, connect),
        PasswordSource(miniserver),
        stop,
        backoff or Backoff(),
        miniserver.password,
    )
    await supervisor.run()


def _warn_of(miniserver: MiniserverConfig) -> None:
    if not miniserver.tls_verify:
        _logger.warning(
            "tls_verify = false: whoever answers at this address is taken for the Miniserver, and "
            "is sent the login"
        )


@define
class _Supervisor:
    """What goes on around the sessions with one Miniserver."""

    _sessions: Sessions
    _passwords: PasswordSource
    _stop: StopRequest
    _backoff: Backoff
    _password: Secret

    async def run(self) -> None:
        with self._stop.interrupts(grace=LEAVE):
            while not self._stop.is_made():
                await self._attempt()
            await self._end_token()
        self._tell_of_tokens()
        self._sessions.state.connection = ConnectionState.DISCONNECTED

    async def _attempt(self) -> None:
        """Have one session, and a pause after it."""
        state = self._sessions.state
        state.begin_session()
        attempt = _Attempt()
        try:
            await attempt.run(self._have_session)
        finally:
            state.end_session()
        state.tried = True
        if self._stop.is_made():
            if attempt.bug is not None:
                attempt.log("it was the last one")
            return
        if state.connected_since is not None:
            time_connected = trio.current_time() - state.connected_since
            if time_connected >= STABLE_AFTER:
                self._backoff.after_stable_session()
            if time_connected >= LONG_SESSION:
                self._sessions.memory.refused_tokens = 0
        await self._pause(attempt)

    async def _have_session(self) -> None:
        self._password = await self._passwords.current()
        await self._sessions.run(self._password, self._stop)
        if not self._stop.is_made():
            raise UnexplainedEndError("the session ended, and nothing said why")

    async def _pause(self, attempt: _Attempt) -> None:
        """Say what happened, and wait before the next session."""
        state, memory, failure = self._sessions.state, self._sessions.memory, attempt.verdict
        state.link.failures[failure.reason if failure else FailureReason.BUG] += 1
        _forget(memory, attempt.failure)
        delay = self._backoff.delay(failure)
        wait = 0.0
        if memory.token is None:
            state.link.token_valid_until = None
        if memory.reusable_token is None:
            wait = memory.budget.wait(self._password, trio.current_time())
        pause = max(delay, wait)
        state.connection = _state_after(failure)
        attempt.log(_outlook(failure, pause, is_password_spared=wait > delay))
        state.link.last_failure = attempt.told(pause)
        is_about_login = isinstance(failure, _ABOUT_LOGIN) or wait > delay
        state.link.login_retry = time.time() + pause if is_about_login else None
        with self._stop.interrupts(), trio.move_on_after(pause):
            if is_about_login and not isinstance(failure, LockedOutError):
                await self._wait_for_another_password()
            else:
                await trio.sleep_forever()

    async def _wait_for_another_password(self) -> None:
        """Likewise for ever, where a bug keeps it from being noticed."""
        watch = _Attempt()
        budget = self._sessions.memory.budget
        await watch.run(partial(self._passwords.wait_for_another, self._password, budget))
        if watch.bug is not None:
            _logger.error(
                "a bug keeps another password from being noticed before the next session",
                exc_info=watch.bug,
            )
            await trio.sleep_forever()

    async def _end_token(self) -> None:
        """Kill the token that the last session left behind, if the Miniserver is there again."""
        if self._sessions.memory.reusable_token is None:
            return
        attempt = _Attempt()
        with trio.move_on_after(FAREWELL):
            await attempt.run(self._sessions.end_token)
        attempt.log("the token was not killed", level=logging.INFO)

    def _tell_of_tokens(self) -> None:
        """Say which tokens the Miniserver may still have when this process is gone."""
        memory = self._sessions.memory
        if memory.token is not None and memory.token.life > 0:
            _logger.warning("a token is left behind in the Miniserver until it expires")
        if memory.lost_tokens:
            _logger.warning(
                "%d token(s) may be left behind in the Miniserver until they expire: asked "
                "for without an answer, or not used any more",
                memory.lost_tokens,
            )


def _forget(memory: SessionMemory, failure: SessionError | None) -> None:
    """Forget what a failure says is not true any more."""
    if isinstance(failure, UserChangedError):
        memory.is_told_time = True
    match failure:
        case TokenExpiredError():
            memory.give_up_token()
            memory.structure_version = None
        case UserChangedError(ourselves=True):
            memory.token = memory.structure_version = None
            memory.budget.doubt()
        case UserDisabledError():
            memory.give_up_token()  # nobody says that it dies with the user
            memory.structure_version = None
            memory.budget.doubt()
        case UserChangedError() | OutOfServiceError():
            memory.structure_version = None


def _outlook(failure: SessionError | None, pause: float, *, is_password_spared: bool) -> str:
    """Say when the next session begins, and why not before."""
    text = f"trying again in {pause:.1f} s" if pause < _SHORT else f"trying again in {pause:.0f} s"
    if is_password_spared:
        return (
            f"{text}; the password is spared until then, so that the Miniserver does not lock this "
            "address out"
        )
    if isinstance(failure, _FOR_THE_OWNER):
        text += "; another configuration of it, or a restart of the exporter, tries at once"
    return text


def _state_after(failure: SessionError | None) -> ConnectionState:
    match failure:
        case LockedOutError():
            return ConnectionState.LOCKED_OUT
        case RejectedError() | InsecureLoginError():
            return ConnectionState.REJECTED
        case _:
            return ConnectionState.BACKOFF


@define
class _Attempt:
    """One session, or something about it, and how it ended."""

    failure: SessionError | None = None
    bug: BaseExceptionGroup[BaseException] | None = field(default=None, repr=False)

    async def run(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except* trio.Cancelled as group:  # noqa: ASYNC103  # a stray one is what is caught
            if _is_cancelled():
                raise
            self.bug = group
        except* SessionError as group:
            self.failure = most_telling(group)
        except* Exception as group:  # noqa: BLE001  # the supervisor's task, see above
            self.bug = group  # which tells more than a cancellation beside it

    @property
    def verdict(self) -> SessionError | None:
        """What it is counted as; None for a bug, which goes before any failure beside it."""
        return None if self.bug is not None else self.failure

    def told(self, pause: float) -> Failure:
        """How it ended, for those who do not see the log.

        Args:
            pause: Seconds until the next one.
        """
        failure, now = self.verdict, time.time()
        reason = failure.reason if failure else FailureReason.BUG
        # What a bug says may be anything; it is in the log.
        return Failure(reason, str(failure or "a bug ended the session"), now, now + pause)

    def log(self, outlook: str, level: int = logging.WARNING) -> None:
        """Say how it ended, and what comes next."""
        if self.bug is not None:
            _logger.error("a bug ended the session; %s", outlook, exc_info=self.bug)
        elif self.failure is not None:
            reason = {"reason": self.failure.reason}
            _logger.log(level, "%s; %s", self.failure, outlook, extra=reason)


def _is_cancelled() -> bool:
    """Whether somebody around asked the present task to end."""
    return trio.current_effective_deadline() == -math.inf


def most_telling(group: BaseExceptionGroup[SessionError]) -> SessionError:
    """Several tasks of a session notice its end, each in its way: prefer what asks for patience."""
    failures = list(leaves(group, SessionError))
    for kind in _TELLING:
        for failure in failures:
            if isinstance(failure, kind):
                return failure
    return failures[0]
