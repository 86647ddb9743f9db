"""Work that takes its time, in a task that leaves some to the others."""

from __future__ import annotations

import trio

from loxone_exporter.steps import Result, Steps


async def take_turns(steps: Steps[Result]) -> Result:
    """Do the steps of long work, and let other tasks have their turn after each."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: Result = end.value
            return result
        await trio.lowlevel.checkpoint()
