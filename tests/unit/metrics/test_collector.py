from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from loxone_exporter import __version__
from loxone_exporter.config.model import FilterConfig, OverrideConfig
from loxone_exporter.loxone.structure import Control, Structure, parse_structure
from loxone_exporter.loxone.uuids import StateUuid
from loxone_exporter.metrics import members
from loxone_exporter.metrics.collector import LoxoneCollector
from loxone_exporter.metrics.counted import counted_states
from loxone_exporter.metrics.exposition import Exposition, Format
from loxone_exporter.metrics.series import TypedSeries
from loxone_exporter.state import ConnectionState, MiniserverState, States
from loxone_exporter.state.miniserver import _Record
from loxone_exporter.vitals import Vitals
from support.collected import change_structure, collected, configure, connected, scrape
from support.houses import house_of
from support.scrapes import Sample, Scrape
from support.steps import do
from support.strategies import look_alikes
from support.structures import control, key, structure, uuid


HOUSE = structure(
    control(1, "Thermostat", type_="IRoomController", states={"tempActual": 11, "mode": 12}),
    control(2, "Lights", states={}, parts=(control("spots", "Spots", states={"position": 21}),)),
    control(3, "Silent"),
)


async def test_self_metrics_of_an_unreachable_miniserver() -> None:
    found = await scrape([MiniserverState(name="home")])
    connection = {state.value: float(state == "disconnected") for state in ConnectionState}
    assert 9 == len(connection)
    assert 1 == found.value("loxone_exporter_up")
    assert 0 == found.value("loxone_exporter_connected")
    assert connection == found.values("loxone_exporter_connection_state", "state")
    for count in (
        "controls_discovered",
        "controls_exported",
        "controls_renamed",
        "structure_problems",
        "unknown_states",
        "duplicate_series",
        "undecodable_messages_total",
        "non_finite_values_total",
    ):
        name = f"loxone_exporter_{count}"
        assert [Sample({"miniserver": "home"}, 0)] == found.samples(name)
    assert 0 == found.value("loxone_exporter_scrape_errors_total")
    assert 0 <= found.value("loxone_exporter_scrape_duration_seconds") < 5
    for absent in ("last_update_timestamp_seconds", "last_received_timestamp_seconds"):
        assert [] == found.samples(f"loxone_exporter_{absent}")
        assert f"loxone_exporter_{absent}" in found.headings()
    assert [] == found.samples("loxone_control_value")


BUILD_VARIABLES = tuple(f"LOXONE_EXPORTER_{name}" for name in ("VERSION", "COMMIT", "BUILD_DATE"))


async def test_build_info_of_a_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in BUILD_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    (info,) = (await scrape([])).samples("loxone_exporter_build_info")
    expected = {"version": __version__, "commit": "unknown", "build_date": "unknown"}
    assert expected == info.labels


async def test_build_info_of_an_image(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in zip(BUILD_VARIABLES, ("1.2.3", "0f86a2f", "2026-11-26"), strict=True):
        monkeypatch.setenv(variable, value)
    (info,) = (await scrape([])).samples("loxone_exporter_build_info")
    assert {"version": "1.2.3", "commit": "0f86a2f", "build_date": "2026-11-26"} == info.labels


async def test_build_info_that_an_image_leaves_empty_or_garbled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable, value in zip(BUILD_VARIABLES, ("", "\udcff", ""), strict=True):
        monkeypatch.setenv(variable, value)
    (info,) = (await scrape([])).samples("loxone_exporter_build_info")
    expected = {"version": __version__, "commit": "unknown", "build_date": "unknown"}
    assert expected == info.labels


@pytest.mark.parametrize("format_", Format)
async def test_process_and_interpreter_are_there_too(format_: Format) -> None:
    headings = (await scrape([], format_=format_)).headings()
    for name in ("python_info", "process_resident_memory_bytes"):
        assert name in headings


async def test_each_connection_state_is_one_of_the_set() -> None:
    for present in ConnectionState:
        found = await scrape([MiniserverState(name="home", connection=present)])
        states = found.values("loxone_exporter_connection_state", "state")
        assert [present.value] == [state for state, value in states.items() if value == 1]
        assert float(present == "connected") == found.value("loxone_exporter_connected")


async def test_connection_states_are_those_of_the_dashboards() -> None:
    expected = (
        "disconnected connecting authenticating discovering subscribing connected backoff rejected "
        "locked_out"
    )
    assert expected.split() == [state.value for state in ConnectionState]


async def test_times_of_updates_and_bytes() -> None:
    state = MiniserverState(name="home", now=lambda: 1767225600.25)
    state.mark_received()
    found = await scrape([state])
    assert 1767225600.25 == found.value("loxone_exporter_last_received_timestamp_seconds")
    assert [] == found.samples("loxone_exporter_last_update_timestamp_seconds")
    state.replace_structure(structure(control(1)))
    for nothing in ([], [(uuid(9), 1.0)]):
        state.apply_values(nothing)
        assert [] == (await scrape([state])).samples(
            "loxone_exporter_last_update_timestamp_seconds"
        )
    state.apply_values([(uuid(1), 1.0)])
    assert 1767225600.25 == (await scrape([state])).value(
        "loxone_exporter_last_update_timestamp_seconds"
    )


async def test_controls_are_exported_by_what_is_served() -> None:
    state = connected(HOUSE, values={11: 21.5, 12: -1000.0, 21: 0.0})
    without = configure({"control_value": False, "quantities": False})
    assert 0 == (await scrape([state], without)).value("loxone_exporter_controls_exported")
    typed = configure({"control_value": False})
    assert 1 == (await scrape([state], typed)).value("loxone_exporter_controls_exported")
    state.apply_texts([(uuid(11), "warm")])
    texts = configure({"control_value": False, "quantities": False, "text_values": True})
    assert 1 == (await scrape([state], texts)).value("loxone_exporter_controls_exported")


@pytest.mark.parametrize("format_", Format)
async def test_values_of_a_house(format_: Format) -> None:
    state = connected(HOUSE, values={11: 21.5, 12: -1000.0, 21: 0.0})
    found = await scrape([state], format_=format_)
    expected = {"tempActual": 21.5, "mode": -1000.0, "Spots/position": 0.0}
    assert expected == found.values("loxone_control_value")
    assert 3 == found.value("loxone_exporter_controls_discovered")
    assert 2 == found.value("loxone_exporter_controls_exported")
    labels = {
        "miniserver": "home",
        "name": "Thermostat",
        "room": "Kitchen",
        "category": "Lighting",
        "type": "IRoomController",
        "subcontrol": "tempActual",
    }
    assert Sample(labels, 21.5) in found.samples("loxone_control_value")


async def test_info_of_every_control() -> None:
    rows = (await scrape([connected(HOUSE)])).samples("loxone_control_info")
    assert [key(1), key(2), key(3)] == [row.labels["uuid"] for row in rows]
    assert {"miniserver", "name", "room", "category", "type", "uuid"} == set(rows[0].labels)
    assert {1.0} == {row.value for row in rows}


async def test_uuid_label_is_on_control_series_only_on_request() -> None:
    state = connected(structure(control(1), control(2)), values={1: 1.0, 2: 2.0}, texts={1: "on"})
    config = configure({"uuid_label": True, "text_values": True})
    found = await scrape([state], config)
    assert {key(1): 1.0, key(2): 2.0} == found.values("loxone_control_value", "uuid")
    assert {key(1): 1.0} == found.values("loxone_control_text_info", "uuid")
    names = {sample.labels["name"] for sample in found.samples("loxone_control_value")}
    assert {"Lamp"} == names
    assert 0 == found.value("loxone_exporter_controls_renamed")
    plain = await scrape([state])
    assert all("uuid" not in sample.labels for sample in plain.samples("loxone_control_value"))
    assert 1 == plain.value("loxone_exporter_controls_renamed")


async def test_values_can_be_switched_off() -> None:
    found = await scrape([connected(HOUSE, values={11: 21.5})], configure({"control_value": False}))
    assert "loxone_control_value" not in found.headings()
    assert 3 == len(found.samples("loxone_control_info"))


async def test_texts_are_there_on_request_and_cut_off() -> None:
    state = connected(HOUSE, texts={11: "Küche " * 10, 12: ""})
    assert [] == (await scrape([state])).samples("loxone_control_text_info")
    config = configure({"text_values": True, "text_max_length": 8})
    samples = (await scrape([state], config)).samples("loxone_control_text_info")
    texts = {sample.labels["subcontrol"]: sample.labels["value"] for sample in samples}
    assert {"tempActual": "Küche Kü", "mode": ""} == texts


async def test_shared_state_feeds_every_control() -> None:
    house = structure(
        control(1, "Meter", states={"actual": 9}), control(2, "Flow", states={"power": 9})
    )
    state = connected(house, values={9: 4.5})
    assert {"actual": 4.5, "power": 4.5} == (await scrape([state])).values("loxone_control_value")
    assert 2 == (await scrape([state])).value("loxone_exporter_controls_exported")


async def test_what_is_no_number_is_not_exported_and_counted() -> None:
    state = connected(HOUSE, values={11: math.nan, 12: math.inf, 21: 1.0})
    found = await scrape([state])
    assert {"Spots/position": 1.0} == found.values("loxone_control_value")
    assert 2 == found.value("loxone_exporter_non_finite_values_total")


async def test_filter_counts_only_what_it_lets_through() -> None:
    state = connected(HOUSE, values={11: 21.5, 21: 1.0})
    found = await scrape([state], configure(filter_=FilterConfig(exclude_names=("Lights",))))
    assert {"tempActual": 21.5} == found.values("loxone_control_value")
    assert 3 == found.value("loxone_exporter_controls_discovered")
    assert 1 == found.value("loxone_exporter_controls_exported")


async def test_filter_is_changed_without_a_renaming() -> None:
    state = connected(structure(control(1), control(2)), values={1: 1.0, 2: 2.0})
    name = f"Lamp ({key(2)})"
    for filter_ in (FilterConfig(), FilterConfig(exclude_uuids=(key(1),))):
        found = await scrape([state], configure(filter_=filter_))
        assert 2.0 == found.values("loxone_control_value", "name")[name]


async def test_structure_is_replaced_between_scrapes() -> None:
    state = connected(structure(control(5)), values={5: 5.0})
    exposition = Exposition.of(LoxoneCollector(configure(), [state]))

    async def names() -> dict[str, float]:
        return Scrape.read(await exposition.render(Format.TEXT), Format.TEXT).values(
            "loxone_control_value", "name"
        )

    assert {"Lamp": 5.0} == await names()
    change_structure(state, structure(control(1), control(5)), {1: 1.0, 5: 5.0})
    # The first holder of a name keeps it, even against a smaller UUID.
    assert {"Lamp": 5.0, f"Lamp ({key(1)})": 1.0} == await names()
    # What is gone vanishes at the next scrape, and its name is not taken over.
    change_structure(state, structure(control(1)), {1: 1.0})
    assert {f"Lamp ({key(1)})": 1.0} == await names()


async def test_values_go_stale(mock_clock: MockClock) -> None:
    state = connected(HOUSE, values={11: 21.5}, texts={12: "on"})
    state.mark_received()
    state.connection = ConnectionState.BACKOFF
    config = configure({"stale_after": 60.0, "text_values": True})
    families = ("loxone_control_value", "loxone_control_info", "loxone_control_text_info")
    mock_clock.jump(59.0)
    for family in families:
        assert [] != (await scrape([state], config)).samples(family)
    assert 1 == (await scrape([state], config)).value("loxone_exporter_controls_exported")
    mock_clock.jump(1.0)
    for family in families:
        assert [] == (await scrape([state], config)).samples(family)
    found = await scrape([state], config)
    assert 0 == found.value("loxone_exporter_controls_exported")
    assert 3 == found.value("loxone_exporter_controls_discovered")
    assert 1 == len(found.samples("loxone_exporter_last_received_timestamp_seconds"))


async def test_values_are_withdrawn_at_once_or_never(mock_clock: MockClock) -> None:
    state = connected(HOUSE, values={11: 21.5})
    state.mark_received()
    at_once, never = (configure({"stale_after": after}) for after in (0.0, math.inf))
    assert {"tempActual": 21.5} == (await scrape([state], at_once)).values("loxone_control_value")
    state.connection = ConnectionState.DISCONNECTED
    assert {} == (await scrape([state], at_once)).values("loxone_control_value")
    mock_clock.jump(1e6)
    assert {"tempActual": 21.5} == (await scrape([state], never)).values("loxone_control_value")


async def test_each_miniserver_has_its_own_label() -> None:
    first = connected(structure(control(1), control(2)), name="home", values={1: 1.0, 2: 2.0})
    second = connected(structure(control(1)), name="barn", values={1: 3.0})
    third = MiniserverState(name="away")
    found = await scrape([first, second, third])
    series = [
        (sample.labels["miniserver"], sample.labels["name"], sample.value)
        for sample in found.samples("loxone_control_value")
    ]
    expected = [("home", "Lamp", 1.0), ("home", f"Lamp ({key(2)})", 2.0), ("barn", "Lamp", 3.0)]
    assert expected == series
    connection = {"home": 1.0, "barn": 1.0, "away": 0.0}
    assert connection == found.values("loxone_exporter_connected", "miniserver")
    renamed = {"home": 1.0, "barn": 0.0, "away": 0.0}
    assert renamed == found.values("loxone_exporter_controls_renamed", "miniserver")


class OddStructure(Structure):
    """Something about it that nobody has thought of."""

    def walk(self) -> Iterator[Control]:
        raise ZeroDivisionError


async def test_fault_in_one_house_does_not_cost_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    house = _Record(OddStructure("", (control(1),)))
    odd = MiniserverState(name="odd", connection=ConnectionState.CONNECTED, record=house)
    fine = connected(HOUSE, values={11: 21.5})
    collector = LoxoneCollector(configure(), [odd, fine])
    exposition = Exposition.of(collector)
    for errors in (1, 2):
        found = Scrape.read(await exposition.render(Format.TEXT), Format.TEXT)
        assert {"tempActual": 21.5} == found.values("loxone_control_value")
        assert {"odd": 1, "home": 1} == found.values("loxone_exporter_connected", "miniserver")
        assert errors == found.value("loxone_exporter_scrape_errors_total")
    by_uuid = LoxoneCollector(configure({"uuid_label": True}), [odd, fine])
    values = next(family for family in by_uuid.collect() if family.name == "loxone_control_value")
    assert [key(1)] == [sample.labels["uuid"] for sample in values.samples]
    assert "cannot make series of the structure of odd" in caplog.text
    assert "ZeroDivisionError" in caplog.text
    # It cannot be compared with another either.
    odd._record = _Record()
    odd.replace_structure(structure(control(1)))
    odd.apply_values([(uuid(1), 1.0)])
    found = Scrape.read(await exposition.render(Format.TEXT), Format.TEXT)
    assert {"active": 1.0, "tempActual": 21.5} == found.values("loxone_control_value")
    assert 2 == found.value("loxone_exporter_scrape_errors_total")


async def test_duplicates_are_counted_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    # What a part's state is called with its path, a state of the control is called by itself.
    parts = tuple(control(f"{n}", f"{n}", states={"x": 1}) for n in range(29))
    states = {f"{n}/x": 0 for n in range(29)}
    state = connected(structure(control(1, states=states, parts=parts)), values={0: 1.0, 1: 1.0})
    exposition = Exposition.of(LoxoneCollector(configure(), [state]))
    for _ in range(2):
        found = Scrape.read(await exposition.render(Format.TEXT), Format.TEXT)
        assert 29 == found.value("loxone_exporter_duplicate_series")
        assert 29 == len(found.samples("loxone_control_value"))
    assert 10 == len(caplog.records)
    assert "labels are those of another" in caplog.text


async def test_problems_of_the_structure_are_counted() -> None:
    state = connected(Structure("", (), problems=("one", "two")))
    assert 2 == (await scrape([state])).value("loxone_exporter_structure_problems")


async def test_undecodable_messages_are_counted() -> None:
    state = connected(HOUSE)
    state.undecodable_messages = 7
    assert 7 == (await scrape([state])).value("loxone_exporter_undecodable_messages_total")


async def test_exported_controls_of_each_miniserver() -> None:
    states = [connected(HOUSE, values={11: 1.0, 12: 1.0, 21: 1.0}), MiniserverState(name="away")]
    collector = LoxoneCollector(configure(), states)
    assert {"home": 2, "away": 0} == exported(collector)


async def test_typed_families_hold_base_units_and_leave_out_sentinels() -> None:
    house = structure(
        control(1, "Room", type_="IRoomControllerV2", states={"tempActual": 1, "co2": 2}),
        control(2, "Roof", type_="IRoomControllerV2", states={"actualOutdoorTemp": 3}),
        control(3, "Box", type_="Wallbox2", states={"limit": 4}),
    )
    state = connected(house, values={1: 21.5, 2: 0.0, 3: -1000.0, 4: 7.2})
    found = await scrape([state])
    assert {"tempActual": 21.5} == found.values("loxone_temperature_celsius")
    assert {"limit": 7200.0} == found.values("loxone_wallbox_power_limit_watts")
    assert [] == found.samples("loxone_co2_ppm")
    assert [] == found.samples("loxone_temperature_outdoor_celsius")
    assert 4 == len(found.samples("loxone_control_value"))
    state.apply_values([(uuid(2), 600.0), (uuid(3), -3.5)])
    found = await scrape([state])
    assert {"co2": 600.0} == found.values("loxone_co2_ppm")
    assert {"actualOutdoorTemp": -3.5} == found.values("loxone_temperature_outdoor_celsius")


@pytest.mark.parametrize("format_", Format)
async def test_a_total_below_zero_is_a_plain_value_and_no_counter(format_: Format) -> None:
    house = house_of(
        "Meter",
        ("actual", "total", "totalNeg"),
        details={"actualFormat": "%.3fkW", "totalFormat": "%.1fkWh"},
    )
    state = connected(house, values={1: -2.0, 2: 8421.7, 3: -0.5})
    found = await scrape([state], format_=format_)
    expected = {"actual": -2.0, "total": 8421.7, "totalNeg": -0.5}
    assert expected == found.values("loxone_control_value")
    assert -2000.0 == found.value("loxone_power_grid_watts")
    assert 8421.7 * 3.6e6 == found.value("loxone_energy_import_joules_total")
    assert [] == found.samples("loxone_energy_export_joules_total")


async def test_values_are_withheld_while_another_state_says_so() -> None:
    forecast = {"today": 1, "ready": 2}
    house = structure(
        control(1, "Forecast", type_="PvProductionForecast", states=forecast),
    )
    state = connected(house, values={1: 10.0, 2: 0.0})
    assert [] == (await scrape([state])).samples("loxone_energy_forecast_today_joules")
    state.apply_values([(uuid(2), 1.0)])
    assert 3.6e7 == (await scrape([state])).value("loxone_energy_forecast_today_joules")


async def test_a_sensor_with_an_error_has_no_value() -> None:
    house = house_of("InfoOnlyAnalog", ("value", "error"), details={"format": "%.1f°"})
    state = connected(house, values={1: 21.5, 2: 0.0})
    assert 21.5 == (await scrape([state])).value("loxone_temperature_celsius")
    state.apply_values([(uuid(2), 1.0)])
    assert [] == (await scrape([state])).samples("loxone_temperature_celsius")


@pytest.mark.parametrize("format_", Format)
async def test_each_family_is_there_once_for_all_miniservers(format_: Format) -> None:
    house = structure(control(1, type_="Heatmixer", states={"tempActual": 1}))
    states = [connected(house, name=name, values={1: 20.0}) for name in ("a", "b")]
    found = await scrape(states, format_=format_)
    assert {"a": 20.0, "b": 20.0} == found.values("loxone_temperature_celsius", "miniserver")
    assert 1 == found.headings().count("loxone_temperature_celsius")


async def test_openmetrics_tells_units() -> None:
    house = structure(
        control(1, type_="Heatmixer", states={"tempActual": 1}),
        control(2, type_="Hourcounter", states={"total": 2}),
        control(3, type_="AlarmClock", states={"nextEntryTime": 3}),
    )
    found = await scrape([connected(house, values={1: 20.0, 2: 5.0, 3: 6e8})])
    units = {family.name: family.unit for family in found.families if family.unit}
    assert "celsius" == units["loxone_temperature_celsius"]
    assert "seconds" == units["loxone_operating_seconds"]
    assert "seconds" == units["loxone_alarm_clock_next_timestamp_seconds"]
    assert 5.0 == found.value("loxone_operating_seconds_total")


async def test_one_name_is_one_family() -> None:
    overrides = (
        OverrideConfig(names=("First",), quantity="cars"),
        OverrideConfig(names=("Second",), quantity="cars", metric_type="counter"),
        OverrideConfig(names=("Third",), quantity="cars", metric_type="gauge"),
    )
    house = structure(control(1, "First"), control(2, "Second"), control(3, "Third"))
    found = await scrape(
        [connected(house, values={1: 1.0, 2: 1.0, 3: 1.0})], configure(overrides=overrides)
    )
    assert {"Second"} == set(found.values("loxone_cars_total", "name"))
    assert {"First", "Third"} == set(found.values("loxone_cars_reading", "name"))
    assert {"loxone_cars", "loxone_cars_reading"} == {
        name for name in found.headings() if name.startswith("loxone_cars")
    }


async def test_states_that_nobody_knows_are_counted() -> None:
    house = structure(control(1, type_="Toaster", states={"x": 1, "y": 2}), control(2))
    found = await scrape([connected(house)])
    assert 2 == found.value("loxone_exporter_unknown_states")


async def test_series_of_new_structures_are_made_in_steps() -> None:
    states = [connected(structure(control(1)), name=name) for name in ("a", "b", "c")]
    states.append(MiniserverState(name="unreachable"))
    collector = LoxoneCollector(configure(), states)
    assert 4 + 3 * 2 == pauses(collector)
    assert 4 == pauses(collector)
    change_structure(states[1], structure(*map(control, range(1, 120))))
    assert 4 + 5 == pauses(collector)
    assert {"a": 0, "b": 0, "c": 0, "unreachable": 0} == exported(collector)


def pauses(collector: LoxoneCollector) -> int:
    """How often other tasks have their turn while a scrape's families are made."""
    return sum(family is None for family in collector.families())


def exported(collector: LoxoneCollector) -> Mapping[str, int]:
    """For each Miniserver, how many controls have a sample."""
    return do(collector.exported_controls()).result


async def test_how_many_controls_are_exported_is_found_out_in_steps() -> None:
    states = [connected(structure(control(1)), name=str(number)) for number in range(50)]
    collector = LoxoneCollector(configure(), states)
    assert 3 * 50 == do(collector.exported_controls()).pauses
    assert 50 == do(collector.exported_controls()).pauses


async def test_a_structure_that_comes_amid_a_scrape_is_shown_whole_or_not_at_all() -> None:
    """Between two Miniservers' turns, of which the first was looked at already."""
    houses = [structure(*map(control, range(1, 120))) for _ in range(2)]
    states = [connected(house, name=name) for house, name in zip(houses, "ab", strict=True)]
    collector = LoxoneCollector(configure(), states)
    list(collector.families())
    families = collector.families()
    next(families)
    for state in states:
        change_structure(state, structure(*(control(number, "New") for number in range(200, 400))))
    rest = list(families)
    # The new one's series are made in steps as well.
    assert sum(family is None for family in rest) > 5
    (controls,) = (f for f in rest if f is not None and f.name == "loxone_control")
    names = {(s.labels["miniserver"], s.labels["name"][:3]) for s in controls.samples}
    assert {("a", "Lam"), ("b", "New")} == names
    assert 119 + 200 == len(controls.samples)


async def test_a_structure_that_is_replaced_while_its_series_are_made_is_not_shown() -> None:
    state = connected(structure(*map(control, range(1, 120))))
    collector = LoxoneCollector(configure(), [state])
    steps = collector.families()
    next(steps)
    change_structure(state, structure(control(7, "New")), {7: 1.0})
    assert list(steps)
    found = await collected(collector)
    assert ["New"] == [sample.labels["name"] for sample in found.samples("loxone_control_value")]


async def test_a_house_that_is_replaced_amid_a_scrape_does_not_show_in_it(
    mock_clock: MockClock,  # no time passes
) -> None:
    state = connected(
        structure(control(1, "Old"), control(2, "Old, too")),
        values={1: 1.0, 2: 0.0},
        counted_states=counted_states,
    )
    collector = LoxoneCollector(configure(), [state])
    families = collector.collect()
    next(families)
    change_structure(state, structure(control(5, "New"), control(2, "New, too")), {2: 0.0, 5: 1.0})
    old = {family.name: family.samples for family in families}
    for name, expected in (
        ("loxone_control", [1.0, 1.0]),
        ("loxone_control_value", [1.0, 0.0]),
        ("loxone_control_activations", [0.0, 0.0]),
        ("loxone_control_on_seconds", [0.0, 0.0]),
        ("loxone_switch_active", [1.0, 0.0]),
    ):
        assert ["Old", "Old, too"] == [sample.labels["name"] for sample in old[name]]
        assert expected == [sample.value for sample in old[name]]
    new = (await collected(collector)).samples("loxone_control_activations_total")
    assert ["New", "New, too"] == sorted(sample.labels["name"] for sample in new)


async def test_a_reload_amid_a_scrape_does_not_show_in_it() -> None:
    vitals = Vitals(is_configuration_current=False)
    collector = LoxoneCollector(
        configure(), [connected(structure(control(1)), values={1: 1.0})], vitals=vitals
    )
    families = collector.families()
    next(families)
    collector.replace(configure({"uuid_label": True}), [])
    vitals.is_configuration_current = True
    found = {family.name: family.samples for family in families if family is not None}
    (current,) = found["loxone_exporter_config_last_reload_successful"]
    (value,) = found["loxone_control_value"]
    assert (0.0, False) == (current.value, "uuid" in value.labels)
    after = await collected(collector)
    assert [1.0] == [
        sample.value for sample in after.samples("loxone_exporter_config_last_reload_successful")
    ]


async def test_two_scrapes_may_make_the_same_series() -> None:
    state = connected(structure(*map(control, range(1, 120))), values={1: 1.0})
    collector = LoxoneCollector(configure(), [state])
    first, second = collector.families(), collector.families()
    next(first)
    list(second)
    list(first)
    assert 1 == len((await collected(collector)).samples("loxone_control_value"))
    assert 1 == pauses(collector)


async def test_other_tasks_have_their_turn_between_houses() -> None:
    states = [connected(structure(control(1)), name=str(number)) for number in range(20)]
    collector = LoxoneCollector(configure(), states)
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(take_turns)
        await Exposition.of(collector).render(Format.TEXT)
        nursery.cancel_scope.cancel()
    assert turns >= len(states)


async def test_a_quantity_that_cannot_be_made_costs_only_its_house_its_quantities(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real, odd = TypedSeries.value, uuid(1)

    def value(series: TypedSeries, values: Mapping[StateUuid, float]) -> float | None:
        return 1 / 0 if series.series.uuid == odd else real(series, values)

    monkeypatch.setattr(TypedSeries, "value", value)
    states = [
        connected(
            house_of("Meter", ("actual",), details={"actualFormat": "%.1fkW"}), values={1: 1.0}
        ),
        connected(structure(control(2)), name="barn", values={2: 1.0}),
    ]
    found = await scrape(states)
    assert [] == found.samples("loxone_power_watts")
    assert {"barn": 1.0} == found.values("loxone_switch_active", "miniserver")
    assert {"home": 1.0, "barn": 1.0} == found.values("loxone_control_value", "miniserver")
    assert 1 == found.value("loxone_exporter_scrape_errors_total")
    assert 1 == caplog.text.count("cannot show its quantities of home")


def test_families_are_not_named_before_the_first_scrape() -> None:
    assert [] == list(LoxoneCollector(configure(), []).describe())


async def test_without_miniservers_there_are_self_metrics() -> None:
    assert 1 == (await scrape([])).value("loxone_exporter_up")


@pytest.mark.parametrize("format_", Format)
async def test_names_are_utf8_and_escaped(format_: Format) -> None:
    name = 'Küche "Süd"\\\n😀'
    state = connected(structure(control(1, name)), values={1: 1.0})
    found = await scrape([state], format_=format_)
    assert {name: 1.0} == found.values("loxone_control_value", "name")
    assert 'Küche \\"Süd\\"\\\\\\n😀' in found.body


def assert_well_formed(found: Scrape) -> None:
    headings = found.headings()
    assert len(headings) == len(set(headings))
    families = [family.name for family in found.families]
    assert len(families) == len(set(families))
    series = found.series()
    assert len(series) == len(set(series))
    # Timestamps and creation times are never sent.
    assert all(sample.timestamp is None for family in found.families for sample in family.samples)
    assert not [name for name, _ in series if name.endswith("_created")]


@settings(deadline=None)
@given(houses=st.lists(look_alikes, min_size=1, max_size=2), uuid_label=st.booleans())
async def test_every_scrape_of_any_house_is_well_formed(
    houses: list[Structure], *, uuid_label: bool
) -> None:
    states = []
    for number, house in enumerate(houses):
        state = MiniserverState(name=f"house {number}", connection=ConnectionState.CONNECTED)
        state.replace_structure(house)
        state.apply_values((uuid, 1.0) for uuid in house.state_uuids())
        state.apply_texts((uuid, "on") for uuid in house.state_uuids())
        states.append(state)
    config = configure({"uuid_label": uuid_label, "text_values": True})
    text, openmetrics = [await scrape(states, config, format_) for format_ in Format]
    for found in (text, openmetrics):
        assert_well_formed(found)
    values = text.samples("loxone_control_value")
    assert values == openmetrics.samples("loxone_control_value")
    dropped = sum(text.values("loxone_exporter_duplicate_series", "miniserver").values())
    assert sum(len(part.states) for house in houses for part in house.walk()) == (
        len(values) + dropped
    )


async def test_scrape_with_everything_is_well_formed() -> None:
    states = [
        connected(HOUSE, values={11: 21.5}, texts={11: "warm"}),
        connected(HOUSE, name="barn", values={11: 21.5}, texts={11: "warm"}),
        MiniserverState(name="away"),
    ]
    for format_ in Format:
        found = await scrape(states, configure({"text_values": True}), format_)
        assert_well_formed(found)
        assert "loxone_control_text_info" in [name for name, _ in found.series()]


async def test_named_states_are_one_series_for_each_name() -> None:
    house = structure(
        control(1, "Alarm", type_="Alarm", states={"level": 1, "nextLevel": 2}),
        control(2, "Smoke", type_="SmokeAlarm", states={"alarmCause": 3}),
    )
    found = await scrape([connected(house, values={1: 3.0, 2: 77.0, 3: 9.0})])
    levels = found.values("loxone_alarm_level", "state")
    assert {"optical"} == {name for name, value in levels.items() if value}
    assert ["none", "silent", "acoustic", "optical", "internal", "external", "remote"] == [*levels]
    # Of a code that nobody knows none holds; of bits those hold that are known.
    assert {0.0} == set(found.values("loxone_alarm_next_level", "state").values())
    assert 1 == found.value("loxone_exporter_unknown_codes")
    causes = found.values("loxone_smoke_alarm_cause", "state")
    assert {"smoke": 1.0, "water": 0.0, "temperature": 0.0, "arc_fault": 1.0} == causes


async def test_named_states_that_were_not_told_are_absent() -> None:
    house = structure(control(1, "Alarm", type_="Alarm", states={"level": 1}))
    found = await scrape([connected(house)])
    assert [] == found.samples("loxone_alarm_level")
    assert 0 == found.value("loxone_exporter_unknown_codes")


async def test_a_control_counts_as_exported_by_its_named_states() -> None:
    house = structure(control(1, "Alarm", type_="Alarm", states={"level": 1}))
    config = configure({"control_value": False})
    found = await scrape([connected(house, values={1: 0.0})], config)
    assert 1 == found.value("loxone_exporter_controls_exported")


async def test_without_quantities_there_are_no_named_states() -> None:
    house = structure(control(1, "Alarm", type_="Alarm", states={"level": 1}))
    found = await scrape([connected(house, values={1: 0.0})], configure({"quantities": False}))
    assert [] == found.samples("loxone_alarm_level")


async def test_an_override_of_a_whole_control_leaves_its_modes_and_its_lock() -> None:
    house = structure(
        control(1, "W", type_="Wallbox2", states={"mode": 1, "actual": 2, "jLocked": 3})
    )
    override = OverrideConfig(names=("W",), quantity="power", unit="kW")
    state = connected(house, values={1: 2.0, 2: 11.0}, texts={3: ""})
    found = await scrape([state], configure(overrides=[override]))
    assert 1.0 == found.values("loxone_wallbox_mode", "state")["mode_2"]
    assert 1.0 == found.values("loxone_lock_state", "state")["unlocked"]
    assert {"actual": 11_000.0} == found.values("loxone_power_watts")


async def test_a_bug_in_one_house_costs_the_others_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = members.NamedSource.read

    def read(source: members.NamedSource, uuid: StateUuid, states: States) -> object:
        if states.values[uuid] == 2.0:
            raise KeyError("a bug")
        return real(source, uuid, states)

    monkeypatch.setattr(members.NamedSource, "read", read)
    house = structure(control(1, "Alarm", type_="Alarm", states={"level": 1}))
    collector = LoxoneCollector(
        configure(),
        [connected(house, values={1: 2.0}, name="odd"), connected(house, values={1: 3.0})],
    )
    for errors in (1, 2):
        found = await collected(collector)
        assert {"home"} == {
            each.labels["miniserver"] for each in found.samples("loxone_alarm_level")
        }
        assert {"odd": 2.0, "home": 3.0} == found.values("loxone_control_value", "miniserver")
        assert errors == found.value("loxone_exporter_scrape_errors_total")
    assert 1 == caplog.text.count("cannot show its named states of odd")


@pytest.mark.parametrize(
    "text", [r'[{"id":5,"name":"a\ud800"}]', "[" * 3000, "{" * 3000, '{"id":5}', r'"\ud800"']
)
async def test_no_text_of_a_house_ends_the_scrape(text: str) -> None:
    states = {"activeMoodsNum": 1, "moodList": 2, "jLocked": 3}
    house = structure(control(1, "Light", type_="LightControllerV2", states=states))
    state = connected(house, values={1: 5.0}, texts={2: text, 3: text})
    for format_ in Format:
        found = await scrape([state], configure({"text_values": True}), format_)
        assert 0 == found.value("loxone_exporter_scrape_errors_total")


async def test_a_control_counts_as_exported_by_its_lock() -> None:
    house = structure(
        control(1, "A", states={"active": 1}), control(2, "B", type_="Meter", states={"jLocked": 2})
    )
    found = await scrape([connected(house, values={1: 1.0}, texts={2: ""})])
    assert 2 == found.value("loxone_exporter_controls_exported")


async def test_series_of_many_controls_with_names_of_their_own_are_made_quickly() -> None:
    outputs = {str(number): f"Ausgang {number}" for number in range(1, 51)}
    controls = {
        key(number): {
            "name": f"R {number}",
            "type": "Radio",
            "states": {"activeOutput": key(number)},
            "details": {"outputs": {name: f"{value} {number}" for name, value in outputs.items()}},
        }
        for number in range(1, 1001)
    }
    house = parse_structure(json.dumps({"controls": controls}))
    started = time.process_time()
    await scrape([connected(house)])
    assert time.process_time() - started < 2.0


async def test_a_code_becomes_a_quantity_where_an_override_says_so() -> None:
    house = structure(control(1, "Alarm", type_="Alarm", states={"level": 1}))
    override = OverrideConfig(states=("level",), quantity="danger", unit="")
    config = configure(overrides=[override])
    found = await scrape([connected(house, values={1: 4.0})], config)
    assert {"level": 4.0} == found.values("loxone_danger")
    assert [] == found.samples("loxone_alarm_level")


async def test_counts_of_a_state_for_which_0_is_yes(autojump_clock: MockClock) -> None:
    house = structure(
        control(1, "Fronius", type_="Fronius", states={"online": 1}),
        control(2, "Pump", type_="InfoOnlyDigital", states={"active": 1}),
    )
    state = MiniserverState(
        name="home", connection=ConnectionState.CONNECTED, counted_states=counted_states
    )
    state.replace_structure(house)
    for value, seconds in ((0.0, 10), (1.0, 5), (0.0, 30), (1.0, 1)):
        state.apply_values([(uuid(1), value)])
        await trio.sleep(seconds)
    found = await scrape([state])
    activations = found.values("loxone_control_activations_total", "name")
    assert {"Fronius": 1.0, "Pump": 2.0} == activations
    on_seconds = found.values("loxone_control_on_seconds_total", "name")
    assert {"Fronius": 40.0, "Pump": 6.0} == on_seconds


async def test_many_lists_of_moods_are_no_burden_where_a_class_is_left_out() -> None:
    house = structure(
        *(
            control(
                number,
                f"L {number}",
                type_="AcControl",
                states={
                    "mode": number,
                    "operatingModes": 10_000 + number,
                    "fan": 20_000 + number,
                    "fanspeeds": 30_000 + number,
                },
            )
            for number in range(1, 3001)
        )
    )
    config = configure(filter_=FilterConfig(exclude_classes=("presence", "alarm", "secured")))
    started = time.process_time()
    await scrape([connected(house)], config)
    assert time.process_time() - started < 2.0


@pytest.mark.parametrize(
    ("type_", "role", "power"),
    [
        ("WallboxManager", "", "loxone_wallbox_manager_node_power_assigned_watts"),
        ("EFM", "Load", "loxone_power_flow_node_consumption_watts"),
    ],
)
async def test_only_what_has_a_role_in_an_energy_flow_is_a_node_of_one(
    type_: str, role: str, power: str
) -> None:
    node = {"title": "Carport", "actualEfmState": "actual0"} | ({"nodeType": role} if role else {})
    house = house_of(type_, ("actual0",), details={"nodes": [node], "actualFormat": "%.1fkW"})
    found = await scrape([connected(house, values={1: 11.0})])
    assert 11_000 == found.value(power)
    roles = [sample.labels["role"] for sample in found.samples("loxone_energy_flow_node_info")]
    assert ([role.lower()] if role else []) == roles
