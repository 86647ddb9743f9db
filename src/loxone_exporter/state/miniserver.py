"""One Miniserver: its structure with its states, replaced as a whole, and the link to it.

There are no locks: trio switches tasks only at checkpoints, and neither a session applying a table
nor a scrape reading the values has one inside.
"""

from __future__ import annotations

import datetime as dt
import math
import time
from collections.abc import Callable, Iterable, Mapping

import trio
from attrs import Attribute, define, evolve, field, frozen

from loxone_exporter.activity import Activities
from loxone_exporter.loxone.difference import StructureDifference, difference_in_steps
from loxone_exporter.loxone.structure import Structure
from loxone_exporter.loxone.tables import Daytimer, Weather
from loxone_exporter.loxone.times import find_zone, parse_local_time
from loxone_exporter.loxone.uuids import StateUuid
from loxone_exporter.state.link import ConnectionState, LinkState
from loxone_exporter.state.states import EventCounts, States
from loxone_exporter.steps import Steps, finish


_MAX_TEXT = 4096
"""Characters kept of a text; a Miniserver's logs can be long, and nothing exports that much."""


_COUNTED_IN_A_STEP = 100


def _no_states(_structure: Structure) -> Iterable[StateUuid]:
    return ()


def _note_change(
    state: MiniserverState,
    _attribute: Attribute[ConnectionState],
    connection: ConnectionState,
) -> ConnectionState:
    """Note when events begin or cease to arrive."""
    if state.connected is not (connection is ConnectionState.CONNECTED):
        state.since = state._now()  # noqa: SLF001  # a method in all but its place
    return connection


@frozen(eq=False)
class _Record:
    """One structure file, and what is known of its states.

    Attributes:
        structure: The structure file; None before the first.
        known: Each of its UUIDs with the object that it holds: what arrives is filed under that
            one, and not under a copy of its own.
        states: The states.
        activities: What the digital ones did.
    """

    structure: Structure | None = None
    known: Mapping[StateUuid, StateUuid] = field(factory=dict, repr=False)
    states: States = field(factory=States, repr=False)
    activities: Activities = field(factory=Activities, repr=False)


@define(eq=False, kw_only=True)
class MiniserverState:
    """One configured Miniserver, reachable or not.

    What is shown, a structure with its states, is replaced as a whole. All states are sent anew
    after each connection and each change of the structure file, in any number of tables; what they
    say is collected apart until they are complete. How that is known, see
    `Conversation.subscribe`. Thus whoever looks in between sees the old or the new, and no half.

    Attributes:
        name: The `miniserver` label.
        connection: Where the session is.
        since: Since when events arrive, or arrive no longer, in Unix time; before the first, since
            when it has been looked after.
        tried: Whether one attempt to connect has come to an end, good or bad.
        link: The way there.
        events: How many events came, of states in the structure and of others.
        last_update: Unix time of the last event with a value; None before the first.
        last_received: Unix time of the last byte; None before the first.
        connected_since: When all states were in, on trio's clock; None before that in an attempt.
        non_finite_values: How many values were NaN or infinite, and therefore dropped.
        undecodable_messages: How many messages could not be read, or not to their end.
    """

    name: str
    connection: ConnectionState = field(
        default=ConnectionState.DISCONNECTED, on_setattr=_note_change
    )
    since: float = field(init=False)
    tried: bool = False
    link: LinkState = field(factory=LinkState)
    events: EventCounts = field(factory=EventCounts)
    last_update: float | None = None
    last_received: float | None = None
    non_finite_values: int = 0
    undecodable_messages: int = 0
    _last_byte: float = -math.inf
    _last_live_byte: float = -math.inf
    connected_since: float | None = None
    _record: _Record = field(factory=_Record)
    _next: _Record | None = field(default=None, repr=False)
    _dump: _Record | None = field(default=None, repr=False)
    _dated: str | None = None
    _observed_until: float = -math.inf
    _now: Callable[[], float] = field(default=time.time, repr=False)
    _counted_states: Callable[[Structure], Iterable[StateUuid]] = field(
        default=_no_states, repr=False
    )

    def __attrs_post_init__(self) -> None:
        """Begin to look after it."""
        self.since = self._now()

    @property
    def structure(self) -> Structure | None:
        """The structure file that is shown; kept while the Miniserver is away."""
        return self._record.structure

    @property
    def shown(self) -> States:
        """The states as they may be shown."""
        return self._record.states

    @property
    def activities(self) -> Activities:
        """What digital states did; those that `counted_states` names for a structure."""
        return self._record.activities

    @property
    def values(self) -> dict[StateUuid, float]:
        """The last number of each state."""
        return self.shown.values

    @property
    def texts(self) -> dict[StateUuid, str]:
        """The last text of each state."""
        return self.shown.texts

    @property
    def connected(self) -> bool:
        """Whether events arrive."""
        return self.connection is ConnectionState.CONNECTED

    def silence(self) -> float:
        """Seconds since the last byte was received; infinite before the first."""
        return trio.current_time() - self._last_byte

    def is_fresh(self, stale_after: float) -> bool:
        """Whether the values may still be shown.

        They are while events arrive, and for a while afterwards. Bytes of a session that never got
        as far as events do not count: a Miniserver that drops every client after the handshake
        would keep its last values alive for ever.

        Args:
            stale_after: Seconds after the last byte that arrived while connected.
        """
        return self.connected or trio.current_time() - self._last_live_byte < stale_after

    def live_until(self) -> float | None:
        """When the last byte came of a session with events, in Unix time; None before the first."""
        if self._last_live_byte == -math.inf:
            return None
        return self._now() - (trio.current_time() - self._last_live_byte)

    def observed_until(self) -> float:
        """Up to when it is known what the states did, on trio's clock.

        That is now while events arrive, and the last byte once they do not. But what was told
        already stands, even if the connection turns out to have been dead by then: what is counted
        must never fall.
        """
        until = trio.current_time() if self.connected else self._last_live_byte
        self._observed_until = max(self._observed_until, until)
        return self._observed_until

    def mark_received(self, size: int = 0) -> None:
        """Note that bytes arrived, whatever they say.

        Args:
            size: How many, where somebody has counted them.
        """
        self.link.received_bytes += size
        self.last_received = self._now()
        self._last_byte = trio.current_time()
        if self.connected:
            self._last_live_byte = self._last_byte

    def replace_structure(self, structure: Structure) -> StructureDifference | None:
        """Take over a structure file.

        The first one at once; a later one together with its states, after the next dump, for
        until then nothing is known of its new controls.

        Returns:
            What changed; None for the first one.
        """
        return finish(self.replace_structure_in_steps(structure))

    def replace_structure_in_steps(self, structure: Structure) -> Steps[StructureDifference | None]:
        """Likewise, in steps of a few milliseconds; nothing is taken over before the last one."""
        uuids = yield from structure.state_uuids_in_steps()
        known = {uuid: uuid for uuid in uuids}
        yield
        before, changes = (self._next or self._record).structure, None
        if before is not None:
            changes = yield from difference_in_steps(before, structure)
        counted_states, watched = self._counted_states, []
        for uuid in counted_states(structure):
            watched.append(known[uuid])
            if len(watched) % _COUNTED_IN_A_STEP == 0:
                yield
        record = _Record(structure, known, activities=self.activities.going_on_with(watched))
        if counted_states is not self._counted_states:  # since then
            record = self._counted_anew(record)
        if changes is None:
            self._record = record
            return None
        self._next = record
        self.link.structure_changes.update(
            added=len(changes.added),
            removed=len(changes.removed),
            renamed=len(changes.renamed),
        )
        return changes

    def count(self, counted_states: Callable[[Structure], Iterable[StateUuid]] | None) -> None:
        """Count from now on what other states did; those that are counted already go on.

        Args:
            counted_states: Names those of a structure; None counts nothing.
        """
        if self._counted_states is (counted_states or _no_states):
            return
        self._counted_states = counted_states or _no_states
        self._record = self._counted_anew(self._record)
        self._next = self._next and self._counted_anew(self._next)
        self._dump = self._dump and self._counted_anew(self._dump)

    def _counted_anew(self, record: _Record) -> _Record:
        if record.structure is None:
            return record
        watched = (record.known[uuid] for uuid in self._counted_states(record.structure))
        activities = record.activities.going_on_with(watched)
        if self.connected:
            # What is known now need not come again for days.
            now = trio.current_time()
            for uuid, activity in activities.by_uuid.items():
                value = record.states.values.get(uuid)
                if activity.since is None and value is not None:
                    activity.change(is_on=value != 0, now=now)
        return evolve(record, activities=activities)

    def begin_session(self) -> None:
        """Note that a new attempt begins."""
        self.connected_since = None
        self.link.clock_offset = None
        for record in (self._record, self._next):
            if record is not None:
                record.activities.pause(self.observed_until())

    def end_session(self) -> None:
        """Forget what nobody completes any more: the session is over that began to collect it."""
        self._dump = None

    def begin_dump(self) -> None:
        """Collect what arrives apart: the Miniserver is about to send all states anew.

        Until the dump is complete, what is shown is the old, if it is still fresh.
        """
        record = self._next or self._record
        # Within a session nothing was missed, and nobody promises a second dump to be complete.
        is_first = self.connected_since is None
        states = States() if is_first else self.shown.known_to(record.known)
        self._dump = evolve(record, states=states)

    def is_dump_complete(self) -> bool:
        """Whether something was told, and all that was known before, as far as it is still there.

        It is the rule, and none without exception: a Miniserver may stop to tell a state.
        """
        record = self._arriving
        told = record.states.all_uuids()
        before = self.shown.all_uuids() & record.known.keys()
        return bool(told) and told >= before

    def last_told(self, global_state: str) -> tuple[str | None, float | None] | None:
        """The last text and number of a global state; None before the first of either.

        During a dump, that is what the dump has told by now.
        """
        record = self._arriving
        uuid = record.structure.global_states.get(global_state) if record.structure else None
        if uuid is None:
            return None
        told = record.states.texts.get(uuid), record.states.values.get(uuid)
        return None if told == (None, None) else told

    def end_dump(self) -> None:
        """Show what was collected, whole.

        A state that a session's first dump left out is not known any more.
        """
        if self._dump is not None:
            if self._next is not None and self._next.structure is self._dump.structure:
                self._next = None
            self._record, self._dump = self._dump, None
        self._date_structure()
        self._last_live_byte = trio.current_time()
        if self.connected_since is None:
            self.connected_since = self._last_live_byte
            self.link.sessions += 1

    def _date_structure(self) -> None:
        """Work out when the structure was changed, once: its zone's summer time ends."""
        structure = self.structure
        if structure is not None and structure.last_modified != self._dated:
            zone = find_zone(structure, self.texts)
            if zone is not None:
                self._dated = structure.last_modified
            self.link.structure_time = parse_local_time(structure.last_modified, zone or dt.UTC)

    def apply_values(self, values: Iterable[tuple[StateUuid, float]]) -> None:
        """Take over a value table; states that no control names are only counted.

        What digital states did is counted at once, during a dump as well.

        What the table raises, if it has no proper end, comes after the values before that.
        """
        record, applied, unknown, now = self._arriving, 0, 0, None
        known, current, watched = record.known, record.states.values, record.activities.by_uuid
        try:
            for uuid, value in values:
                own = known.get(uuid)
                if own is None:
                    unknown += 1
                    continue
                applied += 1
                if math.isfinite(value):
                    current[own] = value
                    activity = watched.get(own)
                    if activity is not None and activity.is_on is not (is_on := value != 0):
                        now = now or trio.current_time()
                        activity.change(is_on=is_on, now=now)
                else:
                    current.pop(own, None)
                    self.non_finite_values += 1
        finally:
            self.events.values += applied + unknown
            self.events.unknown += unknown
            if applied:
                self.last_update = self._now()

    def apply_texts(self, texts: Iterable[tuple[StateUuid, str]]) -> None:
        """Take over a text table, likewise."""
        record = self._arriving
        current = record.states.texts
        for uuid, text in texts:
            self.events.texts += 1
            own = self._find(uuid, record)
            if own is not None:
                current[own] = text[:_MAX_TEXT]
                self.last_update = self._now()

    def apply_daytimers(self, daytimers: Iterable[Daytimer]) -> None:
        """Take over a table of schedules, likewise."""
        record = self._arriving
        for daytimer in daytimers:
            self.events.daytimers += 1
            own = self._find(daytimer.uuid, record)
            if own is not None:
                record.states.daytimers[own] = daytimer
                self.non_finite_values += daytimer.non_finite()

    def apply_weather(self, reports: Iterable[Weather]) -> None:
        """Take over a weather table, likewise."""
        record = self._arriving
        for weather in reports:
            self.events.weather += 1
            own = self._find(weather.uuid, record)
            if own is not None:
                record.states.weather[own] = weather
                self.non_finite_values += sum(entry.non_finite() for entry in weather.entries)

    def _find(self, uuid: StateUuid, record: _Record) -> StateUuid | None:
        """What the structure holds of this state; None where that is nothing."""
        own = record.known.get(uuid)
        self.events.unknown += own is None
        return own

    @property
    def _arriving(self) -> _Record:
        """Where what arrives belongs."""
        return self._record if self._dump is None else self._dump
