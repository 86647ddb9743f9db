"""Listening sockets, and Hypercorn behind them, contained.

The one home of Hypercorn. Its own `serve` puts all connections into one nursery, where certain
packets of a single client end all of them, and with them the exporter; and it cannot end while a
client does not read. Therefore each connection runs in our own accept loop with a guard around it,
and is closed by force when it does not end by itself.
"""

from __future__ import annotations

import errno
import logging
import socket
from collections.abc import Iterable, Sequence
from typing import Final

import trio
from attrs import define, field
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config as HypercornConfig
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ASGIFramework, ConnectionState

from loxone_exporter.config.addresses import ListenAddress
from loxone_exporter.errors import ListenError
from loxone_exporter.stop import StopRequest


DRAIN: Final = 1.0
"""Seconds that pending answers have to be read, once the server is to end."""

_BACKLOG = 128

_logger = logging.getLogger(__name__)


def bind(addresses: Iterable[ListenAddress]) -> list[socket.socket]:
    """Open the listening sockets.

    Raises:
        ListenError: One of them cannot be opened; the others are closed again.
    """
    sockets: list[socket.socket] = []
    try:
        for address in addresses:
            sockets += _bind(address)
    except OSError as error:
        for opened in sockets:
            opened.close()
        raise ListenError(f"cannot listen on {address}: {_explain(error)}") from error
    return sockets


def _bind(address: ListenAddress) -> list[socket.socket]:
    if address.host is None:
        return [_bind_everywhere(address.port)]
    found = socket.getaddrinfo(
        address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    return [_listen(family, place) for family, _, _, _, place in dict.fromkeys(found)]


def _bind_everywhere(port: int) -> socket.socket:
    if not socket.has_dualstack_ipv6():
        return _listen(socket.AF_INET, ("0.0.0.0", port))  # noqa: S104  # this is what ":PORT" asks for
    return _listen(socket.AF_INET6, ("::", port), dual_stack=True)


def _listen(family: int, place: tuple[object, ...], *, dual_stack: bool = False) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not dual_stack)
        listener.bind(place)
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _explain(error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return "the address is in use; is another exporter running?"
        case errno.EACCES:
            return "ports below 1024 need a privilege; choose a higher one"
        case errno.EADDRNOTAVAIL:
            return "this machine does not have that address"
        case _:
            return error.strerror or str(error)


def url(listener: socket.socket) -> str:
    """Where a person on this machine finds a listening socket."""
    host, port = listener.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104  # compared, not bound
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _configure() -> HypercornConfig:
    # Each attribute is assigned: the class's own mutable ones are shared by all instances.
    config = HypercornConfig()
    config.include_server_header = False
    config.errorlog = logging.getLogger("hypercorn.error")
    config.accesslog = None
    config.alpn_protocols = ["http/1.1"]
    return config


@define(eq=False)
class WebServer:
    """Serves an ASGI application on sockets that are bound already."""

    _app: ASGIFramework
    _sockets: Sequence[socket.socket]
    _config: HypercornConfig = field(factory=_configure)
    _context: WorkerContext = field(factory=lambda: WorkerContext(None))
    _streams: set[trio.SocketStream] = field(factory=set)
    _idle: trio.Event = field(factory=trio.Event)

    async def serve(
        self, stop: StopRequest, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Serve until the stop is requested; then let pending answers finish, within `DRAIN`."""
        listeners = [trio.SocketListener(trio.socket.from_stdlib_socket(s)) for s in self._sockets]
        async with trio.open_nursery() as connections:
            with stop.interrupts():
                task_status.started()
                await trio.serve_listeners(self._handle, listeners, handler_nursery=connections)
            await self._context.terminated.set()
            with trio.move_on_after(DRAIN):
                while self._streams:
                    self._idle = trio.Event()
                    await self._idle.wait()
            # Hypercorn shields its sending from cancellation; a closed socket ends it.
            for stream in self._streams:
                stream.socket.close()
            connections.cancel_scope.cancel(reason="the server has ended")

    async def _handle(self, stream: trio.SocketStream) -> None:
        self._streams.add(stream)
        try:
            await TCPServer(
                ASGIWrapper(self._app),
                self._config,
                self._context,
                ConnectionState({}),
                stream,  # type: ignore[arg-type]  # without TLS, a plain stream is what it expects
            )
        except* Exception:
            # Whatever a client sends, it ends no more than its own connection.
            _logger.debug("a client's connection ended by an error", exc_info=True)
        finally:
            self._streams.discard(stream)
            self._idle.set()
            await trio.aclose_forcefully(stream)
