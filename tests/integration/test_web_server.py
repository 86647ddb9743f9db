"""The web server as its clients meet it: real sockets, real time, every wait with a bound."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import resource
import socket
from collections.abc import AsyncIterator, Iterator

import h11
import pytest
import trio
from attrs import define, field
from hypercorn.typing import (
    ASGIFramework,
    ASGIReceiveCallable,
    ASGISendCallable,
    HTTPResponseStartEvent,
    Scope,
)
from trio.testing import wait_all_tasks_blocked

from loxone_exporter.clients import Clients, CutOff
from loxone_exporter.config.addresses import ListenAddress
from loxone_exporter.config.model import Config
from loxone_exporter.errors import ListenError
from loxone_exporter.loxone.structure import parse_structure
from loxone_exporter.metrics.exposition import Exposition, Format
from loxone_exporter.state import ConnectionState, MiniserverState
from loxone_exporter.stop import StopRequest
from loxone_exporter.web.app import WebApp
from loxone_exporter.web.connection import COMMON_HEADERS, Phase
from loxone_exporter.web.server import ACCEPT_PAUSE, DRAIN, WebServer, bind, url
from support.memory_network import STRUCTURE, TEMPERATURE, miniserver_config
from support.raw_client import Response, request
from support.scrapes import Scrape
from support.web_serving import LOOPBACK, Serving, living_tasks, open_files, serving


AT_ONCE = 0.8

LARGE = 20_000_000
"""More than the buffers of two sockets hold."""


def has_ipv6() -> bool:
    if not socket.has_ipv6:
        return False
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


@define(eq=False)
class House:
    """Two Miniservers and the server that tells about them."""

    serving: Serving
    states: list[MiniserverState]
    stop: StopRequest = field(factory=StopRequest)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    states = [MiniserverState(name="one"), MiniserverState(name="two")]
    stop = StopRequest()
    config = Config(miniservers=tuple(miniserver_config(state.name) for state in states))
    async with serving(WebApp.build(config, states, stop)) as serving_:
        yield House(serving_, states, stop)


def connect(state: MiniserverState) -> None:
    state.tried = True
    state.connection = ConnectionState.CONNECTED
    state.replace_structure(parse_structure(json.dumps(STRUCTURE)))
    state.apply_values([(TEMPERATURE, 21.5)])


async def test_a_scrape_in_both_formats(house: House) -> None:
    connect(house.states[0])
    text = await house.serving.get("metrics")
    assert (200, Format.TEXT.value) == (text.status, text.headers["content-type"])
    openmetrics = await house.serving.get(
        "metrics",
        headers={
            "Accept": "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
            "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=0.0.4;q=0.3"
        },
    )
    assert Format.OPENMETRICS.value == openmetrics.headers["content-type"]
    for body, format_ in ((text.body, Format.TEXT), (openmetrics.body, Format.OPENMETRICS)):
        assert [21.5] == [
            sample.value for sample in Scrape.read(body, format_).samples("loxone_control_value")
        ]


def check_headers(answer: Response) -> None:
    """See that an answer has what every answer has."""
    assert "nosniff" == answer.headers["x-content-type-options"]
    assert "no-referrer" == answer.headers["referrer-policy"]
    assert "default-src 'self'" == answer.headers["content-security-policy"]
    assert "server" not in answer.headers


async def test_what_is_no_request_gets_these_headers_too(house: House) -> None:
    endless = b"GET / HTTP/1.1\r\nA:" + 2**17 * b"b"
    many = b"GET / HTTP/1.1\r\n" + 200 * b"a: b\r\n" + b"\r\n"
    for packet in (b"what?\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", endless, many):
        head = (await house.serving.talk(packet)).lower()
        assert head.startswith(b"http/1.1 4")
        for name, value in COMMON_HEADERS:
            assert 1 == head.count(b"%b: %b\r\n" % (name, value))
        assert b"\nserver:" not in head


@pytest.mark.parametrize(
    "path", ["", "metrics", "healthz", "livez", "-/healthy", "readyz", "-/ready", "nothing"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
async def test_every_answer_has_its_headers(house: House, path: str, method: str) -> None:
    house.states[0].tried = house.states[1].tried = True
    connect(house.states[0])
    answer = await house.serving.get(path, method=method)
    if path == "nothing":
        assert answer.status == 404
    else:
        assert {"GET": 200, "HEAD": 200, "POST": 405}[method] == answer.status
    check_headers(answer)
    assert int(answer.headers["content-length"]) > 0
    assert (method == "HEAD") == (answer.body == b"")


async def test_health_from_start_to_end(house: House) -> None:
    async def health() -> tuple[int, str]:
        answer = await house.serving.get("healthz")
        return answer.status, json.loads(answer.body)["status"]

    one, two = house.states
    assert (200, "starting") == await health()
    one.tried = two.tried = True
    assert (503, "unhealthy") == await health()
    connect(one)
    assert (200, "degraded") == await health()
    connect(two)
    assert (200, "healthy") == await health()


async def test_readiness_before_after_and_at_the_end(house: House) -> None:
    assert (await house.serving.get("readyz")).status == 503
    for state in house.states:
        connect(state)
    assert (await house.serving.get("readyz")).status == 200
    house.stop.make()
    assert (await house.serving.get("readyz")).status == 503
    assert (await house.serving.get("livez")).status == 200
    assert (await house.serving.get("metrics")).status == 200


async def test_scrapes_at_the_same_time(house: House) -> None:
    statuses = []

    async def scrape() -> None:
        statuses.append((await house.serving.get("metrics")).status)

    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(scrape)
    assert [200] * 20 == statuses


async def test_many_requests_on_one_connection(house: House) -> None:
    async with await house.serving.connect() as stream:
        for _ in range(10):
            assert (await request(stream, "livez")).status == 200


async def test_a_failing_scrape_is_answered_and_logged(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def stumble(*_: object, **__: object) -> bytes:
        await trio.lowlevel.checkpoint()
        raise ZeroDivisionError("planted")

    with monkeypatch.context() as patch:
        patch.setattr(Exposition, "render", stumble)
        answer = await house.serving.get("metrics")
    assert answer.status == 500
    check_headers(answer)
    assert "planted" in caplog.text
    assert (await house.serving.get("metrics")).status == 200


async def test_nothing_is_left_behind(house: House) -> None:
    await house.serving.get("metrics")
    await wait_all_tasks_blocked()
    tasks, files = living_tasks(), open_files()
    for _ in range(50):
        assert (await house.serving.get("metrics", headers={"Connection": "close"})).status == 200
    while living_tasks() > tasks or open_files() > files:
        await trio.sleep(0.01)


def plain(body: bytes = b"hello") -> ASGIFramework:
    """An application that answers everything with the same."""

    async def app(_scope: Scope, _receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        start: HTTPResponseStartEvent = {
            "type": "http.response.start",
            "status": 200,
            "headers": [],
        }
        await send(start)
        await send({"type": "http.response.body", "body": body, "more_body": False})

    return app


GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def test_a_slow_head_is_given_up() -> None:
    async with serving(plain(), patience={Phase.REQUEST: 0.3}) as server:
        started = trio.current_time()
        assert b"" == await server.talk(GET[:-4])
        assert 0.2 < trio.current_time() - started < 1.5


async def test_a_head_that_dribbles_is_given_up_as_well() -> None:
    patience = {Phase.REQUEST: 0.3}
    async with serving(plain(), patience=patience) as server, await server.connect() as stream:
        with trio.fail_after(1.5), contextlib.suppress(trio.BrokenResourceError):
            while True:
                await stream.send_all(b"X")
                await trio.sleep(0.05)


async def test_an_idle_connection_is_closed() -> None:
    async with serving(plain(), patience={Phase.IDLE: 0.3}) as server:
        started = trio.current_time()
        answer = await server.talk(GET)
        assert answer.endswith(b"\r\n\r\n" + b"5\r\nhello\r\n0\r\n\r\n")
        assert 0.2 < trio.current_time() - started < 1.5


async def test_a_stop_ends_idle_connections_at_once() -> None:
    async with serving(plain()) as server:
        streams = [await server.connect() for _ in range(5)]
        for stream in streams[:3]:
            assert b"hello" == (await request(stream, "")).body
        await streams[3].send_all(GET[:-4])
        await wait_all_tasks_blocked()
        assert await server.end() < AT_ONCE
        for stream in streams:
            with contextlib.suppress(trio.BrokenResourceError):
                assert b"" == await stream.receive_some()
            await stream.aclose()


async def test_a_stop_lets_pending_answers_finish() -> None:
    begun, go_on = trio.Event(), trio.Event()

    async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        begun.set()
        await go_on.wait()
        await plain()(scope, receive, send)

    answers = []
    async with serving(app) as server, trio.open_nursery() as nursery:

        async def scrape() -> None:
            answers.append(await server.get(""))

        nursery.start_soon(scrape)
        await begun.wait()
        server.stop.make()
        await trio.sleep(DRAIN / 2)
        assert not server.ended.is_set()
        with pytest.raises(OSError, match="refused"):
            await server.connect()
        go_on.set()
        await server.ended.wait()
    assert [b"hello"] == [answer.body for answer in answers]


async def test_a_stop_does_not_wait_for_an_application_that_hangs() -> None:
    async def app(*_: object) -> None:
        await trio.sleep_forever()

    async with serving(app) as server, await server.connect() as stream:
        await stream.send_all(GET)
        await wait_all_tasks_blocked()
        assert DRAIN <= await server.end() < DRAIN + AT_ONCE


@pytest.mark.parametrize("clients", [1, 5])
async def test_a_stop_does_not_wait_for_clients_that_do_not_read(clients: int) -> None:
    async with serving(plain(b"x" * LARGE)) as server:
        streams = [await server.connect(receive_buffer=4096) for _ in range(clients)]
        for stream in streams:
            await stream.send_all(GET)
            await stream.receive_some(1)
        assert DRAIN <= await server.end() < DRAIN + AT_ONCE
        for stream in streams:
            await stream.aclose()


async def test_a_client_that_does_not_read_is_cut_off() -> None:
    async with serving(plain(b"x" * LARGE), patience={Phase.ANSWER: 0.5}) as server:
        await wait_all_tasks_blocked()
        tasks = living_tasks()
        async with await server.connect(receive_buffer=4096) as stream:
            await stream.send_all(GET)
            await stream.receive_some(1)
            assert living_tasks() > tasks
            with trio.fail_after(5):
                while living_tasks() > tasks:
                    await trio.sleep(0.05)


async def test_a_body_in_many_pieces_from_a_client_that_reads_late(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hypercorn's queue of them is full by then."""

    async def render(*_: object, **__: object) -> bytes:
        await trio.lowlevel.checkpoint()
        return b"x" * LARGE

    monkeypatch.setattr(Exposition, "render", render)
    tasks = living_tasks()
    async with await house.serving.connect(receive_buffer=4096) as stream:
        await stream.send_all(
            b"GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            + b"1\r\nx\r\n" * 1000
        )
        await trio.sleep(0.2)
        received = 0
        while data := await stream.receive_some(2**20):
            received += len(data)
    assert received > LARGE
    with trio.fail_after(1):
        while living_tasks() > tasks:
            await trio.sleep(0.01)


async def test_as_many_clients_are_let_in_as_are_allowed(caplog: pytest.LogCaptureFixture) -> None:
    clients = Clients(limit=3)
    async with serving(plain(), clients=clients) as server:
        streams = [await server.connect() for _ in range(3)]
        for stream in streams:
            assert b"hello" == (await request(stream, "")).body
        assert (3, 0) == (clients.connected, clients.refused)
        for _ in range(20):
            assert await is_refused(server)
        assert (3, 20) == (clients.connected, clients.refused)
        # What the operating system knew of it is gone as well, sooner or later.
        with pytest.raises((ConnectionResetError, trio.BrokenResourceError)):
            await first_bytes(server)
        assert clients.refused == 21
        # One warning, however many there are.
        (record,) = caplog.records
        assert record.message.startswith("3 clients are connected, which is as many as there may")
        # Who is in stays in, and who leaves makes room.
        assert b"hello" == (await request(streams[0], "")).body
        await streams.pop().aclose()
        with trio.fail_after(5):
            while clients.connected == 3:
                await trio.sleep(0.01)
        assert not await is_refused(server)
        for stream in streams:
            await stream.aclose()


async def test_how_many_clients_are_allowed_may_change() -> None:
    clients = Clients(limit=2)
    async with (
        serving(plain(), clients=clients) as server,
        await server.connect() as one,
        await server.connect() as two,
    ):
        for stream in (one, two):
            assert b"hello" == (await request(stream, "")).body
        assert await is_refused(server)
        clients.limit = 3
        assert not await is_refused(server)
        clients.limit = 1
        assert await is_refused(server)
        for stream in (one, two):
            assert b"hello" == (await request(stream, "")).body
    assert (0, 2) == (clients.connected, clients.refused)


async def first_bytes(server: Serving) -> bytes:
    """What a new client is told without asking."""
    async with await server.connect() as stream:
        return await stream.receive_some()


async def is_refused(server: Serving, host: str = "127.0.0.1") -> bool:
    """Whether a new client gets no answer."""
    try:
        async with await server.connect(host=host) as stream:
            return (await request(stream, "")).status != 200
    except (OSError, trio.BrokenResourceError):
        return True
    except h11.RemoteProtocolError:  # the end, in the place of an answer
        return True


async def test_one_host_does_not_keep_out_others() -> None:
    clients = Clients(limit=6)
    crowd, others = "127.0.0.1", ("127.0.0.2", "127.0.0.3")
    async with serving(plain(), clients=clients) as server, contextlib.AsyncExitStack() as stack:

        async def join(host: str) -> trio.SocketStream:
            return await stack.enter_async_context(await server.connect(host=host))

        streams = [await join(crowd) for _ in range(6)]
        for stream in streams:
            assert b"hello" == (await request(stream, "")).body
        assert await is_refused(server, crowd)
        # Those that would end next make way, two for each of the others; here for two at once.
        newcomers = []

        async def come(host: str) -> None:
            newcomers.append(await join(host))
            assert b"hello" == (await request(newcomers[-1], "")).body

        async with trio.open_nursery() as nursery:
            for host in others:
                nursery.start_soon(come, host)
        assert (6, 1) == (clients.connected, clients.refused)
        await come(others[0])
        # By one more, or nobody would have a connection for long.
        assert await is_refused(server, others[0])
        await come(others[1])
        for stream in streams[:4]:
            assert b"" == await stream.receive_some()
        # Now nobody has more than the others.
        for host in (crowd, *others):
            assert await is_refused(server, host)
        for stream in (*streams[4:], *newcomers):
            assert b"hello" == (await request(stream, "")).body
        assert {CutOff.CROWD: 4} == clients.cut_off
        assert (6, 5) == (clients.connected, clients.refused)


async def test_files_are_left_for_others_than_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (12, 12))
    clients = Clients(limit=100)
    async with serving(plain(), clients=clients) as server:
        streams = [await server.connect() for _ in range(9)]
        for stream in streams:
            assert b"hello" == (await request(stream, "")).body
        assert await is_refused(server)
        for stream in streams:
            await stream.aclose()


@contextlib.contextmanager
def no_files_left() -> Iterator[None]:
    """Let this process open no file more than it has open; which it may, if it closes one."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(name) for name in os.listdir("/proc/self/fd"))  # noqa: PTH208  # no paths
    spare = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1, before[1]))
        with contextlib.suppress(OSError):
            while True:
                spare.append(os.dup(0))
        yield
    finally:
        for file in spare:
            os.close(file)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def test_a_server_without_files_goes_on_and_says_so_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    attempts = 0

    async def accept(self: trio.SocketListener) -> trio.SocketStream:
        nonlocal attempts
        attempts += 1
        return await accept_really(self)

    accept_really = trio.SocketListener.accept
    monkeypatch.setattr(trio.SocketListener, "accept", accept)
    async with serving(plain()) as server, await server.connect() as early:
        assert b"hello" == (await request(early, "")).body
        late, before = trio.socket.socket(), attempts
        with no_files_left():
            started = trio.current_time()
            await late.connect((server.host, server.port))
            await trio.sleep(2 * ACCEPT_PAUSE)
            # Who is in is answered, and nothing spins.
            assert b"hello" == (await request(early, "")).body
            pauses = (trio.current_time() - started) / ACCEPT_PAUSE
            assert 1 <= attempts - before <= pauses + 1
        (record,) = caplog.records
        assert record.message.startswith("cannot accept connections of clients now, but goes on ")
        assert "Too many open files" in record.message
        with trio.fail_after(5):
            assert b"hello" == (await request(trio.SocketStream(late), "")).body
        late.close()
    assert 1 == len(caplog.records)


async def test_nothing_is_kept_for_clients_that_are_gone() -> None:
    async with serving(plain()) as server:
        await wait_all_tasks_blocked()
        tasks, files = living_tasks(), open_files()
        for _ in range(5):
            assert (await server.get("")).status == 200
            silent = await server.connect()
            await wait_all_tasks_blocked(0.01)
            await silent.aclose()
        with trio.fail_after(1):
            while living_tasks() > tasks or open_files() > files:
                await trio.sleep(0.01)


async def test_a_client_that_resets_its_connection() -> None:
    async with serving(plain()) as server:
        await wait_all_tasks_blocked()
        tasks = living_tasks()
        for _ in range(10):
            stream = await server.connect()
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            await stream.send_all(GET)
            await stream.aclose()
        assert (await server.get("")).status == 200
        with trio.fail_after(10):
            while living_tasks() > tasks:
                await trio.sleep(0.01)


async def test_a_server_leaves_nothing_open() -> None:
    files, tasks = open_files(), living_tasks()
    async with serving(plain()) as server:
        await server.get("")
        await server.end()
    assert (files, tasks) == (open_files(), living_tasks())


@pytest.fixture
def busy() -> Iterator[int]:
    """A port that is taken on every address."""
    with socket.socket() as listener:
        listener.bind(("0.0.0.0", 0))  # noqa: S104  # the point of it
        listener.listen()
        yield listener.getsockname()[1]


@pytest.mark.parametrize("host", ["127.0.0.1", None])
def test_a_busy_port_is_told_with_a_remedy(busy: int, host: str | None) -> None:
    with pytest.raises(ListenError) as caught:
        bind([ListenAddress(host, busy)])
    assert (
        f"cannot listen on {host or ''}:{busy}: the address is in use; "
        "is another exporter running? If not, choose another port"
    ) == str(caught.value)


@pytest.mark.parametrize("first", [LOOPBACK, ListenAddress(None, 0)])
def test_the_first_address_is_closed_when_the_second_is_busy(
    busy: int, first: ListenAddress
) -> None:
    files = open_files()
    with pytest.raises(ListenError, match=f"127.0.0.1:{busy}"):
        bind([first, ListenAddress("127.0.0.1", busy)])
    assert files == open_files()


def resolve_to(monkeypatch: pytest.MonkeyPatch, *found: tuple[int, tuple[object, ...]]) -> None:
    def getaddrinfo(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(family, socket.SOCK_STREAM, 6, "", place) for family, place in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_the_first_address_of_a_name_is_closed_when_its_second_is_busy(
    busy: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to(
        monkeypatch,
        (socket.AF_INET, ("127.0.0.1", 0)),
        (socket.AF_INET, ("127.0.0.1", busy)),
    )
    files = open_files()
    with pytest.raises(ListenError, match=r"name\.test:0: the address is in use"):
        bind([ListenAddress("name.test", 0)])
    assert files == open_files()


def test_a_name_whose_addresses_repeat_is_listened_on_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolve_to(monkeypatch, *[(socket.AF_INET, ("127.0.0.1", 0))] * 3)
    (listener,) = bind([ListenAddress("name.test", 0)])
    listener.close()


def test_an_unknown_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(ListenError) as caught:
        bind([ListenAddress("nobody.test", 9504)])
    assert "cannot listen on nobody.test:9504: the name is not known" in str(caught.value)


def test_an_address_of_another_machine_is_told() -> None:
    with pytest.raises(ListenError, match="this machine does not have that address"):
        bind([ListenAddress("192.0.2.1", 0)])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may listen on any port")
def test_a_low_port_is_told_really() -> None:
    with pytest.raises(ListenError, match="ports below 1024 need a privilege"):
        bind([ListenAddress("127.0.0.1", 1)])


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.EACCES, "cannot listen on 127.0.0.1:80: ports below 1024 need a privilege"),
        (errno.ENOBUFS, "cannot listen on 127.0.0.1:80: No buffer space available"),
    ],
)
def test_other_failures_are_told(
    monkeypatch: pytest.MonkeyPatch, number: int, expected: str
) -> None:
    class Failing(socket.socket):
        def bind(self, _address: object) -> None:
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(socket, "socket", Failing)
    files = open_files()
    with pytest.raises(ListenError, match=re.escape(expected)):
        bind([ListenAddress("127.0.0.1", 80)])
    assert files == open_files()


@needs_ipv6
async def test_every_address_is_ipv4_and_ipv6() -> None:
    async with serving(plain(), [ListenAddress(None, 0)]) as server:
        for host in ("127.0.0.1", "::1"):
            async with await trio.open_tcp_stream(host, server.port) as stream:
                assert b"hello" == (await request(stream, "")).body


async def test_every_address_is_ipv4_where_there_is_no_ipv6(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: False)
    (listener,) = bind([ListenAddress(None, 0)])
    assert socket.AF_INET == listener.family
    assert f"http://localhost:{listener.getsockname()[1]}" == url(listener)
    listener.close()


@needs_ipv6
async def test_an_ipv6_address_alone() -> None:
    (listener,) = bind([ListenAddress.parse("[::1]:0")])
    port = listener.getsockname()[1]
    assert f"http://[::1]:{port}" == url(listener)
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
    listener.close()


async def test_a_name() -> None:
    async with serving(plain(), [ListenAddress("localhost", 0)]) as server:
        assert b"hello" == (await server.get("")).body


async def test_two_addresses_of_one_server() -> None:
    sockets = bind([LOOPBACK, LOOPBACK])
    stop = StopRequest()
    async with trio.open_nursery() as nursery:
        await nursery.start(WebServer(plain(), sockets, Clients(limit=9)).serve, stop)
        for listener in sockets:
            place = f"127.0.0.1:{listener.getsockname()[1]}"
            assert f"http://{place}" == url(listener)
            host, _, port = place.partition(":")
            async with await trio.open_tcp_stream(host, int(port)) as stream:
                assert b"hello" == (await request(stream, "")).body
        stop.make()
