"""A simulated Miniserver: one port that speaks HTTP and WebSocket as the protocol reference says.

It shares the wire's encoding with the exporter's client and nothing else: what it does is written
from the reference, so that the two do not share a misreading.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import trio

from loxone_exporter.loxone.uuids import StateUuid
from loxone_exporter.simulator import http_requests
from loxone_exporter.simulator.accounts import Account, Token
from loxone_exporter.simulator.answers import BAD_REQUEST, BOOTING, NOT_FOUND
from loxone_exporter.simulator.connection import (
    GONE,
    HttpConnection,
    HttpRequest,
    HttpResponse,
    WebSocket,
)
from loxone_exporter.simulator.device import Channel, Device, ReceivedCommand
from loxone_exporter.simulator.faults import Faults
from loxone_exporter.simulator.house import House
from loxone_exporter.simulator.profile import Profile
from loxone_exporter.simulator.session import Session


__all__ = ["Channel", "Faults", "Profile", "ReceivedCommand", "Session", "SimulatedMiniserver"]

_WEBSOCKET_PATH = "/ws/rfc6455"
_SUBPROTOCOL = "remotecontrol"
_TICK = 1.0
_NO_ADDRESS = "memory"
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
    def sessions(self) -> list[Session]:
        """The live WebSocket connections."""
        return self._device.sessions

    @property
    def tokens(self) -> Mapping[str, Token]:
        """The live tokens, by their text."""
        return self._device.accounts.tokens

    def forget_tokens(self) -> None:
        """End all tokens, as a firmware update may; sessions that they logged in are closed."""
        self._device.accounts.forget_tokens()
        self._device.end_dead_sessions()

    def replace_house(self, house: House) -> None:
        """Put another house behind it: a structure change.

        Live sessions get the new house's changes. A real Miniserver ends them when a program is
        uploaded: `restart` does that.
        """
        self._device.house = house

    async def serve(self, listeners: list[trio.SocketListener]) -> None:
        """Serve clients and let the house live, until cancelled.

        Args:
            listeners: Where to accept clients; closed in the end.
        """
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.live)
            nursery.start_soon(trio.serve_listeners, self.handle, listeners)

    async def live(self) -> None:
        """Let the house live, second by second, and send its changes, until cancelled."""
        due = self._device.clock()
        while True:
            due = max(due + _TICK, self._device.clock())
            await trio.sleep_until(due)
            changes = self._device.house.advance(_TICK)
            self._broadcast(changes.values, changes.texts)

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

    async def drop_sessions(self, code: int | None = None, reason: str = "") -> None:
        """End all WebSocket connections; does not wait for their clients.

        Args:
            code: The close code; without one, the connections just break off.
            reason: Goes with the code.
        """
        for session in list(self.sessions):
            if code is None:
                session.abort()
            else:
                session.close(code, reason)
        await trio.lowlevel.checkpoint()

    async def restart(self) -> None:
        """Announce to all sessions that the device goes out of service, and close them."""
        for session in list(self.sessions):
            session.go_out_of_service()
        await trio.lowlevel.checkpoint()

    async def handle(self, stream: trio.abc.Stream) -> None:
        """Serve one client, until one of the two closes the connection.

        Whatever the client does, this does not raise.
        """
        try:
            await self._serve_http(stream, _address_of(stream))
        finally:
            await trio.aclose_forcefully(stream)

    async def _serve_http(self, stream: trio.abc.Stream, address: str) -> None:
        connection = HttpConnection(stream)
        profile = self._device.profile
        may_go_on = True
        while may_go_on:
            request = None
            with trio.move_on_after(profile.http_idle_limit):
                request = await connection.receive()
            if request is None:
                return
            if self.faults.answer_with is not None:
                with trio.move_on_after(profile.send_limit):
                    await connection.send_raw(self.faults.answer_with)
                return
            outcome = self._open(request, address)
            if isinstance(outcome, WebSocket):
                session = Session(self._device, stream, outcome, address)
                await session.run(connection.trailing_data)
                return
            if self._device.is_mute:
                await _wait_for_end(stream)
                return
            may_go_on = False
            with trio.move_on_after(profile.send_limit):
                may_go_on = await connection.respond(outcome)

    def _open(self, request: HttpRequest, address: str) -> HttpResponse | WebSocket:
        """Answer a request, or agree to become a WebSocket."""
        if not request.is_upgrade:
            return http_requests.respond(self._device, request, address)
        if self.faults.booting:
            return http_requests.error(BOOTING)
        if request.target.partition("?")[0].lower() != _WEBSOCKET_PATH:
            return http_requests.error(NOT_FOUND)
        try:
            return WebSocket(
                request, subprotocol=_SUBPROTOCOL, message_limit=self.profile.command_limit
            )
        except ValueError:
            return http_requests.error(BAD_REQUEST)

    def _broadcast(self, values: Mapping[StateUuid, float], texts: Mapping[StateUuid, str]) -> None:
        for session in list(self.sessions):
            if session.subscribed:
                session.send_events(values, texts)


def _address_of(stream: trio.abc.Stream) -> str:
    """The client's IP address; memory streams share one name."""
    while isinstance(stream, trio.SSLStream):
        stream = stream.transport_stream
    if not isinstance(stream, trio.SocketStream):
        return _NO_ADDRESS
    try:
        return str(stream.socket.getpeername()[0])
    except OSError:
        return _NO_ADDRESS  # gone already


async def _wait_for_end(stream: trio.abc.Stream) -> None:
    """Say nothing until the client gives up."""
    try:
        while await stream.receive_some():
            pass
    except GONE:
        return
