"""A network in memory between one exporter and one Miniserver whose bytes are scrambled."""

from __future__ import annotations

import trio
from attrs import define, field
from trio.testing import memory_stream_pair

from fuzz.wire.scrambler import ScrambledStream, Scrambler
from loxone_exporter.errors import UnreachableError
from loxone_exporter.miniserver.network import Address
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.simulator.tls import ServerCertificate


TLS_PORT = 443


@define(eq=False)
class NearEnd(trio.abc.Stream):
    """The exporter's end of a connection.

    Attributes:
        sent: What the exporter has sent.
        is_closed: Whether it has closed it.
    """

    _stream: trio.abc.Stream
    sent: bytearray = field(factory=bytearray)
    is_closed: bool = False

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send, and keep a copy."""
        self.sent += data
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait as the transport does."""
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Receive."""
        return await self._stream.receive_some(max_bytes)

    async def aclose(self) -> None:
        """Close, and take note of it."""
        self.is_closed = True
        await self._stream.aclose()


@define(eq=False)
class ScrambledNetwork:
    """Where an exporter finds a Miniserver, at any name and port.

    Attributes:
        connections: The exporter's ends of all connections, in order.
        ports: The ports of all attempts, in order.
    """

    _nursery: trio.Nursery
    _miniserver: SimulatedMiniserver
    _scrambler: Scrambler
    _certificate: ServerCertificate | None = None
    connections: list[NearEnd] = field(factory=list)
    ports: list[int] = field(factory=list)

    async def connect(self, address: Address) -> trio.abc.Stream:
        """Open a connection.

        Raises:
            UnreachableError: The Miniserver has no TLS, or is just restarting.
        """
        await trio.lowlevel.checkpoint()
        self.ports.append(address.port)
        miniserver, certificate = self._miniserver, self._certificate
        client, server = memory_stream_pair()
        stream = ScrambledStream(server, self._scrambler)
        if address.port != TLS_PORT and not miniserver.is_refusing:
            self._nursery.start_soon(miniserver.handle, stream)
        elif certificate is not None and not miniserver.is_refusing:
            self._nursery.start_soon(miniserver.handle_tls, stream, certificate)
        else:
            raise UnreachableError(f"{address.authority} cannot be reached: Connection refused")
        near = NearEnd(client)
        self.connections.append(near)
        return near
