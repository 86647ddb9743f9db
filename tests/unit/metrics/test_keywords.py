from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loxone_exporter.metrics.keywords import HINTS, find_quantity, is_set_point


def quantity(base: str, control: str = "", category: str = "", kind: str = "undefined") -> str:
    names = {"control": control, "category": category}
    found = find_quantity(base, names, kind)
    return found.quantity if found else ""


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Luftfeuchte", "humidity"),
        ("Luftfeuchtigkeit Bad", "humidity"),
        ("rel. Feuchte", "humidity"),
        ("Humidity", "humidity"),
        ("Vlhkost vzduchu", "humidity"),
        ("Relativní vlhkost", "humidity"),
        ("Humidité salon", "humidity"),
        ("Umidità", "humidity"),
        ("Wilgotność", "humidity"),
        ("Bodenfeuchte Hochbeet", "soil_moisture"),
        ("Soil Moisture", "soil_moisture"),
        ("Vlhkost půdy", "soil_moisture"),
        ("Moisture of the soil", "soil_moisture"),
        ("Batterie Fenster Süd", "battery_charge"),
        ("Baterie čidla", "battery_charge"),
        ("Akku Türschloss", "battery_charge"),
        ("Hausbatterie", "storage_charge"),
        ("Speicher Ladezustand", "storage_charge"),
        ("SoC", "storage_charge"),
        ("PV Storage", "storage_charge"),
        ("Hausspeicher", "storage_charge"),
        ("Haus-Speicher", "storage_charge"),
        ("Tesla Powerwall", "storage_charge"),
        ("Auto SoC", "battery_charge"),
        ("SOC EV", "battery_charge"),
        ("Car battery", "battery_charge"),
        ("Ladestand Elektroauto", "battery_charge"),
        ("Tesla", "battery_charge"),
        ("Wallbox", "battery_charge"),
        ("Wallbox SoC", "battery_charge"),
        ("Licht Wallbox", "light_level"),
        ("Batteriespeicher Auto", "storage_charge"),
        ("Jalousie Auto", "shading_position"),
        ("Rolladen Auto", "shading_position"),
        ("Automatik SoC", "storage_charge"),
        ("Zisterne", "fill_level"),
        ("Füllstand Öltank", "fill_level"),
        ("Hladina vody", "fill_level"),
        ("Ventil Heizkreis 1", "valve_position"),
        ("Mischer", "valve_position"),
        ("Valve living room", "valve_position"),
        ("Ventilator Bad", "fan_speed"),
        ("Lüftung Stufe", "fan_speed"),
        ("Větrání", "fan_speed"),
        ("Rekuperace", "fan_speed"),
        ("Umwälzpumpe", "pump_speed"),
        ("Oběhové čerpadlo", "pump_speed"),
        ("WLAN Signal", "signal_strength"),
        ("Lautstärke", "audio_volume"),
        ("Hlasitost", "audio_volume"),
        ("Volume kitchen", "audio_volume"),
        ("Volumenstrom", ""),
        ("Jalousie Süd", "shading_position"),
        ("Žaluzie kuchyň", "shading_position"),
        ("Licht Flur", "light_level"),
        ("Světlo chodba", "light_level"),
        ("Dimmer", "light_level"),
        # Words within other words, and words for other things.
        ("Feuchte Dachboden", "humidity"),
        ("Luftfeuchte Bodenraum", "humidity"),
        ("Fußbodenheizung Feuchte", "humidity"),
        ("Rel. Feuchte Fussboden", "humidity"),
        ("Vlhkost Zemanova", "humidity"),
        ("Bodenfeuchtigkeit", "soil_moisture"),
        ("Feuchte Erde", "soil_moisture"),
        ("Licht Speicher", "light_level"),
        ("Ventil Speicher", "valve_position"),
        ("Storage Room Light", "light_level"),
        ("Speicher", "storage_charge"),
        ("Stromspeicher", "storage_charge"),
        ("Speicherplatz frei", ""),
        ("Schallpegel", ""),
        ("Signalpegel", "signal_strength"),
        ("Wasserpegel", "fill_level"),
        ("Regentonne", "fill_level"),
        ("Waschapparat", ""),
        ("Skylight", ""),
        ("Nightlight", "light_level"),
        ("Auslastung", ""),
        ("", ""),
    ],
)
def test_a_percentage_is_what_its_name_says(name: str, expected: str) -> None:
    assert expected == quantity("ratio", name)
    assert expected == quantity("ratio", "", name)
    assert expected == quantity("ratio", name.upper())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Außentemperatur", "temperature"),
        ("Vorlauf", ""),
        ("Temperatur Winkel", "temperature"),
        ("Einrichtung", ""),
        ("Rectangle", ""),
        ("Taupunkt", "dew_point"),
        ("Temperaturdifferenz", "temperature_difference"),
        ("Temp Diff", "temperature_difference"),
        ("Temperatur Diffusor", "temperature"),
        ("Diffuser", ""),
        ("ΔT Kollektor", "temperature_difference"),
        ("Spreizung", "temperature_difference"),
        ("Windrichtung", "wind_direction"),
        ("Směr větru", "wind_direction"),
        ("Wind direction", "wind_direction"),
        ("Sonnenstand Azimut", "angle"),
        ("Sun elevation", "angle"),
        ("Dachneigung", "angle"),
        ("Náklon panelu", "angle"),
        ("Winkel Lamellen", "angle"),
    ],
)
def test_a_degree_sign_is_a_temperature_unless_the_name_says_otherwise(
    name: str, expected: str
) -> None:
    assert expected == quantity("degree sign", name)


@pytest.mark.parametrize(
    ("base", "name", "expected"),
    [
        ("celsius", "Taupunkt", "dew_point"),
        ("celsius", "Rosný bod", "dew_point"),
        ("celsius", "Dew point", "dew_point"),
        ("celsius", "Temperatur", ""),
        ("ppm", "CO₂", "co2"),
        ("ppm", "CO2 Büro", "co2"),
        ("ppm", "Kohlendioxid", "co2"),
        ("ppm", "VOC", ""),
        ("ppm", "CO-Melder", ""),
        ("meters", "Niederschlag heute", "precipitation"),
        ("meters", "Srážky", "precipitation"),
        ("meters", "Schneehöhe", ""),
        ("meters_per_second", "Wind", "wind_speed"),
        ("meters_per_second", "Windböen", "wind_speed"),
        ("meters_per_second", "Vítr", "wind_speed"),
        ("meters_per_second", "Window motor", ""),
        ("meters_per_second", "Förderband", ""),
        ("grams_per_cubic_meter", "Absolute Feuchte", "absolute_humidity"),
        ("grams_per_cubic_meter", "Feinstaub PM2.5", ""),
        ("watts", "Humidity", ""),
    ],
)
def test_other_units_too(base: str, name: str, expected: str) -> None:
    assert expected == quantity(base, name)


def test_the_control_knows_better_than_its_category() -> None:
    assert "pump_speed" == quantity("ratio", "Pumpe", "Feuchte")
    assert "humidity" == quantity("ratio", "Bad", "Feuchte")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("lights", "light_level"),
        ("shading", "shading_position"),
        ("multimedia", "audio_volume"),
        ("indoortemperature", ""),
        ("undefined", ""),
        ("", ""),
    ],
)
def test_the_kind_of_the_category_tells_where_no_name_does(kind: str, expected: str) -> None:
    assert expected == quantity("ratio", "Gruppe 1", "Verschiedenes", kind)
    assert "humidity" == quantity("ratio", "Feuchte", "Verschiedenes", kind)


def test_what_told_is_told() -> None:
    by_name = find_quantity("ratio", {"control": "Feuchte", "category": ""}, "lights")
    by_category = find_quantity("ratio", {"control": "x", "category": "Feuchte"}, "lights")
    by_kind = find_quantity("ratio", {"control": "x", "category": "y"}, "lights")
    assert by_name
    assert by_category
    assert by_kind
    assert "the name of the control" == by_name.evidence
    assert "the name of the category" == by_category.evidence
    assert "the kind of the category, lights" == by_kind.evidence


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Sollwert Vorlauf", True),
        ("Solltemperatur", True),
        ("Vorlauf Soll", True),
        ("Target temperature", True),
        ("Setpoint", True),
        ("Set point", True),
        ("Požadovaná teplota", True),
        ("Cílová teplota", True),
        ("Consigne salon", True),
        ("Vorlauf", False),
        ("Reset Zähler", False),
        ("Temperatur Söller", False),
        ("Sollwert Söller", True),
        ("Wolldecke", False),
    ],
)
def test_a_name_may_say_that_somebody_sets_it(name: str, expected: bool) -> None:  # noqa: FBT001  # pytest passes by position
    assert expected is is_set_point(name)


@given(base=st.sampled_from(list(HINTS)), name=st.text(), category=st.text())
def test_any_name_tells_something_or_nothing(base: str, name: str, category: str) -> None:
    assert quantity(base, name, category) in {"", *(hint.quantity for hint in HINTS[base])}


@pytest.mark.parametrize("word", ["rosn", "rosn ", "boden", "speicher", "feucht luftf", "min", " "])
@pytest.mark.parametrize("base", HINTS)
def test_no_name_takes_long(base: str, word: str) -> None:
    name = word * (40_000 // len(word))
    started = time.process_time()
    quantity(base, name, name)
    is_set_point(name)
    assert time.process_time() - started < 1
