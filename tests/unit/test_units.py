from __future__ import annotations

import math
import re
import time
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from loxone_exporter.units import (
    Format,
    HouseUnits,
    Unit,
    find_unit,
    is_degree_sign,
    is_reserved_end,
    quantities_of_units,
    spellings,
)


HOUSE = HouseUnits(currency="€")

# Typed by hand: spellings, base unit, value sent, value in the base unit.
UNITS: list[tuple[str, str, float, float]] = [
    ("°C | C | Celsius | celsius | ° C | ºC | ˚C | ℃ | [°C]", "celsius", 21.5, 21.5),
    ("°F | F | Fahrenheit | ° F | ℉", "celsius", 212, 100),
    ("°F | F | Fahrenheit", "celsius", 32, 0),
    ("°F | F | Fahrenheit", "celsius", -40, -40),
    ("K | Kelvin", "celsius", 2.5, 2.5),
    ("ratio", "ratio", 0.5, 0.5),
    ("% | \N{FULLWIDTH PERCENT SIGN} | Prozent | percent | [%]", "ratio", 55, 0.55),
    ("%rH | %RH | %rh | %rF | %r.F. | %r.F | %r.H. | %r.H | %relF | % rH", "ratio", 55, 0.55),
    ("‰", "ratio", 500, 0.5),
    ("W | Watt | watt", "watts", 230.5, 230.5),
    ("kW | KW | kw | Kw | k W", "watts", 3.25, 3250),
    ("MW", "watts", 2, 2_000_000),
    ("mW", "watts", 500, 0.5),
    ("J | Ws", "joules", 7, 7),
    ("kJ", "joules", 7, 7000),
    ("MJ", "joules", 3.6, 3_600_000),
    ("GJ", "joules", 1, 1e9),
    ("Wh | wh", "joules", 2, 7200),
    ("kWh | KWh | kwh | KWH | kW h", "joules", 1, 3.6e6),
    ("MWh", "joules", 1, 3.6e9),
    ("GWh", "joules", 1, 3.6e12),
    ("VA", "voltamperes", 800, 800),
    ("kVA", "voltamperes", 11, 11_000),
    ("var", "vars", 12, 12),
    ("kvar | kVar", "vars", 1.5, 1500),
    ("m³ | m3 | M3 | m ³ | cbm | Nm³ | Nm3", "cubic_meters", 12.5, 12.5),
    ("l | L | ltr | Ltr | ltr. | Liter | liter", "cubic_meters", 250, 0.25),
    ("litre | litres | Litres | liters | dm³ | dm3", "cubic_meters", 250, 0.25),
    ("hl", "cubic_meters", 5, 0.5),
    ("ml | cm³ | cm3", "cubic_meters", 500_000, 0.5),
    ("m³/s | m3/s", "cubic_meters_per_second", 2, 2),
    ("m³/h | m3/h | M3/h | m³ / h | m³/hod | m³/hod.", "cubic_meters_per_second", 1800, 0.5),
    ("m3/hod | cbm/h | Nm³/h | Nm3/h", "cubic_meters_per_second", 1800, 0.5),
    ("m³/min | m3/min", "cubic_meters_per_second", 30, 0.5),
    ("l/h | L/h | l/hod | ltr/h | Liter/h", "cubic_meters_per_second", 3600, 0.001),
    ("L/min | l/min | l / min | L/Min | l/min.", "cubic_meters_per_second", 60, 0.001),
    ("l/m | lpm | LPM | ltr/min | Liter/min", "cubic_meters_per_second", 60, 0.001),
    ("l/s | L/s", "cubic_meters_per_second", 2, 0.002),
    ("ppm | PPM | p p m", "ppm", 612, 612),
    ("ppb", "ppm", 500, 0.5),
    ("lx | Lx | LX | lux | Lux", "lux", 340, 340),
    ("klx | kLx", "lux", 12, 12_000),
    ("m/s | m / s | m/sec", "meters_per_second", 4.2, 4.2),
    ("km/h | Km/h | KM/H | km / h | kmh | kph", "meters_per_second", 36, 10),
    ("mph | MPH | mi/h", "meters_per_second", 10, 4.4704),
    ("kn | kt | kts | knots | Knots", "meters_per_second", 3600, 1852),
    ("Pa", "pascals", 101_325, 101_325),
    ("hPa | HPA | hpa | h Pa | mbar | mBar", "pascals", 1013, 101_300),
    ("kPa", "pascals", 101.5, 101_500),
    ("bar | Bar", "pascals", 1.5, 150_000),
    ("MPa", "pascals", 0.5, 500_000),
    ("psi | PSI", "pascals", 1, 6894.757),
    ("mmHg", "pascals", 1, 133.322387415),
    ("inHg", "pascals", 1, 3386.389),
    ("V | Volt", "volts", 230, 230),
    ("mV", "volts", 500, 0.5),
    ("kV", "volts", 22, 22_000),
    ("A | Ampere", "amperes", 16, 16),
    ("mA", "amperes", 20, 0.02),
    ("Hz | hz | 1/s", "hertz", 50, 50),
    ("kHz", "hertz", 8, 8000),
    ("MHz", "hertz", 868, 868_000_000),
    ("rpm | RPM | 1/min | U/min | ot/min | ot./min | ot. / min", "hertz", 1800, 30),
    ("Ω | \N{OHM SIGN} | Ohm | ohm", "ohms", 47, 47),
    ("kΩ | kOhm | kohm", "ohms", 4.5, 4500),
    ("MΩ | MOhm", "ohms", 2, 2_000_000),
    ("dB | db | DB | dBA | dB(A) | dB (A)", "decibels", 41.5, 41.5),
    ("W/m² | W/m2 | w/m² | W / m ²", "watts_per_square_meter", 801, 801),
    ("kW/m² | kW/m2", "watts_per_square_meter", 0.5, 500),
    ("m | Meter", "meters", 3.5, 3.5),
    ("mm", "meters", 500, 0.5),
    ("l/m² | l/m2 | L / m²", "meters", 5, 0.005),
    ("cm", "meters", 50, 0.5),
    ("km", "meters", 1.5, 1500),
    ("in | inch", "meters", 10, 0.254),
    ("ft", "meters", 10, 3.048),
    ("mm/h | mm / h | mm/hod | l/m²/h | l/m2/h | l / m² / h", "meters_per_second", 3.6, 1e-6),
    ("l/m²h | l/m2h | l/(m²h) | l/(m2h)", "meters_per_second", 3.6, 1e-6),
    ("g", "grams", 20, 20),
    ("kg", "grams", 2.5, 2500),
    ("t", "grams", 2, 2_000_000),
    ("mg", "grams", 500, 0.5),
    ("g/m³ | g/m3", "grams_per_cubic_meter", 9.5, 9.5),
    ("mg/m³ | mg/m3", "grams_per_cubic_meter", 500, 0.5),
    ("\N{MICRO SIGN}g/m³ | \N{GREEK SMALL LETTER MU}g/m³", "grams_per_cubic_meter", 25, 25e-6),
    ("\N{MICRO SIGN}g/m3 | μg/m3 | ug/m³ | ug/m3", "grams_per_cubic_meter", 25, 25e-6),
    ("kg/m³ | kg/m3 | g/l", "grams_per_cubic_meter", 1.5, 1500),
    ("g/kWh", "grams_per_kilowatt_hour", 380, 380),
    ("kg/kWh", "grams_per_kilowatt_hour", 0.5, 500),
    ("degrees | Degrees", "degrees", 180, 180),
    ("B | Byte | Bytes | bytes", "bytes", 512, 512),
    ("kB", "bytes", 2, 2000),
    ("MB", "bytes", 2, 2_000_000),
    ("GB", "bytes", 2, 2_000_000_000),
    ("TB", "bytes", 2, 2_000_000_000_000),
    ("KiB", "bytes", 2, 2048),
    ("MiB", "bytes", 2, 2_097_152),
    ("GiB", "bytes", 2, 2_147_483_648),
    ("m² | m2 | qm", "square_meters", 120, 120),
    ("s | sec | sec. | sek | second | seconds | Seconds", "seconds", 15, 15),
    ("Sekunde | Sekunden | sekund | sekundy", "seconds", 15, 15),
    ("ms | msec", "seconds", 500, 0.5),
    ("min | min. | Min | MIN | minute | minutes", "seconds", 1.5, 90),
    ("Minute | Minuten | minut | minuty", "seconds", 1.5, 90),
    ("h | hr | hrs | hour | hours | Std | Std. | std", "seconds", 2, 7200),
    ("Stunde | Stunden | hod | hod. | hodin | hodiny", "seconds", 2, 7200),
    ("d | day | days | Tag | Tage | Tagen", "seconds", 2, 172_800),
    ("den | dny | dní | dni\N{COMBINING ACUTE ACCENT}", "seconds", 2, 172_800),
]
ROWS = [(spelling, *row) for texts, *row in UNITS for spelling in texts.split(" | ")]


def name_of(spelling: str, house: HouseUnits = HOUSE) -> str | None:
    unit = find_unit(spelling, house)
    return unit.name if unit else None


def unit_of(spelling: str, house: HouseUnits = HOUSE) -> Unit:
    unit = find_unit(spelling, house)
    assert unit is not None
    return unit


@pytest.mark.parametrize(("spelling", "base", "sent", "converted"), ROWS, ids=range(len(ROWS)))
def test_value_in_every_spelling_of_a_unit_becomes_one_of_the_base_unit(
    spelling: str, base: str, sent: float, converted: float
) -> None:
    unit = unit_of(spelling)
    assert (base, base, "") == (unit.base, unit.name, unit.currency)
    assert converted == unit.convert(sent)


def test_no_spelling_is_missing_in_the_table_above() -> None:
    assert [] == sorted(set(spellings()) - {spelling for spelling, *_ in ROWS})


def test_only_what_serves_for_nothing_else_tells_a_quantity() -> None:
    told = {spelling: unit_of(spelling).quantity for spelling in spellings()}
    expected = {
        "precipitation": ["l/m2"],
        "precipitation_rate": ["mm/h", "mm/hod", "l/m2/h", "l/m2h", "l/(m2h)"],
        "rotational_speed": ["rpm", "1/min", "U/min", "ot/min", "ot./min"],
        "temperature_difference": ["K", "Kelvin"],
        "humidity": ["%rH", "%rF", "%r.F", "%r.F.", "%r.H", "%r.H.", "%relF"],
    }
    by_spelling = {spelling: quantity for quantity, those in expected.items() for spelling in those}
    assert by_spelling == {spelling: quantity for spelling, quantity in told.items() if quantity}
    assert {
        ("precipitation", "meters"),
        ("precipitation_rate", "meters_per_second"),
        ("rotational_speed", "hertz"),
        ("temperature_difference", "celsius"),
        ("humidity", "ratio"),
    } == set(quantities_of_units())


def test_what_stands_in_brackets_is_no_part_of_a_unit() -> None:
    for spelling, base in (
        ("°C (Außen)", "celsius"),
        ("kW (max.)", "watts"),
        ("m³(n)", "cubic_meters"),
    ):
        assert base == unit_of(spelling).base
    for spelling in ("(kW)", "Stück (kW)", "l pro min", "kWh pro Tag"):
        assert find_unit(spelling, HOUSE) is None


def test_pence_are_of_pounds_and_only_as_a_price() -> None:
    assert "gbp_per_kilowatt_hour" == name_of("p/kWh", HouseUnits(currency="£"))
    assert 0.25 == unit_of("p/kWh", HouseUnits(currency="£")).convert(25)
    assert find_unit("p", HouseUnits(currency="£")) is None
    assert "sek_per_kilowatt_hour" == name_of("öre/kWh", HouseUnits(currency="SEK"))


@pytest.mark.parametrize(("spelling", "currency"), [("N", "PLN"), ("R", "EUR"), ("r", "kr")])
def test_the_end_of_a_currency_is_none(spelling: str, currency: str) -> None:
    assert find_unit(spelling, HouseUnits(currency=currency)) is None


@pytest.mark.parametrize(
    "spelling",
    [
        "",
        " ",
        ".",
        "[]",
        "/",
        "//",
        "/h",
        "/kWh",
        "%%",
        # The house's own, which needs more than the spelling.
        "°",
        "º",
        "TEMP",
        "tempdelta",
        "delta",
        # Neither milli nor mega.
        "Mw",
        "mw",
        "mwh",
        "Mwh",
        "mj",
        "mpa",
        "Ma",
        "mohm",
        "mΩ",
        # Letters that are other units than those they look like, or none.
        "k",
        "c",
        "f",
        "a",
        "v",
        "w",
        "S",
        "H",
        "D",
        "T",
        "G",
        "N",
        "/ 10 (z této funkce)",
        "kWh/a",
        "€/m³",
        "ct/kW",
        "€/kWh/h",
        "kr",
        "kr/kWh",
        "XYZ",
        "kWh kWh",
        "1 kWh",
        "0",
        "\N{GREEK CAPITAL LETTER MU}W",
    ],
)
def test_what_is_no_unit_is_none(spelling: str) -> None:
    assert find_unit(spelling, HOUSE) is None
    assert find_unit(spelling, HouseUnits(fahrenheit=True)) is None


@pytest.mark.parametrize("spelling", ["ML", "Mg", "Mm", "Ms", "kN", "Gb", "Mbar"])
def test_no_prefix_is_taken_for_another(spelling: str) -> None:
    assert find_unit(spelling, HOUSE) is None


@pytest.mark.parametrize(
    "spelling", ["°", "º", "˚", " ° ", "deg", "Grad", "grad", "[°]", "stupňů", "stupně", "Deg."]
)
def test_a_degree_may_be_of_anything(spelling: str) -> None:
    assert is_degree_sign(spelling)
    assert find_unit(spelling, HOUSE) is None


@pytest.mark.parametrize("spelling", ["°C", "%", "", "degrees", "K"])
def test_what_is_no_degree_sign(spelling: str) -> None:
    assert not is_degree_sign(spelling)


@pytest.mark.parametrize(("spelling", "code"), [("Ft", "huf"), ("SEK", "sek"), ("Ft.", "huf")])
def test_a_currency_that_looks_like_a_unit_is_one(spelling: str, code: str) -> None:
    for text in (f"%.2f {spelling}", f"{spelling} %.2f"):
        assert code == unit_of(Format.parse(text).unit, HouseUnits(currency=spelling)).name


def test_dollars_of_a_house_with_other_dollars_are_its_own() -> None:
    assert "aud_per_kilowatt_hour" == name_of("$/kWh", HouseUnits(currency="A$"))
    assert "usd_per_kilowatt_hour" == name_of("$/kWh", HouseUnits(currency="€"))


@pytest.mark.parametrize("currency", ["Total", "info", "Sum", "count", "to-tal"])
def test_a_currency_is_no_word_that_means_something_in_a_name(currency: str) -> None:
    assert "currency" == name_of("currency", HouseUnits(currency=currency))


@pytest.mark.parametrize(
    ("currency", "name"), [("my-total", "mytotal"), ("day-eur", "dayeur"), ("a_info", "ainfo")]
)
def test_a_currency_is_one_word_in_a_name(currency: str, name: str) -> None:
    assert name == name_of("currency", HouseUnits(currency=currency))
    assert not is_reserved_end(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("total", True), ("my_total", True), ("mytotal", False), ("total_x", False), ("", False)],
)
def test_what_a_name_must_not_end_with(name: str, *, expected: bool) -> None:
    assert expected is is_reserved_end(name)


def test_an_endless_format_takes_no_time() -> None:
    started = time.perf_counter()
    Format.parse("%" + "0" * 20_000)
    assert time.perf_counter() - started < 0.5


def test_milli_and_mega_differ_and_are_never_guessed() -> None:
    for milli, mega in [("mW", "MW"), ("mV", "MV"), ("mA", "MA"), ("mPa", "MPa"), ("mHz", "MHz")]:
        assert find_unit(milli, HOUSE) != find_unit(mega, HOUSE)
        assert find_unit(milli.swapcase(), HOUSE) is None


# House's currency, spelling, base unit, value sent, value in the base unit.
AMOUNTS: list[tuple[str, str, str, float, float]] = [
    ("€", "€", "eur", 2.5, 2.5),
    ("€", "EUR", "eur", 2.5, 2.5),
    ("€", "eur", "eur", 2.5, 2.5),
    ("€", "Euro", "eur", 2.5, 2.5),
    ("€", "€/kWh", "eur_per_kilowatt_hour", 0.25, 0.25),
    ("€", "€ / kWh", "eur_per_kilowatt_hour", 0.25, 0.25),
    ("€", "EUR/KWH", "eur_per_kilowatt_hour", 0.25, 0.25),
    ("€", "ct/kWh", "eur_per_kilowatt_hour", 25, 0.25),
    ("€", "Ct/kWh", "eur_per_kilowatt_hour", 25, 0.25),
    ("€", "Cent/kWh", "eur_per_kilowatt_hour", 25, 0.25),
    ("€", "cents / kWh", "eur_per_kilowatt_hour", 25, 0.25),
    ("€", "ct", "eur", 250, 2.5),
    ("€", "€/MWh", "eur_per_kilowatt_hour", 250, 0.25),
    ("€", "ct/MWh", "eur_per_kilowatt_hour", 25_000, 0.25),
    ("€", "€/Wh", "eur_per_kilowatt_hour", 0.5, 500),
    ("€", "€/h", "eur_per_hour", 1.5, 1.5),
    ("€", "currency", "eur", 2.5, 2.5),
    ("€", "currency/kWh", "eur_per_kilowatt_hour", 0.25, 0.25),
    ("€", "currency/h", "eur_per_hour", 1.5, 1.5),
    # Another currency than the house's says so.
    ("€", "Kč/kWh", "czk_per_kilowatt_hour", 6.5, 6.5),
    ("€", "$", "usd", 2.5, 2.5),
    ("", "Kč", "czk", 2.5, 2.5),
    ("Kč", "€/kWh", "eur_per_kilowatt_hour", 0.25, 0.25),
    ("Kč", "Kč", "czk", 2.5, 2.5),
    ("Kč", "KČ/kWh", "czk_per_kilowatt_hour", 6.5, 6.5),
    ("Kč", "Kc\N{COMBINING CARON}/kWh", "czk_per_kilowatt_hour", 6.5, 6.5),
    ("Kč", "Kč/hod", "czk_per_hour", 6.5, 6.5),
    ("Kč", "Kč/hod.", "czk_per_hour", 6.5, 6.5),
    ("Kč", "currency/kWh", "czk_per_kilowatt_hour", 6.5, 6.5),
    ("CZK", "CZK/MWh", "czk_per_kilowatt_hour", 6500, 6.5),
    ("£", "£/kWh", "gbp_per_kilowatt_hour", 0.25, 0.25),
    ("£", "GBP", "gbp", 2.5, 2.5),
    ("$", "currency", "usd", 2.5, 2.5),
    ("$", "USD", "usd", 2.5, 2.5),
    ("$", "US$", "usd", 2.5, 2.5),
    ("US $", "currency", "usd", 2.5, 2.5),
    ("CHF", "CHF", "chf", 2.5, 2.5),
    ("Fr.", "Fr.", "chf", 2.5, 2.5),
    ("SFr", "currency", "chf", 2.5, 2.5),
    ("zł", "zł", "pln", 2.5, 2.5),
    ("PLN", "ZŁ/kWh", "pln_per_kilowatt_hour", 0.5, 0.5),
    ("Ft", "currency", "huf", 2.5, 2.5),
    ("Ft", "Ft/kWh", "huf_per_kilowatt_hour", 2.5, 2.5),
    ("HUF", "HUF", "huf", 2.5, 2.5),
    ("DKK", "DKK", "dkk", 2.5, 2.5),
    ("NOK", "nok/kWh", "nok_per_kilowatt_hour", 2.5, 2.5),
    ("SEK", "currency", "sek", 2.5, 2.5),
    ("SEK", "SEK/kWh", "sek_per_kilowatt_hour", 2.5, 2.5),
    ("lei", "lei", "ron", 2.5, 2.5),
    ("RON", "RON", "ron", 2.5, 2.5),
    ("AUD", "A$", "aud", 2.5, 2.5),
    ("C$", "CAD", "cad", 2.5, 2.5),
    # Currencies that nobody here knows are still the house's own.
    ("kr", "kr", "kr", 2.5, 2.5),
    ("kr", "kr/kWh", "kr_per_kilowatt_hour", 2.5, 2.5),
    ("kr.", "kr / kWh", "kr_per_kilowatt_hour", 2.5, 2.5),
    ("kr", "currency/h", "kr_per_hour", 2.5, 2.5),
    ("Din. (RS)", "currency", "dinrs", 2.5, 2.5),
    ("Peníze", "currency", "penize", 2.5, 2.5),
    ("1₿2", "currency/kWh", "currency_per_kilowatt_hour", 2.5, 2.5),
    ("лв", "лв/kWh", "currency_per_kilowatt_hour", 2.5, 2.5),
    ("лв", "ct", "currency", 250, 2.5),
    ("", "currency", "currency", 2.5, 2.5),
    ("", "ct/kWh", "currency_per_kilowatt_hour", 25, 0.25),
    ("kWh", "kWh", "joules", 1, 3.6e6),
]


@pytest.mark.parametrize(
    ("currency", "spelling", "name", "sent", "converted"), AMOUNTS, ids=range(len(AMOUNTS))
)
def test_amount_is_in_its_own_currency_or_the_houses(
    currency: str, spelling: str, name: str, sent: float, converted: float
) -> None:
    unit = unit_of(spelling, HouseUnits(currency=currency))
    assert name == unit.name
    assert converted == unit.convert(sent)


@pytest.mark.parametrize("currency", ["", "€", "Kč"])
def test_currency_of_another_house_is_none_here(currency: str) -> None:
    assert find_unit("лв/kWh", HouseUnits(currency=currency)) is None


@pytest.mark.parametrize(
    ("house", "spelling", "base", "sent", "converted"),
    [
        (HouseUnits(), "temp", "celsius", 21.5, 21.5),
        (HouseUnits(), "temp delta", "celsius", 1.5, 1.5),
        (HouseUnits(fahrenheit=True), "temp", "celsius", 212, 100),
        (HouseUnits(fahrenheit=True), "temp", "celsius", 32, 0),
        (HouseUnits(fahrenheit=True), "temp delta", "celsius", 9, 5),
        # What is written out needs no house.
        (HouseUnits(), "°F", "celsius", 32, 0),
        (HouseUnits(fahrenheit=True), "°C", "celsius", 21.5, 21.5),
        (HouseUnits(fahrenheit=True), "K", "celsius", 1.5, 1.5),
    ],
)
def test_temperatures_are_in_the_houses_unit(
    house: HouseUnits, spelling: str, base: str, sent: float, converted: float
) -> None:
    unit = unit_of(spelling, house)
    assert (base, converted) == (unit.name, unit.convert(sent))


def ulps_between(value: float, exact: Fraction) -> Fraction:
    return abs(Fraction(value) - exact) / Fraction(math.ulp(float(exact)))


EVERY_UNIT = {
    *(unit_of(spelling) for spelling in spellings()),
    *(unit_of(spelling, HouseUnits(currency=currency)) for currency, spelling, *_ in AMOUNTS),
    *(unit_of(spelling, HouseUnits(fahrenheit=True)) for spelling in ("temp", "temp delta")),
}
moderate = st.floats(1e-200, 1e200)


@given(st.just(0.0) | moderate | moderate.map(lambda value: -value) | st.floats(-500, 500))
@example(0.1)
@example(32.0)
@example(-24.07621560992501)
@example(1013.25)
def test_conversion_is_exact_but_for_the_last_two_places(value: float) -> None:
    for unit in EVERY_UNIT:
        exact = (Fraction(value) + unit.add) * unit.multiply / unit.divide
        if value == 0 or abs(value) > 1e-300:
            assert ulps_between(unit.convert(value), exact) <= 2, unit


@given(st.floats())
def test_any_number_is_converted(value: float) -> None:
    for unit in EVERY_UNIT:
        converted = unit.convert(value)
        assert math.isnan(value) == math.isnan(converted)
        assert not math.isinf(value) or value == converted


whole = st.integers(-(2**40), 2**40)


@given(whole)
def test_whole_numbers_of_base_units_stay_as_they_are(value: int) -> None:
    for unit in EVERY_UNIT:
        if (unit.add, unit.multiply, unit.divide) == (0, 1, 1):
            assert value == unit.convert(value)


@given(st.sampled_from(sorted(spellings())), st.lists(st.sampled_from(["", " ", "\t", "\u00a0"])))
def test_white_space_counts_nowhere(spelling: str, gaps: list[str]) -> None:
    padded = [*gaps, *[""] * len(spelling)]
    spaced = "".join(letter + gap for letter, gap in zip(spelling, padded, strict=False))
    assert find_unit(spelling, HOUSE) == find_unit(f" {spaced} ", HOUSE)


# Every format string of the published structure files, and those that owners write.
@pytest.mark.parametrize(
    ("text", "unit", "name"),
    [
        ("%.1f°", "°", None),
        ("%.1f °", "°", None),
        ("%.0f°", "°", None),
        ("%.1f°C", "°C", "celsius"),
        ("%.1f °C", "°C", "celsius"),
        ("%.3f°C", "°C", "celsius"),
        ("Požadavek: %.0f °C", "°C", "celsius"),
        ("%.0f%%", "%", "ratio"),
        ("%.0f %%", "%", "ratio"),
        ("%.1f%%", "%", "ratio"),
        ("%.0f%", "%", "ratio"),
        ("%.0f %", "%", "ratio"),
        ("%d%%", "%", "ratio"),
        ("%d%", "%", "ratio"),
        ("%%%d%%", "%", "ratio"),
        ("%% %.1f", "", None),
        ("%%", "", None),
        ("%", "", None),
        ("100 %%", "", None),
        ("100 %", "", None),
        ("%.1fkWh", "kWh", "joules"),
        ("%.1f kWh", "kWh", "joules"),
        ("%.3fkW", "kW", "watts"),
        ("%.2fV", "V", "volts"),
        ("%.1fL", "L", "cubic_meters"),
        ("%.1f L/min", "L/min", "cubic_meters_per_second"),
        ("%.3fL/h", "L/h", "cubic_meters_per_second"),
        ("%.1fl/m²/h", "l/m²/h", "meters_per_second"),
        ("%.2fmm", "mm", "meters"),
        ("%.0fhPa", "hPa", "pascals"),
        ("%.1f km/h", "km/h", "meters_per_second"),
        ("%.1f A", "A", "amperes"),
        ("%.2f s", "s", "seconds"),
        ("%.0f seconds", "seconds", "seconds"),
        ("po %.1f min", "min", "seconds"),
        ("po %.1f h", "h", "seconds"),
        ("%.0f / 10 (z této funkce)", "/ 10 (z této funkce)", None),
        ("%.0f / 25 (ze systému Loxone)", "/ 25 (ze systému Loxone)", None),
        ("<v.1> mm/h", "mm/h", "meters_per_second"),
        ("<v.1>°C", "°C", "celsius"),
        ("<v> kWh", "kWh", "joules"),
        ("<v>%", "%", "ratio"),
        ("<v>", "", None),
        ("<v.2>", "", None),
        ("<v.> W", "", None),
        ("<w> W", "", None),
        ("%s", "", None),
        ("%s kWh", "kWh", "joules"),
        ("", "", None),
        ("kWh", "", None),
        ("%.1f", "", None),
        ("%f", "", None),
        ("%i", "", None),
        ("%u W", "W", "watts"),
        ("%e W", "W", "watts"),
        ("%E W", "W", "watts"),
        ("%F W", "W", "watts"),
        ("%g W", "W", "watts"),
        ("%G W", "W", "watts"),
        ("%5.1f W", "W", "watts"),
        ("%05d W", "W", "watts"),
        ("%-5d W", "W", "watts"),
        ("%+.1f W", "W", "watts"),
        ("%# .1f W", "W", "watts"),
        ("%x W", "", None),
        ("%.f W", "W", "watts"),
        ("value: %.2f", "", None),
        ("value: %.2f W", "W", "watts"),
        ("%.1f of %.1f W", "of %.1f W", None),
        ("%.2f€", "€", "eur"),
        ("%.2f €", "€", "eur"),
        ("€ %.2f", "€", "eur"),
        ("€%.2f", "€", "eur"),
        ("$ %.2f", "$", "usd"),
        ("Kč %.2f ", "Kč", "czk"),
        ("€ %.2f / h", "/ h", None),
        ("€ %.1f W", "W", "watts"),
        ("kWh %.2f", "", None),
        ("%.3fKč/kWh", "Kč/kWh", "czk_per_kilowatt_hour"),
        ("%.1f ct/kWh", "ct/kWh", "eur_per_kilowatt_hour"),
        (" %.1f \n kW \t", "kW", "watts"),
    ],
)
def test_unit_of_a_format_string(text: str, unit: str, name: str | None) -> None:
    parsed = Format.parse(text)
    assert Format(text, unit) == parsed
    assert name == name_of(parsed.unit)


fragments = st.lists(
    st.sampled_from(["%", "%%", "%.", "%.1f", "<v", "<v.", ".1>", "<v>", "0", "f", "s", "€", "Kč"])
    | st.sampled_from(["/", "/kWh", "ct", "currency", "temp", " ", "[", "]", ".", "m³", "°", "-"])
    | st.text(max_size=2),
    max_size=12,
).map("".join)
anything = st.text(st.characters()) | fragments


@given(anything)
def test_any_text_is_a_format(text: str) -> None:
    parsed = Format.parse(text)
    assert text == parsed.text
    assert parsed.unit in text.replace("%%", "%")
    assert parsed.unit.strip() == parsed.unit


@given(anything)
def test_number_of_any_unit_is_found(text: str) -> None:
    unit = text.replace("%", "").strip()
    assert Format(f"%.1f {unit}", unit) == Format.parse(f"%.1f {unit}")


@given(anything, st.builds(HouseUnits, st.booleans(), anything))
def test_any_text_is_a_unit_or_none(text: str, house: HouseUnits) -> None:
    for spelling in (text, Format.parse(text).unit, house.currency):
        unit = find_unit(spelling, house)
        assert unit is None or re.fullmatch(r"[a-z]+(_[a-z]+)*", unit.name)


@given(anything)
def test_what_is_counted_in_any_currency_has_a_name(currency: str) -> None:
    house = HouseUnits(currency=currency)
    money, price = unit_of("currency", house), unit_of("currency/kWh", house)
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", money.name)
    assert f"{money.name}_per_kilowatt_hour" == price.name


@pytest.mark.parametrize(
    "piece",
    ["%", "%0", "%1", "%.1", "%%", "% ", "<v", "<v.", "<v.1", "[", "/", " ", "\ufdfa", "ct/", "€"],
)
def test_endless_texts_take_no_time(piece: str) -> None:
    started = time.perf_counter()
    for text in (piece * 2000, piece + piece[-1] * 2000, piece + "0" * 2000, "1" * 2000 + piece):
        find_unit(Format.parse(text).unit, HouseUnits(currency=text))
        find_unit(text, HouseUnits(currency=text))
    assert time.perf_counter() - started < 2
