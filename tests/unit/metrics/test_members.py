from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loxone_exporter.loxone.codes import read_names
from loxone_exporter.metrics.catalog import Members, Names
from loxone_exporter.metrics.members import NamedSource, Reading, with_names
from loxone_exporter.metrics.quantities import STATES
from loxone_exporter.state import States
from support.structures import uuid


FAMILY = STATES["alarm_level"]
LEVELS = Members(FAMILY, {0: "none", 1: "silent", 2: "acoustic"})
CAUSES = Members(FAMILY, {1: "smoke", 2: "water", 4: "temperature"}, is_bits=True)
CHAIN = Members(FAMILY, {0: "inactive", 1: "acknowledged", 2: "alarm"}, is_bits=True)
PACKED = Members(FAMILY, {0: "economy", 16: "custom"}, packed=16)
MOODS = Members(FAMILY, {0: "off", 778: "off"}, names=Names(text="moodList"))
LOCK = Members(FAMILY, {0: "unlocked", 1: "visualisation", 2: "logic"}, is_lock=True)


def reading_of(
    members: Members,
    *,
    value: float | None = None,
    text: str | None = None,
    names: str | None = None,
) -> Reading | None:
    states = States(
        values={} if value is None else {uuid(1): value},
        texts={} if text is None else {uuid(1): text},
    )
    if names is not None:
        states.texts[uuid(2)] = names
    return NamedSource.of(members, uuid(2)).read(uuid(1), states)


@pytest.mark.parametrize(
    ("members", "value", "holding", "is_known"),
    [
        (LEVELS, 0.0, {"none"}, True),
        (LEVELS, 2.0, {"acoustic"}, True),
        (LEVELS, 3.0, set(), False),
        (LEVELS, -1.0, set(), False),
        (LEVELS, 1.5, set(), False),
        (CAUSES, 0.0, set(), True),
        (CAUSES, 5.0, {"smoke", "temperature"}, True),
        (CAUSES, 8.0, set(), False),
        (CAUSES, 9.0, {"smoke"}, False),
        (CAUSES, -1.0, set(), False),
        (CHAIN, 0.0, {"inactive"}, True),
        (CHAIN, 3.0, {"acknowledged", "alarm"}, True),
        (PACKED, 0.0, {"economy"}, True),
        (PACKED, float(0x30 | 215 << 7), {"custom"}, True),
        (PACKED, float(0x20), set(), False),
        (PACKED, 5.0, set(), False),
        (PACKED, -1.0, set(), False),
    ],
)
def test_what_holds(members: Members, value: float, holding: set[str], is_known: bool) -> None:  # noqa: FBT001  # pytest passes by position
    reading = reading_of(members, value=value)
    assert reading is not None
    assert tuple(dict.fromkeys(members.keys.values())) == reading.keys
    assert (holding, is_known) == (set(reading.names), reading.is_known)


@pytest.mark.parametrize("members", [LEVELS, CAUSES, MOODS, LOCK])
def test_what_nobody_has_told_is_nothing(members: Members) -> None:
    assert reading_of(members) is None


def test_names_that_a_house_lists() -> None:
    moods = json.dumps([{"id": 1, "name": "Kino", "static": False}, {"id": 2, "name": "Hell"}])
    reading = reading_of(MOODS, value=2.0, names=moods)
    assert reading == Reading(("off", "Kino", "Hell"), (2,), is_known=True)
    assert reading_of(MOODS, value=778.0, names=moods) == Reading(
        ("off", "Kino", "Hell"), (0,), is_known=True
    )
    unknown = reading_of(MOODS, value=3.0, names=moods)
    assert unknown is not None
    assert not unknown.holding
    assert not unknown.is_known


def test_before_a_house_has_listed_its_names_nothing_is_said() -> None:
    assert reading_of(MOODS, value=2.0) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "unlocked"),
        ('{"locked": 0, "reason": ""}', "unlocked"),
        ('{"locked": 1, "reason": "Im Urlaub"}', "visualisation"),
        ('{"locked": 2}', "logic"),
    ],
)
def test_who_keeps_a_control_locked(text: str, expected: str) -> None:
    reading = reading_of(LOCK, text=text)
    assert reading is not None
    assert [expected] == reading.names


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"locked": 1e9}',
        '{"locked": true}',
        "[" * 3000,
        f'{{"locked": {10**400}}}',
        "0",
        '{"locked": "1"}',
        '{"locked": null}',
        "{}",
    ],
)
def test_what_is_no_lock_is_nothing(text: str) -> None:
    assert reading_of(LOCK, text=text) is None


def test_a_lock_that_nobody_knows_is_told() -> None:
    reading = reading_of(LOCK, text='{"locked": 3}')
    assert reading is not None
    assert ((), False) == (reading.holding, reading.is_known)


LISTED = [{"id": number, "name": f"Stimmung {number}", "used": 1} for number in range(1, 8)]


@pytest.mark.parametrize("length", [0, 1, 2, 40, 60, 200, 10_000])
def test_a_list_that_was_cut_off_has_its_first_names(length: int) -> None:
    names = read_names(json.dumps(LISTED)[:length])
    assert names == {number: f"Stimmung {number}" for number in range(1, len(names) + 1)}
    assert (len(names) == len(LISTED)) is (length == 10_000)


@pytest.mark.parametrize(
    "text",
    [
        '{"01": "x"}',
        '[1, null, "x"]',
        '[{"id": 1.5, "name": "x"}]',
        '[{"id": true, "name": "x"}]',
        '[{"id": 1, "name": ""}]',
        '[{"id": 1, "name": 2}]',
        "x",
        "",
        "[" * 3000,
        '[{"id": 1, "name": ' + "[" * 3000,
    ],
)
def test_what_is_no_name_is_passed_over(text: str) -> None:
    assert not read_names(text)


def test_half_a_pair_of_surrogates_is_replaced() -> None:
    assert {5: "a?"} == read_names(r'[{"id":5,"name":"a\ud800"}]')
    assert {5: "a?"} == read_names(r'[{"id":5,"name":"a\ud800"},{"id":6,')


@pytest.mark.parametrize(
    "text",
    [
        '{"1": "Kino", "2": {"name": "Hell"}}',
        '[{"id": "1", "name": "Kino"}, {"id": 2, "name": "Hell"}]',
    ],
)
def test_other_forms_of_a_list_are_understood(text: str) -> None:
    assert {1: "Kino", 2: "Hell"} == read_names(text)


def test_names_are_bounded() -> None:
    many = [{"id": number, "name": "x" * 1000} for number in range(1000)]
    names = read_names(json.dumps(many))
    assert len(names) == 256
    assert {128} == {len(name) for name in names.values()}


def test_names_that_are_given_twice_carry_their_code() -> None:
    merged = with_names({0: "none"}, {1: "Licht", 2: "Licht", 3: "none"})
    assert merged == {0: "none", 1: "Licht (1)", 2: "Licht (2)", 3: "none (3)"}


NAMES = st.dictionaries(st.integers(-9, 9), st.sampled_from(["a", "a (1)", "a (2)", "b", "off"]))


@given(NAMES, NAMES)
def test_no_two_codes_share_a_name_of_the_owners(
    keys: dict[int, str], names: dict[int, str]
) -> None:
    merged = with_names(keys, names)
    assert set(merged) == set(keys) | set(names)
    of_owner = [merged[code] for code in names]
    others = {merged[code] for code in keys if code not in names}
    assert len(set(of_owner)) == len(of_owner)
    assert not others & set(of_owner)


def test_a_list_over_several_lines_may_be_cut_off_too() -> None:
    text = '[\n  {"id": 1, "name": "a"},\n  {"id": 2, "name": "b"},\n  {"id": 3'
    assert {1: "a", 2: "b"} == read_names(text)
