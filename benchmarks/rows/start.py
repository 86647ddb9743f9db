"""How long the exporter takes to start."""

from __future__ import annotations

from benchmarks.budgets import Effort, Measurement, Row
from benchmarks.laboratory import laboratory


_RUNS = 5


async def _start(effort: Effort) -> Measurement:
    seconds = []
    for _ in range(effort.choose(_RUNS, quick=1)):
        async with laboratory(controls=300) as lab:
            seconds.append(lab.exporter.first_complete)
    return Measurement(seconds)


ROWS = (
    Row(
        name="start",
        what="from start to first complete scrape, one Miniserver",
        unit="s",
        must=2,
        aim=0.5,
        how=(
            "From the start of a new process until a scrape with all values of 300 controls was "
            "read; asked each 5 ms. Bytecode and disk cache are warm."
        ),
        measure=_start,
    ),
)
