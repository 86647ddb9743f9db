"""A simulated Miniserver: one port that speaks HTTP and WebSocket as the protocol reference says.

It shares the wire's encoding with the exporter's client and nothing else: what it does is written
from the reference, so that the two do not share a misreading.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING

import trio
from attrs import evolve

from loxone_exporter.loxone.uuids import StateUuid
from loxone_exporter.simulator import closing
from loxone_exporter.simulator.accounts import Account, Token
from loxone_exporter.simulator.device import Channel, Device, ReceivedCommand
from loxone_exporter.simulator.doors import Doors
from loxone_exporter.simulator.faults import Faults
from loxone_exporter.simulator.house import House
from loxone_exporter.simulator.profile import Profile
from loxone_exporter.simulator.reception import Reception
from loxone_exporter.simulator.session import Session
from loxone_exporter.simulator.structure_changes import date_structure, modifications_state


if TYPE_CHECKING:
    # The module itself is only imported where TLS is asked for.
    from loxone_exporter.simulator.tls import ServerCertificate

__all__ = ["Channel", "Faults", "Profile", "ReceivedCommand", "Session", "SimulatedMiniserver"]

_TICK = 1.0
_FLOOD_TABLES = 100.0
"""How many tables a flood has in a second, unless it has fewer events."""
_NO_VALUES: Mapping[StateUuid, float] = {}
_NO_TEXTS: Mapping[StateUuid, str] = {}


class SimulatedMiniserver:
    """A Miniserver on the network, without the hardware."""

    def __init__(
        self,
        house: House,
        *,
        username: str = "demo",
        password: str = "demo",  # noqa: S107  # a made-up password for a made-up house
        profile: Profile = Profile(),  # noqa: B008  # immutable
        now: Callable[[], float] = time.time,
    ) -> None:
        """Build it; nothing runs yet.

        Args:
            house: What stands behind it.
            username: Its one user.
            password: The user's password.
            profile: What kind of device it is.
            now: Unix time, for what goes over the wire; durations follow trio's clock.
        """
        account = Account(username, password, profile.admin)
        self._device = Device(house, profile, account, now)
        self._doors = Doors()
        self._reception = Reception(self._device, self._doors)
        self._modifications = 0
        self._flood_at = 0
        self._outage = trio.Lock()

    @property
    def house(self) -> House:
        """What stands behind it."""
        return self._device.house

    @property
    def profile(self) -> Profile:
        """What kind of device it is."""
        return self._device.profile

    @property
    def faults(self) -> Faults:
        """What it does wrong; to be changed at will."""
        return self._device.faults

    @property
    def received(self) -> list[ReceivedCommand]:
        """The last 100,000 commands from clients, in order."""
        return self._device.received

    @property
    def received_in_all(self) -> int:
        """How many commands there were from clients."""
        return self._device.received_in_all

    @property
    def strangers(self) -> list[str]:
        """The first commands that loxone-exporter's own client cannot send."""
        return self._device.strangers

    @property
    def sessions(self) -> list[Session]:
        """The live WebSocket connections."""
        return self._device.sessions

    @property
    def connections(self) -> int:
        """How many connections there are, WebSockets included."""
        return self._reception.open_connections

    @property
    def connections_in_all(self) -> int:
        """How many connections there were."""
        return self._reception.accepted

    @property
    def tokens(self) -> Mapping[str, Token]:
        """The live tokens, by their text."""
        return self._device.accounts.tokens

    def forget_tokens(self) -> None:
        """End all tokens, as a firmware update may; sessions that they logged in are closed."""
        self._device.accounts.forget_tokens()
        self._device.end_dead_sessions()

    @property
    def is_refusing(self) -> bool:
        """Whether nobody can connect, as while it reboots.

        Its listeners are closed then; who connects through memory is to be refused by this.
        """
        return self._doors.are_closed

    def replace_house(self, house: House, *, upload: bool = False) -> None:
        """Put another house behind it: a structure change.

        Args:
            house: The new one.
            upload: The change comes as a program that is uploaded: live sessions are told that the
                device goes out of service, and closed (section 7). Otherwise they get the new
                house's changes.
        """
        self._device.house = house
        if upload:
            self._announce_outage()

    async def modify_structure(self, house: House, *, keep_last_modified: bool = False) -> None:
        """Change the structure as an edit by the API does: no session ends.

        The global state `modifications` fires (sections 5.5 and 7). What its text says is not
        known; here it is another one each time.

        Args:
            house: The changed house.
            keep_last_modified: The structure file keeps the old `lastModified`.
        """
        if keep_last_modified:
            date_structure(house, self.house.last_modified)
        self._device.house = house
        self._modifications += 1
        state = modifications_state(house.structure)
        if state is not None:
            await self.publish(texts={state: json.dumps({"count": self._modifications})})

    async def serve(
        self,
        listeners: Iterable[trio.SocketListener],
        *,
        tls_listeners: Iterable[trio.SocketListener] = (),
        certificate: ServerCertificate | None = None,
    ) -> None:
        """Serve clients and let the house live, until cancelled.

        Args:
            listeners: Where to accept clients; closed in the end.
            tls_listeners: Where to accept clients by TLS; closed in the end.
            certificate: What clients by TLS are shown; needed for `tls_listeners`.

        Raises:
            ValueError: There are `tls_listeners` and no certificate.
        """
        keep = self._doors.keep
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.live)
            for listener in listeners:
                nursery.start_soon(keep, listener, self.handle, nursery)
            for listener in tls_listeners:
                if certificate is None:
                    raise ValueError("without a certificate there is no TLS")
                handle = partial(self._reception.handle_tls, context=certificate.server_context())
                nursery.start_soon(keep, listener, handle, nursery)

    async def live(self) -> None:
        """Let the house live, second by second, and send its changes, until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._flood)
            due = self._device.clock()
            while True:
                due = max(due + _TICK, self._device.clock())
                await trio.sleep_until(due)
                changes = self._device.house.advance(_TICK)
                self._broadcast(changes.values, changes.texts)
                self._disturb()

    async def publish(
        self,
        values: Mapping[StateUuid, float] = _NO_VALUES,
        texts: Mapping[StateUuid, str] = _NO_TEXTS,
    ) -> None:
        """Set states and send them to everyone who listens."""
        self._device.house.values.update(values)
        self._device.house.texts.update(texts)
        self._broadcast(values, texts)
        await trio.lowlevel.checkpoint()

    def close_sessions(self, code: int) -> None:
        """Close all WebSocket connections with the reason that goes with the code."""
        for session in list(self.sessions):
            session.close(code)

    async def drop_sessions(self, code: int | None = None, reason: str = "") -> None:
        """End all WebSocket connections; does not wait for their clients.

        Args:
            code: The close code; without one, the connections just break off.
            reason: Goes with the code.
        """
        self._drop_sessions(code, reason)
        await trio.lowlevel.checkpoint()

    async def restart(self) -> None:
        """Announce to all sessions that the device goes out of service, and close them."""
        self._announce_outage()
        await trio.lowlevel.checkpoint()

    async def reboot(
        self, *, refused: float = 2.0, booting: float = 3.0, keep_tokens: bool = True
    ) -> None:
        """Reboot as a real one does (section 7); returns when it is back.

        Sessions are told and closed, then connections are refused, then answered with 503.

        Args:
            refused: For so many seconds nobody can connect.
            booting: For so many seconds after that all requests get 503.
            keep_tokens: Whether the tokens are still valid afterwards.
        """
        async with self._outage:
            self._announce_outage()
            if not keep_tokens:
                self._device.accounts.forget_tokens()
            self._doors.close()
            self._reception.hang_up()
            try:
                await trio.sleep(refused)
            finally:
                self._doors.open()
            await self._boot(booting)

    async def cut(self, *, refused: float = 2.0, silent: bool = False) -> None:
        """Cut it off without a word; returns when it can be reached again.

        Args:
            refused: For so many seconds nobody can connect.
            silent: Connections stay, and nothing gets through any more; otherwise they are reset,
                also those that wait for a request.
        """
        async with self._outage:
            before = self.faults.half_open
            self._doors.close()
            if silent:
                self.faults.half_open = True
            else:
                self._reception.cut_off()
            try:
                await trio.sleep(refused)
            finally:
                self.faults.half_open = before
                self._doors.open()

    async def update(self, *, booting: float = 30.0, keep_tokens: bool = True) -> None:
        """Update the firmware: sessions are closed with 4007; returns when it is back.

        Args:
            booting: For so many seconds all requests get 503.
            keep_tokens: Whether the tokens are still valid afterwards.
        """
        async with self._outage:
            self.close_sessions(closing.UPDATING)
            if not keep_tokens:
                self._device.accounts.forget_tokens()
            await self._boot(booting)

    async def change_user(self, *, password: str | None = None) -> None:
        """Change the user: tokens are gone, sessions are closed with 4005 (section 2.7).

        Args:
            password: The new password; by default it stays.
        """
        device = self._device
        if password is not None:
            changed = int(device.now())
            device.account = evolve(device.account, password=password, password_changed=changed)
        device.accounts.forget_tokens()
        device.accounts = device.new_accounts()
        self.close_sessions(closing.USER_CHANGED)
        await trio.lowlevel.checkpoint()

    async def change_another_user(self) -> None:
        """Change some user who does not exist here: sessions are closed with 4004."""
        self.close_sessions(closing.OTHER_USER_CHANGED)
        await trio.lowlevel.checkpoint()

    async def disable_user(self) -> None:
        """Disable the user: sessions are closed with 4006, logins get 423 from now on."""
        self.faults.user_disabled = True
        self.close_sessions(closing.USER_DISABLED)
        await trio.lowlevel.checkpoint()

    async def handle(self, stream: trio.abc.Stream) -> None:
        """Serve one client, until one of the two closes the connection.

        Whatever the client does, this does not raise.
        """
        await self._reception.handle(stream)

    async def handle_tls(self, stream: trio.abc.Stream, certificate: ServerCertificate) -> None:
        """Serve one client by TLS.

        Args:
            stream: The connection below TLS.
            certificate: What the client is shown.
        """
        await self._reception.handle_tls(stream, certificate.server_context())

    async def _boot(self, seconds: float) -> None:
        before = self.faults.booting
        self.faults.booting = True
        try:
            await trio.sleep(seconds)
        finally:
            self.faults.booting = before

    def _announce_outage(self) -> None:
        for session in list(self.sessions):
            session.go_out_of_service()

    def _drop_sessions(self, code: int | None, reason: str) -> None:
        for session in list(self.sessions):
            if code is None:
                session.abort()
            else:
                session.close(code, reason)

    def _disturb(self) -> None:
        """Do, once a second, what faults ask for between messages."""
        faults, messages = self.faults, self._device.messages
        self._device.guard.remaining("")  # a ban of all counts down even where nobody comes
        for session in list(self.sessions):
            if faults.user_disabled and session.client.account is not None:
                session.close(closing.USER_DISABLED)
            if faults.garbage_frames:
                session.send(messages.garbage())

    async def _flood(self) -> None:
        """Send the events that are too many: one by one up to a rate, above that in tables."""
        due = self._device.clock()
        while True:
            rate = self.faults.flood
            count = max(1, round(rate / _FLOOD_TABLES))
            due = max(due, self._device.clock() - _TICK) + (count / rate if rate else _TICK)
            await trio.sleep_until(due)
            listeners = [session for session in self.sessions if session.subscribed]
            if not (rate and listeners):
                continue
            table = list(self._device.messages.flood(self.house, self._flood_at, count))
            self._flood_at = (self._flood_at + count) % (len(self.house.values) or 1)
            for session in listeners:
                session.send(table)

    def _broadcast(self, values: Mapping[StateUuid, float], texts: Mapping[StateUuid, str]) -> None:
        for session in list(self.sessions):
            if session.subscribed:
                session.send_events(values, texts)
