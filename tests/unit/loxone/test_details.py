from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loxone_exporter.loxone.details import NO_DETAILS, Details, FlowNode, parse_details
from loxone_exporter.loxone.structure import Control, Structure, parse_structure
from loxone_exporter.units import Format, HouseUnits
from support.strategies import json_values
from support.structures import key, uuid


PUBLISHED = Path(__file__).resolve().parents[4] / "shared" / "structures"

# Of every JSON type.
NONSENSE: list[object] = [
    None,
    True,
    False,
    0,
    -1,
    1.5,
    10**300,
    "",
    "nonsense",
    [],
    [None, 5, "nonsense", [[]]],
    {},
    {"a": {"b": []}, "0": 5},
]
some_nonsense = pytest.mark.parametrize("nonsense", NONSENSE, ids=range(len(NONSENSE)))


def of_entry(entry: object) -> Details:
    return parse_details(json.loads(json.dumps(entry)))


def of_details(details: object) -> Details:
    return of_entry({"details": details})


def of_points(*points: object) -> Details:
    return of_entry({"statisticV2": {"groups": [{"dataPoints": points}]}})


def of_nodes(*nodes: object) -> tuple[FlowNode, ...]:
    return of_details({"nodes": nodes}).nodes


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        # The first from a published file, the others from the document.
        (
            {"allOff": "Alles aus", "outputs": {"1": "Fernsehen", "2": "DLNA / Blu-ray"}},
            {"outputs": {0: "Alles aus", 1: "Fernsehen", 2: "DLNA / Blu-ray"}},
        ),
        ({"allOff": "", "outputs": {"1": "2h"}}, {"outputs": {1: "2h"}}),
        ({"loads": [{"id": 0, "name": "Oven"}]}, {"loads": {0: "Oven"}}),
        ({"modeList": {"1": {"name": "TV"}, "2": "CD"}}, {"modeList": {1: "TV", 2: "CD"}}),
        ({"modes": [{"id": -1, "name": "Aus"}]}, {"modes": {-1: "Aus"}}),
        ({"allOff": "Alles aus"}, {}),
        ({"outputs": {"x": "a", "1": "", "2": None, "": "b", "9" * 9: "c"}}, {}),
    ],
)
def test_names_of_codes(details: object, expected: object) -> None:
    assert expected == of_details(details).names


def test_names_of_codes_are_bounded() -> None:
    names = of_details({"outputs": {str(number): "x" * 999 for number in range(999)}}).names
    assert 256 == len(names["outputs"])
    assert {128} == {len(name) for name in names["outputs"].values()}


@some_nonsense
@pytest.mark.parametrize("name", ["outputs", "sequences", "modes", "modeList", "loads"])
def test_nonsense_in_place_of_names_is_passed_over(name: str, nonsense: object) -> None:
    assert {} == of_details({name: nonsense}).names


# Typed from a published file.
def test_details_of_a_meter() -> None:
    entry = {
        "name": "Zähler",
        "type": "Meter",
        "details": {
            "type": "bidirectional",
            "actualFormat": "%.3fkW",
            "totalFormat": "%.1fkWh",
            "displayType": 0,
        },
        "statisticV2": {
            "groups": [
                {
                    "id": 1,
                    "mode": 9,
                    "accumulated": False,
                    "dataPoints": [{"title": "Power", "format": "%.3f kW", "output": "actual"}],
                },
                {
                    "id": 2,
                    "mode": 8,
                    "accumulated": True,
                    "dataPoints": [
                        {"title": "Reading", "format": "%.1fkWh", "output": "total"},
                        {"title": "Delivered", "format": "%.1f Wh", "output": "totalNeg"},
                    ],
                },
            ]
        },
    }
    expected = Details(
        formats={
            "actualFormat": Format("%.3fkW", "kW"),
            "totalFormat": Format("%.1fkWh", "kWh"),
        },
        state_formats={
            "actual": Format("%.3f kW", "kW"),
            "total": Format("%.1fkWh", "kWh"),
            "totalNeg": Format("%.1f Wh", "Wh"),
        },
        type="bidirectional",
    )
    assert expected == of_entry(entry)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("format", "%.1f°", Format("%.1f°", "°")),
        ("format", "%s", Format("%s", "")),
        ("format", "", Format("", "")),
        ("actualFormat", "po %.1f min", Format("po %.1f min", "min")),
        ("Format", "<v.1> mm/h", Format("<v.1> mm/h", "mm/h")),
        # A unit that stands alone; a percent sign there is no placeholder.
        ("waterLevelUnit", "cm", Format("cm", "cm")),
        ("waterLevelUnit", " %\n", Format(" %\n", "%")),
        ("Unit", "", Format("", "")),
        ("fillUnitText", "L", Format("L", "L")),
        # With both, it is a format.
        ("UnitFormat", "%.1f L", Format("%.1f L", "L")),
        ("formats", "%.1f°", None),
        ("formatted", "%.1f°", None),
        ("actualformat", "%.1f°", None),
        ("Formats", "%.1f°", None),
        ("unit", "cm", None),
        ("communication", "cm", None),
        ("text", "%.1f°", None),
        ("", "%.1f°", None),
    ],
)
def test_formats_are_known_by_their_keys(name: str, text: str, expected: Format | None) -> None:
    formats = of_details({name: text, "inner": {"format": "%.1f°"}}).formats
    assert ({name: expected} if expected else {}) == formats


@pytest.mark.parametrize("name", ["format", "totalFormat", "waterLevelUnit"])
def test_text_that_is_too_long_for_a_format_is_none(name: str) -> None:
    assert [name] == list(of_details({name: "x" * 64, "nextFormat": "x" * 65}).formats)
    assert NO_DETAILS is of_details({name: "x" * 65})
    assert NO_DETAILS is of_details({name: "%.1f kWh" * 100_000})


def test_format_of_a_statistic_that_is_too_long_is_none() -> None:
    points = [{"output": "actual", "format": "x" * 65}, {"output": "total", "format": "x" * 64}]
    assert {"total": Format("x" * 64, "")} == of_points(*points).state_formats


def test_of_two_statistics_of_one_state_the_last_counts() -> None:
    points = [{"output": "actual", "format": text} for text in ("%.1f W", "%.3fkW")]
    assert {"actual": Format("%.3fkW", "kW")} == of_points(*points).state_formats


@pytest.mark.parametrize(
    ("temperatures", "expected"),
    [
        ({}, set()),
        # The first two are absolute, the others are differences to them.
        (
            {
                "0": {"id": 0, "isAbsolute": True},
                "1": {"id": 1, "isAbsolute": True},
                "2": {"id": 2, "isAbsolute": False},
                "13": {"isAbsolute": False},
            },
            {2, 13},
        ),
        ({"0": {"isAbsolute": False}, "00": {"isAbsolute": False}}, {0}),
        ({"0": {"isAbsolute": 0}, "1": {"isAbsolute": None}, "2": {}}, set()),
        ({"-1": {"isAbsolute": False}, "1.0": {"isAbsolute": False}}, set()),
        ({"": {"isAbsolute": False}, " 1": {"isAbsolute": False}}, set()),
        ({"²": {"isAbsolute": False}, "one": {"isAbsolute": False}}, set()),
        ({"0": False, "1": [False], "2": "isAbsolute", "3": None}, set()),
        ([{"isAbsolute": False}], set()),
    ],
    ids=range(9),
)
def test_temperatures_that_are_differences(temperatures: object, expected: set[int]) -> None:
    assert expected == of_details({"temperatures": temperatures}).offsets


# Typed from the control catalog and a published file.
def test_root_nodes_of_an_energy_flow() -> None:
    nodes = of_nodes(
        {
            "uuid": key(1),
            "nodeType": "Grid",
            "title": "Síť",
            "actualEfmState": key(11),
            "ctrlUuid": key(21),
            "icon": None,
        },
        {
            "nodeType": "Group",
            "title": "Heating",
            "actualEfmState": "actual1",
            "nodes": [{"nodeType": "Load", "title": "Pump", "actualEfmState": key(13)}],
        },
    )
    expected = (
        FlowNode(title="Síť", role="Grid", state=uuid(11), meter=key(21)),
        FlowNode(title="Heating", role="Group", state="actual1", meter=""),
    )
    assert expected == nodes


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        (key(11), uuid(11)),
        (key(0xAB).upper(), uuid(0xAB)),
        ("actual7", "actual7"),
        # The first node's, if it says nothing that can be understood.
        ("", "actual0"),
        ("odd", "actual0"),
        (f"{key(11)}/actual", "actual0"),
        (f" {key(11)}", "actual0"),
        (key(11)[:-1], "actual0"),
        (None, "actual0"),
        (11, "actual0"),
        ([key(11)], "actual0"),
        ({"uuid": key(11)}, "actual0"),
    ],
    ids=range(12),
)
def test_state_of_a_node_is_told_by_a_uuid_or_a_name(named: object, expected: bytes | str) -> None:
    assert [expected] == [node.state for node in of_nodes({"actualEfmState": named})]


def test_what_is_no_node_does_not_shift_the_others() -> None:
    assert ["actual1", "actual3"] == [node.state for node in of_nodes(None, {}, "x", {})]


def test_what_nodes_are_called_is_cut_off() -> None:
    (node,) = of_nodes({"title": "t" * 100_000, "nodeType": "r" * 100_000})
    assert ("t" * 128, "r" * 128) == (node.title, node.role)


def test_nodes_may_be_in_another_order_than_their_states() -> None:
    nodes = [
        {"title": "A", "actualEfmState": "actual1"},
        {"title": "B", "actualEfmState": "actual0"},
    ]
    details = of_details({"nodes": nodes})
    found = [details.node_of(name, uuid(1)) for name in ("actual0", "actual1")]
    assert ["B", "A"] == [node.title for node in found if node]


def test_what_is_told_by_a_uuid_comes_before_what_is_guessed() -> None:
    details = of_details({"nodes": [{"title": "A"}, {"title": "B", "actualEfmState": key(9)}]})
    node = details.node_of("actual0", uuid(9))
    assert node
    assert "B" == node.title


@pytest.mark.parametrize(
    ("name", "number", "title"),
    [
        # By the UUID, whatever the name.
        ("actual0", 11, "Grid"),
        ("actual7", 11, "Grid"),
        ("", 11, "Grid"),
        # By the name: with a state's name, with a text that says nothing, and with nothing.
        ("actual1", 12, "Roof"),
        ("actual3", 13, "Odd"),
        ("actual4", 14, "Group"),
        # The first of those that are the same.
        ("actual2", 11, "Grid"),
        ("actual1", 11, "Grid"),
        # Of a node that has another state.
        ("actual0", 15, None),
        ("actual2", 15, None),
        ("actual5", 15, None),
        ("actual01", 15, None),
        ("actual", 15, None),
        ("Actual1", 15, None),
        ("1", 15, None),
        ("Ppwr", 15, None),
        ("", 15, None),
    ],
)
def test_node_is_found_by_the_uuid_or_the_name_of_its_state(
    name: str, number: int, title: str | None
) -> None:
    details = of_details(
        {
            "nodes": [
                {"title": "Grid", "actualEfmState": key(11)},
                {"title": "Roof", "actualEfmState": "actual1"},
                {"title": "Twin", "actualEfmState": key(11)},
                {"title": "Odd", "actualEfmState": "odd"},
                {"title": "Group"},
            ]
        }
    )
    node = details.node_of(name, uuid(number))
    assert title == (node.title if node else None)
    assert NO_DETAILS.node_of(name, uuid(number)) is None


def test_nodes_are_bounded() -> None:
    nodes = of_nodes(*({"title": str(number)} for number in range(257)))
    assert [str(number) for number in range(256)] == [node.title for node in nodes]


@pytest.mark.parametrize("type_", ["unidirectional", "bidirectional", "storage", "new", ""])
def test_type_of_a_meter_is_any_text(type_: str) -> None:
    assert type_ == of_details({"type": type_}).type


@pytest.mark.parametrize(
    ("analog", "expected"),
    [(True, True), (False, False), (1, False), ("true", False), (None, False), ([True], False)],
)
def test_schedule_is_analog_where_it_says_so(analog: object, expected: object) -> None:
    assert expected is of_details({"analog": analog}).is_analog


# Most controls have no details; one object serves for all of them.
@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"name": "Lamp", "type": "Switch", "states": {}},
        {"details": {"jLockable": True, "text": {"on": "An", "off": "Aus"}}},
        {"details": {"type": "", "analog": False, "nodes": [], "temperatures": {}}},
        {"statisticV2": {"groups": []}},
        # Cameras' users and passwords are in there.
        {"securedDetails": {"format": "%.1f W", "type": "storage"}},
    ],
)
def test_control_without_details_has_none_of_its_own(entry: object) -> None:
    assert NO_DETAILS is of_entry(entry)


@some_nonsense
def test_nonsense_in_place_of_the_whole_is_passed_over(nonsense: object) -> None:
    assert NO_DETAILS is of_entry({"details": nonsense, "statisticV2": nonsense})
    assert NO_DETAILS is of_entry({"statisticV2": {"groups": nonsense}})
    assert NO_DETAILS is of_entry({"statisticV2": {"groups": [{"dataPoints": nonsense}]}})
    assert () == of_nodes(nonsense, nonsense) or isinstance(nonsense, dict)


WHOLE = {
    "format": "%.1f°",
    "waterLevelUnit": "cm",
    "type": "storage",
    "analog": True,
    "temperatures": {"2": {"isAbsolute": False}},
    "nodes": [{"title": "Grid", "actualEfmState": key(11)}],
}


def parts_of(details: Details) -> dict[str, object]:
    """What each of the keys above has led to."""
    return {
        "format": details.formats.get("format"),
        "waterLevelUnit": details.formats.get("waterLevelUnit"),
        "type": details.type,
        "analog": details.is_analog,
        "temperatures": details.offsets,
        "nodes": details.nodes,
    }


@some_nonsense
@pytest.mark.parametrize("name", WHOLE)
def test_nonsense_in_one_place_costs_only_itself(name: str, nonsense: object) -> None:
    right, wrong = parts_of(of_details(WHOLE)), parts_of(of_details({**WHOLE, name: nonsense}))
    assert [] == [other for other in WHOLE if other != name and right[other] != wrong[other]]
    assert right[name] != wrong[name] or nonsense == WHOLE[name]


@some_nonsense
@pytest.mark.parametrize("name", ["output", "format"])
def test_nonsense_in_a_statistic_costs_only_itself(name: str, nonsense: object) -> None:
    good = {"output": "total", "format": "%.1fkWh"}
    formats = of_points(nonsense, {**good, name: nonsense}, {}, good).state_formats
    assert Format("%.1fkWh", "kWh") == formats["total"]
    others = {nonsense} if name == "output" and isinstance(nonsense, str) else set()
    assert others == set(formats) - {"total"}


@some_nonsense
@pytest.mark.parametrize("name", ["title", "nodeType", "ctrlUuid"])
def test_nonsense_in_a_node_is_an_empty_text(name: str, nonsense: object) -> None:
    good = {"title": "Grid", "nodeType": "Grid", "ctrlUuid": key(1)}
    (node,) = of_nodes({**good, name: nonsense, "actualEfmState": key(11)})
    expected = {**good, name: nonsense if isinstance(nonsense, str) else ""}
    assert [*expected.values()] == [node.title, node.role, node.meter]
    assert uuid(11) == node.state


words = st.sampled_from(
    [
        "details",
        "statisticV2",
        "format",
        "actualFormat",
        "waterLevelUnit",
        "groups",
        "dataPoints",
        "output",
        "type",
        "analog",
        "temperatures",
        "isAbsolute",
        "nodes",
        "title",
        "nodeType",
        "actualEfmState",
        "ctrlUuid",
        "0",
        "1",
        "٣",
        "²",
    ]
)
values = json_values(words)
formats = st.text(max_size=80) | values
# Of the right form, with anything inside.
likely_details = st.fixed_dictionaries(
    {},
    optional={
        "format": formats,
        "actualFormat": formats,
        "waterLevelUnit": formats,
        "analog": st.booleans() | values,
        "type": values,
        "temperatures": st.dictionaries(
            words, st.fixed_dictionaries({"isAbsolute": st.booleans() | values})
        ),
        "nodes": st.lists(st.dictionaries(words, values, max_size=5), max_size=3) | values,
    },
)
likely_points = st.lists(st.fixed_dictionaries({"output": values, "format": formats}), max_size=3)
entries = st.dictionaries(words, values, max_size=4) | st.fixed_dictionaries(
    {
        "details": likely_details,
        "statisticV2": st.fixed_dictionaries(
            {"groups": st.lists(st.fixed_dictionaries({"dataPoints": likely_points}), max_size=2)}
        ),
    }
)


def test_an_index_that_is_no_index_is_passed_over() -> None:
    nonsense = ["9" * 5000, "-1", "1.5", "", "x", "1234"]
    temperatures = {index: {"isAbsolute": False} for index in [*nonsense, "2"]}
    assert frozenset({2}) == of_details({"temperatures": temperatures}).offsets


@given(entries)
def test_any_entry_has_details(entry: dict[str, Any]) -> None:
    details = parse_details(entry)
    assert (details is NO_DETAILS) == (details == Details())
    found = [*details.formats.values(), *details.state_formats.values()]
    assert all(len(it.text) <= 64 for it in found)
    assert all(isinstance(it, str) for name in details.state_formats for it in (name, details.type))
    assert all(index >= 0 for index in details.offsets)
    for node in details.nodes:
        texts = [node.title, node.role, node.meter]
        assert all(isinstance(it, str) for it in texts)
        assert node.state
        told = node.state if isinstance(node.state, bytes) else uuid(1)
        named = node.state if isinstance(node.state, str) else ""
        assert details.node_of(named, told) is not None


@given(entries)
def test_details_of_any_entry_arrive_in_the_structure(entry: dict[str, Any]) -> None:
    controls = {key(1): entry, key(2): {"subControls": {key(3): entry}}}
    structure = parse_structure(json.dumps({"controls": controls}))
    own, parent, inner = (control.details for control in structure.walk())
    assert own == inner
    assert NO_DETAILS is parent


def published_files() -> list[Path]:
    # The other file holds values, not a structure.
    return [path for path in sorted(PUBLISHED.glob("*.json")) if "States" not in path.name]


def published(path: Path) -> tuple[Structure, dict[str, dict[str, Any]]]:
    """A structure, and the entries of its controls by a walk of our own through the JSON."""

    def walk(controls: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, entry in controls.items():
            yield name, entry
            yield from walk(entry.get("subControls") or {})

    payload = path.read_bytes()
    return parse_structure(payload), dict(walk(json.loads(payload)["controls"]))


@pytest.mark.parametrize("path", published_files(), ids=lambda path: path.stem)
def test_details_of_a_published_file_are_found(path: Path) -> None:
    structure, entries = published(path)
    for control in structure.walk():
        details, found = entries[control.key].get("details") or {}, control.details
        expected = {name: text for name, text in details.items() if name.lower().endswith("format")}
        assert expected == {
            name: it.text for name, it in found.formats.items() if "Unit" not in name
        }
        statistics = entries[control.key].get("statisticV2") or {"groups": []}
        points = [point for group in statistics["groups"] for point in group["dataPoints"]]
        assert {point["output"]: point["format"] for point in points} == {
            state: it.text for state, it in found.state_formats.items()
        }
        nodes = [(node["title"], node["nodeType"]) for node in details.get("nodes") or []]
        assert nodes == [(node.title, node.role) for node in found.nodes]
        states = entries[control.key].get("states") or {}
        # Of each node there is a state, whose UUID is no real one in the published file.
        of_states = [found.node_of(name, uuid(1)) for name in states]
        assert list(found.nodes) == [node for node in of_states if node]


@pytest.mark.parametrize("path", published_files(), ids=lambda path: path.stem)
def test_categories_and_units_of_a_published_file_are_found(path: Path) -> None:
    structure, _ = published(path)
    document = json.loads(path.read_bytes())
    types = {category["type"] for category in document.get("cats", {}).values()}
    assert {control.category_type for control in structure.walk()} <= {*types, ""}
    assert HouseUnits(currency=document.get("msInfo", {}).get("currency", "")) == structure.units


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="there are no published files here")
def test_published_files_have_what_is_looked_for() -> None:
    controls: list[Control] = []
    for path in published_files():
        controls += published(path)[0].walk()
    found = [control.details for control in controls]
    assert 300 <= sum(len(details.formats) for details in found)
    assert 10 <= sum(len(details.state_formats) for details in found)
    assert {"unidirectional", "bidirectional", "storage", ""} == {it.type for it in found}
    assert {"Group", "Load"} == {node.role for details in found for node in details.nodes}
    assert {"lights", "indoortemperature", "undefined"} <= {it.category_type for it in controls}
