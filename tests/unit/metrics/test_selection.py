"""Parts of a scrape: by families, and by Miniservers."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import Metric

from loxone_exporter.loxone.structure import parse_structure
from loxone_exporter.metrics.collector import LoxoneCollector
from loxone_exporter.metrics.exposition import Exposition, Format
from loxone_exporter.metrics.selection import EVERYTHING, Selection
from loxone_exporter.simulator.demo import DemoHouse
from loxone_exporter.state import ConnectionState, MiniserverState
from support.collected import configure


def selection(query: str) -> Selection:
    return Selection.parse(query)


def test_an_empty_query_selects_everything() -> None:
    for query in ("", "&", "x=1", "collect[]=cpu", "name", "miniserver"):
        found = selection(query)
        assert all(map(found.takes, (Metric("x", "", "gauge"), Metric("y", "", "counter"))))
    assert not EVERYTHING.names
    assert not EVERYTHING.miniservers


@pytest.mark.parametrize(
    ("query", "names", "miniservers"),
    [
        ("name[]=a", {"a"}, set()),
        ("name[]=a&name[]=b&name[]=a", {"a", "b"}, set()),
        ("name%5B%5D=a%5Fb", {"a_b"}, set()),
        ("miniserver=K%C3%BCche+1&name[]=a", {"a"}, {"Küche 1"}),
        ("miniserver=a&miniserver=b", set(), {"a", "b"}),
        ("name=a", set(), set()),
    ],
)
def test_queries_are_read(query: str, names: set[str], miniservers: set[str]) -> None:
    assert Selection(frozenset(names), frozenset(miniservers)) == selection(query)


@given(st.text())
def test_any_query_is_read_or_refused(query: str) -> None:
    try:
        found = selection(query)
    except ValueError:
        return
    assert isinstance(found.takes(Metric("x", "", "gauge")), bool)


@pytest.mark.parametrize(
    ("name", "kind", "wanted", "expected"),
    [
        ("x", "gauge", {"x"}, True),
        ("x", "gauge", {"x_total"}, False),
        ("x", "counter", {"x_total"}, True),
        ("x", "counter", {"x"}, True),
        ("x", "counter", {"x_info"}, False),
        ("x", "info", {"x_info"}, True),
        ("x", "histogram", {"x_bucket"}, True),
        ("x", "histogram", {"x_sum", "y"}, True),
        ("x", "summary", {"x_count"}, True),
        ("xy", "gauge", {"x"}, False),
    ],
)
def test_families_go_by_their_names_and_those_of_their_samples(
    name: str,
    kind: str,
    wanted: set[str],
    expected: bool,  # noqa: FBT001  # pytest passes by position
) -> None:
    assert expected is Selection(wanted).takes(Metric(name, "", kind))


async def scrape(exposition: Exposition, query: str, format_: Format = Format.TEXT) -> list[str]:
    body = await exposition.render(format_, selection=selection(query))
    return body.decode().splitlines()


def samples(lines: list[str]) -> list[str]:
    return [line for line in lines if not line.startswith("#")]


def connected(name: str) -> MiniserverState:
    house = DemoHouse(now=datetime(2026, 3, 14, 12, tzinfo=UTC))
    state = MiniserverState(name=name, connection=ConnectionState.CONNECTED)
    state.replace_structure(parse_structure(house.structure))
    state.apply_values(house.values.items())
    return state


@pytest.fixture
async def exposition() -> Exposition:
    collector = LoxoneCollector(configure(), [connected("home"), connected("barn")])
    return Exposition.of(collector)


async def test_one_miniserver_has_its_own_lines_of_the_whole(exposition: Exposition) -> None:
    whole = samples(await scrape(exposition, ""))
    parts = {
        name: samples(await scrape(exposition, f"miniserver={name}")) for name in ("home", "barn")
    }
    for name, lines in parts.items():
        assert lines == [line for line in whole if f'miniserver="{name}"' in line]
        assert len(lines) > 1000
    without = [line for line in whole if 'miniserver="' not in line]
    assert sorted(whole) == sorted([*parts["home"], *parts["barn"], *without])
    assert any(line.startswith("process_cpu") for line in without)


@pytest.mark.parametrize("format_", Format)
async def test_names_select_whole_families(exposition: Exposition, format_: Format) -> None:
    names = (
        "loxone_temperature_celsius",
        "loxone_energy_import_joules_total",
        "loxone_control_info",
        "process_cpu_seconds",
        "loxone_exporter_up",
    )
    query = "&".join(f"name[]={name}" for name in names)
    lines = await scrape(exposition, query, format_)
    found = {re.split(r"[{ ]", line)[0] for line in samples(lines)}
    assert {*names[:3], "process_cpu_seconds_total", "loxone_exporter_up"} == found
    whole = await scrape(exposition, "", format_)
    constant = [line for line in lines if not line.startswith("process_cpu_seconds_total")]
    assert set(constant) <= set(whole)
    if format_ is Format.OPENMETRICS:
        assert "# EOF" == lines[-1]


async def test_both_together(exposition: Exposition) -> None:
    lines = samples(await scrape(exposition, "miniserver=barn&name[]=loxone_exporter_connected"))
    assert ['loxone_exporter_connected{miniserver="barn"} 1.0'] == lines


async def test_what_nobody_has_is_an_empty_scrape(exposition: Exposition) -> None:
    assert [] == await scrape(exposition, "name[]=nothing")
    assert ["# EOF"] == await scrape(exposition, "name[]=nothing", Format.OPENMETRICS)
