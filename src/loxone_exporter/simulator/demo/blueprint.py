"""The vocabulary in which the demo house is written down: controls, and states.

A state is told apart by being the same object: two controls that share one (as an
`IRoomControllerV2` shares its mode with its daytimer) are given the same `State`, and the
structure file then has the same UUID in both. UUIDs are hashed from names, so they are the same
after each start.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from attrs import define, field

from loxone_exporter.loxone.tables import DaytimerEntry


SERIAL = "504F94D0E0DE"

STATE_LIKE_CONTROL = {
    "Daytimer": "entriesAndDefaultValue",
    "InfoOnlyAnalog": "value",
    "InfoOnlyDigital": "active",
    "InfoOnlyText": "text",
    "IRCDaytimer": "entriesAndDefaultValue",
    "IRCV2Daytimer": "entriesAndDefaultValue",
    "Pushbutton": "active",
    "Slider": "value",
    "TextState": "textAndIcon",
    "Tracker": "entries",
}
"""The state whose UUID is that of the control itself, as a Miniserver has it for these types."""


@define(eq=False)
class State:
    """A state that never changes, and the base of those that do.

    Attributes:
        value: What it is: a number, a text.
        uuid: Assigned by `assign_uuids`.
    """

    value: float | str = 0.0
    uuid: str = field(default="", init=False)


@define(eq=False)
class Number(State):
    """A number that is read anew while the house lives.

    Attributes:
        read: Returns the current value.
        every: Seconds between two readings at the least; 0 reads at every step.
        step: Changes smaller than this are not reported; 0 reports every change.
    """

    read: Callable[[], float] = field(kw_only=True)
    every: float = field(default=0.0, kw_only=True)
    step: float = field(default=0.0, kw_only=True)


@define(eq=False)
class Text(State):
    """A text that is read anew while the house lives; attributes as `Number`."""

    read: Callable[[], str] = field(kw_only=True)
    every: float = field(default=0.0, kw_only=True)


@define(eq=False)
class Schedule(State):
    """The table of switching times of a daytimer."""

    default: float = field(default=0.0, kw_only=True)
    entries: tuple[DaytimerEntry, ...] = field(default=(), kw_only=True)


class Device(Protocol):
    """Something behind a control that time passes for: a motor, a lamp, a timer."""

    def advance(self, seconds: float) -> None:
        """Let time pass."""


Described = float | str | State | Sequence[State]
"""How a control's table of states may say what a state is; plain values are constants."""


@define(eq=False)
class Control:
    """One control of the structure file.

    Attributes:
        name: As the app shows it.
        type: The Loxone control type.
        room: The name of its room, if it has one.
        category: The name of its category, if it has one.
        states: By name, in the order of the structure file.
        details: As in the structure file; a `State` or `Control` in it becomes its UUID.
        subcontrols: By key: "AI1" and the like hang on the control's own UUID; "" gives a
            subcontrol a UUID of its own.
        devices: What lives behind the control.
        more: Further keys of the control's object.
        twin: Tells controls apart that have room, type and name in common.
        uuid: Assigned by `assign_uuids`.
    """

    name: str
    type: str
    room: str | None = None
    category: str | None = None
    states: Mapping[str, Described] = field(factory=dict, kw_only=True)
    details: Mapping[str, Any] | None = field(default=None, kw_only=True)
    subcontrols: Sequence[tuple[str, Control]] = field(default=(), kw_only=True)
    devices: Sequence[Device] = field(default=(), kw_only=True)
    more: Mapping[str, Any] = field(factory=dict, kw_only=True)
    twin: str = field(default="", kw_only=True)
    uuid: str = field(default="", init=False)

    def __attrs_post_init__(self) -> None:
        """Turn the plain values of the table of states into constants."""
        self.states = {
            name: State(state) if isinstance(state, int | float | str) else state
            for name, state in self.states.items()
        }

    def named_states(self) -> Iterator[tuple[str, State]]:
        """All states with their name; those of a list state as `name[0]`, `name[1]` and so on."""
        for name, state in self.states.items():
            if isinstance(state, State):
                yield name, state
            elif not isinstance(state, int | float | str):
                for place, member in enumerate(state):
                    yield f"{name}[{place}]", member


def make_uuid(family: str, member: str) -> str:
    """Make the UUID of something out of its name.

    Args:
        family: Those of one family have the first part in common, as in real houses.
        member: Tells it apart within its family.
    """
    first = hashlib.sha256(family.encode()).hexdigest()
    rest = hashlib.sha256(f"{family}\n{member}".encode()).hexdigest()
    return f"1{first[:7]}-0{rest[:3]}-{rest[3:7]}-ffff{rest[7:19]}"


def control_uuid(family: str, member: str) -> str:
    """Make the UUID of a control, room or category: it ends in the Miniserver's serial number."""
    return f"{make_uuid(family, member).rpartition('-')[0]}-ffff{SERIAL.lower()}"


def assign_uuids(controls: Sequence[Control]) -> None:
    """Give all controls and their states a UUID; a state shared by many keeps its first one.

    Raises:
        ValueError: Two controls cannot be told apart.
    """
    for control in controls:
        family = "/".join([control.room or "", control.type, control.name, control.twin])
        control.uuid = control_uuid(family, "")
        _assign_below(control, family, path="")
    seen: set[str] = set()
    for control in walk(controls):
        if control.uuid in seen:
            raise ValueError(f"two controls are {control.type} {control.name!r}: give one a twin")
        seen.add(control.uuid)


def walk(controls: Iterable[Control]) -> Iterator[Control]:
    """All controls and, after each, its subcontrols at any depth."""
    for control in controls:
        yield control
        yield from walk(child for _, child in control.subcontrols)


def _assign_below(control: Control, family: str, path: str) -> None:
    for name, state in control.named_states():
        if not state.uuid:
            own = STATE_LIKE_CONTROL.get(control.type) == name and "/" not in control.uuid
            state.uuid = control.uuid if own else make_uuid(family, f"{path}:{name}")
    for key, child in control.subcontrols:
        below = f"{path}/{key or child.name}"
        child.uuid = f"{control.uuid}/{key}" if key else control_uuid(family, below)
        _assign_below(child, family, below)
