"""Supervisors under test, and the simulated Miniservers that they look after."""

from __future__ import annotations

import random
from typing import Any

import trio
from attrs import evolve

from loxone_exporter.metrics.counted import counted_states
from loxone_exporter.miniserver.backoff import Backoff
from loxone_exporter.miniserver.supervisor import supervise
from loxone_exporter.simulator.house import House
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.simulator.profile import Profile
from loxone_exporter.state import ConnectionState, MiniserverState
from loxone_exporter.stop import StopRequest
from support.memory_network import PASSWORD, MemoryNetwork, miniserver_config, small_house


STOP_BUDGET = 5.0
"""Seconds after which nobody waits for a stop any longer."""

DEVICE = Profile(key_bits=1024)


def add_miniserver(
    network: MemoryNetwork,
    name: str = "home",
    profile: Profile = DEVICE,
    *,
    house: House | None = None,
    username: str = "exporter",
    password: str = PASSWORD,
) -> SimulatedMiniserver:
    """A Miniserver on the network, under the host name that `miniserver_config` has for it."""
    miniserver = SimulatedMiniserver(
        house or small_house(), username=username, password=password, profile=profile
    )

    async def handle(stream: trio.abc.Stream) -> None:
        if miniserver.is_refusing:
            await stream.aclose()
        else:
            await miniserver.handle(stream)

    network.hosts[f"{name}.test"] = handle
    network.miniservers.append(miniserver)
    return miniserver


class Exporter:
    """Supervisors under test; chance is the same each time."""

    def __init__(self, nursery: trio.Nursery, network: MemoryNetwork) -> None:
        self.stop = StopRequest()
        self._nursery = nursery
        self._network = network
        self._ended = 0
        self._started = 0

    def start(
        self,
        name: str = "home",
        *,
        password: str = PASSWORD,
        **changes: Any,  # noqa: ANN401  # as attrs.evolve
    ) -> MiniserverState:
        """Look after one more Miniserver.

        Args:
            name: Its name.
            password: For its user.
            changes: What else differs from `miniserver_config`.
        """
        state = MiniserverState(name=name, counted_states=counted_states)
        self._started += 1
        self._nursery.start_soon(self._supervise, name, password, changes, state)
        return state

    async def connect(self, name: str = "home", **changes: Any) -> MiniserverState:  # noqa: ANN401  # as attrs.evolve
        """Likewise, and wait until it is connected."""
        state = self.start(name, **changes)
        await wait_until_connected(state)
        return state

    async def _supervise(
        self, name: str, password: str, changes: dict[str, Any], state: MiniserverState
    ) -> None:
        config = evolve(miniserver_config(name, password=password), **changes)
        backoff = Backoff(random=random.Random(name))
        await supervise(config, state, self.stop, connect=self._network.connect, backoff=backoff)
        self._ended += 1

    async def end(self) -> float:
        """Stop everything; how long that took."""
        started = trio.current_time()
        self.stop.make()
        with trio.fail_after(60):
            while self._ended < self._started:
                await trio.sleep(0.05)
        return trio.current_time() - started


async def wait_for(
    state: MiniserverState, connection: ConnectionState, *, within: float = 60
) -> None:
    """Wait until a session is there."""
    with trio.fail_after(within):
        while state.connection is not connection:
            await trio.sleep(0.05)


async def wait_until_connected(state: MiniserverState, *, within: float = 60) -> None:
    await wait_for(state, ConnectionState.CONNECTED, within=within)


def sent(miniserver: SimulatedMiniserver, part: str = "", *, since: int = 0) -> list[str]:
    """The commands that a Miniserver received, as far as this is part of them."""
    commands = [command.text for command in miniserver.received[since:]]
    return [command for command in commands if part in command]


def not_on_the_list(miniserver: SimulatedMiniserver) -> list[str]:
    """The commands that nobody should have sent."""
    return miniserver.strangers


def secrets_of(miniserver: SimulatedMiniserver, *passwords: str) -> set[str]:
    """What should never be seen: passwords, tokens, and whatever was made of them."""
    hashes = {
        part
        for command in miniserver.received
        if "getPublicKey" not in command.text and "keyexchange" not in command.text
        for part in command.text.replace("=", "/").replace("&", "/").split("/")
        if len(part) >= 40
    }
    return {PASSWORD, *passwords, *miniserver.tokens, *hashes}
