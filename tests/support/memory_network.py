"""A network in memory, on which one exporter finds simulated Miniservers and worse."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

import trio
from attrs import define, field
from trio.testing import memory_stream_pair

from loxone_exporter.config.model import MiniserverConfig
from loxone_exporter.config.secret import Secret
from loxone_exporter.errors import UnreachableError
from loxone_exporter.loxone.uuids import parse_uuid
from loxone_exporter.miniserver.network import Address
from loxone_exporter.simulator.house import PlayedHouse
from loxone_exporter.simulator.miniserver import SimulatedMiniserver


TLS_PORT = 443

PASSWORD = "correct horse battery"

TEMPERATURE = parse_uuid("10000000-0000-0001-ffff000000000001")
LIGHT = parse_uuid("10000000-0000-0002-ffff000000000002")

STRUCTURE = {
    "lastModified": "2026-05-25 18:00:00",
    "msInfo": {"serialNr": "504F94D0E0DE"},
    "rooms": {"r": {"name": "Küche"}},
    "cats": {"c": {"name": "Klima"}},
    "controls": {
        "20000000-0000-0001-ffff000000000001": {
            "name": "Temperatur",
            "type": "InfoOnlyAnalog",
            "room": "r",
            "cat": "c",
            "states": {"value": "10000000-0000-0001-ffff000000000001"},
        },
        "20000000-0000-0002-ffff000000000002": {
            "name": "Licht",
            "type": "Switch",
            "room": "r",
            "cat": "c",
            "states": {"active": "10000000-0000-0002-ffff000000000002"},
        },
    },
}


def small_house() -> PlayedHouse:
    return PlayedHouse.from_bytes(json.dumps(STRUCTURE).encode(), live=False)


def miniserver_config(name: str = "home", *, password: str = PASSWORD) -> MiniserverConfig:
    return MiniserverConfig(
        name=name, host=f"{name}.test", port=80, username="exporter", password=Secret(password)
    )


@define(eq=False)
class WatchedStream(trio.abc.Stream):
    """The near end of a connection.

    Attributes:
        is_closed: Whether it was closed.
        received: How many bytes came over it.
    """

    _stream: trio.abc.Stream
    _latency: float
    is_closed: bool = False
    received: int = 0

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        data = bytes(await self._stream.receive_some(max_bytes))
        if self._latency:
            await trio.sleep(self._latency)
        self.received += len(data)
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        self.is_closed = True
        await self._stream.aclose()


Handler = Callable[[trio.abc.Stream], Awaitable[object]]


@define(eq=False)
class MemoryNetwork:
    """Hosts by name; a host that is not there refuses.

    Attributes:
        hosts: What serves the connections to each host, on all ports but that of TLS.
        tls_hosts: What serves the connections to port 443 of each host.
        connections: Host and time of each attempt to connect.
        addresses: Where each attempt went.
        streams: The near ends of all connections that came about.
        latency: Seconds that bytes take from the host.
        miniservers: Simulated Miniservers among them, whose records are looked through in the end.
    """

    _nursery: trio.Nursery
    hosts: dict[str, Handler] = field(factory=dict)
    tls_hosts: dict[str, Handler] = field(factory=dict)
    connections: list[tuple[str, float]] = field(factory=list)
    addresses: list[Address] = field(factory=list)
    streams: list[WatchedStream] = field(factory=list)
    latency: float = 0.0
    miniservers: list[SimulatedMiniserver] = field(factory=list)

    async def connect(self, address: Address) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        self.connections.append((address.host, trio.current_time()))
        self.addresses.append(address)
        hosts = self.tls_hosts if address.port == TLS_PORT else self.hosts
        handler = hosts.get(address.host)
        if handler is None:
            raise UnreachableError(f"{address.authority} cannot be reached: Connection refused")
        client, server = memory_stream_pair()
        self._nursery.start_soon(handler, server)
        stream = WatchedStream(client, self.latency)
        self.streams.append(stream)
        return stream

    def attempts(self, host: str) -> list[float]:
        """When somebody tried to connect to a host."""
        return [time for tried, time in self.connections if tried == host]

    def ports(self) -> list[int]:
        """The ports to which somebody tried to connect, in order."""
        return [address.port for address in self.addresses]

    def open_streams(self) -> int:
        """How many connections were not closed by who opened them."""
        return sum(not stream.is_closed for stream in self.streams)
