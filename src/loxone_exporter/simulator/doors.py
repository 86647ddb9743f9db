"""Listeners that can be closed for a while and opened again on the same ports."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import trio


_logger = logging.getLogger(__name__)

_RETRY = 0.2

Handler = Callable[[trio.SocketStream], Awaitable[object]]


class Doors:
    """The places where a simulated Miniserver accepts clients.

    While they are closed the operating system refuses connections, as a device does that boots.
    """

    def __init__(self) -> None:
        self._accepting: set[trio.CancelScope] = set()
        self._opened = trio.Event()
        self._opened.set()

    @property
    def are_closed(self) -> bool:
        """Whether clients are refused at the moment."""
        return not self._opened.is_set()

    def close(self) -> None:
        """Refuse clients from now on."""
        self._opened = trio.Event()
        for scope in self._accepting:
            scope.cancel()

    def open(self) -> None:
        """Accept clients again."""
        self._opened.set()

    async def keep(
        self, listener: trio.SocketListener, handler: Handler, clients: trio.Nursery
    ) -> None:
        """Accept clients at one place whenever the doors are open, until cancelled.

        Args:
            listener: The place; it is closed in the end.
            handler: Serves one client.
            clients: Where the handlers run.
        """
        family = listener.socket.family
        address = listener.socket.getsockname()
        while True:
            with trio.CancelScope() as scope:
                self._accepting.add(scope)
                try:
                    await trio.serve_listeners(handler, [listener], handler_nursery=clients)
                finally:
                    self._accepting.discard(scope)
            await self._opened.wait()
            listener = await _reopen(family, address)


async def _reopen(family: int, address: tuple[object, ...]) -> trio.SocketListener:
    """Listen where a listener was before."""
    while True:
        opened = trio.socket.socket(family, trio.socket.SOCK_STREAM)
        try:
            opened.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_REUSEADDR, 1)
            if family == trio.socket.AF_INET6:
                opened.setsockopt(trio.socket.IPPROTO_IPV6, trio.socket.IPV6_V6ONLY, 1)
            await opened.bind(address)
            opened.listen()
        except OSError as error:
            # Somebody else took the port meanwhile; a device cannot move to another either.
            opened.close()
            _logger.warning("cannot listen on %s again yet: %s", address, error.strerror)
            await trio.sleep(_RETRY)
        else:
            return trio.SocketListener(opened)
