"""Resident memory of the exporter's process."""

from __future__ import annotations

from attrs import frozen

from benchmarks.budgets import Effort, Measurement, Row
from benchmarks.laboratory import laboratory
from benchmarks.report import format_number
from benchmarks.scraper import connect


_SCRAPES = 10
_RUNS = 3
_MANY = 5
_MANY_QUICK = 3


@frozen
class _Memory:
    resident: float
    peak: float


async def _weigh(*, controls: int, miniservers: int = 1) -> _Memory:
    async with laboratory(controls=controls, miniservers=miniservers) as lab:
        async with connect(lab.exporter.port) as scraper:
            for _ in range(_SCRAPES):
                await scraper.scrape()
        return _Memory(lab.exporter.resident_memory(), lab.exporter.peak_memory())


async def _weigh_often(effort: Effort, *, controls: int, miniservers: int) -> Measurement:
    runs = [
        await _weigh(controls=controls, miniservers=miniservers)
        for _ in range(effort.choose(_RUNS, quick=1))
    ]
    peak = format_number(max(run.peak for run in runs))
    return Measurement([run.resident for run in runs], f"at its peak {peak} MB")


async def _one(effort: Effort) -> Measurement:
    return await _weigh_often(effort, controls=300, miniservers=1)


async def _three(effort: Effort) -> Measurement:
    return await _weigh_often(effort, controls=500, miniservers=3)


async def _further(effort: Effort) -> Measurement:
    many = effort.choose(_MANY, quick=_MANY_QUICK)
    differences = []
    for _ in range(effort.choose(_RUNS, quick=1)):
        one = await _weigh(controls=300)
        several = await _weigh(controls=300, miniservers=many)
        differences.append((several.resident - one.resident) / (many - 1))
    return Measurement(differences)


_HOW = (
    "VmRSS of the process, in MB of 2^20 bytes, connected to {} in another process, after a first "
    f"complete scrape and {_SCRAPES} more over one connection; a new process for each run."
)

ROWS = (
    Row(
        name="memory",
        what="resident memory, one Miniserver of 300 controls",
        unit="MB",
        must=45,
        aim=42,
        how=_HOW.format("a simulated Miniserver"),
        measure=_one,
    ),
    Row(
        name="memory-three",
        what="resident memory, 3 Miniservers of 500 controls",
        unit="MB",
        must=50,
        how=_HOW.format("simulated Miniservers"),
        measure=_three,
    ),
    Row(
        name="memory-further",
        what="each further Miniserver of 300 controls",
        unit="MB",
        must=1.5,
        aim=1,
        how=f"As `memory`, with {_MANY} Miniservers and with one; the difference, by {_MANY - 1}.",
        measure=_further,
    ),
)
