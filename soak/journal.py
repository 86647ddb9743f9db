"""What happened when: a line for each event, in a file."""

from __future__ import annotations

import datetime as dt
from typing import IO

import trio
from attrs import define, field


@define(eq=False)
class Journal:
    """Writes events down as they happen.

    Attributes:
        started: When the soak began, on trio's clock.
    """

    _file: IO[str]
    started: float = field(factory=trio.current_time)

    def note(self, who: str, what: str) -> None:
        """Write an event down, with the seconds since the beginning and the time in UTC."""
        now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
        self._file.write(f"{self.elapsed:9.3f} {now} {who}: {what}\n")
        self._file.flush()

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return trio.current_time() - self.started
