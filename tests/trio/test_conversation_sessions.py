"""Sessions that go wrong before or beside the conversation; whole ones are in test_supervisor."""

from __future__ import annotations

import contextlib
import json
import logging

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from loxone_exporter.config.secret import Secret
from loxone_exporter.errors import (
    BootingError,
    ConnectionLostError,
    MisbehaviourError,
    RejectedError,
    SessionError,
    SilentError,
    leaves,
)
from loxone_exporter.loxone.crypto import PrivateKey, PublicKey
from loxone_exporter.loxone.header import Identifier
from loxone_exporter.loxone.replies import Device
from loxone_exporter.loxone.structure import parse_structure
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
from loxone_exporter.loxone.uuids import StateUuid, parse_uuid
from loxone_exporter.miniserver.attempts import Party
from loxone_exporter.miniserver.conversation import (
    KEEPALIVE_INTERVAL,
    PATIENCE,
    STRAGGLERS,
    Conversation,
)
from loxone_exporter.miniserver.failures import closure
from loxone_exporter.miniserver.login import log_in
from loxone_exporter.miniserver.memory import SessionMemory
from loxone_exporter.miniserver.network import Address, Connect
from loxone_exporter.miniserver.session import Sessions
from loxone_exporter.simulator.house import PlayedHouse
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.state import ConnectionState, LinkState, MiniserverState
from loxone_exporter.stop import StopRequest
from support.exporters import Exporter, add_miniserver, wait_until_connected
from support.memory_network import (
    LIGHT,
    PASSWORD,
    STRUCTURE,
    TEMPERATURE,
    MemoryNetwork,
    miniserver_config,
)
from support.scripted_channel import ScriptedChannel
from support.scripted_peer import ScriptedPeer, response


DEVICE = Device("504F94D0E0DE", (15, 0, 0, 0))
HASH_PARAMETERS = '{"key": "41434633", "salt": "31306333", "hashAlg": "SHA256"}'


def sessions(network: MemoryNetwork, connect: Connect | None = None) -> Sessions:
    """Sessions with the only host of the network."""
    return Sessions(
        miniserver_config(),
        MiniserverState(name="home"),
        SessionMemory(),
        connect or network.connect,
    )


def party() -> Party:
    """Who logs in where a test plays the Miniserver."""
    config = miniserver_config()
    key = PublicKey.parse(PrivateKey.generate(1024).public_text)
    return Party(config, config.password, DEVICE, key, SessionMemory(), LinkState())


async def fail(network: MemoryNetwork) -> SessionError:
    """How a session with the only host of the network fails."""
    try:
        with trio.fail_after(60):
            await sessions(network).run(Secret(PASSWORD), StopRequest())
    except* SessionError as group:
        (error,) = leaves(group, SessionError)
    return error


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        (
            response("200 OK", b'{"LL": {"value": "", "Code": "401"}}'),
            MisbehaviourError,
            "code 401 in answer to /jdev/cfg/api",
        ),
        (
            response("200 OK", b'{"LL": {"value": "", "Code": "503"}}'),
            BootingError,
            "starting",
        ),
        (response("503 Service Unavailable"), BootingError, "starting"),
        (response("200 OK", b"{}"), MisbehaviourError, "this is no Miniserver: "),
    ],
    ids=range(4),
)
async def test_a_refusal_before_the_websocket(
    autojump_clock: MockClock,
    network: MemoryNetwork,
    answer: bytes,
    kind: type[SessionError],
    message: str,
) -> None:
    async def script(stream: trio.abc.Stream) -> None:
        peer = ScriptedPeer(stream)
        await peer.read_request()
        await peer.say(answer)
        await peer.hang_up()

    network.hosts["home.test"] = script
    error = await fail(network)
    assert kind is type(error)
    assert message in str(error)
    assert len(network.connections) == 1


@pytest.mark.parametrize("nth", [1, 2])
async def test_a_stop_while_the_connection_is_being_made_leaves_none_open(
    autojump_clock: MockClock, network: MemoryNetwork, nth: int
) -> None:
    add_miniserver(network)
    stop = StopRequest()

    async def connect(address: Address) -> trio.abc.Stream:
        stream = await network.connect(address)
        if len(network.streams) == nth:
            stop.make()
        return stream

    with trio.fail_after(5):
        await sessions(network, connect).run(Secret(PASSWORD), stop)
    assert (nth, 0) == (len(network.streams), network.open_streams())


async def test_a_lost_connection_is_no_bug(
    autojump_clock: MockClock,
    exporter: Exporter,
    house: SimulatedMiniserver,
    caplog: pytest.LogCaptureFixture,
) -> None:
    state = await exporter.connect()
    await house.drop_sessions()
    await trio.sleep(0.1)
    assert ConnectionState.BACKOFF is state.connection
    assert "connection" in caplog.text
    assert [] == [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_problems_of_the_structure_file_are_told(
    autojump_clock: MockClock,
    network: MemoryNetwork,
    exporter: Exporter,
    caplog: pytest.LogCaptureFixture,
) -> None:
    odd = {**STRUCTURE, "controls": {"not-a-uuid": {"name": "?", "type": "Switch", "states": 5}}}
    add_miniserver(network, house=PlayedHouse.from_bytes(json.dumps(odd).encode(), live=False))
    caplog.set_level(logging.WARNING)
    await wait_until_connected(exporter.start())
    assert "structure file: the states of control '?'" in caplog.text


@pytest.mark.parametrize(
    ("answers", "kind", "message"),
    [
        (['"the key"', "null"], MisbehaviourError, "logging in: the answer to getkey2"),
        (['"the key"', "{}"], MisbehaviourError, "logging in: the answer to getkey2"),
        (
            ['"the key"', '{"key": "no hex", "salt": "x"}'],
            MisbehaviourError,
            "logging in: ",
        ),
        (
            ['"the key"', '{"key": "41", "salt": "x", "hashAlg": "MD5"}'],
            MisbehaviourError,
            "unknown hash algorithm 'MD5'",
        ),
        (['"the key"', HASH_PARAMETERS, '"no"'], MisbehaviourError, "the answer to the login"),
        (['"the key"', HASH_PARAMETERS, "{}"], MisbehaviourError, "holds no token"),
    ],
    ids=range(6),
)
async def test_a_login_that_is_answered_with_nonsense(
    autojump_clock: MockClock,
    nursery: trio.Nursery,
    answers: list[str],
    kind: type[SessionError],
    message: str,
) -> None:
    conversation, channel = begin_conversation(nursery)

    async def play() -> None:
        for value in answers:
            await channel.command()
            channel.answer(value)

    nursery.start_soon(play)
    with trio.fail_after(5), pytest.raises(kind) as caught:
        await log_in(conversation, party())
    assert message in str(caught.value)
    assert PASSWORD not in str(caught.value)
    nursery.cancel_scope.cancel()


def begin_conversation(nursery: trio.Nursery) -> tuple[Conversation, ScriptedChannel]:
    """A conversation that listens, and the channel on which the test answers."""
    state = MiniserverState(name="home")
    state.replace_structure(parse_structure(json.dumps(STRUCTURE)))
    channel = ScriptedChannel(state.mark_received)
    conversation = Conversation(channel, state)
    nursery.start_soon(conversation.listen)
    return conversation, channel


async def test_a_connection_that_is_closed_in_answer_to_the_login_is_a_rejection(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    # Section 2.7 of the protocol reference: some firmware says no more than that.
    state = MiniserverState(name="home")
    channel = ScriptedChannel(state.mark_received)
    conversation = Conversation(channel, state)

    async def listen() -> None:
        with contextlib.suppress(SessionError):
            await conversation.listen()

    async def play() -> None:
        for value in ('"the key"', HASH_PARAMETERS):
            await channel.command()
            channel.answer(value)
        await channel.command()
        channel.end(closure(1000, "normally closed"))

    nursery.start_soon(listen)
    nursery.start_soon(play)
    with pytest.raises(RejectedError, match="password"):
        await log_in(conversation, party())


async def test_a_sender_of_nothing_but_rubbish_is_left(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    state = MiniserverState(name="home")
    channel = ScriptedChannel(state.mark_received)
    channel.say(*[b"rubbish"] * 100)
    with trio.fail_after(1), pytest.raises(MisbehaviourError, match="in a row"):
        await Conversation(channel, state).listen()
    assert (100, 1) == (state.undecodable_messages, len(caplog.records))


async def test_rubbish_between_what_makes_sense_is_borne(autojump_clock: MockClock) -> None:
    state = MiniserverState(name="home")
    channel = ScriptedChannel(state.mark_received)
    for _ in range(150):
        channel.say(b"rubbish")
        channel.tell(Identifier.KEEPALIVE)
    channel.end(ConnectionLostError("the end"))
    with trio.fail_after(1), pytest.raises(ConnectionLostError, match="the end"):
        await Conversation(channel, state).listen()
    assert state.undecodable_messages == 150


async def test_tables_that_make_no_sense_are_left_as_well(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    state = MiniserverState(name="home")
    channel = ScriptedChannel(state.mark_received)
    for _ in range(100):
        channel.tell(Identifier.VALUES, b"x" * 23)
    with trio.fail_after(1), pytest.raises(MisbehaviourError, match="in a row"):
        await Conversation(channel, state).listen()
    assert len(caplog.records) == 1


async def test_a_dump_is_waited_for_as_long_as_bytes_come(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    conversation, channel = begin_conversation(nursery)

    async def play() -> None:
        await channel.command()
        channel.answer('"1"')
        await channel.command()
        for _ in range(8):
            await trio.sleep(10)
            channel.dribble()
        channel.tell(Identifier.VALUES, encode_values([(LIGHT, 1.0)]))
        channel.tell(Identifier.KEEPALIVE)

    nursery.start_soon(play)
    started = trio.current_time()
    await conversation.subscribe()
    assert 80 <= trio.current_time() - started < 81
    nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("first", "second", "pause", "shown"),
    [
        ([LIGHT, TEMPERATURE], [], 0.0, [LIGHT, TEMPERATURE]),
        ([], [LIGHT, TEMPERATURE], 1.0, [LIGHT, TEMPERATURE]),
        ([LIGHT], [TEMPERATURE], 1.9, [LIGHT, TEMPERATURE]),
        # Some are not told any more, as where the user lost the right to see them.
        ([LIGHT], [], STRAGGLERS, [LIGHT]),
        ([], [], STRAGGLERS, []),
    ],
)
async def test_tables_that_the_answer_to_the_keepalive_has_overtaken_are_waited_for_a_little(
    autojump_clock: MockClock,
    nursery: trio.Nursery,
    first: list[StateUuid],
    second: list[StateUuid],
    pause: float,
    shown: list[StateUuid],
) -> None:
    state = MiniserverState(name="home")
    state.replace_structure(parse_structure(json.dumps(STRUCTURE)))
    state.apply_values([(LIGHT, 0.0), (TEMPERATURE, 0.0)])
    channel = ScriptedChannel(state.mark_received)
    conversation = Conversation(channel, state)

    async def play() -> None:
        await channel.command()
        channel.answer('"1"')
        assert "keepalive" == await channel.command()
        channel.tell(Identifier.VALUES, encode_values([(uuid, 1.0) for uuid in first]))
        channel.tell(Identifier.KEEPALIVE)
        if second:
            await trio.sleep(pause)
            channel.tell(Identifier.VALUES, encode_values([(uuid, 2.0) for uuid in second]))

    nursery.start_soon(conversation.listen)
    nursery.start_soon(play)
    state.begin_session()
    started = trio.current_time()
    await conversation.subscribe()
    assert pause == pytest.approx(trio.current_time() - started, abs=0.01)
    assert set(shown) == state.values.keys()
    assert 0.0 not in state.values.values()
    nursery.cancel_scope.cancel()


async def test_a_house_of_which_nothing_was_ever_told_is_waited_for_a_little(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    conversation, channel = begin_conversation(nursery)

    async def play() -> None:
        await channel.command()
        channel.answer('"1"')
        await channel.command()
        channel.tell(Identifier.KEEPALIVE)
        await trio.sleep(1)
        channel.tell(Identifier.TEXTS, encode_texts([(LIGHT, "on")]))

    nursery.start_soon(play)
    started = trio.current_time()
    await conversation.subscribe()
    assert 1 == pytest.approx(trio.current_time() - started)
    nursery.cancel_scope.cancel()


async def test_a_dump_without_an_end_is_given_up(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    conversation, channel = begin_conversation(nursery)

    async def play() -> None:
        await channel.command()
        channel.answer('"1"')
        while True:
            await trio.sleep(10)
            channel.dribble()

    nursery.start_soon(play)
    with trio.fail_after(130), pytest.raises(SilentError, match="did not come to an end"):
        await conversation.subscribe()
    nursery.cancel_scope.cancel()


async def test_answers_to_interrupted_commands_are_not_taken_for_others(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    conversation, channel = begin_conversation(nursery)

    async def interrupted(command: str) -> None:
        with trio.move_on_after(1):
            if command == "structure":
                await conversation.fetch_structure()
            await conversation.ask(command, purpose=command)

    await interrupted("first")
    channel.tell(Identifier.FILE, b"\x1f\x8b a file that nobody asked for")
    await interrupted("structure")
    channel.answer('"of the first"')
    await interrupted("third")
    channel.tell(Identifier.FILE, json.dumps(STRUCTURE))
    await interrupted("fourth")

    async def play() -> None:
        await trio.sleep(0.5)
        channel.tell(Identifier.FILE, b"\x1f\x8b another one")
        for number in ("third", "fourth", "fifth"):
            channel.answer(f'"of the {number}"')

    nursery.start_soon(play)
    reply = await conversation.ask("fifth", purpose="fifth")
    assert reply.value == "of the fifth"
    nursery.cancel_scope.cancel()


async def test_a_subscription_beside_a_keepalive_takes_no_life_sign_away(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    conversation, channel = begin_conversation(nursery)

    async def play() -> None:
        assert "keepalive" == await channel.command()
        await channel.command()
        channel.answer('"1"')
        assert "keepalive" == await channel.command()
        channel.tell(Identifier.KEEPALIVE)
        channel.tell(Identifier.KEEPALIVE)

    nursery.start_soon(play)
    nursery.start_soon(conversation.keep_alive)
    await trio.sleep(KEEPALIVE_INTERVAL)
    await wait_all_tasks_blocked()
    await conversation.subscribe()
    # The next one is due only now; a miss would have ended the test.
    await trio.sleep(PATIENCE + 1)
    nursery.cancel_scope.cancel()


async def test_schedules_and_weather_reach_the_state(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    state = MiniserverState(name="home")
    state.replace_structure(parse_structure(json.dumps(STRUCTURE)))
    channel = ScriptedChannel(state.mark_received)
    nursery.start_soon(Conversation(channel, state).listen)
    daytimer = Daytimer(LIGHT, 18.0, (DaytimerEntry(1, 360, 480, 0, 22.0),) * 2)
    hour = WeatherEntry(1000, 1, 180, 500, 65, 22.5, 21.0, 15.0, 0.0, 5.5, 1013.25)
    weather, empty = Weather(TEMPERATURE, 600_000_000, (hour,)), Weather(LIGHT, 500_000_000, ())
    stranger = Weather(parse_uuid("30000000-0000-0000-ffff000000000003"), 5, ())
    channel.tell(Identifier.DAYTIMERS, encode_daytimers([daytimer]))
    channel.tell(Identifier.WEATHER, encode_weather([weather, empty, stranger]))
    for identifier in (Identifier.VALUES, Identifier.TEXTS, Identifier.DAYTIMERS):
        channel.tell(identifier)
    channel.tell(Identifier.WEATHER)
    await wait_all_tasks_blocked()
    assert {LIGHT: daytimer} == state.shown.daytimers
    assert {TEMPERATURE: weather, LIGHT: empty} == state.shown.weather
    assert 0 == state.undecodable_messages
    nursery.cancel_scope.cancel()


async def test_wrong_lengths_are_told_once(
    autojump_clock: MockClock, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    state = MiniserverState(name="home")
    state.replace_structure(parse_structure(json.dumps(STRUCTURE)))
    channel = ScriptedChannel(state.mark_received)
    nursery.start_soon(Conversation(channel, state).listen)
    for number in range(3):
        channel.say(b"\x03\x02\0\0\x19\0\0\0", encode_values([(LIGHT, number)]))
    await wait_all_tasks_blocked()
    assert {LIGHT: 2.0} == state.values
    assert ["a message of kind 2 has not the announced length of 25 bytes; taken as it is"] == [
        record.message for record in caplog.records if "announced" in record.message
    ]
    nursery.cancel_scope.cancel()


async def test_nonsense_in_answer_to_an_interrupted_command_is_its_own_affair(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    conversation, channel = begin_conversation(nursery)
    with trio.move_on_after(1):
        await conversation.ask("first", purpose="first")
    channel.tell(Identifier.TEXT, "no answer at all")
    await wait_all_tasks_blocked()

    async def play() -> None:
        await trio.sleep(0.5)
        channel.answer('"of the second"')

    nursery.start_soon(play)
    assert "of the second" == (await conversation.ask("second", purpose="second")).value
    nursery.cancel_scope.cancel()
