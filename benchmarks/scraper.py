"""A scraper that keeps its connection, as Prometheus does."""

from __future__ import annotations

import contextlib
import gzip
from collections.abc import AsyncIterator

import h11
import trio
from attrs import define, field

from benchmarks.budgets import BenchmarkError


HOST = "127.0.0.1"

_OK = 200
_READ_SIZE = 2**16
_HEADERS = (
    ("Host", HOST),
    (
        "Accept",
        "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
    ),
    ("Accept-Encoding", "gzip"),
)


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
        request = h11.Request(method="GET", target="/metrics", headers=list(_HEADERS))
        opening = self._connection.send(request) or b""
        await self._stream.send_all(opening + (self._connection.send(h11.EndOfMessage()) or b""))
        body = bytearray()
        zipped = False
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
                case h11.Response(status_code=status, headers=headers):
                    if status != _OK:
                        raise BenchmarkError(f"a scrape was answered with HTTP status {status}")
                    zipped = (b"content-encoding", b"gzip") in headers
                case h11.Data(data=data):
                    body += data
                case h11.EndOfMessage():
                    await self._prepare_for_the_next()
                    return gzip.decompress(body) if zipped else bytes(body)
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


def count_values(body: bytes) -> int:
    """How many samples of `loxone_control_value` a scrape has."""
    return body.count(b"\nloxone_control_value{")
