from __future__ import annotations

import pytest

from loxone_exporter.metrics.collector import LoxoneCollector
from loxone_exporter.metrics.exposition import Format
from loxone_exporter.state import EventCounts, MiniserverState
from support.collected import collected, configure
from support.scrapes import Sample, Scrape


COUNTERS = (
    "loxone_exporter_received_bytes_total",
    "loxone_exporter_unknown_events_total",
    "loxone_exporter_undecodable_messages_total",
    "loxone_exporter_non_finite_values_total",
)
EVENTS = "loxone_exporter_events_total"
QUEUED = "loxone_exporter_queued_messages"
ROUND_TRIP = "loxone_exporter_keepalive_round_trip_seconds"
ALL = (*COUNTERS, EVENTS, QUEUED, f"{ROUND_TRIP}_bucket", f"{ROUND_TRIP}_sum")


def busy(name: str) -> MiniserverState:
    state = MiniserverState(name=name)
    state.events = EventCounts(values=1, texts=2, daytimers=3, weather=4, unknown=5)
    state.link.received_bytes = 6
    state.undecodable_messages = 7
    state.non_finite_values = 8
    state.link.queued_messages = lambda: 9
    for seconds in (0.25, 0.5, 16.0):
        state.link.round_trips.observe(seconds)
    return state


def of(found: Scrape, name: str, miniserver: str) -> list[Sample]:
    return [s for s in found.samples(name) if s.labels["miniserver"] == miniserver]


@pytest.mark.parametrize("format_", Format)
async def test_each_miniserver_has_its_own(format_: Format) -> None:
    states = [busy("home"), MiniserverState(name="barn")]
    found = await collected(LoxoneCollector(configure(), states), format_)
    for name, value in zip((*COUNTERS, QUEUED), (6, 5, 7, 8, 9), strict=True):
        assert {"home": value, "barn": 0} == found.values(name, "miniserver")
    for miniserver, counts in (("home", (1, 2, 3, 4)), ("barn", (0, 0, 0, 0))):
        kinds = ("value", "text", "daytimer", "weather")
        expected = dict(zip(kinds, counts, strict=True))
        events = of(found, EVENTS, miniserver)
        assert expected == {sample.labels["kind"]: sample.value for sample in events}
    buckets = of(found, f"{ROUND_TRIP}_bucket", "home")
    assert [0, 0, 0, 0, 2, 2, 2, 3] == [sample.value for sample in buckets]
    assert {"home": 3, "barn": 0} == found.values(f"{ROUND_TRIP}_count", "miniserver")
    assert {"home": 16.75, "barn": 0} == found.values(f"{ROUND_TRIP}_sum", "miniserver")


async def test_what_was_told_of_a_miniserver_goes_with_it_and_that_of_others_stays() -> None:
    home, barn = busy("home"), busy("barn")
    collector = LoxoneCollector(configure(), [home, barn])
    await collected(collector)
    collector.replace(configure(), [barn])
    found = await collected(collector)
    for name in ALL:
        assert [] == of(found, name, "home")
        assert of(found, name, "barn")
    assert 6 == found.value("loxone_exporter_received_bytes_total")
