"""TCP: where a Miniserver listens, and how a connection to it is opened."""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

import trio
from attrs import frozen

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
