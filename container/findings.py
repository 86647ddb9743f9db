"""What is tried, told as it goes."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence

from attrs import define, field


@define
class Findings:
    """How the trials went.

    Attributes:
        failures: What is not as it should be.
    """

    failures: list[str] = field(factory=list)

    def equal(self, what: str, expected: object, found: object) -> None:
        """Note whether something is what it should be."""
        self._note(what, "" if expected == found else f"expected {expected!r}, found {found!r}")

    def true(self, what: str, condition: bool, found: object) -> None:  # noqa: FBT001  # as assertTrue
        """Note whether something holds; otherwise what was found instead is told."""
        self._note(what, "" if condition else f"found {found!r}")

    def _note(self, what: str, problem: str) -> None:
        if problem:
            self.failures.append(what)
        say(f"  FAILED  {what}: {problem}" if problem else f"  ok      {what}")


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def say_spread(what: str, unit: str, values: Sequence[float]) -> None:
    """Print the median of what was measured, and its least and most."""
    spread = f"{min(values):.2f} to {max(values):.2f}"
    say(f"  {statistics.median(values):6.2f} {unit} ({spread})  {what}")
