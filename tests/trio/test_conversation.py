from __future__ import annotations

import gzip
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import trio
from attrs import field, frozen
from trio.testing import MockClock, wait_all_tasks_blocked

from loxone_exporter.errors import (
    BootingError,
    ConnectionLostError,
    LockedOutError,
    LoginTimeoutError,
    MisbehaviourError,
    OutOfServiceError,
    RejectedError,
    SessionError,
    SilentError,
    TokenExpiredError,
    UserDisabledError,
    leaves,
)
from loxone_exporter.loxone.header import Header, Identifier, encode_header
from loxone_exporter.loxone.structure import parse_structure
from loxone_exporter.loxone.tables import encode_texts, encode_values
from loxone_exporter.miniserver.conversation import (
    KEEPALIVE_INTERVAL,
    LIMIT,
    PATIENCE,
    Conversation,
)
from loxone_exporter.state import ConnectionState, MiniserverState
from support.memory_network import LIGHT, STRUCTURE, TEMPERATURE
from support.scripted_channel import ScriptedChannel


FILE = gzip.compress(b"a file that nobody asked for" * 100)
STRUCTURE_FILE = json.dumps(STRUCTURE)


@frozen
class Scene:
    """A conversation in which the test plays the Miniserver."""

    state: MiniserverState
    channel: ScriptedChannel
    conversation: Conversation
    ends: list[SessionError] = field(factory=list)

    async def listen(self) -> None:
        try:
            await self.conversation.listen()
        except SessionError as error:
            self.ends.append(error)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    # Only a test that asks for the clock itself gets it; another would really wait.
    assert isinstance(trio.lowlevel.current_clock(), MockClock)
    state = MiniserverState(name="home", connection=ConnectionState.CONNECTED)
    state.replace_structure(parse_structure(STRUCTURE_FILE))
    channel = ScriptedChannel(state.mark_received)
    async with trio.open_nursery() as nursery:
        scene = Scene(state, channel, Conversation(channel, state))
        nursery.start_soon(scene.listen)
        yield scene
        nursery.cancel_scope.cancel()


async def ask(
    scene: Scene, script: Callable[[], Awaitable[None] | None], command: str = "jdev/x"
) -> object:
    """The value of the answer to a command, which the script gives once it was sent."""
    value: object = None

    async def play() -> None:
        assert await scene.channel.command() == command
        result = script()
        if result is not None:
            await result

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(play)
            value = (await scene.conversation.ask(command, purpose="the test")).value
            nursery.cancel_scope.cancel()
    except* SessionError as group:
        (error,) = leaves(group, SessionError)
    else:
        return value
    raise error


async def fetch(scene: Scene, script: Callable[[], None]) -> bytes | str:
    """The structure file, which the script sends once it is asked for."""

    async def play() -> None:
        assert await scene.channel.command() == "data/LoxAPP3.json"
        script()

    structure: bytes | str = ""
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(play)
            structure = await scene.conversation.fetch_structure()
    except* SessionError as group:
        (error,) = leaves(group, SessionError)
    else:
        return structure
    raise error


async def test_events_between_a_command_and_its_answer(
    autojump_clock: MockClock, scene: Scene
) -> None:
    def script() -> None:
        scene.channel.tell(Identifier.VALUES, encode_values([(TEMPERATURE, 21.5)]))
        scene.channel.tell(Identifier.TEXTS, encode_texts([(LIGHT, "on")]))
        scene.channel.tell(Identifier.DAYTIMERS, b"\0" * 28)
        scene.channel.tell(Identifier.WEATHER, b"\0" * 24)
        scene.channel.answer('"yes"')

    assert "yes" == await ask(scene, script)
    assert {TEMPERATURE: 21.5} == scene.state.values
    assert {LIGHT: "on"} == scene.state.texts
    assert scene.state.undecodable_messages == 0


async def test_events_long_before_the_answer_to_the_subscription(
    autojump_clock: MockClock, scene: Scene
) -> None:
    async def script() -> None:
        for number in range(40):
            scene.channel.tell(Identifier.VALUES, encode_values([(TEMPERATURE, number)]))
            await trio.sleep(1)
        scene.channel.answer("1")

    assert 1 == await ask(scene, script)
    assert {TEMPERATURE: 39.0} == scene.state.values


async def test_an_estimated_header_before_the_exact_one(
    autojump_clock: MockClock, scene: Scene
) -> None:
    def script() -> None:
        scene.channel.tell(
            Identifier.VALUES, encode_values([(TEMPERATURE, 1.0), (LIGHT, 0.0)]), estimated=True
        )
        scene.channel.tell(Identifier.TEXT, '{"LL": {"value": "1", "code": 200}}', estimated=True)

    assert "1" == await ask(scene, script)
    assert {TEMPERATURE: 1.0, LIGHT: 0.0} == scene.state.values


async def test_an_estimated_header_and_no_exact_one(
    autojump_clock: MockClock, scene: Scene
) -> None:
    def script() -> None:
        scene.channel.say(encode_header(Header(Identifier.TEXT, 99, estimated=True)))
        scene.channel.say('{"LL": {"value": "1", "code": 200}}')

    assert "1" == await ask(scene, script)


@pytest.mark.parametrize("identifier", [8, 9, 99, 255])
async def test_messages_that_nobody_knows_are_passed_over(
    autojump_clock: MockClock, scene: Scene, identifier: int, caplog: pytest.LogCaptureFixture
) -> None:
    def script() -> None:
        for _ in range(300):
            scene.channel.tell(identifier, b"whatever")
        scene.channel.answer('"yes"')

    assert "yes" == await ask(scene, script)
    assert 300 == scene.state.undecodable_messages
    (message,) = caplog.messages
    assert message.startswith("dropped a message; further ones of this session are only counted")
    assert message.endswith(f": its identifier {identifier} is unknown")


@pytest.mark.parametrize("number", [1, 50])
async def test_files_that_nobody_asked_for_are_passed_over(
    autojump_clock: MockClock, scene: Scene, number: int
) -> None:
    def script() -> None:
        for _ in range(number):
            scene.channel.tell(Identifier.FILE, FILE)
        scene.channel.answer('"yes"')

    for _ in range(number):
        scene.channel.tell(Identifier.FILE, FILE)
    await trio.sleep(1)
    assert "yes" == await ask(scene, script)


@pytest.mark.parametrize("payload", [STRUCTURE_FILE, STRUCTURE_FILE.encode()])
@pytest.mark.parametrize("identifier", [Identifier.TEXT, Identifier.FILE])
@pytest.mark.parametrize("estimated", [True, False])
async def test_the_structure_file_comes_in_several_shapes(
    autojump_clock: MockClock,
    scene: Scene,
    payload: str | bytes,
    identifier: int,
    *,
    estimated: bool,
) -> None:
    def script() -> None:
        scene.channel.tell(Identifier.FILE, FILE)
        scene.channel.tell(Identifier.VALUES, encode_values([(LIGHT, 1.0)]))
        scene.channel.tell(identifier, payload, estimated=estimated)

    assert payload == await fetch(scene, script)
    assert {LIGHT: 1.0} == scene.state.values


@pytest.mark.parametrize(
    ("payload", "kind", "message"),
    [
        ('{"LL": {"value": "", "Code": "403"}}', RejectedError, "lacks the right"),
        ('{"LL": {"value": "", "Code": "404"}}', MisbehaviourError, "code 404"),
        ('{"LL": {"value": "", "Code": "503"}}', BootingError, "starting"),
        ('{"LL": {"value": "", "Code": "200"}}', MisbehaviourError, "in place of the file"),
        ('{"LL": []}', MisbehaviourError, "the structure file"),
    ],
)
async def test_something_else_in_place_of_the_structure_file(
    autojump_clock: MockClock, scene: Scene, payload: str, kind: type[SessionError], message: str
) -> None:
    with pytest.raises(kind, match=message):
        await fetch(scene, lambda: scene.channel.tell(Identifier.TEXT, payload))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, MisbehaviourError),
        (401, TokenExpiredError),
        (403, RejectedError),
        (404, MisbehaviourError),
        (420, LoginTimeoutError),
        (423, UserDisabledError),
        (477, TokenExpiredError),
        (500, MisbehaviourError),
        (503, BootingError),
        (900, MisbehaviourError),
    ],
)
async def test_answers_that_are_failures(
    autojump_clock: MockClock, scene: Scene, code: int, kind: type[SessionError]
) -> None:
    with pytest.raises(SessionError, match=f"code {code} in answer to the test") as caught:
        await ask(scene, lambda: scene.channel.answer('"no"', code=code))
    assert kind is type(caught.value)


@pytest.mark.parametrize(
    "payload", ["", "{", "[]", "null", '{"LL": {}}', '{"LL": {"Code": "x"}}', "\x00", "<html>"]
)
async def test_answers_that_are_none(autojump_clock: MockClock, scene: Scene, payload: str) -> None:
    with pytest.raises(MisbehaviourError, match=r"^the test: "):
        await ask(scene, lambda: scene.channel.tell(Identifier.TEXT, payload))


ANOTHER = '{"LL": {"control": "dev/sps/io/Q2", "value": "0", "Code": "%d"}}'


@pytest.mark.parametrize(
    "text", [ANOTHER % 200, ANOTHER % 401, "2026-01-01;PRG start program\r\n", "", '{"a": 1}']
)
async def test_texts_that_are_no_answer_to_this_command_are_passed_over(
    autojump_clock: MockClock, scene: Scene, text: str
) -> None:
    async def script() -> None:
        for _ in range(20):
            scene.channel.tell(Identifier.TEXT, text)
            await wait_all_tasks_blocked()
        scene.channel.answer('"yes"', control="dev/sys/x")

    assert "yes" == await ask(scene, script, "jdev/sys/x")
    assert [] == scene.ends


async def test_an_answer_to_another_command_is_not_taken_for_one_in_place_of_the_structure_file(
    autojump_clock: MockClock, scene: Scene
) -> None:
    def script() -> None:
        scene.channel.tell(Identifier.TEXT, ANOTHER % 404)
        scene.channel.tell(Identifier.FILE, STRUCTURE_FILE)

    assert STRUCTURE_FILE == await fetch(scene, script)


async def test_answers_to_encrypted_commands_go_by_their_order(
    autojump_clock: MockClock, scene: Scene
) -> None:
    command = "jdev/sys/enc/Zm9v"
    for control in (command, "jdev/sys/getkey2/exporter", "dev/sys/getkey", ""):

        def script(control: str = control) -> None:
            scene.channel.answer('"yes"', control=control)

        assert "yes" == await ask(scene, script, command)


@pytest.mark.parametrize("control", ["", "dev/sys/getkey", "jdev/sys/x"])
async def test_that_the_login_took_too_long_is_said_to_any_command(
    autojump_clock: MockClock, scene: Scene, control: str
) -> None:
    with pytest.raises(LoginTimeoutError):
        await ask(
            scene, lambda: scene.channel.answer('""', code=420, control=control), "jdev/sys/x"
        )


async def test_errors_without_a_control_are_of_the_command_in_flight(
    autojump_clock: MockClock, scene: Scene
) -> None:
    with pytest.raises(BootingError):
        await ask(scene, lambda: scene.channel.answer('""', code=503, control=""), "jdev/sys/x")


async def test_an_answer_tells_that_an_interrupted_command_before_has_none(
    autojump_clock: MockClock, scene: Scene
) -> None:
    for command in ("jdev/sys/first", "jdev/sys/second", "jdev/sys/third"):
        with trio.move_on_after(1):
            await scene.conversation.ask(command, purpose=command)
        assert command == await scene.channel.command()

    def script() -> None:
        for control in ("dev/sys/second", "dev/sys/x"):
            scene.channel.answer(f'"{control}"', control=control)

    assert "dev/sys/x" == await ask(scene, script, "jdev/sys/x")


async def test_no_answer_is_waited_for_so_long_and_no_longer(
    autojump_clock: MockClock, scene: Scene
) -> None:
    started = trio.current_time()
    with pytest.raises(SilentError, match="no answer to the test after 15 s"):
        await ask(scene, lambda: None)
    assert PATIENCE == pytest.approx(trio.current_time() - started, abs=0.1)


async def test_an_old_silence_does_not_count_against_a_new_command(
    autojump_clock: MockClock, scene: Scene
) -> None:
    await trio.sleep(1000)

    async def script() -> None:
        await trio.sleep(PATIENCE - 1)
        scene.channel.answer('"yes"')

    assert "yes" == await ask(scene, script)


async def test_a_slow_answer_is_waited_for_while_bytes_arrive(
    autojump_clock: MockClock, scene: Scene
) -> None:
    async def script() -> None:
        for _ in range(10):
            await trio.sleep(10)
            scene.channel.dribble()
        scene.channel.answer('"yes"')

    assert "yes" == await ask(scene, script)


async def test_an_answer_that_dribbles_for_ever_is_given_up(
    autojump_clock: MockClock, scene: Scene
) -> None:
    async def script() -> None:
        while True:
            await trio.sleep(10)
            scene.channel.dribble()

    started = trio.current_time()
    with pytest.raises(SilentError, match="no answer to the test after 120 s"):
        await ask(scene, script)
    assert LIMIT == pytest.approx(trio.current_time() - started, abs=0.1)


async def test_a_late_answer_is_not_taken_for_that_of_the_next_command(
    autojump_clock: MockClock, scene: Scene
) -> None:
    with pytest.raises(SilentError):
        await ask(scene, lambda: None)
    scene.channel.answer('"late"')
    await wait_all_tasks_blocked()
    assert "right" == await ask(scene, lambda: scene.channel.answer('"right"'))


async def test_a_command_that_cannot_be_sent_is_given_up(
    autojump_clock: MockClock, scene: Scene
) -> None:
    scene.channel.stuck = True
    started = trio.current_time()
    with pytest.raises(SilentError, match="progress in sending the test"):
        await scene.conversation.ask("jdev/x", purpose="the test")
    assert PATIENCE == pytest.approx(trio.current_time() - started, abs=0.1)


async def test_one_command_is_in_flight_at_a_time(autojump_clock: MockClock, scene: Scene) -> None:
    values = {}

    async def ask_for(number: int) -> None:
        reply = await scene.conversation.ask(f"jdev/{number}", purpose="the test")
        values[number] = reply.value

    async with trio.open_nursery() as nursery:
        for number in range(5):
            nursery.start_soon(ask_for, number)
        for answered in range(5):
            command = await scene.channel.command()
            await trio.sleep(1)
            assert answered + 1 == len(scene.channel.sent)
            scene.channel.answer(command.removeprefix("jdev/"))
    assert {number: number for number in range(5)} == values


@pytest.mark.parametrize(
    ("frames", "damage"),
    [
        ([b"no header"], 1),
        (["no header"], 1),
        ([b"\x03\x02\x00\x00\x05\x00\x00\x00", b"\x00" * 5], 1),
        ([b"\x03\x02\x00\x00\x05\x00\x00\x00", "table as text"], 1),
        ([b"\x03\x03\x00\x00\x05\x00\x00\x00", b"\xff" * 40], 1),
        ([b"\x03\x03\x00\x00\x05\x00\x00\x00", "table as text"], 1),
        ([b"\x04\x00\x00\x00\x05\x00\x00\x00", b"?"], 2),
    ],
)
async def test_messages_that_make_no_sense_are_dropped_and_counted(
    autojump_clock: MockClock, scene: Scene, frames: list[bytes | str], damage: int
) -> None:
    def script() -> None:
        scene.channel.say(*frames)
        scene.channel.answer('"yes"')

    assert "yes" == await ask(scene, script)
    assert damage == scene.state.undecodable_messages


async def test_the_end_while_an_answer_is_waited_for(
    autojump_clock: MockClock, scene: Scene
) -> None:
    with pytest.raises(LockedOutError, match="planted"):
        await ask(scene, lambda: scene.channel.end(LockedOutError("planted", remaining=5)))
    await trio.sleep(0.1)
    assert [LockedOutError] == [type(error) for error in scene.ends]


async def test_an_answer_just_before_the_end_counts(
    autojump_clock: MockClock, scene: Scene
) -> None:
    def script() -> None:
        scene.channel.answer('"no"', code=403)
        scene.channel.end(ConnectionLostError("planted"))

    with pytest.raises(RejectedError):
        await ask(scene, script)


@pytest.mark.parametrize("claimed", [True, False])
async def test_a_command_after_the_end_fails_as_the_connection_did(
    autojump_clock: MockClock, scene: Scene, *, claimed: bool
) -> None:
    if not claimed:
        scene.channel.answer('"nobody asked"')
    scene.channel.end(ConnectionLostError("planted"))
    await trio.sleep(1)
    with pytest.raises(ConnectionLostError, match="planted"):
        await scene.conversation.ask("jdev/x", purpose="the test")
    assert scene.channel.sent == []


async def test_out_of_service(autojump_clock: MockClock, scene: Scene) -> None:
    with pytest.raises(OutOfServiceError):
        await ask(scene, lambda: scene.channel.tell(Identifier.OUT_OF_SERVICE))
    await trio.sleep(0.1)
    assert [OutOfServiceError] == [type(error) for error in scene.ends]


@pytest.fixture
async def ends_of_life(scene: Scene, nursery: trio.Nursery) -> list[tuple[SessionError, float]]:
    """Keep the conversation alive; how that ended, and when."""
    ends: list[tuple[SessionError, float]] = []

    async def keep_alive() -> None:
        try:
            await scene.conversation.keep_alive()
        except SessionError as error:
            ends.append((error, trio.current_time()))

    nursery.start_soon(keep_alive)
    return ends


async def test_keepalives_that_are_answered(
    autojump_clock: MockClock, scene: Scene, ends_of_life: list[tuple[SessionError, float]]
) -> None:
    for _ in range(100):
        assert "keepalive" == await scene.channel.command()
        scene.channel.tell(Identifier.KEEPALIVE)
    assert [] == ends_of_life
    assert 100 * KEEPALIVE_INTERVAL == pytest.approx(trio.current_time(), abs=1)


@pytest.mark.parametrize("stuck", [True, False])
async def test_a_keepalive_without_an_answer(
    autojump_clock: MockClock,
    scene: Scene,
    ends_of_life: list[tuple[SessionError, float]],
    *,
    stuck: bool,
) -> None:
    scene.channel.stuck = stuck
    await trio.sleep(60)
    ((error, when),) = ends_of_life
    assert isinstance(error, SilentError)
    assert "keepalive" in str(error)
    assert KEEPALIVE_INTERVAL + PATIENCE == pytest.approx(when, abs=0.1)


async def test_a_keepalive_answered_late_behind_a_large_transfer(
    autojump_clock: MockClock, scene: Scene, ends_of_life: list[tuple[SessionError, float]]
) -> None:
    assert "keepalive" == await scene.channel.command()
    for _ in range(11):
        await trio.sleep(10)
        scene.channel.dribble()
    scene.channel.tell(Identifier.FILE, FILE)
    scene.channel.tell(Identifier.KEEPALIVE)
    assert [] == ends_of_life
    await trio.sleep(60)
    assert [SilentError] == [type(error) for error, _ in ends_of_life]


@pytest.mark.parametrize("pause", [0.5, 5.0, PATIENCE - 0.5])
async def test_bytes_that_dribble_on_are_no_answer_to_a_keepalive(
    autojump_clock: MockClock,
    scene: Scene,
    ends_of_life: list[tuple[SessionError, float]],
    pause: float,
) -> None:
    with trio.move_on_after(1000):
        while not ends_of_life:
            await trio.sleep(pause)
            scene.channel.dribble()
    ((error, when),) = ends_of_life
    assert isinstance(error, SilentError)
    assert "no answer to a keepalive after 120 s" == str(error)
    assert KEEPALIVE_INTERVAL + LIMIT == pytest.approx(when, abs=0.1)


@pytest.mark.parametrize("answers", [0, 1])
@pytest.mark.parametrize("last", [0.0, 10.0, 29.999, 30.001, 44.999, 59.999, 60.001, 61.0])
async def test_silence_is_noticed_within_a_minute_of_the_last_byte_whenever_that_was(
    autojump_clock: MockClock,
    scene: Scene,
    ends_of_life: list[tuple[SessionError, float]],
    last: float,
    answers: int,
) -> None:
    async def answer() -> None:
        for _ in range(answers):
            await scene.channel.command()
            scene.channel.tell(Identifier.KEEPALIVE)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(answer)
        # Up to the last one, bytes come that keep the keepalive from being missed.
        for moment in (*range(0, int(last), 5), last):
            await trio.sleep_until(float(moment))
            scene.channel.dribble()
        await trio.sleep(200)
        ((error, when),) = ends_of_life
        nursery.cancel_scope.cancel()
    assert isinstance(error, SilentError)
    assert 0 < when - max(last, answers * KEEPALIVE_INTERVAL) <= 60


@pytest.mark.parametrize(
    "payload",
    [
        '{"token": "s3cret"',
        '{"token": "s3cret"}',
        '{"LL": {"control": "s3cret", "Code": "500"}}',
        '{"LL": {"control": "s3cret", "Code": "s3cret"}}',
        None,
    ],
)
async def test_a_command_is_told_by_its_purpose_only(
    autojump_clock: MockClock,
    scene: Scene,
    nursery: trio.Nursery,
    payload: str | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)

    async def play() -> None:
        await scene.channel.command()
        if payload is not None:
            scene.channel.tell(Identifier.TEXT, payload)

    nursery.start_soon(play)
    with pytest.raises(SessionError) as caught:
        await scene.conversation.ask(
            "jdev/sys/gettoken/s3cret", purpose="the login", is_secret=True
        )
    assert "the login" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in caplog.text


async def test_bad_messages_among_good_ones_are_told_once(
    autojump_clock: MockClock, scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(300):
        scene.channel.tell(Identifier.VALUES, b"no table")
        scene.channel.tell(Identifier.VALUES, encode_values([(LIGHT, 1.0)]))
    await wait_all_tasks_blocked()
    assert 300 == scene.state.undecodable_messages
    assert 1 == sum("dropped a message" in message for message in caplog.messages)
    assert [] == scene.ends
