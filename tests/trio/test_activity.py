"""What happens between two scrapes, seen over the network: a night with the demo house."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from loxone_exporter.loxone.structure import parse_structure
from loxone_exporter.loxone.uuids import StateUuid
from loxone_exporter.metrics.counted import counted_states
from loxone_exporter.simulator.demo import DemoHouse
from loxone_exporter.simulator.house import Changes
from loxone_exporter.state import ConnectionState, MiniserverState
from support.collected import scrape
from support.exporters import Exporter, add_miniserver, wait_for, wait_until_connected
from support.memory_network import LIGHT, MemoryNetwork


EVENING = datetime(2026, 3, 14, 21, tzinfo=UTC)
NIGHT = 8 * 3600
STEP = 10
"""Seconds between two tables; with one each second the test would take half a minute."""


class WatchedHouse(DemoHouse):
    """Keeps its own account of what its states do.

    Attributes:
        rises: How often each came on.
    """

    def __init__(self) -> None:
        """Build the house."""
        super().__init__(now=EVENING)
        self.rises: Counter[StateUuid] = Counter()
        self._on_times: Counter[StateUuid] = Counter()
        self._on_since = {uuid: 0 for uuid, value in self.values.items() if value}
        self._seconds = 0

    def advance(self, seconds: float) -> Changes:
        changes = super().advance(seconds)
        self._seconds += int(seconds)
        for uuid, value in changes.values.items():
            if value and uuid not in self._on_since:
                self.rises[uuid] += 1
                self._on_since[uuid] = self._seconds
            elif not value and uuid in self._on_since:
                self._on_times[uuid] += self._seconds - self._on_since.pop(uuid)
        return changes

    def on_time(self, uuid: StateUuid) -> int:
        """For how many seconds a state was on."""
        return self._on_times[uuid] + self._seconds - self._on_since.get(uuid, self._seconds)


async def presses(state: MiniserverState, name: str) -> tuple[float, float]:
    """How often a pushbutton was pressed, and for how long."""
    found = await scrape([state])
    activations, on_seconds = (
        [sample.value for sample in found.samples(family) if sample.labels["name"] == name]
        for family in ("loxone_control_activations_total", "loxone_control_on_seconds_total")
    )
    return sum(activations), sum(on_seconds)


@pytest.mark.slow
async def test_a_night_leaves_the_counts_of_the_house_itself(
    network: MemoryNetwork,
    exporter: Exporter,
    autojump_clock: MockClock,  # a night passes at once
) -> None:
    house = WatchedHouse()
    miniserver = add_miniserver(network, house=house)
    state = await exporter.connect()
    counted = set(counted_states(parse_structure(house.structure)))
    activities = state.activities.by_uuid
    assert counted == activities.keys()
    until = state.observed_until()
    before = {uuid: activities[uuid].seconds_on(until) for uuid in counted & house.values.keys()}
    for _ in range(NIGHT // STEP):
        await trio.sleep(STEP)
        changes = house.advance(STEP)
        await miniserver.publish(changes.values, changes.texts)
    await wait_all_tasks_blocked()
    until = state.observed_until()
    for uuid, seconds in before.items():
        activity = activities[uuid]
        assert house.rises[uuid] == activity.rises
        on_time = activity.seconds_on(until) - seconds
        assert pytest.approx(house.on_time(uuid), abs=1e-6) == on_time
    changed = [uuid for uuid in before if house.rises[uuid]]
    assert len(changed) > 10
    assert 1 == state.link.sessions


async def test_three_presses_between_two_scrapes_are_three(
    network: MemoryNetwork,
    exporter: Exporter,
    autojump_clock: MockClock,  # time passes at once
) -> None:
    house = DemoHouse(now=EVENING)
    miniserver = add_miniserver(network, house=house)
    state = await exporter.connect()
    assert state.structure is not None
    (button,) = (part.states[0].uuid for part in state.structure.walk() if part.name == "Alles aus")
    assert (0.0, 0.0) == await presses(state, "Alles aus")
    for _ in range(3):
        await miniserver.publish({button: 1.0})
        await trio.sleep(0.25)
        await miniserver.publish({button: 0.0})
        await trio.sleep(1)
    times, seconds = await presses(state, "Alles aus")
    assert 3.0 == times
    assert pytest.approx(0.75) == seconds


async def test_counts_go_on_over_reconnects(
    network: MemoryNetwork,
    exporter: Exporter,
    autojump_clock: MockClock,  # time passes at once
) -> None:
    miniserver = add_miniserver(network)
    await miniserver.publish({LIGHT: 0.0})
    state = await exporter.connect()
    activity = state.activities.by_uuid[LIGHT]

    def times() -> float:
        return activity.rises

    def seconds() -> float:
        return activity.seconds_on(state.observed_until())

    await miniserver.publish({LIGHT: 1.0})
    await trio.sleep(10)
    await miniserver.publish({LIGHT: 1.0})
    await wait_all_tasks_blocked()
    assert 1 == times()
    assert pytest.approx(10) == seconds()
    await miniserver.drop_sessions()
    await wait_for(state, ConnectionState.BACKOFF)
    # Nobody sees it go off and come on again.
    await miniserver.publish({LIGHT: 0.0})
    await miniserver.publish({LIGHT: 1.0})
    assert 1 == times()
    assert pytest.approx(10) == seconds()
    await wait_until_connected(state)
    again = state.connected_since
    assert again is not None
    assert activity is state.activities.by_uuid[LIGHT]
    await trio.sleep(5)
    assert 1 == times()
    assert pytest.approx(10 + trio.current_time() - again) == seconds()
    await miniserver.publish({LIGHT: 0.0})
    await miniserver.publish({LIGHT: 1.0})
    await wait_all_tasks_blocked()
    assert 2 == times()
