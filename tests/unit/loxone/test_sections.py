from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loxone_exporter.loxone.structure import Structure, parse_structure
from loxone_exporter.loxone.uuids import StateUuid, format_uuid
from loxone_exporter.units import Format
from support.strategies import json_values
from support.structures import key, uuid


PUBLISHED = Path(__file__).resolve().parents[4] / "shared" / "structures"


def parse(**sections: object) -> Structure:
    return parse_structure(json.dumps({"controls": {}, **sections}))


def test_operating_modes_have_the_owners_names() -> None:
    names = {"0": "Feiertag", "3": "Montag", "11": "Kühlperiode", "-1": "Alarm", "-1003": "Nacht"}
    expected = {0: "Feiertag", 3: "Montag", 11: "Kühlperiode", -1: "Alarm", -1003: "Nacht"}
    assert expected == parse(operatingModes=names).operating_modes


def test_odd_operating_modes_cost_only_themselves() -> None:
    odd = {"": "a", "x": "b", "1.5": "c", "--1": "d", "²": "e", "1" * 10: "f", "5": None, "6": [1]}
    assert {8: "fine"} == parse(operatingModes={**odd, "7": "", "8": "fine"}).operating_modes
    # Another spelling of a number is none.
    assert {1: "first"} == parse(operatingModes={"1": "first", "01": "last"}).operating_modes


def test_names_of_operating_modes_are_bounded() -> None:
    modes = parse(operatingModes={str(-number): "x" * 1000 for number in range(1, 1000)})
    assert 256 == len(modes.operating_modes)
    assert {"x" * 128} == set(modes.operating_modes.values())


@pytest.mark.parametrize(
    "center",
    [
        {key(1): {"name": "Status", "uuidAction": key(1), "states": {"changed": key(2)}}},
        {"name": "Status", "uuidAction": key(1), "states": {"changed": key(2)}},
        {"name": "Status", "a": None, "b": {"states": {"changed": ""}}, "c": {"states": []}}
        | {key(1): {"states": {"changed": key(2)}}},
    ],
    ids=["under a UUID", "without one", "among nonsense"],
)
def test_states_of_the_message_center(center: object) -> None:
    structure = parse(messageCenter=center)
    assert {"changed": uuid(2)} == structure.message_center_states
    assert {uuid(2)} == structure.state_uuids()


def test_formats_and_types_of_the_weather() -> None:
    structure = parse(
        weatherServer={
            "format": {
                "temperature": "%.1f°",
                "windSpeed": "%.0fmph",
                "odd": 5,
                "long": "x" * 65,
                "empty": "",
            },
            "weatherTypeTexts": {"1": "wolkenlos", "29": "Schnee", "odd": "x", "2": 5},
        }
    )
    expected = {
        "temperature": Format("%.1f°", "°"),
        "windSpeed": Format("%.0fmph", "mph"),
        "empty": Format("", ""),
    }
    assert expected == structure.weather_formats
    assert {1: "wolkenlos", 29: "Schnee"} == structure.weather_types


def test_what_is_not_there_is_empty() -> None:
    for structure in (parse(), parse(messageCenter={}, operatingModes={}, weatherServer={})):
        assert {} == structure.operating_modes
        assert {} == structure.message_center_states
        assert {} == structure.weather_formats
        assert {} == structure.weather_types


@given(odd=json_values(st.text() | st.sampled_from(["1", "-1", "states", "changed"])))
def test_any_section_can_be_read(odd: object) -> None:
    for inner in (odd, {"states": odd, "format": odd, "weatherTypeTexts": odd}, {"x": odd}):
        structure = parse(messageCenter=inner, operatingModes=inner, weatherServer=inner)
        assert () == structure.problems


def published_files() -> list[Path]:
    # The other file holds values, not a structure.
    return [path for path in sorted(PUBLISHED.glob("*.json")) if "States" not in path.name]


def format_uuids(states: Mapping[str, StateUuid]) -> dict[str, str]:
    return {name: format_uuid(state) for name, state in states.items()}


def texts_of(found: object) -> dict[int, str]:
    assert isinstance(found, dict)
    return {int(number): text for number, text in found.items()}


@pytest.mark.parametrize("path", published_files(), ids=lambda path: path.stem)
def test_sections_of_a_published_file_are_found(path: Path) -> None:
    payload = path.read_bytes()
    structure, document = parse_structure(payload), json.loads(payload)
    weather: dict[str, Any] = document.get("weatherServer", {})
    assert texts_of(document.get("operatingModes", {})) == structure.operating_modes
    assert texts_of(weather.get("weatherTypeTexts", {})) == structure.weather_types
    formats = {field: it.text for field, it in structure.weather_formats.items()}
    assert weather.get("format", {}) == formats
    found = format_uuids(structure.message_center_states)
    assert found == {} or [{"changed": found["changed"]}] == [
        entry["states"] for entry in document["messageCenter"].values()
    ]


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="there are no published files here")
def test_published_files_have_what_is_looked_for() -> None:
    structures = [parse_structure(path.read_bytes()) for path in published_files()]
    assert 8 <= sum(bool(it.operating_modes) for it in structures)
    assert 3 <= sum(bool(it.message_center_states) for it in structures)
    assert 7 <= sum(it.weather_types.get(1) is not None for it in structures)
    assert {-1000, -1, 0, 9, 11} <= {mode for it in structures for mode in it.operating_modes}
