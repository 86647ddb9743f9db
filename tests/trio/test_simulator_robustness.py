from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable

import pytest
import trio
from hypothesis import example, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock, memory_stream_pair, wait_all_tasks_blocked

from loxone_exporter.simulator.commands import parse_command
from loxone_exporter.simulator.miniserver import Profile, SimulatedMiniserver
from loxone_exporter.simulator.reception import _address_of
from loxone_exporter.simulator.tls import make_certificate
from support.raw_client import Closed, RawClient, connect, get, open_session
from support.small_house import SmallHouse


UPGRADE = (
    b"GET /ws/rfc6455 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
WORDS = st.sampled_from(
    [
        *(b"GET ", b"POST ", b"HEAD ", b"CONNECT ", b"/", b" HTTP/1.1\r\n", b" HTTP/1.0\r\n"),
        *(b"Host: x\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"\r\n\r\n"),
        *(b"Upgrade: websocket\r\n", b"Connection: Upgrade\r\n", b"Expect: 100-continue\r\n"),
        *(b"Sec-WebSocket-Version: 13\r\n", b"Sec-WebSocket-Key: \xff\r\n", b"Host: \xff\r\n"),
        *(b"jdev/sys/enc/", b"?sk=", b"%00", b"?autht=a&user=%ff", b"Authorization: Basic w6Q6"),
        *(
            UPGRADE,
            UPGRADE + b"\r\n",
            b"\x81\x80\0\0\0\0",
            b"\x88\x80\0\0\0\0",
            b"\x89\x80\0\0\0\0",
        ),
    ]
)
REQUESTS = st.lists(WORDS | st.binary(max_size=40), max_size=12).map(b"".join)


def simulate() -> SimulatedMiniserver:
    return SimulatedMiniserver(SmallHouse(), profile=Profile(key_bits=1024))


def in_simulated_time(run: Callable[[], Awaitable[None]]) -> None:
    trio.run(run, clock=MockClock(autojump_threshold=0))


def handle_bytes(data: bytes) -> None:
    """Send bytes to a Miniserver, leave the connection open, and wait until it has ended."""

    async def run() -> None:
        ours, theirs = memory_stream_pair()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(simulate().handle, theirs)
            await ours.send_all(data)
            with trio.fail_after(1000):
                while await ours.receive_some():
                    pass
        await ours.aclose()

    in_simulated_time(run)


@settings(deadline=None)
@given(st.binary())
def test_any_bytes_end_in_peace(data: bytes) -> None:
    handle_bytes(data)


@settings(deadline=None)
@given(REQUESTS)
@example(UPGRADE + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
@example(UPGRADE + b"Content-Length: 5\r\n\r\n12345")
@example(UPGRADE.replace(b"HTTP/1.1", b"HTTP/1.0") + b"\r\n")
@example(UPGRADE.replace(b"Host: x", b"Host: \xff") + b"\r\n")
@example(UPGRADE.replace(b"Key: ", b"Key: \xff") + b"\r\n")
@example(UPGRADE.replace(b"Key:", b"Kex:") + b"\r\n")
@example(UPGRADE + b"Sec-WebSocket-Protocol: \xff\r\n\r\n")
@example(b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\nabc")
@example(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n" + b"x" * 2_000_000)
@example(b"GET /" + b"x" * 200_000)
@example(b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic \xff\r\n\r\n")
def test_anything_like_http_ends_in_peace(data: bytes) -> None:
    handle_bytes(data)


@settings(deadline=None)
@given(st.binary())
@example(b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff")
@example(b"\x88\x81\0\0\0\0\0")
@example(b"\x89\xfe\0\xff\0\0\0\0")
@example(b"\x80\x80\0\0\0\0")
@example(b"\xc1\x80\0\0\0\0")
@example(b"\x88\x82\0\0\0\0\x03\xe8\x81\x81\0\0\0\0a")
def test_any_frames_end_in_peace(data: bytes) -> None:
    handle_bytes(UPGRADE + b"\r\n" + data)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=5), st.booleans())
@example(["jdev/sys/getjwt/\ud7ff/%ff/٣/\x00/"], True)  # noqa: FBT003  # an odd digit
@example(["keepalive", "jdev/sys/fenc/%", "jdev/sys/keyexchange", "dev/sys/getkey2/\x00"], False)  # noqa: FBT003  # as given
def test_any_commands_leave_the_session_alive(texts: list[str], encrypted: bool) -> None:  # noqa: FBT001  # as given
    async def run() -> None:
        miniserver = simulate()
        async with trio.open_nursery() as nursery:
            client = await open_session(miniserver, nursery)
            for text in texts:
                if encrypted:
                    await client.ask_encrypted(text.replace("\0", ""))
                else:
                    await client.ask(text)
            assert (await client.ask("jdev/cfg/version")).code == 200
            await client.stream.aclose()

    in_simulated_time(run)


@given(st.text(), st.booleans())
def test_any_text_is_a_command(text: str, encrypted: bool) -> None:  # noqa: FBT001  # as given
    command = parse_command(text, encrypted=encrypted)
    assert encrypted is command.encrypted
    assert command.text == text.partition("?")[0]


@pytest.mark.parametrize("over_tls", [False, True])
async def test_an_error_of_the_simulator_costs_one_connection_only(
    nursery: trio.Nursery, caplog: pytest.LogCaptureFixture, *, over_tls: bool
) -> None:
    miniserver = simulate()
    client = await open_session(miniserver, nursery)
    miniserver.faults.clock_offset = 1e15  # beyond what dates know
    ours, theirs = memory_stream_pair()
    stream: trio.abc.Stream = ours
    if over_tls:
        certificate = make_certificate("504F94D0E0DE", names=["miniserver.test"])
        context = ssl.create_default_context(cadata=certificate.authority_pem.decode())
        stream = trio.SSLStream(
            ours, context, server_hostname="miniserver.test", https_compatible=True
        )
        nursery.start_soon(miniserver.handle_tls, theirs, certificate)
    else:
        nursery.start_soon(miniserver.handle, theirs)
    await stream.send_all(
        b"GET /jdev/sys/date HTTP/1.1\r\nHost: x\r\nAuthorization: Basic ZGVtbzpkZW1v\r\n\r\n"
    )
    assert await stream.receive_some() == b""
    assert (await client.ask("jdev/cfg/version")).code == 200
    await client.send("jdev/sys/date")
    assert await client.closing() == Closed(None, "")
    assert (await get(miniserver, "jdev/cfg/api")).status == 200
    errors = [record.exc_text or "" for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 2
    assert all("in local_time" in text for text in errors)
    caplog.clear()  # these were meant


async def test_after_garbage_others_are_served(nursery: trio.Nursery) -> None:
    miniserver = simulate()
    client = await open_session(miniserver, nursery)
    stream = connect(miniserver, nursery)
    await stream.send_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")  # a TLS client
    assert b"400" in await stream.receive_some()
    assert await stream.receive_some() == b""
    assert (await client.ask("keepalive")).header.identifier == 6


async def test_clients_that_leave_at_any_point_leave_nothing_behind() -> None:
    miniserver = simulate()
    login = UPGRADE + b"\r\n" + b"\x81\x80\0\0\0\0"
    for length in range(0, len(login), 7):
        ours, theirs = memory_stream_pair()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(miniserver.handle, theirs)
            await ours.send_all(login[:length])
            await wait_all_tasks_blocked()
            await ours.aclose()
    assert not miniserver.sessions


async def test_a_client_that_does_not_take_its_answer_is_left(
    autojump_clock: trio.abc.Clock,
) -> None:
    miniserver = simulate()
    for fault in (None, b"garbage"):
        miniserver.faults.answer_with = fault
        ours, theirs = trio.testing.lockstep_stream_pair()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(miniserver.handle, theirs)
            await ours.send_all(b"GET /jdev/cfg/api HTTP/1.1\r\nHost: x\r\n\r\n")
            began = trio.current_time()
        assert trio.current_time() - began == pytest.approx(10)


@pytest.mark.parametrize("mute", [None, 0])
@pytest.mark.parametrize("fault", [None, b"garbage"])
async def test_a_client_that_leaves_before_its_answer(
    fault: bytes | None, mute: int | None, nursery: trio.Nursery
) -> None:
    miniserver = simulate()
    miniserver.faults.answer_with = fault
    miniserver.faults.mute_after = mute
    stream = connect(miniserver, nursery)
    await stream.send_all(b"GET /jdev/cfg/api HTTP/1.1\r\nHost: x\r\n\r\n")
    await stream.aclose()
    await wait_all_tasks_blocked()
    miniserver.faults.answer_with = miniserver.faults.mute_after = None
    assert (await get(miniserver, "jdev/cfg/api")).status == 200


async def test_it_serves_sockets(nursery: trio.Nursery) -> None:
    miniserver = simulate()
    with trio.fail_after(10):
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(miniserver.serve, listeners)
        address = listeners[0].socket.getsockname()
        for _ in range(5):
            await get(miniserver, "x?autht=wrong")
        async with await trio.open_tcp_stream(*address) as stream:
            client = await RawClient.open(stream)
            assert (await client.ask("jdev/sys/getkey")).code == 200  # another address is banned
            (session,) = miniserver.sessions
            assert session.client.address == "127.0.0.1"
            await miniserver.drop_sessions(4007)
            assert (await client.closing()).code == 4007


async def test_a_client_whose_address_is_not_known_any_more() -> None:
    miniserver = simulate()
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listener:
        client = await trio.open_tcp_stream(*listener.socket.getsockname())
        stream = await listener.accept()
        await client.aclose()
        await stream.aclose()
        await miniserver.handle(stream)
    assert not miniserver.received


async def test_a_mute_device_reads_on_until_the_connection_breaks(nursery: trio.Nursery) -> None:
    miniserver = simulate()
    miniserver.faults.mute_after = 0
    ours, theirs = memory_stream_pair()
    async with trio.open_nursery() as handling:
        handling.start_soon(miniserver.handle, theirs)
        await ours.send_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await wait_all_tasks_blocked()
        await ours.send_all(b"still there?")
        await wait_all_tasks_blocked()
        await theirs.aclose()


async def test_the_address_behind_tls_is_the_sockets() -> None:
    miniserver = simulate()
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    with trio.fail_after(10):
        async with listener, trio.open_nursery() as nursery:
            client = await trio.open_tcp_stream(*listener.socket.getsockname())
            accepted = await listener.accept()
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            encrypted = trio.SSLStream(accepted, context, server_side=True)
            assert _address_of(encrypted) == "127.0.0.1"
            nursery.start_soon(miniserver.handle, encrypted)
            await client.send_all(b"this is no TLS")
            await client.aclose()


def test_memory_streams_share_a_name() -> None:
    assert _address_of(memory_stream_pair()[0]) == "memory"
