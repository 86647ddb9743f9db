from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loxone_exporter.errors import StructureError
from loxone_exporter.loxone.details import NO_DETAILS, Details
from loxone_exporter.loxone.sections import UserRights
from loxone_exporter.loxone.structure import (
    Control,
    State,
    Structure,
    parse_structure,
    parse_structure_in_steps,
)
from loxone_exporter.loxone.uuids import StateUuid, format_uuid
from loxone_exporter.units import Format, HouseUnits
from support.steps import do
from support.strategies import is_value_or_protocol_error, json_bytes, json_values
from support.structures import key, uuid


def parse(controls: object, **sections: object) -> Structure:
    return parse_structure(json.dumps({"controls": controls, **sections}))


def only_control(entry: object, **sections: object) -> Control:
    (control,) = parse({key(1): entry}, **sections).controls
    return control


ROOMS = {key(101): {"name": "Küche"}, key(102): {"name": "Bad"}}
CATEGORIES = {
    key(201): {"name": "Licht", "type": "lights"},
    key(202): {"name": "Klima", "type": "indoortemperature"},
}


def test_control_with_room_category_and_states() -> None:
    control = only_control(
        {
            "name": "Thermostat",
            "type": "IRoomControllerV2",
            "room": key(101),
            "cat": key(202),
            "states": {"tempActual": key(1), "tempTarget": key(2)},
        },
        rooms=ROOMS,
        cats=CATEGORIES,
    )
    states = (State("tempActual", uuid(1)), State("tempTarget", uuid(2)))
    expected = Control(
        key(1),
        "Thermostat",
        "IRoomControllerV2",
        "Küche",
        "Klima",
        states,
        category_type="indoortemperature",
    )
    assert expected == control


# Quirk 23.
def test_list_of_states_is_numbered() -> None:
    control = only_control({"states": {"temperatures": [key(1), key(2)], "open": []}})
    states = (State("temperatures[0]", uuid(1)), State("temperatures[1]", uuid(2)))
    assert states == control.states
    assert ["temperatures", "temperatures"] == [state.base_name for state in states]
    assert [0, 1] == [state.index for state in states]


@pytest.mark.parametrize(
    ("name", "base_name", "index"),
    [
        ("active", "active", None),
        ("", "", None),
        ("actual0", "actual0", None),
        ("temperatures[0]", "temperatures", 0),
        ("temperatures[12]", "temperatures", 12),
        ("[3]", "", 3),
        # Names of a file that has no lists, but such names.
        ("odd[]", "odd", None),
        ("odd[x]", "odd", None),
        ("odd[-1]", "odd", None),
        ("odd[1.5]", "odd", None),
        ("odd[²]", "odd", None),
        ("odd[1][2]", "odd", None),
        ("odd]", "odd]", None),
        ("odd0]", "odd0]", None),
        (f"{'x' * 256}[999]", "x" * 256, 999),
        (f"x[{'9' * 254}", "x", int("9" * 254)),
    ],
    ids=range(16),
)
def test_name_of_a_state_tells_its_place_in_a_list(
    name: str, base_name: str, index: int | None
) -> None:
    state = State(name, uuid(1))
    assert (base_name, index) == (state.base_name, state.index)


# Quirk 23.
def test_sub_controls_are_keyed_by_more_than_a_uuid() -> None:
    control = only_control(
        {
            "name": "Light",
            "subControls": {
                f"{key(1)}/AI1": {"name": "Spots", "type": "Dimmer", "states": {"p": key(2)}}
            },
        }
    )
    (part,) = control.sub_controls
    assert (f"{key(1)}/AI1", "Spots", "Dimmer") == (part.key, part.name, part.type)
    assert (State("p", uuid(2)),) == part.states


# Quirk 23.
def test_states_shared_by_controls_are_one() -> None:
    structure = parse(
        {key(1): {"states": {"value": key(9)}}, key(2): {"states": {"actual": key(9)}}}
    )
    assert {uuid(9)} == structure.state_uuids()
    assert 2 == len([control for control in structure.walk() if control.states])


@pytest.mark.parametrize(
    ("part", "labels"),
    [
        ({}, ("Küche", "Licht", "lights")),
        ({"room": key(102)}, ("Bad", "Licht", "lights")),
        ({"cat": key(202)}, ("Küche", "Klima", "indoortemperature")),
        ({"room": "00000000-0000-0000-0000000000000000"}, ("Küche", "Licht", "lights")),
        ({"room": None, "cat": 5}, ("Küche", "Licht", "lights")),
        # Its own category, of no type or of one that is no text.
        ({"cat": key(203)}, ("Küche", "Neu", "")),
        ({"cat": key(204)}, ("Küche", "Neu", "")),
        # An entry that is none.
        ({"cat": key(205)}, ("Küche", "Licht", "lights")),
    ],
)
def test_sub_control_has_its_own_room_and_category_or_its_parents(
    part: object, labels: tuple[str, str, str]
) -> None:
    odd = {
        key(203): {"name": "Neu"},
        key(204): {"name": "Neu", "type": 5},
        key(205): "no object",
    }
    control = only_control(
        {"room": key(101), "cat": key(201), "subControls": {"inner": part}},
        rooms=ROOMS,
        cats=CATEGORIES | odd,
    )
    (inner,) = control.sub_controls
    assert labels == (inner.room, inner.category, inner.category_type)


def test_parts_of_parts_inherit_from_the_nearest() -> None:
    control = only_control(
        {
            "room": key(101),
            "subControls": {"a": {"room": key(102), "subControls": {"b": {}}}},
        },
        rooms=ROOMS,
    )
    assert ["Küche", "Bad", "Bad"] == [part.room for part in control.walk()]


def test_kind_of_the_category_is_inherited_with_it_from_the_nearest() -> None:
    control = only_control(
        {"subControls": {"a": {"cat": key(202), "subControls": {"b": {}, "c": {"cat": key(201)}}}}},
        cats=CATEGORIES,
    )
    types = ["", "indoortemperature", "indoortemperature", "lights"]
    assert types == [part.category_type for part in control.walk()]


def test_details_are_those_of_the_control_itself() -> None:
    control = only_control(
        {
            "details": {"format": "%.1f°"},
            "subControls": {"a": {}, "b": {"details": {"analog": True, "format": "%.0f%%"}}},
        }
    )
    expected = [
        Details(formats={"format": Format("%.1f°", "°")}),
        NO_DETAILS,
        Details(formats={"format": Format("%.0f%%", "%")}, is_analog=True),
    ]
    assert expected == [part.details for part in control.walk()]


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"name": None, "type": 5, "room": [], "cat": {}},
        {"room": key(103), "cat": "nowhere"},
        {"room": key(104), "states": None, "subControls": None},
        {"states": {}, "subControls": {}},
        {"states": [], "subControls": []},
    ],
)
def test_what_a_control_lacks_is_empty(entry: object) -> None:
    rooms = {key(103): {}, key(104): {"name": None}, key(105): "no object"}
    structure = parse({key(1): entry}, rooms=rooms, cats=["no object"])
    assert (Control(key(1), "", "", "", ""),) == structure.controls
    assert () == structure.problems


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("no object", f"control '{key(1)}' is no object; left out"),
        (
            {"name": "Lamp", "states": "none"},
            f"the states of control 'Lamp' ({key(1)}) are no object; left out",
        ),
        (
            {"name": "Lamp", "subControls": ["inner"]},
            f"the sub-controls of control 'Lamp' ({key(1)}) are no object; left out",
        ),
        (
            {"name": "Lamp", "states": {"active": "off"}},
            f"state 'active' of control 'Lamp' ({key(1)}) is left out: not a state UUID: 'off'",
        ),
        (
            {"name": "Lamp", "states": {"active": [{"uuid": key(1)}]}},
            f"state 'active[0]' of control 'Lamp' ({key(1)}) is left out: not a state UUID: ''",
        ),
    ],
)
def test_what_makes_no_sense_costs_only_itself(entry: object, problem: str) -> None:
    structure = parse({key(1): entry, key(2): {"name": "Fine", "states": {"active": key(9)}}})
    assert (problem,) == structure.problems
    fine = structure.controls[-1]
    assert ("Fine", (State("active", uuid(9)),)) == (fine.name, fine.states)


def test_good_states_of_a_list_are_kept_with_their_number() -> None:
    control = only_control({"states": {"temperatures": [key(1), None, key(3)]}})
    assert ["temperatures[0]", "temperatures[2]"] == [state.name for state in control.states]


def test_problems_are_bounded() -> None:
    structure = parse({str(number): None for number in range(1000)})
    assert 100 == len(structure.problems)


def test_problems_are_short() -> None:
    long = "x" * 100_000
    structure = parse(
        {
            long: None,
            long + "1": {},
            key(1): {"name": long, "states": {long: key(1), "active": None}},
        }
    )
    assert 4 == len(structure.problems)
    assert all(len(problem) < 400 for problem in structure.problems)


# A list multiplies the name of its states.
def test_state_with_an_endless_name_is_left_out() -> None:
    control = only_control({"states": {"x" * 256: [key(1)], "x" * 257: [key(2)] * 1000}})
    assert [f"{'x' * 256}[0]"] == [state.name for state in control.states]
    structure = parse({key(1): {"name": "Lamp", "states": {"x" * 257: key(2)}}})
    (problem,) = structure.problems
    assert problem.endswith("is left out: its name has 257 characters")


def test_nesting_is_bounded() -> None:
    entry: dict[str, Any] = {}
    for depth in range(20):
        entry = {"subControls": {f"level {20 - depth}": entry}}
    structure = parse({"level 0": entry})
    assert [f"level {level}" for level in range(17)] == [part.key for part in structure.walk()]
    assert ("control 'level 17' is nested too deeply; left out",) == structure.problems


def test_walk_meets_parents_first() -> None:
    structure = parse(
        {
            "a": {"subControls": {"a1": {"subControls": {"a11": {}}}, "a2": {}}},
            "b": {},
        }
    )
    assert ["a", "a1", "a11", "a2", "b"] == [control.key for control in structure.walk()]


# Quirk 19: a text like any other, compared with nothing but texts.
def test_last_modified_is_the_text_that_is_there() -> None:
    assert "2026-05-25 18:00:00" == parse({}, lastModified="2026-05-25 18:00:00").last_modified
    assert "yesterday +02:00" == parse({}, lastModified="yesterday +02:00").last_modified
    # Quirk 20: fields may be missing.
    assert "" == parse({}).last_modified
    for odd in (None, 5, ["2026-05-25 18:00:00"], {"a": "b"}):
        assert "" == parse({}, lastModified=odd).last_modified


@pytest.mark.parametrize(
    ("info", "project", "model"),
    [
        ({"projectName": "Haus", "miniserverType": 0}, "Haus", "Miniserver Gen 1"),
        ({"projectName": "", "miniserverType": 1}, "", "Miniserver Go Gen 1"),
        ({"miniserverType": 2}, "", "Miniserver Gen 2"),
        ({"miniserverType": 3}, "", "Miniserver Go Gen 2"),
        ({"miniserverType": 4}, "", "Miniserver Compact"),
        ({"miniserverType": 5}, "", "type 5"),
        ({"miniserverType": -1}, "", "type -1"),
        ({"miniserverType": True, "projectName": None}, "", ""),
        ({"miniserverType": None, "projectName": 5}, "", ""),
        ({"miniserverType": [2], "projectName": ["Haus"]}, "", ""),
        ({}, "", ""),
        ([], "", ""),
        ("msInfo", "", ""),
        (None, "", ""),
    ],
    ids=range(14),
)
def test_project_and_model(info: object, project: str, model: str) -> None:
    structure = parse({}, msInfo=info)
    assert (project, model) == (structure.project, structure.model)


@pytest.mark.parametrize(
    ("info", "units"),
    [
        ({"tempUnit": 0, "currency": "€"}, HouseUnits(currency="€")),
        ({"tempUnit": 1, "currency": "Kč"}, HouseUnits(fahrenheit=True, currency="Kč")),
        # Numbers may be texts.
        ({"tempUnit": "0"}, HouseUnits()),
        ({"tempUnit": "1"}, HouseUnits(fahrenheit=True)),
        ({"tempUnit": 2}, HouseUnits()),
        ({"tempUnit": -1}, HouseUnits()),
        ({"tempUnit": 10**300}, HouseUnits()),
        ({"tempUnit": "F"}, HouseUnits()),
        ({"tempUnit": ""}, HouseUnits()),
        ({"tempUnit": None, "currency": None}, HouseUnits()),
        ({"tempUnit": False, "currency": True}, HouseUnits()),
        ({"tempUnit": True}, HouseUnits()),
        ({"tempUnit": [1], "currency": ["€"]}, HouseUnits()),
        ({"tempUnit": {"1": 1}, "currency": {"€": "€"}}, HouseUnits()),
        ({"currency": 5}, HouseUnits()),
        ({"currency": ""}, HouseUnits()),
        ({}, HouseUnits()),
        ([], HouseUnits()),
        ("msInfo", HouseUnits()),
        (None, HouseUnits()),
    ],
    ids=range(20),
)
def test_units_of_the_house(info: object, units: HouseUnits) -> None:
    assert units == parse({}, msInfo=info).units


def test_without_a_word_of_its_units_a_house_has_the_usual_ones() -> None:
    assert HouseUnits(fahrenheit=False, currency="") == parse({}).units


# Section 5.5.
def test_global_states_and_those_of_the_weather() -> None:
    structure = parse(
        {key(1): {"states": {"active": key(1)}}},
        globalStates={"modifications": key(2), "sunrise": key(3).upper(), "odd": "x", "no": None},
        weatherServer={"states": {"actual": key(4), "forecast": key(1), "odd": [key(5)]}},
    )
    assert {"modifications": uuid(2), "sunrise": uuid(3)} == structure.global_states
    assert {"actual": uuid(4), "forecast": uuid(1)} == structure.weather_states
    assert {uuid(1), uuid(2), uuid(3), uuid(4)} == structure.state_uuids()
    assert () == structure.problems


@pytest.mark.parametrize("odd", [None, [], "states", 5, {"states": []}, {"states": None}])
def test_odd_sections_are_no_sections(odd: object) -> None:
    structure = parse({}, globalStates=odd, weatherServer=odd, msInfo=odd)
    assert {} == structure.global_states
    assert {} == structure.weather_states


def test_uuids_are_the_objects_that_the_states_hold() -> None:
    # Values are filed under them: equal ones would be kept a second time.
    structure = parse(
        {key(1): {"states": {"active": key(1)}}},
        globalStates={"modifications": key(1)},
    )
    (state,) = structure.controls[0].states
    (only,) = structure.state_uuids()
    assert state.uuid is only


# Quirk 24: each file is understood by itself, even under an old date.
def test_second_file_with_the_same_date_has_its_own_uuids() -> None:
    first, second = (
        parse({key(1): {"states": {"active": key(number)}}}, lastModified="2026-01-01 00:00:00")
        for number in (1, 2)
    )
    assert first.last_modified == second.last_modified
    assert [{uuid(1)}, {uuid(2)}] == [first.state_uuids(), second.state_uuids()]


def test_uuids_in_upper_case_are_those_of_the_tables() -> None:
    control = only_control({"states": {"active": format_uuid(bytes.fromhex("ab" * 16)).upper()}})
    assert (State("active", StateUuid(bytes.fromhex("ab" * 16))),) == control.states


# Quirks 3 and 7.
def test_byte_order_mark_and_line_breaks_do_no_harm() -> None:
    payload = '\ufeff{"controls": {"a": {"name": "two\nlines"}}}'.encode()
    assert ["two\nlines"] == [control.name for control in parse_structure(payload).walk()]


def test_half_a_character_in_a_name_does_no_harm() -> None:
    structure = parse_structure(r'{"controls": {"a": {"name": "\ud83d"}}}')
    assert ["?"] == [control.name for control in structure.controls]


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        # Quirk 5.
        ('{"controls": {', "broken: expected JSON"),
        ("", "broken"),
        ("[" * 100_000, "broken"),
        ("[]", "received another answer"),
        ('{"LL": {"Code": "403"}, "controls": {}}', "received another answer"),
        ("{}", "has no controls"),
        ('{"controls": []}', "has no controls"),
    ],
    ids=range(7),
)
def test_what_is_no_structure_file_is_refused(payload: str, message: str) -> None:
    with pytest.raises(StructureError, match=message):
        parse_structure(payload)


words = st.sampled_from(
    [
        "controls",
        "rooms",
        "cats",
        "name",
        "type",
        "room",
        "cat",
        "states",
        "subControls",
        "lastModified",
        "msInfo",
        "projectName",
        "miniserverType",
        "tempUnit",
        "currency",
        "details",
        "globalStates",
        "weatherServer",
        "LL",
        key(1),
        key(2),
    ]
)
entries = st.dictionaries(words, json_values(words), max_size=4)
files = st.fixed_dictionaries(
    {"controls": st.dictionaries(words, entries | json_values(words), max_size=4)},
    optional=dict.fromkeys(
        ["rooms", "cats", "lastModified", "msInfo", "globalStates", "weatherServer"],
        json_values(words),
    ),
)


@given(payload=st.binary(max_size=40) | json_bytes(json_values(words) | files))
def test_any_bytes_are_a_structure_or_refused(payload: bytes) -> None:
    assert is_value_or_protocol_error(lambda: parse_structure(payload))


@given(file=files)
def test_any_file_with_controls_is_a_structure(file: dict[str, Any]) -> None:
    structure = parse_structure(json.dumps(file))
    assert len(structure.controls) <= len(file["controls"])
    assert str(structure).encode()
    assert all(isinstance(it, str) for it in (structure.project, structure.model))
    assert isinstance(structure.units.currency, str)
    assert all(isinstance(control.category_type, str) for control in structure.walk())
    assert all(len(uuid) == 16 for uuid in structure.state_uuids())


def test_a_currency_is_short() -> None:
    document = {"controls": {}, "msInfo": {"currency": "x" * 1_000_000}}
    assert 16 == len(parse_structure(json.dumps(document)).units.currency)


def test_names_are_cut_off() -> None:
    long = "n" * 100_000
    entry = {"name": long, "type": "Switch", "room": "r", "cat": "c", "states": {}}
    sections = {"rooms": {"r": {"name": long}}, "cats": {"c": {"name": long, "type": "lights"}}}
    (control,) = parse_structure(json.dumps({"controls": {"x": entry}, **sections})).controls
    assert ("n" * 1000, "n" * 1000, "n" * 1000) == (control.name, control.room, control.category)


def test_rooms_and_categories_are_known_although_nothing_is_in_them() -> None:
    rooms = {f"r{number}": {"name": f"Room {number}"} for number in range(2000)}
    categories = {"c": {"name": "Light"}, "odd": 1}
    structure = parse_structure(json.dumps({"controls": {}, "rooms": rooms, "cats": categories}))
    assert 1000 == len(structure.rooms)
    assert "Room 999" == structure.rooms[-1]
    assert ("Light",) == structure.categories


@pytest.mark.parametrize(
    ("user", "rights"),
    [
        (
            {"name": "x", "isAdmin": True, "userRights": 2047},
            UserRights(has_full_access=True, permissions=2047),
        ),
        (
            {"isAdmin": False, "userRights": 4294967295},
            UserRights(has_full_access=False, permissions=4294967295),
        ),
        ({"isAdmin": "yes", "userRights": "6"}, UserRights()),
        ({"isAdmin": 0, "userRights": False}, UserRights()),
        ({}, UserRights()),
        (None, UserRights()),
    ],
)
def test_the_rights_of_the_user_who_reads_the_file(user: object, rights: UserRights) -> None:
    document = {"controls": {}, "msInfo": {"currentUser": user}}
    assert rights == parse_structure(json.dumps(document)).user_rights


def test_who_reads_the_file_is_not_kept() -> None:
    document = {"controls": {}, "msInfo": {"currentUser": {"name": "Ottokar"}}}
    assert "Ottokar" not in repr(parse_structure(json.dumps(document)))


def test_texts_that_are_shown_are_cut_off() -> None:
    long = "n" * 100_000
    document = {"controls": {}, "lastModified": long, "msInfo": {"projectName": long}}
    structure = parse_structure(json.dumps(document))
    assert ("n" * 1000, "n" * 1000) == (structure.last_modified, structure.project)


def test_control_with_an_endless_key_is_left_out() -> None:
    structure = parse({"k" * 256: {}, "k" * 257: {}, "a": {"subControls": {"p" * 1000: {}}}})
    assert ["k" * 256, "a"] == [control.key for control in structure.walk()]
    assert ["its key has 257 characters", "its key has 1000 characters"] == [
        problem.partition("is left out: ")[2] for problem in structure.problems
    ]


def test_a_large_file_is_read_in_steps() -> None:
    states = {f"state{number}": key(number) for number in range(10)}
    entry = {"name": "x" * 200, "type": "Switch", "states": states}
    payload = json.dumps({"controls": {key(number): entry for number in range(1000)}})
    done = do(parse_structure_in_steps(payload))
    assert parse_structure(payload) == done.result
    assert done.pauses > 50


def test_names_of_states_are_there_once() -> None:
    entry = {"states": {"name of a state": key(1)}}
    first, second = (parse({key(2): entry}).controls[0].states[0].name for _ in range(2))
    assert first is second
