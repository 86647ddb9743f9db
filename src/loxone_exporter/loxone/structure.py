"""The structure file `LoxAPP3.json`: which rooms, categories, controls and states a Miniserver has.

A Miniserver that was programmed by hand over years, through many versions of Loxone Config, has odd
corners. One of them costs only itself: a control or state that makes no sense is left out and named
in `Structure.problems`; `StructureError` is for what is no structure file at all.
"""

from __future__ import annotations

from collections.abc import Iterator, KeysView, Mapping

from attrs import evolve, field, frozen

from loxone_exporter.errors import ProtocolError, StructureError
from loxone_exporter.loxone.replies import Json, decode_json
from loxone_exporter.loxone.uuids import StateUuid, parse_uuid


_MAX_DEPTH = 16
"""Sub-controls of sub-controls: real files have two levels."""

_MAX_PROBLEMS = 100
"""Enough to find the cause, in bounded memory."""


@frozen
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


@frozen
class Control:
    """A control or sub-control.

    Attributes:
        key: Its key in the file: a UUID, for sub-controls often the parent's with a suffix
            (`…/AI1`). Unique in the file, which `uuidAction` is not.
        room: Name of its room, or empty. A sub-control has its parent's where it has none itself.
        category: Likewise.
    """

    key: str
    name: str
    type: str
    room: str
    category: str
    states: tuple[State, ...] = ()
    sub_controls: tuple[Control, ...] = ()

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
    """

    last_modified: str
    controls: tuple[Control, ...]
    problems: tuple[str, ...] = field(default=(), repr=False)

    def walk(self) -> Iterator[Control]:
        """All controls and sub-controls, parents first."""
        for control in self.controls:
            yield from control.walk()

    def state_uuids(self) -> KeysView[StateUuid]:
        """Every state UUID that a control names, as the very objects that the states hold."""
        return {state.uuid: None for control in self.walk() for state in control.states}.keys()


def parse_structure(payload: str | bytes) -> Structure:
    """Read a structure file.

    Raises:
        StructureError: It is no structure file.
    """
    try:
        document = decode_json(payload)
    except ProtocolError as error:
        raise StructureError(f"the structure file is broken: {error}") from error
    if not isinstance(document, dict) or "LL" in document:
        raise StructureError("expected a structure file, received another answer")
    controls = document.get("controls")
    if not isinstance(controls, dict):
        raise StructureError("the structure file has no controls")
    reader = _Reader(rooms=_names(document.get("rooms")), categories=_names(document.get("cats")))
    parsed = tuple(reader.read_controls(controls, parent=None))
    return Structure(
        last_modified=str(document.get("lastModified", "")),
        controls=parsed,
        problems=tuple(reader.problems[:_MAX_PROBLEMS]),
    )


def _names(section: Json) -> Mapping[str, str]:
    if not isinstance(section, dict):
        return {}
    return {
        uuid: _text(entry.get("name")) for uuid, entry in section.items() if isinstance(entry, dict)
    }


@frozen
class _Reader:
    rooms: Mapping[str, str]
    categories: Mapping[str, str]
    problems: list[str] = field(factory=list)

    def read_controls(
        self, controls: Mapping[str, Json], parent: Control | None, depth: int = 0
    ) -> Iterator[Control]:
        for key, entry in controls.items():
            if not isinstance(entry, dict):
                self.problems.append(f"control {key!r} is no object; left out")
            elif depth > _MAX_DEPTH:
                self.problems.append(f"control {key!r} is nested too deeply; left out")
            else:
                yield self._read_control(key, entry, parent, depth)

    def _read_control(
        self, key: str, entry: Mapping[str, Json], parent: Control | None, depth: int
    ) -> Control:
        name, type_ = (_text(entry.get(attribute)) for attribute in ("name", "type"))
        room = self.rooms.get(_text(entry.get("room")), parent.room if parent else "")
        category = self.categories.get(_text(entry.get("cat")), parent.category if parent else "")
        control = Control(key, name, type_, room, category)
        states = tuple(self._read_states(control, entry.get("states")))
        sub_controls = entry.get("subControls")
        if not isinstance(sub_controls, dict):
            if sub_controls:
                self.problems.append(
                    f"the sub-controls of {_title(control)} are no object; left out"
                )
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
            self.problems.append(f"the states of {_title(control)} are no object; left out")
            return
        for name, uuids in states.items():
            if isinstance(uuids, list):
                named = [(f"{name}[{index}]", uuid) for index, uuid in enumerate(uuids)]
            else:
                named = [(name, uuids)]
            for full_name, uuid in named:
                try:
                    yield State(full_name, parse_uuid(_text(uuid)))
                except ProtocolError as error:
                    self.problems.append(
                        f"state {full_name!r} of {_title(control)} is left out: {error}"
                    )


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _title(control: Control) -> str:
    return f"control {control.name!r} ({control.key})"
