"""Work in steps, and how often and how long it keeps others waiting."""

from __future__ import annotations

import time
from typing import Generic

from attrs import frozen

from loxone_exporter.steps import Result, Steps


@frozen
class Done(Generic[Result]):
    """What came of work.

    Attributes:
        result: Its result.
        pauses: How often it paused.
        longest: Seconds of the processor that its longest step took.
    """

    result: Result
    pauses: int
    longest: float


def do(steps: Steps[Result]) -> Done[Result]:
    """Do all steps."""
    pauses, longest = 0, 0.0
    while True:
        begun = time.process_time()
        try:
            next(steps)
        except StopIteration as end:
            longest = max(longest, time.process_time() - begun)
            return Done(end.value, pauses, longest)
        longest = max(longest, time.process_time() - begun)
        pauses += 1
