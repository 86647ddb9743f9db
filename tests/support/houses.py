"""Structure files of one control, written as JSON and read like any other."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from loxone_exporter.loxone.structure import Control, Structure, parse_structure
from support.structures import key


def house_of(
    type_: str,
    states: Sequence[str] = ("value",),
    *,
    name: str = "Thing",
    category: str = "Stuff",
    category_type: str = "undefined",
    details: Mapping[str, Any] | None = None,
    key_: str = key(1),
    **more: object,
) -> Structure:
    """A house with one control.

    Args:
        type_: The control's type.
        states: Names of its states; their UUIDs are those of 1, 2, 3 and so on.
        name: Its name.
        category: The name of its category.
        category_type: What kind of category that is.
        details: The control's details.
        key_: Its key.
        more: What else `msInfo` says, or what else the control has (`statisticV2`, `subControls`).
    """
    info = {name: value for name, value in more.items() if name in {"tempUnit", "currency"}}
    control = {
        "name": name,
        "type": type_,
        "room": "r",
        "cat": "c",
        "details": dict(details or {}),
        "states": {state: key(number) for number, state in enumerate(states, start=1)},
        **{name: value for name, value in more.items() if name not in info},
    }
    document = {
        "lastModified": "2026-01-01 00:00:00",
        "msInfo": {"currency": "€", **info},
        "rooms": {"r": {"name": "Kitchen"}},
        "cats": {"c": {"name": category, "type": category_type}},
        "controls": {key_: control},
    }
    return parse_structure(json.dumps(document))


def only_control(house: Structure) -> Control:
    """The one control of a house."""
    (control,) = house.controls
    return control
