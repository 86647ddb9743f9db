"""A scrape of many series, and who waits for it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import trio
from attrs import define, field, frozen

from benchmarks.budgets import BenchmarkError, Effort, Measurement, Row
from benchmarks.house import InventedHouse
from benchmarks.report import format_number
from loxone_exporter.config.model import Config, MiniserverConfig
from loxone_exporter.config.secret import Secret
from loxone_exporter.loxone.structure import parse_structure
from loxone_exporter.metrics.exposition import Format
from loxone_exporter.state import ConnectionState, MiniserverState
from loxone_exporter.stop import StopRequest
from loxone_exporter.web.app import WebApp


_MINISERVERS = 10
_CONTROLS = 1075
_FEWEST_SAMPLES = 50_000
_RUNS = 5
_RUNS_QUICK = 1
_TICK = 0.001
_OK = 200


@define
class _Answer:
    """What an ASGI application sends."""

    status: int = 0
    body: bytearray = field(factory=bytearray)

    async def take(self, message: Mapping[str, Any]) -> None:
        await trio.lowlevel.checkpoint()
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.body += message.get("body", b"")


@define
class _Bystander:
    """A task that wants to run each millisecond, and notes how much later it does."""

    longest: float = 0.0

    async def run(self) -> None:
        while True:
            due = time.perf_counter() + _TICK
            await trio.sleep(_TICK)
            self.longest = max(self.longest, time.perf_counter() - due)


@frozen
class _Scrape:
    seconds: float
    longest_wait: float
    samples: int


async def _scrape(app: WebApp, format_: Format) -> _Scrape:
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/metrics",
        "query_string": b"",
        "headers": [(b"accept", format_.value.encode())],
    }
    answer, bystander = _Answer(), _Bystander()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bystander.run)
        await trio.sleep(10 * _TICK)
        bystander.longest = 0.0
        started = time.perf_counter()
        await app(scope, _receive_nothing, answer.take)
        seconds = time.perf_counter() - started
        await trio.sleep(2 * _TICK)
        nursery.cancel_scope.cancel(reason="the scrape is over")
    body = bytes(answer.body)
    samples = body.count(b"\n") - body.count(b"\n#") - body.startswith(b"#")
    if answer.status != _OK or samples < _FEWEST_SAMPLES:
        raise BenchmarkError(f"status {answer.status}, {samples} samples")
    return _Scrape(seconds, bystander.longest, samples)


async def _receive_nothing() -> Mapping[str, Any]:
    await trio.lowlevel.checkpoint()
    return {"type": "http.request", "body": b"", "more_body": False}


def _application() -> WebApp:
    houses = [InventedHouse(_CONTROLS, number=number) for number in range(1, _MINISERVERS + 1)]
    miniservers = tuple(
        MiniserverConfig(
            name=f"house-{number}", host="unused.test", username="demo", password=Secret("demo")
        )
        for number in range(1, _MINISERVERS + 1)
    )
    states = [MiniserverState(name=miniserver.name) for miniserver in miniservers]
    for state, house in zip(states, houses, strict=True):
        state.connection = ConnectionState.CONNECTED
        state.mark_received()
        state.replace_structure(parse_structure(house.structure))
        state.apply_values(house.values.items())
    return WebApp.build(Config(miniservers=miniservers), states, StopRequest())


@frozen
class _Scrapes:
    """What both rows are about.

    Attributes:
        first: The first one after a new structure, as text.
        later: Those that count, as OpenMetrics.
        text: One as text.
    """

    first: _Scrape
    later: list[_Scrape]
    text: _Scrape


_done: dict[Effort, _Scrapes] = {}


async def _scrapes(effort: Effort) -> _Scrapes:
    """Scrape once for both rows."""
    if effort not in _done:
        app = _application()
        _done[effort] = _Scrapes(
            await _scrape(app, Format.TEXT),
            [
                await _scrape(app, Format.OPENMETRICS)
                for _ in range(effort.choose(_RUNS, quick=_RUNS_QUICK))
            ],
            await _scrape(app, Format.TEXT),
        )
    return _done[effort]


async def _render(effort: Effort) -> Measurement:
    scrapes = await _scrapes(effort)
    first, text = (format_number(1000 * scrape.seconds) for scrape in (scrapes.first, scrapes.text))
    return Measurement(
        [1000 * scrape.seconds for scrape in scrapes.later],
        f"{scrapes.first.samples} samples, OpenMetrics; as text {text} ms, "
        f"right after a new structure {first} ms",
    )


async def _wait(effort: Effort) -> Measurement:
    scrapes = await _scrapes(effort)
    return Measurement([1000 * scrape.longest_wait for scrape in scrapes.later])


_HOW = (
    f"The web application is asked for /metrics in this process, without a network; {_MINISERVERS} "
    f"Miniservers of {_CONTROLS} controls, nothing compressed; the first scrape does not count. "
)

ROWS = (
    Row(
        name="render",
        what="a scrape of 50,000 series, rendered",
        unit="ms",
        must=80,
        aim=40,
        how=_HOW + "From the question to the end of the answer.",
        measure=_render,
        due=False,
    ),
    Row(
        name="render-wait",
        what="… and how long another task waits meanwhile",
        unit="ms",
        must=20,
        how=_HOW + "How much too late, at most, a task runs that wants to each millisecond.",
        measure=_wait,
        due=False,
    ),
)
