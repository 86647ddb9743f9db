"""Long work in steps of a few milliseconds: who does it decides what happens in between."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias, TypeVar


Result = TypeVar("Result")

Steps: TypeAlias = Generator[None, None, Result]
"""Work that pauses after each step; what it returns is its result."""


def finish(steps: Steps[Result]) -> Result:
    """Do all steps without a pause."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: Result = end.value
            return result
