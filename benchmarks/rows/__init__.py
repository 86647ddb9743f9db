"""The promises, one module for each thing that is needed to measure them."""

from __future__ import annotations

from typing import Final

from benchmarks.budgets import Row
from benchmarks.rows import cpu, crowd, latency, memory, messages, scrape, start


ROWS: Final[tuple[Row, ...]] = (
    *memory.ROWS,
    *start.ROWS,
    *cpu.ROWS,
    *latency.ROWS,
    *messages.ROWS,
    *scrape.ROWS,
    *crowd.ROWS,
)
"""In the order in which they are measured and printed."""
