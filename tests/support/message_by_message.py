"""A network that hands out what a Miniserver says piece by piece, with a look in between."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio
from attrs import define, field
from trio.testing import wait_all_tasks_blocked

from loxone_exporter.miniserver.network import Address, Connect


_HEAD_END = b"\r\n\r\n"
_SWITCHING = b"HTTP/1.1 101"
_MEDIUM, _LONG = 126, 127

Look = Callable[[], Awaitable[object]]


@define(eq=False)
class MessageByMessage:
    """Connections over which each HTTP answer and each WebSocket frame arrives alone.

    Before the next one is handed out, all that the last one gave rise to has happened, and somebody
    has a look.
    """

    _connect: Connect
    _look: Look

    async def connect(self, address: Address) -> trio.abc.Stream:
        """As a session wants it."""
        return _PiecewiseStream(await self._connect(address), self._look)


@define(eq=False)
class _PiecewiseStream(trio.abc.Stream):
    _stream: trio.abc.Stream
    _look: Look
    _buffer: bytearray = field(factory=bytearray)
    _is_websocket: bool = False

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await wait_all_tasks_blocked()
        await self._look()
        while not (length := self._next_piece()):
            data = await self._stream.receive_some()
            if not data:
                return b""
            self._buffer += data
        assert max_bytes is None or length <= max_bytes
        piece = bytes(self._buffer[:length])
        del self._buffer[:length]
        return piece

    def _next_piece(self) -> int:
        """How many bytes of the buffer belong together; 0 where more has to come."""
        if self._is_websocket:
            return self._next_frame()
        if self._buffer.startswith(_SWITCHING) and _HEAD_END in self._buffer:
            self._is_websocket = True
            return self._buffer.index(_HEAD_END) + len(_HEAD_END)
        return len(self._buffer)

    def _next_frame(self) -> int:
        data = self._buffer
        if len(data) < 2:
            return 0
        size, extended = data[1] & 0x7F, {_MEDIUM: 2, _LONG: 8}.get(data[1] & 0x7F, 0)
        if extended:
            size = int.from_bytes(data[2 : 2 + extended], "big")
        whole = 2 + extended + size
        return whole if len(data) >= whole else 0

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._stream.aclose()
