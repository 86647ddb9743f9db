"""What the exporter's process uses, as the kernel tells it (Linux)."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

import trio
from attrs import define

from benchmarks import machine
from soak.journal import Journal
from soak.observations import Observations, Reading


INTERVAL: Final = 1.0


def read(pid: int, time: float) -> Reading | None:
    """Look at a process; None where it is gone."""
    try:
        links = _links(Path(f"/proc/{pid}/fd"))
        return Reading(
            time=time,
            resident=machine.resident_memory(pid),
            descriptors=len(links),
            sockets=sum(link.startswith("socket:") for link in links),
            threads=sum(1 for _ in Path(f"/proc/{pid}/task").iterdir()),
            cpu=machine.cpu_time(pid),
        )
    except (OSError, LookupError):
        return None


def _links(folder: Path) -> list[str]:
    """Where the links in a folder lead to."""
    links = []
    for link in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed in the meantime
            links.append(str(link.readlink()))
    return links


@define(eq=False)
class Watch:
    """Looks at the process again and again."""

    _pid: int
    _journal: Journal
    _seen: Observations

    async def run(self) -> None:
        """Look, until cancelled; note as well how late this process itself is."""
        while True:
            due = trio.current_time() + INTERVAL
            await trio.sleep_until(due)
            self._seen.lag = max(self._seen.lag, trio.current_time() - due)
            reading = read(self._pid, self._journal.elapsed)
            if reading is not None:
                self._seen.readings.append(reading)
