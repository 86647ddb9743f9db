"""The comparison of the clocks."""

from __future__ import annotations

import copy
import json
import time
from typing import Any

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from loxone_exporter.errors import TokenExpiredError
from loxone_exporter.loxone.structure import parse_structure
from loxone_exporter.loxone.uuids import format_uuid, parse_uuid
from loxone_exporter.miniserver.clock import INTERVAL, ClockWatch
from loxone_exporter.miniserver.conversation import Conversation
from loxone_exporter.miniserver.memory import SessionMemory
from loxone_exporter.simulator.house import PlayedHouse
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.state import ConnectionState, MiniserverState
from support.exporters import DEVICE, Exporter, add_miniserver, sent, wait_for, wait_until_connected
from support.memory_network import STRUCTURE, MemoryNetwork
from support.scripted_channel import ScriptedChannel


CLOCK = parse_uuid("40000000-0000-0002-ffff000000000002")


def structure() -> bytes:
    document: dict[str, Any] = copy.deepcopy(STRUCTURE)
    document["globalStates"] = {"miniserverTime": format_uuid(CLOCK)}
    return json.dumps(document).encode()


def add_house(
    network: MemoryNetwork, *, zone: str = "+02:00:00", admin: bool = True
) -> SimulatedMiniserver:
    house = PlayedHouse.from_bytes(structure(), live=False)
    del house.values[CLOCK]
    house.texts[CLOCK] = f"2026-05-25 18:00:00 {zone}"
    profile = evolve(DEVICE, utc_offset=7200, admin=admin)
    return add_miniserver(network, house=house, profile=profile)


@pytest.mark.parametrize("ahead", [0, 90, -4000])
async def test_the_offset_of_the_clock_is_known(
    autojump_clock: MockClock, exporter: Exporter, network: MemoryNetwork, ahead: float
) -> None:
    house = add_house(network)
    house.faults.clock_offset = ahead
    state = await exporter.connect()
    await trio.sleep(0.1)
    # The Miniserver tells whole seconds; within ten minutes of midnight it is not asked again.
    if state.link.clock_offset is not None:
        assert ahead - 1 < state.link.clock_offset <= ahead + 1
    else:
        assert sent(house, "jdev/sys/time")


async def test_clocks_are_compared_each_hour(
    autojump_clock: MockClock, exporter: Exporter, network: MemoryNetwork
) -> None:
    house = add_house(network)
    await wait_until_connected(exporter.start())
    await trio.sleep(3 * INTERVAL + 1)
    assert (4, 4) == (len(sent(house, "jdev/sys/date")), len(sent(house, "jdev/sys/time")))


async def test_a_user_without_full_access_asks_once(
    autojump_clock: MockClock, exporter: Exporter, network: MemoryNetwork
) -> None:
    house = add_house(network, admin=False)
    state = await exporter.connect()
    await trio.sleep(10 * INTERVAL)
    assert ["jdev/sys/date"] == sent(house, "jdev/sys/date") + sent(house, "jdev/sys/time")
    assert (1, None) == (state.link.sessions, state.link.clock_offset)


async def test_a_user_who_is_not_told_the_time_is_not_asked_for_it_in_the_next_session_either(
    autojump_clock: MockClock, exporter: Exporter, network: MemoryNetwork
) -> None:
    house = add_house(network, admin=False)
    state = exporter.start()
    for _ in range(3):
        await wait_until_connected(state)
        await trio.sleep(1)
        await house.drop_sessions()
        await wait_for(state, ConnectionState.BACKOFF)
    assert 1 == len(sent(house, "jdev/sys/date"))
    await wait_until_connected(state)
    # The change may have been about the user's rights.
    await house.change_another_user()
    await wait_for(state, ConnectionState.BACKOFF)
    await wait_until_connected(state)
    await trio.sleep(1)
    assert 2 == len(sent(house, "jdev/sys/date"))


@pytest.mark.parametrize("code", [401, 477])
async def test_a_login_that_is_over_is_noticed_by_the_question_for_the_time(
    autojump_clock: MockClock, nursery: trio.Nursery, code: int
) -> None:
    state, memory = MiniserverState(name="home"), SessionMemory()
    channel = ScriptedChannel(state.mark_received)
    conversation = Conversation(channel, state)
    nursery.start_soon(conversation.listen)

    async def answer() -> None:
        await channel.command()
        channel.answer('"no"', code=code)

    nursery.start_soon(answer)
    with pytest.raises(TokenExpiredError, match=f"code {code} in answer to the Miniserver's time"):
        await ClockWatch(conversation, state, memory).follow()
    # Should it have been about the user's rights, sessions must not go on to end here.
    assert not memory.is_told_time
    nursery.cancel_scope.cancel()


# What a Miniserver says, and when our clock says 2026-05-25 16:00:00 UTC.
@pytest.mark.parametrize(
    ("date", "time_of_day", "zone", "offset"),
    [
        ("2026-05-25", "18:00:00", "+02:00:00", 0.5),
        ("2026-05-25", "18:00:05", "+02:00:00", 5.5),
        ("2026-05-25", "12:29:00", "-03:30:00", -59.5),
        ("2026-05-26", "18:00:00", "+02:00:00", 86_400.5),
        ("2026-05-25", "00:00:03", "+02:00:00", None),
        ("2026-05-25", "00:09:59", "+02:00:00", None),
        ("2026-05-25", "18:00:00", "", None),
        ("2026-05-25", "18:00:00", "somewhere", None),
        ("soon", "18:00:00", "+02:00:00", None),
        ("2026-05-25", "25:00:00", "+02:00:00", None),
    ],
)
async def test_what_the_miniserver_says_of_the_time(
    autojump_clock: MockClock,
    nursery: trio.Nursery,
    monkeypatch: pytest.MonkeyPatch,
    date: str,
    time_of_day: str,
    zone: str,
    offset: float | None,
) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_779_724_800.0)
    state = MiniserverState(name="home")
    state.replace_structure(parse_structure(structure()))
    state.apply_texts([(CLOCK, f"2017-07-03 13:01:36 {zone}")])
    channel = ScriptedChannel(state.mark_received)
    conversation = Conversation(channel, state)
    nursery.start_soon(conversation.listen)
    nursery.start_soon(ClockWatch(conversation, state, SessionMemory()).follow)
    for text in (date, time_of_day):
        await channel.command()
        channel.answer(f'"{text}"')
    await trio.testing.wait_all_tasks_blocked()
    assert offset == state.link.clock_offset
    nursery.cancel_scope.cancel()
