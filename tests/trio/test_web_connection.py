"""A connection's deadlines and limits, in simulated time."""

from __future__ import annotations

import contextlib
import logging
import sys
import tracemalloc
from collections import Counter

import pytest
import trio
from hypercorn.events import Event, RawData
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.typing import (
    ASGIReceiveCallable,
    ASGISendCallable,
    HTTPResponseStartEvent,
    Scope,
)
from trio.testing import MockClock, wait_all_tasks_blocked

from loxone_exporter.clients import CutOff
from loxone_exporter.web.connection import (
    MAX_BODY,
    MAX_FIELDS,
    MAX_HEAD,
    PATIENCE,
    PIECE,
    Application,
    Phase,
)
from support.raw_client import request
from support.web_memory import GET, POST, MemoryServer, everything, memory_server, plain


_, REQUEST, WORK, ANSWER, IDLE, FAREWELL = (PATIENCE[phase] for phase in Phase)


def elapsed(since: float) -> float:
    return round(trio.current_time() - since, 3)


async def dribble(stream: trio.abc.SendStream, data: bytes) -> None:
    """Send two bytes a second, until the server has enough."""
    with contextlib.suppress(trio.BrokenResourceError):
        for byte in data:
            await stream.send_all(bytes([byte]))
            await trio.sleep(0.5)
        pytest.fail("it went on and on")


@pytest.mark.parametrize("begin", [b"", b"G", GET[:-2]], ids=["nothing", "a byte", "half"])
async def test_a_first_request_is_not_waited_for_for_long(
    autojump_clock: MockClock, begin: bytes
) -> None:
    started = trio.current_time()
    async with memory_server(plain()) as server:
        assert b"" == await server.talk(begin)
        assert REQUEST == elapsed(started)
        assert {CutOff.SLOW_REQUEST: 1} == server.clients.cut_off


async def test_a_head_that_dribbles_has_no_more_time(autojump_clock: MockClock) -> None:
    started = trio.current_time()
    async with memory_server(plain()) as server, server.connect() as stream:
        await dribble(stream, GET[:-2] + b"x" * 1000)
        assert elapsed(started) <= REQUEST + 0.5
        assert {CutOff.SLOW_REQUEST: 1} == server.clients.cut_off


async def test_a_further_request_has_its_time_from_its_first_byte(
    autojump_clock: MockClock,
) -> None:
    async with memory_server(plain()) as server, server.connect() as stream:
        for _ in range(3):
            assert b"hello" == (await request(stream, "")).body
            await trio.sleep(IDLE - 1)
        await stream.send_all(GET[:3])
        await trio.sleep(REQUEST - 1)
        await stream.send_all(GET[3:])
        await stream.receive_some()
        await stream.send_all(GET[:3])
        started = trio.current_time()
        assert b"" == await everything(stream)
        assert REQUEST == elapsed(started)
        assert {CutOff.SLOW_REQUEST: 1} == server.clients.cut_off


async def test_half_a_request_behind_another_has_no_more_time(autojump_clock: MockClock) -> None:
    started = trio.current_time()
    async with memory_server(plain()) as server:
        assert 1 == (await server.talk(GET + GET[:-2])).count(b"hello")
        assert REQUEST == elapsed(started)


async def test_an_idle_connection_is_kept_for_the_next_scrape(autojump_clock: MockClock) -> None:
    async with memory_server(plain()) as server, server.connect() as stream:
        assert b"hello" == (await request(stream, "")).body
        started = trio.current_time()
        assert b"" == await everything(stream)
        assert IDLE == elapsed(started)
        assert {} == server.clients.cut_off


async def test_an_answer_that_nobody_reads_ends_the_connection(autojump_clock: MockClock) -> None:
    async with (
        memory_server(plain(b"x" * 10 * PIECE)) as server,
        server.connect_without_buffers() as stream,
    ):
        await stream.send_all(GET)
        await stream.receive_some(100)
        started = trio.current_time()
        await trio.sleep(ANSWER - 1)
        assert 1 == len(server.connections)
        await trio.sleep(2)
        assert not server.connections
        assert {CutOff.UNREAD_ANSWER: 1} == server.clients.cut_off
        assert ANSWER + 1 == elapsed(started)


async def test_who_dribbles_at_reading_is_cut_off(autojump_clock: MockClock) -> None:
    async with memory_server(plain(b"x" * 10 * PIECE)) as server:
        stream = server.connect_without_buffers()
        await stream.send_all(GET)
        await stream.receive_some(1)
        started = trio.current_time()
        while server.connections:
            assert await stream.receive_some(1000)
            await trio.sleep(1)
        assert ANSWER <= elapsed(started) <= ANSWER + 1
        assert {CutOff.UNREAD_ANSWER: 1} == server.clients.cut_off


async def test_who_reads_slowly_but_steadily_is_answered(autojump_clock: MockClock) -> None:
    body = bytes(range(256)) * (10 * PIECE // 256)
    async with memory_server(plain(body)) as server, server.connect_without_buffers() as stream:
        await stream.send_all(GET)
        received = b""
        while len(received) < len(body):
            await trio.sleep(0.3 * ANSWER)
            received += await stream.receive_some(PIECE // 2) or pytest.fail("cut off")
        assert body in received
        assert {} == server.clients.cut_off


async def test_many_answers_that_nobody_reads_end_the_connection(
    autojump_clock: MockClock,
) -> None:
    async with (
        memory_server(plain(b"x" * 1000)) as server,
        server.connect_without_buffers() as stream,
    ):
        await stream.send_all(GET * 100)
        await stream.receive_some(2500)
        await trio.sleep(ANSWER + 1)
        assert not server.connections
        assert {CutOff.UNREAD_ANSWER: 1} == server.clients.cut_off


async def hang(_scope: Scope, _receive: ASGIReceiveCallable, _send: ASGISendCallable) -> None:
    await trio.sleep_forever()


async def wait_for_body(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    while (event := await receive())["type"] == "http.request" and event["more_body"]:
        pass
    await plain(event["type"].encode())(scope, receive, send)


async def take_in(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    async def take_in_body() -> None:
        while True:
            await receive()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(take_in_body)
        await plain(b"x" * 10 * PIECE)(scope, receive, send)


@pytest.mark.parametrize("app", [hang, wait_for_body])
async def test_an_application_that_hangs_does_so_for_a_while(
    autojump_clock: MockClock, app: Application, caplog: pytest.LogCaptureFixture
) -> None:
    started = trio.current_time()
    async with memory_server(app) as server:
        assert b"" == await server.talk(POST + b"Content-Length: 9\r\n\r\nhalf")
        assert WORK == elapsed(started)
        await wait_all_tasks_blocked()
        assert not server.connections
        assert {} == server.clients.cut_off
    assert ["a request was not answered in time, and is given up"] == caplog.messages


def late(body: bytes) -> Application:
    """An application that takes its time, for the beginning and for the rest."""

    async def answer(_scope: Scope, _receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await trio.sleep(3 * ANSWER)
        length = str(2 * len(body)).encode()
        start: HTTPResponseStartEvent = {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-length", length)],
        }
        await send(start)
        await send({"type": "http.response.body", "body": body, "more_body": True})
        await trio.sleep(3 * ANSWER)
        await send({"type": "http.response.body", "body": body, "more_body": False})

    return answer


async def test_who_waits_for_the_application_is_not_cut_off(autojump_clock: MockClock) -> None:
    started = trio.current_time()
    async with memory_server(late(b"x" * 10)) as server, server.connect() as stream:
        for _ in range(2):
            assert b"x" * 20 == (await request(stream, "")).body
        assert 12 * ANSWER == elapsed(started)
        assert {} == server.clients.cut_off


async def test_who_does_not_read_what_took_its_time_is_cut_off(autojump_clock: MockClock) -> None:
    started = trio.current_time()
    async with (
        memory_server(late(b"x" * PIECE)) as server,
        server.connect_without_buffers() as stream,
    ):
        await stream.send_all(GET)
        while server.connections:
            await trio.sleep(1)
        assert 4 * ANSWER <= elapsed(started) <= 4 * ANSWER + 1
        assert {CutOff.UNREAD_ANSWER: 1} == server.clients.cut_off


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"Content-Length: 4\r\n\r\nbody", b"http.request"),
        (b"Content-Length: 90000\r\n\r\n" + b"x" * 90_000, b"http.disconnect"),
        (b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", b"http.request"),
        (b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n!\r\n", b"HTTP/1.1 400 "),
    ],
    ids=["small", "large", "pieces", "broken"],
)
async def test_an_application_is_told_how_a_body_ends(
    autojump_clock: MockClock, body: bytes, told: bytes
) -> None:
    async with memory_server(wait_for_body) as server:
        answer = await server.talk(POST + body)
        assert told in answer
        assert not server.clients.cut_off


async def test_a_body_that_dribbles_does_not_hold_the_connection(
    autojump_clock: MockClock,
) -> None:
    started = trio.current_time()
    async with memory_server(plain()) as server, server.connect() as stream:
        await stream.send_all(POST + b"Content-Length: 1000\r\n\r\n")
        await dribble(stream, b"x" * 1000)
        assert elapsed(started) <= FAREWELL + 0.5
        assert b"hello" in await everything(stream)
        assert {} == server.clients.cut_off


async def test_a_body_that_nobody_asked_for_is_not_taken_in_while_the_answer_is_unread(
    autojump_clock: MockClock,
) -> None:
    async with memory_server(take_in) as server, server.connect_without_buffers() as stream:
        await stream.send_all(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        taken = 0
        with trio.move_on_after(ANSWER / 2):
            while True:
                await stream.send_all(b"1\r\nx\r\n")
                taken += 6
        assert MAX_BODY < taken < 3 * MAX_BODY


def fields(count: int) -> bytes:
    return GET[:-2] + b"a:\r\n" * (count - 1) + b"\r\n"


@pytest.mark.parametrize(
    ("packet", "statuses"),
    [
        (fields(MAX_FIELDS), [b"200"]),
        (fields(MAX_FIELDS + 1), [b"431"]),
        (fields(MAX_FIELDS * 10), [b"431"]),
        (fields(MAX_FIELDS * 100), [b"431"]),
        (fields(MAX_FIELDS * 100)[:-2], [b"431"]),
        (GET + fields(MAX_FIELDS + 1), [b"200", b"431"]),
        (GET + fields(MAX_FIELDS * 100), [b"200", b"431"]),
        (GET * 100, [b"200"] * 100),
        (GET[:-2] + b"a: " + b"x" * (MAX_HEAD - 100) + b"\r\n\r\n", [b"200"]),
        (GET[:-2] + b"a: " + b"x" * (MAX_HEAD + 5000) + b"\r\n\r\n", [b"431"]),
        (GET[:-2] + b"a: " + b"x" * (MAX_HEAD + 5000), [b"431"]),
    ],
    ids=range(11),
)
@pytest.mark.parametrize("step", [1_000_000, 700])
async def test_a_head_has_no_more_fields_and_bytes_than_anybody_needs(
    autojump_clock: MockClock, packet: bytes, statuses: list[bytes], step: int
) -> None:
    async with memory_server(plain()) as server, server.connect() as stream:
        for start in range(0, len(packet), step):
            await stream.send_all(packet[start : start + step])
            await wait_all_tasks_blocked()
        answer = await everything(stream)
    assert statuses == [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]]


async def test_fields_that_are_too_many_are_refused_before_they_take_up_memory(
    autojump_clock: MockClock,
) -> None:
    packet = fields(19 * MAX_FIELDS)
    assert len(packet) < MAX_HEAD
    async with memory_server(plain()) as server, server.connect() as stream:
        assert b"hello" == (await request(stream, "")).body
        tracemalloc.start()
        try:
            await stream.send_all(packet)
            assert (await everything(stream)).startswith(b"HTTP/1.1 431 ")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        # As tuples of names and values they would take up half a megabyte.
        assert peak < 100_000


async def test_a_connection_is_kept_for_any_number_of_requests(autojump_clock: MockClock) -> None:
    """Whoever has to connect anew may be refused."""
    async with memory_server(plain()) as server, server.connect() as stream:
        answered = 0
        for _ in range(11):
            await stream.send_all(GET * 100)
            await wait_all_tasks_blocked()
            answered += (await stream.receive_some(10**6)).count(b"hello")
        assert answered == 1100


async def test_clients_are_worked_for_one_at_a_time(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn, worked = 0, Counter[int]()

    async def take_turns() -> None:
        nonlocal turn
        while True:
            turn += 1
            await trio.lowlevel.checkpoint()

    async def handle(self: H11Protocol, event: Event) -> None:
        if isinstance(event, RawData) and event.data:
            worked[turn] += 1
        await handle_really(self, event)

    handle_really = H11Protocol.handle
    monkeypatch.setattr(H11Protocol, "handle", handle)
    async with memory_server(plain()) as server, trio.open_nursery() as nursery:
        nursery.start_soon(take_turns)
        async with trio.open_nursery() as crowd:
            for _ in range(30):
                crowd.start_soon(server.get)
        nursery.cancel_scope.cancel()
    assert 30 == worked.total()
    # One between two turns of that other task, which are the first or the last of their rounds.
    assert max(worked.values()) <= 2


async def test_the_head_of_an_answer_comes_with_its_body(autojump_clock: MockClock) -> None:
    """A body is held in memory only while it is known who has to read it."""
    async with memory_server(plain()) as server, server.connect() as stream:
        await stream.send_all(GET)
        await wait_all_tasks_blocked()
        assert (await stream.receive_some(10_000)).endswith(b"\r\n\r\nhello")


async def test_an_answer_is_heard_by_who_still_sends(autojump_clock: MockClock) -> None:
    async with memory_server(plain()) as server, server.connect() as stream:
        started = trio.current_time()
        await stream.send_all(POST + b"Content-Length: 1000000\r\n\r\n" + b"x" * 1_000_000)
        assert b"hello" in await everything(stream)
        await stream.aclose()
        await wait_all_tasks_blocked()
        assert not server.connections
        assert elapsed(started) == 0


@pytest.mark.parametrize("packet", [GET[:-2] + b"Connection: close\r\n\r\n", b"!\r\n\r\n"])
async def test_a_farewell_is_short(autojump_clock: MockClock, packet: bytes) -> None:
    async with memory_server(plain()) as server, server.connect() as stream:
        started = trio.current_time()
        await stream.send_all(packet + GET)
        assert (await everything(stream)).startswith(b"HTTP/1.1 ")
        assert elapsed(started) == 0
        await trio.sleep(FAREWELL - 0.1)
        assert server.connections
        await trio.sleep(0.2)
        assert not server.connections
        assert {} == server.clients.cut_off


async def test_who_has_no_more_to_say_is_answered(autojump_clock: MockClock) -> None:
    async with memory_server(plain(b"x" * 100_000)) as server, server.connect() as stream:
        await stream.send_all(GET * 2)
        await stream.send_eof()
        assert 200_000 == (await everything(stream)).count(b"x" * 100) * 100


async def test_a_stop_ends_what_waits_and_lets_answers_finish(autojump_clock: MockClock) -> None:
    async with memory_server(plain(b"x" * 3 * PIECE)) as server:
        idle, half, reading = (server.connect_without_buffers() for _ in range(3))
        await half.send_all(GET[:-2])
        await reading.send_all(GET * 2)
        await reading.receive_some(1)
        await server.service.stop()
        for connection in server.connections:
            connection.finish()
        for stream in (idle, half):
            assert b"" == await everything(stream)
        assert 3 * PIECE == (await everything(reading)).count(b"x" * 64) * 64
        await wait_all_tasks_blocked()
        assert not server.connections
        assert {} == server.clients.cut_off


async def test_a_client_that_breaks_off_is_no_error(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with memory_server(plain(b"x" * 10 * PIECE)) as server:
        for packet in (b"", GET[:-2], GET, GET * 3):
            stream = server.connect_without_buffers()
            with trio.move_on_after(1):
                await stream.send_all(packet)
                await stream.receive_some(1)
            await trio.aclose_forcefully(stream)
            await wait_all_tasks_blocked()
        assert not server.connections
        assert {} == server.clients.cut_off
    assert [] == caplog.records


async def test_whatever_an_application_raises_is_logged_and_answered(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def stumble(*_: object) -> None:
        await trio.lowlevel.checkpoint()
        raise ZeroDivisionError("planted")

    async with memory_server(stumble) as server:
        assert 500 == (await server.get("some%0Awhere")).status
    (record,) = caplog.records
    assert "a request cannot be answered: '/some\\nwhere'" == record.message
    assert "planted" in caplog.text


async def test_an_application_that_ends_without_its_body_hangs_nobody(
    autojump_clock: MockClock,
) -> None:
    """Hypercorn would wait for ever to hand it over."""

    async def stumble(*_: object) -> None:
        await trio.sleep(1)
        raise ZeroDivisionError("planted")

    started = trio.current_time()
    async with memory_server(stumble) as server:
        pieces = b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 5000
        assert (await server.talk(POST + pieces)).startswith(b"HTTP/1.1 500 ")
        assert elapsed(started) == 1


async def test_an_unread_answer_is_forgotten_with_its_client(autojump_clock: MockClock) -> None:
    """Not only when Python looks for garbage next time, which may be when a hundred are there."""

    async def ask(server: MemoryServer) -> None:
        stream = server.connect_without_buffers()
        await stream.send_all(GET)
        await stream.receive_some(1)

    bodies = [bytes(PIECE * 2) for _ in range(4)]
    before = [sys.getrefcount(body) for body in bodies]
    async with memory_server(plain(*bodies, b"")) as server:
        for _ in range(4):
            await ask(server)
        assert before < [sys.getrefcount(body) for body in bodies]
        await trio.sleep(ANSWER + 1)
        assert {CutOff.UNREAD_ANSWER: 4} == server.clients.cut_off
        assert before == [sys.getrefcount(body) for body in bodies]
