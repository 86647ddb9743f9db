"""Work in steps, and how often it lets others have their turn."""

from __future__ import annotations

from typing import Generic

from attrs import frozen

from loxone_exporter.steps import Result, Steps


@frozen
class Done(Generic[Result]):
    """What came of work, and how often it paused."""

    result: Result
    pauses: int


def do(steps: Steps[Result]) -> Done[Result]:
    """Do all steps."""
    pauses = 0
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return Done(end.value, pauses)
        pauses += 1
