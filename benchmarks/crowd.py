"""Clients that are too many, or that do not read: what an exporter has to live with."""

from __future__ import annotations

import contextlib
import resource
import socket
import time
from collections.abc import AsyncIterator, Sequence

import trio
from attrs import define, field, frozen

from benchmarks.laboratory import Exporter
from benchmarks.scraper import HOST, Scraper, connect


_TOGETHER = 100
_FILES_FOR_OTHERS = 200
_PAUSE = 0.02
_PATIENCE = 30.0
_RECEIVE_BUFFER = 4096
_REQUEST = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"


@frozen
class Endurance:
    """How the exporter has borne it.

    Attributes:
        before: Its resident memory before, in MB of 2^20 bytes.
        peak: The most that it ever was.
        scrapes: Seconds that each scrape took of a client that was there before.
        newcomer: Seconds until a new client was answered, after the others had gone.
    """

    before: float
    peak: float
    scrapes: Sequence[float]
    newcomer: float


@define
class _Regular:
    """A client that was there before and scrapes on."""

    _scraper: Scraper
    seconds: list[float] = field(factory=list)

    async def scrape_on(self) -> None:
        while True:
            started = time.perf_counter()
            await self._scraper.scrape()
            self.seconds.append(time.perf_counter() - started)
            await trio.sleep(_PAUSE)


@contextlib.asynccontextmanager
async def _regular(port: int) -> AsyncIterator[_Regular]:
    async with connect(port) as scraper, trio.open_nursery() as nursery:
        client = _Regular(scraper)
        await scraper.scrape()
        nursery.start_soon(client.scrape_on)
        yield client
        nursery.cancel_scope.cancel(reason="nothing more to see")


@define(eq=False)
class _Crowd:
    """Connections that are held, and as many attempts at more as are wanted."""

    _port: int
    _to_come: int
    _held: list[trio.socket.SocketType] = field(factory=list)

    async def push(self) -> None:
        """Make connections until there were enough of them."""
        while self._to_come > 0:
            self._to_come -= 1
            attempt = trio.socket.socket()
            with contextlib.suppress(OSError):
                await attempt.connect((HOST, self._port))
            self._held.append(attempt)
            if len(self._held) > _room_for_files():
                self._held.pop(0).close()

    def leave(self) -> None:
        """Close what is held."""
        for each in self._held:
            each.close()


def _room_for_files() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _FILES_FOR_OTHERS


async def endure_attempts(exporter: Exporter, attempts: int) -> Endurance:
    """Connect so often, hold what is not refused, and say nothing.

    Args:
        exporter: To whom.
        attempts: How often.
    """
    before = exporter.resident_memory()
    crowd = _Crowd(exporter.port, attempts)
    async with _regular(exporter.port) as regular:
        try:
            async with trio.open_nursery() as nursery:
                for _ in range(_TOGETHER):
                    nursery.start_soon(crowd.push)
        finally:
            crowd.leave()
        newcomer = await time_newcomer(exporter.port)
    return Endurance(before, exporter.peak_memory(), regular.seconds, newcomer)


@contextlib.asynccontextmanager
async def unread_answers(port: int, clients: int) -> AsyncIterator[None]:
    """Ask for so many scrapes, one after the other, and read nothing but the first byte."""
    with contextlib.ExitStack() as held:
        for _ in range(clients):
            client = held.enter_context(trio.socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            await client.connect((HOST, port))
            await client.send(_REQUEST)
            await client.recv(1)
        yield


async def endure_unread_answers(exporter: Exporter, clients: int, seconds: float) -> Endurance:
    """Let so many clients ask, and not read their answers.

    Args:
        exporter: Whom they ask.
        clients: How many.
        seconds: How long they stay.
    """
    before = exporter.resident_memory()
    async with _regular(exporter.port) as regular:
        async with unread_answers(exporter.port, clients):
            await trio.sleep(seconds)
        newcomer = await time_newcomer(exporter.port)
    return Endurance(before, exporter.peak_memory(), regular.seconds, newcomer)


async def time_newcomer(port: int) -> float:
    """Seconds until a new client is let in and answered."""
    started = time.perf_counter()
    with trio.fail_after(_PATIENCE):
        while True:
            with contextlib.suppress(OSError, trio.BrokenResourceError):
                async with connect(port) as scraper:
                    await scraper.scrape()
                    return time.perf_counter() - started
            await trio.sleep(_PAUSE)
