"""The inside of a simulated Miniserver: all that its connections share."""

from __future__ import annotations

import datetime as dt
import functools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import trio
from attrs import Factory, define, evolve, field, frozen

from loxone_exporter.loxone.commands import is_on_the_list
from loxone_exporter.loxone.crypto import PrivateKey
from loxone_exporter.simulator import closing
from loxone_exporter.simulator.accounts import Account, Accounts, Guard, OneTimeKeys, Token
from loxone_exporter.simulator.faults import Faults
from loxone_exporter.simulator.house import House
from loxone_exporter.simulator.messages import Messages
from loxone_exporter.simulator.profile import Codes, Profile
from loxone_exporter.simulator.refusals import log_command


if TYPE_CHECKING:
    # A device knows its sessions, and a session its device.
    from loxone_exporter.simulator.session import Session


Channel = Literal["http", "websocket"]

_RECEIVED_KEPT = 100_000
_STRANGERS_KEPT = 1000
_HTTPS_EXPIRED = 2


@frozen
class ReceivedCommand:
    """One thing that a client asked for.

    Attributes:
        channel: The way it came.
        text: The plain command: decrypted, without the prefix that carries the salt, otherwise as
            it was sent; over HTTP the path and the query.
        encrypted: Whether it came encrypted.
    """

    channel: Channel
    text: str
    encrypted: bool


@define(eq=False)
class Client:
    """Who sends commands: one WebSocket connection, or one HTTP request.

    Attributes:
        channel: The way of its commands.
        address: Its IP address.
        keys: The one-time keys that it may use.
        account: As whom it is logged in.
        token: The token by which it is logged in, unless a password did it.
    """

    channel: Channel
    address: str
    keys: OneTimeKeys
    account: Account | None = None
    token: Token | None = None


class _FaultyGuard(Guard):
    """A guard who can be told to ban everybody."""

    def __init__(self, profile: Profile, clock: Callable[[], float], faults: Faults) -> None:
        super().__init__(profile, clock)
        self._faults = faults
        self._ban: tuple[int, float] | None = None

    def remaining(self, address: str) -> int:
        return self._remaining_for_all() or super().remaining(address)

    def _remaining_for_all(self) -> int:
        """Count `Faults.locked_out` down, from where it is first seen; then the fault is over."""
        seconds = self._faults.locked_out
        if seconds is None:
            self._ban = None
            return 0
        if self._ban is None or self._ban[0] != seconds:
            self._ban = (seconds, self._clock() + seconds)
        left = math.ceil(self._ban[1] - self._clock())
        if left <= 0:
            self._faults.locked_out = self._ban = None
        return max(left, 0)


@define(eq=False)
class Device:
    """The state of a Miniserver.

    Attributes:
        house: What stands behind it.
        profile: What kind of device it is.
        account: Its one user.
        real_now: Unix time; the device's own is `now`.
        faults: What it does wrong.
        clock: For durations, in seconds.
        private_key: Its RSA key, there from the start: to make one takes up to a second.
        messages: Writes what it sends over WebSockets.
        accounts: Its user and their tokens.
        guard: Who is banned.
        http_keys: The one-time keys given out over HTTP, where no connection keeps them apart.
        received: The last commands from clients, in order.
        received_in_all: How many there were.
        strangers: The first of those that loxone-exporter's own client cannot send. Each command
            is looked at as it comes, for of a long run not all are kept.
        sessions: The live WebSocket connections.
    """

    house: House
    profile: Profile
    account: Account
    real_now: Callable[[], float]
    faults: Faults = Factory(Faults)
    clock: Callable[[], float] = trio.current_time
    private_key: PrivateKey = field(init=False, repr=False)
    messages: Messages = field(init=False)
    accounts: Accounts = field(init=False)
    guard: Guard = field(init=False)
    http_keys: OneTimeKeys = field(init=False)
    received: list[ReceivedCommand] = field(init=False, factory=list)
    sessions: list[Session] = field(init=False, factory=list)
    received_in_all: int = field(init=False, default=0)
    strangers: list[str] = field(init=False, factory=list)

    def __attrs_post_init__(self) -> None:
        self.private_key = _private_key(self.profile.key_bits)
        self.messages = Messages(self.profile, self.faults)
        self.accounts = self.new_accounts()
        self.guard = _FaultyGuard(self.profile, self.clock, self.faults)
        self.http_keys = self.new_keys()

    def now(self) -> float:
        """Unix time as the device believes it to be, for what goes over the wire."""
        return self.real_now() + self.faults.clock_offset

    def local_time(self, moment: float | None = None) -> dt.datetime:
        """The time at its house.

        Args:
            moment: In Unix time; now by default.
        """
        zone = dt.timezone(dt.timedelta(seconds=self.profile.utc_offset))
        return dt.datetime.fromtimestamp(self.now() if moment is None else moment, tz=zone)

    @property
    def presented(self) -> Profile:
        """Its profile as all answers show it, which faults may change."""
        faults, profile = self.faults, self.profile
        https_status = _HTTPS_EXPIRED if faults.certificate_expired else profile.https_status
        if faults.https_status is not None:
            https_status = faults.https_status
        return evolve(profile, serial=faults.serial or profile.serial, https_status=https_status)

    @property
    def codes(self) -> Codes:
        """The type of the codes in answers."""
        return self.faults.codes or self.profile.codes

    @property
    def send_limit(self) -> float:
        """How long a client may take to receive 64 KiB: for ever, where sending itself is slow."""
        return math.inf if self.faults.dribble is not None else self.profile.send_limit

    @property
    def slots_left(self) -> bool:
        """Whether one more session can have live events."""
        if self.faults.no_event_slots:
            return False
        return sum(session.subscribed for session in self.sessions) < self.profile.event_slots

    @property
    def is_mute(self) -> bool:
        """Whether nothing is sent any more, by `Faults.mute_after`."""
        limit = self.faults.mute_after
        return limit is not None and self.received_in_all > limit

    def new_accounts(self) -> Accounts:
        """Its user, without tokens."""
        return Accounts([self.account], self.profile, clock=self.clock, now=self.now)

    def new_keys(self) -> OneTimeKeys:
        """A place for one-time keys."""
        return OneTimeKeys(self.clock, self.profile.one_time_key_life)

    def note(self, channel: Channel, address: str, text: str, *, encrypted: bool) -> None:
        """Keep a record of a command."""
        log_command(channel, address, text, encrypted=encrypted)
        self.received_in_all += 1
        self.received.append(ReceivedCommand(channel, text, encrypted))
        del self.received[:-_RECEIVED_KEPT]
        if not is_on_the_list(text) and len(self.strangers) < _STRANGERS_KEPT:
            self.strangers.append(text)

    def end_dead_sessions(self) -> None:
        """Close the sessions whose token was killed (section 2.7)."""
        for session in list(self.sessions):
            if session.has_lost_its_token:
                session.close(closing.NORMAL)


@functools.cache
def _private_key(bits: int) -> PrivateKey:
    """One key per size and process; tests build many devices."""
    return PrivateKey.generate(bits)
