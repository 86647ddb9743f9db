"""The structure file `LoxAPP3.json`: which rooms, categories, controls and states a Miniserver has.

A Miniserver that was programmed by hand over years, through many versions of Loxone Config, has odd
corners. One of them costs only itself: a control or state that makes no sense is left out and named
in `Structure.problems`; `StructureError` is for what is no structure file at all.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, KeysView, Mapping
from typing import Final

from attrs import evolve, field, frozen

from loxone_exporter.errors import ProtocolError, StructureError
from loxone_exporter.loxone.decoding import Json, decode_json_in_steps
from loxone_exporter.loxone.details import NO_DETAILS, Details, parse_details
from loxone_exporter.loxone.sections import (
    UNKNOWN_RIGHTS,
    UserRights,
    named_states,
    parse_message_center,
    parse_operating_modes,
    parse_user_rights,
    parse_weather_formats,
    parse_weather_types,
    section,
)
from loxone_exporter.loxone.uuids import StateUuid, parse_uuid
from loxone_exporter.steps import Steps, finish
from loxone_exporter.units import Format, HouseUnits


_MAX_DEPTH = 16
"""Sub-controls of sub-controls: real files have two levels."""

_MODELS: Final[Mapping[int, str]] = {
    0: "Miniserver Gen 1",
    1: "Miniserver Go Gen 1",
    2: "Miniserver Gen 2",
    3: "Miniserver Go Gen 2",
    4: "Miniserver Compact",
}
"""By `msInfo.miniserverType` (section 5.5)."""

_MAX_PROBLEMS = 100
"""Enough to find the cause, in bounded memory."""

_MAX_STATE_NAME = 256
"""Real ones have some ten characters. A list of states multiplies its name by its length."""

_NAME_SHOWN = 80

_LONGEST_NAME = 1000
"""Characters of the name of a control, room or category, and of other texts that are shown. Real
ones have some ten; each is a label of many series, and patterns and words are sought in it."""

_LONGEST_KEY = 256
"""Characters of the key of a control, which is a label as well. Real ones are UUIDs, some of them
with a suffix, and to cut one would make it another one's."""

_CONTROLS_IN_A_STEP = 20
_CONTROLS_WALKED_IN_A_STEP = 1000

_MAX_PLACES = 1000
"""Rooms, and categories, whose names are kept although nothing is in them."""

_LONGEST_CURRENCY = 16
"""Characters of a currency, which goes into the names of metrics."""


@frozen(weakref_slot=False)
class State:
    """One state of a control.

    Attributes:
        name: As in the file (`tempActual`); with an index where the file has a list
            (`temperatures[0]`).
        uuid: What event tables call it. Several controls may share one.
    """

    name: str
    uuid: StateUuid

    @property
    def base_name(self) -> str:
        """The name without the index of a list."""
        return self.name.partition("[")[0]

    @property
    def index(self) -> int | None:
        """The index in a list; None where the file has no list."""
        _, bracket, index = self.name.removesuffix("]").partition("[")
        return int(index) if bracket and index.isdecimal() else None


@frozen(weakref_slot=False)
class Control:
    """A control or sub-control.

    Attributes:
        key: Its key in the file: a UUID, for sub-controls often the parent's with a suffix
            (`…/AI1`). Unique in the file, which `uuidAction` is not.
        room: Name of its room, or empty. A sub-control has its parent's where it has none itself.
        category: Likewise.
        part_of: The type of the control that it is a part of; empty where it is none.
        category_type: What kind of category that is: `lights`, `indoortemperature`, `undefined`.
        details: What tells more of its values.
        is_secured: Whether the app asks for the visualisation password; so do the parts of a
            control that is.
    """

    key: str
    name: str
    type: str
    room: str
    category: str
    states: tuple[State, ...] = ()
    sub_controls: tuple[Control, ...] = ()
    part_of: str = ""
    category_type: str = ""
    details: Details = NO_DETAILS
    is_secured: bool = False

    def walk(self) -> Iterator[Control]:
        """This control and all below it, parents first."""
        yield self
        for sub_control in self.sub_controls:
            yield from sub_control.walk()


@frozen
class Structure:
    """A structure file, understood.

    Attributes:
        last_modified: The file's own version; to be compared as text only.
        controls: The controls, without their sub-controls.
        problems: What was left out, and why, in words for the owner.
        project: The name of the project in Loxone Config.
        model: What kind of Miniserver it is, in words; empty where the file does not say.
        global_states: The states of the Miniserver itself, by name (section 5.5).
        weather_states: The states of the weather service: `actual`, `forecast`.
        weather_formats: The format strings of the weather, by field (`windSpeed`).
        weather_types: What the codes of its field `weatherType` mean, as Loxone Config says it.
        message_center_states: The states of the message center: `changed`.
        operating_modes: The owner's names of the operating modes, by id; own ones are negative.
        units: What its values are in where nothing else is said.
        rooms: The names of all rooms, also of those without a control that this user may see.
        categories: Likewise.
        user_rights: What this user may do.
    """

    last_modified: str
    controls: tuple[Control, ...]
    problems: tuple[str, ...] = field(default=(), repr=False)
    project: str = ""
    model: str = ""
    global_states: Mapping[str, StateUuid] = field(factory=dict, repr=False)
    weather_states: Mapping[str, StateUuid] = field(factory=dict, repr=False)
    weather_formats: Mapping[str, Format] = field(factory=dict, repr=False)
    weather_types: Mapping[int, str] = field(factory=dict, repr=False)
    message_center_states: Mapping[str, StateUuid] = field(factory=dict, repr=False)
    operating_modes: Mapping[int, str] = field(factory=dict, repr=False)
    units: HouseUnits = field(factory=HouseUnits)
    rooms: tuple[str, ...] = field(default=(), repr=False)
    categories: tuple[str, ...] = field(default=(), repr=False)
    user_rights: UserRights = UNKNOWN_RIGHTS

    def walk(self) -> Iterator[Control]:
        """All controls and sub-controls, parents first."""
        for control in self.controls:
            yield from control.walk()

    def state_uuids(self) -> KeysView[StateUuid]:
        """Every state UUID that the file names, as the very objects that the states hold."""
        return finish(self.state_uuids_in_steps())

    def state_uuids_in_steps(self) -> Steps[KeysView[StateUuid]]:
        """Likewise, in steps of a few milliseconds."""
        uuids: dict[StateUuid, None] = {}
        for number, control in enumerate(self.walk()):
            for state in control.states:
                uuids[state.uuid] = None  # of equal ones, the first stays
            if number % _CONTROLS_WALKED_IN_A_STEP == 0:
                yield
        for states in (self.global_states, self.weather_states, self.message_center_states):
            uuids |= dict.fromkeys(states.values())
        return uuids.keys()


def parse_structure(payload: str | bytes) -> Structure:
    """Read a structure file.

    Raises:
        StructureError: It is no structure file.
    """
    return finish(parse_structure_in_steps(payload))


def parse_structure_in_steps(payload: str | bytes) -> Steps[Structure]:
    """Likewise, in steps of a few milliseconds: a large one takes a second.

    Raises:
        StructureError: It is no structure file.
    """
    try:
        document = yield from decode_json_in_steps(payload)
    except ProtocolError as error:
        raise StructureError(f"the structure file is broken: {error}") from error
    if not isinstance(document, dict) or "LL" in document:
        raise StructureError("expected a structure file, received another answer")
    controls = document.get("controls")
    if not isinstance(controls, dict):
        raise StructureError("the structure file has no controls")
    rooms, categories = section(document, "rooms"), section(document, "cats")
    reader = _Reader(
        rooms=_texts(rooms, "name"),
        categories=_texts(categories, "name"),
        category_types=_texts(categories, "type"),
    )
    parsed: list[Control] = []
    # What is read is let go at once: a large document takes its time to be forgotten as a whole.
    entries = [*controls.items()][::-1]
    controls.clear()
    while entries:
        parsed += reader.read_controls(dict([entries.pop()]), parent=None)
        if len(entries) % _CONTROLS_IN_A_STEP == 0:
            yield
    info = section(document, "msInfo")
    return Structure(
        last_modified=_name(document.get("lastModified")),
        controls=tuple(parsed),
        problems=tuple(reader.problems),
        project=_name(info.get("projectName")),
        model=_model(info.get("miniserverType")),
        global_states=named_states(section(document, "globalStates")),
        weather_states=named_states(section(section(document, "weatherServer"), "states")),
        weather_formats=parse_weather_formats(document),
        weather_types=parse_weather_types(document),
        message_center_states=parse_message_center(document),
        operating_modes=parse_operating_modes(document),
        # The number may be a text.
        units=HouseUnits(
            str(info.get("tempUnit")) == "1", _text(info.get("currency"))[:_LONGEST_CURRENCY]
        ),
        rooms=tuple(reader.rooms.values())[:_MAX_PLACES],
        categories=tuple(reader.categories.values())[:_MAX_PLACES],
        user_rights=parse_user_rights(document),
    )


def _model(number: Json) -> str:
    if isinstance(number, int) and not isinstance(number, bool):
        return _MODELS.get(number, f"type {number}")
    return ""


def _texts(entries: Mapping[str, Json], attribute: str) -> Mapping[str, str]:
    """An attribute of rooms or categories, by their UUIDs."""
    return {
        uuid: _name(entry.get(attribute))
        for uuid, entry in entries.items()
        if isinstance(entry, dict)
    }


@frozen
class _Reader:
    rooms: Mapping[str, str]
    categories: Mapping[str, str]
    category_types: Mapping[str, str]
    problems: list[str] = field(factory=list)

    def read_controls(
        self, controls: Mapping[str, Json], parent: Control | None, depth: int = 0
    ) -> Iterator[Control]:
        for key, entry in controls.items():
            if not isinstance(entry, dict):
                self._leave_out(f"control {_shown(key)} is no object; left out")
            elif depth > _MAX_DEPTH:
                self._leave_out(f"control {_shown(key)} is nested too deeply; left out")
            elif len(key) > _LONGEST_KEY:
                self._leave_out(
                    f"control {_shown(key)} is left out: its key has {len(key)} characters"
                )
            else:
                yield self._read_control(key, entry, parent, depth)

    def _read_control(
        self, key: str, entry: Mapping[str, Json], parent: Control | None, depth: int
    ) -> Control:
        name, type_ = (_name(entry.get(attribute)) for attribute in ("name", "type"))
        room = self.rooms.get(_text(entry.get("room")), parent.room if parent else "")
        own = _text(entry.get("cat"))
        category = self.categories.get(own, parent.category if parent else "")
        category_type = self.category_types.get(own, parent.category_type if parent else "")
        control = Control(
            key,
            name,
            type_,
            room,
            category,
            part_of=parent.type if parent else "",
            category_type=category_type,
            details=parse_details(entry),
            is_secured=bool(entry.get("isSecured")) or (parent is not None and parent.is_secured),
        )
        states = tuple(self._read_states(control, entry.get("states")))
        sub_controls = entry.get("subControls")
        if not isinstance(sub_controls, dict):
            if sub_controls:
                self._leave_out(f"the sub-controls of {_title(control)} are no object; left out")
            sub_controls = {}
        return evolve(
            control,
            states=states,
            sub_controls=tuple(self.read_controls(sub_controls, control, depth + 1)),
        )

    def _read_states(self, control: Control, states: Json) -> Iterator[State]:
        if not states:
            return
        if not isinstance(states, dict):
            self._leave_out(f"the states of {_title(control)} are no object; left out")
            return
        for name, uuids in states.items():
            if len(name) > _MAX_STATE_NAME:
                self._leave_out(
                    f"state {_shown(name)} of {_title(control)} is left out: "
                    f"its name has {len(name)} characters"
                )
            elif isinstance(uuids, list):
                for index, uuid in enumerate(uuids):
                    yield from self._read_state(control, f"{name}[{index}]", uuid)
            else:
                # There are few, and many controls have them.
                yield from self._read_state(control, sys.intern(name), uuids)

    def _read_state(self, control: Control, name: str, uuid: Json) -> Iterator[State]:
        try:
            yield State(name, parse_uuid(_text(uuid)))
        except ProtocolError as error:
            self._leave_out(f"state {_shown(name)} of {_title(control)} is left out: {error}")

    def _leave_out(self, problem: str) -> None:
        if len(self.problems) < _MAX_PROBLEMS:
            self.problems.append(problem)


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _name(value: Json) -> str:
    return _text(value)[:_LONGEST_NAME]


def _title(control: Control) -> str:
    return f"control {_shown(control.name)} ({control.key[:_NAME_SHOWN]})"


def _shown(name: str) -> str:
    return repr(name if len(name) <= _NAME_SHOWN else f"{name[:_NAME_SHOWN]}…")
