"""What is told of the event loop, against what it really has to do."""

from __future__ import annotations

import time

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from loxone_exporter.config.model import Config
from loxone_exporter.metrics.exposition import Format
from loxone_exporter.state import MiniserverState
from loxone_exporter.stop import StopRequest
from loxone_exporter.vitals import Vitals
from loxone_exporter.web.app import WebApp
from support.collected import scrape
from support.memory_network import miniserver_config
from support.scrapes import Scrape


LAG = "loxone_exporter_event_loop_lag_seconds"
TASKS = "loxone_exporter_tasks"


async def lags(app: WebApp) -> dict[str, float]:
    """How often the heartbeat came not later than so many seconds."""
    body = await app._exposition.render(Format.OPENMETRICS)
    return Scrape.read(body, Format.OPENMETRICS).values(f"{LAG}_bucket", "le")


def build() -> WebApp:
    config = Config(miniservers=(miniserver_config(),))
    return WebApp.build(config, [MiniserverState(name="home")], StopRequest(), Vitals())


async def test_beats_that_come_late_are_counted_by_their_delay(
    mock_clock: MockClock, nursery: trio.Nursery
) -> None:
    app = build()
    nursery.start_soon(app.heartbeat.beat)
    for delay in (0.0, 0.0, 0.03, 1.5, 60.0):
        await wait_all_tasks_blocked()
        mock_clock.jump(1 + delay)
    await wait_all_tasks_blocked()
    assert {
        "0.005": 2,
        "0.02": 2,
        "0.05": 3,
        "0.1": 3,
        "0.5": 3,
        "2.0": 4,
        "10.0": 4,
        "+Inf": 5,
    } == await lags(app)


async def test_a_task_that_does_not_yield_makes_the_beat_late(nursery: trio.Nursery) -> None:
    app = build()
    nursery.start_soon(app.heartbeat.beat)
    # Held up from before a beat is due until after it.
    await trio.sleep(0.8)
    late = app.heartbeat.last + 1.2 - trio.current_time()
    time.sleep(late)  # noqa: TID251, ASYNC251  # what nobody should do
    await wait_all_tasks_blocked()
    found = await lags(app)
    assert 1 == found["+Inf"] - found["0.1"]


async def test_tasks_are_those_that_live() -> None:
    async def count() -> float:
        return (await scrape([MiniserverState(name="home")])).value(TASKS)

    before = await count()
    async with trio.open_nursery() as nursery:
        for _ in range(17):
            nursery.start_soon(trio.sleep_forever)
        assert before + 17 == await count()
        nursery.cancel_scope.cancel()
    assert before == await count() == trio.lowlevel.current_statistics().tasks_living
