"""One visit to each Miniserver: log in, learn its structure and its states, log out."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import trio
from attrs import define, evolve, field, frozen

from loxone_exporter import logs
from loxone_exporter.config.model import MiniserverConfig
from loxone_exporter.errors import SessionError, SilentError, TokenExpiredError, UnreachableError
from loxone_exporter.metrics.counted import counted_states
from loxone_exporter.miniserver.clock import ClockWatch
from loxone_exporter.miniserver.conversation import Conversation
from loxone_exporter.miniserver.memory import HeldToken, SessionMemory
from loxone_exporter.miniserver.network import Address, Connect, connect_tcp, peer_of
from loxone_exporter.miniserver.session import Sessions
from loxone_exporter.miniserver.supervisor import most_telling
from loxone_exporter.state import ConnectionState, MiniserverState
from loxone_exporter.stop import StopRequest


LONGEST: Final = 60.0
"""Seconds after which a visit is given up; a large house on an old Miniserver takes a few."""

Watch = Callable[[Sequence[MiniserverState]], Awaitable[object]]
"""Shows how visits get on, until it is cancelled."""


@define
class Sight:
    """What is to be seen only while a visit lasts, and of the way there.

    Attributes:
        reached: The addresses that answered, in order, each with the IP address behind it where
            that is known.
        unreachable: Those that did not.
        is_complete: Whether the login succeeded, and all states were in.
        token: What the login was rewarded with; None where the firmware has no tokens.
        is_token_left: Whether the Miniserver may still have it.
        is_told_time: Whether this user was told the Miniserver's time; None if it was not asked.
    """

    reached: dict[Address, str | None] = field(factory=dict)
    unreachable: list[Address] = field(factory=list)
    is_complete: bool = False
    token: HeldToken | None = None
    is_token_left: bool = False
    is_told_time: bool | None = None


@frozen
class Visit:
    """How a visit went.

    Attributes:
        state: What is known now.
        error: Why nothing, or not everything, was learned; None where all went well.
        sight: What else was seen.
    """

    state: MiniserverState
    error: SessionError | None = None
    sight: Sight = field(factory=Sight)

    @property
    def failure(self) -> str:
        """The error in words; empty where all went well."""
        return "" if self.error is None else str(self.error)


async def visit_all(
    miniservers: Sequence[MiniserverConfig],
    *,
    purpose: str = "discover",
    connect: Connect = connect_tcp,
    stop: StopRequest | None = None,
    watch: Watch | None = None,
) -> list[Visit]:
    """Visit Miniservers, all at the same time.

    Each is told another client than the exporter's, so that the token of an exporter that runs
    meanwhile stays as it is.

    Args:
        miniservers: Whom to visit.
        purpose: What for; the client's name ends with it.
        connect: Opens connections; tests have one of their own.
        stop: Ends the visits early, and politely.
        watch: Runs meanwhile.
    """
    stop = stop or StopRequest()
    visits = [Visit(_new_state(miniserver)) for miniserver in miniservers]

    async def visit(index: int) -> None:
        miniserver = miniservers[index]
        visitor = evolve(miniserver, client_id=f"{miniserver.client_id} {purpose}")
        visits[index] = await _visit(visitor, visits[index], connect, stop)

    async with trio.open_nursery() as watching:
        if watch is not None:
            watching.start_soon(watch, [visit.state for visit in visits])
        async with trio.open_nursery() as nursery:
            for index in range(len(miniservers)):
                nursery.start_soon(visit, index)
        watching.cancel_scope.cancel(reason="the visits are over")
    return visits


def _new_state(miniserver: MiniserverConfig) -> MiniserverState:
    return MiniserverState(name=miniserver.name, counted_states=counted_states)


async def _visit(
    visitor: MiniserverConfig, visit: Visit, connect: Connect, stop: StopRequest
) -> Visit:
    logs.MINISERVER.set(visitor.name)
    state, sight, memory = visit.state, visit.sight, SessionMemory()

    async def noting_connect(address: Address) -> trio.abc.Stream:
        try:
            stream = await connect(address)
        except UnreachableError:
            sight.unreachable.append(address)
            raise
        sight.reached[address] = peer_of(stream)
        return stream

    async def look(conversation: Conversation) -> None:
        sight.is_complete = True
        sight.token = memory.token
        with contextlib.suppress(TokenExpiredError):  # said by firmware that may mean the rights
            await ClockWatch(conversation, state, memory).compare()
        sight.is_told_time = memory.is_told_time

    error: SessionError | None = None
    sessions = Sessions(visitor, state, memory, noting_connect)
    try:
        with trio.fail_after(LONGEST):
            await sessions.visit(visitor.password, stop, look)
    except* SessionError as group:
        error = most_telling(group)
    except* trio.TooSlowError:
        error = SilentError(f"it took longer than {LONGEST:.0f} s")
    finally:
        state.connection, state.tried = ConnectionState.DISCONNECTED, True
    sight.is_token_left = memory.token is not None or memory.lost_tokens > 0
    return evolve(visit, error=error)
