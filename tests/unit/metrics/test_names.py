from __future__ import annotations

import pytest

from loxone_exporter.loxone.structure import Control
from loxone_exporter.metrics import names as names_module
from loxone_exporter.metrics.names import NameRegistry, assign_names
from support.structures import control, key, structure


def test_different_controls_keep_their_names() -> None:
    names = assign_names(
        structure(
            control(1, "Lamp"),
            control(2, "Light"),
            control(3, "Lamp", room="Bath"),
            control(4, "Lamp", category="Shading"),
            control(5, "Lamp", type_="Dimmer"),
        ),
        NameRegistry(),
    )
    assert ["Lamp", "Light", "Lamp", "Lamp", "Lamp"] == list(names.by_key.values())
    assert 0 == names.renamed


def test_smallest_uuid_keeps_the_name() -> None:
    names = assign_names(structure(control(3), control(1), control(2)), NameRegistry())
    expected = {key(1): "Lamp", key(2): f"Lamp ({key(2)})", key(3): f"Lamp ({key(3)})"}
    assert expected == names.by_key
    assert 2 == names.renamed


# The form of the design's own example.
def test_whole_uuid_stands_behind_the_name() -> None:
    first, second = (f"0f86a2fe-0378-3e08-ffffb2d4efc8b5b{last}" for last in "56")
    names = assign_names(structure(control(first), control(second)), NameRegistry())
    assert "Lamp (0f86a2fe-0378-3e08-ffffb2d4efc8b5b6)" == names.by_key[second]


def test_sub_controls_are_told_apart_by_their_whole_key() -> None:
    first, second = f"{key(1)}/AI1", f"{key(1)}/AI2"
    parts = (control(second, "Spots"), control(first, "Spots"), control(f"{key(1)}/AI3", "Strip"))
    names = assign_names(structure(control(1, parts=parts)), NameRegistry())
    expected = {
        (key(1), first): "Spots/",
        (key(1), second): f"Spots ({second})/",
        (key(1), f"{key(1)}/AI3"): "Strip/",
    }
    assert expected == names.paths
    assert 1 == names.renamed


def test_sub_controls_of_controls_with_different_names_do_not_meet() -> None:
    parts = [(control(f"{key(number)}/AI1", "Spots"),) for number in (1, 2)]
    same_name = structure(control(1, parts=parts[0]), control(2, parts=parts[1]))
    names = assign_names(same_name, NameRegistry())
    assert ["Spots/", "Spots/"] == list(names.paths.values())
    assert 1 == names.renamed


def test_sub_controls_of_equal_names_meet_where_their_own_room_is_the_same() -> None:
    kitchen, bath = (
        control(number, room=room, parts=(control(f"part {number}", "Spots", room="Hall"),))
        for number, room in ((1, "Kitchen"), (2, "Bath"))
    )
    names = assign_names(structure(kitchen, bath), NameRegistry())
    assert ["Lamp", "Lamp"] == list(names.by_key.values())
    assert ["Spots/", "Spots (part 2)/"] == list(names.paths.values())


@pytest.mark.parametrize(
    "other",
    [
        control("b", "Spots", room="Other"),
        control("b", "Spots", category="Other"),
        control("b", "Spots", type_="Other"),
    ],
    ids=["room", "category", "type"],
)
def test_sub_controls_that_differ_in_another_label_keep_their_names(other: Control) -> None:
    parts = (control("a", "Spots"), other)
    names = assign_names(structure(control(1, parts=parts)), NameRegistry())
    assert 0 == names.renamed


def test_nested_parts_have_paths() -> None:
    nested = control("a", "A", parts=(control("b", "B", parts=(control("c", "C"),)),))
    names = assign_names(structure(control(1, parts=(nested,))), NameRegistry())
    expected = {
        (key(1), "a"): "A/",
        (key(1), "a", "b"): "A/B/",
        (key(1), "a", "b", "c"): "A/B/C/",
    }
    assert expected == names.paths


def test_nested_parts_are_told_apart_within_their_branch() -> None:
    def branch(letter: str, name: str) -> Control:
        leaves = (control(f"{letter}1", "B"), control(f"{letter}2", "B"))
        return control(letter, name, parts=leaves)

    parts = (branch("a", "A"), branch("b", "A"))
    names = assign_names(structure(control(1, parts=parts)), NameRegistry())
    assert ["A/", "A (b)/", "A/B/", "A/B (a2)/", "A (b)/B/", "A (b)/B (b2)/"] == list(
        names.paths.values()
    )


def test_part_whose_name_is_the_path_of_another() -> None:
    nested = control("a", "A", parts=(control("b", "B"),))
    lookalike = control("c", "A/B")
    names = assign_names(structure(control(1, parts=(nested, lookalike))), NameRegistry())
    assert len(names.paths) == len(set(names.paths.values()))


def test_holder_of_a_name_keeps_it() -> None:
    registry = NameRegistry()
    assign_names(structure(control(5)), registry)
    names = assign_names(structure(control(1), control(5)), registry)
    assert {key(5): "Lamp", key(1): f"Lamp ({key(1)})"} == names.by_key


def test_name_is_kept_for_a_holder_that_is_gone() -> None:
    registry = NameRegistry()
    assign_names(structure(control(1), control(2)), registry)
    gone = assign_names(structure(control(2), control(3)), registry)
    assert {key(2): f"Lamp ({key(2)})", key(3): f"Lamp ({key(3)})"} == gone.by_key
    back = assign_names(structure(control(1), control(2)), registry)
    assert {key(1): "Lamp", key(2): f"Lamp ({key(2)})"} == back.by_key


def test_holder_of_a_part_keeps_it() -> None:
    registry = NameRegistry()
    assign_names(structure(control(1, parts=(control("b", "Spots"),))), registry)
    parts = (control("a", "Spots"), control("b", "Spots"))
    names = assign_names(structure(control(1, parts=parts)), registry)
    assert {(key(1), "a"): "Spots (a)/", (key(1), "b"): "Spots/"} == names.paths


def test_control_renamed_in_the_house_has_its_new_name() -> None:
    registry = NameRegistry()
    assign_names(structure(control(1, "Lamp"), control(2, "Lamp")), registry)
    names = assign_names(structure(control(1, "Lantern"), control(2, "Lamp")), registry)
    assert {key(1): "Lantern", key(2): f"Lamp ({key(2)})"} == names.by_key


def test_registries_of_miniservers_are_separate() -> None:
    for registry in (NameRegistry(), NameRegistry()):
        assert 0 == assign_names(structure(control(1)), registry).renamed


def test_without_a_registry_no_name_is_changed() -> None:
    parts = (control("a", "Spots"), control("b", "Spots"))
    names = assign_names(structure(control(1, parts=parts), control(2)), None)
    assert {key(1): "Lamp", key(2): "Lamp"} == names.by_key
    assert {(key(1), "a"): "Spots/", (key(1), "b"): "Spots/"} == names.paths
    assert 0 == names.renamed


def test_names_that_nobody_has_asked_for_lately_are_forgotten_once_they_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(names_module, "REMEMBERED", 10)
    registry = NameRegistry()

    def title(*controls: Control) -> list[str]:
        return list(assign_names(structure(*controls), registry).by_key.values())

    assert ["Lamp", "Old"] == title(control(1, "Lamp"), control(2, "Old"))
    # Whoever asks in vain keeps the memory awake as well.
    for start in range(100, 200, 10):
        others = [control(number, f"New {number}") for number in range(start, start + 10)]
        assert f"Lamp ({key(99)})" == title(control(99, "Lamp"), *others)[0]
        assert len(registry._holders) <= 12 + 10
    assert ["Lamp", "Old"] == title(control(1, "Lamp"), control(3, "Old"))
