from __future__ import annotations

import datetime as dt
import math
import time
from collections.abc import Iterable

import pytest
from attrs import evolve

from loxone_exporter.loxone.details import Details
from loxone_exporter.loxone.structure import Control, Structure, parse_structure
from loxone_exporter.loxone.tables import Daytimer, DaytimerEntry
from loxone_exporter.metrics.collector import LoxoneCollector
from loxone_exporter.metrics.schedules import next_change
from loxone_exporter.simulator.demo import DemoHouse
from loxone_exporter.state import ConnectionState, MiniserverState
from support.collected import collected, configure, connected
from support.scrapes import Scrape
from support.structures import control, structure, uuid


FAMILY = "loxone_schedule_next_change_timestamp_seconds"
MONDAY, TUESDAY = 3, 4
CLOCK, ENTRIES, MODE = 90, 1, 2

SCHEDULE = control(
    10,
    "Pump",
    type_="Daytimer",
    states={"entriesAndDefaultValue": ENTRIES, "mode": MODE, "value": 3},
)
# A Monday, at 12:00 UTC.
NOON = dt.datetime(2026, 3, 16, 12, tzinfo=dt.UTC).timestamp()


def entry(start: float, end: float, value: float = 1.0, mode: int = MONDAY) -> DaytimerEntry:
    """Switched on from one hour to another."""
    return DaytimerEntry(mode, round(start * 60), round(end * 60), 0, value)


def daytimer(*entries: DaytimerEntry, default: float = 0.0) -> Daytimer:
    return Daytimer(uuid(ENTRIES), default, entries)


def house(*controls: Control) -> Structure:
    clock = {"miniserverTime": uuid(CLOCK)}
    return evolve(structure(*(controls or (SCHEDULE,))), global_states=clock)


def state_of(
    entries: Iterable[DaytimerEntry],
    *,
    zone: str = "2026-03-16 00:00:00 +00:00:00",
    mode: float = MONDAY,
    structure: Structure | None = None,
    default: float = 0.0,
) -> MiniserverState:
    state = connected(structure or house(), values={MODE: mode}, texts={CLOCK: zone})
    state.apply_daytimers([daytimer(*entries, default=default)])
    return state


async def scraped(state: MiniserverState, now: float = NOON, **metrics: object) -> Scrape:
    return await collected(LoxoneCollector(configure(metrics), [state], now=lambda: now))


@pytest.mark.parametrize(
    ("entries", "hour", "expected"),
    [
        ((), 12, None),
        ((entry(14, 16),), 12, 14),
        ((entry(14, 16),), 14, 16),
        ((entry(14, 16),), 15.99, 16),
        ((entry(14, 16),), 16, None),
        ((entry(8, 10), entry(14, 16)), 12, 14),
        ((entry(14, 16), entry(8, 10)), 9, 10),
        # One goes over into the other, with the same value or another one.
        ((entry(8, 14), entry(14, 16)), 12, 16),
        ((entry(8, 14), entry(14, 16, 2.0)), 12, 14),
        # Nothing but the default.
        ((entry(14, 16, 0.0),), 12, None),
        # One inside another: the first one counts.
        ((entry(8, 18), entry(13, 14, 5.0)), 12, 18),
        ((entry(13, 14, 5.0), entry(8, 18)), 12, 13),
        # Midnight belongs to tomorrow, whose mode nobody knows.
        ((entry(8, 24),), 12, None),
        ((entry(0, 24),), 0, None),
        # Another mode's.
        ((entry(14, 16, mode=TUESDAY),), 12, None),
        # No times of a day.
        ((entry(-5, 30), entry(14, 16)), 12, None),
        ((entry(16, 14),), 12, None),
        ((entry(14, 14),), 12, None),
        ((entry(30, 40), entry(-40, -30)), 12, None),
    ],
    ids=range(19),
)
def test_the_next_change_of_today(
    entries: tuple[DaytimerEntry, ...], hour: float, expected: float | None
) -> None:
    change = next_change(daytimer(*entries), MONDAY, hour * 60)
    assert (None if expected is None else expected * 60) == change


def test_a_digital_schedule_is_on_whatever_its_number_says() -> None:
    schedule = daytimer(entry(14, 16, 0.0), entry(16, 18, 7.0), default=7.0)
    assert 14 * 60 == next_change(schedule, MONDAY, 12 * 60, is_digital=True)
    assert 18 * 60 == next_change(schedule, MONDAY, 15 * 60, is_digital=True)
    assert 16 * 60 == next_change(schedule, MONDAY, 15 * 60)


def test_a_huge_schedule_costs_little() -> None:
    # One after another and all alike, so that each of them has to be looked at.
    entries = [entry(number / 60, (number + 1) / 60, 1.0) for number in range(1439)]
    started = time.process_time()
    for _ in range(20):
        next_change(daytimer(*entries), MONDAY, 0)
    assert time.process_time() - started < 0.5


def test_nothing_is_said_of_a_schedule_with_a_number_that_is_none() -> None:
    assert next_change(daytimer(entry(8, 9, 1.0)), MONDAY, 0) is not None
    for value in (math.nan, math.inf):
        assert next_change(daytimer(entry(8, 9, value)), MONDAY, 0) is None


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("2026-03-16 00:00:00 +00:00:00", NOON + 2 * 3600),
        # There it is one in the afternoon, or seven in the morning.
        ("2026-03-16 00:00:00 +01:00:00", NOON + 1 * 3600),
        ("2026-03-16 00:00:00 -05:00:00", NOON + 7 * 3600),
        # There it is half past nine in the evening.
        ("2026-03-16 00:00:00 +09:30:00", None),
        ("nowhere", None),
    ],
)
async def test_change_is_shown_in_unix_time(zone: str, expected: float | None) -> None:
    found = await scraped(state_of([entry(14, 16)], zone=zone))
    assert ([] if expected is None else [expected]) == list(
        found.values(FAMILY, "subcontrol").values()
    )


async def test_schedule_has_the_labels_of_its_control() -> None:
    (sample,) = (await scraped(state_of([entry(14, 16)]))).samples(FAMILY)
    assert sample.labels == {
        "miniserver": "home",
        "name": "Pump",
        "room": "Kitchen",
        "category": "Lighting",
        "type": "Daytimer",
        "subcontrol": "entriesAndDefaultValue",
    }
    (sample,) = (await scraped(state_of([entry(14, 16)]), uuid_label=True)).samples(FAMILY)
    assert SCHEDULE.key == sample.labels["uuid"]


@pytest.mark.parametrize("mode", [TUESDAY, -1, 3.5])
async def test_the_present_operating_mode_decides(mode: float) -> None:
    entries = [entry(14, 16), entry(18, 20, mode=TUESDAY)]
    found = await scraped(state_of(entries, mode=mode))
    expected = [NOON + 6 * 3600] if mode == TUESDAY else []
    assert expected == [sample.value for sample in found.samples(FAMILY)]


async def test_a_schedule_of_which_too_little_is_known_is_absent() -> None:
    unknown = connected(house(), values={MODE: MONDAY}, texts={CLOCK: "+00:00"})
    without_mode = connected(house(), texts={CLOCK: "+00:00"})
    without_mode.apply_daytimers([daytimer(entry(14, 16))])
    bare = control(10, type_="Daytimer", states={"entriesAndDefaultValue": ENTRIES})
    other = evolve(SCHEDULE, type="Switch")
    states = [
        unknown,
        without_mode,
        state_of([entry(14, 16)], structure=house(bare)),
        state_of([entry(14, 16)], structure=house(other)),
    ]
    for state in states:
        assert FAMILY not in (await scraped(state)).headings()


@pytest.mark.parametrize(
    ("type_", "details", "hours"),
    [
        ("Daytimer", Details(), 2),
        ("Daytimer", Details(is_analog=True), 4),
        ("IRCDaytimer", Details(), 4),
        ("IRCV2Daytimer", Details(), 4),
    ],
)
async def test_numbers_count_unless_a_schedule_is_digital(
    type_: str, details: Details, hours: float
) -> None:
    changed = evolve(SCHEDULE, type=type_, details=details)
    # The first one has the default's number.
    state = state_of([entry(14, 16, 0.0), entry(16, 18, 2.0)], structure=house(changed))
    found = await scraped(state)
    assert [NOON + hours * 3600] == [sample.value for sample in found.samples(FAMILY)]


async def test_without_quantities_there_are_no_schedules() -> None:
    found = await scraped(state_of([entry(14, 16)]), quantities=False)
    assert FAMILY not in found.headings()


async def test_schedules_are_withdrawn_with_the_values() -> None:
    state = state_of([entry(14, 16)])
    state.connection = ConnectionState.BACKOFF
    assert FAMILY not in (await scraped(state, stale_after=0.0)).headings()


async def test_schedules_of_the_demo_house() -> None:
    now = dt.datetime(2026, 3, 14, 12, tzinfo=dt.UTC)
    demo = DemoHouse(now=now)
    state = MiniserverState(name="demo", connection=ConnectionState.CONNECTED)
    state.replace_structure(parse_structure(demo.structure))
    state.apply_values(demo.values.items())
    state.apply_texts(demo.texts.items())
    state.apply_daytimers(demo.daytimers)
    found = await scraped(state, now.timestamp())
    hours = {
        sample.labels["name"]: (sample.value - now.timestamp()) / 3600 + 12
        for sample in found.samples(FAMILY)
    }
    # A Saturday at noon: when the spans of weekends end or begin. Those of bedroom and towel rail
    # have ended.
    assert hours == {
        "Raumregler Living Room": 23.5,
        "Raumregler Küche": 23.5,
        "Regler Gäste-WC": 23.5,
        "Raumregler Büro": 16.0,
        "Raumregler Dětský pokoj": 21.0,
        "Regler Gästezimmer": 22.0,
        "Raumregler Koupelna": 22.5,
        "Raumregler Wellness": 17.0,
        "Teichpumpe": 22.0,
    }
    assert {"Daytimer", "IRCDaytimer", "IRCV2Daytimer"} == {
        sample.labels["type"] for sample in found.samples(FAMILY)
    }
    assert len(found.series()) == len(set(found.series()))
