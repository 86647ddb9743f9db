"""What becomes of the demo house, compared with what was expected before any code decided it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from loxone_exporter.loxone.structure import parse_structure
from loxone_exporter.metrics.counted import counted_states
from loxone_exporter.metrics.exposition import Format
from loxone_exporter.simulator.demo import DemoHouse
from loxone_exporter.state import ConnectionState, MiniserverState
from support.collected import configure, scrape
from support.expectations import Expected, expected_states, numbers_sent
from support.scrapes import Scrape


NOON, NIGHT = (datetime(2026, 3, 14, hour, tzinfo=UTC) for hour in (12, 2))

EXPECTED = list(expected_states())

DIGITAL = {"bool", "inverted", "nonzero"}


def is_pulse(state: Expected) -> bool:
    """Whether it is on for a moment only, which is why it has no quantity."""
    last = state.labels["subcontrol"].rpartition("/")[2]
    return (state.labels["type"], last) in {
        ("Pushbutton", "active"),
        ("Intercom", "bell"),
        ("IntercomV2", "bell"),
        ("PulseAt", "isActive"),
    }


async def scraped(house: DemoHouse, **metrics: object) -> Scrape:
    state = MiniserverState(name="demo", connection=ConnectionState.CONNECTED)
    state.replace_structure(parse_structure(house.structure))
    state.apply_values(house.values.items())
    return await scrape([state], configure(metrics), Format.OPENMETRICS)


def index_of(scrape: Scrape) -> dict[tuple[tuple[str, str], ...], dict[str, float]]:
    """Names and values of samples by their labels, those of states."""
    index: dict[tuple[tuple[str, str], ...], dict[str, float]] = {}
    for family in scrape.families:
        for sample in family.samples:
            labels = {
                name: value
                for name, value in sample.labels.items()
                if not (sample.name == "loxone_energy_flow_node_info" and name in {"node", "role"})
            }
            if "subcontrol" in labels:
                key = tuple(sorted(labels.items()))
                assert sample.name not in index.setdefault(key, {})
                index[key][sample.name] = sample.value
    return index


@pytest.mark.parametrize("now", [NOON, NIGHT])
@pytest.mark.parametrize("optional", [False, True])
async def test_every_state_becomes_what_its_owner_expects(now: datetime, optional: bool) -> None:  # noqa: FBT001  # pytest passes by position
    house = DemoHouse(now=now)
    values = numbers_sent(house)
    assert len(EXPECTED) == len(values) > 900
    index = index_of(await scraped(house, optional_quantities=optional))
    for state, value in zip(EXPECTED, values, strict=True):
        samples = index.pop(tuple(sorted({"miniserver": "demo", **state.labels}.items())), {})
        samples.pop("loxone_energy_flow_node_info", None)
        plain = {} if state.is_private else {"loxone_control_value": value}
        shown = state.value(value) if state.family and (optional or not state.is_optional) else None
        typed = {} if shown is None else {state.family: pytest.approx(shown, rel=1e-12)}
        assert plain | typed == samples, state
    assert {} == index


async def test_the_expectation_covers_what_is_ambiguous() -> None:
    families = Counter(state.family for state in EXPECTED)
    units = Counter(state.unit for state in EXPECTED if state.family)
    for family in (
        "loxone_humidity_ratio",
        "loxone_soil_moisture_ratio",
        "loxone_storage_charge_target_ratio",
        "loxone_wind_direction_degrees",
        "loxone_dew_point_celsius",
    ):
        assert families[family]
    assert units["%"] > 20
    assert len(families) > 120


async def test_digital_states_and_pulses_are_counted() -> None:
    house = DemoHouse(now=NOON)
    state = MiniserverState(
        name="demo", connection=ConnectionState.CONNECTED, counted_states=counted_states
    )
    state.replace_structure(parse_structure(house.structure))
    state.apply_values(house.values.items())
    found = await scrape([state])
    digital = [
        sorted({"miniserver": "demo", **each.labels}.items())
        for each in EXPECTED
        if each.unit in DIGITAL or is_pulse(each)
    ]
    assert len(digital) > 150
    for name in ("loxone_control_activations_total", "loxone_control_on_seconds_total"):
        counted = [sorted(sample.labels.items()) for sample in found.samples(name)]
        assert sorted(digital) == sorted(counted)


async def test_nodes_of_an_energy_flow_have_names_and_roles() -> None:
    nodes = (await scraped(DemoHouse(now=NOON))).samples("loxone_energy_flow_node_info")
    by_state = {node.labels["subcontrol"]: node.labels for node in nodes}
    assert [f"actual{number}" for number in range(8)] == sorted(by_state)
    assert ("Netz", "grid") == (by_state["actual0"]["node"], by_state["actual0"]["role"])
    assert ("Hausspeicher", "storage") == (
        by_state["actual2"]["node"],
        by_state["actual2"]["role"],
    )
    assert {"Energiefluss"} == {node.labels["name"] for node in nodes}


async def test_without_quantities_only_plain_values_are_there() -> None:
    names = {name for name, _ in (await scraped(DemoHouse(now=NOON), quantities=False)).series()}
    controls = {name for name in names if not name.startswith(("loxone_exporter", "loxone_mini"))}
    assert {"loxone_control_info", "loxone_control_value"} == {
        name for name in controls if name.startswith("loxone_")
    }


async def test_without_plain_values_the_quantities_stay() -> None:
    found = await scraped(DemoHouse(now=NOON), control_value=False)
    assert [] == found.samples("loxone_control_value")
    assert len(found.samples("loxone_temperature_celsius")) > 10
    exported = found.value("loxone_exporter_controls_exported")
    assert 70 < exported < found.value("loxone_exporter_controls_discovered")
