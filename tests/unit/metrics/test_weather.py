from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from attrs import evolve

from loxone_exporter.loxone.structure import Structure
from loxone_exporter.loxone.tables import Weather, WeatherEntry
from loxone_exporter.state import MiniserverState
from loxone_exporter.units import Format, HouseUnits
from support.collected import configure, connected, scrape
from support.scrapes import Sample, Scrape
from support.structures import uuid


ACTUAL, FORECAST = 7, 8
HOUR = 3600
NOW = 542_721_600
"""2026-03-14 12:00 UTC in seconds since 2009."""

NOW_UNIX = 1_773_489_600.0

ENTRY = WeatherEntry(
    timestamp=NOW,
    weather_type=4,
    wind_direction=273,
    solar_radiation=307,
    relative_humidity=67,
    temperature=50.0,
    perceived_temperature=41.0,
    dew_point=32.0,
    precipitation=1.8,
    wind_speed=36.0,
    barometric_pressure=1013.0,
)
METRIC = {
    "relativeHumidity": "%.0f%%",
    "temperature": "%.1f°",
    "windSpeed": "%.0fkm/h",
    "precipitation": "%.1fl/m²/h",
    "barometricPressure": "%.0fhPa",
}


def house(formats: Mapping[str, str] = METRIC, *, fahrenheit: bool = False) -> Structure:
    return Structure(
        "",
        (),
        weather_states={"actual": uuid(ACTUAL), "forecast": uuid(FORECAST)},
        weather_formats={field: Format.parse(text) for field, text in formats.items()},
        weather_types={4: "Mostly cloudy", 11: "Rain"},
        units=HouseUnits(fahrenheit=fahrenheit),
    )


def knowing(
    actual: Iterable[WeatherEntry] = (ENTRY,),
    forecast: Iterable[WeatherEntry] = (),
    *,
    structure: Structure | None = None,
    last_update: int = NOW,
) -> MiniserverState:
    state = connected(structure or house())
    state.apply_weather(
        [
            Weather(uuid(ACTUAL), last_update, tuple(actual)),
            Weather(uuid(FORECAST), last_update, tuple(forecast)),
        ]
    )
    return state


def later(hours: float, temperature: float = 50.0) -> WeatherEntry:
    return evolve(ENTRY, timestamp=NOW + round(hours * HOUR), temperature=temperature)


def weather(found: Scrape) -> dict[str, float]:
    """The weather now, by the names of families without what all have in common."""
    begin = "loxone_weather_"
    samples = [
        (sample.name, sample.labels, sample.value)
        for family in found.families
        for sample in family.samples
        if sample.name.startswith(begin) and not sample.name.endswith("_info")
    ]
    assert all({"miniserver": "home"} == labels for _, labels, _ in samples)
    return {name.removeprefix(begin): value for name, _, value in samples}


async def test_the_weather_is_shown_in_base_units() -> None:
    assert weather(await scrape([knowing()])) == {
        "temperature_celsius": 50.0,
        "perceived_temperature_celsius": 41.0,
        "dew_point_celsius": 32.0,
        "humidity_ratio": 0.67,
        "wind_speed_meters_per_second": 10.0,
        "wind_direction_degrees": 273.0,
        "precipitation_rate_meters_per_second": pytest.approx(5e-7, rel=1e-12),
        "pressure_pascals": 101_300.0,
        "irradiance_watts_per_square_meter": 307.0,
        "type": 4.0,
        "last_update_timestamp_seconds": NOW_UNIX,
    }


@pytest.mark.parametrize(
    ("format_", "fahrenheit", "celsius"),
    [
        ("%.1f°", False, (50.0, 41.0, 32.0)),
        ("%.1f°", True, (10.0, 5.0, 0.0)),
        ("%.1f°F", False, (10.0, 5.0, 0.0)),
        ("%.1f°C", True, (50.0, 41.0, 32.0)),
        # No unit, so the house's.
        ("%.1f", True, (10.0, 5.0, 0.0)),
        ("", False, (50.0, 41.0, 32.0)),
        (None, True, (10.0, 5.0, 0.0)),
        # None of a temperature, or none at all.
        ("%.1fkm/h", False, None),
        ("%.1f foo", False, None),
    ],
)
async def test_temperatures_are_in_the_houses_unit_or_their_own(
    format_: str | None,
    fahrenheit: bool,  # noqa: FBT001  # pytest passes by name
    celsius: tuple[float, float, float] | None,
) -> None:
    formats = {} if format_ is None else {"temperature": format_}
    found = weather(await scrape([knowing(structure=house(formats, fahrenheit=fahrenheit))]))
    names = ("temperature_celsius", "perceived_temperature_celsius", "dew_point_celsius")
    shown = None if celsius is None else tuple(found[name] for name in names)
    assert shown == (pytest.approx(celsius) if celsius else None)
    assert bool(celsius) is any(name in found for name in names)


@pytest.mark.parametrize(
    ("field", "format_", "sent", "name", "shown"),
    [
        ("windSpeed", "%.0fkm/h", 36.0, "wind_speed_meters_per_second", 10.0),
        ("windSpeed", "%.0fmph", 10.0, "wind_speed_meters_per_second", 4.4704),
        ("windSpeed", "%.1fm/s", 10.0, "wind_speed_meters_per_second", 10.0),
        ("windSpeed", "%.0fkn", 10.0, "wind_speed_meters_per_second", 5.144444444),
        ("windSpeed", "%.0f°", 10.0, "wind_speed_meters_per_second", None),
        ("windSpeed", "%.0f", 10.0, "wind_speed_meters_per_second", None),
        ("windSpeed", None, 10.0, "wind_speed_meters_per_second", None),
        ("windDirection", "%.0f°", 90.0, "wind_direction_degrees", 90.0),
        ("windDirection", None, 90.0, "wind_direction_degrees", 90.0),
        ("precipitation", "%.1fl/m²/h", 3.6, "precipitation_rate_meters_per_second", 1e-6),
        ("precipitation", "%.1fmm/h", 3.6, "precipitation_rate_meters_per_second", 1e-6),
        ("precipitation", "%.1fl/m²/h", 3.6, "precipitation_meters", None),
        ("precipitation", "%.1fmm", 3.5, "precipitation_meters", 0.0035),
        ("precipitation", "%.1fl/m²", 3.5, "precipitation_meters", 0.0035),
        ("precipitation", "%.2fin", 2.0, "precipitation_meters", 0.0508),
        ("precipitation", "%.1fmm", 3.5, "precipitation_rate_meters_per_second", None),
        ("precipitation", None, 3.5, "precipitation_meters", None),
        ("precipitation", None, 3.5, "precipitation_rate_meters_per_second", None),
        ("barometricPressure", "%.0fhPa", 1013.0, "pressure_pascals", 101_300.0),
        ("barometricPressure", "%.1finHg", 29.92, "pressure_pascals", 101_320.75888),
        ("barometricPressure", None, 1013.0, "pressure_pascals", 101_300.0),
        ("barometricPressure", "%.0f%%", 1013.0, "pressure_pascals", None),
        ("relativeHumidity", "%.0f%%", 50.0, "humidity_ratio", 0.5),
        ("relativeHumidity", None, 50.0, "humidity_ratio", 0.5),
        ("solarRadiation", None, 500.0, "irradiance_watts_per_square_meter", 500.0),
        ("solarRadiation", "%.1fkW/m²", 2.0, "irradiance_watts_per_square_meter", 2000.0),
        ("solarRadiation", "%.1flx", 2.0, "irradiance_watts_per_square_meter", None),
        # Numbers that are none.
        ("windSpeed", "%.0fkm/h", math.nan, "wind_speed_meters_per_second", None),
        ("barometricPressure", "%.0fhPa", math.inf, "pressure_pascals", None),
        ("barometricPressure", "%.0fhPa", 1.7e308, "pressure_pascals", None),
    ],
)
async def test_units_are_those_of_the_formats(
    field: str, format_: str | None, sent: float, name: str, shown: float | None
) -> None:
    attribute = {
        "windSpeed": "wind_speed",
        "windDirection": "wind_direction",
        "precipitation": "precipitation",
        "barometricPressure": "barometric_pressure",
        "relativeHumidity": "relative_humidity",
        "solarRadiation": "solar_radiation",
    }[field]
    changes: dict[str, Any] = {attribute: sent}
    entry = evolve(ENTRY, **changes)
    structure = house({} if format_ is None else {field: format_})
    found = weather(await scrape([knowing([entry], structure=structure)]))
    assert found.get(name) == (None if shown is None else pytest.approx(shown, rel=1e-9))


async def test_the_kind_of_weather_has_a_title_if_the_house_has_one() -> None:
    name = "loxone_weather_type_title_info"
    labels = {"miniserver": "home", "code": "4", "title": "Mostly cloudy"}
    assert [Sample(labels, 1)] == (await scrape([knowing()])).samples(name)
    found = await scrape([knowing([evolve(ENTRY, weather_type=-7)])])
    assert [] == found.samples(name)
    assert -7 == found.value("loxone_weather_type")


async def test_the_newest_entry_is_the_weather_now() -> None:
    entries = [later(-1, temperature=1.0), later(0, temperature=2.0), later(-2, temperature=3.0)]
    found = await scrape([knowing(entries)])
    assert 2 == found.value("loxone_weather_temperature_celsius")


@pytest.mark.parametrize("forecast", [False, True])
async def test_without_a_subscription_there_is_no_weather(forecast: bool) -> None:  # noqa: FBT001  # pytest passes by name
    config = configure({"weather_forecast": forecast})
    for state in (knowing([]), connected(house()), connected(Structure("", ()))):
        assert "loxone_weather" not in (await scrape([state], config)).body


@pytest.mark.parametrize("last_update", [0, 2**32 - 1])
async def test_a_time_that_is_none_is_absent(last_update: int) -> None:
    found = weather(await scrape([knowing(last_update=last_update)]))
    assert "last_update_timestamp_seconds" not in found
    assert 50 == found["temperature_celsius"]


async def test_without_quantities_there_is_no_weather() -> None:
    found = await scrape([knowing()], configure({"quantities": False}))
    assert "loxone_weather" not in found.body


async def test_the_forecast_is_served_on_request_only() -> None:
    state = knowing(forecast=[later(1), later(2)])
    assert "forecast" not in (await scrape([state])).body
    found = await scrape([state], configure({"weather_forecast": True}))
    assert 50 == found.value("loxone_weather_temperature_celsius")
    hours = {"1": 50.0, "2": 50.0}
    assert hours == found.values("loxone_weather_forecast_temperature_celsius", "hours")
    assert NOW_UNIX == found.value("loxone_weather_forecast_last_update_timestamp_seconds")
    assert {"1": 4, "2": 4} == found.values("loxone_weather_forecast_type", "hours")
    titles = found.samples("loxone_weather_forecast_type_title_info")
    labels = {"miniserver": "home", "hours": "2", "code": "4", "title": "Mostly cloudy"}
    assert Sample(labels, 1) == titles[1]
    names = set(weather(await scrape([state]))) - {"last_update_timestamp_seconds"}
    for name in names:
        assert set(hours) == set(found.values(f"loxone_weather_forecast_{name}", "hours"))


async def test_the_forecast_counts_whole_hours_from_the_weather_now() -> None:
    entries = [
        later(-1, temperature=1.0),
        later(0, temperature=2.0),
        later(0.75, temperature=3.0),
        later(1.25, temperature=4.0),
        later(96, temperature=5.0),
        later(97, temperature=6.0),
        evolve(ENTRY, timestamp=-(2**31)),
    ]
    state = knowing(forecast=reversed(entries))
    found = await scrape([state], configure({"weather_forecast": True}))
    expected = {"0": 2.0, "1": 3.0, "96": 5.0}
    assert expected == found.values("loxone_weather_forecast_temperature_celsius", "hours")
    assert len(found.series()) == len(set(found.series()))


async def test_the_forecast_is_bounded() -> None:
    state = knowing(forecast=[later(minute / 4) for minute in range(4000)])
    found = await scrape([state], configure({"weather_forecast": True}))
    assert 97 == len(found.samples("loxone_weather_forecast_temperature_celsius"))


async def test_a_forecast_without_the_weather_now_counts_from_its_own_time() -> None:
    state = knowing([], [later(3)])
    found = await scrape([state], configure({"weather_forecast": True}))
    assert {"3": 50.0} == found.values("loxone_weather_forecast_temperature_celsius", "hours")
    assert [] == found.samples("loxone_weather_temperature_celsius")
