"""Too much of everything: events, tables, answers, headers, files.

Values end up right, life signs go out, scrapes are answered in between, nobody waits for long, and
memory stays bounded.
"""

from __future__ import annotations

import json
import logging
import tracemalloc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest
import trio
from attrs import field, frozen
from trio.testing import MockClock, wait_all_tasks_blocked

from loxone_exporter.errors import (
    ConnectionLostError,
    MisbehaviourError,
    OutOfServiceError,
    SessionError,
    leaves,
)
from loxone_exporter.loxone.header import Header, Identifier, encode_header
from loxone_exporter.loxone.structure import Structure, parse_structure
from loxone_exporter.loxone.tables import (
    Daytimer,
    DaytimerEntry,
    Weather,
    WeatherEntry,
    encode_daytimers,
    encode_texts,
    encode_values,
    encode_weather,
)
from loxone_exporter.loxone.uuids import StateUuid
from loxone_exporter.miniserver.conversation import _UNCLAIMED_ANSWERS, Conversation
from loxone_exporter.miniserver.network import Address
from loxone_exporter.miniserver.transport import message_channel
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.state import ConnectionState, MiniserverState
from support.collected import scrape
from support.exporters import Exporter, sent
from support.memory_network import LIGHT, STRUCTURE, TEMPERATURE
from support.scripted_channel import ScriptedChannel
from support.scripted_peer import BINARY, TEXT, ScriptedPeer, frame
from support.structures import control, structure, uuid


MANY = 100_000

HOUSE = parse_structure(json.dumps(STRUCTURE))
LARGE_HOUSE = structure(control(0, states={str(number): number for number in range(1, MANY + 1)}))


def stranger(number: int) -> StateUuid:
    """The UUID of a state that no house has."""
    return StateUuid(b"stranger" + number.to_bytes(8))


@frozen
class Scene:
    """A conversation that listens, in which the test plays the Miniserver."""

    state: MiniserverState
    channel: ScriptedChannel
    conversation: Conversation
    ends: list[SessionError] = field(factory=list)

    @classmethod
    def of(cls, house: Structure = HOUSE) -> Scene:
        state = MiniserverState(name="home", connection=ConnectionState.CONNECTED)
        state.replace_structure(house)
        channel = ScriptedChannel(state.mark_received)
        return cls(state, channel, Conversation(channel, state))

    async def listen(self) -> None:
        """Take in what was said, to the end."""
        try:
            await self.conversation.listen()
        except SessionError as error:
            self.ends.append(error)


async def take_in(scene: Scene) -> int:
    """Let a scene listen until its end; how often other tasks had their turn meanwhile."""
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    scene.channel.end(ConnectionLostError("the end"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(take_turns)
        await scene.listen()
        nursery.cancel_scope.cancel()
    return turns


@contextmanager
def bounded_memory(megabytes: float) -> Iterator[None]:
    """Fail where the block's peak of memory is above that."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < megabytes * 2**20


# Events.


async def test_ten_thousand_events_a_second_for_half_a_minute(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    state = await exporter.connect()
    nursery.start_soon(house.live)
    house.faults.flood = 10_000.0
    shown = []
    for second in range(35):
        house.house.values[TEMPERATURE] = float(second)
        await trio.sleep(1)
        found = (await scrape([state])).values("loxone_control_value")
        shown.append(found["value"])
    house.faults.flood = 0.0
    await trio.sleep(1)
    assert house.house.values == state.values
    assert [float(second) for second in range(35)] == shown
    assert 2 == len(sent(house, "keepalive"))
    assert (1, {}) == (state.link.sessions, state.link.failures)
    nursery.cancel_scope.cancel()


def single_events(numbers: Iterable[int]) -> bytes:
    """Tables of one event each, as they cross the wire."""
    tables = (encode_values([(TEMPERATURE, float(number))]) for number in numbers)
    header = frame(BINARY, encode_header(Header(Identifier.VALUES, 24)))
    return b"".join(header + frame(BINARY, table) for table in tables)


async def test_a_burst_of_single_events_over_a_socket() -> None:
    """Ten thousand in a second, of which this machine may make several."""
    scene, keepalives = Scene.of(), []

    async def serve(stream: trio.SocketStream) -> None:
        peer = ScriptedPeer(stream)
        await peer.accept()
        for start in range(0, 10_000, 100):
            await peer.say(single_events(range(start, start + 100)))
            await trio.sleep(0.01)
        # What it was told meanwhile was not left lying.
        keepalives.append(await peer.read_frame())
        await peer.hang_up()

    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        port = listener.socket.getsockname()[1]
        nursery.start_soon(trio.serve_listeners, serve, [listener])
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        scrapes = []
        with trio.fail_after(60):
            try:
                async with message_channel(
                    stream,
                    Address("127.0.0.1", port),
                    "/ws/rfc6455",
                    on_bytes=scene.state.mark_received,
                ) as channel:
                    await channel.open()
                    conversation = Conversation(channel, scene.state)
                    async with trio.open_nursery() as talk:
                        talk.start_soon(conversation.listen)
                        await conversation._send_keepalive()
                        while scene.state.values.get(TEMPERATURE, 0.0) < 9_999.0:
                            await trio.sleep(0.1)
                            values = (await scrape([scene.state])).values("loxone_control_value")
                            scrapes.append(values["value"])
            except* SessionError as group:
                scene.ends.extend(leaves(group, SessionError))
        nursery.cancel_scope.cancel()
    assert [ConnectionLostError] == [type(end) for end in scene.ends]
    assert {TEMPERATURE: 9_999.0} == scene.state.values
    # Some came in between, each with a later value.
    assert len(scrapes) >= 3
    assert sorted(set(scrapes)) == scrapes
    assert [(TEXT, b"keepalive")] == keepalives


# Tables.


async def test_a_table_of_a_hundred_thousand_values() -> None:
    scene = Scene.of(LARGE_HOUSE)
    values = [(uuid(number), float(number)) for number in range(1, MANY + 1)]
    scene.channel.tell(Identifier.VALUES, encode_values(values))
    turns = await take_in(scene)
    assert dict(values) == scene.state.values
    # A thousand at most keep the others waiting.
    assert turns >= MANY / 1000


async def test_a_table_of_a_hundred_thousand_texts() -> None:
    scene = Scene.of(LARGE_HOUSE)
    texts = [(uuid(number), f"text {number}") for number in range(1, MANY + 1)]
    scene.channel.tell(Identifier.TEXTS, encode_texts(texts))
    turns = await take_in(scene)
    assert dict(texts) == scene.state.texts
    assert turns >= MANY / 1000


@pytest.mark.parametrize(
    ("identifier", "table"),
    [
        (Identifier.VALUES, encode_values((stranger(number), 1.0) for number in range(MANY))),
        (Identifier.TEXTS, encode_texts((stranger(number), "text") for number in range(MANY))),
    ],
    ids=["values", "texts"],
)
async def test_a_table_of_a_hundred_thousand_strangers(identifier: int, table: bytes) -> None:
    scene = Scene.of()
    scene.channel.tell(Identifier.VALUES, encode_values([(LIGHT, 1.0)]))
    scene.channel.tell(identifier, table)
    turns = await take_in(scene)
    assert ({LIGHT: 1.0}, {}) == (scene.state.values, scene.state.texts)
    assert turns >= MANY / 1000


async def test_a_table_that_is_cut_off_after_a_hundred_thousand_values() -> None:
    scene = Scene.of(LARGE_HOUSE)
    values = [(uuid(number), float(number)) for number in range(1, MANY + 1)]
    scene.channel.tell(Identifier.VALUES, encode_values(values) + bytes(5))
    await take_in(scene)
    assert dict(values) == scene.state.values
    assert 1 == scene.state.undecodable_messages


async def test_schedules_and_forecasts_of_any_length() -> None:
    scene = Scene.of()
    entries = (DaytimerEntry(3, 0, 60, 0, 1.0),) * 20_000
    hours = (WeatherEntry(0, 1, 1, 1, 1, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0),) * 20_000
    schedules = [Daytimer(LIGHT, 0.0, entries)] + [Daytimer(stranger(0), 0.0, ())] * 1000
    reports = [Weather(LIGHT, 0, hours)] + [Weather(stranger(0), 0, ())] * 1000
    scene.channel.tell(Identifier.DAYTIMERS, encode_daytimers(schedules))
    scene.channel.tell(Identifier.WEATHER, encode_weather(reports))
    turns = await take_in(scene)
    shown = scene.state.shown
    # Of a week's hours, nobody has as many.
    assert (1000, 1000) == (len(shown.daytimers[LIGHT].entries), len(shown.weather[LIGHT].entries))
    assert turns >= 2000


# Answers.


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ('{"LL": {"control": "dev/sps/io/Q2", "value": "0", "Code": "200"}}', MANY // 5),
        ("2026-01-01 08:00:00;PRG start program", MANY // 10),
        ("", MANY // 10),
    ],
    ids=["of another command", "no answer", "empty"],
)
async def test_thousands_of_answers_that_nobody_asked_for(
    autojump_clock: MockClock,
    nursery: trio.Nursery,
    caplog: pytest.LogCaptureFixture,
    text: str,
    count: int,
) -> None:
    caplog.set_level(logging.INFO)
    scene = Scene.of()
    nursery.start_soon(scene.listen)
    header = encode_header(Header(Identifier.TEXT, len(text)))
    flood: list[bytes | str] = [header, text] * (count // 2)
    # Some before anybody asks anything, and some before the answer.
    scene.channel.say(*flood)
    await wait_all_tasks_blocked()
    assert _UNCLAIMED_ANSWERS == scene.conversation._answers[1].statistics().current_buffer_used

    async def play() -> None:
        await scene.channel.command()
        scene.channel.say(*flood)
        scene.channel.answer('"yes"', control="dev/sys/x")

    nursery.start_soon(play)
    reply = await scene.conversation.ask("jdev/sys/x", purpose="the test")
    assert "yes" == reply.value
    assert [] == scene.ends
    assert [] == caplog.messages
    nursery.cancel_scope.cancel()


# Headers.


async def test_a_header_that_announces_four_gigabytes(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene.of()
    table = encode_values([(LIGHT, 1.0)])
    with bounded_memory(1):
        for identifier in (Identifier.FILE, Identifier.VALUES):
            for estimated in (True, False):
                scene.channel.say(encode_header(Header(identifier, 2**32 - 1, estimated)))
            scene.channel.say(table)
        await take_in(scene)
    assert {LIGHT: 1.0} == scene.state.values
    assert 0 == scene.state.undecodable_messages


@pytest.mark.parametrize("identifier", [*Identifier, 99])
@pytest.mark.parametrize("length", [0, 24])
@pytest.mark.parametrize("estimated", [True, False])
async def test_headers_without_an_end(identifier: int, length: int, *, estimated: bool) -> None:
    scene = Scene.of()
    header = encode_header(Header(identifier, length, estimated))
    scene.channel.say(*[header] * 1000)
    # An even number: what comes now is no payload.
    scene.channel.tell(Identifier.VALUES, encode_values([(LIGHT, 1.0)]))
    with bounded_memory(1):
        await take_in(scene)
    is_table = identifier in {
        Identifier.VALUES,
        Identifier.TEXTS,
        Identifier.DAYTIMERS,
        Identifier.WEATHER,
    }
    (end,) = scene.ends
    if identifier == Identifier.OUT_OF_SERVICE:
        assert isinstance(end, OutOfServiceError)
    elif is_table and length and not estimated:  # each second header is taken for a payload
        assert isinstance(end, MisbehaviourError)
        assert 100 == scene.state.undecodable_messages
    else:
        assert isinstance(end, ConnectionLostError)
        assert {LIGHT: 1.0} == scene.state.values
