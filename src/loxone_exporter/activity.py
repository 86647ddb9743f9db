"""What digital states did between two scrapes: how often they changed, and how long they were on.

A button that is pressed and let go within a second leaves no trace in the last value of its state.
All times are on trio's clock.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define, field

from loxone_exporter.loxone.uuids import StateUuid


@define(eq=False, weakref_slot=False)
class Activity:
    """What one digital state did while it was watched.

    Both ways are counted: controls may share a state, and for one of them 0 may be the yes.

    Attributes:
        is_on: Whether its last value was anything but 0; None where that is not known, because
            there was none yet or the connection was lost since.
        since: Since when it has been so; None before the first value.
        rises: How often it came on; a float, as samples are.
        falls: How often it went off, likewise.
    """

    is_on: bool | None = None
    since: float | None = None
    rises: float = 0.0
    falls: float = 0.0
    _seconds_on: float = 0.0
    _seconds_off: float = 0.0

    def change(self, *, is_on: bool, now: float) -> None:
        """Note a value that is on where the last one was not, or the other way round.

        The first one after a gap tells how things are, and not that they have changed.
        """
        if self.is_on is not None:
            self._settle(now)
            if is_on:
                self.rises += 1.0
            else:
                self.falls += 1.0
        self.is_on, self.since = is_on, now

    def pause(self, until: float) -> None:
        """Note a gap: nobody knows what the state has done since then."""
        self._settle(until)
        self.is_on = None

    def seconds_on(self, until: float) -> float:
        """How long it was on, up to a moment."""
        return self._seconds_on + self._running(until) if self.is_on else self._seconds_on

    def seconds_off(self, until: float) -> float:
        """How long it was off, likewise."""
        return (
            self._seconds_off + self._running(until) if self.is_on is False else self._seconds_off
        )

    def _settle(self, until: float) -> None:
        self._seconds_on, self._seconds_off = self.seconds_on(until), self.seconds_off(until)

    def _running(self, until: float) -> float:
        # A value that came after that moment adds nothing to it.
        return 0.0 if self.since is None or until < self.since else until - self.since


@define(eq=False)
class Activities:
    """The digital states of one house that are watched.

    Attributes:
        by_uuid: What each of them did, under the UUID that the structure holds.
    """

    by_uuid: dict[StateUuid, Activity] = field(factory=dict)

    def going_on_with(self, uuids: Iterable[StateUuid]) -> Activities:
        """Those of another structure; what is watched already goes on in both."""
        return Activities({uuid: self.by_uuid.get(uuid) or Activity() for uuid in uuids})

    def pause(self, until: float) -> None:
        """Note a gap for all of them."""
        for activity in self.by_uuid.values():
            activity.pause(until)
