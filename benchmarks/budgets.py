"""What is promised, what was measured, and how the two compare."""

from __future__ import annotations

import enum
import statistics
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from attrs import frozen


class BenchmarkError(Exception):
    """Something could not be measured."""


class Verdict(enum.Enum):
    """How a measurement compares with its budget."""

    AIM = "aim"
    MUST = "must"
    MISSED = "MISSED"
    NOT_DUE = "not due yet"
    FAILED = "FAILED"

    @property
    def is_failure(self) -> bool:
        """Whether the whole run counts as failed."""
        return self in {Verdict.MISSED, Verdict.FAILED}


@frozen
class Measurement:
    """What several runs gave.

    Attributes:
        values: One for each run, in the row's unit.
        note: What else is worth knowing.
    """

    values: Sequence[float]
    note: str = ""

    @property
    def median(self) -> float:
        """The value that is compared with the budget."""
        return statistics.median(self.values)


class Effort(enum.Enum):
    """How much time there is."""

    FULL = enum.auto()
    QUICK = enum.auto()

    def choose(self, full: int, *, quick: int) -> int:
        """So many runs, or the few that must do where it has to be quick."""
        return quick if self is Effort.QUICK else full


Measure: TypeAlias = Callable[[Effort], Awaitable[Measurement]]
"""Measures a row."""


@frozen(kw_only=True)
class Row:
    """One promise.

    Attributes:
        name: What the command line calls it.
        what: What is promised, for people.
        unit: Of the numbers.
        must: The median must not be above this.
        aim: Where we want it to be.
        how: How it is measured, in one line.
        measure: Measures it.
        due: Whether the promise is to be kept today; if not, missing it is no failure.
    """

    name: str
    what: str
    unit: str
    must: float
    aim: float | None = None
    how: str
    measure: Measure
    due: bool = True


@frozen
class Result:
    """A row and what came of measuring it.

    Attributes:
        measurement: None where it could not be measured.
        problem: Why not.
    """

    row: Row
    measurement: Measurement | None
    problem: str = ""

    @property
    def verdict(self) -> Verdict:
        """Compare the median with the budget."""
        if self.measurement is None:
            return Verdict.FAILED if self.row.due else Verdict.NOT_DUE
        if self.row.aim is not None and self.measurement.median <= self.row.aim:
            return Verdict.AIM
        if self.measurement.median <= self.row.must:
            return Verdict.MUST
        return Verdict.MISSED if self.row.due else Verdict.NOT_DUE


def percentile(values: Sequence[float], percent: int) -> float:
    """The smallest of the values that so many percent of them do not exceed."""
    place = -(-len(values) * percent // 100)
    return sorted(values)[max(place, 1) - 1]
