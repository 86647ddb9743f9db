"""A gate in front of a simulated Miniserver: from some moment on, next to nothing gets out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio
from attrs import define


@define(eq=False)
class Gate:
    """What the connections to one Miniserver go through.

    Attributes:
        is_due: Says, before something is sent, whether it is time to shut it.
        pause: Seconds between two bytes that get out of a shut gate; None lets nothing out.
        shut_at: When it was shut, in trio's time; None while it is open.
    """

    _nursery: trio.Nursery
    is_due: Callable[[], bool]
    pause: float | None = None
    shut_at: float | None = None

    def guard(self, stream: trio.abc.Stream) -> trio.abc.Stream:
        """The far end of a connection, behind the gate."""
        return _GuardedStream(stream, self)

    def open_for_good(self) -> None:
        """Let everything out; what was kept from a connection does not get out later."""
        self.shut_at = None
        self.is_due = lambda: False

    def is_shut(self) -> bool:
        if self.shut_at is None and self.is_due():
            self.shut_at = trio.current_time()
        return self.shut_at is not None

    def let_drip(self, drip: Callable[[float], Awaitable[object]]) -> None:
        if self.pause is not None:
            self._nursery.start_soon(drip, self.pause)


@define(eq=False)
class _GuardedStream(trio.abc.Stream):
    _stream: trio.abc.Stream
    _gate: Gate
    _kept: bytearray | None = None

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        if self._kept is not None:
            self._kept += data
        elif self._gate.is_shut():
            self._kept = bytearray(data)
            self._gate.let_drip(self._drip)
        else:
            await self._stream.send_all(data)

    async def _drip(self, pause: float) -> None:
        while True:
            await trio.sleep(pause)
            if self._kept:
                try:
                    await self._stream.send_all(self._kept[:1])
                except (trio.BrokenResourceError, trio.ClosedResourceError):
                    return
                del self._kept[:1]

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        return await self._stream.receive_some(max_bytes)

    async def aclose(self) -> None:
        if self._kept is None:  # an end that comes after what is kept
            await self._stream.aclose()
