"""The weather, as the weather service tells it to a Miniserver (control catalog, weatherServer).

It comes in a table of its own, whose units the structure file tells for some of the fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from attrs import evolve, field, frozen

from loxone_exporter.loxone.structure import Structure
from loxone_exporter.loxone.tables import Weather, WeatherEntry
from loxone_exporter.loxone.uuids import StateUuid
from loxone_exporter.metrics.catalog import Epoch
from loxone_exporter.metrics.conversions import TimeConversion, UnitConversion
from loxone_exporter.metrics.families import Heading, Told
from loxone_exporter.units import Unit, find_unit, is_degree_sign


_LATEST_HOUR = 96
"""How far a forecast reaches at most."""

_HOUR = 3600
_ACTUAL = "loxone_weather_"
_FORECAST = "loxone_weather_forecast_"


@frozen
class _Field:
    """A field of the weather.

    Attributes:
        read: Takes it from an entry.
        families: What it is, by the base unit: name of the family, and what it holds.
        formats: The formats that may tell its unit, the most special one first.
        inferred: Its unit where there is no format; empty where that is not known.
    """

    read: Callable[[WeatherEntry], float]
    families: Mapping[str, tuple[str, str]]
    formats: tuple[str, ...] = ()
    inferred: str = ""

    def unit(self, structure: Structure) -> Unit | None:
        """The unit that it is in; None where nobody knows."""
        formats = (structure.weather_formats.get(key) for key in self.formats)
        spelling = next((format_.unit for format_ in formats if format_), "")
        # A mere degree sign is one of temperature or of an angle, whichever the field is.
        if not spelling or (is_degree_sign(spelling) and self.inferred in {"temp", "degrees"}):
            spelling = self.inferred
        unit = find_unit(spelling, structure.units) if spelling else None
        return unit if unit and unit.base in self.families else None


# Formats of published files: all have % and hPa, but km/h or mph, l/m²/h or mm. So nothing is
# inferred for wind and precipitation.
_FIELDS: Final = (
    _Field(
        lambda entry: entry.temperature,
        {"celsius": ("temperature_celsius", "Temperature outside")},
        ("temperature",),
        "temp",
    ),
    _Field(
        lambda entry: entry.perceived_temperature,
        {
            "celsius": (
                "perceived_temperature_celsius",
                "Temperature outside as people perceive it",
            )
        },
        ("perceivedTemperature", "temperature"),
        "temp",
    ),
    _Field(
        lambda entry: entry.dew_point,
        {"celsius": ("dew_point_celsius", "Dew point")},
        ("dewPoint", "temperature"),
        "temp",
    ),
    _Field(
        lambda entry: entry.relative_humidity,
        {"ratio": ("humidity_ratio", "Relative humidity of the air; 1 is saturated")},
        ("relativeHumidity",),
        "%",
    ),
    _Field(
        lambda entry: entry.wind_speed,
        {"meters_per_second": ("wind_speed_meters_per_second", "Speed of the wind")},
        ("windSpeed",),
    ),
    _Field(
        lambda entry: entry.wind_direction,
        {
            "degrees": (
                "wind_direction_degrees",
                "Where the wind comes from; 0 is north, 90 is east, which is inferred",
            )
        },
        ("windDirection",),
        "degrees",
    ),
    _Field(
        lambda entry: entry.precipitation,
        {
            "meters_per_second": (
                "precipitation_rate_meters_per_second",
                "Precipitation in a time; 1 mm/h or 1 l/m²/h is 2.8e-7",
            ),
            "meters": (
                "precipitation_meters",
                "Precipitation, in a time that is not documented; 0.001 is 1 mm or 1 l/m²",
            ),
        },
        ("precipitation",),
    ),
    _Field(
        lambda entry: entry.barometric_pressure,
        {"pascals": ("pressure_pascals", "Pressure of the air")},
        ("barometricPressure",),
        "hPa",
    ),
    _Field(
        lambda entry: entry.solar_radiation,
        {
            "watts_per_square_meter": (
                "irradiance_watts_per_square_meter",
                "Power of the sun on an area. That it comes in W/m² is inferred",
            )
        },
        ("solarRadiation",),
        "W/m²",
    ),
)

_since_2009 = TimeConversion(Epoch.LOXONE)


@frozen
class _Report:
    """The weather now, or a forecast: how its families are called and what they say.

    Attributes:
        prefix: What the names begin with.
        source: What follows each explanation.
        labels: The labels of a sample, beside `miniserver`.
        code: The family of the weather service's code.
        title: The family of what the code means.
        updated: The family of its time.
    """

    prefix: str
    source: str
    labels: tuple[str, ...] = ()
    code: Heading = field(init=False)
    title: Heading = field(init=False)
    updated: Heading = field(init=False)

    @code.default
    def _code(self) -> Heading:
        return self.heading(
            "type",
            f"Kind of weather, as a code; {self.prefix}type_title_info has its meaning",
        )

    @title.default
    def _title(self) -> Heading:
        # A gauge and information may not have the same name before the _info (OpenMetrics 1.0).
        heading = self.heading("type_title", f"What the present code of {self.prefix}type means")
        return evolve(heading, labels=(*self.labels, "code", "title"), is_info=True)

    @updated.default
    def _updated(self) -> Heading:
        heading = self.heading("last_update_timestamp_seconds", "When it was last updated")
        return evolve(heading, labels=())

    def heading(self, name: str, documentation: str) -> Heading:
        """How a family begins."""
        return Heading(self.prefix + name, f"{documentation}. {self.source}", self.labels)


_NOW: Final = _Report(_ACTUAL, "As the weather service tells it.")
_LATER: Final = _Report(
    _FORECAST,
    "Forecast for so many hours after the latest weather that the weather service told.",
    ("hours",),
)


def tell_weather(
    structure: Structure, weather: Mapping[StateUuid, Weather], *, with_forecast: bool
) -> Iterator[Told]:
    """The weather that a Miniserver knows; nothing where nobody subscribed to it.

    Args:
        structure: The structure file.
        weather: The last table of each state.
        with_forecast: Whether to tell the forecast, too.
    """
    actual = _table(structure, "actual", weather)
    latest = max(actual.entries, key=lambda entry: entry.timestamp) if actual else None
    if actual and latest:
        yield from _tell_update(_NOW, actual)
        yield from _tell_entries(_NOW, structure, {(): latest})
    forecast = _table(structure, "forecast", weather) if with_forecast else None
    if forecast:
        start = latest.timestamp if latest else forecast.last_update
        yield from _tell_update(_LATER, forecast)
        yield from _tell_entries(_LATER, structure, _by_hour(forecast, start))


def _table(structure: Structure, name: str, weather: Mapping[StateUuid, Weather]) -> Weather | None:
    """A table that has entries; without a subscription, there are tables that have none."""
    uuid = structure.weather_states.get(name)
    table = weather.get(uuid) if uuid else None
    return table if table and table.entries else None


def _by_hour(forecast: Weather, start: int) -> Mapping[tuple[str, ...], WeatherEntry]:
    """Entries of a forecast by the label `hours`: of several in one hour, the first one."""
    entries: dict[tuple[str, ...], WeatherEntry] = {}
    for entry in sorted(forecast.entries, key=lambda entry: entry.timestamp):
        hours = (entry.timestamp - start + _HOUR // 2) // _HOUR
        if 0 <= hours <= _LATEST_HOUR:
            entries.setdefault((str(hours),), entry)
    return entries


def _tell_update(report: _Report, table: Weather) -> Iterator[Told]:
    updated = _since_2009(table.last_update)
    if updated is not None:
        yield Told(report.updated, value=updated)


def _tell_entries(
    report: _Report, structure: Structure, entries: Mapping[tuple[str, ...], WeatherEntry]
) -> Iterator[Told]:
    for field_ in _FIELDS:
        unit = field_.unit(structure)
        if unit is None:
            continue
        heading, convert = report.heading(*field_.families[unit.base]), UnitConversion(unit)
        for labels, entry in entries.items():
            value = convert(field_.read(entry))
            if value is not None:
                yield Told(heading, labels, value)
    for labels, entry in entries.items():
        code = entry.weather_type
        title = structure.weather_types.get(code)
        yield Told(report.code, labels, code)
        if title is not None:
            yield Told(report.title, (*labels, str(code), title))
