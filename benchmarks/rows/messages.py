"""What value events cost, from the socket to the state."""

from __future__ import annotations

import itertools
import timeit
from collections.abc import Iterable, Iterator

import trio

from benchmarks.budgets import BenchmarkError, Effort, Measurement, Row
from benchmarks.house import InventedHouse
from benchmarks.laboratory import Exporter, Laboratory, laboratory
from benchmarks.report import format_number
from benchmarks.scraper import connect
from loxone_exporter.loxone.header import Header, Identifier, encode_header
from loxone_exporter.loxone.structure import parse_structure
from loxone_exporter.loxone.tables import decode_values, encode_values
from loxone_exporter.loxone.uuids import StateUuid
from loxone_exporter.metrics.counted import counted_states
from loxone_exporter.state import MiniserverState


_MICROSECONDS = 1e6
_DECODE_RUNS = 15
_DECODE_LOOPS = 200
_DECODE_LOOPS_QUICK = 20
_RUNS = 7
_RUNS_QUICK = 1
_FLOOD = 10_000
_PACED = 2_000
_PACED_QUICK = 250
_PACE = 0.002
_IDLE = 0.2
_LAST_NUMBER = 777777.25
_BINARY_FRAME = 0x82


async def _decode(effort: Effort) -> Measurement:
    house = InventedHouse(300)
    state = MiniserverState(name="benchmark", counted_states=counted_states)
    state.replace_structure(parse_structure(house.structure))
    payload = encode_values(house.values.items())
    loops = effort.choose(_DECODE_LOOPS, quick=_DECODE_LOOPS_QUICK)
    times = timeit.repeat(
        lambda: state.apply_values(decode_values(payload)), number=loops, repeat=_DECODE_RUNS
    )
    if state.values != house.values:
        raise BenchmarkError("the state is not what the table says")
    await trio.lowlevel.checkpoint()
    events = len(house.values) * loops
    return Measurement(
        [_MICROSECONDS * time / events for time in times], f"a table of {len(house.values)} events"
    )


async def _receive(effort: Effort) -> Measurement:
    async with laboratory(controls=300) as lab:
        runs = [await _flood(lab, run) for run in range(effort.choose(_RUNS, quick=_RUNS_QUICK))]
        paced = await _one_by_one(lab, effort.choose(_PACED, quick=_PACED_QUICK))
    return Measurement(
        runs, f"{format_number(paced)} µs where each table comes alone, {_PACE * 1000:g} ms apart"
    )


async def _flood(lab: Laboratory, run: int) -> float:
    (site,) = lab.sites
    number = _LAST_NUMBER + run
    tables = _tables(site.house.values, _FLOOD - 1)
    flood = b"".join([*tables, _table(next(iter(site.house.values)), number)])
    used = lab.exporter.cpu_time()
    await site.streams[-1].send_all(flood)
    await _until_idle(lab.exporter)
    used = lab.exporter.cpu_time() - used
    async with connect(lab.exporter.port) as scraper:
        if f" {number}\n".encode() not in await scraper.scrape():
            raise BenchmarkError("the flood did not arrive")
    return _MICROSECONDS * used / _FLOOD


async def _one_by_one(lab: Laboratory, count: int) -> float:
    (site,) = lab.sites
    used = lab.exporter.cpu_time()
    for table in _tables(site.house.values, count):
        await site.streams[-1].send_all(table)
        await trio.sleep(_PACE)
    await _until_idle(lab.exporter)
    return _MICROSECONDS * (lab.exporter.cpu_time() - used) / count


async def _until_idle(exporter: Exporter) -> None:
    """Wait until the process has used no CPU time for a while."""
    while True:
        used = exporter.cpu_time()
        await trio.sleep(_IDLE)
        if exporter.cpu_time() == used:
            return


def _tables(uuids: Iterable[StateUuid], count: int) -> Iterator[bytes]:
    for place, uuid in enumerate(itertools.islice(itertools.cycle(uuids), count)):
        yield _table(uuid, place + 0.5)


def _table(uuid: StateUuid, value: float) -> bytes:
    """A table of one event as it crosses the wire: two WebSocket frames."""
    table = encode_values([(uuid, value)])
    return _frame(encode_header(Header(Identifier.VALUES, len(table)))) + _frame(table)


def _frame(payload: bytes) -> bytes:
    return bytes((_BINARY_FRAME, len(payload))) + payload


ROWS = (
    Row(
        name="decode",
        what="decoding and applying one value event of a full table",
        unit="µs",
        must=0.5,
        aim=0.2,
        how="Wall time, in this process, of the full table of 300 controls, by its events.",
        measure=_decode,
    ),
    Row(
        name="receive",
        what="one table of one event, socket to state",
        unit="µs",
        must=60,
        aim=40,
        how=(
            f"CPU time of the exporter's process while it takes in {_FLOOD} tables of one event "
            "each, written beforehand, as fast as it can over a logged-in session; by table."
        ),
        measure=_receive,
    ),
)
