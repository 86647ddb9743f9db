"""A scrape of many series, and who waits for it."""

from __future__ import annotations

import time
import zlib
from collections.abc import Mapping
from typing import Any

import trio
from attrs import define, field, frozen
from prometheus_client import Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from benchmarks.budgets import BenchmarkError, Effort, Measurement, Row
from benchmarks.house import InventedHouse
from benchmarks.report import format_number
from loxone_exporter.config.model import Config, MiniserverConfig
from loxone_exporter.config.secret import Secret
from loxone_exporter.loxone.structure import parse_structure
from loxone_exporter.metrics.collector import LoxoneCollector
from loxone_exporter.metrics.counted import counted_states
from loxone_exporter.metrics.exposition import Format
from loxone_exporter.state import ConnectionState, MiniserverState
from loxone_exporter.stop import StopRequest
from loxone_exporter.web.app import WebApp


_MINISERVERS = 10
_CONTROLS = 480
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


async def _scrape(app: WebApp, format_: Format, *, gzip: bool = False) -> _Scrape:
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/metrics",
        "query_string": b"",
        "headers": [
            (b"accept", format_.value.encode()),
            (b"accept-encoding", b"gzip" if gzip else b"identity"),
        ],
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
    body = zlib.decompress(answer.body, wbits=31) if gzip else bytes(answer.body)
    samples = body.count(b"\n") - body.count(b"\n#") - body.startswith(b"#")
    if answer.status != _OK or samples < _FEWEST_SAMPLES:
        raise BenchmarkError(f"status {answer.status}, {samples} samples")
    return _Scrape(seconds, bystander.longest, samples)


async def _receive_nothing() -> Mapping[str, Any]:
    await trio.lowlevel.checkpoint()
    return {"type": "http.request", "body": b"", "more_body": False}


@frozen
class _Stock(Collector):
    """The same families, their samples made beforehand, for prometheus_client to write."""

    families: list[Metric]

    @classmethod
    def of(cls, collector: Collector) -> _Stock:
        families = []
        for family in collector.collect():
            plain = Metric(family.name, family.documentation, family.type, family.unit)
            plain.samples = family.samples
            families.append(plain)
        return cls(families)

    def collect(self) -> list[Metric]:
        return self.families


def _time_stock_renderer(config: Config, states: list[MiniserverState]) -> float:
    stock = _Stock.of(LoxoneCollector(config, states))
    started = time.perf_counter()
    openmetrics.generate_latest(stock)  # type: ignore[no-untyped-call]  # upstream has no types here
    return time.perf_counter() - started


def _houses() -> tuple[Config, list[MiniserverState]]:
    houses = [InventedHouse(_CONTROLS, number=number) for number in range(1, _MINISERVERS + 1)]
    miniservers = tuple(
        MiniserverConfig(
            name=f"house-{number}", host="unused.test", username="demo", password=Secret("demo")
        )
        for number in range(1, _MINISERVERS + 1)
    )
    states = [
        MiniserverState(name=miniserver.name, counted_states=counted_states)
        for miniserver in miniservers
    ]
    for state, house in zip(states, houses, strict=True):
        state.connection = ConnectionState.CONNECTED
        state.mark_received()
        state.replace_structure(parse_structure(house.structure))
        state.apply_values(house.values.items())
    return Config(miniservers=miniservers), states


@frozen
class _Scrapes:
    """What both rows are about.

    Attributes:
        first: The first one after a new structure, as text.
        later: Those that count, as OpenMetrics.
        text: One as text.
        gzip: One that is compressed.
        stock: Seconds that prometheus_client's own renderer takes for the same families.
    """

    first: _Scrape
    later: list[_Scrape]
    text: _Scrape
    gzip: _Scrape
    stock: float


_done: dict[Effort, _Scrapes] = {}


async def _scrapes(effort: Effort) -> _Scrapes:
    """Scrape once for both rows."""
    if effort not in _done:
        config, states = _houses()
        app = WebApp.build(config, states, StopRequest())
        _done[effort] = _Scrapes(
            await _scrape(app, Format.TEXT),
            [
                await _scrape(app, Format.OPENMETRICS)
                for _ in range(effort.choose(_RUNS, quick=_RUNS_QUICK))
            ],
            await _scrape(app, Format.TEXT),
            await _scrape(app, Format.OPENMETRICS, gzip=True),
            _time_stock_renderer(config, states),
        )
    return _done[effort]


async def _render(effort: Effort) -> Measurement:
    scrapes = await _scrapes(effort)
    seconds = (
        scrapes.stock,
        scrapes.text.seconds,
        scrapes.gzip.seconds,
        scrapes.first.seconds,
    )
    stock, text, gzip, first = (format_number(1000 * each) for each in seconds)
    return Measurement(
        [1000 * scrape.seconds for scrape in scrapes.later],
        f"{scrapes.first.samples} samples, OpenMetrics; by prometheus_client {stock} ms; as text "
        f"{text} ms, compressed {gzip} ms, right after a new structure {first} ms",
    )


async def _wait(effort: Effort) -> Measurement:
    scrapes = await _scrapes(effort)
    waits = (scrapes.gzip.longest_wait, scrapes.first.longest_wait)
    gzip, first = (format_number(1000 * wait) for wait in waits)
    return Measurement(
        [1000 * scrape.longest_wait for scrape in scrapes.later],
        f"compressed {gzip} ms, right after a new structure {first} ms",
    )


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
    ),
    Row(
        name="render-wait",
        what="… and how long another task waits meanwhile",
        unit="ms",
        must=20,
        how=_HOW + "How much too late, at most, a task runs that wants to each millisecond.",
        measure=_wait,
    ),
)
