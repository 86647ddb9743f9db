"""Where clients of a simulated Miniserver come in: one connection each, plain or by TLS."""

from __future__ import annotations

import logging
import socket
import ssl
import struct

import trio

from loxone_exporter.simulator import http_requests
from loxone_exporter.simulator.answers import (
    BAD_REQUEST,
    BOOTING,
    NOT_FOUND,
    TOO_MANY_CONNECTIONS,
)
from loxone_exporter.simulator.connection import (
    HttpConnection,
    HttpRequest,
    HttpResponse,
    WebSocket,
    wait_for_end,
)
from loxone_exporter.simulator.device import Device
from loxone_exporter.simulator.doors import Doors
from loxone_exporter.simulator.session import Session
from loxone_exporter.simulator.stream_faults import FaultyStream


_logger = logging.getLogger(__name__)

_WEBSOCKET_PATH = "/ws/rfc6455"
_SUBPROTOCOL = "remotecontrol"
_NO_ADDRESS = "memory"
_FOUND = 302
_RESET = struct.pack("ii", 1, 0)
"""`SO_LINGER`: what is closed is reset, and nothing that waits to be sent is sent."""


class Reception:
    """Serves the connections of one device.

    While the doors are closed, who comes in is sent away without a word.

    Attributes:
        accepted: How many connections there were.
    """

    def __init__(self, device: Device, doors: Doors) -> None:
        self.accepted = 0
        self._device = device
        self._doors = doors
        self._idle: set[trio.CancelScope] = set()
        self._scopes: dict[trio.abc.Stream, trio.CancelScope] = {}
        self._connections = 0

    @property
    def open_connections(self) -> int:
        """How many connections there are, what has become a WebSocket included."""
        return len(self._scopes)

    def hang_up(self) -> None:
        """End the connections that wait for a request; WebSockets stay."""
        for scope in list(self._idle):
            scope.cancel()

    def cut_off(self) -> None:
        """Break all connections off; those of sockets are reset."""
        for stream, scope in self._scopes.items():
            if isinstance(stream, trio.SocketStream):
                stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            scope.cancel()

    async def handle(self, stream: trio.abc.Stream) -> None:
        """Serve one client, until one of the two closes the connection.

        Whatever the client does, this does not raise.
        """
        faulty = FaultyStream(stream, self._device.faults)
        await self._serve(stream, faulty, faulty, encrypted=_is_tls(stream))

    async def handle_tls(self, stream: trio.abc.Stream, context: ssl.SSLContext) -> None:
        """Serve one client by TLS.

        Args:
            stream: The connection below TLS.
            context: What the client is shown.
        """
        faulty = FaultyStream(stream, self._device.faults)
        encrypted = trio.SSLStream(faulty, context, server_side=True, https_compatible=True)
        await self._serve(stream, faulty, encrypted, encrypted=True)

    async def _serve(
        self,
        stream: trio.abc.Stream,
        faulty: FaultyStream,
        outermost: trio.abc.Stream,
        *,
        encrypted: bool,
    ) -> None:
        """Serve one connection; whatever goes wrong costs this one only.

        Args:
            stream: The connection itself.
            faulty: The connection with what is wrong about it.
            outermost: Where HTTP is spoken: this, or the TLS above it.
            encrypted: Whether that is TLS.
        """
        self.accepted += 1
        try:
            with trio.CancelScope() as self._scopes[stream]:
                if not self._doors.are_closed:
                    await self._serve_http(outermost, _address_of(stream), encrypted=encrypted)
                    await faulty.outlast_client()
        except* Exception:  # the simulator's supervisor: one client ends no other's
            _logger.exception("a connection ended by an error of the simulator")
        finally:
            del self._scopes[stream]
            await trio.aclose_forcefully(stream)

    async def _serve_http(self, stream: trio.abc.Stream, address: str, *, encrypted: bool) -> None:
        self._connections += 1
        try:
            upgraded = await self._answer_requests(stream, address, encrypted=encrypted)
        finally:
            self._connections -= 1
        if upgraded is not None:
            websocket, first = upgraded
            await Session(self._device, stream, websocket, address).run(first)

    async def _answer_requests(
        self, stream: trio.abc.Stream, address: str, *, encrypted: bool
    ) -> tuple[WebSocket, bytes] | None:
        """Answer requests, until one becomes a WebSocket, or the connection ends."""
        connection = HttpConnection(stream)
        device = self._device
        may_go_on = True
        while may_go_on:
            request = await self._next_request(connection)
            if request is None:
                return None
            if self._device.faults.answer_delay:
                await trio.sleep(self._device.faults.answer_delay)
            if self._device.faults.answer_with is not None:
                with trio.move_on_after(device.send_limit):
                    await connection.send_raw(self._device.faults.answer_with)
                return None
            outcome = self._open(request, address, encrypted=encrypted)
            if isinstance(outcome, WebSocket):
                return outcome, connection.trailing_data
            if device.is_mute:
                await wait_for_end(stream)
                return None
            may_go_on = False
            with trio.move_on_after(device.send_limit):
                may_go_on = await connection.respond(outcome)
        return None

    async def _next_request(self, connection: HttpConnection) -> HttpRequest | None:
        with trio.move_on_after(self._device.profile.http_idle_limit) as waiting:
            self._idle.add(waiting)
            try:
                return await connection.receive()
            finally:
                self._idle.discard(waiting)
        return None

    def _open(
        self, request: HttpRequest, address: str, *, encrypted: bool
    ) -> HttpResponse | WebSocket:
        """Answer a request, or agree to become a WebSocket."""
        if self._device.faults.redirect is not None and not encrypted:
            return self._redirect(request, address, self._device.faults.redirect)
        if not request.is_upgrade:
            # What has become a WebSocket does not count.
            if self._connections > self._device.profile.http_connections:
                return http_requests.error(TOO_MANY_CONNECTIONS)
            return http_requests.respond(self._device, request, address)
        if self._device.faults.booting:
            return http_requests.error(BOOTING)
        if request.target.partition("?")[0].lower() != _WEBSOCKET_PATH:
            return http_requests.error(NOT_FOUND)
        return self._upgrade(request)

    def _upgrade(self, request: HttpRequest) -> HttpResponse | WebSocket:
        try:
            return WebSocket(
                request,
                subprotocol=_SUBPROTOCOL,
                message_limit=self._device.profile.command_limit,
            )
        except ValueError:
            return http_requests.error(BAD_REQUEST)

    def _redirect(self, request: HttpRequest, address: str, url: str) -> HttpResponse:
        """Send a client to another place, with the path it asked for."""
        self._device.note("http", address, request.target.removeprefix("/"), encrypted=False)
        location = f"{url.rstrip('/')}/{request.target.removeprefix('/')}"
        return HttpResponse(_FOUND, b"", "text/html", [(b"Location", location.encode())])


def _is_tls(stream: trio.abc.Stream) -> bool:
    return isinstance(stream, trio.SSLStream)


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
