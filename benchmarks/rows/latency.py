"""How long a change in the house takes until a scrape shows it."""

from __future__ import annotations

import time
from functools import partial
from random import Random

import trio

from benchmarks.budgets import BenchmarkError, Effort, Measurement, Row, percentile
from benchmarks.laboratory import Site, laboratory
from benchmarks.report import format_number
from benchmarks.scraper import Scraper, connect


_CHANGES = 200
_CHANGES_QUICK = 15
_RUNS = 3
_PATIENCE = 5.0
_SHORTEST_PAUSE = 0.005
_LONGEST_PAUSE = 0.02
_FIRST_NUMBER = 5000


async def _changes(effort: Effort, *, controls: int) -> Measurement:
    async with laboratory(controls=controls) as lab, connect(lab.exporter.port) as scraper:
        runs = [
            await _one_run(
                lab.sites[0], scraper, effort.choose(_CHANGES, quick=_CHANGES_QUICK), run
            )
            for run in range(effort.choose(_RUNS, quick=1))
        ]
    everything = [latency for run in runs for latency in run]
    return Measurement(
        [percentile(run, 99) for run in runs],
        f"p50 {format_number(percentile(everything, 50))} ms, "
        f"slowest {format_number(max(everything))} ms, of {len(everything)} changes",
    )


async def _one_run(site: Site, scraper: Scraper, count: int, run: int) -> list[float]:
    random = Random(run)  # noqa: S311  # not cryptography
    uuids = list(site.house.values)
    latencies = []
    for place in range(count):
        await trio.sleep(random.uniform(_SHORTEST_PAUSE, _LONGEST_PAUSE))
        number = _FIRST_NUMBER + run * count + place + 0.25
        sample_end = f" {number}\n".encode()
        started = time.perf_counter()
        await site.miniserver.publish({random.choice(uuids): number})
        with trio.move_on_after(_PATIENCE):
            while sample_end not in await scraper.scrape():
                pass
            latencies.append(1000 * (time.perf_counter() - started))
            continue
        raise BenchmarkError(f"a change was not visible within {_PATIENCE:g} s")
    return latencies


_HOW = (
    "A simulated Miniserver sends one value; /metrics is read over a kept connection, again and "
    "again, until it shows. From before the sending to the end of the scrape that shows it, so the "
    "time of at least one scrape ({}) is part of it. The p99 of each run of "
    f"{_CHANGES} changes."
)

ROWS = (
    Row(
        name="latency",
        what="change visible in a scrape, p99, 300 controls",
        unit="ms",
        must=50,
        aim=10,
        how=_HOW.format("of 300 controls"),
        measure=partial(_changes, controls=300),
    ),
    Row(
        name="latency-small",
        what="change visible in a scrape, p99, 10 controls",
        unit="ms",
        must=50,
        aim=10,
        how=_HOW.format("of 10 controls, so it costs little"),
        measure=partial(_changes, controls=10),
    ),
)
