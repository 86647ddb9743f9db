from __future__ import annotations

import fnmatch
import time
from typing import Any

import pytest
from attrs import evolve, fields_dict
from hypothesis import given
from hypothesis import strategies as st

from loxone_exporter.config.model import FilterConfig
from loxone_exporter.metrics.filters import ControlLabels, Filter
from support.structures import key


LAMP = ControlLabels(
    name="Ceiling lamp", room="Küche", category="Licht", type="Dimmer", uuids=(key(1), "part/AI1")
)
NOWHERE = ControlLabels(name="", room="", category="", type="", uuids=(key(2),))

MATCHING = {
    "rooms": "küche",
    "categories": "licht",
    "types": "dim*",
    "names": "*lamp",
    "uuids": key(1),
}
STRANGE = dict.fromkeys(MATCHING, "somewhere else")


def includes(control: ControlLabels = LAMP, /, **patterns: tuple[str, ...]) -> bool:
    config: dict[str, Any] = {f"include_{name}": globs for name, globs in patterns.items()}
    return not Filter.compile(FilterConfig(**config)).does_not_include(control)


def excludes(control: ControlLabels = LAMP, /, **patterns: tuple[str, ...]) -> bool:
    config: dict[str, Any] = {f"exclude_{name}": globs for name, globs in patterns.items()}
    return bool(Filter.compile(FilterConfig(**config)).excludes(control))


def test_without_patterns_everything_is_exported() -> None:
    everything = Filter.compile(FilterConfig())
    for control in (LAMP, NOWHERE):
        assert not everything.does_not_include(control)
        assert not everything.excludes(control)
    assert not everything.rejects_state(("Spots/position", "position", "position"))


@pytest.mark.parametrize("name", MATCHING)
def test_every_key_matches_its_label(name: str) -> None:
    assert includes(**{name: (MATCHING[name],)})
    assert excludes(**{name: (MATCHING[name],)})
    assert not includes(NOWHERE, **{name: (MATCHING[name],)})
    assert not excludes(NOWHERE, **{name: (MATCHING[name],)})


@pytest.mark.parametrize("name", MATCHING)
def test_patterns_of_a_key_are_alternatives(name: str) -> None:
    assert includes(**{name: ("somewhere else", MATCHING[name])})
    assert excludes(**{name: ("somewhere else", MATCHING[name])})


@pytest.mark.parametrize("missing", MATCHING)
def test_all_include_keys_must_match(missing: str) -> None:
    every_key = {name: (pattern,) for name, pattern in MATCHING.items()}
    assert includes(**every_key)
    assert not includes(**{**every_key, missing: (STRANGE[missing],)})


@pytest.mark.parametrize("matching", MATCHING)
def test_any_exclude_key_excludes(matching: str) -> None:
    no_key = {name: (pattern,) for name, pattern in STRANGE.items()}
    assert not excludes(**no_key)
    assert excludes(**{**no_key, matching: (MATCHING[matching],)})


def test_equal_patterns_under_two_keys_are_two_conditions() -> None:
    control = evolve(LAMP, room="Garage", name="Gate")
    assert excludes(control, rooms=("G*age",), names=("G*age",))
    assert not includes(control, rooms=("G*age",), names=("G*age",))
    assert excludes(control, categories=("Gate",), names=("Gate",), uuids=("Gate",))


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("Ceiling lamp", "CEILING LAMP", True),
        ("CEILING*", "ceiling lamp", True),
        ("ÜBERALL", "überall", True),
        ("*ж", "ГАРАЖ", True),
        ("Stra?e", "STRAßE", True),
        ("Alarm [EG]", "alarm [eg]", True),
        ("[a-c]at", "cat", False),
        ("a.c*", "abc", False),
        ("two*lines", "two\nlines", True),
        ("c?t", "cut", True),
        ("c?t", "coat", False),
        ("*", "two\nlines", True),
        ("lamp", "Ceiling lamp", False),
        ("Ceiling", "Ceiling lamp", False),
        ("a.c", "abc", False),
        ("[", "[", True),
        ("a|b", "a", False),
    ],
)
def test_patterns_are_globs_in_either_case(pattern: str, name: str, *, matches: bool) -> None:
    control = evolve(LAMP, name=name)
    assert matches == includes(control, names=(pattern,))
    assert matches == excludes(control, names=("somewhere else", pattern))


def test_empty_pattern_matches_what_has_no_room() -> None:
    assert includes(NOWHERE, rooms=("",))
    assert not includes(LAMP, rooms=("",))
    assert excludes(NOWHERE, rooms=("Keller", ""))
    assert not excludes(LAMP, rooms=("Keller", ""))


def test_sub_controls_are_matched_by_their_own_key_and_those_above() -> None:
    for pattern in (key(1), "part/*"):
        assert includes(uuids=(pattern,))


@pytest.mark.parametrize("pattern", ["Spots/position", "POS*", "positions", "spots/*"])
def test_states_are_matched_by_path_name_and_name_without_number(pattern: str) -> None:
    names = ("Spots/positions[1]", "positions[1]", "positions")
    included = Filter.compile(FilterConfig(include_states=(pattern,)))
    excluded = Filter.compile(FilterConfig(exclude_states=("active", pattern)))
    matches = pattern != "Spots/position"
    assert ("" if matches else "include_states") == included.rejects_state(names)
    assert ("exclude_states" if matches else "") == excluded.rejects_state(names)


def test_excluded_states_are_not_included_again() -> None:
    both = Filter.compile(FilterConfig(include_states=("*",), exclude_states=("active",)))
    assert "exclude_states" == both.rejects_state(("active", "active", "active"))
    assert "" == both.rejects_state(("position", "position", "position"))


def test_states_have_no_say_about_controls() -> None:
    states = Filter.compile(FilterConfig(include_states=("nothing",), exclude_states=("*",)))
    assert "" == states.does_not_include(LAMP)
    assert "" == states.excludes(LAMP)


def test_the_key_that_rejects_is_named() -> None:
    config = FilterConfig(exclude_rooms=("küche",), include_types=("Jalousie",))
    filter_ = Filter.compile(config)
    assert "exclude_rooms" == filter_.excludes(LAMP)
    assert "include_types" == filter_.does_not_include(LAMP)


PATTERN_KEYS = [key for key in fields_dict(FilterConfig) if key != "exclude_classes"]
globs = st.lists(st.text("ab*?[]!-|^(\\") | st.text(), max_size=2)


@given(option=st.sampled_from(PATTERN_KEYS), patterns=globs, name=st.text())
def test_any_pattern_can_be_matched(option: str, patterns: list[str], name: str) -> None:
    config: dict[str, Any] = {option: tuple(patterns)}
    filter_ = Filter.compile(FilterConfig(**config))
    control = evolve(LAMP, name=name)
    answers = (
        filter_.does_not_include(control),
        filter_.excludes(control),
        filter_.rejects_state((name, name, name)),
    )
    assert set(answers) <= {"", option}


@pytest.mark.parametrize(
    "pattern",
    ["****x", "*a*a*a*x", "*?*?*?*x", "*" * 1000 + "x", "*a" * 400 + "x", "x" + "*a" * 99],
)
def test_no_pattern_takes_long(pattern: str) -> None:
    control = evolve(LAMP, name="a" * 300)
    started = time.process_time()
    assert not excludes(control, names=(pattern, pattern))
    assert time.process_time() - started < 1


@given(
    pattern=st.text("ab*?", max_size=8),
    name=st.text("ab", max_size=8),
)
def test_patterns_match_what_fnmatch_matches(pattern: str, name: str) -> None:
    assert fnmatch.fnmatchcase(name, pattern) is excludes(evolve(LAMP, name=name), names=(pattern,))
