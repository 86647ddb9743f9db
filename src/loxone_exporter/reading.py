"""Files are read in threads: on a network they may be slow, or never come, and nobody waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import trio
from attrs import define, field


DEADLINE: Final = 5.0
"""Seconds that reading may take."""

Result = TypeVar("Result")


@define(eq=False)
class FileReader:
    """Reads files, one thread at a time.

    A thread that hangs keeps its place until it comes to its end. Therefore everybody has a reader
    of their own, whose files are somewhere else.
    """

    _place: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(1), repr=False)

    async def read(self, what: object, work: Callable[[], Result]) -> Result:
        """Do in a thread what reads files.

        Args:
            what: Which files, for the error.
            work: Reads them; what it returns or raises is passed on.

        Raises:
            trio.TooSlowError: It is not done within `DEADLINE`; the text says so.
        """
        try:
            with trio.fail_after(DEADLINE):
                return await trio.to_thread.run_sync(
                    work, abandon_on_cancel=True, limiter=self._place
                )
        except trio.TooSlowError:
            raise trio.TooSlowError(f"{what}: not read within {DEADLINE:g} s") from None

    def is_busy(self) -> bool:
        """Whether there is a thread at work, perhaps one that nobody waits for any more."""
        return self._place.borrowed_tokens > 0
