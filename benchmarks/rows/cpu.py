"""CPU time of an exporter in everyday use."""

from __future__ import annotations

import itertools

import trio

from benchmarks.budgets import Effort, Measurement, Row
from benchmarks.laboratory import Exporter, Site, laboratory
from benchmarks.scraper import connect


_EVENTS_PER_SECOND = 20
_SCRAPE_INTERVAL = 15
_WINDOWS = 4
_WINDOW_QUICK = 7


async def _everyday(effort: Effort) -> Measurement:
    async with laboratory(controls=300) as lab:
        shares = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_publish, lab.sites[0])
            for _ in range(effort.choose(_WINDOWS, quick=1)):
                seconds = effort.choose(_SCRAPE_INTERVAL, quick=_WINDOW_QUICK)
                shares.append(100 * await _share(lab.exporter, seconds))
            nursery.cancel_scope.cancel(reason="everything is measured")
    return Measurement(shares)


async def _share(exporter: Exporter, seconds: float) -> float:
    used = exporter.cpu_time()
    started = trio.current_time()
    await trio.sleep(seconds / 2)
    before_scrape = exporter.cpu_time()
    async with connect(exporter.port) as scraper:
        await scraper.scrape()
    scrape = exporter.cpu_time() - before_scrape
    await trio.sleep_until(started + seconds)
    elapsed = trio.current_time() - started
    # Where the window is shorter than the pause between two scrapes, the scrape weighs less.
    return (exporter.cpu_time() - used - scrape) / elapsed + scrape / _SCRAPE_INTERVAL


async def _publish(site: Site) -> None:
    due = trio.current_time()
    for place, uuid in enumerate(itertools.cycle(list(site.house.values))):
        await site.miniserver.publish({uuid: place + 0.5})
        due += 1 / _EVENTS_PER_SECOND
        await trio.sleep_until(due)


ROWS = (
    Row(
        name="cpu",
        what="CPU, 300 controls, 20 events/s, a scrape each 15 s",
        unit="% of a core",
        must=1,
        aim=0.5,
        how=(
            "User and system time of the process in windows of 15 s with one scrape and 300 tables "
            "of one event each, at even intervals; each scrape on a new connection."
        ),
        measure=_everyday,
    ),
)
