"""Listening sockets, and what becomes of the connections that are made to them.

They are accepted here, and not by trio or Hypercorn: those that are too many are closed before
anything is set up for them, a process without a file to spare goes on and says so once, and with
the server all of them end, whatever their clients do.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import math
import socket
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import trio
from attrs import define, field, frozen

from loxone_exporter.clients import Clients
from loxone_exporter.config.addresses import ListenAddress
from loxone_exporter.errors import ListenError
from loxone_exporter.stop import StopRequest
from loxone_exporter.web.admission import Admission
from loxone_exporter.web.connection import (
    PATIENCE,
    Application,
    Connection,
    Phase,
    Service,
)


if TYPE_CHECKING:
    from loxone_exporter.web.tls import ServerTls


DRAIN: Final = 1.0
"""Seconds that pending answers have to be read, once the server is to end."""

UNACKNOWLEDGED: Final = 30.0
"""Seconds after which the operating system, where it knows how to, gives up a client that takes in
nothing, even after the exporter has closed the connection."""

ACCEPT_PAUSE: Final = 0.25
"""Seconds until the next attempt, where the operating system has no room for a connection."""

REMINDER: Final = 60.0
"""Seconds for which what was said is not said again."""

_BACKLOG = 128

_NO_ROOM = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

_RESET = struct.pack("ii", 1, 0)
"""What makes the operating system forget a socket at once (socket(7), SO_LINGER)."""

_logger = logging.getLogger(__name__)


def bind(addresses: Iterable[ListenAddress]) -> list[socket.socket]:
    """Open the listening sockets.

    Raises:
        ListenError: One of them cannot be opened; the others are closed again.
    """
    sockets: list[socket.socket] = []
    try:
        for address in addresses:
            # One by one: what is open already has to be closed if the next one cannot be.
            sockets.extend(map(_listen, _places(address)))
    except OSError as error:
        for opened in sockets:
            opened.close()
        raise ListenError(f"cannot listen on {address}: {_explain(error)}") from error
    return sockets


@frozen
class _Place:
    family: int
    address: tuple[object, ...]
    dual_stack: bool = False


def _places(listen: ListenAddress) -> Iterable[_Place]:
    if listen.host is not None:
        found = socket.getaddrinfo(
            listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        return dict.fromkeys(_Place(family, address) for family, _, _, _, address in found)
    if socket.has_dualstack_ipv6():
        return [_Place(socket.AF_INET6, ("::", listen.port), dual_stack=True)]
    return [_Place(socket.AF_INET, ("0.0.0.0", listen.port))]  # noqa: S104  # ":PORT" asks for it


def _listen(place: _Place) -> socket.socket:
    listener = socket.socket(place.family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if place.family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not place.dual_stack)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # the connections inherit it
            milliseconds = int(1000 * UNACKNOWLEDGED)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
        listener.bind(place.address)
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _explain(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return f"the name is not known ({error.strerror}); an address of this machine will do, too"
    match error.errno:
        case errno.EADDRINUSE:
            return "the address is in use; is another exporter running? If not, choose another port"
        case errno.EACCES:
            return "ports below 1024 need a privilege; choose a higher one"
        case errno.EADDRNOTAVAIL:
            return "this machine does not have that address"
        case _:
            return error.strerror or str(error)


def url(listener: socket.socket, *, scheme: str = "http") -> str:
    """Where a person on this machine finds a listening socket."""
    host, port = listener.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104  # compared, not bound
        host = "localhost"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


@define(eq=False)
class _Warning:
    """Something to be said, but not again and again.

    Attributes:
        text: With places for what is told each time.
    """

    text: str
    _last: float = -math.inf

    def say(self, *details: object) -> None:
        """Say it, unless that was just done."""
        now = trio.current_time()
        if now - self._last >= REMINDER:
            self._last = now
            _logger.warning(self.text, *details)


@define(eq=False)
class WebServer:
    """Serves an ASGI application on sockets that are bound already."""

    _app: Application
    _sockets: Sequence[socket.socket]
    _clients: Clients
    _patience: Mapping[Phase, float] = field(default=PATIENCE)
    _tls: ServerTls | None = field(default=None, kw_only=True)
    _service: Service = field(init=False)
    _admission: Admission = field(init=False)
    _left: trio.Event = field(factory=trio.Event)
    _full: _Warning = field(
        factory=lambda: _Warning(
            "%d clients are connected, which is as many as there may be ([web] max_connections, or "
            "open files): more are refused, and counted in "
            "loxone_exporter_connections_refused_total"
        )
    )
    _no_room: _Warning = field(
        factory=lambda: _Warning(
            "cannot accept connections of clients now, but goes on trying: %s; allow the process "
            "more open files, or fewer clients ([web] max_connections)"
        )
    )

    @_service.default
    def _make_service(self) -> Service:
        encrypt = None if self._tls is None else self._tls.encrypt
        return Service(self._app, self._clients, self._patience, encrypt=encrypt)

    @_admission.default
    def _make_admission(self) -> Admission:
        return Admission(self._clients)

    async def serve(
        self, stop: StopRequest, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Serve until the stop is requested; then let pending answers finish, within `DRAIN`."""
        async with trio.open_nursery() as connections:
            with stop.interrupts():
                async with trio.open_nursery() as listening:
                    for opened in self._sockets:
                        listener = trio.SocketListener(trio.socket.from_stdlib_socket(opened))
                        listening.start_soon(self._accept, listener, connections)
                    task_status.started()
            await self._service.stop()
            for connection in self._admission.connections:
                connection.finish()
            with trio.move_on_after(DRAIN):
                while self._clients.connected:
                    self._left = trio.Event()
                    await self._left.wait()
            connections.cancel_scope.cancel(reason="the server has ended")

    async def _accept(self, listener: trio.SocketListener, connections: trio.Nursery) -> None:
        async with listener:
            while True:
                try:
                    stream = await listener.accept()
                except OSError as error:
                    if error.errno not in _NO_ROOM:
                        raise
                    self._no_room.say(error.strerror)
                    await trio.sleep(ACCEPT_PAUSE)
                else:
                    self._receive(stream, connections)

    def _receive(self, stream: trio.SocketStream, connections: trio.Nursery) -> None:
        """Let a client in, or close its connection."""
        try:
            client, server = stream.socket.getpeername()[:2], stream.socket.getsockname()[:2]
        except OSError:  # it is gone already
            stream.socket.close()
            return
        if self._admission.admit(client[0]):
            connection = Connection(stream, self._service, client, server)
            connections.start_soon(self._handle, stream, connection)
        else:
            self._full.say(self._clients.connected)
            _refuse(stream)

    async def _handle(self, stream: trio.SocketStream, connection: Connection) -> None:
        """See a client through."""
        self._admission.connections.add(connection)
        try:
            await connection.serve()
        finally:
            self._admission.connections.discard(connection)
            self._admission.dismiss()
            self._left.set()
            await trio.aclose_forcefully(stream)


def _refuse(stream: trio.SocketStream) -> None:
    """Close a connection so that the operating system keeps nothing of it, either."""
    with contextlib.suppress(OSError):  # the client may be gone already
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    stream.socket.close()
