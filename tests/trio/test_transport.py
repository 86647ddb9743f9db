from __future__ import annotations

import errno
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
import trio
from trio.testing import MockClock, memory_stream_pair

from loxone_exporter.errors import (
    ConnectionLostError,
    MisbehaviourError,
    SessionError,
    UnreachableError,
)
from loxone_exporter.miniserver.transport import (
    MAX_HTTP_BODY,
    Address,
    HttpAnswer,
    connect_tcp,
    http_get,
)
from support.scripted_peer import ScriptedPeer, response


ADDRESS = Address("2001:db8::7", 8080)
PATH = "jdev/cfg/apiKey"
CHUNKED = response("200 OK", None, "Transfer-Encoding: chunked")


async def ask(script: Callable[[ScriptedPeer], Awaitable[object]]) -> HttpAnswer:
    """What a scripted peer's answer is taken for."""
    client, server = memory_stream_pair()
    async with trio.open_nursery() as nursery:

        async def play() -> None:
            await script(ScriptedPeer(server))

        nursery.start_soon(play)
        with trio.fail_after(1):
            answer = await http_get(client, ADDRESS, PATH)
    return answer


def answering(*pieces: bytes, hang_up: bool = True) -> Callable[[ScriptedPeer], Awaitable[None]]:
    async def script(peer: ScriptedPeer) -> None:
        await peer.read_request()
        for piece in pieces:
            await peer.say(piece)
            await trio.sleep(0.01)
        if hang_up:
            await peer.hang_up()

    return script


async def test_a_request_says_what_is_asked_and_carries_no_credentials(
    autojump_clock: MockClock,
) -> None:
    requests = []

    async def script(peer: ScriptedPeer) -> None:
        requests.append(await peer.read_request())
        await peer.say(response("200 OK", b"{}"))

    assert HttpAnswer(200, b"{}") == await ask(script)
    (request,) = requests
    assert (
        b"GET /jdev/cfg/apiKey HTTP/1.1\r\n"
        b"Host: [2001:db8::7]:8080\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    ) == request


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([response("200 OK", b"hello")], HttpAnswer(200, b"hello")),
        ([response("200 OK") + b"hel", b"lo"], HttpAnswer(200, b"hello")),
        ([CHUNKED + b"3\r\nhel\r\n", b"2\r\nlo\r\n0\r\n\r\n"], HttpAnswer(200, b"hello")),
        ([b"HTTP/1.0 200 OK\r\n\r\nhello"], HttpAnswer(200, b"hello")),
        ([b"HT", b"TP/1.1 404 Not Found\r\nContent-Le", b"ngth: 0\r\n\r\n"], HttpAnswer(404, b"")),
        ([response("100 Continue"), response("200 OK", b"hello")], HttpAnswer(200, b"hello")),
        ([response("503 Service Unavailable")], HttpAnswer(503, b"")),
        ([response("302 Found", b"", "Location: https://x.test/")], HttpAnswer(302, b"")),
        ([response("204 No Content")], HttpAnswer(204, b"")),
        ([response("200 OK", b"x" * MAX_HTTP_BODY)], HttpAnswer(200, b"x" * MAX_HTTP_BODY)),
    ],
    ids=range(10),
)
async def test_answers_in_all_shapes(
    autojump_clock: MockClock, pieces: list[bytes], expected: HttpAnswer
) -> None:
    assert expected == await ask(answering(*pieces))


@pytest.mark.parametrize(
    ("pieces", "kind"),
    [
        ([], ConnectionLostError),
        ([b""], ConnectionLostError),
        ([b"HTTP/1.1 200 OK\r\nContent-"], ConnectionLostError),
        ([response("200 OK", b"", "Content-Length: 9")], MisbehaviourError),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"], MisbehaviourError),
        ([CHUNKED + b"3\r\nhel\r\n"], MisbehaviourError),
        ([CHUNKED + b"no number\r\n"], MisbehaviourError),
        ([b"SSH-2.0-OpenSSH_9.2\r\n"], ConnectionLostError),
        ([b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 9], MisbehaviourError),
        ([b"HTTP/1.1 101 Switching Protocols\r\n\r\n"], MisbehaviourError),
        ([b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000], MisbehaviourError),
        ([response("200 OK", b"x" * (MAX_HTTP_BODY + 1))], MisbehaviourError),
    ],
    ids=range(12),
)
@pytest.mark.parametrize("hang_up", [True, False])
async def test_answers_that_are_none(
    autojump_clock: MockClock,
    nursery: trio.Nursery,
    pieces: list[bytes],
    kind: type[SessionError],
    *,
    hang_up: bool,
) -> None:
    """Where the connection stays open, a part may never be known to be no more than that."""
    try:
        await ask(answering(*pieces, hang_up=hang_up))
    except* kind:
        pass
    except* trio.TooSlowError:
        assert not hang_up
        assert len(b"".join(pieces)) < 1000
    else:
        pytest.fail("this was taken for an answer")


async def test_an_answer_without_end_is_not_kept_in_memory(autojump_clock: MockClock) -> None:
    sent = 0

    async def script(peer: ScriptedPeer) -> None:
        nonlocal sent
        await peer.read_request()
        await peer.say(response("200 OK"))
        while sent < 100 * MAX_HTTP_BODY:
            await peer.say(b"x" * 2**16)
            sent += 2**16
            await trio.sleep(0.001)

    client, server = memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(script, ScriptedPeer(server))
        with pytest.raises(MisbehaviourError, match="1048576 bytes"):
            await http_get(client, ADDRESS, PATH)
        nursery.cancel_scope.cancel()
    assert sent < 1.2 * MAX_HTTP_BODY


async def test_a_connection_that_is_gone_before_the_question(autojump_clock: MockClock) -> None:
    client, server = memory_stream_pair()
    await server.aclose()
    with pytest.raises(ConnectionLostError, match="the connection broke while asking for /jdev"):
        await http_get(client, ADDRESS, PATH)


@pytest.fixture
def dead_port() -> Iterator[int]:
    """A port on which nobody listens, and nobody else can begin to."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield reserved.getsockname()[1]


async def test_a_port_on_which_nobody_listens(dead_port: int) -> None:
    with trio.fail_after(5), pytest.raises(UnreachableError) as caught:
        await connect_tcp(Address("127.0.0.1", dead_port))
    expected = f"127.0.0.1:{dead_port} cannot be reached: Connection refused"
    assert expected == str(caught.value)


async def test_a_connection_over_tcp() -> None:
    with trio.fail_after(5):
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        async with listener:
            port = listener.socket.getsockname()[1]
            stream = await connect_tcp(Address("127.0.0.1", port))
            async with stream, await listener.accept() as accepted:
                await stream.send_all(b"hello")
                assert b"hello" == await accepted.receive_some()


class Resolver(trio.abc.HostnameResolver):
    """Names without a network."""

    def __init__(self, answer: OSError | list[str]) -> None:
        self._answer = answer

    async def getaddrinfo(self, host: bytes | None, port: Any, *_: int) -> Any:  # noqa: ANN401  # trio's types are long
        assert host is not None
        await trio.lowlevel.checkpoint()
        if isinstance(self._answer, OSError):
            raise self._answer
        kind = socket.SOCK_STREAM
        return [(socket.AF_INET, kind, 6, "", (address, port)) for address in self._answer]

    async def getnameinfo(
        self, sockaddr: tuple[str, int] | tuple[str, int, int, int], flags: int
    ) -> tuple[str, str]:
        raise NotImplementedError


async def test_a_name_that_nobody_knows() -> None:
    failure = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    trio.socket.set_custom_hostname_resolver(Resolver(failure))
    with trio.fail_after(5), pytest.raises(UnreachableError) as caught:
        await connect_tcp(Address("nobody.test", 80))
    assert (
        "nobody.test:80 cannot be reached: the name is not known (Name or service not known)"
    ) == str(caught.value)


async def test_a_name_with_several_dead_addresses_tells_each_reason_once(dead_port: int) -> None:
    trio.socket.set_custom_hostname_resolver(Resolver(["127.0.0.1", "127.0.0.1"]))
    with trio.fail_after(5), pytest.raises(UnreachableError) as caught:
        await connect_tcp(Address("home.test", dead_port))
    assert f"home.test:{dead_port} cannot be reached: Connection refused" == str(caught.value)


async def test_a_name_that_cannot_be_one() -> None:
    with trio.fail_after(5), pytest.raises(UnreachableError, match="cannot be reached: "):
        await connect_tcp(Address("a" * 64 + ".test", 80))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(errno.EHOSTUNREACH, "x"), "No route to host"),
        (OSError("out of words"), "out of words"),
    ],
)
async def test_other_failures_of_the_network(
    monkeypatch: pytest.MonkeyPatch, error: OSError, expected: str
) -> None:
    async def fail(*_: object) -> None:
        await trio.lowlevel.checkpoint()
        raise error

    monkeypatch.setattr(trio, "open_tcp_stream", fail)
    with pytest.raises(UnreachableError, match=f"cannot be reached: {expected}"):
        await connect_tcp(ADDRESS)
