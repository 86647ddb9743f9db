"""Clients of a web application in memory, for whom time passes at once."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping

import trio
from attrs import define, field
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, HTTPResponseStartEvent, Scope
from trio.testing import lockstep_stream_pair, memory_stream_pair

from loxone_exporter.clients import Clients
from loxone_exporter.web.connection import PATIENCE, Application, Connection, Phase, Service
from support.raw_client import Response, request


ADDRESS = ("192.0.2.1", 9504)

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"


def plain(*bodies: bytes) -> Application:
    """An application that answers with these bodies, one after the other, and on with the last."""
    left = list(bodies or [b"hello"])

    async def app(_scope: Scope, _receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        body = left.pop(0) if len(left) > 1 else left[0]
        length = str(len(body)).encode()
        start: HTTPResponseStartEvent = {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-length", length)],
        }
        await send(start)
        await send({"type": "http.response.body", "body": body, "more_body": False})

    return app


@define(eq=False)
class MemoryServer:
    """A server without a network.

    Attributes:
        clients: What it counts.
        service: What its connections have in common.
        connections: Those that are open.
    """

    clients: Clients
    service: Service
    _nursery: trio.Nursery
    connections: set[Connection] = field(factory=set)

    def connect(self) -> trio.abc.HalfCloseableStream:
        """Connect; what is sent is in a buffer without an end."""
        ours, theirs = memory_stream_pair()
        self._nursery.start_soon(self._serve, theirs)
        return ours

    def connect_without_buffers(self) -> trio.abc.HalfCloseableStream:
        """Connect; each side sends no more than the other one receives."""
        ours, theirs = lockstep_stream_pair()
        self._nursery.start_soon(self._serve, theirs)
        return ours

    async def _serve(self, stream: trio.abc.Stream) -> None:
        connection = Connection(stream, self.service, ADDRESS, ADDRESS)
        self.connections.add(connection)
        await connection.serve()
        self.connections.discard(connection)

    async def get(self, path: str = "") -> Response:
        """Make one request on a connection of its own."""
        async with self.connect() as stream:
            return await request(stream, path)

    async def talk(self, packet: bytes) -> bytes:
        """Send bytes, and receive until the server has no more to say."""
        async with self.connect() as stream:
            await stream.send_all(packet)
            return await everything(stream)


async def everything(stream: trio.abc.Stream) -> bytes:
    """Receive until the server has no more to say."""
    received = b""
    with contextlib.suppress(trio.BrokenResourceError):
        async for data in stream:
            received += data
    return received


@contextlib.asynccontextmanager
async def memory_server(
    app: Application, *, patience: Mapping[Phase, float] = PATIENCE
) -> AsyncIterator[MemoryServer]:
    """Serve an application in memory."""
    clients = Clients(limit=128)
    service = Service(app, clients, patience)
    async with trio.open_nursery() as nursery:
        yield MemoryServer(clients, service, nursery)
        nursery.cancel_scope.cancel()
