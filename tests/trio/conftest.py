from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from support.exporters import Exporter, add_miniserver, not_on_the_list
from support.memory_network import MemoryNetwork


@pytest.fixture(autouse=True)
def simulator_without_errors(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """An error of the simulator costs a connection only; here it costs the test as well."""
    yield
    errors = [
        record.exc_text
        for record in caplog.get_records("call")
        if record.name == "loxone_exporter.simulator.reception" and record.levelno >= logging.ERROR
    ]
    assert not errors


@pytest.fixture
async def network() -> AsyncIterator[MemoryNetwork]:
    # Only a test that asks for the clock itself gets it; another would really wait.
    assert isinstance(trio.lowlevel.current_clock(), MockClock)
    async with trio.open_nursery() as nursery:
        yield MemoryNetwork(nursery)
        nursery.cancel_scope.cancel()


@pytest.fixture
def house(network: MemoryNetwork) -> SimulatedMiniserver:
    return add_miniserver(network)


@pytest.fixture
def exporter(nursery: trio.Nursery, network: MemoryNetwork) -> Iterator[Exporter]:
    yield Exporter(nursery, network)
    for miniserver in network.miniservers:
        assert [] == not_on_the_list(miniserver)


@pytest.fixture
def without_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads take no part in simulated time."""

    async def run_sync(work: Callable[[], Any], **_: object) -> Any:  # noqa: ANN401  # what work returns
        await trio.lowlevel.checkpoint()
        return work()

    monkeypatch.setattr(trio.to_thread, "run_sync", run_sync)


@pytest.fixture(autouse=True)
def no_threads_in_simulated_time(request: pytest.FixtureRequest) -> None:
    if "autojump_clock" in request.fixturenames:
        request.getfixturevalue("without_threads")
