"""A web server on real sockets, and clients that speak to it byte by byte."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import AsyncIterator, Mapping, Sequence

import trio
from attrs import define

from loxone_exporter.clients import Clients
from loxone_exporter.config.addresses import ListenAddress
from loxone_exporter.stop import StopRequest
from loxone_exporter.web import server
from loxone_exporter.web.connection import PATIENCE, Application, Phase
from loxone_exporter.web.server import WebServer, bind
from loxone_exporter.web.tls import ServerTls
from support.raw_client import Response, request


HANG = 20
"""Seconds after which a test hangs, on a busy machine as well."""

LOOPBACK = ListenAddress("127.0.0.1", 0)


def open_files() -> int:
    """How many file descriptors this process has open."""
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # counted, not used as paths


def living_tasks() -> int:
    return trio.lowlevel.current_statistics().tasks_living


@define(eq=False)
class Serving:
    """A server that runs.

    Attributes:
        host: Its address.
        port: Its port.
        clients: What it counts.
        stop: Ends it.
        ended: Set when it has ended.
    """

    host: str
    port: int
    clients: Clients
    stop: StopRequest
    ended: trio.Event

    async def connect(
        self, *, receive_buffer: int | None = None, host: str | None = None
    ) -> trio.SocketStream:
        """Connect.

        Args:
            receive_buffer: A small one is full soon.
            host: From this address of this machine.
        """
        client = trio.socket.socket()
        if host is not None:
            await client.bind((host, 0))
        if receive_buffer is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            await client.connect((self.host, self.port))
        except OSError:
            client.close()
            raise
        return trio.SocketStream(client)

    async def get(
        self, path: str, *, method: str = "GET", headers: dict[str, str] | None = None
    ) -> Response:
        """Make one request on a connection of its own."""
        async with await self.connect() as stream:
            return await request(stream, path, method=method, headers=headers)

    async def talk(self, *pieces: bytes) -> bytes:
        """Send bytes, and receive until the server has no more to say."""
        async with await self.connect() as stream:
            received = b""
            with contextlib.suppress(trio.BrokenResourceError):
                for piece in pieces:
                    await stream.send_all(piece)
                async for data in stream:
                    received += data
        return received

    async def end(self) -> float:
        """Stop the server; how long that took."""
        started = trio.current_time()
        self.stop.make()
        await self.ended.wait()
        return trio.current_time() - started


@contextlib.asynccontextmanager
async def serving(
    app: Application,
    addresses: Sequence[ListenAddress] = (LOOPBACK,),
    *,
    clients: Clients | None = None,
    patience: Mapping[Phase, float] = PATIENCE,
    tls: ServerTls | None = None,
) -> AsyncIterator[Serving]:
    """Run a server; it is stopped at the end, and has to obey.

    Args:
        app: What it serves.
        addresses: Where.
        clients: Where it reads how many may connect, and counts them.
        patience: Seconds, where they are others than in life.
        tls: Its certificate; None is plain HTTP.
    """
    sockets = bind(addresses)
    host, port = sockets[0].getsockname()[:2]
    host = "127.0.0.1" if host == "::" else host
    handle = Serving(host, port, clients or Clients(limit=128), StopRequest(), trio.Event())

    async def run_server(*, task_status: trio.TaskStatus[None]) -> None:  # noqa: ASYNC128  # passes it on
        patiently = {**PATIENCE, **patience}
        web_server = WebServer(app, sockets, handle.clients, patiently, tls=tls)
        await web_server.serve(handle.stop, task_status=task_status)
        handle.ended.set()

    async with trio.open_nursery() as nursery:
        nursery.cancel_scope.deadline = trio.current_time() + HANG
        await nursery.start(run_server)
        yield handle
        with trio.fail_after(server.DRAIN + 2):
            await handle.end()
    assert not nursery.cancel_scope.cancelled_caught, f"something hangs, for {HANG} s by now"
