"""What people see is what a scrape shows: all of it, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator
from datetime import UTC, datetime
from typing import TypeVar

import pytest

from benchmarks.house import InventedHouse
from loxone_exporter.config.model import FilterConfig
from loxone_exporter.loxone.structure import parse_structure
from loxone_exporter.metrics.collector import LoxoneCollector
from loxone_exporter.metrics.counted import counted_states
from loxone_exporter.metrics.exposition import Format
from loxone_exporter.metrics.inventory import Inventory, count_series, take_inventory
from loxone_exporter.metrics.share import Share
from loxone_exporter.simulator.demo import DemoHouse
from loxone_exporter.simulator.house import House
from loxone_exporter.state import ConnectionState, MiniserverState
from support.collected import collected, configure, connected
from support.pages import hostile_house
from support.scrapes import Scrape
from support.structures import control, structure


Result = TypeVar("Result")
Key = tuple[str, frozenset[tuple[str, str]]]

# Families about the exporter's work, and about the link to a Miniserver.
ABOUT_THE_LINK = (
    "loxone_exporter_",
    "loxone_miniserver_info",
    "loxone_miniserver_structure_timestamp_seconds",
    "loxone_miniserver_clock_offset_seconds",
    "process_",
    "python_",
)


def at_once(work: Generator[None, None, Result]) -> Result:
    """The result of work in steps."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: Result = end.value
            return result


def lived_in(house: House, name: str) -> MiniserverState:
    state = MiniserverState(
        name=name, connection=ConnectionState.CONNECTED, counted_states=counted_states
    )
    state.replace_structure(parse_structure(house.structure))
    state.begin_dump()
    state.apply_values(house.values.items())
    state.apply_texts(house.texts.items())
    state.apply_daytimers(house.daytimers)
    state.apply_weather(house.weather)
    state.end_dump()
    state.mark_received()
    return state


def demo() -> MiniserverState:
    return lived_in(DemoHouse(now=datetime(2026, 3, 14, 12, tzinfo=UTC)), "home")


def invented() -> MiniserverState:
    return lived_in(InventedHouse(100), "home")


def hostile() -> MiniserverState:
    texts = dict.fromkeys(range(200), "a <text>")
    values = dict.fromkeys(range(200), 1.0)
    return connected(hostile_house(), values=values, texts=texts, counted_states=counted_states)


def share_of(collector: LoxoneCollector, name: str = "home") -> Share:
    (share,) = filter(None, collector.shares([name]))
    return share


def inventory_of(collector: LoxoneCollector, words: Collection[str] = ()) -> Inventory:
    return at_once(take_inventory(share_of(collector), words))


def scraped(scrape: Scrape, miniserver: str) -> dict[Key, float]:
    """All samples of a Miniserver but those about the link to it."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in scrape.families
        for sample in family.samples
        if sample.labels.get("miniserver") == miniserver
        and not sample.name.startswith(ABOUT_THE_LINK)
    }


def holding_of(samples: dict[Key, float], metric: str, labels: dict[str, str]) -> dict[str, float]:
    """The samples of one state's family of named states, by name."""
    wanted = set(labels.items())
    return {
        dict(found)["state"]: value
        for (name, found), value in samples.items()
        if name == metric and {pair for pair in found if pair[0] != "state"} == wanted
    }


@pytest.mark.parametrize(
    ("make", "metrics"),
    [
        (demo, {}),
        (demo, {"text_values": True, "weather_forecast": True, "optional_quantities": True}),
        (invented, {"control_value": False}),
        (hostile, {"uuid_label": True, "activations": False}),
        (hostile, {"text_values": True}),
    ],
    ids=["demo", "everything", "quantities", "uuids", "hostile"],
)
async def test_it_is_what_a_scrape_shows(
    make: Callable[[], MiniserverState], metrics: dict[str, bool]
) -> None:
    collector = LoxoneCollector(configure(metrics), [invented_elsewhere(), make()])
    samples = scraped(await collected(collector, Format.TEXT), "home")
    inventory = inventory_of(collector)
    assert len(samples) == inventory.samples == at_once(count_series(share_of(collector)))
    shown = [*inventory.own, *(each for it in inventory.controls for each in it.series)]
    for series in shown:
        if series.holding is None:
            key = (series.metric, frozenset(series.labels.items()))
            if series.unit != "seconds":  # what grows with time has grown since
                assert samples[key] == pytest.approx(series.value)
            del samples[key]
        else:
            found = holding_of(samples, series.metric, series.labels)
            assert series.holding == [name for name, value in found.items() if value]
            for name in found:
                labels = {**series.labels, "state": name}
                del samples[series.metric, frozenset(labels.items())]
    assert {} == samples


def invented_elsewhere() -> MiniserverState:
    return lived_in(InventedHouse(20, number=2), "elsewhere")


async def test_what_is_left_out_is_not_there() -> None:
    house = structure(
        control(1, "Lamp", room="Kitchen"),
        control(2, "Alarm", type_="Alarm", states={"armed": 2}),
        control(3, "Code", type_="NfcCodeTouch", states={"lastcode": 3, "historyDate": 4}),
        control(4, "Safe", room="Cellar"),
    )
    state = connected(
        house, values=dict.fromkeys(range(1, 5), 1.0), texts=dict.fromkeys(range(1, 5), "0815")
    )
    filter_ = FilterConfig(exclude_classes=("alarm",), exclude_rooms=("Cellar",))
    collector = LoxoneCollector(configure({"text_values": True}, filter_), [state])
    inventory = inventory_of(collector)
    names = [each.name for each in inventory.controls]
    assert ["Code", "Lamp"] == names
    states = {series.labels.get("subcontrol") for it in inventory.controls for series in it.series}
    assert "lastcode" not in states
    assert {"active", None} <= states


async def test_nothing_is_there_of_a_miniserver_that_is_gone() -> None:
    state = demo()
    collector = LoxoneCollector(configure({"stale_after": 0.0}), [state])
    assert share_of(collector).fresh
    assert inventory_of(collector).samples > 1000
    state.connection = ConnectionState.BACKOFF
    share, inventory = share_of(collector), inventory_of(collector)
    assert not share.fresh
    assert (0, 0, []) == (inventory.samples, share.exported, inventory.controls)
    assert 128 == share.discovered


async def test_controls_are_in_the_order_of_rooms_and_names() -> None:
    house = structure(
        control(1, "b", room=""),
        control(2, "Z", room="attic"),
        control(3, "a", room="Attic"),
        control(6, "zz", room="attic"),
        control(4, "Ä", room="Bath"),
        control(5, "z", room="Bath"),
    )
    collector = LoxoneCollector(configure(), [connected(house)])
    found = [(each.room, each.name) for each in inventory_of(collector).controls]
    assert [
        ("Attic", "a"),
        ("attic", "Z"),
        ("attic", "zz"),
        ("Bath", "z"),
        ("Bath", "Ä"),
        ("", "b"),
    ] == found


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ([], ["Heating", "Lamp"]),
        (["kitchen"], ["Heating", "Lamp"]),
        (["kitchen", "lamp"], ["Lamp"]),
        (["dimmer"], ["Lamp"]),
        (["spots/pos"], ["Lamp"]),
        (["tempactual"], ["Heating"]),
        (["loxone_temperature_celsius"], ["Heating"]),
        (["climate", "heat"], ["Heating"]),
        (["lamp", "tempactual"], []),
        (["celsius", "nothing"], []),
    ],
)
async def test_words_are_sought(words: list[str], names: list[str]) -> None:
    spots = control(3, "Spots", type_="Dimmer", states={"position": 3})
    house = structure(
        control(1, "Lamp", parts=(spots,)),
        control(
            2, "Heating", type_="IRoomControllerV2", category="Climate", states={"tempActual": 2}
        ),
    )
    state = connected(house, values=dict.fromkeys(range(1, 4), 1.0))
    found = inventory_of(LoxoneCollector(configure(), [state]), words).controls
    assert names == [each.name for each in found if not each.missing]


async def test_it_is_read_in_steps() -> None:
    collector = LoxoneCollector(configure(), [invented()])
    steps = take_inventory(share_of(collector), ())
    assert sum(1 for _ in steps) >= inventory_of(collector).samples // 500
