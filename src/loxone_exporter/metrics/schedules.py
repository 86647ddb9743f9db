"""When schedules change next: those of daytimers and room controllers.

A schedule has entries by operating mode, in minutes since local midnight (protocol reference,
section 5.3). Which mode tomorrow has is not known, so nothing is said beyond today.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Final

from attrs import frozen

from loxone_exporter.loxone.structure import Control, State
from loxone_exporter.loxone.tables import Daytimer
from loxone_exporter.loxone.uuids import StateUuid
from loxone_exporter.metrics.families import Heading, Told
from loxone_exporter.state import States


_TYPES: Final = frozenset({"Daytimer", "IRCDaytimer", "IRCV2Daytimer"})
_ENTRIES: Final = "entriesAndDefaultValue"
_MODE: Final = "mode"

_MINUTE = 60
_END_OF_DAY = 24 * 60

_MAX_ENTRIES = 64
"""Entries of one day that are looked at, so that a scrape never takes long; real days have some
ten."""


@frozen
class Schedule:
    """A schedule that may be known.

    Attributes:
        heading: The family, with the labels of controls.
        labels: The control's, without `miniserver`.
        uuid: The state that is the schedule.
        mode: The state that tells the present operating mode.
        is_digital: Whether it is on during its entries, and off otherwise; their numbers do not
            count then.
    """

    heading: Heading
    labels: tuple[str, ...]
    uuid: StateUuid
    mode: StateUuid
    is_digital: bool


def find_schedule(
    control: Control, state: State, names: tuple[str, ...], labels: tuple[str, ...]
) -> Schedule | None:
    """The schedule that a state is; None for any other state.

    Args:
        control: Whose state it is.
        state: The state.
        names: Names of its labels, `miniserver` first.
        labels: Its labels.
    """
    if state.name != _ENTRIES or control.type not in _TYPES:
        return None
    mode = next((other.uuid for other in control.states if other.name == _MODE), None)
    if mode is None:
        return None
    heading = Heading(
        "loxone_schedule_next_change_timestamp_seconds",
        "When a schedule changes next today, as it is planned for the operating mode that it has "
        "now; absent if it does not change any more today, or if the Miniserver does not tell its "
        "time zone. Overrides do not count.",
        names[1:],
    )
    # The numbers of rooms' schedules are modes, although nothing says that they are analog.
    is_digital = control.type == "Daytimer" and not control.details.is_analog
    return Schedule(heading, labels[1:], state.uuid, mode, is_digital)


def tell_schedules(
    schedules: Iterable[Schedule], shown: States, zone: dt.timezone | None, now: float
) -> Iterator[Told]:
    """When each schedule changes next.

    Args:
        schedules: All that the house has.
        shown: Its states, as they may be shown.
        zone: The zone that it is in right now. On the day when summer time begins or ends, what is
            planned for after that is off by an hour until then.
        now: The time, in Unix time.
    """
    if zone is None:
        return
    local = dt.datetime.fromtimestamp(now, zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    for schedule in schedules:
        daytimer, mode = shown.daytimers.get(schedule.uuid), shown.values.get(schedule.mode)
        if daytimer is None or mode is None:
            continue
        change = next_change(
            daytimer, mode, (now - midnight) / _MINUTE, is_digital=schedule.is_digital
        )
        if change is not None:
            yield Told(schedule.heading, schedule.labels, midnight + change * _MINUTE)


def next_change(
    daytimer: Daytimer, mode: float, minute: float, *, is_digital: bool = False
) -> int | None:
    """The minute of the day when a schedule next has another value; None if it has not.

    Nothing is said of a schedule with a number that is none.

    Entries that have to be activated count as if they were.

    Args:
        daytimer: The schedule.
        mode: The operating mode whose entries count.
        minute: Minutes since midnight.
        is_digital: Whether it is on during entries, whatever their number is, and off otherwise.
    """
    if daytimer.non_finite():
        return None
    entries = [entry for entry in daytimer.entries if entry.mode == mode][:_MAX_ENTRIES]

    def value(at: float) -> float:
        for entry in entries:
            if entry.start <= at < entry.end:
                return 1.0 if is_digital else entry.value
        return 0.0 if is_digital else daytimer.default

    present = value(minute)
    ends = {end for entry in entries for end in (entry.start, entry.end)}
    later = sorted(end for end in ends if minute < end < _END_OF_DAY)
    return next((end for end in later if value(end) != present), None)
