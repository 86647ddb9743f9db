"""What is told of the traffic with a Miniserver, against what really crossed the network."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from datetime import UTC, datetime

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from loxone_exporter.errors import ConnectionLostError, SessionError
from loxone_exporter.loxone.header import Identifier
from loxone_exporter.loxone.structure import parse_structure
from loxone_exporter.loxone.tables import encode_values
from loxone_exporter.loxone.uuids import StateUuid, parse_uuid
from loxone_exporter.metrics.collector import LoxoneCollector
from loxone_exporter.miniserver.conversation import Conversation
from loxone_exporter.simulator.demo import DemoHouse
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.state import ConnectionState, MiniserverState
from support.collected import configure, scrape
from support.exporters import Exporter, add_miniserver, sent, wait_for
from support.memory_network import LIGHT, TEMPERATURE, MemoryNetwork
from support.scrapes import Scrape
from support.scripted_channel import ScriptedChannel


EVENTS = "loxone_exporter_events_total"
UNKNOWN = "loxone_exporter_unknown_events_total"
BYTES = "loxone_exporter_received_bytes_total"
QUEUED = "loxone_exporter_queued_messages"
ROUND_TRIP = "loxone_exporter_keepalive_round_trip_seconds"

STRANGER = parse_uuid("30000000-0000-0000-ffff000000000003")


def round_trips(found: Scrape) -> dict[str, float]:
    return found.values(f"{ROUND_TRIP}_bucket", "le")


async def test_events_are_those_that_the_house_told(
    autojump_clock: MockClock, exporter: Exporter, network: MemoryNetwork
) -> None:
    house = DemoHouse(now=datetime(2026, 3, 14, 12, tzinfo=UTC))
    miniserver = add_miniserver(network, house=house)
    known = parse_structure(house.structure).state_uuids()
    house.values[STRANGER] = 1.0
    house.texts[STRANGER] = "nobody knows"

    def strangers(uuids: Iterable[StateUuid]) -> int:
        return sum(uuid not in known for uuid in uuids)

    dump = {
        "value": len(house.values),
        "text": len(house.texts),
        "daytimer": len(house.daytimers),
        "weather": len(house.weather),
    }
    assert all(dump.values())
    of_strangers = strangers(house.values) + strangers(house.texts)
    of_strangers += strangers(daytimer.uuid for daytimer in house.daytimers)
    of_strangers += strangers(weather.uuid for weather in house.weather)

    state = await exporter.connect()
    found = await scrape([state])
    assert dump == found.values(EVENTS, "kind")
    assert of_strangers == found.value(UNKNOWN) >= 2

    first, second, *_ = known & house.values.keys()
    await miniserver.publish({first: 1.0, second: 2.0, STRANGER: 3.0}, {STRANGER: "x"})
    await miniserver.publish({first: 3.0})
    await trio.sleep(1)
    found = await scrape([state])
    values, texts = dump["value"] + 4, dump["text"] + 1
    assert {**dump, "value": values, "text": texts} == found.values(EVENTS, "kind")
    assert of_strangers + 2 == found.value(UNKNOWN)


async def test_bytes_are_those_of_all_websockets(
    autojump_clock: MockClock,
    exporter: Exporter,
    house: SimulatedMiniserver,
    network: MemoryNetwork,
) -> None:
    state = await exporter.connect()
    websockets = [network.streams[-1]]
    first = (await scrape([state])).value(BYTES)
    assert websockets[0].received == first
    await house.drop_sessions()
    await wait_for(state, ConnectionState.BACKOFF)
    await wait_for(state, ConnectionState.CONNECTED)
    websockets.append(network.streams[-1])
    await house.publish({TEMPERATURE: 20.0, LIGHT: 1.0})
    await trio.sleep(100)
    received = (await scrape([state])).value(BYTES)
    assert sum(stream.received for stream in websockets) == received > 1.5 * first


async def test_round_trips_of_keepalives(
    autojump_clock: MockClock,
    exporter: Exporter,
    house: SimulatedMiniserver,
    network: MemoryNetwork,
) -> None:
    network.latency = 0.3
    state = await exporter.connect()
    # The first one marks the end of the initial tables, and waits behind them.
    assert 1 == len(sent(house, "keepalive"))
    assert {0.0} == set(round_trips(await scrape([state])).values())
    await trio.sleep(299)
    found = await scrape([state])
    count = len(sent(house, "keepalive")) - 1
    assert 9 == count
    assert {
        "0.005": 0,
        "0.02": 0,
        "0.05": 0,
        "0.1": 0,
        "0.5": count,
        "2.0": count,
        "10.0": count,
        "+Inf": count,
    } == round_trips(found)
    assert count == found.value(f"{ROUND_TRIP}_count")
    assert abs(0.3 * count - found.value(f"{ROUND_TRIP}_sum")) < 0.01


async def test_a_keepalive_without_an_answer_is_among_the_slowest(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    state = await exporter.connect()
    house.faults.mute_after = 0
    await wait_for(state, ConnectionState.BACKOFF)
    found = round_trips(await scrape([state]))
    assert (0, 1) == (found["10.0"], found["+Inf"])


async def test_messages_queue_up_while_nobody_looks_at_them(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    state = MiniserverState(name="home")
    channel = ScriptedChannel(state.mark_received)

    def queued() -> float:
        """What a scrape tells that takes place before anything else does."""
        families = {
            family.name: family for family in LoxoneCollector(configure(), [state]).collect()
        }
        (sample,) = families[QUEUED].samples
        return sample.value

    async def listen() -> None:
        with contextlib.suppress(SessionError):
            await Conversation(channel, state).listen()

    nursery.start_soon(listen)
    await wait_all_tasks_blocked()
    assert 0 == queued()
    for number in range(5):
        channel.tell(Identifier.VALUES, encode_values([(LIGHT, float(number))]))
    # Header and table are a message each, and the first one is in the listener's hands.
    assert 9 == queued()
    await wait_all_tasks_blocked()
    assert 0 == queued()
    assert 5 == state.events.values
    channel.end(ConnectionLostError("planted"))
    await wait_all_tasks_blocked()
    channel.tell(Identifier.KEEPALIVE)
    assert 1 == channel.queued()
    assert 0 == queued()
