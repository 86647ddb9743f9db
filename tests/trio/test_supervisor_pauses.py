"""How long the supervisor waits between sessions, and what it calls the end of one."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from loxone_exporter.errors import (
    ConnectionLostError,
    FailureReason,
    LockedOutError,
    RejectedError,
    SessionError,
    SilentError,
    TokenExpiredError,
    UserChangedError,
    UserDisabledError,
)
from loxone_exporter.miniserver.backoff import STABLE_AFTER
from loxone_exporter.miniserver.conversation import Conversation
from loxone_exporter.miniserver.supervisor import most_telling
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.state import ConnectionState
from support.exporters import Exporter, wait_for, wait_until_connected
from support.memory_network import MemoryNetwork


async def pauses_after_sessions_of(
    seconds: float, exporter: Exporter, house: SimulatedMiniserver
) -> list[float]:
    """Seconds from the end of each of six sessions to the next attempt."""
    state = await exporter.connect()
    pauses = []
    for _ in range(6):
        await trio.sleep(seconds)
        await house.drop_sessions()
        await wait_for(state, ConnectionState.BACKOFF)
        lost = trio.current_time()
        await wait_until_connected(state)
        pauses.append(trio.current_time() - lost)
    assert {FailureReason.CONNECTION_LOST: 6} == state.link.failures
    return pauses


async def test_pauses_grow_where_sessions_do_not_last(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    pauses = await pauses_after_sessions_of(STABLE_AFTER - 5, exporter, house)
    for pause, expected in zip(pauses, [1, 2, 4, 8, 16, 30], strict=True):
        assert expected <= pause <= 1.2 * expected + 0.1


async def test_pauses_stay_small_where_sessions_last(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    pauses = await pauses_after_sessions_of(STABLE_AFTER + 5, exporter, house)
    assert all(1 <= pause <= 1.3 for pause in pauses)


async def test_a_session_that_is_long_in_coming_about_has_not_lasted(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    house: SimulatedMiniserver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fail_late(*_: object) -> None:
        await trio.sleep(STABLE_AFTER + 5)
        raise ConnectionLostError("planted")

    monkeypatch.setattr(Conversation, "subscribe", fail_late)
    exporter.start()
    await trio.sleep(600)
    attempts = network.attempts("home.test")[::2]
    rounds = [after - before for before, after in itertools.pairwise(attempts)]
    for round_, expected in zip(rounds[:6], [1, 2, 4, 8, 16, 30], strict=True):
        assert expected <= round_ - STABLE_AFTER - 5 <= 1.2 * expected + 0.1


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ([ConnectionLostError("a")], ConnectionLostError),
        ([ConnectionLostError("a"), SilentError("b")], ConnectionLostError),
        ([ConnectionLostError("a"), RejectedError("b")], RejectedError),
        ([RejectedError("a"), LockedOutError("b")], LockedOutError),
        ([RejectedError("a"), UserDisabledError("b")], UserDisabledError),
        ([SilentError("a"), UserChangedError("b", ourselves=True)], UserChangedError),
        ([UserChangedError("a", ourselves=True), RejectedError("b")], RejectedError),
        ([TokenExpiredError("a"), ConnectionLostError("b")], TokenExpiredError),
    ],
)
def test_of_several_failures_the_one_that_asks_for_patience_is_told(
    errors: list[SessionError], expected: type[SessionError]
) -> None:
    nested: list[Any] = [errors[0], *(BaseExceptionGroup("", [error]) for error in errors[1:])]
    assert expected is type(most_telling(BaseExceptionGroup("", errors)))
    assert expected is type(most_telling(BaseExceptionGroup("", nested)))
