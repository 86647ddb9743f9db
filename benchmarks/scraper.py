"""A scraper that keeps its connection, as Prometheus does."""

from __future__ import annotations

import contextlib
import gzip
from collections.abc import AsyncIterator, Sequence
from typing import Final

import h11
import trio
from attrs import define, field, frozen

from benchmarks.budgets import BenchmarkError


HOST = "127.0.0.1"

_OK = 200
_READ_SIZE = 2**16

Headers = Sequence[tuple[str, str]]

HEADERS: Final[Headers] = (
    (
        "Accept",
        "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
    ),
    ("Accept-Encoding", "gzip"),
)
"""What Prometheus sends."""


@frozen
class Answer:
    """What an exporter answers.

    Attributes:
        status: The HTTP status.
        content_type: What the body is.
        body: As it is once decompressed.
    """

    status: int
    content_type: str
    body: bytes = field(repr=False)


@define(eq=False)
class Scraper:
    """A client of an exporter, with one connection as long as the exporter keeps it."""

    _port: int
    _stream: trio.abc.Stream
    _connection: h11.Connection = field(factory=lambda: h11.Connection(h11.CLIENT))

    async def scrape(self) -> bytes:
        """Ask for the metrics once.

        Raises:
            BenchmarkError: The answer is none, or no success.
        """
        answer = await self.ask("/metrics")
        if answer.status != _OK:
            raise BenchmarkError(f"a scrape was answered with HTTP status {answer.status}")
        return answer.body

    async def ask(self, target: str, *, method: str = "GET", headers: Headers = HEADERS) -> Answer:
        """Make one request.

        Raises:
            BenchmarkError: The answer is none.
        """
        opening = (
            h11.Request(method=method, target=target, headers=[("Host", HOST), *headers]),
            h11.EndOfMessage(),
        )
        data = b"".join(self._connection.send(event) or b"" for event in opening)
        await self._stream.send_all(data)
        body = bytearray()
        response: h11.Response | None = None
        while True:
            try:
                event = self._connection.next_event()
            except h11.ProtocolError as error:
                raise BenchmarkError(f"the answer to a scrape is no HTTP: {error}") from error
            match event:
                case h11.NEED_DATA:
                    self._connection.receive_data(
                        bytes(await self._stream.receive_some(_READ_SIZE))
                    )
                case h11.Response():
                    response = event
                case h11.Data(data=data):
                    body += data
                case h11.EndOfMessage() if response is not None:
                    await self._prepare_for_the_next()
                    return _understand(response, bytes(body))
                case other:
                    raise BenchmarkError(f"a scrape was answered with {other!r}")

    async def _prepare_for_the_next(self) -> None:
        if self._connection.our_state is h11.DONE:
            self._connection.start_next_cycle()
            return
        # After a thousand answers the exporter has enough of a connection.
        await self.aclose()
        self._stream = await trio.open_tcp_stream(HOST, self._port)
        self._connection = h11.Connection(h11.CLIENT)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._stream.aclose()


@contextlib.asynccontextmanager
async def connect(port: int) -> AsyncIterator[Scraper]:
    """Connect to an exporter on this machine.

    Raises:
        OSError: Nobody listens there.
    """
    scraper = Scraper(port, await trio.open_tcp_stream(HOST, port))
    try:
        yield scraper
    finally:
        with trio.move_on_after(1, shield=True):
            await scraper.aclose()


def _understand(response: h11.Response, body: bytes) -> Answer:
    headers = dict(response.headers)
    if headers.get(b"content-encoding") == b"gzip":
        body = gzip.decompress(body)
    return Answer(response.status_code, headers.get(b"content-type", b"").decode("latin-1"), body)


def count_values(body: bytes) -> int:
    """How many samples of `loxone_control_value` a scrape has."""
    return body.count(b"\nloxone_control_value{")
