"""WebSocket messages to and from a Miniserver.

The one home of trio-websocket, and of wsproto on the client's side. Everything that those libraries
and the network can raise leaves this module as a `SessionError`.

trio-websocket's own ways to connect and close hang or leak in ways that were measured: when the
peer closes during the handshake, keeps TCP open after the closing handshake, or pings while we
close. Therefore the connection runs on a stream of ours, in a nursery of its own, raced against the
end of the stream, and is torn down with a bound.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Callable
from typing import Protocol

import h11
import trio
import trio_websocket
import wsproto.utilities
from attrs import define, field

from loxone_exporter.errors import (
    ConnectionLostError,
    MisbehaviourError,
    SessionError,
    leaves,
)
from loxone_exporter.miniserver.failures import closure, refusal
from loxone_exporter.miniserver.network import STREAM_ERRORS, Address


MAX_MESSAGE = 16 * 2**20
"""Bytes; structure files have several MiB (protocol reference, section 2.1)."""

CLOSE_GRACE = 1.0
"""Seconds that a peer has for its part of the closing handshake."""

_SUBPROTOCOL = "remotecontrol"

_READ_SIZE = 2**12
"""Bytes; all frames among them are read without a pause. The smallest have two bytes, and those of
64 KiB take 0.2 s."""

_MESSAGE_QUEUE = 4
"""Messages that wait for being looked at; each may have the size of the largest."""

_MOST_FRAGMENTS = 2**16
"""Pieces of one message. The largest one has 4,096 if it is sent as one frame, for it takes so many
reads. One that never ends, with a byte in each, would take fifty times its size in memory."""

_REFUSAL_READ = 2**16
_STATUS_LINE = re.compile(rb"HTTP/1\.\d (\d{3})")
_SWITCHING = 101

_LIBRARY_ERRORS = (h11.ProtocolError, wsproto.utilities.ProtocolError)
# The second one is raised while the library has seen the end and not yet taken note of it.
_WEBSOCKET_ENDS = (trio_websocket.ConnectionClosed, wsproto.utilities.LocalProtocolError)


class MessageChannel(Protocol):
    """A WebSocket as the session sees it."""

    async def open(self) -> None:
        """Shake hands; before anything else.

        Raises:
            SessionError: The Miniserver does not open a WebSocket.
        """

    async def send(self, text: str) -> None:
        """Send a command.

        If this is cancelled, part of a frame may be on the wire: the channel is of no use any more.

        Raises:
            SessionError: The connection is gone.
        """

    async def receive(self) -> bytes | str:
        """Wait for the next message.

        Raises:
            SessionError: The connection is gone.
        """

    def queued(self) -> int:
        """How many messages came that nobody has received yet."""


@contextlib.asynccontextmanager
async def message_channel(
    stream: trio.abc.Stream, address: Address, resource: str, *, on_bytes: Callable[[int], None]
) -> AsyncIterator[MessageChannel]:
    """A WebSocket on a fresh connection; both are closed at the end of the block.

    There is a nursery inside: all errors, those of the block included, leave it in a group.

    Args:
        stream: The connection; closed in the end, whatever happens.
        address: For the `Host` header.
        resource: The path.
        on_bytes: Called whenever bytes arrive, with their number.

    Raises:
        SessionError: In a group, where the WebSocket was not opened or broke.
    """
    try:
        async with trio.open_nursery() as nursery:
            channel = _WebSocketChannel(
                nursery, _WatchedStream(stream, on_bytes), address.authority, resource
            )
            try:
                yield channel
            finally:
                broken = nursery.cancel_scope.cancel_called
                # Both are shielded, and the cancellation comes last: an await under it would raise
                # Cancelled in place of the error that is on its way out.
                with trio.move_on_after(CLOSE_GRACE, shield=True):
                    await channel.aclose()
                with trio.move_on_after(CLOSE_GRACE, shield=True):
                    await trio.aclose_forcefully(stream)
                nursery.cancel_scope.cancel(reason="the WebSocket is closed")
    except* trio_websocket.ConnectionRejected as group:
        rejection = next(leaves(group, trio_websocket.ConnectionRejected))
        location = dict(rejection.headers).get(b"location", b"").decode("latin-1")
        body = rejection.body or b""
        raise refusal(rejection.status_code, body, resource, location) from group
    except* _LIBRARY_ERRORS as group:
        # What comes up in closing only, such as a ping that cannot be answered any more, is no
        # failure.
        if broken:
            raise MisbehaviourError(f"what answers to {resource} is no WebSocket") from group
    except* UnicodeError as group:
        # The library reads headers of the handshake as ASCII, whatever they are.
        if channel.is_open:
            raise
        raise MisbehaviourError(f"what answers to {resource} is no WebSocket") from group


@define(eq=False)
class _WebSocketChannel:
    _nursery: trio.Nursery
    _stream: _WatchedStream
    _host: str
    _resource: str
    _connection: trio_websocket.WebSocketConnection | None = None
    _cut_off: bool = False

    @property
    def is_open(self) -> bool:
        return self._connection is not None

    async def open(self) -> None:
        self._nursery.start_soon(self._stream.fail_at_the_end_of_a_handshake, self._resource)
        try:
            self._connection = await trio_websocket.wrap_client_stream(
                self._nursery,
                self._stream,  # type: ignore[arg-type]  # any trio stream will do
                self._host,
                self._resource,
                subprotocols=[_SUBPROTOCOL],
                message_queue_size=_MESSAGE_QUEUE,
                max_message_size=MAX_MESSAGE,
                receive_buffer_size=_READ_SIZE,
            )
        finally:
            self._stream.handshaking = False
        self._stream.is_endless = self._is_endless

    async def send(self, text: str) -> None:
        if self._cut_off:
            # The rest of the frame on the wire would be taken from the beginning of this one.
            raise ConnectionLostError("an earlier command was cut off midway")
        try:
            await self._opened.send_message(text)
        except _WEBSOCKET_ENDS as error:
            raise self._closure(error) from error
        except trio.Cancelled:
            self._cut_off = True
            raise

    async def receive(self) -> bytes | str:
        try:
            return await self._opened.get_message()
        except _WEBSOCKET_ENDS as error:
            raise self._closure(error) from error

    def queued(self) -> int:
        if self._connection is None:
            return 0
        # Nothing public tells; a contract test sees that this does.
        channel = self._connection._recv_channel  # noqa: SLF001
        statistics = channel.statistics()
        # Where the queue is full, one more message waits for its place there.
        return statistics.current_buffer_used + statistics.tasks_waiting_send

    async def aclose(self) -> None:
        if self._connection is not None:
            await self._connection.aclose()

    @property
    def _opened(self) -> trio_websocket.WebSocketConnection:
        if self._connection is None:
            raise ConnectionLostError("the WebSocket was not opened")
        return self._connection

    def _closure(self, error: Exception) -> SessionError:
        if self._stream.is_given_up:
            return MisbehaviourError(f"a message came in more than {_MOST_FRAGMENTS} fragments")
        reason = error.reason if isinstance(error, trio_websocket.ConnectionClosed) else None
        if reason is None:
            return ConnectionLostError("the connection broke")
        return closure(reason.code, reason.reason or reason.name)

    def _is_endless(self) -> bool:
        """Whether the message that is coming in has more fragments than it may have."""
        # The library limits their bytes alone, and joins them when the last one is there.
        parts = self._connection._message_parts if self._connection else ()  # noqa: SLF001  # nowhere else
        return len(parts) > _MOST_FRAGMENTS


@define(eq=False)
class _WatchedStream(trio.abc.Stream):
    """Passes bytes on, and knows when they end.

    trio-websocket's reader ends in silence when the peer closes during the handshake, and leaves
    its caller waiting; it forgets the status of a rejection whose body ends with the connection,
    and it would keep a body that does not end in memory, and the fragments of a message likewise.

    Attributes:
        handshaking: Whether the WebSocket is not open yet.
        is_endless: Says whether what is coming in has no end.
        is_given_up: Whether nothing is read any more for that reason.
    """

    _stream: trio.abc.Stream
    _on_bytes: Callable[[int], None]
    handshaking: bool = True
    is_endless: Callable[[], bool] = field(default=lambda: False)
    is_given_up: bool = False
    _head: bytearray = field(factory=bytearray)
    _ended: trio.Event = field(factory=trio.Event)

    async def fail_at_the_end_of_a_handshake(self, resource: str) -> None:
        await self._ended.wait()
        if not self.handshaking:
            return
        status = _STATUS_LINE.match(self._head)
        if status is None or int(status[1]) == _SWITCHING:
            raise ConnectionLostError(f"the connection was closed in answer to {resource}")
        raise refusal(int(status[1]), bytes(self._head), resource)

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        if self.is_endless():
            self.is_given_up = True
            return b""
        try:
            data = bytes(await self._stream.receive_some(max_bytes))
        except STREAM_ERRORS:
            self._ended.set()
            raise
        if not data:
            self._ended.set()
            return data
        self._on_bytes(len(data))
        if self.handshaking:
            self._head += data
            if len(self._head) > _REFUSAL_READ:
                self._ended.set()
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        try:
            await self._stream.send_all(data)
        except STREAM_ERRORS:
            self._ended.set()
            raise

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._stream.aclose()
