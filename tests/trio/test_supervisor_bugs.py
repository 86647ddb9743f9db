"""What a bug costs: its session, whatever it is and wherever it comes up, and nothing else.

A stray cancellation is a bug as well. To everything between it and the next nursery it looks like a
request to end, and the nursery then ends without an error: nothing but the supervisor notices.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import pytest
import trio
from trio.testing import MockClock

from loxone_exporter.errors import ConnectionLostError, FailureReason, RejectedError, SessionError
from loxone_exporter.miniserver.approach import Approach
from loxone_exporter.miniserver.clock import ClockWatch
from loxone_exporter.miniserver.conversation import Conversation
from loxone_exporter.miniserver.login import Login
from loxone_exporter.miniserver.password import PasswordSource
from loxone_exporter.miniserver.session import Sessions
from loxone_exporter.miniserver.structure_watch import StructureWatch
from loxone_exporter.miniserver.supervisor import supervise
from loxone_exporter.miniserver.transport import _WebSocketChannel
from loxone_exporter.state import ConnectionState, MiniserverState
from loxone_exporter.stop import StopRequest
from support.exporters import STOP_BUDGET, Exporter, add_miniserver, wait_for, wait_until_connected
from support.memory_network import TEMPERATURE, MemoryNetwork, miniserver_config
from support.stray_cancellations import leak_a_cancellation


Fault = Callable[..., Awaitable[object]]


async def stumble(*_: object) -> None:
    await trio.lowlevel.checkpoint()
    raise ZeroDivisionError("planted")


async def end_early(*_: object) -> None:
    """Come to an end without a reason."""
    await trio.lowlevel.checkpoint()


PLACES: list[tuple[type, str]] = [
    (PasswordSource, "current"),
    (Sessions, "run"),
    (Approach, "meet"),
    (_WebSocketChannel, "open"),
    (_WebSocketChannel, "send"),
    (_WebSocketChannel, "receive"),
    (StructureWatch, "discover"),
    (Conversation, "listen"),
    (Conversation, "subscribe"),
    (Conversation, "keep_alive"),
    (StructureWatch, "follow"),
    (ClockWatch, "follow"),
]
"""Every stage of a session, and every task of it."""


@pytest.mark.parametrize("fault", [stumble, leak_a_cancellation])
@pytest.mark.parametrize(
    ("kind", "method"), PLACES, ids=[f"{kind.__name__}.{method}" for kind, method in PLACES]
)
async def test_a_bug_costs_one_session_and_is_counted_and_told_with_its_traceback(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    kind: type,
    method: str,
    fault: Fault,
) -> None:
    add_miniserver(network, "a")
    healthy = add_miniserver(network, "b")
    other = await exporter.connect("b")
    with monkeypatch.context() as patch:
        patch.setattr(kind, method, fault)
        state = exporter.start("a")
        # Where a whole task is replaced, the session may last until the next keepalive.
        await wait_for(state, ConnectionState.BACKOFF)
    assert {FailureReason.BUG: 1} == state.link.failures
    record = next(record for record in caplog.records if record.levelno == logging.ERROR)
    assert record.message.startswith("a bug ended the session; trying again in 1.")
    assert record.exc_info is not None
    await wait_until_connected(state)
    assert {FailureReason.BUG: 1} == state.link.failures
    assert (1, {}) == (other.link.sessions, other.link.failures)
    await healthy.publish({TEMPERATURE: 5.0})
    await trio.sleep(0.1)
    assert 5.0 == other.values[TEMPERATURE]
    assert await exporter.end() < STOP_BUDGET


@pytest.mark.parametrize("method", ["run", "_log_in_and_follow", "_follow"])
async def test_a_session_that_ends_without_a_reason_is_a_bug(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    method: str,
) -> None:
    add_miniserver(network)
    with monkeypatch.context() as patch:
        patch.setattr(Sessions, method, end_early)
        state = exporter.start()
        await trio.sleep(20)
    # In pauses that double, and not in a storm.
    assert [FailureReason.BUG] == list(state.link.failures)
    assert 4 <= state.link.failures.total() <= 5
    assert "nothing said why" in caplog.text
    assert "Traceback" in caplog.text
    await wait_until_connected(state)


async def test_a_cancellation_that_leaks_amid_events_is_noticed_at_once(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    house = add_miniserver(network)
    state = await exporter.connect()
    with monkeypatch.context() as patch:
        patch.setattr(_WebSocketChannel, "receive", leak_a_cancellation)
        await house.publish({TEMPERATURE: 1.0})
        await wait_for(state, ConnectionState.BACKOFF, within=1)
    assert {FailureReason.BUG: 1} == state.link.failures
    assert "nothing said why" in caplog.text
    await wait_until_connected(state)


async def test_a_bug_while_stopping_is_told_and_holds_nothing_up(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    add_miniserver(network)
    await exporter.connect()
    with monkeypatch.context() as patch:
        patch.setattr(Login, "log_out", stumble)
        assert await exporter.end() < STOP_BUDGET
    assert "a bug ended the session; it was the last one" in caplog.text
    assert "Traceback" in caplog.text


async def test_a_stop_is_no_bug(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for name in ("a", "b", "c"):
        add_miniserver(network, name)
    await exporter.connect("a")
    exporter.start("b")
    exporter.start("nobody-there")
    network.miniservers[2].faults.mute_after = 5
    exporter.start("c")
    await trio.sleep(1)
    assert await exporter.end() < STOP_BUDGET
    assert [] == [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("fault", [stumble, leak_a_cancellation])
async def test_a_bug_in_the_watch_for_another_password_does_not_shorten_the_pause(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
) -> None:
    house = add_miniserver(network)
    house.faults.reject_logins = True
    monkeypatch.setattr(PasswordSource, "wait_for_another", fault)
    state = exporter.start()
    await wait_for(state, ConnectionState.REJECTED)
    rejected = trio.current_time()
    await trio.sleep(1)
    house.faults.reject_logins = False
    await wait_until_connected(state, within=500)
    assert 299 <= trio.current_time() - rejected <= 361
    assert {FailureReason.REJECTED: 1} == state.link.failures
    assert "a bug keeps another password from being noticed" in caplog.text


@pytest.mark.parametrize("error", [ConnectionLostError("lost"), RejectedError("wrong")], ids=str)
async def test_a_stray_cancellation_beside_a_failure_is_a_bug_that_forgets_no_failure(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    monkeypatch: pytest.MonkeyPatch,
    error: SessionError,
) -> None:
    async def leak_and_fail(*_: object) -> None:
        try:
            await leak_a_cancellation()
        except trio.Cancelled as leaked:  # noqa: ASYNC103  # it goes on in the group
            raise BaseExceptionGroup("", [leaked, error]) from None  # noqa: ASYNC104  # planted

    add_miniserver(network)
    with monkeypatch.context() as patch:
        patch.setattr(Sessions, "run", leak_and_fail)
        state = exporter.start()
        await wait_for(state, ConnectionState.BACKOFF)
    assert {FailureReason.BUG: 1} == state.link.failures
    await wait_until_connected(state)


async def test_a_cancellation_that_somebody_asked_for_is_no_bug(
    autojump_clock: MockClock, network: MemoryNetwork, caplog: pytest.LogCaptureFixture
) -> None:
    add_miniserver(network)
    states = [MiniserverState(name=name) for name in ("home", "nobody-there")]
    for state in states:
        with trio.move_on_after(30) as scope:
            config = miniserver_config(state.name)
            await supervise(config, state, StopRequest(), connect=network.connect)
        assert scope.cancelled_caught
        assert FailureReason.BUG not in state.link.failures
    assert [] == [record for record in caplog.records if record.levelno >= logging.ERROR]
