from __future__ import annotations

import json
from pathlib import Path

import pytest

from loxone_exporter.errors import StructureError
from loxone_exporter.loxone.uuids import StateUuid, parse_uuid
from loxone_exporter.simulator.house import FIRST_NUMBER, PlayedHouse


PUBLISHED = Path(__file__).resolve().parents[4] / "shared" / "structures"


def text_uuid(number: int) -> str:
    return f"{number:08x}-0001-0002-ffff0123456789ab"


def uuid(number: int) -> StateUuid:
    return parse_uuid(text_uuid(number))


def structure() -> bytes:
    deepest = {"type": "Switch", "states": {"active": text_uuid(6)}}
    middle = {"type": "Dimmer", "states": {"position": text_uuid(5)}, "subControls": {"c": deepest}}
    document = {
        "lastModified": "2026-01-02 03:04:05",
        "globalStates": {"sunrise": text_uuid(1)},
        "controls": {
            "a": {
                "type": "IRoomController",
                "states": {
                    "tempActual": text_uuid(2).upper(),
                    "temperatures": [text_uuid(3), text_uuid(4)],
                    "shared": text_uuid(2),
                },
                "subControls": {"b": middle},
            },
            "no states": {"type": "Webpage"},
        },
        "weatherServer": {"states": {"actual": text_uuid(7)}},
    }
    return json.dumps(document).encode()


def test_every_state_has_a_number_of_its_own_by_order_of_appearance() -> None:
    house = PlayedHouse.from_bytes(structure())

    expected = {uuid(number): FIRST_NUMBER + number - 1 for number in range(1, 8)}
    assert expected == house.values
    assert {} == house.texts
    assert [] == house.daytimers
    assert [] == house.weather


def test_the_file_is_kept_as_it_is() -> None:
    data = structure() + b"\n\n"
    house = PlayedHouse.from_bytes(data)

    assert data == house.structure
    assert "2026-01-02 03:04:05" == house.last_modified


def test_placeholders_become_uuids_one_and_the_same_for_each() -> None:
    states = {"a": "left", "b": ["right", "left"], "c": text_uuid(1), "d": None, "e": ""}
    document = {"controls": {"x": {"type": "Switch", "states": states}}}
    house = PlayedHouse.from_bytes(json.dumps(document).encode())

    sent = json.loads(house.structure)["controls"]["x"]["states"]
    assert sent["a"] == sent["b"][1] != sent["b"][0]
    assert (text_uuid(1), None, "") == (sent["c"], sent["d"], sent["e"])
    assert {parse_uuid(sent["a"]), parse_uuid(sent["b"][0]), uuid(1)} == set(house.values)


def test_a_file_without_a_date_has_an_empty_one() -> None:
    assert "" == PlayedHouse.from_bytes(b'{"controls": {}}').last_modified


def test_what_changes_is_applied_and_still_nobody_elses_number() -> None:
    house = PlayedHouse.from_bytes(structure())
    before = dict(house.values)

    changes = house.advance(1.0)

    assert changes.values
    assert changes.values == {
        state: value for state, value in house.values.items() if value != before[state]
    }
    assert not set(changes.values.values()) & set(before.values())
    assert len(house.values) == len(set(house.values.values()))


def test_short_steps_change_as_much_as_a_long_one() -> None:
    short, long = (PlayedHouse.from_bytes(structure()) for _ in range(2))

    for _ in range(64):
        short.advance(0.125)
    long.advance(8.0)

    assert long.values == short.values


def test_a_house_that_is_not_live_stays_as_it_is() -> None:
    house = PlayedHouse.from_bytes(structure(), live=False)
    before = dict(house.values)

    changes = house.advance(3600.0)

    assert {} == changes.values
    assert before == house.values


def test_a_house_without_states_has_nothing_to_change() -> None:
    assert {} == PlayedHouse.from_bytes(b'{"controls": {}}').advance(10.0).values


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no JSON"),
        (b"<html>", "no JSON"),
        (b'{"controls": {}', "no JSON"),
        (b'{"a":' * 100_000, "no JSON"),
        (b'{"controls": "\xff"}', "no UTF-8 at byte 14"),
        (b"[]", "no object"),
        (b'{"LL": {"Code": "404"}}', '"controls"'),
        (b'{"controls": []}', '"controls"'),
    ],
)
def test_other_bytes_are_no_structure_file(data: bytes, reason: str) -> None:
    with pytest.raises(StructureError, match=reason):
        PlayedHouse.from_bytes(data)


def test_the_error_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "holiday.json"
    path.write_text("[]")

    with pytest.raises(StructureError, match=r"holiday\.json"):
        PlayedHouse.from_file(path)


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="the published structure files are not here")
def test_published_structure_files_play_with_distinct_numbers() -> None:
    paths = [path for path in sorted(PUBLISHED.glob("*.json")) if "States" not in path.name]
    assert paths

    for path in paths:
        house = PlayedHouse.from_file(path)
        for _ in range(60):
            house.advance(1.0)
            assert len(house.values) == len(set(house.values.values())), path.name
        assert len(house.values) > 2, path.name
