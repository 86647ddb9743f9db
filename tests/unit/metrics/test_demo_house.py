"""What becomes of the demo house, compared with what was expected before any code decided it."""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import UTC, datetime

import pytest
import trio

from loxone_exporter.loxone.structure import parse_structure
from loxone_exporter.metrics.counted import counted_states
from loxone_exporter.metrics.exposition import Format
from loxone_exporter.simulator.demo import DemoHouse
from loxone_exporter.state import ConnectionState, MiniserverState
from support.collected import configure, scrape
from support.expectations import Expected, expected_states, numbers_sent
from support.named_states import NAMED_STATES, find_named_state
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


async def scraped(
    house: DemoHouse, format_: Format = Format.OPENMETRICS, **metrics: object
) -> Scrape:
    state = MiniserverState(name="demo", connection=ConnectionState.CONNECTED)
    state.replace_structure(parse_structure(house.structure))
    state.apply_values(house.values.items())
    state.apply_texts(house.texts.items())
    state.apply_weather(house.weather)
    return await scrape([state], configure(metrics), format_)


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
            if "subcontrol" in labels and "state" not in labels:
                key = tuple(sorted(labels.items()))
                assert sample.name not in index.setdefault(key, {})
                index[key][sample.name] = sample.value
    return index


def index_of_states(
    scrape: Scrape, families: set[str]
) -> dict[tuple[tuple[str, str], ...], dict[str, dict[str, float]]]:
    """What holds, by the labels of states and by family."""
    index: dict[tuple[tuple[str, str], ...], dict[str, dict[str, float]]] = {}
    for family in families:
        for sample in scrape.samples(family):
            state = sample.labels.pop("state")
            of_state = index.setdefault(tuple(sorted(sample.labels.items())), {})
            assert state not in of_state.setdefault(family, {})
            of_state[family][state] = sample.value
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


@pytest.mark.parametrize("now", [NOON, NIGHT])
@pytest.mark.parametrize("optional", [False, True])
async def test_codes_have_the_names_of_the_reference(now: datetime, optional: bool) -> None:  # noqa: FBT001  # pytest passes by position
    house = DemoHouse(now=now)
    found = await scraped(house, optional_quantities=optional)
    index = index_of_states(found, {row.family for row in NAMED_STATES.values()})
    compared = Counter[str]()
    for state, value in zip(EXPECTED, numbers_sent(house), strict=True):
        row = find_named_state(state.labels["type"], state.labels["subcontrol"])
        samples = index.pop(tuple(sorted({"miniserver": "demo", **state.labels}.items())), {})
        if row is None or (row.is_optional and not optional):
            assert {} == samples, state
        else:
            assert {row.family: row.samples(value)} == samples, state
            compared[row.family] += 1
    assert {} == index
    assert len(compared) > 40
    assert 0 == found.value("loxone_exporter_unknown_codes")


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


async def test_what_the_house_tells_of_itself() -> None:
    found = await scraped(DemoHouse(now=NOON))
    # 14 March 2026 is a Saturday; the sun rises at 07:01 and sets at 18:29 there.
    modes = found.values("loxone_miniserver_operating_mode", "state")
    assert ["saturday"] == [mode for mode, value in modes.items() if value]
    assert {"own_1", "own_4", "heating_period", "holiday"} < set(modes)
    titles = {
        sample.labels["state"]: sample.labels["title"]
        for sample in found.samples("loxone_miniserver_operating_mode_title_info")
    }
    assert set(modes) == set(titles)
    assert ("Saturday", "Noční klid") == (titles["saturday"], titles["own_3"])
    assert 421 * 60 == found.value("loxone_miniserver_sunrise_seconds")
    assert 1109 * 60 == found.value("loxone_miniserver_sunset_seconds")
    assert 1 == found.value("loxone_miniserver_internet_reachable")
    assert NOON.timestamp() == found.value("loxone_miniserver_messages_changed_timestamp_seconds")


async def test_weather_of_the_house() -> None:
    # Typed from what the house sends at noon: 4.5 °, feels like 3.1 °, dew point -1.2 °, 67 %,
    # 14.8 km/h from 273 degrees, dry, 1011.3 hPa, 307 W/m², mostly cloudy.
    expected = {
        "temperature_celsius": 4.5,
        "perceived_temperature_celsius": 3.1,
        "dew_point_celsius": -1.2,
        "humidity_ratio": 0.67,
        "wind_speed_meters_per_second": 14.8 / 3.6,
        "wind_direction_degrees": 273.0,
        "precipitation_meters": 0.0,
        "pressure_pascals": 101_130.0,
        "irradiance_watts_per_square_meter": 307.0,
        "type": 4.0,
        "type_title_info": 1.0,
        "last_update_timestamp_seconds": NOON.timestamp(),
    }
    found = await scraped(DemoHouse(now=NOON))
    begin = "loxone_weather_"
    names = {name for name, _ in found.series() if name.startswith(begin)}
    assert {begin + name for name in expected} == names
    for name, value in expected.items():
        assert pytest.approx(value) == found.value(begin + name)
    (title,) = found.samples("loxone_weather_type_title_info")
    assert {"miniserver": "demo", "code": "4", "title": "Mostly cloudy"} == title.labels


async def test_forecast_of_the_house() -> None:
    found = await scraped(DemoHouse(now=NOON), weather_forecast=True)
    hours = {str(hour) for hour in range(1, 49)}
    temperatures = found.values("loxone_weather_forecast_temperature_celsius", "hours")
    assert hours == set(temperatures)
    assert 8.6 == temperatures["48"]
    assert len(found.series()) == len(set(found.series()))


async def test_promtool_has_nothing_to_say() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("there is no promtool here")
    found = await scraped(DemoHouse(now=NOON), Format.TEXT, weather_forecast=True)
    checked = await trio.run_process(
        [promtool, "check", "metrics"],
        stdin=found.body.encode(),
        capture_stdout=True,
        capture_stderr=True,
        check=False,
    )
    assert (0, b"") == (checked.returncode, checked.stdout + checked.stderr)


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


async def test_codes_have_the_names_that_the_house_gives_them() -> None:
    house = DemoHouse(now=NIGHT)
    found = await scraped(house)
    by_state = {
        sample.labels["state"]: sample.value
        for sample in found.samples("loxone_radio_output")
        if sample.labels["name"] == "Hausmodus"
    }
    assert {"Automatik": 0.0, "Zu Hause": 0.0, "Pryč": 0.0, "Schläft": 1.0} == by_state


async def test_moods_have_the_names_that_the_house_lists() -> None:
    house = DemoHouse(now=NOON)
    moods = (await scraped(house)).samples("loxone_light_mood")
    names = {sample.labels["name"] for sample in moods}
    assert len(names) > 5
    for name in names:
        of_one = [sample for sample in moods if sample.labels["name"] == name]
        assert 1.0 == sum(sample.value for sample in of_one), name
        assert {"manual", "off"} < {sample.labels["state"] for sample in of_one}


async def test_who_keeps_a_control_locked_is_told() -> None:
    locks = (await scraped(DemoHouse(now=NOON))).samples("loxone_lock_state")
    holding = {
        sample.labels["state"]: sample.labels["name"] for sample in locks if sample.value == 1.0
    }
    assert {"unlocked", "visualisation"} == set(holding)
    assert "Im Urlaub" not in str(locks)


async def test_schedules_go_by_the_operating_modes_of_the_house() -> None:
    house = DemoHouse(now=NOON)
    found = await scraped(house, optional_quantities=True)
    modes = found.samples("loxone_schedule_mode")
    assert {"saturday"} == {sample.labels["state"] for sample in modes if sample.value}
    assert {"own_1", "own_4", "holiday", "cooling_period"} < {
        sample.labels["state"] for sample in modes
    }
    assert [] == (await scraped(house)).samples("loxone_schedule_mode")
