"""What is known of each Miniserver right now: written by its session, read by metrics and web.

There are no locks: trio switches tasks only at checkpoints, and neither a session applying a table
nor a scrape reading the values has one inside.
"""

from __future__ import annotations

import enum
import math
import time
from collections.abc import Callable, Iterable

import trio
from attrs import define, field

from loxone_exporter.loxone.structure import Structure
from loxone_exporter.loxone.uuids import StateUuid


_MAX_TEXT = 4096
"""Characters kept of a text; a Miniserver's logs can be long, and nothing exports that much."""


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


@define(eq=False, kw_only=True)
class MiniserverState:
    """One configured Miniserver, reachable or not.

    Attributes:
        name: The `miniserver` label.
        connection: Where the session is.
        tried: Whether one attempt to connect has come to an end, good or bad.
        structure: The last structure file that could be read; kept while the Miniserver is away.
        values: The last number of each state; finite, and only of states in the structure.
        texts: Likewise, the last text.
        last_update: Unix time of the last event with a value; None before the first.
        last_received: Unix time of the last byte; None before the first.
        connected_since: When all states were in, on trio's clock; None before that in an attempt.
        non_finite_values: How many values were NaN or infinite, and therefore dropped.
        undecodable_messages: How many messages did not follow the protocol.
    """

    name: str
    connection: ConnectionState = ConnectionState.DISCONNECTED
    tried: bool = False
    structure: Structure | None = None
    values: dict[StateUuid, float] = field(factory=dict, repr=False)
    texts: dict[StateUuid, str] = field(factory=dict, repr=False)
    last_update: float | None = None
    last_received: float | None = None
    non_finite_values: int = 0
    undecodable_messages: int = 0
    _last_byte: float = -math.inf
    _last_live_byte: float = -math.inf
    connected_since: float | None = None
    _known: dict[StateUuid, StateUuid] = field(factory=dict, repr=False)
    _dump_values: dict[StateUuid, float] | None = field(default=None, repr=False)
    _dump_texts: dict[StateUuid, str] = field(factory=dict, repr=False)
    _now: Callable[[], float] = field(default=time.time, repr=False)

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

    def mark_received(self) -> None:
        """Note that bytes arrived, whatever they say."""
        self.last_received = self._now()
        self._last_byte = trio.current_time()
        if self.connected:
            self._last_live_byte = self._last_byte

    def replace_structure(self, structure: Structure) -> None:
        """Take over a structure file; values of states that are gone are forgotten."""
        # Each known UUID with the object that the structure holds: the values are filed under that
        # one, and not under a copy of their own.
        known = {uuid: uuid for uuid in structure.state_uuids()}
        self.values = {known[uuid]: value for uuid, value in self.values.items() if uuid in known}
        self.texts = {known[uuid]: text for uuid, text in self.texts.items() if uuid in known}
        self._known = known
        self._dump_values = None
        self.structure = structure

    def begin_session(self) -> None:
        """Note that a new attempt begins."""
        self.connected_since = None

    def begin_dump(self) -> None:
        """Collect what arrives apart: the Miniserver is about to send all states anew.

        Until the dump is complete, what is shown is the old, if it is still fresh.
        """
        self._dump_values, self._dump_texts = {}, {}

    def end_dump(self) -> None:
        """Show what was collected, whole; a state that was not sent anew is not known any more."""
        if self._dump_values is not None:
            self.values, self.texts = self._dump_values, self._dump_texts
            self._dump_values = None
        self.connected_since = self._last_live_byte = trio.current_time()

    def apply_values(self, values: Iterable[tuple[StateUuid, float]]) -> None:
        """Take over a value table; states that no control names are ignored."""
        known, applied = self._known, False
        current = self.values if self._dump_values is None else self._dump_values
        for uuid, value in values:
            own = known.get(uuid)
            if own is None:
                continue
            applied = True
            if math.isfinite(value):
                current[own] = value
            else:
                current.pop(own, None)
                self.non_finite_values += 1
        if applied:
            self.last_update = self._now()

    def apply_texts(self, texts: Iterable[tuple[StateUuid, str]]) -> None:
        """Take over a text table, likewise."""
        current = self.texts if self._dump_values is None else self._dump_texts
        for uuid, text in texts:
            own = self._known.get(uuid)
            if own is not None:
                current[own] = text[:_MAX_TEXT]
                self.last_update = self._now()
