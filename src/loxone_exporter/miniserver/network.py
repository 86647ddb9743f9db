"""TCP: where a Miniserver listens, and how a connection to it is opened."""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, TypeAlias

import trio
from attrs import define, field, frozen

from loxone_exporter.errors import UnreachableError, leaves


CONNECT_DEADLINE: Final = 5.0
"""Seconds for a TCP connection: time enough for two of its packets to be lost."""

STREAM_ERRORS: Final = (trio.BrokenResourceError, trio.ClosedResourceError)
"""What trio raises for a connection that is gone."""


@frozen
class Address:
    """Where a Miniserver listens; the host is a name or an address, IPv6 without brackets."""

    host: str
    port: int

    @property
    def authority(self) -> str:
        """Host and port as a URL and a `Host` header spell them."""
        # The zone of a link-local address means something on this machine only.
        host = f"[{self.host.partition('%')[0]}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@define(eq=False)
class NameLookup(trio.abc.HostnameResolver):
    """Has the operating system look names up, each in a thread of its own.

    trio has forty threads for all names, and one that nobody answers for keeps its thread for half
    a minute, again and again: a few dozen of them, of a zone that is gone, would leave none to the
    others.
    """

    _places: dict[object, trio.CapacityLimiter] = field(factory=dict)

    async def getaddrinfo(  # noqa: PLR0917  # as socket.getaddrinfo
        self,
        host: bytes | None,
        port: bytes | str | int | None,
        family: int = 0,
        type: int = 0,  # noqa: A002  # likewise
        proto: int = 0,
        flags: int = 0,
    ) -> Any:  # noqa: ANN401  # likewise, and long
        """The addresses of a name, as trio asks for them."""
        place = self._places.setdefault(host, trio.CapacityLimiter(1))
        look_up = partial(socket.getaddrinfo, host, port, family, type, proto, flags)
        return await trio.to_thread.run_sync(look_up, abandon_on_cancel=True, limiter=place)

    async def getnameinfo(
        self, sockaddr: tuple[str, int] | tuple[str, int, int, int], flags: int
    ) -> tuple[str, str]:
        """The name of an address, likewise."""
        place = self._places.setdefault(sockaddr, trio.CapacityLimiter(1))
        look_up = partial(socket.getnameinfo, sockaddr, flags)
        return await trio.to_thread.run_sync(look_up, abandon_on_cancel=True, limiter=place)


Connect: TypeAlias = Callable[[Address], Awaitable[trio.abc.Stream]]
"""Opens a connection; tests have one that needs no network."""


async def connect_tcp(address: Address) -> trio.abc.Stream:
    """Open a TCP connection.

    Raises:
        UnreachableError: There is nobody at this address.
    """
    try:
        with trio.fail_after(CONNECT_DEADLINE):
            return await trio.open_tcp_stream(address.host, address.port)
    except trio.TooSlowError as error:
        raise _unreachable(address, f"no answer within {CONNECT_DEADLINE:g} s") from error
    except (OSError, UnicodeError) as error:
        raise _unreachable(address, _plain(error)) from error


def peer_of(stream: trio.abc.Stream) -> str | None:
    """The IP address at the other end; None where there is none to know."""
    if not isinstance(stream, trio.SocketStream):
        return None
    try:
        return str(stream.socket.getpeername()[0])
    except OSError:
        return None  # gone already


def _unreachable(address: Address, cause: str) -> UnreachableError:
    return UnreachableError(f"{address.authority} cannot be reached: {cause}")


def _plain(error: OSError | UnicodeError) -> str:
    # trio raises one OSError for all addresses that it tried, and keeps the causes behind it.
    causes = error.__cause__
    if isinstance(causes, BaseExceptionGroup):
        return "; ".join(sorted({_plain(leaf) for leaf in leaves(causes, OSError)}))
    if isinstance(error, socket.gaierror):
        return f"the name is not known ({error.strerror})"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return str(error)
