from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import trio
from trio.testing import MockClock

from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from support.exporters import Exporter, add_miniserver
from support.memory_network import MemoryNetwork


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
def exporter(nursery: trio.Nursery, network: MemoryNetwork) -> Exporter:
    return Exporter(nursery, network)
