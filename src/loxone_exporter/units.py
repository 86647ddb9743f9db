"""Units: how Loxone Config spells them, and how their values become those of base units.

Base units are called as they end the names of metrics: `celsius`, `cubic_meters_per_second`. What
can be spelt in several ways (`L/min`, `l / min`) is one unit; a spelling that could be two (`mW`,
`MW`) counts letter by letter.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from attrs import evolve, frozen


CURRENCY: Final = "{currency}"
"""Stands for a currency in the name of a base unit."""

_PER_KWH = f"{CURRENCY}_per_kilowatt_hour"
_PER_HOUR = f"{CURRENCY}_per_hour"


@frozen
class Unit:
    """A unit that values are sent in.

    A value becomes one of the base unit by `(value + add) * multiply / divide`: with whole numbers,
    so that rounding stays within a unit or two in the last place.

    Attributes:
        base: The base unit, as names of metrics have it.
        multiply: See above.
        divide: See above.
        add: See above.
        currency: The code of the currency, in lower case, where the base unit has one.
        quantity: What is measured, where the unit serves for nothing else.
    """

    base: str
    multiply: int = 1
    divide: int = 1
    add: int = 0
    currency: str = ""
    quantity: str = ""

    @property
    def name(self) -> str:
        """The base unit with its currency."""
        return self.base.replace(CURRENCY, self.currency)

    def convert(self, value: float) -> float:
        """A value in the base unit."""
        return (value + self.add) * self.multiply / self.divide


@frozen
class HouseUnits:
    """What a Miniserver sends where nothing else is said.

    Attributes:
        fahrenheit: Whether temperatures are in °F.
        currency: As its owner wrote it: `€`, `Kč`.
    """

    fahrenheit: bool = False
    currency: str = ""


@frozen
class Format:
    """A format string of the structure file, taken apart (`po %.1f min`).

    Attributes:
        text: The whole of it.
        unit: What stands behind the number, or an amount's currency before it; may be no unit.
    """

    text: str
    unit: str

    @classmethod
    @functools.lru_cache(maxsize=256)  # a house has few, each of them many times
    def parse(cls, text: str) -> Format:
        """Find the number's place: `%.1f` as in C, or `<v.1>` of old; `%%` is a percent sign."""
        for placeholder in _PLACEHOLDER.finditer(text):
            if placeholder[0] == "%%":
                continue
            before = text[: placeholder.start()].replace("%%", "%").strip()
            after = text[placeholder.end() :].replace("%%", "%").strip()
            is_amount = not after and _currency_code(before) is not None
            return cls(text, before if is_amount else after)
        return cls(text, "")


_PLACEHOLDER = re.compile(r"%%|%[-+ 0#]*+\d*+(?:\.\d*+)?+[diufFeEgGs]|<v(?:\.\d++)?+>")

_TEMPERATURE = Unit("celsius")
_FAHRENHEIT = Unit("celsius", 5, 9, add=-32)
_DIFFERENCE = Unit("celsius", quantity="temperature_difference")
_DIFFERENCE_FAHRENHEIT = evolve(_DIFFERENCE, multiply=5, divide=9)

_UNITS: Final[Mapping[Unit, str]] = {
    _TEMPERATURE: "°C C Celsius",
    _FAHRENHEIT: "°F F Fahrenheit",
    _DIFFERENCE: "K Kelvin",
    Unit("ratio"): "ratio",
    Unit("ratio", 1, 100): "% Prozent percent",
    Unit("ratio", 1, 100, quantity="humidity"): "%rH %r.H %r.H. %rF %r.F %r.F. %relF",
    Unit("ratio", 1, 1000): "‰",
    Unit("watts"): "W Watt",
    Unit("watts", 1000): "kW KW kw Kw",
    Unit("watts", 10**6): "MW",
    Unit("watts", 1, 1000): "mW",
    Unit("joules"): "J Ws",
    Unit("joules", 1000): "kJ",
    Unit("joules", 10**6): "MJ",
    Unit("joules", 10**9): "GJ",
    Unit("joules", 3600): "Wh wh",
    Unit("joules", 3_600_000): "kWh",
    Unit("joules", 3_600_000_000): "MWh",
    Unit("joules", 3_600_000_000_000): "GWh",
    Unit("voltamperes"): "VA",
    Unit("voltamperes", 1000): "kVA",
    Unit("vars"): "var",
    Unit("vars", 1000): "kvar",
    Unit("cubic_meters"): "m3 M3 cbm Nm3",
    Unit("cubic_meters", 1, 1000): "l L ltr Liter litre litres liters dm3",
    Unit("cubic_meters", 1, 10): "hl",
    Unit("cubic_meters", 1, 10**6): "ml cm3",
    Unit("cubic_meters_per_second"): "m3/s",
    Unit("cubic_meters_per_second", 1, 3600): "m3/h M3/h m3/hod cbm/h Nm3/h",
    Unit("cubic_meters_per_second", 1, 60): "m3/min",
    Unit("cubic_meters_per_second", 1, 3_600_000): "l/h l/hod ltr/h Liter/h",
    Unit("cubic_meters_per_second", 1, 60_000): "l/min l/m lpm ltr/min Liter/min",
    Unit("cubic_meters_per_second", 1, 1000): "l/s",
    Unit("ppm"): "ppm",
    Unit("ppm", 1, 1000): "ppb",
    Unit("lux"): "lx Lx LX lux",
    Unit("lux", 1000): "klx",
    Unit("meters_per_second"): "m/s m/sec",
    Unit("meters_per_second", 10, 36): "km/h kmh kph",
    Unit("meters_per_second", 44_704, 100_000): "mph MPH mi/h",
    Unit("meters_per_second", 1852, 3600): "kn kt kts knots",
    Unit("pascals"): "Pa",
    Unit("pascals", 100): "hPa mbar mBar",
    Unit("pascals", 1000): "kPa",
    Unit("pascals", 10**5): "bar",
    Unit("pascals", 10**6): "MPa",
    Unit("pascals", 6_894_757, 1000): "psi",
    Unit("pascals", 133_322_387_415, 10**9): "mmHg",
    Unit("pascals", 3_386_389, 1000): "inHg",
    Unit("volts"): "V Volt",
    Unit("volts", 1, 1000): "mV",
    Unit("volts", 1000): "kV",
    Unit("amperes"): "A Ampere",
    Unit("amperes", 1, 1000): "mA",
    Unit("hertz"): "Hz hz 1/s",
    Unit("hertz", 1000): "kHz",
    Unit("hertz", 10**6): "MHz",
    Unit("hertz", 1, 60, quantity="rotational_speed"): "rpm 1/min U/min ot/min ot./min",
    Unit("ohms"): "Ω Ohm",
    Unit("ohms", 1000): "kΩ kOhm",
    Unit("ohms", 10**6): "MΩ MOhm",
    Unit("decibels"): "dB db DB dBA dB(A)",
    Unit("watts_per_square_meter"): "W/m2",
    Unit("watts_per_square_meter", 1000): "kW/m2",
    Unit("meters"): "m Meter",
    Unit("meters", 1, 1000): "mm",
    Unit("meters", 1, 1000, quantity="precipitation"): "l/m2",
    Unit("meters", 1, 100): "cm",
    Unit("meters", 1000): "km",
    Unit("meters", 254, 10_000): "in inch",
    Unit("meters", 3048, 10_000): "ft",
    Unit("meters_per_second", 1, 3_600_000, quantity="precipitation_rate"): (
        "mm/h mm/hod l/m2/h l/m2h l/(m2h)"
    ),
    Unit("grams"): "g",
    Unit("grams", 1000): "kg",
    Unit("grams", 10**6): "t",
    Unit("grams", 1, 1000): "mg",
    Unit("grams_per_cubic_meter"): "g/m3",
    Unit("grams_per_cubic_meter", 1, 1000): "mg/m3",
    Unit("grams_per_cubic_meter", 1, 10**6): "μg/m3 ug/m3",
    Unit("grams_per_cubic_meter", 1000): "kg/m3 g/l",
    Unit("grams_per_kilowatt_hour"): "g/kWh",
    Unit("grams_per_kilowatt_hour", 1000): "kg/kWh",
    Unit("degrees"): "degrees",
    Unit("bytes"): "B Byte Bytes",
    Unit("bytes", 1000): "kB",
    Unit("bytes", 10**6): "MB",
    Unit("bytes", 10**9): "GB",
    Unit("bytes", 10**12): "TB",
    Unit("bytes", 1024): "KiB",
    Unit("bytes", 1024**2): "MiB",
    Unit("bytes", 1024**3): "GiB",
    Unit("square_meters"): "m2 qm",
    Unit("seconds"): "s sec sek second seconds Sekunde Sekunden sekund sekundy",
    Unit("seconds", 1, 1000): "ms msec",
    Unit("seconds", 60): "min Min MIN minute minutes Minute Minuten minut minuty",
    Unit("seconds", 3600): "h hr hrs hour hours Std Stunde Stunden hod hodin hodiny",
    Unit("seconds", 86_400): "d day days Tag Tage Tagen den dny dní",
}
"""Each unit with its spellings, as `_normalized` writes them."""

_DEGREE_SIGNS = ("°", "deg", "grad", "stupňů", "stupně")

_CURRENCIES: Final[Mapping[str, str]] = {
    "eur": "€ EUR Euro",
    "czk": "Kč CZK",
    "gbp": "£ GBP",
    "usd": "$ USD US$",
    "chf": "CHF Fr SFr",
    "pln": "zł PLN",
    "huf": "Ft HUF",
    "dkk": "DKK",
    "nok": "NOK",
    "sek": "SEK",
    "ron": "lei RON",
    "aud": "AUD A$",
    "cad": "CAD C$",
}
"""Codes (ISO 4217) with what owners write."""

_RESERVED_ENDS: Final = ("total", "info", "created", "sum", "count", "bucket")

_CENTS = ("ct", "cent", "cents", "p", "öre")
_AMOUNTS: Final[Mapping[str, tuple[str, int, int]]] = {
    "": (CURRENCY, 1, 1),
    "/kwh": (_PER_KWH, 1, 1),
    "/mwh": (_PER_KWH, 1, 1000),
    "/wh": (_PER_KWH, 1000, 1),
    "/h": (_PER_HOUR, 1, 1),
    "/hod": (_PER_HOUR, 1, 1),
}
"""What may follow a currency: base unit, factor and divisor."""


def find_unit(spelling: str, house: HouseUnits) -> Unit | None:
    """The unit of this spelling; None if it is none, or none that is known.

    Args:
        spelling: From a format string or the control catalog, which has four more: `temp` and
            `temp delta` in the house's unit, `currency` and what is counted in it per `kWh` or `h`
            in its currency.
        house: What the house uses.
    """
    match spelling:
        case "temp":
            return _FAHRENHEIT if house.fahrenheit else _TEMPERATURE
        case "temp delta":
            return _DIFFERENCE_FAHRENHEIT if house.fahrenheit else _DIFFERENCE
        case _:
            # What stands in brackets behind a unit tells of the value, not of the unit.
            unit, bracket, _ = spelling.partition("(")
            return _find(spelling, house) or (_find(unit, house) if bracket else None)


def base_units() -> Iterable[str]:
    """The base units as they end names of metrics, with each currency that is known."""
    for unit in _UNITS:
        yield unit.base
    for code in _CURRENCIES:
        for base, _, _ in _AMOUNTS.values():
            yield base.replace(CURRENCY, code)


def is_degree_sign(spelling: str) -> bool:
    """Whether this is a degree of something, which may be a temperature or an angle."""
    return _normalized(spelling).casefold() in _DEGREE_SIGNS


def is_reserved_end(name: str) -> bool:
    """Whether a metric's name must not end like this, for it means something (OpenMetrics 1.0)."""
    return name.rpartition("_")[2] in _RESERVED_ENDS


def quantities_of_units() -> Iterable[tuple[str, str]]:
    """Quantities that a unit alone tells, each with its base unit."""
    return [(unit.quantity, unit.base) for unit in _UNITS if unit.quantity]


def spellings() -> Iterable[str]:
    """All spellings of units that are no currencies, to suggest one."""
    return _EXACT.keys()


def _normalized(spelling: str) -> str:
    """Without what does not count: white space, brackets, a full stop, raised digits."""
    degrees = spelling.replace("º", "°").replace("˚", "°")
    text = "".join(unicodedata.normalize("NFKC", degrees).split())
    return text.removeprefix("[").removesuffix("]").removesuffix(".")


_COUNTS_BY_LETTER = re.compile(r".{1,2}$|[mM]")
"""Short spellings, and those that begin with milli or mega."""


def _index(units: Mapping[Unit, str]) -> tuple[Mapping[str, Unit], Mapping[str, Unit]]:
    exact = {spelling: unit for unit, spellings in units.items() for spelling in spellings.split()}
    folded: defaultdict[str, set[Unit]] = defaultdict(set)
    for spelling, unit in exact.items():
        if not _COUNTS_BY_LETTER.match(spelling):
            folded[spelling.casefold()].add(unit)
    return exact, {text: unit for text, (unit, *others) in folded.items() if not others}


_EXACT, _FOLDED = _index(_UNITS)


def _find(spelling: str, house: HouseUnits) -> Unit | None:
    text = _normalized(spelling)
    return _EXACT.get(text) or _find_amount(text, house) or _FOLDED.get(text.casefold())


def _find_amount(text: str, house: HouseUnits) -> Unit | None:
    money, slash, per = text.partition("/")
    amount = _AMOUNTS.get((slash + per).casefold())
    if amount is None:
        return None
    base, multiply, divide = amount
    in_cents = money.casefold() in _CENTS and (slash != "" or money != "p")
    own = _normalized(house.currency)
    # Where a house has A$, its $ are no others.
    is_symbol = money != "" and not money.isalnum()
    is_own = money in {"currency", own} or in_cents or (is_symbol and own.endswith(money))
    own_code = (_currency_code(own) or _slug(own)) if is_own and money else None
    code = own_code or _currency_code(money)
    if code is None:
        return None
    return Unit(base, multiply, divide * 100 if in_cents else divide, currency=code)


def _currency_code(text: str) -> str | None:
    return _CODES.get(_normalized(text).casefold())


def _codes(currencies: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    for code, spellings in currencies.items():
        for spelling in spellings.split():
            yield spelling.casefold(), code


_CODES: Final = dict(_codes(_CURRENCIES))


def _slug(currency: str) -> str:
    """What can stand in a metric's name for a currency that nobody here knows.

    It is one word: `earnings_day` in `eur` and `earnings` in `day_eur` would be one family.
    """
    plain = unicodedata.normalize("NFKD", currency).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z]+", "", plain.lower())
    return slug if slug and not is_reserved_end(slug) else "currency"
