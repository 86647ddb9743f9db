"""How long things took, in the few numbers that a histogram of Prometheus has."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from attrs import define, field


DELAYS: Final = (0.005, 0.02, 0.05, 0.1, 0.5, 2.0, 10.0)
"""Seconds: from what nobody notices to what breaks things."""


@define(eq=False)
class Histogram:
    """Durations, counted by size.

    Attributes:
        bounds: Seconds, ascending; what is longer than the last of them is counted, too.
        sum: Of all durations, in seconds.
    """

    bounds: tuple[float, ...] = DELAYS
    sum: float = 0.0
    _counts: list[int] = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._counts = [0] * (len(self.bounds) + 1)

    def observe(self, seconds: float) -> None:
        """Count one duration."""
        # Rounding makes a duration of nothing less than that; a sum must never fall.
        seconds = max(seconds, 0.0)
        self._counts[bisect_left(self.bounds, seconds)] += 1
        self.sum += seconds

    def buckets(self) -> Iterator[tuple[float, int]]:
        """Each bound, with how many durations were not longer; the last bound is infinite."""
        return zip((*self.bounds, math.inf), accumulate(self._counts), strict=True)
