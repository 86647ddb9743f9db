from __future__ import annotations

from typing import Any

import pytest

from loxone_exporter.metrics.decisions import Decision, decide
from loxone_exporter.metrics.overrides import NO_OVERRIDE, StateOverride
from support.houses import house_of, only_control
from support.structures import key


def decision(
    type_: str,
    state: str = "value",
    override: StateOverride = NO_OVERRIDE,
    **house: Any,  # noqa: ANN401  # as house_of
) -> Decision:
    """What is decided of a state; the control has further states where `states` names them."""
    structure = house_of(type_, house.pop("states", (state,)), **house)
    control = only_control(structure)
    (found,) = (one for one in control.states if one.name == state)
    return decide(control, found, structure.units, override)


def family(
    type_: str,
    state: str = "value",
    override: StateOverride = NO_OVERRIDE,
    **house: Any,  # noqa: ANN401  # as house_of
) -> str:
    found = decision(type_, state, override, **house).family
    return found.sample_name if found else ""


def rules(decided: Decision) -> list[str]:
    return [reason.rule for reason in decided.reasons]


@pytest.mark.parametrize(
    ("format_", "name", "expected", "sent", "shown"),
    [
        ("%.1f°", "Vorlauf", "loxone_temperature_celsius", 30.4, 30.4),
        ("%.1f °C", "Vorlauf", "loxone_temperature_celsius", 30.4, 30.4),
        ("%.0f°", "Windrichtung", "loxone_wind_direction_degrees", 274, 274),
        ("%.1f Grad", "Vorlauf", "loxone_temperature_celsius", 30.4, 30.4),
        ("%.0f Grad", "Windrichtung", "loxone_wind_direction_degrees", 274, 274),
        ("%.0f°", "Azimut", "loxone_angle_degrees", 90, 90),
        ("%.0f%%", "Feuchte", "loxone_humidity_ratio", 39.5, 0.395),
        ("%.0f%", "Feuchte", "loxone_humidity_ratio", 39.5, 0.395),
        ("<v.0> %", "Auslastung", "loxone_unspecified_ratio", 50, 0.5),
        ("%.0fppm", "CO2", "loxone_co2_ppm", 600, 600),
        ("%.0fppm", "VOC", "loxone_concentration_ppm", 600, 600),
        ("%.0f Lx", "Helligkeit", "loxone_illuminance_lux", 3, 3),
        ("%.1fkm/h", "Wind", "loxone_wind_speed_meters_per_second", 36, 10),
        ("%.1fkm/h", "Laufband", "loxone_speed_meters_per_second", 36, 10),
        ("%.1fhPa", "Luftdruck", "loxone_pressure_pascals", 1011.4, 101140),
        ("<v.1> mm/h", "Regen", "loxone_precipitation_rate_meters_per_second", 3.6, 1e-6),
        ("%.1fl/m²/h", "x", "loxone_precipitation_rate_meters_per_second", 3.6, 1e-6),
        ("%.1f l/m²", "x", "loxone_precipitation_meters", 5, 0.005),
        ("%.1f mm", "Niederschlag", "loxone_precipitation_meters", 5, 0.005),
        ("%.1f mm", "Öffnung", "loxone_length_meters", 5, 0.005),
        ("%.3fkW", "Ofen", "loxone_power_watts", 1.5, 1500),
        ("%.3fkWh", "Ofen", "loxone_energy_reading_joules", 1, 3.6e6),
        ("%.1fL/min", "Dusche", "loxone_flow_cubic_meters_per_second", 6, 0.0001),
        ("%.1f l", "Verbrauch", "loxone_volume_reading_cubic_meters", 5, 0.005),
        ("%.2f g/m³", "Absolute Feuchte", "loxone_absolute_humidity_grams_per_cubic_meter", 9, 9),
        ("%.2f g/m³", "Staub", "loxone_mass_concentration_grams_per_cubic_meter", 9, 9),
        ("%.1fV", "Netz", "loxone_voltage_volts", 230, 230),
        ("%.1f A", "Netz", "loxone_current_amperes", 10, 10),
        ("%.0f W/m²", "Sonne", "loxone_irradiance_watts_per_square_meter", 800, 800),
        ("%.1f K", "Spreizung", "loxone_temperature_difference_celsius", 5, 5),
        ("%.1f K", "Vorlauf", "loxone_temperature_difference_celsius", 5, 5),
        ("%.1f°", "Temperaturdifferenz Kollektor", "loxone_temperature_difference_celsius", 5, 5),
        ("%.1f °C", "Delta T Heizkreis", "loxone_temperature_difference_celsius", 5, 5),
        ("%.1f°C", "SC I_O Temp Diff", "loxone_temperature_difference_celsius", 5, 5),
        ("%.1f°", "Rozdíl teplot", "loxone_temperature_difference_celsius", 5, 5),
        ("%.0f U/min", "Lüfter", "loxone_rotational_speed_hertz", 600, 10),
        ("%.1f Hz", "Netz", "loxone_frequency_hertz", 50, 50),
        ("%.1f%% rH", "Humidity", "loxone_humidity_ratio", 55, 0.55),
        ("%.0f %%rF", "Bad", "loxone_humidity_ratio", 55, 0.55),
        ("%.0f %% r.F.", "Bad", "loxone_humidity_ratio", 55, 0.55),
        ("%.1f °C (Außen)", "Fühler", "loxone_temperature_celsius", 5, 5),
        ("%.f kW", "Ofen", "loxone_power_watts", 5, 5000),
        ("%.1f cm", "Regentonne Füllstand", "loxone_length_meters", 50, 0.5),
        ("%.1f cm", "Zisterne Regenwasser", "loxone_length_meters", 50, 0.5),
        ("%.0f mm", "Rain water tank level", "loxone_length_meters", 50, 0.05),
        ("%.2f€", "Kosten", "loxone_money_eur", 3.5, 3.5),
        ("%.3f ct/kWh", "Tarif", "loxone_energy_price_eur_per_kilowatt_hour", 25, 0.25),
        ("%.1f", "Irgendwas", "", 0, None),
        ("", "Irgendwas", "", 0, None),
        ("%.0f / 10 (z této funkce)", "Zprávy", "", 0, None),
        ("%.0f Stück", "Pakete", "", 0, None),
    ],
)
def test_free_values_are_what_format_and_names_say(
    format_: str, name: str, expected: str, sent: float, shown: float | None
) -> None:
    decided = decision("InfoOnlyAnalog", details={"format": format_}, name=name)
    assert expected == (decided.family.sample_name if decided.family else "")
    if shown is not None:
        assert shown == pytest.approx(decided.conversion(sent), rel=1e-12)


@pytest.mark.parametrize(
    ("type_", "format_", "name", "expected"),
    [
        ("Slider", "%.1f°", "Pool", "loxone_temperature_target_celsius"),
        ("ValueSelector", "Soll: %.0f °C", "Pool", "loxone_temperature_target_celsius"),
        ("UpDownAnalog", "%.0f %%", "Mindestreserve", "loxone_storage_charge_target_ratio"),
        ("LeftRightAnalog", "po %.1f min", "Delay", "loxone_duration_target_seconds"),
        ("Slider", "%.0f%%", "Licht", "loxone_light_level_target_ratio"),
        ("Slider", "%.0f%%", "WLAN", "loxone_unspecified_target_ratio"),
        ("Slider", "%.1f kW", "Limit", "loxone_power_target_watts"),
        ("Slider", "%.2f €/kWh", "Limit", "loxone_energy_price_target_eur_per_kilowatt_hour"),
        ("Slider", "%.0f dB", "Gain", ""),
        ("Slider", "%.1f", "Pool", ""),
        ("Slider", "%.1f°", "Hysterese", "loxone_temperature_difference_target_celsius"),
        ("Slider", "%.1f °C", "Offset Heizung", "loxone_temperature_difference_target_celsius"),
        ("Slider", "%.1f K", "Pool", "loxone_temperature_difference_target_celsius"),
        ("Slider", "%.0f Hz", "Umrichter", "loxone_frequency_target_hertz"),
        ("Slider", "%.0f mm", "Regenmenge", "loxone_precipitation_target_meters"),
        ("Slider", "%.0f l/m²", "x", "loxone_precipitation_target_meters"),
        ("InfoOnlyAnalog", "%.1f°", "Temperatur Söller", "loxone_temperature_celsius"),
        ("InfoOnlyAnalog", "%.1f°", "Sollwert Vorlauf", "loxone_temperature_target_celsius"),
    ],
)
def test_what_somebody_sets_is_a_target(type_: str, format_: str, name: str, expected: str) -> None:
    assert expected == family(type_, details={"format": format_}, name=name)


@pytest.mark.parametrize("unit", [1, "1"], ids=["number", "text"])
def test_a_house_in_fahrenheit(unit: object) -> None:
    for decided in (
        decision("IRoomControllerV2", "tempActual", tempUnit=unit),
        decision("InfoOnlyAnalog", details={"format": "%.1f°"}, tempUnit=unit),
    ):
        assert 100 == decided.conversion(212)
        assert "°F" == decided.unit
    difference = decision("IRoomControllerV2", "comfortTolerance", tempUnit=unit)
    assert 5 == difference.conversion(9)
    explicit = decision("InfoOnlyAnalog", details={"format": "%.1f °C"}, tempUnit=unit)
    assert ("°C", 20) == (explicit.unit, explicit.conversion(20))


@pytest.mark.parametrize(
    ("type_", "states", "actual", "total", "negative"),
    [
        ("unidirectional", (), "power_watts", "energy_joules_total", None),
        (
            "bidirectional",
            ("totalNeg",),
            "power_grid_watts",
            "energy_import_joules_total",
            "energy_export_joules_total",
        ),
        (
            "storage",
            ("totalNeg", "storage"),
            "power_storage_watts",
            "energy_discharge_joules_total",
            "energy_charge_joules_total",
        ),
    ],
)
def test_meters_go_by_their_direction(
    type_: str, states: tuple[str, ...], actual: str, total: str, negative: str | None
) -> None:
    names = ("actual", "total", *states)
    formats = {"actualFormat": "%.3fkW", "totalFormat": "%.1fkWh", "storageFormat": "%.0f%%"}
    # Older firmware does not tell the type, but its states do.
    for details in ({**formats, "type": type_}, formats):
        house: dict[str, Any] = {"states": names, "details": details}
        assert f"loxone_{actual}" == family("Meter", "actual", **house)
        assert f"loxone_{total}" == family("Meter", "total", **house)
        if negative:
            assert f"loxone_{negative}" == family("Meter", "totalNeg", **house)
        if "storage" in states:
            assert "loxone_storage_charge_ratio" == family("Meter", "storage", **house)


@pytest.mark.parametrize(
    ("actual_format", "total_format", "actual", "total"),
    [
        ("%.3fkW", "%.1fkWh", "power_watts", "energy_joules_total"),
        ("%.0fl/h", "%.3fm³", "flow_cubic_meters_per_second", "volume_cubic_meters_total"),
        ("%.3fL/h", "%.1fL", "flow_cubic_meters_per_second", "volume_cubic_meters_total"),
        # Litres with the format that nobody has changed.
        ("%.3fkW", "%.1fL", None, "volume_cubic_meters_total"),
        ("%.3fkW", "%.1f", None, None),
        ("%.3fkW", "", None, None),
        ("%.0fW", "%.1f", "power_watts", None),
        ("%.2fkW", "%.1fL", "power_watts", "volume_cubic_meters_total"),
        ("%.3f°C", "%.1f", "temperature_celsius", None),
        ("%.0fppm", "%.1f", "concentration_ppm", None),
    ],
)
def test_the_two_formats_of_a_meter_are_independent(
    actual_format: str, total_format: str, actual: str | None, total: str | None
) -> None:
    details = {"actualFormat": actual_format, "totalFormat": total_format}
    names = ("actual", "total")
    expected = {"actual": actual, "total": total}
    for state, name in expected.items():
        found = family("Meter", state, states=names, details=details)
        assert (f"loxone_{name}" if name else "") == found


def test_statistics_tell_the_unit_where_the_details_do_not() -> None:
    points = {"groups": [{"dataPoints": [{"output": "actual", "format": "%.1fl/h"}]}]}
    decided = decision("Meter", "actual", details={"actualFormat": "%.1f"}, statisticV2=points)
    assert decided.family
    assert "loxone_flow_cubic_meters_per_second" == decided.family.sample_name
    assert "l/h" == decided.unit
    assert "statistics" in decided.reasons[-1].text
    assert ["catalog", "format", "format"] == rules(decided)


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("Grid", "loxone_power_flow_node_grid_watts"),
        ("Production", "loxone_power_flow_node_production_watts"),
        ("Storage", "loxone_power_flow_node_storage_watts"),
        ("Load", "loxone_power_flow_node_consumption_watts"),
        ("Group", "loxone_power_flow_node_group_watts"),
        ("Unheard", ""),
    ],
)
def test_nodes_of_an_energy_flow_go_by_their_role(role: str, expected: str) -> None:
    nodes = [{"nodeType": role, "title": "Node", "actualEfmState": key(1)}]
    details = {"actualFormat": "%.3fkW", "nodes": nodes}
    assert expected == family("EFM", "actual0", details=details)
    named = [{"nodeType": "Grid"}, {"nodeType": role, "title": "Node"}]
    assert expected == family("EFM", "actual1", details={**details, "nodes": named})
    assert "" == family("EFM", "actual0", details={"actualFormat": "%.3fkW"})


def test_temperatures_of_a_room_controller_may_be_differences() -> None:
    structure = house_of(
        "IRoomController",
        (),
        details={"temperatures": {"0": {"isAbsolute": False}, "1": {"isAbsolute": True}}},
    )
    assert frozenset({0}) == only_control(structure).details.offsets
    found = [
        family(
            "IRoomController",
            f"temperatures[{index}]",
            details={"temperatures": {"0": {"isAbsolute": False}, "1": {"isAbsolute": True}}},
        )
        for index in range(5)
    ]
    assert [
        "loxone_temperature_offset_celsius",
        "loxone_temperature_comfort_celsius",
        "loxone_temperature_comfort_cooling_celsius",
        "loxone_temperature_preset_celsius",
        "loxone_temperature_heat_protection_celsius",
    ] == found


def test_the_master_of_a_light_controller_is_apart() -> None:
    assert "loxone_light_level_ratio" == family("Dimmer", "position", key_=f"{key(1)}/AI1")
    master = family("Dimmer", "position", key_=f"{key(1)}/masterValue")
    assert "loxone_light_level_master_ratio" == master


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({"analog": False}, "loxone_schedule_active"),
        ({}, "loxone_schedule_active"),
        ({"analog": True, "format": "%.1f°"}, "loxone_temperature_target_celsius"),
        ({"analog": True, "format": "%.1f"}, ""),
    ],
)
def test_schedules_are_digital_or_analog(details: dict[str, object], expected: str) -> None:
    assert expected == family("Daytimer", details=details)


def test_an_index_is_no_temperature_whatever_its_format_says() -> None:
    for type_ in ("IRCDaytimer", "IRCV2Daytimer"):
        assert "" == family(type_, details={"analog": True, "format": "%.1f°"})


def test_what_nobody_knows_is_told() -> None:
    decided = decision("QuantumToaster", "entanglement", details={"format": "%.1f°"})
    assert decided.entry is None
    assert decided.family is None
    assert "please report it" in decided.reasons[0].text


def test_secrets_stay_secrets_whatever_an_override_says() -> None:
    override = StateOverride(quantity="code", unit="%", metric_type="gauge")
    decided = decision("NfcCodeTouch", "lastcode", override)
    assert decided.family is None
    assert "never exported" in decided.reasons[-1].text


@pytest.mark.parametrize(
    ("override", "expected", "shown"),
    [
        (StateOverride(unit="kWh"), "loxone_energy_reading_joules", 3.6e6),
        (StateOverride(unit="kWh", metric_type="counter"), "loxone_energy_joules_total", 3.6e6),
        (StateOverride(unit="m³", metric_type="counter"), "loxone_volume_cubic_meters_total", 1),
        (StateOverride(unit="%"), "loxone_unspecified_ratio", 0.01),
        (StateOverride(unit="°"), "loxone_temperature_celsius", 1),
        (StateOverride(quantity="humidity", unit="%"), "loxone_humidity_ratio", 0.01),
        (StateOverride(quantity="ph"), "loxone_ph", 1),
        (StateOverride(quantity="ph", unit=""), "loxone_ph", 1),
        (
            StateOverride(quantity="cars", metric_type="counter", is_counted=True),
            "loxone_cars_total",
            1,
        ),
        (StateOverride(quantity="energy", unit="kWh"), "loxone_energy_reading_joules", 3.6e6),
        (StateOverride(metric_type="counter"), "", None),
        (StateOverride(quantity=""), "", None),
        # A degree is of what the quantity is in.
        (StateOverride(quantity="wind_direction", unit="°"), "loxone_wind_direction_degrees", 1),
        (StateOverride(quantity="angle", unit="Grad"), "loxone_angle_degrees", 1),
        (
            StateOverride(quantity="temperature_difference", unit="K"),
            "loxone_temperature_difference_celsius",
            1,
        ),
        # What the table has is in the table's units.
        (StateOverride(quantity="humidity", unit="°C"), "", None),
        (StateOverride(quantity="humidity"), "", None),
        (StateOverride(quantity="energy_price_import"), "", None),
        (StateOverride(unit="€"), "loxone_money_eur", 1),
    ],
)
def test_an_override_knows_better(
    override: StateOverride, expected: str, shown: float | None
) -> None:
    for type_, state in (("InfoOnlyAnalog", "value"), ("QuantumToaster", "entanglement")):
        decided = decision(type_, state, override, details={"format": "%.1f"})
        assert expected == (decided.family.sample_name if decided.family else "")
        if shown is not None:
            assert shown == decided.conversion(1)
            assert decided.is_default
            assert "override" in rules(decided)


def test_an_override_of_the_unit_alone_keeps_what_names_tell() -> None:
    override = StateOverride(unit="%")
    found = family("InfoOnlyAnalog", "value", override, name="Feuchte", details={"format": "%.1f"})
    assert "loxone_humidity_ratio" == found


def test_a_counter_can_be_demoted() -> None:
    gauge = StateOverride(metric_type="gauge")
    details = {"totalFormat": "%.1fkWh", "type": "bidirectional"}
    decided = decision("Meter", "total", gauge, details=details)
    assert decided.family
    assert "loxone_energy_import_reading_joules" == decided.family.sample_name
    assert "it is a gauge" in decided.reasons[-1].text


def test_there_is_no_counter_of_a_temperature() -> None:
    decided = decision("Heatmixer", "tempActual", StateOverride(metric_type="counter"))
    assert decided.family
    assert "loxone_temperature_celsius" == decided.family.sample_name
    assert "none that is a counter" in decided.reasons[-1].text


@pytest.mark.parametrize(
    ("type_", "state", "override", "expected"),
    [
        ("Switch", "active", StateOverride(quantity="pump_active"), "loxone_pump_active"),
        (
            "Radio",
            "activeOutput",
            StateOverride(quantity="house_mode", is_of_states=True),
            "loxone_house_mode",
        ),
        ("Alarm", "nextLevelAt", StateOverride(quantity="x"), "loxone_x_timestamp_seconds"),
        ("Switch", "active", StateOverride(unit="%"), "loxone_unspecified_ratio"),
    ],
)
def test_an_override_of_states_that_have_a_type(
    type_: str, state: str, override: StateOverride, expected: str
) -> None:
    assert expected == family(type_, state, override)


def test_optional_families_are_served_if_an_override_names_them() -> None:
    optional = decision("InfoOnlyAnalog", "error")
    assert not optional.is_default
    assert "not served unless asked for" in optional.reasons[-1].text
    assert decision("InfoOnlyAnalog", "error", StateOverride(quantity="sensor_error")).is_default


def test_a_unit_that_is_not_expected_leaves_the_plain_value() -> None:
    decided = decision("Wallbox2", "total", details={"totalFormat": "%.1f°"})
    assert decided.family is None
    assert "celsius is not expected here" in decided.reasons[-1].text


def test_without_a_format_there_is_no_unit() -> None:
    decided = decision("InfoOnlyAnalog")
    assert decided.family is None
    assert "has no format" in decided.reasons[-1].text


def test_names_tell_what_meters_of_other_things_measure() -> None:
    formats = {"actualFormat": "%.1f%%", "totalFormat": "%.1f"}
    names: dict[str, Any] = {"states": ("actual", "total"), "details": formats}
    assert "loxone_humidity_ratio" == family("Meter", "actual", name="Bathroom Humidity", **names)
    formats["actualFormat"] = "%.0f ppm"
    assert "loxone_co2_ppm" == family("Meter", "actual", name="Bathroom CO2", **names)
    formats["actualFormat"] = "%.3f°C"
    diff = family("Meter", "actual", name="SC I_O Temp Diff", **names)
    assert "loxone_temperature_difference_celsius" == diff


def test_differences_have_no_offset_in_fahrenheit() -> None:
    for name, format_ in (("Temperaturdifferenz", "%.1f°"), ("Delta T", "%.1f °F")):
        decided = decision("InfoOnlyAnalog", tempUnit=1, name=name, details={"format": format_})
        assert 5 == decided.conversion(9)
    named = StateOverride(quantity="temperature_difference")
    decided = decision("InfoOnlyAnalog", "value", named, tempUnit=1, details={"format": "%.1f°"})
    assert 5 == decided.conversion(9)


@pytest.mark.parametrize(
    "name", ["Temperatur winkel", "Temperatur Einrichtung", "Winkel", "Richtung"]
)
def test_in_a_category_of_room_temperatures_a_degree_is_one_of_temperature(name: str) -> None:
    rooms: dict[str, Any] = {"category_type": "indoortemperature", "details": {"format": "%.1f°"}}
    assert "loxone_temperature_celsius" == family("InfoOnlyAnalog", name=name, **rooms)


def test_an_angle_in_an_override_is_none_of_temperature_whatever_the_house_uses() -> None:
    override = StateOverride(quantity="wind_direction")
    decided = decision("InfoOnlyAnalog", "value", override, tempUnit=1, details={"format": "%.0f°"})
    assert decided.family
    assert "loxone_wind_direction_degrees" == decided.family.sample_name
    assert 274 == decided.conversion(274)


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        ("energy_import", "loxone_energy_import_joules_total"),
        ("energy_production", "loxone_energy_production_joules_total"),
        ("my_energy", "loxone_my_energy_joules_total"),
    ],
)
def test_a_counter_stays_one_under_another_quantity(quantity: str, expected: str) -> None:
    details = {"totalFormat": "%.1fkWh"}
    override = StateOverride(quantity=quantity)
    assert expected == family("Meter", "total", override, details=details)
    gauge = StateOverride(quantity=quantity, metric_type="gauge")
    assert not family("Meter", "total", gauge, details=details).endswith("_total")


def test_reasons_say_which_table_of_the_configuration_it_was() -> None:
    override = StateOverride(unit="kWh", tables=(0, 3))
    decided = decision("InfoOnlyAnalog", "value", override, details={"format": "%.1f"})
    assert "override[0], override[3] of the configuration" in [one.text for one in decided.reasons]


def test_a_meter_within_an_energy_flow_is_a_plain_value() -> None:
    part = {"name": "Other", "type": "Meter", "states": {"actual": key(7)}}
    part["details"] = {"actualFormat": "%.3fkW", "totalFormat": "%.1fkWh", "type": "bidirectional"}
    structure = house_of("EFM", ("Ppwr",), subControls={key(2): part})
    (meter,) = only_control(structure).sub_controls
    decided = decide(meter, meter.states[0], structure.units)
    assert decided.family is None
    assert "sums up other meters" in decided.reasons[-1].text


def test_what_is_not_expected_is_named() -> None:
    money = decision("Wallbox2", "total", details={"totalFormat": "%.1f €"})
    assert "eur is not expected here" in money.reasons[-1].text
    assert "catalog" == money.reasons[-1].rule
    humidity = decision("Wallbox2", "total", StateOverride(quantity="humidity", unit="W"))
    assert "watts is not expected here" in humidity.reasons[-1].text
    assert "override" == humidity.reasons[-1].rule
    nothing = decision("Wallbox2", "total", StateOverride(unit=""))
    assert "a mere number is not expected here" in nothing.reasons[-1].text
