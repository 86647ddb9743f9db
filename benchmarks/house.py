"""Invented houses of any size, with the mix of controls that lived-in ones have."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

from attrs import define, field, frozen

from loxone_exporter.loxone.uuids import StateUuid, parse_uuid
from loxone_exporter.simulator.house import Changes, House


@frozen
class Kind:
    """A control type as it stands in a house.

    Attributes:
        type: As in the structure file.
        share: How many of a hundred controls are of this type.
        numbers: Its states that are sent as numbers.
        texts: Its states that are sent as texts.
        parts: Its sub-controls.
        details: As in the structure file.
    """

    type: str
    share: int = 0
    numbers: Sequence[str] = ()
    texts: Sequence[str] = ()
    parts: Sequence[Kind] = ()
    details: Mapping[str, Any] = field(factory=dict)


_LOCKABLE = {"jLockable": True, "controlHistory": True, "hasHistory": 20}
_LIGHTS = (
    Kind("Dimmer", numbers=("position", "min", "max", "step"), details={"jLockable": True}),
    Kind("Switch", numbers=("active",), details={"jLockable": True}),
)
_SHADE = (
    *("up", "down", "position", "shadePosition", "safetyActive", "autoAllowed", "autoActive"),
    *("locked", "autoState", "targetPosition"),
)
_CLIMATE = (
    *("tempActual", "tempTarget", "comfortTemperature", "comfortTemperatureCool"),
    *("comfortTolerance", "absentMinOffset", "absentMaxOffset", "frostProtectTemperature"),
    *("heatProtectTemperature", "shadingCoolTemp", "shadingHeatTemp", "co2", "humidityActual"),
    *("actualOutdoorTemp", "currentMode", "shadingOut", "activeMode", "prepareState"),
    *("operatingMode", "openWindow"),
)
_METER = ("actual", "total", "totalDay", "totalWeek", "totalMonth", "totalYear")

KINDS = (
    Kind("InfoOnlyAnalog", 22, ("value", "error"), details={"format": "%.1f°"}),
    Kind("InfoOnlyDigital", 16, ("active",), details={"text": {"off": "Off", "on": "On"}}),
    Kind("Switch", 15, ("active",), ("jLocked",), details={"jLockable": True}),
    Kind("Pushbutton", 10, ("active",)),
    Kind("Jalousie", 8, _SHADE, ("infoText", "autoInfoText"), details=_LOCKABLE),
    Kind(
        "LightControllerV2",
        6,
        ("activeMoodsNum",),
        ("activeMoods", "moodList", "favoriteMoods", "additionalMoods"),
        _LIGHTS,
        {**_LOCKABLE, "movementScene": 1},
    ),
    Kind("IRoomControllerV2", 6, _CLIMATE, ("overrideEntries",), details=_LOCKABLE),
    Kind("TextState", 4, (), ("textAndIcon",)),
    Kind("Meter", 4, _METER, details={"actualFormat": "%.3fkW", "totalFormat": "%.1fkWh"}),
    Kind("Slider", 3, ("value", "error"), details={"format": "%.1f", "min": 0, "max": 100}),
    Kind("PresenceDetector", 3, ("active", "locked"), ("events", "infoText")),
    Kind("TimedSwitch", 2, ("deactivationDelay", "deactivationDelayTotal")),
    Kind("Gate", 1, ("position", "active", "preventOpen", "preventClose"), details=_LOCKABLE),
)
"""4.4 states for each control, five in six of them numbers."""

_ROOMS = ("Kitchen", "Living room", "Bedroom", "Bathroom", "Hall", "Office", "Cellar", "Garden")
_CATEGORIES = ("Lighting", "Shading", "Climate", "Energy", "Security", "Other")
_TEXT = "Automatic shading is active until sunset"


class InventedHouse(House):
    """A house in which nothing changes by itself.

    Attributes:
        controls: How many it has, without sub-controls.
    """

    def __init__(self, controls: int, *, number: int = 1) -> None:
        """Invent it; the same arguments give the same house.

        Args:
            controls: How many, without sub-controls.
            number: Tells houses apart; no two have a UUID in common.
        """
        writer = _Writer(number)
        document = writer.document(controls)
        self.controls = controls
        self.last_modified = document["lastModified"]
        self.structure = json.dumps(document, ensure_ascii=False).encode()
        self.values = writer.values
        self.texts = writer.texts
        self.daytimers = []
        self.weather = []

    def advance(self, seconds: float) -> Changes:  # noqa: ARG002  # time changes nothing here
        """Let time pass."""
        return Changes({}, {})


@define
class _Writer:
    _house: int
    values: dict[StateUuid, float] = field(factory=dict)
    texts: dict[StateUuid, str] = field(factory=dict)
    _uuids: int = 0

    def document(self, controls: int) -> dict[str, Any]:
        # About as many rooms as real houses of the size have.
        count = 4 + controls // 12
        rooms = {
            self._uuid(): f"{_ROOMS[place % len(_ROOMS)]} {place // len(_ROOMS) + 1}"
            for place in range(count)
        }
        categories = {self._uuid(): name for name in _CATEGORIES}
        return {
            "lastModified": "2026-05-25 18:00:00",
            "msInfo": {"serialNr": "504F94D0E0DE", "msName": f"House {self._house}"},
            "rooms": _section(rooms, {"image": "00000000-0000-0021-2000000000000000.svg"}),
            "cats": _section(categories, {"type": "undefined", "color": "#69C350"}),
            "controls": dict(self._controls(controls, list(rooms), list(categories))),
        }

    def _controls(
        self, count: int, rooms: Sequence[str], categories: Sequence[str]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        hundred = [kind for kind in KINDS for _ in range(kind.share)]
        Random(1).shuffle(hundred)  # noqa: S311  # not cryptography
        for place in range(count):
            kind = hundred[place % len(hundred)]
            key, control = self._control(kind, f"{kind.type} {place + 1}")
            control["room"] = rooms[place % len(rooms)]
            control["cat"] = categories[place % len(categories)]
            parts = {}
            for part_place, part in enumerate(kind.parts, 1):
                _, sub_control = self._control(part, f"{part.type} {part_place}")
                parts[f"{key}/AI{part_place}"] = sub_control
            if parts:
                control["subControls"] = parts
            yield key, control

    def _control(self, kind: Kind, name: str) -> tuple[str, dict[str, Any]]:
        key = self._uuid()
        states = {}
        for state in kind.numbers:
            states[state] = self._uuid()
            self.values[parse_uuid(states[state])] = len(self.values) / 16 - 10
        for state in kind.texts:
            states[state] = self._uuid()
            self.texts[parse_uuid(states[state])] = _TEXT
        return key, {
            "name": name,
            "type": kind.type,
            "uuidAction": key,
            "defaultRating": 0,
            "isFavorite": False,
            "isSecured": False,
            "defaultIcon": None,
            "restrictions": 0,
            "details": dict(kind.details),
            "states": states,
        }

    def _uuid(self) -> str:
        self._uuids += 1
        return f"{0x1B000000 + self._uuids:08x}-{self._house:04x}-2a5b-ffff{self._uuids:012x}"


def _section(names: Mapping[str, str], common: Mapping[str, Any]) -> dict[str, Any]:
    return {uuid: {"uuid": uuid, "name": name, **common} for uuid, name in names.items()}
