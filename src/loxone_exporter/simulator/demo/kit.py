"""Builders for the plain controls of the demo house: sensors, contacts, switches, texts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from loxone_exporter.loxone.tables import DaytimerEntry
from loxone_exporter.simulator.demo.blueprint import Control, Number, Schedule, State, Text
from loxone_exporter.simulator.demo.clock import Clock


Place = tuple[str | None, str | None]
"""Where a control is listed: its room and its category."""

UNLOCKED = ""
"""What `jLocked` says of a control that can be operated (control catalog, common states)."""

WEEKDAYS = (
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
)


class Log:
    """The entries of a Tracker: the latest ones, first to last."""

    def __init__(self, clock: Clock, *entries: str, keep: int = 12) -> None:
        """Begin with some entries."""
        self._clock = clock
        self._keep = keep
        self._entries = [f"{clock.stamp} {entry}" for entry in entries]

    def add(self, entry: str) -> None:
        """Note something with the present time."""
        self._entries = [*self._entries, f"{self._clock.stamp} {entry}"][-self._keep :]

    def text(self) -> str:
        """As the state `entries` has it."""
        return "|".join(self._entries)


def on(read: Callable[[], object]) -> Number:
    """A digital state: 1 while something is true."""
    return Number(read=lambda: float(bool(read())))


def to_json(value: object) -> str:
    """JSON as a text state holds it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def analog(
    name: str,
    place: Place,
    unit: str,
    read: Callable[[], float],
    *,
    every: float = 20.0,
    step: float = 0.0,
    twin: str = "",
) -> Control:
    """A sensor in the app (`InfoOnlyAnalog`).

    Args:
        name: As in the app.
        place: Room and category.
        unit: The format of the number with its unit, as `%.1f°`.
        read: Returns the measured value.
        every: Seconds between two readings.
        step: The smallest change that the sensor reports.
        twin: Tells it from a sensor of the same name in the same place.
    """
    return Control(
        name,
        "InfoOnlyAnalog",
        *place,
        states={"value": Number(read=read, every=every, step=step), "error": 0},
        details={"jLockable": False, "format": unit},
        twin=twin,
    )


def contact(
    name: str,
    place: Place,
    read: Callable[[], object],
    *,
    words: tuple[str, str] = ("Off", "On"),
    twin: str = "",
) -> Control:
    """A digital input in the app (`InfoOnlyDigital`) with the words for 0 and 1."""
    return Control(
        name,
        "InfoOnlyDigital",
        *place,
        states={"active": on(read)},
        details={
            "jLockable": False,
            "text": {"off": words[0], "on": words[1]},
            "color": {"off": "#E73246", "on": "#69C350"},
        },
        twin=twin,
    )


def switch(name: str, place: Place, read: Callable[[], object], *, twin: str = "") -> Control:
    """A switched outlet or the like."""
    return Control(
        name,
        "Switch",
        *place,
        states={"jLocked": UNLOCKED, "active": on(read)},
        details={"jLockable": True, "type": 71},
        twin=twin,
    )


def slider(
    name: str,
    place: Place,
    unit: str,
    read: Callable[[], float],
    bounds: tuple[float, float, float],
) -> Control:
    """A virtual input that a person pushes: `bounds` are the least, the greatest and the step."""
    low, high, step = bounds
    return Control(
        name,
        "Slider",
        *place,
        states={"value": Number(read=read), "error": 0},
        details={"jLockable": False, "format": unit, "min": low, "max": high, "step": step},
    )


def info_text(name: str, place: Place, read: Callable[[], str]) -> Control:
    """A virtual text state."""
    return Control(
        name,
        "InfoOnlyText",
        *place,
        states={"text": Text(read=read, every=10.0)},
        details={"jLockable": False, "format": "%s"},
    )


def status(name: str, place: Place, read: Callable[[], str]) -> Control:
    """A status block with its text, icon and colour (`TextState`)."""
    return Control(
        name,
        "TextState",
        *place,
        states={
            "textAndIcon": Text(read=read, every=10.0),
            "iconAndColor": to_json(
                {"icon": "IconsFilled/information-circle.svg", "color": "#69C350"}
            ),
        },
        details={"jLockable": False, "format": "%s"},
    )


def tracker(name: str, place: Place, log: Log | State, *, entries: int = 30) -> Control:
    """A tracker; give it a `State` to share the entries with another control."""
    state = log if isinstance(log, State) else Text(read=log.text, every=2.0)
    return Control(
        name,
        "Tracker",
        *place,
        states={"entries": state},
        details={"jLockable": False, "maxEntries": entries},
    )


def mode_list() -> str:
    """The operating modes of a daytimer in the Miniserver's own notation."""
    return ",".join(
        f'{place}:mode={place + 3};name=\\"{name}\\"' for place, name in enumerate(WEEKDAYS)
    )


def week(
    weekdays: tuple[float, float], weekend: tuple[float, float], value: float = 1.0
) -> tuple[DaytimerEntry, ...]:
    """The entries of a schedule: a span of hours from Monday to Friday, and one for the weekend."""
    spans = [weekdays] * 5 + [weekend] * 2
    return tuple(
        DaytimerEntry(
            mode=3 + day, start=round(a * 60), end=round(b * 60), need_activate=0, value=value
        )
        for day, (a, b) in enumerate(spans)
    )


def scheduled(clock: Clock, entries: tuple[DaytimerEntry, ...], default: float = 0.0) -> float:
    """What a schedule says now."""
    minute = clock.hour * 60
    for entry in entries:
        if entry.mode == clock.operating_mode and entry.start <= minute < entry.end:
            return entry.value
    return default


def daytimer(
    name: str,
    place: Place,
    clock: Clock,
    entries: tuple[DaytimerEntry, ...],
    details: Mapping[str, Any],
) -> Control:
    """A schedule; `details` say whether it is analog, and its unit or its words."""
    return Control(
        name,
        "Daytimer",
        *place,
        states={
            "jLocked": UNLOCKED,
            "mode": Number(read=lambda: clock.operating_mode, every=60),
            "override": 0,
            "value": Number(read=lambda: scheduled(clock, entries), every=20),
            "needsActivation": 0,
            "resetActive": 0,
            "modeList": mode_list(),
            "entriesAndDefaultValue": Schedule(default=0.0, entries=entries),
        },
        details={"jLockable": True, **details},
    )
