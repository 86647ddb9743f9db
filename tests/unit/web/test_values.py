"""What series show, for people; the numbers were worked out by hand."""

from __future__ import annotations

import pytest

from loxone_exporter.metrics.inventory import ShownSeries
from loxone_exporter.metrics.quantities import FAMILIES
from loxone_exporter.metrics.written import write_row
from loxone_exporter.web.pages.controls import own_states
from loxone_exporter.web.pages.values import Kind, Value, quantity, value_of


NOW = 1_700_000_000.0


def series(
    metric: str,
    number: float,
    unit: str = "",
    /,
    *,
    holding: list[str] | None = None,
    **labels: str,
) -> ShownSeries:
    row = write_row(tuple(labels), tuple(labels.values()))
    return ShownSeries(metric, unit, row, number, holding)


@pytest.mark.parametrize(
    ("number", "unit", "text"),
    [
        (21.37, "celsius", "21.4 °C"),
        (-0.04, "celsius", "0 °C"),
        (0.467, "ratio", "46.7 %"),
        (1.0, "ratio", "100 %"),
        (999.0, "watts", "999 W"),
        (-1598.0, "watts", "-1.6 kW"),
        (3.031812e10, "joules", "8,421.7 kWh"),
        (720.0, "joules", "0.2 Wh"),
        (0.0125, "cubic_meters", "12.5 l"),
        (123.4567, "cubic_meters", "123.457 m³"),
        (1 / 3.6e6, "cubic_meters_per_second", "1 l/h"),
        (0.0002, "meters", "0.2 mm"),
        (1.234, "meters", "1.23 m"),
        (2.444, "meters_per_second", "2.4 m/s"),
        (1 / 3.6e6, "meters_per_second", "1 mm/h"),
        (101_290.0, "pascals", "1,012.9 hPa"),
        (90.0, "seconds", "1 min"),
        (0.25, "seconds", "0.25 s"),
        (0.2345, "eur_per_kilowatt_hour", "0.2345 EUR/kWh"),
        (2.5, "czk_per_hour", "2.5 CZK/h"),
        (12.0, "usd", "12 USD"),
        (5.0, "furlongs_per_fortnight", "5 furlongs per fortnight"),
    ],
)
def test_quantities(number: float, unit: str, text: str) -> None:
    assert text == quantity(number, unit)


@pytest.mark.parametrize(
    ("shown", "value"),
    [
        (
            series("loxone_temperature_celsius", 21.37, "celsius"),
            Value(Kind.QUANTITY, "21.4 °C", "21.37 celsius"),
        ),
        (series("loxone_co2_ppm", 485, "ppm"), Value(Kind.QUANTITY, "485 ppm")),
        (series("loxone_power_watts", 12.5, "watts"), Value(Kind.QUANTITY, "12.5 W")),
        (series("loxone_control_value", 21.37), Value(Kind.PLAIN, "21.37")),
        (
            series("loxone_switch_active", 0),
            Value(Kind.NUMBER, "no", "0", is_off=True),
        ),
        (series("loxone_switch_active", 1), Value(Kind.NUMBER, "yes", "1")),
        (series("loxone_windows_open", 1), Value(Kind.NUMBER, "1")),
        (
            series("loxone_alarm_level", 1, holding=["silent", "technical"]),
            Value(Kind.NAMED, "silent, technical"),
        ),
        (
            series("loxone_alarm_level", 0, holding=[]),
            Value(Kind.NAMED, "none of its names"),
        ),
        (
            series("loxone_lock_state", 1, holding=["unlocked"]),
            Value(Kind.LOCK, "unlocked"),
        ),
        (
            series("loxone_presence_since_timestamp_seconds", NOW - 90, "seconds"),
            Value(Kind.TIME, "1 min ago", "1699999910"),
        ),
        (
            series("loxone_presence_since_timestamp_seconds", 0, "seconds"),
            Value(Kind.TIME, "never", "0"),
        ),
        (
            series("loxone_miniserver_sunrise_seconds", 30_960, "seconds"),
            Value(Kind.TIME, "08:36", "30960 seconds after midnight"),
        ),
        (
            series("loxone_control_activations_total", 3),
            Value(Kind.COUNT, "came on 3 times"),
        ),
        (
            series("loxone_control_on_seconds_total", 75.5, "seconds"),
            Value(Kind.COUNT, "on for 1 min", "75.5 seconds"),
        ),
        (
            series("loxone_control_on_seconds_total", 0, "seconds"),
            Value(Kind.COUNT, "on for 0 s"),
        ),
        (
            series("loxone_control_info", 1, name="n", uuid="u"),
            Value(Kind.INFO, "UUID u"),
        ),
        (
            series("loxone_energy_flow_node_info", 1, name="n", node="Grid", role="grid"),
            Value(Kind.INFO, "Grid, grid"),
        ),
        (
            series("loxone_control_text_info", 1, name="n", value="dry"),
            Value(Kind.TEXT, "dry"),
        ),
    ],
    ids=lambda each: each.metric if isinstance(each, ShownSeries) else each.text,
)
def test_values(shown: ShownSeries, value: Value) -> None:
    assert value == value_of(shown, NOW)


def test_every_base_unit_has_one_for_people() -> None:
    for unit in {family.unit for family in FAMILIES.values()} - {"", "timestamp_seconds"}:
        spelt = unit.replace("{currency}", "eur")
        assert not quantity(2.0, spelt).endswith(spelt.replace("_", " ")) or unit == "ppm", unit


def test_what_a_miniserver_tells_is_called_by_words_without_its_name() -> None:
    told = [
        series("loxone_miniserver_sunrise_seconds", 30_960, "seconds"),
        series("loxone_miniserver_internet_reachable", 1),
        series("loxone_weather_temperature_celsius", 9.1, "celsius"),
    ]
    titles = [state.subcontrol for state in own_states(told, NOW)]
    assert ["sunrise", "internet reachable", "weather temperature"] == titles
