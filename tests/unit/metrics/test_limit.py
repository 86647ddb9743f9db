"""How many series there are, and that there are never more than `[metrics] max_series`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loxone_exporter.loxone.structure import parse_structure
from loxone_exporter.metrics.collector import LoxoneCollector
from loxone_exporter.metrics.counted import counted_states
from loxone_exporter.metrics.exposition import Format
from loxone_exporter.metrics.names import NameRegistry
from loxone_exporter.metrics.places import Plan
from loxone_exporter.metrics.series import SeriesTable
from loxone_exporter.simulator.demo import DemoHouse
from loxone_exporter.state import ConnectionState, MiniserverState
from support.collected import change_structure, collected, configure, connected, scrape
from support.houses import house_of
from support.scrapes import Scrape
from support.series import build_series
from support.structures import control, structure


SERIES = "loxone_exporter_series"
EXCESS = "loxone_exporter_excess_series"

HOUSE = structure(*(control(number, f"Lamp {number}") for number in range(1, 11)))
"""Each of ten controls has an information, a plain value, an own family, and two of counts."""
EACH = 5


DEMO = DemoHouse(now=datetime(2026, 3, 14, 12, tzinfo=UTC))
DEMO_STRUCTURE = parse_structure(DEMO.structure)


def demo() -> MiniserverState:
    """A Miniserver of the demo house, of which everything is known."""
    state = MiniserverState(
        name="demo", connection=ConnectionState.CONNECTED, counted_states=counted_states
    )
    state.replace_structure(DEMO_STRUCTURE)
    state.apply_values(DEMO.values.items())
    state.apply_texts(DEMO.texts.items())
    state.apply_daytimers(DEMO.daytimers)
    state.apply_weather(DEMO.weather)
    return state


def lamps(name: str = "home") -> MiniserverState:
    values = dict.fromkeys(range(1, 11), 1.0)
    return connected(HOUSE, name=name, values=values, counted_states=counted_states)


def samples_of_controls(found: Scrape) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    """Those that have the labels of a control, by their names and labels."""
    return [
        (name, labels)
        for name, labels in found.series()
        if name == "loxone_control_info" or "subcontrol" in dict(labels)
    ]


@pytest.mark.parametrize("format_", Format)
@pytest.mark.parametrize(
    "metrics",
    [
        {},
        {"text_values": True, "optional_quantities": True, "weather_forecast": True},
        {"control_value": False},
        {"quantities": False, "uuid_label": True},
        {"control_value": False, "activations": False, "quantities": False},
    ],
    ids=["default", "everything", "no plain values", "plain values", "information"],
)
async def test_series_are_the_samples_of_controls(
    metrics: Mapping[str, Any], format_: Format
) -> None:
    found = await scrape([demo()], configure(metrics), format_)
    count = len(samples_of_controls(found))
    assert count == found.value(SERIES) >= 128
    assert 0 == found.value(EXCESS)


async def test_what_is_withdrawn_has_no_series() -> None:
    state, config = lamps(), configure({"stale_after": 0.0})
    assert 10 * EACH == (await scrape([state], config)).value(SERIES)
    state.connection = ConnectionState.BACKOFF
    found = await scrape([state], config)
    assert [] == samples_of_controls(found)
    assert 0 == found.value(SERIES)


def build(room: int) -> SeriesTable:
    return build_series(
        DEMO_STRUCTURE, miniserver="demo", registry=NameRegistry(), plan=Plan(), room=room
    )


WHOLE = build(1_000_000)


@settings(max_examples=20)
@given(room=st.integers(0, WHOLE.size + 10))
def test_a_table_takes_no_more_room_than_there_is(room: int) -> None:
    table = build(room)
    assert table.size <= room
    assert WHOLE.size == table.size + table.excess
    # A state is in all of its families, or in none.
    kept = {series.uuid for series in table.values}
    of_quantity = {s.series.uuid for series in table.typed.values() for s in series}
    named = {s.series.uuid for series in table.named.values() for s in series}
    assert kept >= of_quantity | named
    for whole, part in ((WHOLE.typed, table.typed), (WHOLE.named, table.named)):
        expected = {s.series for series in whole.values() for s in series if s.series.uuid in kept}
        assert expected == {s.series for series in part.values() for s in series}


@pytest.mark.parametrize("limit", [1, EACH - 1, 2 * EACH, 10 * EACH - 1, 10 * EACH])
async def test_a_scrape_has_no_more_series_than_the_limit(
    limit: int, caplog: pytest.LogCaptureFixture
) -> None:
    config, state = configure({"max_series": limit}), lamps()
    collector = LoxoneCollector(config, [state])
    for _ in range(2):
        found = await collected(collector)
        assert len(samples_of_controls(found)) == found.value(SERIES) <= limit
        assert 10 * EACH - found.value(SERIES) == found.value(EXCESS)
    told = [message for message in caplog.messages if "max_series" in message]
    assert (0 if limit == 10 * EACH else 1) == len(told)
    assert all(f"max_series = {limit}" in message and "of home" in message for message in told)


async def test_each_name_of_a_named_state_is_a_series() -> None:
    state = connected(house_of("Alarm", ("level",)), values={1: 1.0})
    series = (await scrape([state])).value(SERIES)
    names = len((await scrape([state])).samples("loxone_alarm_level"))
    assert 2 + names == series
    full = await scrape([state], configure({"max_series": int(series)}))
    assert (series, 0) == (full.value(SERIES), full.value(EXCESS))
    less = await scrape([state], configure({"max_series": int(series) - 1}))
    assert (1, series - 1) == (less.value(SERIES), less.value(EXCESS))


async def test_all_miniservers_share_the_limit() -> None:
    home, barn = lamps("home"), lamps("barn")
    collector = LoxoneCollector(configure({"max_series": 15 * EACH}), [home, barn])
    found = await collected(collector)
    assert {"home": 10 * EACH, "barn": 5 * EACH} == found.values(SERIES, "miniserver")
    assert {"home": 0, "barn": 5 * EACH} == found.values(EXCESS, "miniserver")
    assert 15 * EACH == len(samples_of_controls(found))
    # Who has less to show leaves room for others, as soon as those are looked at anew.
    change_structure(home, structure(control(1, "Lamp 1")), {1: 1.0})
    change_structure(barn, structure(*HOUSE.controls), dict.fromkeys(range(1, 11), 1.0))
    found = await collected(collector)
    assert {"home": EACH, "barn": 10 * EACH} == found.values(SERIES, "miniserver")
    assert {"home": 0, "barn": 0} == found.values(EXCESS, "miniserver")


async def test_a_higher_limit_brings_everything_back() -> None:
    state = lamps()
    collector = LoxoneCollector(configure({"max_series": 7}), [state])
    await collected(collector)
    collector.replace(configure(), [state])
    found = await collected(collector)
    assert (10 * EACH, 0) == (found.value(SERIES), found.value(EXCESS))


async def test_who_was_faster_keeps_the_room() -> None:
    """Two scrapes at a time may be at work on two Miniservers."""
    house = structure(*(control(number, f"Lamp {number}") for number in range(1, 201)))
    states = [connected(house, name=name) for name in ("home", "barn")]
    config = configure({"max_series": 200 * EACH + 7})
    collector = LoxoneCollector(config, states)
    home, barn = collector._miniservers
    slow = home.steps(collector._plan)
    next(slow)
    for _ in barn.steps(collector._plan):
        pass
    assert 200 * EACH == barn.size
    for _ in slow:
        pass
    assert 7 >= home.size > 0


async def test_a_reload_takes_no_room_from_a_scrape_that_has_begun(
    caplog: pytest.LogCaptureFixture,
) -> None:
    house = structure(*(control(number, f"Lamp {number}") for number in range(1, 201)))
    states = [connected(house, values=dict.fromkeys(range(1, 201), 1.0))]
    config = configure({"max_series": 200 * EACH})
    collector = LoxoneCollector(config, states)
    begun = collector.families()
    next(begun)
    collector.replace(config, states)
    await collected(collector)
    (values,) = (f for f in begun if f is not None and f.name == "loxone_control_value")
    assert 200 == len(values.samples)
    assert "max_series" not in caplog.text
