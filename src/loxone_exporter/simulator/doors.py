"""Listeners that can be closed for a while and opened again on the same ports."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Self

import trio
from attrs import frozen


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
        place = _Place.of(listener)  # of a closed socket nothing can be asked
        while True:
            with trio.CancelScope() as scope:
                self._accepting.add(scope)
                try:
                    await trio.serve_listeners(handler, [listener], handler_nursery=clients)
                finally:
                    self._accepting.discard(scope)
            await self._opened.wait()
            listener = await _reopen(place)


@frozen
class _Place:
    """Where a socket listens.

    Attributes:
        family: IPv4 or IPv6.
        address: As the operating system writes it.
        only_ipv6: Whether an IPv6 socket does not accept clients by IPv4.
    """

    family: int
    address: tuple[object, ...]
    only_ipv6: bool

    @classmethod
    def of(cls, listener: trio.SocketListener) -> Self:
        """The place of a listener that is open."""
        opened = listener.socket
        is_ipv6 = opened.family == trio.socket.AF_INET6
        only_ipv6 = is_ipv6 and bool(
            opened.getsockopt(trio.socket.IPPROTO_IPV6, trio.socket.IPV6_V6ONLY)
        )
        return cls(opened.family, opened.getsockname(), only_ipv6)


async def _reopen(place: _Place) -> trio.SocketListener:
    """Listen where a listener was before."""
    while True:
        opened = trio.socket.socket(place.family, trio.socket.SOCK_STREAM)
        try:
            opened.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_REUSEADDR, 1)
            if place.family == trio.socket.AF_INET6:
                only_ipv6 = int(place.only_ipv6)
                opened.setsockopt(trio.socket.IPPROTO_IPV6, trio.socket.IPV6_V6ONLY, only_ipv6)
            await opened.bind(place.address)
            opened.listen()
        except OSError as error:
            # Somebody else took the port meanwhile; a device cannot move to another either.
            opened.close()
            _logger.warning("cannot listen on %s again yet: %s", place.address, error.strerror)
            await trio.sleep(_RETRY)
        else:
            return trio.SocketListener(opened)
