"""What controls and states tell about the people in a house, by classes that can be switched off.

What holds a secret, or tells who did what, is never exported; the catalog says which states those
are. The classes here are exported unless the owner does not want them to be (control catalog,
design consequences, 3).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from loxone_exporter.config.model import PrivacyClass
from loxone_exporter.loxone.structure import Control, Structure
from loxone_exporter.loxone.uuids import StateUuid
from loxone_exporter.metrics.catalog import Entry, Privacy, find_entry, is_private
from loxone_exporter.metrics.quantities import Family


REVEALED: Final[Mapping[PrivacyClass, str]] = {
    "presence": "whether somebody is at home, and when they come, go, sleep and wake up",
    "alarm": "whether a house is guarded, and whether its alarms have gone off",
    "secured": "what the owner has put behind the visualisation password",
}
"""What each class reveals, for the documentation."""

TYPES: Final[Mapping[PrivacyClass, frozenset[str]]] = {
    "presence": frozenset(
        {
            "AlarmClock",
            "CentralLightController",
            "CentralPresence",
            "ColorPickerV2",
            "Colorpicker",
            "Dimmer",
            "EIBDimmer",
            "Intercom",
            "IntercomV2",
            "LightController",
            "LightControllerV2",
            "LightsceneRGB",
            "Presence",
            "PresenceDetector",
        }
    ),
    "alarm": frozenset(
        {"AalEmergency", "AalSmartAlarm", "Alarm", "AlarmChain", "CentralAlarm", "SmokeAlarm"}
    ),
}
"""Control types that belong to a class with all their states and parts."""

_LIGHTS: Final = "lights"
"""The type of a category; a switch in it is a lamp."""

_REVEALING_QUANTITIES: Final[frozenset[str]] = frozenset({"co2"})
"""What rises because somebody breathes."""


def classes_of_control(control: Control) -> frozenset[PrivacyClass]:
    """The classes that a control belongs to with all its states."""
    classes = {name for name, types in TYPES.items() if control.type in types}
    if control.category_type == _LIGHTS:
        classes.add("presence")
    if control.is_secured:
        classes.add("secured")
    return frozenset(classes)


def classes_of_state(entry: Entry | None, family: Family | None) -> frozenset[PrivacyClass]:
    """The classes that a state belongs to by itself.

    Args:
        entry: The catalog's row.
        family: Its typed family.
    """
    if (entry is not None and reveals_presence(entry)) or (
        family is not None and family.quantity in _REVEALING_QUANTITIES
    ):
        return frozenset({"presence"})
    return frozenset()


def reveals_presence(entry: Entry) -> bool:
    """Whether a state tells by itself that somebody is at home."""
    quantities = {family.quantity for family in entry.families.values()}
    return entry.privacy is Privacy.PRESENCE or quantities == _REVEALING_QUANTITIES


def excluded_uuids(structure: Structure, excluded: frozenset[PrivacyClass]) -> frozenset[StateUuid]:
    """The states that belong to a class that the owner does not want, whatever they are called.

    What belongs to one by its unit and name only, such as a sensor for CO2 of one's own, is not
    followed to other names that it may have.

    Args:
        structure: The structure file.
        excluded: Those classes.
    """
    found: set[StateUuid] = set()
    mode = structure.global_states.get("operatingMode")
    if mode is not None and "presence" in excluded:
        found.add(mode)

    def visit(control: Control, *, is_excluded: bool) -> None:
        is_excluded = is_excluded or bool(classes_of_control(control) & excluded)
        for state in control.states:
            entry = find_entry(control.type, state.base_name)
            if is_excluded or classes_of_state(entry, None) & excluded:
                found.add(state.uuid)
        for part in control.sub_controls:
            visit(part, is_excluded=is_excluded)

    for control in structure.controls if excluded else ():
        visit(control, is_excluded=False)
    return frozenset(found)


def private_uuids(structure: Structure) -> frozenset[StateUuid]:
    """The states that are never exported, whatever they are called.

    What is private under one name is so under its second one: an alarm's `sensors` is its tracker's
    `entries`.
    """
    return frozenset(
        state.uuid
        for control in structure.walk()
        for state in control.states
        if is_private(control.type, state.base_name)
    )
