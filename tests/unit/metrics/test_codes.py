"""The names of codes and bits, compared with those that were typed anew from the reference."""

from __future__ import annotations

import pytest

from loxone_exporter.metrics.catalog import CATALOG, COMMON, Entry, Kind
from loxone_exporter.metrics.members import operating_mode_keys
from loxone_exporter.metrics.quantities import FAMILIES, STATES
from support.named_states import NAMED_STATES


ROWS = {
    f"{control_type}.{state}": entry
    for control_type, states in {**CATALOG, "any": COMMON}.items()
    for state, entry in states.items()
    if entry.members is not None
}
OF_THE_TYPE = {
    row: entry
    for row, entry in ROWS.items()
    if entry.members and entry.members.names is None and not entry.members.is_lock
}


def test_the_same_states_have_names() -> None:
    assert set(NAMED_STATES) == set(OF_THE_TYPE)


@pytest.mark.parametrize("row", OF_THE_TYPE)
def test_the_names_are_those_of_the_reference(row: str) -> None:
    entry, expected = OF_THE_TYPE[row], NAMED_STATES[row]
    assert entry.members is not None
    assert dict(entry.members.keys) == expected.names
    assert (entry.members.family.name, entry.members.is_bits, entry.is_default) == (
        expected.family,
        expected.is_bits,
        not expected.is_optional,
    )


@pytest.mark.parametrize("row", ROWS)
def test_rows_with_names_are_consistent(row: str) -> None:
    entry: Entry = ROWS[row]
    members = entry.members
    assert members is not None
    assert not entry.families
    assert not entry.is_private
    kind = Kind.BITMASK if members.is_bits else Kind.ENUMERATION
    assert entry.kind is (Kind.TEXT if members.is_lock else kind)
    if members.is_bits:
        assert all(bit & (bit - 1) == 0 for bit in members.keys)
    assert members.keys or members.names
    assert all(
        key.replace("_", "a").isalnum() and key == key.lower() for key in members.keys.values()
    )


def test_every_family_of_named_states_is_fed() -> None:
    fed = {entry.members.family for entry in ROWS.values() if entry.members}
    assert fed == set(STATES.values())


def test_no_family_of_named_states_is_called_like_another() -> None:
    names = [family.name for family in (*FAMILIES.values(), *STATES.values())]
    assert len(set(names)) == len(names)


# Typed from the control catalog: operatingModes and modes, LightControllerV2, common states.
BESIDE_OWNERS = {
    "any.jLocked": {0: "unlocked", 1: "visualisation", 2: "logic"},
    "LightControllerV2.activeMoodsNum": {
        778: "off",
        0: "off",
        98: "alarm_clock",
        99: "all_on",
        -1: "manual",
        -3: "several_moods",
    },
    "Radio.activeOutput": {0: "none"},
    "Sequential.activeSequence": {0: "none"},
    "Remote.mode": {0: "none"},
}


def test_codes_beside_those_that_owners_name() -> None:
    others = ROWS.keys() - OF_THE_TYPE.keys()
    keys = {row: entry.members.keys for row in others if (entry := ROWS[row]).members}
    assert {row: dict(codes) for row, codes in keys.items() if codes} == BESIDE_OWNERS


def test_operating_modes_of_every_house() -> None:
    days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    modes = ["holiday", "vacation", "day_off", *days, "heating_period", "cooling_period"]
    assert dict(enumerate(modes)) == operating_mode_keys([])
    assert {"own_3", "mode_12"} == set(operating_mode_keys([-3, 12, 5]).values()) - set(modes)
