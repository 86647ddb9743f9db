"""Structures and their controls, in few words."""

from __future__ import annotations

from collections.abc import Mapping

from loxone_exporter.loxone.structure import Control, State, Structure
from loxone_exporter.loxone.uuids import StateUuid, parse_uuid


def key(number: int) -> str:
    """The UUID of the control with this number; smaller numbers have smaller ones."""
    return f"{number:08x}-0000-0000-0000000000000000"


def uuid(number: int) -> StateUuid:
    """The UUID of the state with this number."""
    return parse_uuid(key(number))


def control(
    number: int | str,
    name: str = "Lamp",
    *,
    type_: str = "Switch",
    room: str = "Kitchen",
    category: str = "Lighting",
    states: Mapping[str, int] | None = None,
    parts: tuple[Control, ...] = (),
) -> Control:
    """A control; unless told otherwise with one state `active` that has the control's number.

    Args:
        number: For `key`, or the whole key.
        name: Its name.
        type_: Its type.
        room: Name of its room.
        category: Name of its category.
        states: Names of states with the numbers of their UUIDs.
        parts: Its sub-controls.
    """
    if states is None:
        states = {"active": number} if isinstance(number, int) else {}
    return Control(
        key=key(number) if isinstance(number, int) else number,
        name=name,
        type=type_,
        room=room,
        category=category,
        states=tuple(State(state, uuid(of)) for state, of in states.items()),
        sub_controls=parts,
    )


def structure(*controls: Control) -> Structure:
    """A structure file with these controls."""
    return Structure(last_modified="2026-01-01 00:00:00", controls=controls)
