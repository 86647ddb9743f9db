"""HTTP clients of the exporter: one that plays a script, and one that is honest."""

from __future__ import annotations

import contextlib
import gzip
import re
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Iterator, Sequence
from http import HTTPStatus
from random import Random
from typing import Final, TypeAlias

import h11
import trio
from attrs import define, field, frozen

from fuzz.cases import Finding, Kind
from fuzz.fronts import HOST, Front, authority
from fuzz.mutations import mutate
from fuzz.scrapes import judge
from loxone_exporter.metrics.exposition import Format


ENDING_DUE: Final = 8.0
"""Seconds within which the server has to end a connection whose client has nothing more to say."""

SAYING_DUE: Final = 2.0
"""Seconds after which a client gives up that cannot say what it wants to."""

SCRAPE_DUE: Final = 6.0
"""Seconds that an honest scrape may take on a busy machine beside many clients that are not."""

_SILENCE: Final = 0.03
"""Seconds after which a client that does not wait for the end goes away."""

_GONE: Final = (trio.BrokenResourceError, trio.ClosedResourceError, OSError)
_READ_SIZE: Final = 2**16
_SMALL_BUFFER: Final = 4096
_STATUS_LINE = re.compile(rb"^HTTP/1\.1 (\d{3}) ?[^\r\n]*\r\n", re.MULTILINE)
_RIGHT_FAILURES: Final = frozenset({b"501", b"505"})
"""Statuses of the server's own failures that are right: for what no server has to know."""

_ACCEPT: Final = {
    Format.TEXT: "text/plain;version=0.0.4",
    Format.OPENMETRICS: "application/openmetrics-text;version=1.0.0,text/plain;q=0.1",
}

Step: TypeAlias = bytes | float | str
"""Bytes to be sent; a pause in seconds; `answers`: wait until all good requests are answered;
`silence`: wait until nothing comes for a moment; `eof`: nothing more is sent; `reset`: the
connection is broken off. One that is `deaf` reads nothing from the beginning."""


@frozen
class Script:
    """What a client does.

    Attributes:
        steps: One after the other.
        methods: Of requests that have to be answered well, one after the other; empty for others.
        statuses: Of the answers to those.
        is_raw: Whether it does without TLS where there is TLS.
        spoiled_by: Decides what is changed below TLS; None changes nothing.
    """

    steps: Sequence[Step]
    methods: Sequence[str] = ()
    statuses: Sequence[int] = ()
    is_raw: bool = False
    spoiled_by: int | None = None


@define(eq=False)
class SpoilingStream(trio.abc.Stream):
    """A connection on whose way one of the first pieces that are sent is changed."""

    _stream: trio.SocketStream
    _chance: Random
    _left: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._left = self._chance.randrange(4)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send, or something else."""
        if self._left == 0:
            data = mutate(bytes(data), self._chance)
        self._left -= 1
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait as the transport does."""
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Receive."""
        return await self._stream.receive_some(max_bytes)

    async def aclose(self) -> None:
        """Close."""
        await self._stream.aclose()


@frozen
class Line:
    """A connection to the exporter.

    Attributes:
        wire: What it goes through.
        stream: Where HTTP is spoken: this, or TLS above it.
    """

    wire: trio.SocketStream
    stream: trio.abc.Stream


@contextlib.asynccontextmanager
async def connected(
    port: int,
    *,
    trust: ssl.SSLContext | None = None,
    receive_buffer: int | None = None,
    spoiled_by: Random | None = None,
) -> AsyncIterator[Line]:
    """Connect to the exporter; the connection is closed in the end, without a word.

    Args:
        port: Where it listens.
        trust: For TLS; None where there is none.
        receive_buffer: A small one is full soon.
        spoiled_by: Decides what is changed below TLS; None changes nothing.
    """
    client = trio.socket.socket()
    if receive_buffer is not None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    with client:
        await client.connect((HOST, port))
        wire = trio.SocketStream(client)
        below = wire if spoiled_by is None else SpoilingStream(wire, spoiled_by)
        stream: trio.abc.Stream = below
        if trust is not None:
            stream = trio.SSLStream(below, trust, server_hostname=HOST, https_compatible=True)
        yield Line(wire, stream)


async def play(script: Script, port: int, front: Front) -> Sequence[Finding]:
    """Do what a script says, and judge what the server says to it."""
    received = bytearray()
    is_deaf = "deaf" in script.steps
    waits_for_end = "eof" in script.steps and "reset" not in script.steps and not is_deaf
    has_said_all = False
    with trio.move_on_after(ENDING_DUE) as time, contextlib.suppress(*_GONE):
        async with (
            connected(
                port,
                trust=authority().trust if front.has_tls and not script.is_raw else None,
                receive_buffer=_SMALL_BUFFER if is_deaf else None,
                spoiled_by=None if script.spoiled_by is None else Random(script.spoiled_by),
            ) as line,
            trio.open_nursery() as nursery,
        ):
            saying_due = ENDING_DUE if script.methods else SAYING_DUE
            with contextlib.suppress(*_GONE), trio.move_on_after(saying_due) as saying:
                if isinstance(line.stream, trio.SSLStream):
                    # By one task only: others would wait for a handshake for ever that has failed.
                    await line.stream.do_handshake()
                if not is_deaf:
                    nursery.start_soon(_read_all, line.stream, received, nursery.cancel_scope)
                for step in script.steps:
                    await _do(step, line, received, script.methods)
            has_said_all = not saying.cancelled_caught
            if not (waits_for_end and has_said_all and nursery.child_tasks):
                nursery.cancel_scope.cancel()
    if waits_for_end and has_said_all and time.cancelled_caught:
        return [Finding(Kind.HANG, "a connection is kept although its client has ended it")]
    return list(_judge(bytes(received), script, front))


async def _do(step: Step, line: Line, received: bytearray, methods: Sequence[str]) -> None:
    match step:
        case bytes():
            await line.stream.send_all(step)
        case float():
            await trio.sleep(step)
        case "answers":
            while len(list(_read_answers(bytes(received), methods))) < len(methods):
                await trio.sleep(_SILENCE)
        case "silence":
            await _wait_for_silence(received)
        case "eof":
            await line.wire.send_eof()
        case "deaf":
            await trio.lowlevel.checkpoint()
        case _:
            line.wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            line.wire.socket.close()


async def _read_all(stream: trio.abc.Stream, received: bytearray, scope: trio.CancelScope) -> None:
    """Read until the server ends the connection, which is the end of everything here."""
    with contextlib.suppress(*_GONE):
        while data := await stream.receive_some(_READ_SIZE):
            received += data
    scope.cancel()


async def _wait_for_silence(received: bytearray) -> None:
    before = -1
    while len(received) != before:
        before = len(received)
        await trio.sleep(_SILENCE)


def _judge(received: bytes, script: Script, front: Front) -> Iterator[Finding]:
    if script.is_raw and front.has_tls:
        return  # what is said in plain is answered by an alert, if at all
    if received and not received.startswith(b"HTTP/1.1 "):
        yield Finding(Kind.STATUS, "an answer is no HTTP", repr(received[:300]))
    if front.has_login and not script.methods and b"loxone_exporter_up" in received:
        yield Finding(Kind.SECRET, "metrics are shown without a login", repr(received[:300]))
    for status in _STATUS_LINE.findall(received):
        if status.startswith(b"5") and status not in _RIGHT_FAILURES:
            yield Finding(Kind.STATUS, f"answered with {status.decode()}", repr(received[-300:]))
    if script.methods:
        found = list(_read_answers(received, script.methods))
        if found != list(script.statuses):
            text = f"{found} instead of {list(script.statuses)}"
            yield Finding(Kind.STATUS, "good requests are not answered well", text)


def _read_answers(received: bytes, methods: Sequence[str]) -> Iterator[int]:
    """The statuses of whole answers to requests by these methods."""
    if not received:  # which would be the end of the connection to h11
        return
    connection = h11.Connection(h11.CLIENT)
    connection.receive_data(received)
    for method in methods:
        request = h11.Request(method=method, target="/", headers=[("Host", "x")])
        connection.send(request)
        connection.send(h11.EndOfMessage())
        status = 0
        while not isinstance(event := connection.next_event(), h11.EndOfMessage):
            if isinstance(event, h11.Response):
                status = event.status_code
            elif not isinstance(event, h11.Data):
                return
        yield status
        if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
            return
        connection.start_next_cycle()


@define
class HonestScraper:
    """Scrapes over and over, as Prometheus does, and looks at what it gets.

    Attributes:
        findings: What was wrong.
        scrapes: How many there were.
    """

    _port: int
    _front: Front
    _expected: bytes
    findings: list[Finding] = field(factory=list)
    scrapes: int = 0

    async def scrape_for_ever(self, pause: float) -> None:
        """Scrape, with pauses; on one connection for a few times, and then on another one."""
        while True:
            async with self._connected() as stream:
                for format_ in (Format.TEXT, Format.OPENMETRICS, Format.TEXT):
                    await self._scrape(stream, format_)
                    await trio.sleep(pause)

    async def scrape_once(self) -> None:
        """Scrape once, on a new connection."""
        async with self._connected() as stream:
            await self._scrape(stream, Format.OPENMETRICS)

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[trio.abc.Stream]:
        trust = authority().trust if self._front.has_tls else None
        try:
            async with connected(self._port, trust=trust) as line:
                yield line.stream
        except (OSError, trio.BrokenResourceError, h11.ProtocolError, EOFError) as error:
            self.findings.append(Finding(Kind.SCRAPE, f"an honest scrape fails: {error!r}"))
            await trio.sleep(0.1)

    async def _scrape(self, stream: trio.abc.Stream, format_: Format) -> None:
        body = b""
        with trio.move_on_after(SCRAPE_DUE) as time:
            status, body = await _get(stream, _ACCEPT[format_], self._front.login)
            self.scrapes += 1
            if status != HTTPStatus.OK:
                self._find(f"an honest scrape is answered with {status}")
        if time.cancelled_caught:
            self._find("an honest scrape gets no answer in time")
            return
        self.findings += judge(body, format_, thoroughly=self.scrapes % 16 == 1)
        if self._expected not in body:
            self._find("an honest scrape lacks a value")

    def _find(self, title: str) -> None:
        self.findings.append(Finding(Kind.SCRAPE, title))


async def _get(stream: trio.abc.Stream, accept: str, login: str) -> tuple[int, bytes]:
    """Ask for the metrics; status and body."""
    connection = h11.Connection(h11.CLIENT)
    fields = [("Host", HOST), ("Accept", accept), ("Accept-Encoding", "gzip")]
    if login:
        fields.append(("Authorization", login))
    request = h11.Request(method="GET", target="/metrics", headers=fields)
    data = connection.send(request) or b""
    await stream.send_all(data + (connection.send(h11.EndOfMessage()) or b""))
    status, body, is_zipped = 0, bytearray(), False
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(bytes(await stream.receive_some(_READ_SIZE)))
        elif isinstance(event, h11.Response):
            status = event.status_code
            is_zipped = (b"content-encoding", b"gzip") in list(event.headers)
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return status, gzip.decompress(body) if is_zipped else bytes(body)
        else:
            raise EOFError("the server ends the connection before its answer")
