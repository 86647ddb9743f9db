"""CPU time of an exporter in everyday use."""

from __future__ import annotations

import itertools

import trio

from benchmarks.budgets import Effort, Measurement, Row
from benchmarks.laboratory import Site, laboratory
from benchmarks.scraper import connect


_EVENTS_PER_SECOND = 20
_SCRAPE_INTERVAL = 15.0
_WINDOWS = 4


async def _everyday(effort: Effort) -> Measurement:
    async with laboratory(controls=300) as lab:
        shares = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_publish, lab.sites[0])
            for _ in range(effort.choose(_WINDOWS, quick=1)):
                used = lab.exporter.cpu_time()
                started = trio.current_time()
                await trio.sleep(_SCRAPE_INTERVAL / 2)
                async with connect(lab.exporter.port) as scraper:
                    await scraper.scrape()
                await trio.sleep_until(started + _SCRAPE_INTERVAL)
                elapsed = trio.current_time() - started
                shares.append(100 * (lab.exporter.cpu_time() - used) / elapsed)
            nursery.cancel_scope.cancel(reason="everything is measured")
    return Measurement(shares)


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
