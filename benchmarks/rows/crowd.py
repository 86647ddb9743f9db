"""What clients can do to the exporter that are too many, or that do not read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from benchmarks.budgets import Effort, Measurement, Row, percentile
from benchmarks.crowd import Endurance, endure_attempts, endure_unread_answers
from benchmarks.laboratory import Exporter, laboratory
from benchmarks.report import format_number


_ATTEMPTS = 10_000
_ATTEMPTS_QUICK = 2_000
_UNREAD = 127
_SECONDS = 3
_SECONDS_QUICK = 1
_RUNS = 3

_done: dict[tuple[str, Effort], list[Endurance]] = {}


async def _crowds(effort: Effort) -> list[Endurance]:
    attempts = effort.choose(_ATTEMPTS, quick=_ATTEMPTS_QUICK)
    return await _endure("crowd", effort, lambda exporter: endure_attempts(exporter, attempts))


async def _unread(effort: Effort) -> list[Endurance]:
    seconds = effort.choose(_SECONDS, quick=_SECONDS_QUICK)
    return await _endure(
        "unread", effort, lambda exporter: endure_unread_answers(exporter, _UNREAD, seconds)
    )


async def _endure(
    name: str, effort: Effort, attack: Callable[[Exporter], Awaitable[Endurance]]
) -> list[Endurance]:
    """Attack new exporters, once for all rows that it is about."""
    if (name, effort) not in _done:
        runs = _done[name, effort] = []
        for _ in range(effort.choose(_RUNS, quick=1)):
            async with laboratory(controls=300) as lab:
                runs.append(await attack(lab.exporter))
    return _done[name, effort]


def _memory(runs: list[Endurance]) -> Measurement:
    before = format_number(max(run.before for run in runs))
    return Measurement([run.peak for run in runs], f"before {before} MB")


def _slowest_scrape(runs: list[Endurance]) -> Measurement:
    scrapes = [1000 * seconds for run in runs for seconds in run.scrapes]
    median, most = (format_number(percentile(scrapes, percent)) for percent in (50, 99))
    return Measurement(
        [1000 * max(run.scrapes) for run in runs],
        f"p50 {median} ms, p99 {most} ms, of {len(scrapes)} scrapes",
    )


async def _crowd_memory(effort: Effort) -> Measurement:
    return _memory(await _crowds(effort))


async def _crowd_scrape(effort: Effort) -> Measurement:
    return _slowest_scrape(await _crowds(effort))


async def _crowd_newcomer(effort: Effort) -> Measurement:
    return Measurement([run.newcomer for run in await _crowds(effort)])


async def _unread_memory(effort: Effort) -> Measurement:
    return _memory(await _unread(effort))


async def _unread_scrape(effort: Effort) -> Measurement:
    return _slowest_scrape(await _unread(effort))


_HOW = (
    f"An exporter of 300 controls; {{}}, while a client that was connected before scrapes every "
    f"20 ms. {_RUNS} runs, each with a new process. "
)
_HOW_CROWD = _HOW.format(
    f"{_ATTEMPTS} connections are made, a hundred at a time, and held where they are not refused"
)
_HOW_UNREAD = _HOW.format(
    f"{_UNREAD} clients ask for the metrics, one after the other, and do not read them"
)

ROWS = (
    Row(
        name="crowd",
        what="resident memory at 10,000 attempts to connect",
        unit="MB",
        must=64,
        how=_HOW_CROWD + "VmHWM of the process.",
        measure=_crowd_memory,
    ),
    Row(
        name="crowd-scrape",
        what="… slowest scrape of a client that was there before",
        unit="ms",
        must=1000,
        how=_HOW_CROWD,
        measure=_crowd_scrape,
    ),
    Row(
        name="crowd-newcomer",
        what="… and until a new client is answered, afterwards",
        unit="s",
        must=5,
        how=_HOW_CROWD,
        measure=_crowd_newcomer,
    ),
    Row(
        name="unread",
        what="resident memory with 127 scrapes that nobody reads",
        unit="MB",
        must=64,
        how=_HOW_UNREAD + "VmHWM of the process.",
        measure=_unread_memory,
    ),
    Row(
        name="unread-scrape",
        what="… slowest scrape of a client that reads",
        unit="ms",
        must=1000,
        how=_HOW_UNREAD,
        measure=_unread_scrape,
    ),
)
