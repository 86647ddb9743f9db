"""What a row of the catalog says of a state, and short ways to write one."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final

from attrs import evolve, field, frozen

from loxone_exporter.metrics.quantities import FAMILIES, STATES, Family
from loxone_exporter.units import CURRENCY


class Kind(enum.Enum):
    """What a state holds."""

    NUMBER = "a number"
    DIGITAL = "a digital state"
    """0 or 1."""
    ENUMERATION = "a code"
    """One of some numbers that have names."""
    BITMASK = "a set of bits"
    IDENTIFIER = "an identifier"
    """A number that names something."""
    COUNTDOWN = "a countdown"
    """Seconds that are left, with an event for each."""
    TIME = "a time"
    """A moment."""
    TEXT = "a text"
    """Also lists and JSON."""
    COLOR = "a colour"
    DAYTIMER = "a schedule"
    UNKNOWN = "something undocumented"
    """Seen in structure files, but nobody knows what it is."""

    @property
    def is_number(self) -> bool:
        """Whether numbers are to be expected; what nobody knows may well send some."""
        return self not in {Kind.TEXT, Kind.COLOR, Kind.DAYTIMER}


class Privacy(enum.Enum):
    """What a state tells about people (control catalog, design consequences, 3)."""

    SECRET = "secret"  # noqa: S105  # names a class of states
    """Codes and tags that open a door, and what people type: never exported."""
    PERSON = "person"
    """Who did what, and when: never exported."""
    PRESENCE = "presence"
    """Tells indirectly whether somebody is at home: exported."""

    @property
    def forbids(self) -> bool:
        """Whether such a state is never exported."""
        return self is not Privacy.PRESENCE


class Epoch(enum.Enum):
    """Since when a time is counted, and in what (control catalog, design consequences, 5)."""

    UNIX = "seconds since 1970"
    UNIX_MILLISECONDS = "milliseconds since 1970"
    LOXONE = "seconds since 2009"


@frozen
class Names:
    """Where the names are that an owner gave to codes; the first of these that has some.

    Attributes:
        detail: A key of the control's details, as `outputs`.
        text: A state of the control whose text lists them, as `moodList`.
        is_house: They are those of the Miniserver's operating modes.
    """

    detail: str = ""
    text: str = ""
    is_house: bool = False


@frozen
class Members:
    """The closed set of states that have names.

    Attributes:
        family: Has a sample for each of them, told apart by the label `state`.
        keys: Their names there, by code; of a set of bits, by the value of the bit.
        is_bits: Whether several may hold at once. None does where the number is 0, unless 0 has a
            name itself.
        names: Where there are names that an owner gave to further codes, or to bits by their
            number.
        packed: A bit that tells that the number is no code, but packs a value of its own; the code
            is then that bit.
        is_lock: Whether the code is within a text of JSON, as `jLocked` is.
    """

    family: Family
    keys: Mapping[int, str] = field(factory=dict, hash=False)
    is_bits: bool = False
    names: Names | None = None
    packed: int = 0
    is_lock: bool = False


@frozen
class Entry:
    """A row of the catalog.

    Attributes:
        kind: What the state holds.
        families: Typed families by base unit; by the empty text the one that needs no unit. Empty
            where the state has no typed family.
        unit: In which unit the Miniserver sends the value: a spelling that `find_unit` knows. Empty
            for a mere number, None where the structure file says it.
        formats: Where it is None: the details that may hold a format.
        doubtful_format: A format that Loxone Config gives unasked, so that it proves nothing.
        confirmed_by: Another detail; if that is the format of an energy, the doubt is gone.
        epoch: Of a time, since when it is counted.
        absent: Numbers that mean that there is no value.
        unless: Name of a digital state of the same control; while that is on, there is no value.
        needs: Likewise; while that is off, there is no value.
        privacy: What it tells about people.
        members: The names of a code's or set of bits' states, where it has a family of such.
        is_default: Whether its typed family is served unless the configuration says otherwise.
        is_inverted: Whether, of a digital state, 0 is yes.
        is_free: Whether the type says nothing about the quantity, so that names may tell more.
        is_set: Whether somebody sets it, by hand or by a schedule: it is not measured.
        why: Why there is no typed family, or not by default.
        variants: Rows that hold instead, by what the structure file says of the control or state.
    """

    kind: Kind
    families: Mapping[str, Family] = field(factory=dict)
    unit: str | None = ""
    formats: tuple[str, ...] = ()
    doubtful_format: str = ""
    confirmed_by: str = ""
    epoch: Epoch | None = None
    absent: frozenset[float] = frozenset()
    unless: str = ""
    needs: str = ""
    privacy: Privacy | None = None
    members: Members | None = None
    is_default: bool = True
    is_inverted: bool = False
    is_free: bool = False
    is_set: bool = False
    why: str = ""
    variants: Mapping[str, Entry] = field(factory=dict)

    @property
    def is_private(self) -> bool:
        """Whether such a state is never exported."""
        return self.privacy is not None and self.privacy.forbids


def by_unit(keys: Mapping[str, str]) -> Mapping[str, Family]:
    """Families by base unit.

    Args:
        keys: Keys of families by base unit.
    """
    return {unit: FAMILIES[key] for unit, key in keys.items()}


MEASURED: Final = by_unit(
    {
        "celsius": "temperature_celsius",
        "ratio": "unspecified_ratio",
        "watts": "power_watts",
        "joules": "energy_reading_joules",
        "voltamperes": "apparent_power_voltamperes",
        "vars": "reactive_power_vars",
        "volts": "voltage_volts",
        "amperes": "current_amperes",
        "hertz": "frequency_hertz",
        "ohms": "resistance_ohms",
        "cubic_meters": "volume_reading_cubic_meters",
        "cubic_meters_per_second": "flow_cubic_meters_per_second",
        "ppm": "concentration_ppm",
        "grams_per_cubic_meter": "mass_concentration_grams_per_cubic_meter",
        "lux": "illuminance_lux",
        "meters_per_second": "speed_meters_per_second",
        "pascals": "pressure_pascals",
        "decibels": "sound_level_decibels",
        "watts_per_square_meter": "irradiance_watts_per_square_meter",
        "degrees": "angle_degrees",
        "meters": "length_meters",
        "square_meters": "area_square_meters",
        "grams": "mass_grams",
        "bytes": "data_bytes",
        "seconds": "duration_seconds",
        "grams_per_kilowatt_hour": "co2_factor_grams_per_kilowatt_hour",
        CURRENCY: f"money_{CURRENCY}",
        f"{CURRENCY}_per_kilowatt_hour": f"energy_price_{CURRENCY}_per_kilowatt_hour",
    }
)
"""What a measured value is, where nothing but its base unit is known."""

SET: Final = by_unit(
    {
        "celsius": "temperature_target_celsius",
        "ratio": "unspecified_target_ratio",
        "watts": "power_target_watts",
        "joules": "energy_target_joules",
        "volts": "voltage_target_volts",
        "amperes": "current_target_amperes",
        "cubic_meters": "volume_target_cubic_meters",
        "cubic_meters_per_second": "flow_target_cubic_meters_per_second",
        "ppm": "concentration_target_ppm",
        "lux": "illuminance_target_lux",
        "meters_per_second": "speed_target_meters_per_second",
        "pascals": "pressure_target_pascals",
        "hertz": "frequency_target_hertz",
        "degrees": "angle_target_degrees",
        "meters": "length_target_meters",
        "grams": "mass_target_grams",
        "seconds": "duration_target_seconds",
        f"{CURRENCY}_per_kilowatt_hour": f"energy_price_target_{CURRENCY}_per_kilowatt_hour",
    }
)
"""What a value is that somebody sets, likewise."""


def number(key: str, unit: str = "", *absent: float) -> Entry:
    """A number with a family of its own.

    Args:
        key: The family's, as `temperature_celsius`.
        unit: What the Miniserver sends, as `kW`; empty for a mere number.
        absent: Numbers that mean that there is no value.
    """
    family = FAMILIES[key]
    return Entry(Kind.NUMBER, {family.unit: family}, unit, absent=frozenset(absent))


def temperature(key: str = "temperature_celsius", *absent: float) -> Entry:
    """A temperature in the house's unit."""
    return number(key, "temp", *absent)


def difference(key: str) -> Entry:
    """A difference of temperatures in the house's unit."""
    return Entry(Kind.NUMBER, {"celsius": FAMILIES[key]}, "temp delta")


def formatted(*formats: str, families: Mapping[str, Family]) -> Entry:
    """A number whose unit the structure file tells.

    Args:
        formats: The details that may hold its format, as `actualFormat`.
        families: What it is, by base unit.
    """
    return Entry(Kind.NUMBER, families, None, formats)


def measured(*formats: str) -> Entry:
    """Likewise, a measured value of whatever kind."""
    return evolve(formatted(*(formats or ("format",)), families=MEASURED), is_free=True)


def set_by_hand() -> Entry:
    """Likewise, one that somebody sets."""
    return evolve(formatted("format", families=SET), is_free=True, is_set=True)


def digital(key: str, *, is_inverted: bool = False) -> Entry:
    """A digital state: anything but 0 is yes, or the other way round."""
    return Entry(Kind.DIGITAL, {"": FAMILIES[key]}, is_inverted=is_inverted)


def time(key: str, epoch: Epoch) -> Entry:
    """A moment; 0 and whatever lies far in past or future means that there is none."""
    family = FAMILIES[f"{key}_timestamp_seconds"]
    return Entry(Kind.TIME, {family.unit: family}, epoch=epoch)


def seconds(key: str, *absent: float) -> Entry:
    """A duration in seconds."""
    return number(f"{key}_seconds", "s", *absent)


def optional(entry: Entry, why: str = "") -> Entry:
    """One that is served on request only."""
    return evolve(entry, is_default=False, why=why or RARE)


def revealing(entry: Entry) -> Entry:
    """One that tells whether somebody is at home."""
    return evolve(entry, privacy=Privacy.PRESENCE)


def named(family: str, keys: Mapping[int, str], *, packed: int = 0) -> Entry:
    """A code with a family of named states.

    Args:
        family: Its key among `STATES`.
        keys: The label `state` for each code, as `heating_boost`.
        packed: A bit that tells that the number is no code, but packs a value of its own.
    """
    return Entry(Kind.ENUMERATION, members=Members(STATES[family], keys, packed=packed))


def bits(family: str, keys: Mapping[int, str]) -> Entry:
    """A set of bits with a family of named states, of which several may hold.

    Args:
        family: Its key among `STATES`.
        keys: The label `state` for the value of each bit, and for 0 where that has a name.
    """
    return Entry(Kind.BITMASK, members=Members(STATES[family], keys, is_bits=True))


def named_by_owner(
    family: str, names: Names, keys: Mapping[int, str] | None = None, *, is_bits: bool = False
) -> Entry:
    """A code or set of bits whose states have names that an owner gave.

    Args:
        family: Its key among `STATES`.
        names: Where they are.
        keys: The label `state` for codes that are not among them.
        is_bits: Whether it is a set of bits, which the names count from 0.
    """
    members = Members(STATES[family], keys or {}, is_bits, names)
    return Entry(Kind.BITMASK if is_bits else Kind.ENUMERATION, members=members)


def by_variant(entry: Entry, **variants: Entry) -> Entry:
    """One that depends on what the structure file says of the control or state."""
    return evolve(entry, variants=variants)


def untyped(kind: Kind, why: str, privacy: Privacy | None = None) -> Entry:
    """A state without a typed family."""
    return Entry(kind, why=why, privacy=privacy)


RARE: Final = "few need it"
TICKS: Final = "it changes every second while it runs"
DERIVED: Final = "the counter tells the same with increase()"
EVENT: Final = "it is on for a moment only, which a scrape misses"

CODE: Final = untyped(Kind.ENUMERATION, "it is a code, and codes have no unit")
BITS: Final = untyped(Kind.BITMASK, "it is a set of bits, and bits have no unit")
IDENTIFIER: Final = untyped(Kind.IDENTIFIER, "it names something, and names have no unit")
TEXT: Final = untyped(Kind.TEXT, "it is a text")
LOCK: Final = evolve(
    TEXT,
    members=Members(
        STATES["lock_state"], {0: "unlocked", 1: "visualisation", 2: "logic"}, is_lock=True
    ),
)
COLOR: Final = untyped(Kind.COLOR, "it is a text")
SCHEDULE: Final = untyped(Kind.DAYTIMER, "it is a schedule")
SETTING: Final = untyped(Kind.NUMBER, "it is set in Loxone Config and hardly ever changes")
SWITCHABLE: Final = untyped(Kind.DIGITAL, SETTING.why)
COUNTDOWN: Final = untyped(Kind.COUNTDOWN, TICKS)
PULSE: Final = untyped(Kind.DIGITAL, EVENT)
UNKNOWN: Final = untyped(Kind.UNKNOWN, "nobody knows what it means")
UNCLEAR: Final = untyped(Kind.NUMBER, "nobody knows its unit")
USELESS: Final = untyped(Kind.NUMBER, "it helps nobody who watches a house")
SECRET_TEXT: Final = untyped(Kind.TEXT, "it may open a door", Privacy.SECRET)
PERSONAL_TEXT: Final = untyped(Kind.TEXT, "it tells about persons", Privacy.PERSON)
