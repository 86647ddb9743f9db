"""A fleet of exporters that grows and shrinks while it runs, in simulated time."""

from __future__ import annotations

import pytest
import trio
from attrs import define, evolve
from trio.testing import MockClock

from loxone_exporter import fleet as fleet_module
from loxone_exporter.config.load import load_document
from loxone_exporter.config.model import MiniserverConfig
from loxone_exporter.config.shard import shard_of
from loxone_exporter.fleet import Fleet
from loxone_exporter.miniserver.budget import LoginBudget
from loxone_exporter.miniserver.supervisor import supervise
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.state import MiniserverState
from loxone_exporter.stop import StopRequest
from support.exporters import DEVICE, add_miniserver, sent
from support.memory_network import PASSWORD, MemoryNetwork


NAMES = ("home", "barn", "villa", "mill", "a", "b", "c", "e")
COUNT, MORE = 2, 3

LATE = 40.0
"""Seconds that the file needs from one exporter to the next."""


@define(eq=False)
class FleetOfExporters:
    """Exporters that share a file, and the Miniservers in it."""

    exporters: list[Fleet]
    miniservers: dict[str, SimulatedMiniserver]

    def reload(self, index: int, count: int) -> None:
        """Have an exporter read the file."""
        tables = [
            {"name": name, "host": f"{name}.test", "username": "exporter", "password": PASSWORD}
            for name in self.miniservers
        ]
        document: dict[str, object] = {"shard": {"count": count}, "miniservers": tables}
        environ = {"LOXONE_SHARD": f"loxone-exporter-{index}"}
        self.exporters[index].replace(load_document(document, None, environ).config)

    def connected(self) -> dict[str, int]:
        """The exporters that have a connection to each Miniserver; nobody has two."""
        found = [
            (state.name, index)
            for index, exporter in enumerate(self.exporters)
            for state in exporter.states
            if state.connected
        ]
        assert len(found) == len({name for name, _ in found})
        return dict(found)

    def sessions(self) -> dict[str, int]:
        """How many sessions there were with each Miniserver, at the exporter that has it."""
        return {
            state.name: state.link.sessions
            for exporter in self.exporters
            for state in exporter.states
        }

    def logins(self) -> dict[str, int]:
        return {name: len(sent(house, "getjwt")) for name, house in self.miniservers.items()}

    def tokens(self) -> dict[str, int]:
        return {name: len(house.tokens) for name, house in self.miniservers.items()}


@pytest.fixture(params=[False, True], ids=["tokens", "one token per client"])
def fleet(
    request: pytest.FixtureRequest,
    nursery: trio.Nursery,
    network: MemoryNetwork,
    monkeypatch: pytest.MonkeyPatch,
) -> FleetOfExporters:
    async def supervise_here(
        config: MiniserverConfig,
        state: MiniserverState,
        stop: StopRequest,
        *,
        budget: LoginBudget,
    ) -> None:
        await supervise(config, state, stop, connect=network.connect, budget=budget)

    monkeypatch.setattr(fleet_module, "supervise", supervise_here)
    profile = evolve(DEVICE, token_per_client=request.param)
    return FleetOfExporters(
        [Fleet(nursery, StopRequest()) for _ in range(MORE)],
        {name: add_miniserver(network, name, profile) for name in NAMES},
    )


def parts(count: int) -> dict[str, int]:
    return {name: shard_of(name, count) for name in NAMES}


MOVED = {name for name in NAMES if parts(COUNT)[name] != parts(MORE)[name]}


def test_some_move_and_some_stay() -> None:
    assert 2 <= len(MOVED) <= len(NAMES) - 2
    assert set(range(COUNT)) == {parts(COUNT)[name] for name in MOVED}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)], ids=["old first", "new first"])
@pytest.mark.parametrize(("before", "after"), [(COUNT, MORE), (MORE, COUNT)])
async def test_only_those_that_move_are_disconnected(
    autojump_clock: MockClock,
    fleet: FleetOfExporters,
    before: int,
    after: int,
    order: tuple[int, ...],
) -> None:
    """Whether for a time nobody has them, or two exporters; in the end everybody has one."""
    for index in order:
        fleet.reload(index, before)
    await trio.sleep(5)
    assert parts(before) == fleet.connected()

    for index in order:
        fleet.reload(index, after)
        await trio.sleep(LATE)
    assert parts(after) == fleet.connected()
    assert dict.fromkeys(NAMES, 1) == fleet.sessions()
    assert {name: 1 + (name in MOVED) for name in NAMES} == fleet.logins()

    await trio.sleep(600)
    assert parts(after) == fleet.connected()
    assert dict.fromkeys(NAMES, 1) == fleet.tokens()
    assert {name: 1 + (name in MOVED) for name in NAMES} == fleet.logins()
