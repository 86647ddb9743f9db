"""A stream whose bytes do not get through as they should."""

from __future__ import annotations

import trio
from attrs import define

from loxone_exporter.simulator.connection import wait_for_end
from loxone_exporter.simulator.faults import Faults


_STEP = 0.05


@define(eq=False)
class FaultyStream(trio.abc.Stream):
    """A Miniserver's end of a connection; without faults all goes through as it is.

    A connection that was half-open once stays so: what was lost does not come back.

    Attributes:
        transport_stream: What it goes through.
        is_half_open: Whether nothing gets through any more, in either direction.
    """

    transport_stream: trio.abc.Stream
    _faults: Faults
    is_half_open: bool = False

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send, or lose, all bytes."""
        left = memoryview(data)
        # The fault may end midway.
        while left and (rate := self._faults.dribble) is not None:
            size = max(1, int(rate * _STEP))
            piece, left = left[:size], left[size:]
            await self._send(piece)
            await trio.sleep(len(piece) / rate)
        await self._send(left)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait as the transport does."""
        await self.transport_stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Receive; bytes that are lost are waited past, to the end of the connection."""
        while True:
            data = await self.transport_stream.receive_some(max_bytes)
            if not (data and self._is_lost()):
                return data

    async def aclose(self) -> None:
        """Close the transport."""
        await self.transport_stream.aclose()

    async def outlast_client(self) -> None:
        """Where the connection is half-open, wait for the client to give it up."""
        if self.is_half_open:
            await wait_for_end(self.transport_stream)

    async def _send(self, data: bytes | bytearray | memoryview) -> None:
        if self._is_lost():
            await trio.lowlevel.checkpoint()
        else:
            await self.transport_stream.send_all(data)

    def _is_lost(self) -> bool:
        self.is_half_open = self.is_half_open or self._faults.half_open
        return self.is_half_open
