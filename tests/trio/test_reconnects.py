"""What a scrape shows when a Miniserver is gone, and while it comes back.

Nothing, in time; and then the old house or the new one, and no half. That is seen in the real
session, message by message: a whole scrape is taken before each of them.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
import trio
from attrs import define, evolve, field, frozen
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from loxone_exporter.loxone.structure import parse_structure
from loxone_exporter.loxone.tables import Daytimer, DaytimerEntry, Weather, WeatherEntry
from loxone_exporter.metrics.collector import LoxoneCollector
from loxone_exporter.metrics.counted import counted_states
from loxone_exporter.metrics.exposition import Exposition, Format
from loxone_exporter.miniserver.backoff import Backoff
from loxone_exporter.miniserver.conversation import KEEPALIVE_INTERVAL
from loxone_exporter.miniserver.network import Connect
from loxone_exporter.miniserver.structure_watch import REST
from loxone_exporter.miniserver.supervisor import supervise
from loxone_exporter.simulator.house import Changes, House
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.simulator.profile import Profile
from loxone_exporter.state import ConnectionState, LinkState, MiniserverState
from loxone_exporter.stop import StopRequest
from support.collected import collected, configure
from support.exporters import DEVICE, add_miniserver, wait_for, wait_until_connected
from support.memory_network import MemoryNetwork, miniserver_config
from support.message_by_message import MessageByMessage
from support.structures import key, uuid


NOON = 1_773_489_600.0
"""2026-03-14 12:00 UTC."""

ACTUAL, FORECAST, CLOCK, MODE, MODIFICATIONS = 901, 902, 903, 904, 905
COLUMNS = 6
"""Kinds of controls; a control's number tells its kind as well."""


@frozen
class Plan:
    """A house, in few words.

    Attributes:
        controls: The numbers of its controls; each has a state of the same number.
        said: What its states say, in one number.
        name: Goes into the names of all controls.
    """

    controls: frozenset[int]
    said: int
    name: str = ""

    def document(self, modified: int) -> dict[str, Any]:
        """Its structure file."""
        kinds: tuple[tuple[str, str, dict[str, Any]], ...] = (
            ("InfoOnlyAnalog", "value", {"format": "%.1f°C"}),
            ("Switch", "active", {}),
            ("TextState", "textAndIcon", {}),
            ("Daytimer", "entriesAndDefaultValue", {"analog": True}),
            ("SmokeAlarm", "level", {}),
            ("Meter", "total", {"totalFormat": "%.1fkWh"}),
        )
        controls = {}
        for number in sorted(self.controls):
            type_, state, details = kinds[number % COLUMNS]
            controls[key(1000 + number)] = {
                "name": f"{type_} {number}{self.name}",
                "type": type_,
                "room": "r",
                "cat": "c",
                "details": details,
                "states": {state: key(number)},
            }
        return {
            "lastModified": f"2026-05-25 18:{modified // 60:02d}:{modified % 60:02d}",
            "msInfo": {"serialNr": "504F94D0E0DE", "projectName": f"Home {self.name}"},
            "rooms": {"r": {"name": f"Room{self.name}"}},
            "cats": {"c": {"name": "Climate", "type": "indoortemperature"}},
            "operatingModes": {"3": "Monday", "4": "Tuesday"},
            "globalStates": {
                "miniserverTime": key(CLOCK),
                "operatingMode": key(MODE),
                "modifications": key(MODIFICATIONS),
            },
            "weatherServer": {"states": {"actual": key(ACTUAL), "forecast": key(FORECAST)}},
            "controls": controls,
        }

    def of_kind(self, *kinds: int) -> list[int]:
        return [number for number in sorted(self.controls) if number % COLUMNS in kinds]


class PlannedHouse(House):
    """A house as planned."""

    def __init__(self, plan: Plan, modified: int) -> None:
        """Build it."""
        document = plan.document(modified)
        self.structure = json.dumps(document).encode()
        self.last_modified = str(document["lastModified"])
        said = plan.said
        self.values = {uuid(number): said + number / 64 for number in plan.of_kind(0, 5)}
        self.values |= {uuid(number): float(said % 2) for number in plan.of_kind(1)}
        self.values |= {uuid(number): float(said % 3) for number in plan.of_kind(4)}
        self.values[uuid(MODE)] = 3.0 + said % 2
        self.texts = {uuid(number): f"text {said} of {number}" for number in plan.of_kind(2)}
        self.texts[uuid(CLOCK)] = "2026-03-14 12:00:00 +00:00:00"
        switched = DaytimerEntry(3 + said % 2, 0, 1 + said % 1000, 0, 1.0)
        self.daytimers = [Daytimer(uuid(number), 0.0, (switched,)) for number in plan.of_kind(3)]
        hour = WeatherEntry(1000, 1, 180, 500, 65, float(said % 40), 21.0, 15.0, 0.0, 5.5, 1013.25)
        self.weather = [Weather(uuid(ACTUAL), 1000 + said, (hour,))]

    def advance(self, seconds: float) -> Changes:  # noqa: ARG002  # nothing happens by itself
        return Changes({}, {})


OWN = ("loxone_exporter_", "loxone_miniserver_clock_offset_seconds", "process_", "python_")
KEPT = ("loxone_miniserver_info{", "loxone_miniserver_structure_timestamp_seconds{")
"""What is known of a Miniserver without being told by its states."""

COUNTERS = ("loxone_control_activations_total{", "loxone_control_on_seconds_total{")


def house_in(body: str) -> frozenset[str]:
    """The samples of a scrape that are about the house, and not about the exporter.

    Of what is counted, only that it is there: it goes on over reconnects.
    """
    lines = (line for line in body.splitlines() if not line.startswith(("#", *OWN)))
    return frozenset(
        line.rpartition(" ")[0] if line.startswith(COUNTERS) else line for line in lines
    )


def withdrawn(shown: frozenset[str]) -> frozenset[str]:
    """What is left of it when the values are stale."""
    return frozenset(line for line in shown if line.startswith(KEPT))


@define(eq=False)
class Observer:
    """Scrapes whenever it is asked to.

    Attributes:
        seen: What was shown, each followed by something else.
        looks: How often it looked.
    """

    _exposition: Exposition
    seen: list[frozenset[str]] = field(factory=list)
    looks: int = 0

    @classmethod
    def of(cls, state: MiniserverState, stale_after: float = math.inf) -> Observer:
        config = configure({"text_values": True, "stale_after": stale_after})
        collector = LoxoneCollector(config, [state], now=lambda: NOON)
        return cls(Exposition.of(collector))

    async def now(self) -> frozenset[str]:
        return house_in((await self._exposition.render(Format.TEXT)).decode())

    async def look(self) -> None:
        shown = await self.now()
        if not self.seen or self.seen[-1] != shown:
            self.seen.append(shown)
        self.looks += 1

    def has_seen(self, *course: frozenset[str]) -> bool:
        """Whether it saw these, or some of them, in this order, and nothing else."""
        steps = iter(course)
        return all(any(shown == step for step in steps) for shown in self.seen)


async def truth(house: House, link: LinkState) -> frozenset[str]:
    """What a scrape has to show of a house, told by somebody who knows it all at once."""
    state = MiniserverState(name="home", counted_states=counted_states)
    state.link.device = link.device
    state.replace_structure(parse_structure(house.structure))
    state.begin_session()
    state.begin_dump()
    state.apply_values(house.values.items())
    state.apply_texts(house.texts.items())
    state.apply_daytimers(house.daytimers)
    state.apply_weather(house.weather)
    state.end_dump()
    state.connection = ConnectionState.CONNECTED
    return await Observer.of(state).now()


plans = st.builds(
    Plan,
    st.frozensets(st.integers(0, 11), max_size=8),
    st.integers(0, 999),
    st.sampled_from(["", " new"]),
)


@frozen
class Move:
    """What becomes of a house.

    Attributes:
        plan: What it is afterwards.
        in_session: Whether it changes while connected, and not while the connection is lost.
        away: Seconds for which nobody can connect.
        breaks: At which looks from then on the connection breaks once more.
    """

    plan: Plan
    in_session: bool
    away: float
    breaks: frozenset[int]


moves = st.builds(
    Move,
    plans,
    st.booleans(),
    st.sampled_from([0.0, 100.0, 1000.0]),
    st.frozensets(st.integers(1, 40), max_size=2),
)


async def live_through(
    first: Plan, history: Sequence[Move], profile: Profile, stale_after: float
) -> None:
    """Let a house change and come back, and look at it before each message."""
    async with trio.open_nursery() as nursery:
        network = MemoryNetwork(nursery)
        house = add_miniserver(network, profile=profile, house=PlannedHouse(first, 0))
        serve = network.hosts["home.test"]
        state = MiniserverState(name="home", counted_states=counted_states)
        observer = Observer.of(state, stale_after)
        breaks: set[int] = set()

        async def look() -> None:
            await observer.look()
            if observer.looks in breaks:
                await house.drop_sessions()

        await start(nursery, state, MessageByMessage(network.connect, look).connect)
        before = await truth(house.house, state.link)
        assert before == await observer.now()
        for number, move in enumerate(history, start=1):
            observer.seen.clear()
            breaks |= {observer.looks + look for look in move.breaks}
            planned = PlannedHouse(move.plan, number)
            if move.in_session:
                await house.modify_structure(planned)
            else:
                del network.hosts["home.test"]
                await house.drop_sessions()
                house.replace_house(planned)
                await wait_for(state, ConnectionState.BACKOFF)
                await trio.sleep(move.away)
                await look()
                is_stale = move.away >= stale_after
                assert (withdrawn(before) if is_stale else before) == observer.seen[-1]
                network.hosts["home.test"] = serve
            await wait_until_shown(state, planned)
            breaks.clear()
            after = await truth(planned, state.link)
            assert after == await observer.now()
            # Another break may come when it is back already.
            again = (withdrawn(after), after) * len(move.breaks)
            assert observer.has_seen(before, withdrawn(before), after, *again)
            before = after
            await trio.sleep(REST)
        nursery.cancel_scope.cancel()


async def start(nursery: trio.Nursery, state: MiniserverState, connect: Connect) -> None:
    """Look after a Miniserver, and wait until it is connected."""
    nursery.start_soon(
        partial(
            supervise,
            miniserver_config(),
            state,
            StopRequest(),
            connect=connect,
            backoff=Backoff(random=random.Random(1)),
        )
    )
    await wait_until_connected(state)


async def wait_until_shown(state: MiniserverState, house: House) -> None:
    """Wait until a house is there, as a whole."""
    with trio.fail_after(300):
        while not (
            state.connected
            and state.structure is not None
            and house.last_modified == state.structure.last_modified
        ):
            await trio.sleep(0.1)


# Shrinking takes minutes; the example tells enough as it is.
@settings(max_examples=10, phases=(Phase.reuse, Phase.generate))
@given(
    first=plans,
    history=st.lists(moves, min_size=1, max_size=3),
    profile=st.sampled_from(
        [DEVICE, evolve(DEVICE, values_per_table=1, tables_before_answer=True)]
    ),
    stale_after=st.sampled_from([0.0, 300.0, math.inf]),
)
def test_a_scrape_before_any_message_of_a_reconnect_shows_the_old_or_the_new(
    first: Plan, history: Sequence[Move], profile: Profile, stale_after: float
) -> None:
    clock = MockClock(autojump_threshold=0)
    trio.run(live_through, first, history, profile, stale_after, clock=clock)


FULL = Plan(frozenset(range(12)), said=7)


async def connected_house(
    nursery: trio.Nursery, network: MemoryNetwork
) -> tuple[SimulatedMiniserver, MiniserverState]:
    house = add_miniserver(network, house=PlannedHouse(FULL, 0))
    state = MiniserverState(name="home", counted_states=counted_states, now=trio.current_time)
    await start(nursery, state, network.connect)
    return house, state


@pytest.mark.parametrize("stale_after", [60.0, 300.0, 3600.0])
async def test_values_are_withdrawn_so_long_after_the_last_byte_whether_anybody_looks_or_not(
    autojump_clock: MockClock, nursery: trio.Nursery, network: MemoryNetwork, stale_after: float
) -> None:
    house, state = await connected_house(nursery, network)
    observer = Observer.of(state, stale_after)
    shown = await observer.now()
    assert 60 < len(shown)
    await trio.sleep(100)
    house.faults.half_open = True
    assert state.last_received is not None
    await trio.sleep_until(state.last_received + stale_after - 0.1)
    assert shown == await observer.now()
    await trio.sleep(0.2)
    assert withdrawn(shown) == await observer.now()
    assert {line.partition("{")[0] for line in withdrawn(shown)} == {
        "loxone_miniserver_info",
        "loxone_miniserver_structure_timestamp_seconds",
    }
    house.faults.half_open = False
    await wait_until_connected(state)
    assert shown == await observer.now()
    nursery.cancel_scope.cancel()


async def test_values_that_are_to_be_withdrawn_at_once_are_so_when_silence_is_noticed(
    autojump_clock: MockClock, nursery: trio.Nursery, network: MemoryNetwork
) -> None:
    house, state = await connected_house(nursery, network)
    observer = Observer.of(state, stale_after=0.0)
    shown = await observer.now()
    await trio.sleep(100)
    house.faults.half_open = True
    await trio.sleep(60)
    assert withdrawn(shown) == await observer.now()
    nursery.cancel_scope.cancel()


async def test_a_quiet_house_is_heard_of_and_not_from(
    autojump_clock: MockClock, nursery: trio.Nursery, network: MemoryNetwork
) -> None:
    house, state = await connected_house(nursery, network)
    collector = LoxoneCollector(configure(), [state])

    async def ages() -> tuple[float, float, float]:
        found = await collected(collector)
        update, received = (
            trio.current_time() - found.value(f"loxone_exporter_last_{kind}_timestamp_seconds")
            for kind in ("update", "received")
        )
        return found.value("loxone_exporter_connected"), update, received

    await trio.sleep(3600)
    connected, update, received = await ages()
    assert 1 == connected
    assert 3600 == pytest.approx(update, abs=1)
    assert 0 <= received <= KEEPALIVE_INTERVAL
    await house.publish({uuid(0): 5.0})
    await trio.sleep(1)
    assert (1, 1, 1) == await ages()
    house.faults.half_open = True
    await trio.sleep(100)
    connected, update, received = await ages()
    assert (0, 101) == (connected, update)
    # The attempts that follow hear nothing either.
    assert 100 <= received <= 101
    nursery.cancel_scope.cancel()
