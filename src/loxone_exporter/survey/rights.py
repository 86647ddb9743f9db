"""What the user of a visit may see and do, what is missing, and how it is granted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from loxone_exporter.loxone.structure import Structure
from loxone_exporter.survey.facts import Fact, Rating, some
from loxone_exporter.survey.visit import Visit


HOW_TO_SHOW: Final = (
    "in Loxone Config, select the user, then Manage Permissions, and permit rooms, categories or "
    "single objects; an object has to be used in the user interface (in older versions: the "
    "visualisation), and its room and category must not be the ones for what is not used. Save it "
    "in the Miniserver"
)

_FULL_ACCESS: Final = "the group Full Access of Loxone Config"

_BEYOND_SEEING: Final[Mapping[int, str]] = MappingProxyType(
    {
        0x1: "administration",
        0x8: "Loxone Config",
        0x10: "FTP",
        0x40: "expert mode",
        0x80: "operating modes",
        0x100: "system web services",
        0x200: "AutoDesigner",
        0x800: "user management",
        0x1000: "device management",
        0x2000: "plugin management",
        0x8000: "updates",
        0x10000: "backups",
    }
)
"""Permissions that the exporter has no use for, by their bits (protocol reference, section 3.4)."""


def describe_rights(visit: Visit) -> Iterator[Fact]:
    """What this user may see and do.

    Args:
        visit: One that has read the structure file.
    """
    structure = visit.state.structure
    if structure is None:
        return
    yield from _describe_sight(structure)
    yield from _describe_powers(structure)
    yield from _describe_beside(visit, structure)


def _describe_sight(structure: Structure) -> Iterator[Fact]:
    everything = list(structure.walk())
    rooms = {control.room for control in everything}
    categories = {control.category for control in everything}
    if not everything:
        yield Fact("sees", "no control at all", Rating.BAD)
        yield Fact("to see more", HOW_TO_SHOW, Rating.HINT)
        return
    controls = len(structure.controls)
    yield Fact(
        "sees",
        f"{controls} controls with {len(everything) - controls} sub-controls, in "
        f"{len(rooms - {''})} of {_count(structure.rooms, 'rooms')} and "
        f"{len(categories - {''})} of {_count(structure.categories, 'categories')}",
        Rating.GOOD,
    )
    unseen_rooms = [name for name in structure.rooms if name not in rooms]
    unseen_categories = [name for name in structure.categories if name not in categories]
    for kind, names in (("rooms", unseen_rooms), ("categories", unseen_categories)):
        if names:
            text = f"nothing in these {kind}, where nothing is, or nothing that this user may see"
            yield Fact("sees", f"{text}: {some(names)}", Rating.HINT)
    if unseen_rooms or unseen_categories:
        yield Fact("to see more", HOW_TO_SHOW, Rating.HINT)


def _count(names: tuple[str, ...], what: str) -> str:
    return f"{len(set(names))} {what}"


def _describe_powers(structure: Structure) -> Iterator[Fact]:
    rights = structure.user_rights
    if rights.has_full_access:
        yield Fact(
            "rights",
            "full access, which is more than this program needs: whoever learns the password can "
            f"change the whole house. A user outside of {_FULL_ACCESS}, who may just see things, "
            "is safer",
            Rating.DOUBTFUL,
        )
        return
    beyond = [name for bit, name in _BEYOND_SEEING.items() if (rights.permissions or 0) & bit]
    if beyond:
        names = ", ".join(beyond)
        yield Fact("rights", f"more than this program needs: {names}", Rating.DOUBTFUL)
    elif rights.has_full_access is False:
        yield Fact("rights", "no full access, as it should be", Rating.GOOD)


def _describe_beside(visit: Visit, structure: Structure) -> Iterator[Fact]:
    """What a Miniserver tells beside its controls, and what not."""
    values = visit.state.values
    told, missing = [], []

    def sort(what: str, absent: str, *, is_told: bool) -> None:
        told.append(what) if is_told else missing.append(f"{what} ({absent})")

    def has_value(name: str) -> bool:
        return structure.global_states.get(name) in values

    sort("operating mode", "loxone_miniserver_operating_mode", is_told=has_value("operatingMode"))
    sort(
        "system status",
        "loxone_miniserver_messages_changed_timestamp_seconds: firmware before 10, or not "
        "permitted to this user",
        is_told=bool(structure.message_center_states),
    )
    sort(
        "weather",
        "loxone_weather_…: no subscription to the weather service, or not permitted",
        is_told=bool(visit.state.shown.weather),
    )
    if visit.sight.is_told_time is not None:
        sort(
            "clock",
            "loxone_miniserver_clock_offset_seconds: it is told to users with full access only, "
            f"who are in {_FULL_ACCESS}; do without it rather than give that to this user",
            is_told=visit.sight.is_told_time,
        )
    if told:
        yield Fact("is told", ", ".join(told))
    for text in missing:
        yield Fact("is not told", text, Rating.HINT)
