"""The programs: each a process of its own, that ends with the nursery that it was started in."""

from __future__ import annotations

import json
import shutil
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import trio
from attrs import frozen

from benchmarks.process import tail
from stack.files import HOST, Ports


PATIENCE: Final = 60.0
"""Seconds after which what was to happen is not waited for any longer."""

_POLL: Final = 0.1
_TIMEOUT: Final = 5.0
_PROMETHEUS: Final = ("prometheus",)
_ALERTMANAGER: Final = ("prometheus-alertmanager", "alertmanager")


class StackError(Exception):
    """A program is missing or has ended, or something did not happen in time; the text says."""


@frozen
class Programs:
    """Starts programs; each ends when the nursery is cancelled.

    Attributes:
        folder: With their configurations; gets their logs and data.
        ports: Where they listen.
        nursery: In which they run.
    """

    folder: Path
    ports: Ports
    nursery: trio.Nursery

    async def start_simulator(self) -> trio.Process:
        """Start the simulated Miniserver; wait until it listens."""
        address = f"{HOST}:{self.ports.miniserver}"
        command = [sys.executable, "-m", "loxone_exporter", "simulate", "--listen", address]
        process = await self._start("simulator", command)
        await self._wait_until(lambda: _is_open(self.ports.miniserver), "simulator", process)
        return process

    async def start_exporter(self) -> None:
        """Start the exporter; wait until it can be scraped."""
        config = self.folder / "exporter.toml"
        command = [sys.executable, "-m", "loxone_exporter", "run", "--config", str(config)]
        process = await self._start("exporter", command)
        await self._wait_until(lambda: _answers(self.ports.exporter, "/livez"), "exporter", process)

    async def start_alertmanager(self) -> None:
        """Start Alertmanager; wait until it takes alerts."""
        command = [
            find(_ALERTMANAGER),
            f"--config.file={self.folder / 'alertmanager.yml'}",
            f"--storage.path={self.folder / 'alertmanager'}",
            f"--web.listen-address={HOST}:{self.ports.alertmanager}",
            # It has no peers, and is to listen for none.
            "--cluster.listen-address=",
        ]
        process = await self._start("alertmanager", command)
        await self._wait_until(
            lambda: _answers(self.ports.alertmanager, "/-/ready"), "alertmanager", process
        )

    async def start_prometheus(self) -> None:
        """Start Prometheus with the rules; wait until it can be asked."""
        command = [
            find(_PROMETHEUS),
            f"--config.file={self.folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.folder / 'prometheus'}",
            f"--web.listen-address={HOST}:{self.ports.prometheus}",
        ]
        process = await self._start("prometheus", command)
        await self._wait_until(
            lambda: _answers(self.ports.prometheus, "/-/ready"), "prometheus", process
        )

    async def ask(self, query: str) -> bool:
        """Whether Prometheus finds anything for a query."""
        encoded = urllib.parse.urlencode({"query": query})
        body = await _get(self.ports.prometheus, f"/api/v1/query?{encoded}")
        return bool(json.loads(body)["data"]["result"])

    async def _start(self, name: str, command: Sequence[str]) -> trio.Process:
        # A second simulator goes on in the log of the first.
        with (self.folder / f"{name}.log").open("ab") as log:
            run = partial(trio.run_process, command, stdout=log, stderr=log, check=False)
            process: trio.Process = await self.nursery.start(run)
        return process

    async def _wait_until(
        self, is_ready: Callable[[], Awaitable[bool]], name: str, process: trio.Process
    ) -> None:
        async def is_ready_or_ended() -> bool:
            if process.returncode is not None:
                log = tail(self.folder / f"{name}.log")
                raise StackError(f"{name} ended with {process.returncode}: {log}")
            return await is_ready()

        await wait_until(is_ready_or_ended, f"{name} is there")


async def wait_until(holds: Callable[[], Awaitable[bool]], what: str) -> None:
    """Ask until something holds.

    Raises:
        StackError: It did not in time.
    """
    with trio.move_on_after(PATIENCE):
        while True:
            if await holds():
                return
            await trio.sleep(_POLL)
    raise StackError(f"not in {PATIENCE:.0f} s: {what}")


def require_programs() -> None:
    """See that all is here that is not ours, before anything is started.

    Raises:
        StackError: Something is not; its text says what to do.
    """
    needed = (_PROMETHEUS, _ALERTMANAGER)
    missing = [names[0] for names in needed if not any(map(shutil.which, names))]
    if missing:
        raise StackError(f"not all is here that this needs: apt install {' '.join(missing)}")


def find(names: Sequence[str]) -> str:
    """Where a program is, by one of its names.

    Raises:
        StackError: It is not installed.
    """
    for name in names:
        path = shutil.which(name)
        if path is not None:
            return path
    raise StackError(f"there is no {names[0]} here: apt install {names[0]}")


async def _is_open(port: int) -> bool:
    try:
        stream = await trio.open_tcp_stream(HOST, port)
    except OSError:
        return False
    await stream.aclose()
    return True


async def _answers(port: int, path: str) -> bool:
    try:
        await _get(port, path)
    except OSError:
        return False
    return True


async def _get(port: int, path: str) -> bytes:
    """Ask a program.

    Raises:
        OSError: It does not answer, or with an error.
    """

    def get() -> bytes:
        with urllib.request.urlopen(f"http://{HOST}:{port}{path}", timeout=_TIMEOUT) as answer:
            body: bytes = answer.read()
            return body

    return await trio.to_thread.run_sync(get)
