"""What a reload does to the Miniservers that are looked after, in simulated time."""

from __future__ import annotations

import gc
import logging
import weakref
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import define, evolve, field
from trio.testing import MockClock

from loxone_exporter import fleet as fleet_module
from loxone_exporter.config.model import Config, MetricsConfig, MiniserverConfig
from loxone_exporter.config.secret import Secret
from loxone_exporter.errors import FailureReason
from loxone_exporter.fleet import FAREWELL_DEADLINE, RESTART_DELAY, Changes, Fleet
from loxone_exporter.miniserver import supervisor
from loxone_exporter.miniserver.budget import LoginBudget
from loxone_exporter.miniserver.supervisor import supervise
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.state import MiniserverState
from loxone_exporter.stop import StopRequest
from support.exporters import add_miniserver, sent, wait_until_connected
from support.memory_network import LIGHT, MemoryNetwork, miniserver_config
from support.stumbling import end_by_itself, fail, leak_a_cancellation


@define(eq=False)
class Running:
    """A fleet that runs, and what goes wrong with its supervisors."""

    stop: StopRequest
    fleet: Fleet
    network: MemoryNetwork
    stumble_of: dict[str, Any] = field(factory=dict)

    async def supervise(
        self,
        config: MiniserverConfig,
        state: MiniserverState,
        stop: StopRequest,
        *,
        budget: LoginBudget,
    ) -> None:
        stumble = self.stumble_of.pop(config.name, None)
        if stumble is not None:
            await stumble()
        else:
            await supervise(config, state, stop, connect=self.network.connect, budget=budget)

    def configure(self, *miniservers: MiniserverConfig, **metrics: bool) -> Changes:
        config = Config(miniservers=miniservers, metrics=MetricsConfig(**metrics))
        changes = self.fleet.replace(config)
        self.fleet.count(config)
        return changes

    def state(self, name: str = "home") -> MiniserverState:
        (state,) = [state for state in self.fleet.states if state.name == name]
        return state


@pytest.fixture
def running(
    nursery: trio.Nursery, network: MemoryNetwork, monkeypatch: pytest.MonkeyPatch
) -> Running:
    stop = StopRequest()
    running = Running(stop, Fleet(nursery, stop), network)
    monkeypatch.setattr(fleet_module, "supervise", running.supervise)
    return running


HOME, BARN = miniserver_config("home"), miniserver_config("barn")
RENAMED_CLIENT = evolve(HOME, client_id="another")


async def test_a_miniserver_that_stays_the_same_keeps_its_connection(
    autojump_clock: MockClock, running: Running, house: SimulatedMiniserver
) -> None:
    assert ("home",) == running.configure(HOME).started
    state = running.state()
    await wait_until_connected(state)
    changes = running.configure(evolve(HOME, port=80))
    assert Changes(started=(), restarted=(), stopped=(), kept=("home",)) == changes
    assert state is running.state()
    await trio.sleep(100)
    assert 1 == state.link.sessions
    assert 1 == len(sent(house, "getjwt"))


async def test_others_come_and_go_beside_it(
    autojump_clock: MockClock, running: Running, house: SimulatedMiniserver
) -> None:
    barn = add_miniserver(running.network, "barn")
    running.configure(HOME)
    await wait_until_connected(running.state())
    assert "started: barn; 1 Miniserver(s) as before" == str(running.configure(BARN, HOME))
    assert ["barn", "home"] == [state.name for state in running.fleet.states]
    await wait_until_connected(running.state("barn"))
    assert 1 == len(barn.tokens)

    assert "stopped: barn; 1 Miniserver(s) as before" == str(running.configure(HOME))
    assert ["home"] == [state.name for state in running.fleet.states]
    await trio.sleep(1)
    assert {} == dict(barn.tokens)
    assert 1 == running.state().link.sessions
    assert 1 == len(house.tokens)


async def test_nothing_is_kept_in_memory_of_one_that_is_gone(
    autojump_clock: MockClock, running: Running, house: SimulatedMiniserver
) -> None:
    add_miniserver(running.network, "barn")
    running.configure(HOME, BARN)
    await wait_until_connected(running.state("barn"))
    known = [weakref.ref(thing) for thing in (running.state("barn"), running.state().structure)]
    running.configure(HOME)
    await trio.sleep(FAREWELL_DEADLINE)
    gc.collect()
    assert [False, True] == [reference() is not None for reference in known]


async def test_a_changed_table_says_farewell_first_and_keeps_what_is_known(
    autojump_clock: MockClock, running: Running, house: SimulatedMiniserver
) -> None:
    running.configure(HOME)
    state = running.state()
    await wait_until_connected(state)
    values = dict(state.values)
    assert "restarted: home; 0 Miniserver(s) as before" == str(running.configure(RENAMED_CLIENT))
    assert state is running.state()
    assert values == state.values
    assert values
    with trio.fail_after(10):
        while state.link.sessions < 2 or not state.connected:
            assert len(house.tokens) <= 1
            await trio.sleep(0.01)
    assert values == state.values
    logins = [command for command in sent(house) if "getjwt" in command or "killtoken" in command]
    assert ["getjwt", "killtoken", "getjwt"] == [
        "killtoken" if "killtoken" in command else "getjwt" for command in logins
    ]


async def test_another_address_may_be_another_house(
    autojump_clock: MockClock, running: Running, house: SimulatedMiniserver
) -> None:
    add_miniserver(running.network, "barn")
    running.configure(HOME)
    state = running.state()
    await wait_until_connected(state)
    running.configure(evolve(HOME, host="barn.test"))
    assert running.state() is not state
    assert {} == running.state().values
    await wait_until_connected(running.state())


async def test_a_new_password_in_the_same_file_is_no_reason_to_disconnect(
    autojump_clock: MockClock, running: Running, house: SimulatedMiniserver
) -> None:
    file = Path("/nowhere/password")
    running.configure(evolve(HOME, password_file=file))
    other = Secret("rotated")
    assert ("home",) == running.configure(evolve(HOME, password_file=file, password=other)).kept
    assert ("home",) == running.configure(evolve(HOME, password=other)).restarted


async def watch_the_tokens(house: SimulatedMiniserver, most: list[int]) -> None:
    """Note how many tokens there ever are at a time: as many as sessions, or more."""
    while True:
        most[0] = max(most[0], len(house.tokens))
        await trio.sleep(0.001)


async def test_reloads_in_quick_succession_never_meet_at_the_miniserver(
    autojump_clock: MockClock, running: Running, house: SimulatedMiniserver
) -> None:
    add_miniserver(running.network, "barn")
    most_tokens = [0]
    async with trio.open_nursery() as watching:
        watching.start_soon(watch_the_tokens, house, most_tokens)
        running.network.latency = 0.02
        running.configure(HOME)
        await wait_until_connected(running.state())
        for miniserver in (RENAMED_CLIENT, HOME, BARN, HOME, BARN, RENAMED_CLIENT):
            running.configure(miniserver)
            await trio.sleep(0.03)
        await wait_until_connected(running.state())
        await trio.sleep(1)
        watching.cancel_scope.cancel()
    assert [1] == most_tokens
    assert 1 == len(house.tokens)


async def test_counting_follows_the_configuration(
    autojump_clock: MockClock, running: Running, house: SimulatedMiniserver
) -> None:
    running.configure(HOME)
    state = running.state()
    await wait_until_connected(state)
    assert {LIGHT} == state.activities.by_uuid.keys()
    running.configure(HOME, activations=False)
    assert {} == state.activities.by_uuid
    running.configure(HOME, activations=True)
    assert {LIGHT} == state.activities.by_uuid.keys()


@pytest.mark.parametrize("stumble", [end_by_itself, fail, leak_a_cancellation])
async def test_a_supervisor_that_ends_unasked_is_started_again(
    autojump_clock: MockClock,
    running: Running,
    house: SimulatedMiniserver,
    caplog: pytest.LogCaptureFixture,
    stumble: Any,  # noqa: ANN401  # one of the above
) -> None:
    add_miniserver(running.network, "barn")
    running.stumble_of["home"] = stumble
    running.configure(HOME, BARN)
    await wait_until_connected(running.state("barn"))
    assert not running.state().connected
    assert {FailureReason.BUG: 1} == running.state().link.failures
    (complaint,) = [r for r in caplog.records if r.levelno == logging.CRITICAL]
    assert "ended without having been asked to" in complaint.message
    assert (stumble is fail) == ("ZeroDivisionError: planted" in caplog.text)
    await wait_until_connected(running.state(), within=RESTART_DELAY + 5)
    assert 1 == running.state("barn").link.sessions

    running.stop.make()
    await trio.sleep(5)
    assert {} == dict(house.tokens)


async def test_a_stop_does_not_wait_for_a_supervisor_to_be_started_again(
    autojump_clock: MockClock, network: MemoryNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = StopRequest()
    monkeypatch.setattr(fleet_module, "supervise", lambda *_, **__: end_by_itself())
    async with trio.open_nursery() as nursery:
        Fleet(nursery, stop).replace(Config(miniservers=(HOME,)))
        await trio.sleep(1)
        stop.make()
        nursery.cancel_scope.deadline = trio.current_time() + 1
    assert not nursery.cancel_scope.cancelled_caught


async def test_another_name_for_a_miniserver_never_meets_the_one_before(
    autojump_clock: MockClock, running: Running, house: SimulatedMiniserver
) -> None:
    running.network.latency = 0.02
    running.configure(HOME)
    await wait_until_connected(running.state())
    most_tokens = [0]
    async with trio.open_nursery() as watching:
        watching.start_soon(watch_the_tokens, house, most_tokens)
        assert "started: villa; stopped: home; 0" in str(
            running.configure(evolve(HOME, name="villa"))
        )
        await wait_until_connected(running.state("villa"))
        watching.cancel_scope.cancel()
    assert [1] == most_tokens


async def test_two_names_can_be_swapped(
    autojump_clock: MockClock, running: Running, house: SimulatedMiniserver
) -> None:
    barn = add_miniserver(running.network, "barn")
    running.configure(HOME, BARN)
    for name in ("home", "barn"):
        await wait_until_connected(running.state(name))
    running.configure(evolve(HOME, name="barn"), evolve(BARN, name="home"))
    for name in ("home", "barn"):
        await wait_until_connected(running.state(name))
    assert (1, 1) == (len(house.tokens), len(barn.tokens))


async def test_a_wrong_password_is_not_tried_more_often_for_reloads_and_bugs(
    autojump_clock: MockClock, running: Running, house: SimulatedMiniserver
) -> None:
    wrong = evolve(HOME, password=Secret("wrong"))
    for number in range(20):
        running.configure(evolve(wrong, client_id=f"client {number}"))
        await trio.sleep(10)
    assert 1 == len(sent(house, "getjwt"))
    # A corrected one is tried at once.
    running.configure(HOME)
    await wait_until_connected(running.state())


async def test_a_bug_of_a_supervisor_does_not_spend_passwords(
    autojump_clock: MockClock,
    running: Running,
    house: SimulatedMiniserver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stumble(*_: object, **__: object) -> str:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(supervisor, "_outlook", stumble)
    running.configure(evolve(HOME, password=Secret("wrong")))
    await trio.sleep(290)
    assert 1 == len(sent(house, "getjwt"))
