from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loxone_exporter.config.model import FilterConfig, MetricsConfig, MetricType, OverrideConfig
from loxone_exporter.loxone.structure import Structure, parse_structure
from loxone_exporter.metrics.names import NameRegistry
from loxone_exporter.metrics.overrides import find_conflicts
from loxone_exporter.metrics.places import Plan, find_places
from loxone_exporter.metrics.series import SeriesTable
from support.series import build_series
from support.structures import control, key, structure


def build(
    house: Structure, *overrides: OverrideConfig, filter_config: FilterConfig | None = None
) -> SeriesTable:
    plan = Plan.compile(MetricsConfig(), filter_config or FilterConfig(), overrides)
    return build_series(house, miniserver="home", registry=NameRegistry(), plan=plan)


def labels(table: SeriesTable, *names: str) -> list[tuple[str, ...]]:
    return [tuple(series.labels[name] for name in names) for series in table.values]


def typed(table: SeriesTable) -> dict[str, list[str]]:
    """The states in each family."""
    return {
        family.sample_name: [one.series.labels["subcontrol"] for one in series]
        for family, series in table.typed.items()
    }


PART = control("part", "Spots", type_="Dimmer", states={"position": 3})
ELSEWHERE = control("other", "Fan", type_="Switch", room="Bath", states={"active": 4})
HOUSE = structure(
    control(1, "Lights", parts=(PART, ELSEWHERE)), control(2, "Gate", states={"active": 2})
)


def test_a_control_and_its_parts_get_another_name_and_room() -> None:
    table = build(HOUSE, OverrideConfig(names=("Lights",), name="Licht", room="Hall"))
    assert [
        ("Licht", "Hall", "active"),
        ("Licht", "Hall", "Spots/position"),
        ("Licht", "Bath", "Fan/active"),
        ("Gate", "Kitchen", "active"),
    ] == labels(table, "name", "room", "subcontrol")


def test_a_room_can_be_taken_away() -> None:
    table = build(HOUSE, OverrideConfig(names=("*",), room=""))
    assert {("",), ("Bath",)} == set(labels(table, "room"))


def test_names_that_overrides_make_equal_are_told_apart() -> None:
    table = build(HOUSE, OverrideConfig(types=("Switch",), name="Thing"))
    assert {"Thing", f"Thing ({key(2)})"} == {name for (name,) in labels(table, "name")}
    assert () == table.duplicates


def test_filters_see_what_overrides_say() -> None:
    override = OverrideConfig(names=("Gate",), name="Tor")
    by_new = build(HOUSE, override, filter_config=FilterConfig(include_names=("Tor",)))
    assert [("Tor", "active")] == labels(by_new, "name", "subcontrol")
    by_old = build(HOUSE, override, filter_config=FilterConfig(include_names=("Gate",)))
    assert () == by_old.values


def test_overrides_see_what_the_structure_file_says() -> None:
    rename = OverrideConfig(names=("Gate",), name="Tor")
    table = build(HOUSE, rename, OverrideConfig(names=("Tor",), drop=True))
    assert 4 == len(table.values)
    table = build(HOUSE, rename, OverrideConfig(names=("Gate",), drop=True))
    assert 3 == len(table.values)


def test_the_last_table_that_says_something_wins() -> None:
    table = build(
        HOUSE,
        OverrideConfig(names=("Gate",), name="First", room="Garage"),
        OverrideConfig(names=("G*",), name="Second"),
    )
    assert ("Second", "Garage") == labels(table, "name", "room")[-1]


def test_a_control_is_dropped_with_its_parts() -> None:
    table = build(HOUSE, OverrideConfig(names=("Lights",), types=("Switch",), drop=True))
    assert [("Gate", "active")] == labels(table, "name", "subcontrol")
    assert 1 == len(table.controls)
    assert {"loxone_switch_active": ["active"]} == typed(table)


def test_a_later_table_takes_a_drop_back() -> None:
    everything = OverrideConfig(types=("*",), drop=True)
    table = build(HOUSE, everything, OverrideConfig(uuids=("part",), drop=False))
    assert [("Spots/position",)] == labels(table, "subcontrol")
    assert () == table.controls
    states = OverrideConfig(states=("*",), drop=True)
    table = build(HOUSE, states, OverrideConfig(states=("position",), drop=False))
    assert [("Spots/position",)] == labels(table, "subcontrol")


def test_what_is_dropped_is_in_no_family() -> None:
    table = build(HOUSE, OverrideConfig(states=("active",), drop=True))
    assert [("Spots/position",)] == labels(table, "subcontrol")
    assert {"loxone_light_level_ratio": ["Spots/position"]} == typed(table)
    assert 2 == len(table.controls)


def test_all_keys_of_a_table_must_match() -> None:
    override = OverrideConfig(names=("Lights",), types=("Switch",), states=("act*",), quantity="on")
    assert {
        "loxone_on": ["active", "Fan/active"],
        "loxone_light_level_ratio": ["Spots/position"],
        "loxone_switch_active": ["active"],
    } == typed(build(HOUSE, override))


def test_parts_are_matched_by_their_own_key_and_path() -> None:
    for override in (
        OverrideConfig(uuids=("part",), quantity="spots"),
        OverrideConfig(states=("Spots/position",), quantity="spots"),
        OverrideConfig(types=("Dimmer",), rooms=("kitchen",), quantity="spots"),
    ):
        assert ["Spots/position"] == typed(build(HOUSE, override))["loxone_spots_ratio"]


def test_without_overrides_of_names_the_structure_stays_as_it_is() -> None:
    plan = Plan.compile(MetricsConfig(), FilterConfig(), (OverrideConfig(types=("*",), drop=True),))
    assert plan.overrides.rename(HOUSE) is HOUSE


METER_AND_MORE = parse_structure(
    json.dumps(
        {
            "controls": {
                key(number): {"name": name, "type": type_, "states": states, "details": details}
                for number, (name, type_, states, details) in enumerate(
                    (
                        (
                            "M",
                            "Meter",
                            {"actual": key(11), "total": key(12), "totalDay": key(13)},
                            {"actualFormat": "%.3fkW", "totalFormat": "%.1fkWh"},
                        ),
                        ("V", "InfoOnlyAnalog", {"value": key(14)}, {"format": "%.1f"}),
                        ("E", "InfoOnlyAnalog", {"value": key(15)}, {"format": "%.1f kWh"}),
                        ("S", "Slider", {"value": key(16)}, {"format": "%.0f min"}),
                        ("H", "Hourcounter", {"total": key(17), "remaining": key(18)}, {}),
                        ("A", "AlarmClock", {"nextEntryTime": key(19)}, {}),
                    )
                )
            }
        }
    )
)


def test_an_own_quantity_of_a_whole_meter() -> None:
    table = build(METER_AND_MORE, OverrideConfig(names=("M",), quantity="heat_pump"))
    assert {
        "loxone_heat_pump_watts": ["actual"],
        "loxone_heat_pump_joules_total": ["total"],
        "loxone_heat_pump_reading_joules": ["totalDay"],
    } == {name: states for name, states in typed(table).items() if "heat_pump" in name}


def test_a_table_that_says_counter_makes_none_of_another_unit() -> None:
    types: tuple[MetricType | None, ...] = (None, "gauge")
    for type_ in types:
        table = build(
            METER_AND_MORE,
            OverrideConfig(states=("total",), quantity="heat_pump", metric_type="counter"),
            OverrideConfig(states=("actual",), quantity="heat_pump", metric_type=type_),
            OverrideConfig(names=("S", "V"), quantity="heat_pump", metric_type=type_),
        )
        assert {
            "loxone_heat_pump_watts",
            "loxone_heat_pump_joules_total",
            "loxone_heat_pump_seconds_total",
            "loxone_heat_pump_reading_seconds",
            "loxone_heat_pump_reading",
        } == {name for name in typed(table) if "heat_pump" in name}


OVERRIDES = st.builds(
    OverrideConfig,
    names=st.sampled_from([("*",), ("M",), ("V", "E"), ("S",)]),
    states=st.sampled_from([(), ("total*",), ("value",), ("actual",)]),
    quantity=st.sampled_from(
        [None, "x", "x_reading", "x_reading_reading", "x_timestamp", "energy", "energy_reading"]
    ),
    unit=st.sampled_from([None, "", "kWh", "W", "m³", "min", "°C"]),
    metric_type=st.sampled_from([None, "gauge", "counter"]),
)


@given(st.lists(OVERRIDES, max_size=4))
def test_one_name_is_one_family_whatever_the_tables_say(overrides: list[OverrideConfig]) -> None:
    names = [family.name for family in build(METER_AND_MORE, *overrides).typed]
    assert len(set(names)) == len(names)


def conflicts(**config: Any) -> list[str]:  # noqa: ANN401  # as OverrideConfig
    return list(find_conflicts([OverrideConfig(names=("x",)), OverrideConfig(**config)]))


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"quantity": "humidity", "unit": "W"}, "override[1]: there can be no 'humidity' in the"),
        ({"quantity": "humidity", "unit": ""}, "there can be no 'humidity' without a unit"),
        ({"quantity": "angle", "unit": "°C"}, "there can be no 'angle' in the unit '°C'"),
        ({"quantity": "lock_state", "unit": ""}, "there can be no 'lock_state' without a unit"),
        (
            {"quantity": "temperature", "metric_type": "counter"},
            "override[1].metric_type: of 'temperature' there is no counter",
        ),
        (
            {"quantity": "x", "unit": "W", "metric_type": "counter"},
            "of 'x' in the unit 'W' there is no counter",
        ),
        ({"unit": "W", "metric_type": "counter"}, "of a value in the unit 'W' there is no counter"),
    ],
)
def test_what_a_table_cannot_do_is_told(config: dict[str, Any], expected: str) -> None:
    (conflict,) = conflicts(**config)
    assert expected in conflict


@pytest.mark.parametrize(
    "config",
    [
        {"quantity": "humidity", "unit": "%"},
        {"quantity": "humidity"},
        {"quantity": "angle", "unit": "°"},
        {"quantity": "temperature", "unit": "°"},
        {"quantity": "temperature_difference", "unit": "K"},
        {"quantity": "money", "unit": "€"},
        {"quantity": "energy_price", "unit": "ct/kWh"},
        {"quantity": "energy", "unit": "kWh", "metric_type": "counter"},
        {"quantity": "cars", "metric_type": "counter"},
        {"quantity": "cars", "unit": "", "metric_type": "counter"},
        {"quantity": "", "unit": "W"},
        {"unit": "m³", "metric_type": "counter"},
        {"metric_type": "counter"},
        {"drop": True},
    ],
)
def test_what_goes_together_is_no_conflict(config: dict[str, Any]) -> None:
    assert [] == conflicts(**config)


def test_tables_that_say_something_are_known_by_their_index() -> None:
    plan = Plan.compile(
        MetricsConfig(),
        FilterConfig(),
        (
            OverrideConfig(names=("Lights",), room="Hall"),
            OverrideConfig(names=("Nobody",), drop=True),
            OverrideConfig(types=("Dimmer",), states=("nothing",), unit="%"),
            OverrideConfig(types=("Dimmer",), states=("position",), unit="%"),
            OverrideConfig(uuids=("part",), name="Spots"),
        ),
    )
    _, places = find_places(HOUSE, plan, NameRegistry())
    matched = {index for place in places for index in place.matched_overrides(plan.overrides)}
    assert {0, 3} == matched


def quantities(table: SeriesTable) -> Iterable[str]:
    return (family.quantity for family in table.typed)


def test_two_tables_may_say_two_things_of_one_state() -> None:
    table = build(
        HOUSE,
        OverrideConfig(types=("Dimmer",), quantity="brightness"),
        OverrideConfig(types=("Dimmer",), unit="lx"),
    )
    assert {"loxone_brightness_lux", "loxone_switch_active"} == set(typed(table))
    assert {"brightness", "switch_active"} == set(quantities(table))
