"""The exporter as a process of its own, as users run it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import trio
from attrs import define, field

from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.simulator.tls import ServerCertificate
from support.exporters import not_on_the_list


START_DEADLINE = 20.0
"""Seconds; generous, for machines that are busy with other things."""


@define(eq=False)
class RunningExporter:
    """An exporter process.

    Attributes:
        process: The process.
        url: Where it is asked, without a path.
        log: Its log so far, a line each.
    """

    process: trio.Process
    url: str = ""
    log: list[str] = field(factory=list)
    _listening: trio.Event = field(factory=trio.Event)
    _log_ended: trio.Event = field(factory=trio.Event)

    async def follow_log(self) -> None:
        assert self.process.stderr is not None
        rest = b""
        async for data in self.process.stderr:
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self.log.append(line.decode())
                if not self.url and " serves " in self.log[-1]:
                    self.url = re.findall(r"https?://[^/]+(?=/metrics)", self.log[-1])[0]
                    self._listening.set()
        self._log_ended.set()

    async def wait_until_listening(self) -> None:
        with trio.fail_after(START_DEADLINE):
            await self._listening.wait()

    async def get(self, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
        return await get(self.url + path, headers)

    async def wait_for(self, path: str, text: str, *, within: float = START_DEADLINE) -> str:
        """Ask until the answer contains a text; that answer."""
        with trio.fail_after(within):
            while True:
                _, body = await self.get(path)
                if text in body:
                    return body
                await trio.sleep(0.05)

    async def wait_for_log(self, text: str, *, within: float = START_DEADLINE) -> str:
        """Wait until there is such a line in the log; that line."""
        with trio.fail_after(within):
            while True:
                for line in self.log:
                    if text in line:
                        return line
                await trio.sleep(0.05)

    async def check_commands(self) -> None:
        """See what the simulator in this process, which has ended, says of what it was sent."""
        told = await self.wait_for_log("commands received: ")
        assert re.search(r"received: [1-9]\d*; not on loxone-exporter's list: 0\b", told), told

    async def stop(self, number: int = signal.SIGTERM) -> float:
        """Send a signal and wait; how long it took. The log is whole then."""
        started = trio.current_time()
        self.process.send_signal(number)
        with trio.fail_after(30):
            await self.process.wait()
            took = trio.current_time() - started
            await self._log_ended.wait()
        return took


@contextlib.asynccontextmanager
async def running_process(
    command: Sequence[str | Path],
    *,
    stderr: int = subprocess.DEVNULL,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> AsyncIterator[trio.Process]:
    """Run a program; it is killed at the end of the block, if it has not ended before."""
    process = await trio.lowlevel.open_process(
        command,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        env={**os.environ, **(environ or {})},
        cwd=folder,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        with trio.move_on_after(10, shield=True):
            await process.wait()


@contextlib.asynccontextmanager
async def running_exporter(
    arguments: Sequence[str],
    *,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> AsyncIterator[RunningExporter]:
    """Run `loxone-exporter` with some arguments, and follow its log."""
    command = [sys.executable, "-m", "loxone_exporter", *arguments]
    async with running_logged(command, environ=environ, folder=folder) as running:
        yield running


@contextlib.asynccontextmanager
async def running_logged(
    command: Sequence[str],
    *,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> AsyncIterator[RunningExporter]:
    """Run an exporter by another command, likewise."""
    async with (
        running_process(command, stderr=subprocess.PIPE, environ=environ, folder=folder) as process,
        trio.open_nursery() as nursery,
    ):
        running = RunningExporter(process)
        nursery.start_soon(running.follow_log)
        yield running
        nursery.cancel_scope.cancel()


async def get(
    url: str, headers: Mapping[str, str] | None = None, *, data: bytes | None = None
) -> tuple[int, str]:
    """Ask a URL, or send it something; status and body."""

    def ask() -> tuple[int, str]:
        request = urllib.request.Request(url, data, dict(headers or {}))  # noqa: S310  # http only
        try:
            with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310  # http only
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    return await trio.to_thread.run_sync(ask)


async def serve_on_loopback(miniserver: SimulatedMiniserver, nursery: trio.Nursery) -> int:
    """Put a simulated Miniserver on the network; its port.

    In the end its record must hold nothing that the exporter cannot send.
    """
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(_serve, miniserver, listeners)
    port: int = listeners[0].socket.getsockname()[1]
    return port


async def serve_with_tls_on_loopback(
    miniserver: SimulatedMiniserver, certificate: ServerCertificate, nursery: trio.Nursery
) -> tuple[int, int]:
    """Likewise, with TLS; its port for plain HTTP, and the one for TLS."""
    plain, encrypted = [await trio.open_tcp_listeners(0, host="127.0.0.1") for _ in range(2)]
    nursery.start_soon(_serve, miniserver, plain, encrypted, certificate)
    return plain[0].socket.getsockname()[1], encrypted[0].socket.getsockname()[1]


async def _serve(
    miniserver: SimulatedMiniserver,
    listeners: list[trio.SocketListener],
    tls_listeners: Sequence[trio.SocketListener] = (),
    certificate: ServerCertificate | None = None,
) -> None:
    try:
        await miniserver.serve(listeners, tls_listeners=tls_listeners, certificate=certificate)
    finally:
        assert [] == not_on_the_list(miniserver)


async def run_command(
    *arguments: str | Path,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
    stdin: bytes = b"",
) -> subprocess.CompletedProcess[str]:
    """Run `loxone-exporter` with some arguments until it ends by itself; nobody watches it."""
    command = [sys.executable, "-m", "loxone_exporter", *map(str, arguments)]
    with trio.fail_after(30):
        ended = await trio.run_process(
            command,
            stdin=stdin,
            capture_stdout=True,
            capture_stderr=True,
            check=False,
            cwd=folder,
            env={**os.environ, **(environ or {})},
        )
    return subprocess.CompletedProcess(
        command, ended.returncode, ended.stdout.decode(), ended.stderr.decode()
    )


def write_toml(path: Path, ports: Mapping[str, int], *, extra: str = "") -> Path:
    """A configuration for Miniservers on loopback, by their names."""
    tables = "".join(
        f'[[miniservers]]\nname = {json.dumps(name)}\nhost = "127.0.0.1"\nport = {port}\n'
        'username = "demo"\npassword = "demo"\n'
        for name, port in ports.items()
    )
    path.write_text(f'[web]\nlisten = ["127.0.0.1:0"]\n{extra}\n{tables}')
    return path
