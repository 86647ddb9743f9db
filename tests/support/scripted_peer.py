"""The far end of a connection, that does to the byte what a test tells it to."""

from __future__ import annotations

import base64
import hashlib
import re
import struct

import trio
from attrs import define, field


CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

_WEBSOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY = re.compile(rb"^Sec-WebSocket-Key: *(\S+)\r$", re.IGNORECASE | re.MULTILINE)


def frame(opcode: int, payload: bytes = b"") -> bytes:
    """A whole frame, unmasked as a server sends it."""
    length = len(payload)
    if length < 126:
        size = bytes([length])
    elif length < 2**16:
        size = b"\x7e" + struct.pack(">H", length)
    else:
        size = b"\x7f" + struct.pack(">Q", length)
    return bytes([0x80 | opcode]) + size + payload


def fragment(opcode: int, payload: bytes = b"") -> bytes:
    """A frame after which more of the same message comes."""
    return bytes([opcode]) + frame(opcode, payload)[1:]


def close_frame(code: int, reason: str = "") -> bytes:
    return frame(CLOSE, struct.pack(">H", code) + reason.encode())


def response(status: str, body: bytes | None = None, *headers: str) -> bytes:
    """An HTTP response; without a body its length stays unsaid, and what follows is the body."""
    fields = list(headers) if body is None else [*headers, f"Content-Length: {len(body)}"]
    return "\r\n".join([f"HTTP/1.1 {status}", *fields, "", ""]).encode() + (body or b"")


@define(eq=False)
class ScriptedPeer:
    """One connection, seen from its far end.

    Attributes:
        request: The head of the last request.
    """

    stream: trio.abc.Stream
    request: bytes = b""
    _buffer: bytearray = field(factory=bytearray)

    async def read_request(self) -> bytes:
        """Wait for the head of a request."""
        while b"\r\n\r\n" not in self._buffer:
            await self._more()
        head, _, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        self._buffer[:] = rest
        self.request = head + b"\r\n\r\n"
        return self.request

    def acceptance(self, *headers: str) -> bytes:
        """The right answer to the request for a WebSocket."""
        key = _KEY.search(self.request)
        assert key is not None
        digest = hashlib.sha1(key[1] + _WEBSOCKET_GUID.encode())  # noqa: S324  # RFC 6455 has it so
        return response(
            "101 Switching Protocols",
            None,
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {base64.b64encode(digest.digest()).decode()}",
            *headers,
        )

    async def accept(self, glued: bytes = b"") -> None:
        """Open the WebSocket, with some bytes in the same packet."""
        await self.read_request()
        await self.say(self.acceptance("Sec-WebSocket-Protocol: remotecontrol") + glued)

    async def say(self, data: bytes) -> None:
        await self.stream.send_all(data)

    async def read_frame(self) -> tuple[int, bytes]:
        """Wait for a frame of a client, which is masked; its opcode and payload."""
        while (parsed := self._parse_frame()) is None:
            await self._more()
        return parsed

    async def hang_up(self) -> None:
        await self.stream.aclose()

    async def _more(self) -> None:
        data = await self.stream.receive_some()
        if not data:
            raise trio.EndOfChannel
        self._buffer += data

    def _parse_frame(self) -> tuple[int, bytes] | None:
        data = bytes(self._buffer)
        if len(data) < 2:
            return None
        offset, length = 2, data[1] & 0x7F
        if length == 126 and len(data) >= 4:
            offset, length = 4, struct.unpack_from(">H", data, 2)[0]
        end = offset + 4 + length
        if len(data) < end:
            return None
        mask, masked = data[offset : offset + 4], data[offset + 4 : end]
        self._buffer[:] = data[end:]
        return data[0] & 0x0F, bytes(byte ^ mask[i % 4] for i, byte in enumerate(masked))


@define(eq=False)
class StickyStream(trio.abc.Stream):
    """A connection that gets stuck in the middle of sending.

    Attributes:
        stuck: Whether half of what is sent goes out, and the rest does not.
    """

    _stream: trio.abc.Stream
    stuck: bool = False

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        if self.stuck:
            await self._stream.send_all(data[: len(data) // 2])
            await trio.sleep_forever()
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        return await self._stream.receive_some(max_bytes)

    async def aclose(self) -> None:
        await self._stream.aclose()
