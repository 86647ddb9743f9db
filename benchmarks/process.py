"""The exporter's process, started as users start it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import trio

from benchmarks.scraper import HOST


_LOG_TAIL = 2000


@contextlib.asynccontextmanager
async def running(config: Path, log: Path) -> AsyncIterator[trio.Process]:
    """Run the exporter; if it still runs at the end of the block, it is waited for.

    There is a nursery inside: all errors, those of the block included, leave it in a group.

    Args:
        config: Its configuration.
        log: The file that gets its log.
    """
    with log.open("wb") as stderr:
        command = (sys.executable, "-m", "loxone_exporter", "run", "--config", str(config))
        run = partial(
            trio.run_process,
            command,
            env=_environment(),
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            check=False,
        )
        async with trio.open_nursery() as nursery:
            process: trio.Process = await nursery.start(run)
            yield process


def _environment() -> dict[str, str]:
    """Ours, without what configures an exporter, or makes each start compile all modules anew."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("LOXONE_") and name != "PYTHONDONTWRITEBYTECODE"
    }


def free_port() -> int:
    """A port that nobody listens on, for now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def tail(log: Path) -> str:
    """The end of a log, for an error's text."""
    return log.read_text(encoding="utf-8", errors="replace")[-_LOG_TAIL:].strip() or "no log"
