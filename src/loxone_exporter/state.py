"""What is known of each Miniserver right now: written by its session, read by metrics and web.

There are no locks: trio switches tasks only at checkpoints, and neither a session applying a table
nor a scrape reading the values has one inside.
"""

from __future__ import annotations

import datetime as dt
import enum
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import trio
from attrs import Attribute, define, field, frozen

from loxone_exporter.activity import Activities
from loxone_exporter.errors import FailureReason
from loxone_exporter.histogram import Histogram
from loxone_exporter.loxone.difference import StructureDifference, difference
from loxone_exporter.loxone.replies import Device
from loxone_exporter.loxone.structure import Structure
from loxone_exporter.loxone.tables import Daytimer, Weather
from loxone_exporter.loxone.times import find_zone, parse_local_time
from loxone_exporter.loxone.uuids import StateUuid


_MAX_TEXT = 4096
"""Characters kept of a text; a Miniserver's logs can be long, and nothing exports that much."""


def _no_states(_structure: Structure) -> Iterable[StateUuid]:
    return ()


def no_messages() -> int:
    """How many messages wait where there is no connection."""
    return 0


class ConnectionState(enum.StrEnum):
    """Where a Miniserver's session is; each is a value of the label `state`."""

    DISCONNECTED = enum.auto()
    CONNECTING = enum.auto()
    AUTHENTICATING = enum.auto()
    DISCOVERING = enum.auto()
    SUBSCRIBING = enum.auto()
    CONNECTED = enum.auto()
    BACKOFF = enum.auto()
    REJECTED = enum.auto()
    LOCKED_OUT = enum.auto()


class Security(enum.StrEnum):
    """What protects the connection; each is a value of the label `security`."""

    PLAIN = enum.auto()
    """No TLS; commands that carry secrets are encrypted one by one."""
    VERIFIED = enum.auto()
    """TLS, with a certificate for this Miniserver from an authority that is trusted."""
    PINNED = enum.auto()
    """TLS, with the one certificate that is configured."""
    UNVERIFIED = enum.auto()
    """TLS, with whatever certificate there is."""


_MAX_FAILURE_TEXT = 1000
"""Characters kept of what is said of a failure; parts of it may be the other side's words."""


def _cut(text: str) -> str:
    return text[:_MAX_FAILURE_TEXT]


@frozen
class Failure:
    """How a session ended, or why it never began.

    Attributes:
        reason: What logs and metrics call it.
        text: What happened, as the log has it.
        time: When, in Unix time.
        retry: When the next session begins at the latest, in Unix time.
    """

    reason: FailureReason
    text: str = field(converter=_cut)
    time: float
    retry: float


@define(eq=False, kw_only=True)
class LinkState:
    """What is known of the way to a Miniserver, and of how sessions fared.

    Attributes:
        device: Who answered last.
        security: What protects the connection; None before the first.
        certificate: What the Miniserver showed last, in DER form; None without TLS.
        certificate_not_after: Until when the certificate is valid, in Unix time; None without TLS.
        token_valid_until: Likewise the token; None without one.
        login_retry: When the password is tried again, in Unix time, after it was rejected or the
            address was locked out; None where nothing of the kind is due.
        clock_offset: Seconds that the Miniserver's clock is ahead; None where it does not tell.
        structure_time: When the structure was last changed, in Unix time; None before its states
            are in, for one of them tells the time zone.
        sessions: How many sessions got as far as events.
        failures: How often sessions failed, by reason.
        last_failure: The last of them; None where there was none.
        structure_changes: How many controls were added, removed and renamed by new structure files.
        broken_structures: How many structure files could not be read.
        received_bytes: How many bytes came over WebSockets; with TLS, what was in it.
        round_trips: How long keepalives waited for their answers.
        queued_messages: Tells how many messages are there that nobody has looked at yet.
    """

    device: Device | None = None
    security: Security | None = None
    certificate: bytes | None = field(default=None, repr=False)
    certificate_not_after: float | None = None
    token_valid_until: float | None = None
    login_retry: float | None = None
    clock_offset: float | None = None
    structure_time: float | None = None
    sessions: int = 0
    failures: Counter[FailureReason] = field(factory=Counter)
    last_failure: Failure | None = None
    structure_changes: Counter[str] = field(factory=Counter)
    broken_structures: int = 0
    received_bytes: int = 0
    round_trips: Histogram = field(factory=Histogram)
    queued_messages: Callable[[], int] = field(default=no_messages, repr=False)


@define
class EventCounts:
    """How many events came, by their kind.

    Attributes:
        values: Numbers.
        texts: Texts.
        daytimers: Schedules.
        weather: Reports of the weather.
        unknown: Those of all of them whose state the structure does not have.
    """

    values: int = 0
    texts: int = 0
    daytimers: int = 0
    weather: int = 0
    unknown: int = 0


@define(eq=False)
class States:
    """The states of one house, each under the UUID that its structure holds.

    Attributes:
        values: The last number of each state; finite, and only of states in the structure.
        texts: Likewise, the last text.
        daytimers: Likewise, the last schedule.
        weather: Likewise, the last weather or forecast.
    """

    values: dict[StateUuid, float] = field(factory=dict)
    texts: dict[StateUuid, str] = field(factory=dict)
    daytimers: dict[StateUuid, Daytimer] = field(factory=dict)
    weather: dict[StateUuid, Weather] = field(factory=dict)

    def known_to(self, known: Mapping[StateUuid, StateUuid]) -> States:
        """Those of them that another structure has as well, under its UUIDs."""
        return States(
            {known[uuid]: value for uuid, value in self.values.items() if uuid in known},
            {known[uuid]: text for uuid, text in self.texts.items() if uuid in known},
            {known[uuid]: daytimer for uuid, daytimer in self.daytimers.items() if uuid in known},
            {known[uuid]: weather for uuid, weather in self.weather.items() if uuid in known},
        )


def _note_change(
    state: MiniserverState,
    _attribute: Attribute[ConnectionState],
    connection: ConnectionState,
) -> ConnectionState:
    """Note when events begin or cease to arrive."""
    if state.connected is not (connection is ConnectionState.CONNECTED):
        state.since = state._now()  # noqa: SLF001  # a method in all but its place
    return connection


@define(eq=False, kw_only=True)
class MiniserverState:
    """One configured Miniserver, reachable or not.

    Attributes:
        name: The `miniserver` label.
        connection: Where the session is.
        since: Since when events arrive, or arrive no longer, in Unix time; before the first, since
            when it has been looked after.
        tried: Whether one attempt to connect has come to an end, good or bad.
        link: The way there.
        structure: The last structure file that could be read; kept while the Miniserver is away.
        shown: The states as they may be shown.
        activities: What digital states did; those that `counted_states` names for a structure.
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
    structure: Structure | None = None
    shown: States = field(factory=States, repr=False)
    activities: Activities = field(factory=Activities, repr=False)
    events: EventCounts = field(factory=EventCounts)
    last_update: float | None = None
    last_received: float | None = None
    non_finite_values: int = 0
    undecodable_messages: int = 0
    _last_byte: float = -math.inf
    _last_live_byte: float = -math.inf
    connected_since: float | None = None
    _known: dict[StateUuid, StateUuid] = field(factory=dict, repr=False)
    _dump: States | None = field(default=None, repr=False)
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
        """Take over a structure file; values of states that are gone are forgotten.

        Returns:
            What changed; None for the first one.
        """
        changes = None if self.structure is None else difference(self.structure, structure)
        # Each known UUID with the object that the structure holds: the values are filed under that
        # one, and not under a copy of their own.
        known = {uuid: uuid for uuid in structure.state_uuids()}
        self.shown = self.shown.known_to(known)
        self.activities.watch(known[uuid] for uuid in self._counted_states(structure))
        self._known = known
        self._dump = None
        self.structure = structure
        if changes is not None:
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
        self._counted_states = counted_states or _no_states
        if self.structure is not None:
            self.activities.watch(
                self._known[uuid] for uuid in self._counted_states(self.structure)
            )

    def begin_session(self) -> None:
        """Note that a new attempt begins."""
        self.connected_since = None
        self.link.clock_offset = None
        self.activities.pause(self.observed_until())

    def begin_dump(self) -> None:
        """Collect what arrives apart: the Miniserver is about to send all states anew.

        Until the dump is complete, what is shown is the old, if it is still fresh.
        """
        # Within a session nothing was missed, and nobody promises a second dump to be complete.
        is_first = self.connected_since is None
        self._dump = States() if is_first else self.shown.known_to(self._known)

    def end_dump(self) -> None:
        """Show what was collected, whole.

        A state that a session's first dump left out is not known any more.
        """
        if self._dump is not None:
            self.shown, self._dump = self._dump, None
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
        known, applied, unknown = self._known, 0, 0
        current = self._arriving.values
        watched, now = self.activities.by_uuid, None
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
        current = self._arriving.texts
        for uuid, text in texts:
            self.events.texts += 1
            own = self._find(uuid)
            if own is not None:
                current[own] = text[:_MAX_TEXT]
                self.last_update = self._now()

    def apply_daytimers(self, daytimers: Iterable[Daytimer]) -> None:
        """Take over a table of schedules, likewise."""
        for daytimer in daytimers:
            self.events.daytimers += 1
            own = self._find(daytimer.uuid)
            if own is not None:
                self._arriving.daytimers[own] = daytimer
                self.non_finite_values += daytimer.non_finite()

    def apply_weather(self, reports: Iterable[Weather]) -> None:
        """Take over a weather table, likewise."""
        for weather in reports:
            self.events.weather += 1
            own = self._find(weather.uuid)
            if own is not None:
                self._arriving.weather[own] = weather
                self.non_finite_values += sum(entry.non_finite() for entry in weather.entries)

    def _find(self, uuid: StateUuid) -> StateUuid | None:
        """What the structure holds of this state; None where that is nothing."""
        own = self._known.get(uuid)
        self.events.unknown += own is None
        return own

    @property
    def _arriving(self) -> States:
        """Where what arrives belongs."""
        return self.shown if self._dump is None else self._dump
