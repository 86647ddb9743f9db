"""One supervisor per Miniserver: session, failure, pause, session.

The only place with a broad `except`: a bug in a session costs that session, and nothing else.
"""

from __future__ import annotations

import logging

import trio
from attrs import define, field

from loxone_exporter import logs
from loxone_exporter.config.model import MiniserverConfig
from loxone_exporter.errors import LockedOutError, RejectedError, SessionError, leaves
from loxone_exporter.miniserver.backoff import STABLE_AFTER, Backoff
from loxone_exporter.miniserver.session import run_session
from loxone_exporter.miniserver.transport import Connect, connect_tcp
from loxone_exporter.state import ConnectionState, MiniserverState
from loxone_exporter.stop import StopRequest


_logger = logging.getLogger(__name__)


async def supervise(
    miniserver: MiniserverConfig,
    state: MiniserverState,
    stop: StopRequest,
    *,
    connect: Connect = connect_tcp,
    backoff: Backoff | None = None,
) -> None:
    """Keep a session with one Miniserver running until the stop is requested.

    Args:
        miniserver: Its configuration.
        state: Where everything that is learned about it goes.
        stop: Ends the session politely.
        connect: Opens connections; tests have one of their own.
        backoff: The delays; tests have predictable ones.
    """
    logs.MINISERVER.set(miniserver.name)
    backoff = backoff or Backoff()
    while not stop.is_made():
        attempt = _Attempt(miniserver, state, stop, connect)
        await attempt.run()
        state.tried = True
        if stop.is_made():
            break
        if attempt.time_connected >= STABLE_AFTER:
            backoff.after_stable_session()
        delay = backoff.delay(attempt.failure)
        state.connection = _state_after(attempt.failure)
        attempt.log(delay)
        with stop.interrupts():
            await trio.sleep(delay)
    state.connection = ConnectionState.DISCONNECTED


def _state_after(failure: SessionError | None) -> ConnectionState:
    match failure:
        case LockedOutError():
            return ConnectionState.LOCKED_OUT
        case RejectedError():
            return ConnectionState.REJECTED
        case _:
            return ConnectionState.BACKOFF


@define
class _Attempt:
    """One session, and how it ended."""

    _miniserver: MiniserverConfig
    _state: MiniserverState
    _stop: StopRequest
    _connect: Connect
    failure: SessionError | None = None
    bug: BaseExceptionGroup[Exception] | None = field(default=None, repr=False)
    time_connected: float = 0.0

    async def run(self) -> None:
        self._state.begin_session()
        try:
            await run_session(self._miniserver, self._state, self._stop, self._connect)
        except* SessionError as group:
            self.failure = _most_telling(group)
        except* Exception as group:  # noqa: BLE001  # the supervisor's task, see above
            self.bug = group
        if self._state.connected_since is not None:
            self.time_connected = trio.current_time() - self._state.connected_since

    def log(self, delay: float) -> None:
        if self.bug is not None:
            _logger.error(
                "a bug ended the session; trying again in %.0f s",
                delay,
                exc_info=self.bug,
            )
        elif self.failure is not None:
            _logger.warning(
                "%s; trying again in %.0f s",
                self.failure,
                delay,
                extra={"reason": self.failure.reason},
            )


def _most_telling(group: BaseExceptionGroup[SessionError]) -> SessionError:
    """Several tasks of a session notice its end, each in its way: prefer what asks for patience."""
    failures = list(leaves(group, SessionError))
    for kind in (LockedOutError, RejectedError):
        for failure in failures:
            if isinstance(failure, kind):
                return failure
    return failures[0]
