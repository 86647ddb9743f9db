from __future__ import annotations

from attrs import evolve
from hypothesis import given

from loxone_exporter.loxone.difference import StructureDifference, difference
from loxone_exporter.loxone.structure import Structure
from support.strategies import look_alikes, sane_look_alikes
from support.structures import control, structure


def test_same_structures_do_not_differ() -> None:
    same = difference(structure(control(1), control(2)), structure(control(1), control(2)))
    assert StructureDifference((), (), ()) == same
    assert not same


def test_what_came_and_what_went() -> None:
    changes = difference(structure(control(1), control(2)), structure(control(2), control(3)))
    assert StructureDifference((control(3),), (control(1),), ()) == changes
    assert changes


def test_another_name_is_a_renaming() -> None:
    before, after = control(1, "Lamp"), control(1, "Spot")
    changes = difference(structure(before, control(2)), structure(after, control(2)))
    assert StructureDifference((), (), ((before, after),)) == changes
    assert changes


def test_another_room_category_or_type_is_a_renaming() -> None:
    before = control(1)
    for after in (
        control(1, room="Bath"),
        control(1, category="Blinds"),
        control(1, type_="Dimmer"),
    ):
        changes = difference(structure(before), structure(after))
        assert ((before, after),) == changes.renamed


def test_other_states_alone_are_no_difference() -> None:
    # Where a state is found concerns nobody but the exporter itself.
    assert not difference(
        structure(control(1, states={"active": 1})),
        structure(control(1, states={"active": 2, "locked": 3})),
    )


def test_another_place_in_the_file_is_no_difference() -> None:
    assert not difference(structure(control(1), control(2)), structure(control(2), control(1)))


def test_another_date_alone_is_no_difference() -> None:
    old = structure(control(1))
    assert not difference(old, evolve(old, last_modified="2026-01-01 00:00:01"))


def test_sub_controls_are_told_apart_by_their_keys() -> None:
    part, other = control("k/AI1", "Spots"), control("k/AI2", "Spots")
    changes = difference(
        structure(control(1, parts=(part,))), structure(control(1, parts=(other,)))
    )
    assert StructureDifference((other,), (part,), ()) == changes


def test_a_sub_control_may_be_renamed_alone() -> None:
    before, after = control("k/AI1", "Spots"), control("k/AI1", "Stripes")
    old, new = structure(control(1, parts=(before,))), structure(control(1, parts=(after,)))
    assert StructureDifference((), (), ((before, after),)) == difference(old, new)


def test_with_its_parent_goes_each_sub_control() -> None:
    part = control("k/AI1", "Spots")
    parent = control(1, parts=(part,))
    assert (parent, part) == difference(structure(parent), structure()).removed
    assert (parent, part) == difference(structure(), structure(parent)).added


@given(old=look_alikes, new=look_alikes)
def test_every_key_is_accounted_for(old: Structure, new: Structure) -> None:
    changes = difference(old, new)
    before = {control.key for control in old.walk()}
    after = {control.key for control in new.walk()}
    assert after - before == {control.key for control in changes.added}
    assert before - after == {control.key for control in changes.removed}
    assert {control.key for _, control in changes.renamed} <= before & after


@given(old=sane_look_alikes, new=sane_look_alikes)
def test_the_way_back_is_the_reverse(old: Structure, new: Structure) -> None:
    there, back = difference(old, new), difference(new, old)
    assert there.added == back.removed
    assert there.removed == back.added
    assert sorted(b.key for b, _ in there.renamed) == sorted(a.key for _, a in back.renamed)


@given(same=look_alikes)
def test_a_structure_does_not_differ_from_itself(same: Structure) -> None:
    assert not difference(same, same)
