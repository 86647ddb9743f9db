"""Listening sockets, and Hypercorn behind them, contained.

The one home of Hypercorn. Its own `serve` puts all connections into one nursery, where certain
packets of a single client end all of them, and with them the exporter; and it cannot end while a
client does not read. Therefore each connection runs in our own accept loop with a guard around it,
speaks HTTP/1.1 only, and is closed by force when it does not end by itself.
"""

from __future__ import annotations

import errno
import logging
import socket
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import trio
from attrs import define, field, frozen
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config as HypercornConfig
from hypercorn.events import Closed, Event, Updated
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ASGIFramework, ConnectionState

from loxone_exporter.config.addresses import ListenAddress
from loxone_exporter.errors import ListenError
from loxone_exporter.stop import StopRequest


if TYPE_CHECKING:
    from loxone_exporter.web.tls import ServerTls


KEEP_ALIVE: Final = 75.0
"""Seconds that an idle connection is kept: a scraper that asks each minute comes back on it."""

DRAIN: Final = 1.0
"""Seconds that pending answers have to be read, once the server is to end."""

READING_LIMIT: Final = 30.0
"""Seconds after which a client that takes in nothing of its answer is cut off, where the operating
system knows how to."""

COMMON_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'self'"),
)
"""What every answer has, whoever makes it: browsers take nothing for what it is not, tell nobody
where a link was, and load nothing from elsewhere."""

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
            milliseconds = int(1000 * READING_LIMIT)
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


class _Http1Config(HypercornConfig):
    """Hypercorn's settings, and what it adds to every answer, those to errors included."""

    def response_headers(self, protocol: str) -> list[tuple[bytes, bytes]]:
        return [*super().response_headers(protocol), *COMMON_HEADERS]


def _configure() -> HypercornConfig:
    # Each attribute is assigned: the class's own mutable ones are shared by all instances.
    config = _Http1Config()
    config.include_server_header = False
    config.errorlog = logging.getLogger("hypercorn.error")
    config.accesslog = None
    config.keep_alive_timeout = KEEP_ALIVE
    return config


class _Http1Protocol(H11Protocol):
    """Hypercorn's HTTP/1.1 without its ways out of it: HTTP/2 and WebSockets.

    A request for one of them is answered as if it did not ask for that, as HTTP allows. There is no
    use for either here, and with both a client that does nothing keeps its connection for ever.
    """

    async def _check_protocol(self, event: Any) -> None:  # noqa: ANN401  # h11's, at home elsewhere
        pass

    async def _create_stream(self, request: Any) -> None:  # noqa: ANN401  # likewise
        headers = [(name, value) for name, value in request.headers if name != b"upgrade"]
        await super()._create_stream(
            type(request)(
                method=request.method,
                target=request.target,
                headers=headers,
                http_version=request.http_version,
            )
        )


class _Http1Server(TCPServer):
    """Hypercorn's server of one connection, for HTTP/1.1 only."""

    _is_client_gone = False

    async def protocol_send(self, event: Event) -> None:
        """Do what the protocol wants done."""
        if self._is_client_gone and isinstance(event, Updated):
            return  # no further request is waited for
        try:
            await super().protocol_send(event)
        except trio.BusyResourceError:
            # The connection is being closed while there is still something to be sent on it.
            await self.protocol.handle(Closed())

    async def _read_data(self) -> None:
        # Hypercorn makes the protocol itself, and reads nothing before this.
        made = self.protocol.protocol
        self.protocol.protocol = _Http1Protocol(
            made.app,
            made.config,
            made.context,
            made.task_group,
            made.connection_state,
            made.ssl,
            made.client,
            made.server,
            made.send,
        )
        await super()._read_data()
        # The client is gone: its connection need not be kept for the next request.
        self._is_client_gone = True
        await self.idle_task.stop()


@define(eq=False)
class WebServer:
    """Serves an ASGI application on sockets that are bound already."""

    _app: ASGIFramework
    _sockets: Sequence[socket.socket]
    _config: HypercornConfig = field(factory=_configure)
    _tls: ServerTls | None = field(default=None, kw_only=True)
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
            client = stream if self._tls is None else await self._tls.encrypt(stream)
            if client is not None:
                await _Http1Server(
                    ASGIWrapper(self._app),
                    self._config,
                    self._context,
                    ConnectionState({}),
                    client,  # type: ignore[arg-type]  # without TLS, it expects a plain stream
                )
        except* Exception:
            # Whatever a client sends, it ends no more than its own connection.
            _logger.debug("a client's connection ended by an error", exc_info=True)
        finally:
            self._streams.discard(stream)
            self._idle.set()
            await trio.aclose_forcefully(stream)
