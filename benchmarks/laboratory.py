"""A real exporter process, and simulated Miniservers in this one for it to connect to."""

from __future__ import annotations

import contextlib
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path

import trio
from attrs import define, field, frozen

from benchmarks import machine, process
from benchmarks.budgets import BenchmarkError
from benchmarks.house import InventedHouse
from benchmarks.scraper import HOST, connect, count_values
from loxone_exporter.simulator.miniserver import SimulatedMiniserver


_POLL = 0.005
_PATIENCE = 20.0
_SHUTDOWN = 6.0

_WEB = """
[web]
listen = ["{host}:{port}"]

[log]
level = "warning"
"""

_MINISERVER = """
[[miniservers]]
name = "house-{number}"
host = "{host}"
port = {port}
username = "demo"
password = "demo"
"""


@define(eq=False)
class Site:
    """A house, its Miniserver, and the connections to it.

    Attributes:
        house: What stands behind the Miniserver.
        miniserver: The simulated one.
        port: Where it listens.
        streams: All connections of the exporter; the last one is the WebSocket.
    """

    house: InventedHouse
    miniserver: SimulatedMiniserver
    listener: trio.SocketListener
    streams: list[trio.SocketStream] = field(factory=list)

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self.listener.socket.getsockname()[1]
        return port

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Be there, until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.miniserver.live)
            await nursery.start(trio.serve_listeners, self._handle, [self.listener])
            task_status.started()

    async def _handle(self, stream: trio.SocketStream) -> None:
        self.streams.append(stream)
        await self.miniserver.handle(stream)


@frozen
class Exporter:
    """The exporter's process.

    Attributes:
        pid: Its number.
        port: Where it is scraped.
        first_complete: Seconds from its start until a first complete scrape was read.
    """

    pid: int
    port: int
    first_complete: float

    def resident_memory(self) -> float:
        """In MB of 2^20 bytes."""
        return machine.resident_memory(self.pid)

    def peak_memory(self) -> float:
        """In MB of 2^20 bytes."""
        return machine.peak_memory(self.pid)

    def cpu_time(self) -> float:
        """In seconds."""
        return machine.cpu_time(self.pid)


@frozen
class Laboratory:
    """An exporter that shows every value of the houses."""

    sites: Sequence[Site]
    exporter: Exporter

    @property
    def expected(self) -> int:
        """How many values a complete scrape has."""
        return sum(len(site.house.values) for site in self.sites)


@contextlib.asynccontextmanager
async def laboratory(*, controls: int, miniservers: int = 1) -> AsyncIterator[Laboratory]:
    """Start simulated Miniservers and an exporter; wait for its first complete scrape.

    Args:
        controls: Of each Miniserver.
        miniservers: How many.

    Raises:
        BenchmarkError: The exporter does not get there, or does not end well; in a group.
    """
    sites = [await build_site(controls, number) for number in range(1, miniservers + 1)]
    async with trio.open_nursery() as nursery:
        for site in sites:
            await nursery.start(site.serve)
        expected = sum(len(site.house.values) for site in sites)
        async with _exporter([site.port for site in sites], expected) as exporter:
            yield Laboratory(sites, exporter)
        nursery.cancel_scope.cancel(reason="the exporter has ended")


async def build_site(controls: int, number: int, *, host: str = HOST) -> Site:
    """Build one of `InventedHouse`; it listens, and has to be served.

    Args:
        controls: Of its house.
        number: Tells its house from others.
        host: The address that it listens on.
    """
    house = InventedHouse(controls, number=number)
    (listener,) = await trio.open_tcp_listeners(0, host=host)
    return Site(house, SimulatedMiniserver(house), listener)


@contextlib.asynccontextmanager
async def _exporter(miniserver_ports: Iterable[int], expected: int) -> AsyncIterator[Exporter]:
    with tempfile.TemporaryDirectory(prefix="loxone-exporter-benchmark-") as folder:
        port = process.free_port()
        config = Path(folder, "benchmark.toml")
        config.touch(mode=0o600)
        config.write_text(_config(port, miniserver_ports), encoding="utf-8")
        log = Path(folder, "log")
        started = time.perf_counter()
        async with process.running(config, log) as running:
            await _wait_until_complete(running, port, expected, log)
            yield Exporter(running.pid, port, time.perf_counter() - started)
            await _end(running, log)


def _config(port: int, miniserver_ports: Iterable[int]) -> str:
    miniservers = (
        _MINISERVER.format(number=number, host=HOST, port=miniserver_port)
        for number, miniserver_port in enumerate(miniserver_ports, 1)
    )
    return _WEB.format(host=HOST, port=port) + "".join(miniservers)


async def _wait_until_complete(running: trio.Process, port: int, expected: int, log: Path) -> None:
    found = 0
    with trio.move_on_after(_PATIENCE):
        while True:
            if running.returncode is not None:
                raise BenchmarkError(f"the exporter ended: {process.tail(log)}")
            with contextlib.suppress(OSError):
                async with connect(port) as scraper:
                    while found != expected:
                        found = count_values(await scraper.scrape())
                        await trio.sleep(0 if found == expected else _POLL)
                    return
            await trio.sleep(_POLL)
    raise BenchmarkError(
        f"{found} of {expected} values in a scrape after {_PATIENCE:g} s: {process.tail(log)}"
    )


async def _end(running: trio.Process, log: Path) -> None:
    running.send_signal(signal.SIGTERM)
    with trio.move_on_after(_SHUTDOWN):
        await running.wait()
    if running.returncode != 0:
        raise BenchmarkError(f"the exporter ended with {running.returncode}: {process.tail(log)}")
