"""The catalog: complete, consistent, and what the reference says where that is at hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from loxone_exporter.metrics.catalog import (
    CATALOG,
    COMMON,
    Entry,
    Kind,
    Privacy,
    find_entry,
    is_private,
)
from loxone_exporter.units import CURRENCY, HouseUnits, find_unit


REFERENCE = Path(__file__).resolve().parents[4] / "shared" / "reference" / "control-catalog.md"

HOUSE = HouseUnits(currency="€")


def rows() -> Iterator[tuple[str, Entry]]:
    """Every row and variant, by what it is about."""
    for control_type, states in {**CATALOG, "any": COMMON}.items():
        for state, entry in states.items():
            yield f"{control_type}.{state}", entry
            for name, variant in entry.variants.items():
                yield f"{control_type}.{state}, {name}", variant


ROWS = dict(rows())


@pytest.mark.parametrize("row", ROWS)
def test_rows_are_consistent(row: str) -> None:
    entry = ROWS[row]
    assert all(unit == family.unit for unit, family in entry.families.items())
    if entry.families or entry.members:
        assert not entry.is_private
        assert bool(entry.why) is not entry.is_default or entry.kind is Kind.TEXT
    else:
        assert entry.why, "it should say why it has no typed family"
        assert entry.is_default
    assert (entry.kind is Kind.TIME) is (entry.epoch is not None)
    if entry.kind is Kind.DIGITAL:
        assert set(entry.families) <= {""}
    else:
        assert not entry.is_inverted
    if entry.formats:
        assert entry.unit is None
    assert (entry.unit is None) is bool(entry.formats)


@pytest.mark.parametrize("row", [row for row, entry in ROWS.items() if entry.unit])
def test_units_of_rows_are_those_of_their_families(row: str) -> None:
    entry = ROWS[row]
    unit = find_unit(entry.unit or "", HOUSE)
    assert unit is not None
    assert {unit.base} == set(entry.families)
    (family,) = entry.families.values()
    assert unit.base == family.unit


@pytest.mark.parametrize("row", [row for row, entry in ROWS.items() if entry.unless or entry.needs])
def test_states_that_speak_for_others_are_digital_states_of_the_same_type(row: str) -> None:
    entry = ROWS[row]
    other = find_entry(row.partition(".")[0], entry.unless or entry.needs)
    assert other is not None
    assert other.kind is Kind.DIGITAL


def test_counters_are_those_that_only_grow() -> None:
    # Typed from the control catalog, design consequences, section 7.
    counters = {
        row.partition(",")[0]
        for row, entry in ROWS.items()
        if any(family.type == "counter" for family in entry.families.values())
    }
    assert counters == {
        "Meter.total",
        "Meter.totalNeg",
        "Wallbox2.total",
        "Hourcounter.total",
        "Fronius.prodTotal",
        "Fronius.consTotal",
    }


@pytest.mark.parametrize(
    ("control_type", "state", "absent"),
    [
        # Typed from the control catalog, design consequences, section 4.
        ("ClimateController", "actualOutdoorTemp", {-1000}),
        ("ClimateController", "averageOutdoorTemp", {-1000}),
        ("ClimateControllerUS", "actualOutdoorTemp", {-1000}),
        ("IRoomControllerV2", "actualOutdoorTemp", {-1000}),
        ("IRoomControllerV2", "averageOutdoorTemp", {-1000}),
        ("IRoomControllerV2", "co2", {0}),
        ("IRoomControllerV2", "humidityActual", {0}),
        ("Wallbox2", "pricePerkWh", {-1337}),
        ("Wallbox2", "pricePerHour", {-1337}),
        ("SmokeAlarm", "timeServiceMode", {99999}),
    ],
)
def test_numbers_that_mean_no_value(control_type: str, state: str, absent: set[float]) -> None:
    entry = find_entry(control_type, state)
    assert entry is not None
    assert absent == entry.absent


@pytest.mark.parametrize(
    ("control_type", "state", "expected"),
    [
        ("NfcCodeTouch", "lastcode", Privacy.SECRET),
        ("NfcCodeTouch", "lasttag", Privacy.SECRET),
        ("NfcCodeTouch", "nfcLearnResult", Privacy.SECRET),
        ("NfcCodeTouch", "lastuser", Privacy.PERSON),
        ("NfcCodeTouch", "lastid", Privacy.PERSON),
        ("NfcCodeTouch", "events", Privacy.PERSON),
        ("TextInput", "text", Privacy.SECRET),
        ("Tracker", "entries", Privacy.PERSON),
        ("AudioZone", "sourceList", Privacy.PERSON),
        ("AudioZoneV2", "songName", Privacy.PERSON),
        ("MediaClient", "station", Privacy.PERSON),
        ("Wallbox2", "session", Privacy.PERSON),
        ("Intercom", "lastBellEvents", Privacy.PERSON),
        ("AalSmartAlarm", "alarmCause", Privacy.PERSON),
        ("AlarmClock", "entryList", Privacy.PERSON),
        ("PresenceDetector", "active", Privacy.PRESENCE),
        ("Alarm", "armed", Privacy.PRESENCE),
        ("Wallbox2", "limit", None),
        ("TextState", "textAndIcon", None),
    ],
)
def test_states_about_persons_and_secrets(
    control_type: str, state: str, expected: Privacy | None
) -> None:
    entry = find_entry(control_type, state)
    assert entry is not None
    assert expected is entry.privacy
    assert (expected in {Privacy.SECRET, Privacy.PERSON}) is is_private(control_type, state)


@pytest.mark.parametrize(
    ("control_type", "state"), [("UnheardOf", "active"), ("NfcCodeTouch", "active"), ("", "")]
)
def test_what_nobody_knows_is_not_private(control_type: str, state: str) -> None:
    assert find_entry(control_type, state) is None
    assert not is_private(control_type, state)


@pytest.mark.parametrize("state", ["lastcode", "lasttag", "session", "entries", "songName"])
def test_what_one_type_keeps_private_a_new_one_does_too(state: str) -> None:
    assert is_private("UnheardOf", state)


def test_locks_are_those_of_types_that_nobody_knows_too() -> None:
    assert COMMON["jLocked"] is find_entry("UnheardOf", "jLocked")


@pytest.mark.parametrize(
    ("control_type", "state", "row"),
    [
        ("EFM", "actual0", "actual#"),
        ("EFM", "actual12", "actual#"),
        ("PowerUnit", "CP7", "CP#"),
        ("StatusMonitor", "numState3", "numState#"),
        ("SolarPumpController", "bufferTemp0", "bufferTemp#"),
        ("WallboxManager", "limitedBy1", "limitedBy#"),
        ("PoolController", "custom1", "custom1"),
    ],
)
def test_states_that_are_numbered(control_type: str, state: str, row: str) -> None:
    assert CATALOG[control_type][row] is find_entry(control_type, state)


def test_states_of_many_types() -> None:
    for control_type in ("Switch", "Meter", "Webpage"):
        assert COMMON["jLocked"] is find_entry(control_type, "jLocked")


# What a row of the reference calls its kind, and what it may be here.
KINDS = {
    "num": {Kind.NUMBER, Kind.DIGITAL},
    "num ?": {Kind.NUMBER, Kind.UNKNOWN, Kind.DIGITAL, Kind.ENUMERATION},
    "bool": {Kind.DIGITAL, Kind.UNKNOWN, Kind.NUMBER},
    "bool inverted": {Kind.DIGITAL},
    "enum": {Kind.ENUMERATION},
    "num id": {Kind.IDENTIFIER, Kind.ENUMERATION},
    "bitmask": {Kind.BITMASK},
    "countdown": {Kind.COUNTDOWN, Kind.NUMBER, Kind.DIGITAL},
    "ts-2009": {Kind.TIME, Kind.NUMBER},
    "ts-unix": {Kind.TIME},
    "ts-unix-ms": {Kind.TIME, Kind.NUMBER},
    "ts ?": {Kind.TIME, Kind.UNKNOWN, Kind.NUMBER},
    "time of day": {Kind.NUMBER},
    "text": {Kind.TEXT},
    "json": {Kind.TEXT},
    "json list": {Kind.TEXT},
    "csv": {Kind.TEXT},
    "list": {Kind.TEXT},
    "color": {Kind.COLOR},
    "daytimer": {Kind.DAYTIMER},
    "list of UUIDs": {Kind.NUMBER},
    "?": {Kind.UNKNOWN},
}


# Gauges of the reference of which it does not know the unit, or what they are.
WITHOUT_UNIT = {
    "ClimateController.ventilation",
    "EFM.actual0",
    "FanController.speed",
    "FanController.heatExchanger",
    "FanController.actualHumidity",
    "FanController.actualAirQuality",
}


# Codes of the reference that it does not tell, or that another state of the same UUID has.
WITHOUT_CODES = {
    "FanController.mode",
    "FanController.ventMode",
    "FanController.winterSummerMode",
    "IRCDaytimer.value",
    "IRCV2Daytimer.value",
    "LightsceneRGB.activeScene",
}


def reference() -> Iterator[tuple[str, str, str, str]]:
    """Type, state, kind and metric of each row of the reference."""
    text = REFERENCE.read_text(encoding="utf-8")
    text = text[text.index("## Control types") : text.index("## Sections outside")]
    control_type = ""
    for line in text.splitlines():
        if line.startswith("### "):
            control_type = line.removeprefix("### ").strip()
        elif line.startswith("| ") and not line.startswith("| state |"):
            state, kind, _, _, _, metric, *_ = (cell.strip() for cell in line.strip("|").split("|"))
            numbered = re.sub(r"(?<=[a-z])N$", "0", state).replace("CP1..CP7", "CP1")
            yield control_type, numbered, kind, metric


@pytest.mark.skipif(not REFERENCE.is_file(), reason="the reference is not beside the checkout")
def test_every_row_of_the_reference_is_here_and_of_its_kind() -> None:
    found = list(reference())
    assert len(found) > 600
    for control_type, state, kind, metric in found:
        entry = find_entry(control_type, state)
        assert entry is not None, f"{control_type}.{state}"
        assert entry.kind in KINDS[kind], f"{control_type}.{state} is {kind}"
        row, types = f"{control_type}.{state}", {family.type for family in entry.families.values()}
        match metric.split()[0]:
            case "G":
                assert row in WITHOUT_UNIT or (types and entry.is_default), row
            case "C":
                assert "counter" in types, row
            case "opt":
                assert not (types or entry.members) or not entry.is_default, row
            case "X":
                assert not types, row
                assert entry.members is None, row
            case "S" | "S;":
                assert row in WITHOUT_CODES or types or entry.members is not None, row
    assert {control_type for control_type, *_ in found} <= CATALOG.keys()


def test_money_is_in_the_houses_currency() -> None:
    for row, entry in ROWS.items():
        for unit in entry.families:
            if "currency" in unit:
                assert unit.startswith(CURRENCY), row
