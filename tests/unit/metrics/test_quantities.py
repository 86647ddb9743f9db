from __future__ import annotations

import re
from collections import Counter

import pytest

from loxone_exporter.config.model import MetricType
from loxone_exporter.metrics.catalog.entry import MEASURED
from loxone_exporter.metrics.keywords import HINTS
from loxone_exporter.metrics.quantities import FAMILIES, Family, find_family, units_of
from loxone_exporter.metrics.quantities.digital import DIGITAL
from loxone_exporter.metrics.quantities.energy import ENERGY
from loxone_exporter.metrics.quantities.environment import ENVIRONMENT
from loxone_exporter.metrics.quantities.family import COUNTED, READING
from loxone_exporter.units import quantities_of_units


ALL = (*ENVIRONMENT, *ENERGY, *DIGITAL)


def test_no_family_is_there_twice() -> None:
    assert [] == [name for name, count in Counter(one.name for one in ALL).items() if count > 1]
    assert len(ALL) == len(FAMILIES)


@pytest.mark.parametrize("family", ALL, ids=lambda family: family.key)
def test_names_follow_the_conventions_of_prometheus(family: Family) -> None:
    name = family.of_currency("eur").sample_name
    assert re.fullmatch(r"loxone_[a-z0-9]+(_[a-z0-9]+)*", name)
    assert name.endswith("_total") is (family.type == "counter")
    assert not re.search(r"_(info|sum|count|bucket|created)$", name)
    assert not re.search(r"_(counter|gauge|histogram|summary)(_|$)", name)
    assert not name.startswith(("loxone_control", "loxone_exporter", "loxone_miniserver"))
    assert family.name.endswith(family.unit)
    assert family.help[0].isupper() or family.help[0] == "1"
    assert family.help.endswith(".")
    assert "ikewise" not in family.help


@pytest.mark.parametrize("family", ALL, ids=lambda family: family.key)
def test_a_counter_has_a_gauge_for_its_readings(family: Family) -> None:
    if family.type == "counter":
        reading = find_family(family.quantity, family.unit, "gauge")
        assert reading
        assert (f"{family.quantity}_reading", "gauge") == (reading.quantity, reading.type)
        assert family is find_family(reading.quantity, family.unit, "counter")
        assert family is find_family(family.quantity, family.unit, "counter")
        assert reading is find_family(reading.quantity, family.unit, "gauge")


def test_of_a_gauge_without_readings_there_is_no_counter() -> None:
    gauge = FAMILIES["temperature_celsius"]
    assert gauge is find_family("temperature", "celsius", "counter")
    assert gauge is find_family("temperature", "celsius", "gauge")


def test_a_family_can_be_invented() -> None:
    acidity = find_family("ph", "", "gauge")
    assert acidity
    assert ("loxone_ph", "gauge") == (acidity.sample_name, acidity.type)
    cars = find_family("cars", "", "counter", is_counted=True)
    assert cars
    assert ("loxone_cars_total", "counter") == (cars.sample_name, cars.type)
    assert "override" in cars.help
    assert cars == find_family("cars_reading", "", "counter", is_counted=True)


@pytest.mark.parametrize(
    ("unit", "counted", "counter", "gauge"),
    [
        ("", False, "loxone_x", "loxone_x"),
        ("", True, "loxone_x_total", "loxone_x_reading"),
        ("seconds", True, "loxone_x_seconds_total", "loxone_x_reading_seconds"),
        ("joules", False, "loxone_x_joules_total", "loxone_x_reading_joules"),
        ("joules", True, "loxone_x_joules_total", "loxone_x_reading_joules"),
        ("cubic_meters", False, "loxone_x_cubic_meters_total", "loxone_x_reading_cubic_meters"),
        ("watts", True, "loxone_x_watts", "loxone_x_watts"),
        ("celsius", True, "loxone_x_celsius", "loxone_x_celsius"),
    ],
)
def test_an_invented_name_is_of_one_type(
    unit: str, *, counted: bool, counter: str, gauge: str
) -> None:
    expectations: dict[MetricType, str] = {"counter": counter, "gauge": gauge}
    for type_, expected in expectations.items():
        family = find_family("x", unit, type_, is_counted=counted)
        assert family
        assert expected == family.sample_name


def test_what_meters_count_is_known_by_its_reading_where_nothing_else_is() -> None:
    readings = {family.unit for family in MEASURED.values() if family.quantity.endswith(READING)}
    assert COUNTED == readings


def test_an_invented_moment_is_one_family() -> None:
    sent = find_family("x", "timestamp_seconds", "gauge")
    assert sent
    assert "loxone_x_timestamp_seconds" == sent.name
    assert sent == find_family("x_timestamp", "seconds", "counter", is_counted=True)


def test_what_the_table_has_is_in_the_units_of_the_table() -> None:
    assert find_family("humidity", "celsius", "gauge") is None
    assert find_family("humidity", "", "gauge") is None
    assert {"celsius"} == units_of("temperature")
    assert {"degrees"} == units_of("wind_direction")
    assert frozenset() == units_of("ph")


def test_no_invented_family_has_a_name_of_the_table() -> None:
    assert find_family("energy_joules", "", "gauge") is None
    assert find_family("temperature_celsius", "", "counter") is None


def test_money_is_in_one_currency() -> None:
    family = FAMILIES["energy_price_import_{currency}_per_kilowatt_hour"].of_currency("czk")
    assert "loxone_energy_price_import_czk_per_kilowatt_hour" == family.sample_name
    assert "czk_per_kilowatt_hour" == family.metadata_unit


def test_moments_are_in_seconds() -> None:
    assert "seconds" == FAMILIES["alarm_arming_timestamp_seconds"].metadata_unit


def test_what_units_tell_has_families() -> None:
    for quantity, base in quantities_of_units():
        assert f"{quantity}_{base}" in FAMILIES


def test_what_names_may_tell_has_families() -> None:
    for base, hints in HINTS.items():
        units = {"degrees", "celsius"} if base == "degree sign" else {base}
        for hint in hints:
            assert units & units_of(hint.quantity)
