from __future__ import annotations

import contextlib
import errno
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import trio
from trio.testing import MockClock, memory_stream_pair

from loxone_exporter.errors import UnreachableError
from loxone_exporter.miniserver.network import (
    CONNECT_DEADLINE,
    Address,
    NameLookup,
    connect_tcp,
    peer_of,
)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("192.0.2.7", "192.0.2.7:8080"),
        ("home.test", "home.test:8080"),
        ("::1", "[::1]:8080"),
        ("2001:db8::7", "[2001:db8::7]:8080"),
        ("fe80::1%eth0", "[fe80::1]:8080"),
    ],
)
def test_addresses_as_urls_spell_them(host: str, expected: str) -> None:
    assert expected == Address(host, 8080).authority


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


async def test_names_that_nobody_answers_for_keep_no_other_from_being_looked_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With real threads: more of them hang than trio has for all names together."""
    look_up, hang, hanging = socket.getaddrinfo, threading.Event(), list[bytes]()

    def hang_but_for_one(host: Any, *further: Any) -> Any:  # noqa: ANN401  # as the real one
        if host == b"good.test":
            return look_up("127.0.0.1", *further)
        if isinstance(host, bytes):  # and no address
            hanging.append(host)
            hang.wait(20)
        return look_up(host, *further)

    async def connect_in_vain(number: int) -> None:
        with contextlib.suppress(UnreachableError):
            await connect_tcp(Address(f"dead-{number}.test", 80))

    monkeypatch.setattr(socket, "getaddrinfo", hang_but_for_one)
    trio.socket.set_custom_hostname_resolver(NameLookup())
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    try:
        async with listener, trio.open_nursery() as nursery:
            for number in [*range(60)] * 2:
                nursery.start_soon(connect_in_vain, number)
            with trio.fail_after(3):
                while len(hanging) < 60:
                    await trio.sleep(0.01)
                port = listener.socket.getsockname()[1]
                await trio.aclose_forcefully(await connect_tcp(Address("good.test", port)))
            nursery.cancel_scope.cancel()
    finally:
        hang.set()
    # Whoever asks for the same name again takes no further thread.
    assert 60 == len(hanging) == len(set(hanging))


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
        await connect_tcp(Address("192.0.2.7", 80))


async def test_an_address_where_nobody_says_a_word(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trio, "open_tcp_stream", never)
    started = trio.current_time()
    with pytest.raises(UnreachableError) as caught:
        await connect_tcp(Address("192.0.2.7", 80))
    assert "192.0.2.7:80 cannot be reached: no answer within 5 s" == str(caught.value)
    assert CONNECT_DEADLINE == pytest.approx(trio.current_time() - started)


async def never(*_: object) -> None:
    await trio.sleep_forever()


async def connected_to(host: str) -> tuple[str | None, str | None]:
    """Who is at the other end of a connection over loopback, before and after it is closed."""
    (listener,) = await trio.open_tcp_listeners(0, host=host)
    async with listener:
        stream = await connect_tcp(Address(host, listener.socket.getsockname()[1]))
        before = peer_of(stream)
        await stream.aclose()
    return before, peer_of(stream)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_who_is_at_the_other_end(host: str) -> None:
    with trio.fail_after(5):
        assert (host, None) == await connected_to(host)


async def test_the_other_end_of_memory_has_no_address() -> None:
    stream, _ = memory_stream_pair()
    assert peer_of(stream) is None
