from __future__ import annotations

from hypothesis import given

from loxone_exporter.config.model import FilterConfig, MetricsConfig
from loxone_exporter.loxone.structure import Structure
from loxone_exporter.metrics.filters import Filter
from loxone_exporter.metrics.names import NameRegistry
from loxone_exporter.metrics.places import Plan
from loxone_exporter.metrics.series import (
    INFO_LABELS,
    LABELS,
    Series,
    SeriesTable,
    label_names,
)
from support.series import build_series
from support.strategies import look_alikes, sane_look_alikes
from support.structures import control, key, structure, uuid


def build(
    house: Structure,
    filter_config: FilterConfig | None = None,
    *,
    uuid_label: bool = False,
    text_values: bool = True,
    registry: NameRegistry | None = None,
) -> SeriesTable:
    metrics = MetricsConfig(uuid_label=uuid_label, text_values=text_values)
    plan = Plan(metrics, Filter.compile(filter_config or FilterConfig()))
    return build_series(house, miniserver="home", registry=registry or NameRegistry(), plan=plan)


def label_set(series: Series) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(series.labels.items()))


def subcontrols(table: SeriesTable) -> list[str]:
    return [series.labels["subcontrol"] for series in table.values]


def names(table: SeriesTable) -> list[str]:
    return [series.labels["name"] for series in table.values]


def test_labels_of_a_control() -> None:
    table = build(structure(control(1, "Lamp", states={"active": 11})))
    (series,) = table.values
    expected = {
        "miniserver": "home",
        "name": "Lamp",
        "room": "Kitchen",
        "category": "Lighting",
        "type": "Switch",
        "subcontrol": "active",
    }
    assert expected == series.labels
    assert (uuid(11), 0) == (series.uuid, series.control)
    assert table.values == table.texts
    (row,) = table.controls
    del expected["subcontrol"]
    assert {**expected, "uuid": key(1)} == row.labels
    assert (1, 0, ()) == (table.discovered, table.renamed, table.duplicates)


def test_part_has_its_parents_name_and_the_rest_of_its_own() -> None:
    part = control(
        f"{key(1)}/AI1",
        "Spots",
        type_="Dimmer",
        room="Bath",
        category="Wellness",
        states={"position": 11},
    )
    table = build(structure(control(1, "Lights", states={}, parts=(part,))))
    (series,) = table.values
    expected = ("home", "Lights", "Bath", "Wellness", "Dimmer", "Spots/position")
    assert dict(zip(LABELS, expected, strict=True)) == series.labels
    assert 1 == len(table.controls)


def test_parts_of_parts_and_lists() -> None:
    inner = control("b", "B", states={"temperatures[0]": 3, "temperatures[1]": 4})
    outer = control("a", "A", states={"state": 2}, parts=(inner,))
    table = build(structure(control(1, parts=(outer,))))
    expected = ["active", "A/state", "A/B/temperatures[0]", "A/B/temperatures[1]"]
    assert expected == subcontrols(table)
    assert {0} == {series.control for series in table.values}


def test_all_states_of_a_renamed_control_have_its_name() -> None:
    parts = (control("part", "Spots", states={"position": 4}),)
    table = build(structure(control(1), control(2, states={"active": 2, "level": 3}, parts=parts)))
    assert ["Lamp", *[f"Lamp ({key(2)})"] * 3] == names(table)
    assert ["Lamp", f"Lamp ({key(2)})"] == [row.labels["name"] for row in table.controls]
    assert 1 == table.renamed


# Quirk 23.
def test_shared_state_is_a_series_of_each_control() -> None:
    table = build(
        structure(control(1, "Meter", states={"a": 9}), control(2, "Flow", states={"b": 9}))
    )
    assert [uuid(9), uuid(9)] == [series.uuid for series in table.values]
    assert [0, 1] == [series.control for series in table.values]


def test_uuid_label_changes_no_name_and_adds_the_key() -> None:
    part = control("part", "Spots", states={"position": 3})
    table = build(structure(control(1), control(2, parts=(part,))), uuid_label=True)
    assert {"Lamp"} == set(names(table))
    assert [key(1), key(2), "part"] == [series.labels["uuid"] for series in table.values]
    assert {frozenset(label_names(uuid_label=True))} == {
        frozenset(series.labels) for series in table.values
    }
    assert {frozenset(INFO_LABELS)} == {frozenset(row.labels) for row in table.controls}
    assert (0, ()) == (table.renamed, table.duplicates)


def test_a_control_called_like_a_renamed_one_is_told_apart_as_well() -> None:
    forged = f"Lamp ({key(2)})"
    for order in ((1, 2, 3), (1, 3, 2)):
        plain, renamed, copy = order
        table = build(structure(control(plain), control(renamed), control(copy, forged)))
        assert () == table.duplicates
        assert 3 == len({label_set(series) for series in table.values})


def test_state_named_like_the_path_of_a_part_is_dropped() -> None:
    part = control("a", "A", states={"x": 2})
    table = build(structure(control(1, states={"A/x": 1}, parts=(part,))))
    assert ["A/x"] == subcontrols(table)[:1]
    # A part of another type is another series.
    assert (
        ()
        == build(
            structure(
                control(
                    1, states={"A/x": 1}, parts=(control("a", "A", type_="D", states={"x": 2}),)
                )
            )
        ).duplicates
    )
    assert 1 == len(table.duplicates)


def test_numbers_are_private_under_each_of_their_names() -> None:
    house = structure(
        control(1, "Door", type_="NfcCodeTouch", states={"lastid": 1, "active": 2}),
        control(2, "Copy", type_="InfoOnlyAnalog", states={"value": 1}),
    )
    table = build(house)
    assert [uuid(2)] == [series.uuid for series in table.values]
    assert {} == table.typed
    assert 2 == len(table.controls)


def test_texts_are_private_by_uuid() -> None:
    house = structure(
        control(1, "Log", type_="Tracker", states={"entries": 1}),
        control(2, "Alarm", type_="SmokeAlarm", states={"sensors": 1, "cause": 2}),
    )
    assert [uuid(2)] == [series.uuid for series in build(house).texts]


def test_lists_are_private_like_their_name() -> None:
    house = structure(control(1, type_="Tracker", states={"entries[0]": 1, "entries[1]": 2}))
    assert () == build(house).values
    assert () == build(house).texts


def test_what_parts_keep_private_is_private_in_their_control_too() -> None:
    tracker = control("part", "Log", type_="Tracker", states={"entries": 1})
    house = structure(control(1, states={"events": 1}, parts=(tracker,)))
    assert () == build(house).values
    assert () == build(house).texts


PART = control("spots", "Spots", type_="Dimmer", room="Bath", states={"position": 3})
HOUSE = structure(control(1, "Gate"), control(2, "Lights", parts=(PART,)))


def test_filter_renames_nothing() -> None:
    house = structure(control(1), control(2, states={"active": 2, "level": 3}), control(4, "Gate"))
    table = build(house, FilterConfig(exclude_uuids=(key(1),), exclude_states=("level",)))
    assert [f"Lamp ({key(2)})", "Gate"] == names(table)
    assert (3, 1, 2) == (table.discovered, table.renamed, len(table.controls))


def test_excluded_control_takes_its_parts_with_it() -> None:
    table = build(HOUSE, FilterConfig(exclude_names=("Lights",)))
    assert ["active"] == subcontrols(table)
    assert ["Gate"] == [row.labels["name"] for row in table.controls]


def test_excluded_part_takes_its_parts_with_it() -> None:
    inner = control("b", "B", room="Kitchen", states={"x": 3})
    outer = control("a", "A", room="Bath", states={"x": 2}, parts=(inner,))
    table = build(structure(control(1, parts=(outer,))), FilterConfig(exclude_rooms=("Bath",)))
    assert ["active"] == subcontrols(table)


def test_part_can_be_included_without_its_control() -> None:
    table = build(HOUSE, FilterConfig(include_rooms=("Bath",)))
    assert ["Spots/position"] == subcontrols(table)
    assert () == table.controls


def test_parts_are_included_by_the_key_of_their_control() -> None:
    table = build(HOUSE, FilterConfig(include_uuids=(key(2),)))
    assert ["active", "Spots/position"] == subcontrols(table)
    assert ["Lights"] == [row.labels["name"] for row in table.controls]


def test_states_are_filtered_by_path_or_name() -> None:
    for pattern in ("Spots/*", "position"):
        included = build(HOUSE, FilterConfig(include_states=(pattern,)))
        assert ["Spots/position"] == subcontrols(included)
        excluded = build(HOUSE, FilterConfig(exclude_states=(pattern,)))
        assert ["active", "active"] == subcontrols(excluded)


def test_lists_of_states_are_filtered_by_their_name() -> None:
    house = structure(control(1, states={"temperatures[0]": 1, "temperatures[1]": 2}))
    assert 2 == len(build(house, FilterConfig(include_states=("temperatures",))).values)
    second = build(house, FilterConfig(exclude_states=("*[1]",)))
    assert ["temperatures[0]"] == subcontrols(second)


@given(house=look_alikes)
def test_no_two_series_are_the_same(house: Structure) -> None:
    table = build(house)
    for series in (table.values, table.texts):
        assert len(series) == len({label_set(one) for one in series})
    assert len(table.controls) == len(set(table.controls))
    states = sum(len(control.states) for control in house.walk())
    assert states == len(table.values) + len(table.duplicates)


@given(house=sane_look_alikes)
def test_no_series_of_a_sane_house_is_lost(house: Structure) -> None:
    assert () == build(house).duplicates
    assert () == build(house, uuid_label=True).duplicates


@given(house=look_alikes)
def test_a_second_look_at_the_same_structure_renames_nothing(house: Structure) -> None:
    registry = NameRegistry()
    first, second = (build(house, registry=registry) for _ in range(2))
    assert first == second


@given(house=look_alikes, smaller=look_alikes)
def test_names_stay_while_the_structure_changes(house: Structure, smaller: Structure) -> None:
    registry = NameRegistry()
    before, _, after = (build(present, registry=registry) for present in (house, smaller, house))
    assert before == after


def test_texts_that_nobody_asked_for_are_not_kept_in_mind() -> None:
    table = build(structure(control(1)), text_values=False)
    assert (1, ()) == (len(table.values), table.texts)


def test_what_states_of_a_control_have_in_common_is_kept_once() -> None:
    states = {"active": 1, "level": 2}
    table = build(structure(control(1, states=states), control(2, "Gate", states=states)))
    first, second, third, fourth = table.values
    assert first.head is second.head
    assert third.head is fourth.head
    assert first.tail is third.tail
