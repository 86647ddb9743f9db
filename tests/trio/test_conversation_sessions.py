"""Sessions that go wrong before or beside the conversation; whole ones are in test_supervisor."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import AsyncIterator

import pytest
import trio
from trio.testing import MockClock

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
from loxone_exporter.miniserver.conversation import Conversation
from loxone_exporter.miniserver.failures import closure
from loxone_exporter.miniserver.login import log_in
from loxone_exporter.miniserver.session import run_session
from loxone_exporter.miniserver.supervisor import supervise
from loxone_exporter.miniserver.transport import Address
from loxone_exporter.simulator.house import PlayedHouse
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.simulator.profile import Profile
from loxone_exporter.state import ConnectionState, MiniserverState
from loxone_exporter.stop import StopRequest
from support.memory_network import (
    PASSWORD,
    STRUCTURE,
    MemoryNetwork,
    miniserver_config,
    small_house,
)
from support.scripted_channel import ScriptedChannel
from support.scripted_peer import ScriptedPeer, response


DEVICE = Device("504F94D0E0DE", (15, 0, 0, 0))
HASH_PARAMETERS = '{"key": "41434633", "salt": "31306333", "hashAlg": "SHA256"}'


@pytest.fixture
async def network() -> AsyncIterator[MemoryNetwork]:
    assert isinstance(trio.lowlevel.current_clock(), MockClock)
    async with trio.open_nursery() as nursery:
        yield MemoryNetwork(nursery)
        nursery.cancel_scope.cancel()


def add_house(network: MemoryNetwork, house: PlayedHouse | None = None) -> SimulatedMiniserver:
    miniserver = SimulatedMiniserver(
        house or small_house(),
        username="exporter",
        password=PASSWORD,
        profile=Profile(key_bits=1024),
    )
    network.hosts["home.test"] = miniserver.handle
    return miniserver


async def fail(network: MemoryNetwork) -> SessionError:
    """How a session with the only host of the network fails."""
    state = MiniserverState(name="home")
    try:
        with trio.fail_after(60):
            await run_session(miniserver_config(), state, StopRequest(), network.connect)
    except* SessionError as group:
        (error,) = leaves(group, SessionError)
    return error


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        (
            response("200 OK", b'{"LL": {"value": "", "Code": "401"}}'),
            RejectedError,
            "code 401 in answer to /jdev/cfg/apiKey",
        ),
        (
            response("200 OK", b'{"LL": {"value": "", "Code": "503"}}'),
            BootingError,
            "starting",
        ),
        (response("503 Service Unavailable"), BootingError, "starting"),
        (response("200 OK", b"{}"), MisbehaviourError, "home.test:80 is no Miniserver: "),
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


async def test_a_stop_while_the_connection_is_being_made_leaves_none_open(
    autojump_clock: MockClock, network: MemoryNetwork
) -> None:
    add_house(network)
    stop = StopRequest()
    streams = []

    async def connect(address: Address) -> trio.abc.Stream:
        stream = await network.connect(address)
        streams.append(stream)
        if len(streams) == 3:
            stop.make()
        return stream

    with trio.fail_after(5):
        await run_session(miniserver_config(), MiniserverState(name="home"), stop, connect)
    assert len(streams) == 3
    for stream in streams:
        with pytest.raises(trio.ClosedResourceError):
            await stream.receive_some()


async def test_a_lost_connection_is_no_bug(
    autojump_clock: MockClock,
    network: MemoryNetwork,
    nursery: trio.Nursery,
    caplog: pytest.LogCaptureFixture,
) -> None:
    house = add_house(network)
    state, stop = MiniserverState(name="home"), StopRequest()
    nursery.start_soon(lambda: supervise(miniserver_config(), state, stop, connect=network.connect))
    await trio.sleep(5)
    assert state.connected
    await house.drop_sessions()
    await trio.sleep(0.5)
    assert ConnectionState.BACKOFF is state.connection
    assert "connection" in caplog.text
    assert [] == [record for record in caplog.records if record.levelno >= logging.ERROR]
    stop.make()


async def test_problems_of_the_structure_file_are_told(
    autojump_clock: MockClock,
    network: MemoryNetwork,
    nursery: trio.Nursery,
    caplog: pytest.LogCaptureFixture,
) -> None:
    odd = {**STRUCTURE, "controls": {"not-a-uuid": {"name": "?", "type": "Switch", "states": 5}}}
    add_house(network, PlayedHouse.from_bytes(json.dumps(odd).encode(), live=False))
    state, stop = MiniserverState(name="home"), StopRequest()
    nursery.start_soon(run_session, miniserver_config(), state, stop, network.connect)
    await trio.sleep(5)
    assert state.connected
    assert "structure file: " in caplog.text
    stop.make()


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
        (['"the key"', HASH_PARAMETERS, '"no"'], MisbehaviourError, "holds no token"),
    ],
    ids=range(5),
)
async def test_a_login_that_is_answered_with_nonsense(
    autojump_clock: MockClock,
    nursery: trio.Nursery,
    public_key: PublicKey,
    answers: list[str],
    kind: type[SessionError],
    message: str,
) -> None:
    state = MiniserverState(name="home")
    channel = ScriptedChannel(state.mark_received)
    conversation = Conversation(channel, state)
    nursery.start_soon(conversation.listen)

    async def play() -> None:
        for value in answers:
            await channel.command()
            channel.answer(value)

    nursery.start_soon(play)
    with trio.fail_after(5), pytest.raises(kind) as caught:
        await log_in(conversation, miniserver_config(), DEVICE, public_key)
    assert message in str(caught.value)
    assert PASSWORD not in str(caught.value)
    nursery.cancel_scope.cancel()


@pytest.fixture(scope="module")
def public_key() -> PublicKey:
    return PublicKey.parse(PrivateKey.generate(1024).public_text)


def begin_conversation(nursery: trio.Nursery) -> tuple[Conversation, ScriptedChannel]:
    """A conversation that listens, and the channel on which the test answers."""
    state = MiniserverState(name="home")
    channel = ScriptedChannel(state.mark_received)
    conversation = Conversation(channel, state)
    nursery.start_soon(conversation.listen)
    return conversation, channel


async def test_a_connection_that_is_closed_in_answer_to_the_login_is_a_rejection(
    autojump_clock: MockClock, nursery: trio.Nursery, public_key: PublicKey
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
        await log_in(conversation, miniserver_config(), DEVICE, public_key)


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
        channel.tell(Identifier.KEEPALIVE)

    nursery.start_soon(play)
    started = trio.current_time()
    await conversation.subscribe()
    assert 80 <= trio.current_time() - started < 81
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
