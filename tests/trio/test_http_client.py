from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest
import trio
from trio.testing import MockClock

from loxone_exporter.errors import (
    ConnectionLostError,
    MisbehaviourError,
    SessionError,
    UnreachableError,
)
from loxone_exporter.miniserver.http import MAX_BODY, HttpAnswer, HttpClient
from loxone_exporter.miniserver.link import Link
from loxone_exporter.miniserver.network import Address
from support.memory_network import MemoryNetwork
from support.scripted_peer import ScriptedPeer, response


HOST = "2001:db8::7"
ADDRESS = Address(HOST, 8080)
PATH = "jdev/cfg/apiKey"
CHUNKED = response("200 OK", None, "Transfer-Encoding: chunked")
HELLO = response("200 OK", b"hello")

Script = Callable[[ScriptedPeer], Awaitable[object]]


@contextlib.asynccontextmanager
async def peers(*scripts: Script) -> AsyncIterator[MemoryNetwork]:
    """A host with a script for each connection, after which it refuses."""
    waiting = list(scripts)

    async def play(stream: trio.abc.Stream) -> None:
        script = waiting.pop(0)
        if not waiting:
            network.hosts.clear()
        # What a script does when we are gone already does not matter.
        with contextlib.suppress(trio.BrokenResourceError, trio.EndOfChannel):
            await script(ScriptedPeer(stream))

    async with trio.open_nursery() as nursery:
        network = MemoryNetwork(nursery, hosts={HOST: play})
        yield network
        assert 0 == network.open_streams()
        nursery.cancel_scope.cancel()


async def ask(script: Script, *paths: str) -> list[HttpAnswer]:
    """What the answers of a scripted peer are taken for."""
    return await ask_each([script], *paths)


async def ask_each(scripts: Sequence[Script], *paths: str) -> list[HttpAnswer]:
    """Likewise, with a script for each connection; all of them are needed."""
    answers = []
    async with peers(*scripts) as network, HttpClient(Link(ADDRESS, network.connect)) as http:
        with trio.fail_after(1):
            for path in paths or [PATH]:
                answers += [await http.get(path)]
    assert len(scripts) == len(network.streams)
    return answers


async def fail(*scripts: Script, paths: Sequence[str] = (PATH,)) -> SessionError:
    """How asking for the last path fails."""
    async with peers(*scripts) as network, HttpClient(Link(ADDRESS, network.connect)) as http:
        with trio.fail_after(1):
            for path in paths[:-1]:
                await http.get(path)
            with pytest.raises(SessionError) as caught:
                await http.get(paths[-1])
        # A failed connection is not kept until the client's end.
        assert 0 == network.open_streams()
    return caught.value


def answering(*pieces: bytes, hang_up: bool = True) -> Script:
    """Answer one request, in pieces that arrive one after the other."""

    async def script(peer: ScriptedPeer) -> None:
        await peer.read_request()
        for piece in pieces:
            await peer.say(piece)
            await trio.sleep(0.01)
        if hang_up:
            await peer.hang_up()

    return script


def answering_each(*answers: bytes) -> Script:
    """Answer one request after the other on one connection, and hang up."""

    async def script(peer: ScriptedPeer) -> None:
        for answer in answers:
            await peer.read_request()
            await peer.say(answer)
        await peer.hang_up()

    return script


async def test_a_request_says_what_is_asked_and_carries_no_credentials(
    autojump_clock: MockClock,
) -> None:
    requests = []

    async def script(peer: ScriptedPeer) -> None:
        requests.append(await peer.read_request())
        await peer.say(response("200 OK", b"{}"))

    assert [HttpAnswer(200, b"{}")] == await ask(script)
    expected = b"GET /jdev/cfg/apiKey HTTP/1.1\r\nHost: [2001:db8::7]:8080\r\nAccept: */*\r\n\r\n"
    assert [expected] == requests


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([HELLO], HttpAnswer(200, b"hello")),
        ([response("200 OK") + b"hel", b"lo"], HttpAnswer(200, b"hello")),
        ([CHUNKED + b"3\r\nhel\r\n", b"2\r\nlo\r\n0\r\n\r\n"], HttpAnswer(200, b"hello")),
        ([b"HTTP/1.0 200 OK\r\n\r\nhello"], HttpAnswer(200, b"hello")),
        ([b"HT", b"TP/1.1 404 Not Found\r\nContent-Le", b"ngth: 0\r\n\r\n"], HttpAnswer(404, b"")),
        ([response("100 Continue"), HELLO], HttpAnswer(200, b"hello")),
        ([response("503 Service Unavailable")], HttpAnswer(503, b"")),
        (
            [response("302 Found", b"", "Location: https://x.test/")],
            HttpAnswer(302, b"", "https://x.test/"),
        ),
        ([response("204 No Content")], HttpAnswer(204, b"")),
        ([response("901 Busy", b"")], HttpAnswer(901, b"")),
        ([response("200 OK", b"x" * MAX_BODY)], HttpAnswer(200, b"x" * MAX_BODY)),
        ([bytes([byte]) for byte in HELLO], HttpAnswer(200, b"hello")),
    ],
    ids=range(12),
)
async def test_answers_in_all_shapes(
    autojump_clock: MockClock, pieces: list[bytes], expected: HttpAnswer
) -> None:
    assert [expected] == await ask(answering(*pieces))


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [b"HTTP/1.1 200 OK\r\nContent-"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"],
        [CHUNKED],
        [CHUNKED + b"3\r\nhel\r\n"],
        [CHUNKED + b"3\r\nhel"],
        [CHUNKED + b"3"],
        [CHUNKED + b"0\r\nX: y\r\n"],
        [b"SSH-2.0-OpenSSH_9.2\r\n"],
    ],
    ids=range(10),
)
async def test_an_answer_that_ends_too_early(
    autojump_clock: MockClock, pieces: list[bytes]
) -> None:
    error = await fail(answering(*pieces))
    assert isinstance(error, ConnectionLostError)
    assert "the connection was closed in answer to /jdev/cfg/apiKey" == str(error)


@pytest.mark.parametrize(
    "piece",
    [
        response("200 OK", b"", "Content-Length: 9"),
        CHUNKED + b"no number\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 9,
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000,
        b"HTTP/1.1 2000 OK\r\n\r\n",
        response("200 OK", b"x" * (MAX_BODY + 1)),
        CHUNKED + b"%x\r\n" % (MAX_BODY + 1) + b"x" * (MAX_BODY + 1),
    ],
    ids=range(8),
)
@pytest.mark.parametrize("hang_up", [True, False])
async def test_answers_that_are_none(
    autojump_clock: MockClock, piece: bytes, *, hang_up: bool
) -> None:
    assert isinstance(await fail(answering(piece, hang_up=hang_up)), MisbehaviourError)


async def test_an_answer_may_be_allowed_to_be_larger_or_smaller(autojump_clock: MockClock) -> None:
    scripts = [answering(response("200 OK", b"x" * (MAX_BODY + 1))), answering(HELLO)]
    async with peers(*scripts) as network, HttpClient(Link(ADDRESS, network.connect)) as http:
        answer = await http.get("a", max_body=MAX_BODY + 1)
        assert MAX_BODY + 1 == len(answer.body)
        with pytest.raises(MisbehaviourError, match="/b has more than 4 bytes"):
            await http.get("b", max_body=4)


async def test_an_answer_without_end_is_not_kept_in_memory(autojump_clock: MockClock) -> None:
    sent = 0

    async def script(peer: ScriptedPeer) -> None:
        nonlocal sent
        await peer.read_request()
        await peer.say(response("200 OK"))
        while sent < 100 * MAX_BODY:
            await peer.say(b"x" * 2**16)
            sent += 2**16
            await trio.sleep(0.001)

    error = await fail(script)
    assert isinstance(error, MisbehaviourError)
    assert "1048576 bytes" in str(error)
    assert sent < 1.2 * MAX_BODY


async def test_a_connection_that_is_gone_before_the_question(autojump_clock: MockClock) -> None:
    async def script(peer: ScriptedPeer) -> None:
        peer.stream.receive_stream.close()  # type: ignore[attr-defined]  # of a memory stream

    # It is a new one, and another would fare no better.
    error = await fail(script)
    assert isinstance(error, ConnectionLostError)
    assert "the connection broke while asking for /jdev/cfg/apiKey" == str(error)


async def test_errors_do_not_show_what_stands_behind_a_question_mark(
    autojump_clock: MockClock,
) -> None:
    error = await fail(answering(), paths=["data/LoxAPP3.json?autht=a1b2c3&user=me"])
    assert "the connection was closed in answer to /data/LoxAPP3.json" == str(error)


@pytest.mark.parametrize(
    "answer",
    [HELLO, CHUNKED + b"5\r\nhello\r\n0\r\n\r\n", b"HTTP/1.1 304 Not Modified\r\n\r\n"],
)
async def test_several_answers_on_one_connection(autojump_clock: MockClock, answer: bytes) -> None:
    targets = []

    async def script(peer: ScriptedPeer) -> None:
        for _ in range(3):
            targets.append((await peer.read_request()).split()[1])
            await peer.say(answer)

    (once,) = await ask(answering(answer))
    assert [once] * 3 == await ask(script, "a", "b?c", "d")
    assert [b"/a", b"/b?c", b"/d"] == targets


@pytest.mark.parametrize(
    "answer",
    [
        response("200 OK", b"hello", "Connection: close"),
        response("200 OK") + b"hello",
        b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    ],
    ids=["said", "meant", "of old"],
)
async def test_a_connection_that_ends_with_its_answer_is_not_used_again(
    autojump_clock: MockClock, answer: bytes
) -> None:
    scripts = [answering(answer), answering(HELLO)]
    expected = HttpAnswer(200, b"hello")
    assert [expected, expected] == await ask_each(scripts, "a", "b")


async def test_what_is_left_of_an_answer_is_no_answer_to_the_next_question(
    autojump_clock: MockClock,
) -> None:
    scripts = [
        answering(HELLO + response("200 OK", b"leftover"), hang_up=False),
        answering(response("200 OK", b"world")),
    ]
    assert [b"hello", b"world"] == [it.body for it in await ask_each(scripts, "a", "b")]


async def test_a_kept_connection_that_was_closed_is_replaced(autojump_clock: MockClock) -> None:
    """The end of it may be noticed in sending, in receiving, or with the question under way."""

    async def breaking(peer: ScriptedPeer) -> None:
        await peer.read_request()
        await peer.say(HELLO)
        peer.stream.receive_stream.close()  # type: ignore[attr-defined]  # of a memory stream

    async def taking_the_question(peer: ScriptedPeer) -> None:
        await peer.read_request()
        await peer.say(HELLO)
        await peer.read_request()
        await peer.hang_up()

    for first in (answering_each(HELLO), breaking, taking_the_question):
        answers = await ask_each([first, answering_each(response("200 OK", b"new"))], "a", "b")
        assert [b"hello", b"new"] == [answer.body for answer in answers]


async def test_a_kept_connection_is_replaced_only_once_in_a_row(autojump_clock: MockClock) -> None:
    async with peers(answering_each(HELLO), answering_each(), answering_each(HELLO)) as network:
        async with HttpClient(Link(ADDRESS, network.connect)) as http:
            await http.get("a")
            with pytest.raises(ConnectionLostError):
                await http.get("b")
        assert 2 == len(network.streams)


async def test_a_kept_connection_that_was_closed_by_a_host_that_is_gone(
    autojump_clock: MockClock,
) -> None:
    error = await fail(answering_each(HELLO), paths=["a", "b"])
    assert isinstance(error, UnreachableError)


async def test_a_question_whose_answer_had_begun_is_not_asked_again(
    autojump_clock: MockClock,
) -> None:
    for beginning in (b"H", HELLO[:-1]):
        error = await fail(
            answering_each(HELLO, beginning), answering_each(HELLO), paths=["a", "b"]
        )
        assert isinstance(error, ConnectionLostError)


async def test_after_a_failure_the_next_question_gets_a_new_connection(
    autojump_clock: MockClock,
) -> None:
    scripts = [answering(b"rubbish\r\n\r\n", hang_up=False), answering(HELLO)]
    async with peers(*scripts) as network, HttpClient(Link(ADDRESS, network.connect)) as http:
        with pytest.raises(MisbehaviourError):
            await http.get("a")
        assert HttpAnswer(200, b"hello") == await http.get("b")


async def test_a_question_that_is_given_up_leaves_no_connection(autojump_clock: MockClock) -> None:
    async def dribbling(peer: ScriptedPeer) -> None:
        await peer.read_request()
        while True:
            await peer.say(b"HTTP/1.1 100 Continue\r\n\r\n")
            await trio.sleep(0.1)

    async with peers(dribbling) as network, HttpClient(Link(ADDRESS, network.connect)) as http:
        with trio.move_on_after(3) as scope:
            await http.get("a")
        assert scope.cancelled_caught
        assert 0 == network.open_streams()
