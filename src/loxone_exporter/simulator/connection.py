"""The server's end of HTTP and of the WebSocket protocol.

The one home of h11 and of the server side of wsproto. `HttpConnection` reads and writes a stream;
`WebSocket` has no I/O: bytes in, messages out, and the other way round.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence

import h11
import trio
from attrs import field, frozen
from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import AcceptConnection, CloseConnection, Ping, Request, TextMessage
from wsproto.utilities import ProtocolError as WebSocketProtocolError


GONE = (trio.BrokenResourceError, trio.ClosedResourceError)
"""What a stream raises when its other end is gone, or this end."""

TEXT_FRAME = 0x81
BINARY_FRAME = 0x82
"""The first byte of a frame with a whole message."""

_RECEIVE_SIZE = 64 * 1024
_BODY_LIMIT = 1024 * 1024
_SHORT_LENGTH = 125
_MEDIUM_LENGTH = 0xFFFF

Headers = Sequence[tuple[bytes, bytes]]


async def wait_for_end(stream: trio.abc.Stream) -> None:
    """Say nothing until the client gives up."""
    try:
        while await stream.receive_some():
            pass
    except GONE:
        return


@frozen
class HttpRequest:
    """One request."""

    method: str
    target: str
    headers: Headers = field(repr=False)

    def header(self, name: str) -> str:
        """A header's value, empty where there is none."""
        wanted = name.lower().encode()
        return next(
            (value.decode("latin-1") for key, value in self.headers if key == wanted),
            "",
        )

    @property
    def is_upgrade(self) -> bool:
        """Whether it asks for a WebSocket."""
        return self.method == "GET" and self.header("upgrade").lower() == "websocket"


@frozen
class HttpResponse:
    """One response."""

    status: int
    body: bytes
    media_type: str
    headers: Headers = ()


class HttpConnection:
    """A client's HTTP connection, kept alive as long as the client likes."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self._http = h11.Connection(h11.SERVER)
        self._head_only = False

    async def receive(self) -> HttpRequest | None:
        """Wait for the next request, body included.

        Returns:
            Nothing when there will be none: the client has gone, or sent something else than HTTP.
            The latter was answered with status 400.
        """
        try:
            return await self._receive()
        except GONE:
            return None
        except h11.RemoteProtocolError:
            await self.respond(HttpResponse(400, b"", "text/html", [(b"Connection", b"close")]))
            return None

    async def _receive(self) -> HttpRequest | None:
        if self._http.our_state is h11.DONE:
            self._http.start_next_cycle()
        request = None
        body_length = 0
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                self._http.receive_data(bytes(await self._stream.receive_some(_RECEIVE_SIZE)))
            elif isinstance(event, h11.Request):
                request = HttpRequest(
                    event.method.decode("ascii"), event.target.decode("ascii"), list(event.headers)
                )
                self._head_only = request.method == "HEAD"
            elif isinstance(event, h11.Data):
                body_length += len(event.data)
                if body_length > _BODY_LIMIT:
                    return None
            elif isinstance(event, h11.EndOfMessage):
                return request
            else:
                return None

    async def respond(self, response: HttpResponse) -> bool:
        """Send a response.

        Returns:
            Whether another request may follow on this connection.
        """
        headers = [
            (b"Content-Type", response.media_type.encode()),
            (b"Content-Length", str(len(response.body)).encode()),
            *response.headers,
        ]
        parts = [
            self._http.send(h11.Response(status_code=response.status, headers=headers)),
            b"" if self._head_only else self._http.send(h11.Data(data=response.body)),
            self._http.send(h11.EndOfMessage()),
        ]
        try:
            await self._stream.send_all(b"".join(part or b"" for part in parts))
        except GONE:
            return False
        return self._http.our_state is h11.DONE

    async def send_raw(self, data: bytes) -> None:
        """Send bytes that are no HTTP."""
        try:
            await self._stream.send_all(data)
        except GONE:
            return

    @property
    def trailing_data(self) -> bytes:
        """What the client sent after an upgrade request without waiting for its answer."""
        return self._http.trailing_data[0]


@frozen
class Received:
    """What came out of a piece of what a client sent.

    Attributes:
        messages: Whole text messages.
        reply: Frames that answer pings and a close, to be sent.
        ended: The client has closed the connection, or broken the protocol; nothing more is read.
    """

    messages: list[str]
    reply: bytes
    ended: bool


class WebSocket:
    """The server's end of one WebSocket connection, without I/O.

    Compression is never negotiated. A client's binary messages are ignored.

    Attributes:
        opening: The answer to the upgrade request, to be sent first.
    """

    def __init__(self, request: HttpRequest, *, subprotocol: str, message_limit: int) -> None:
        """Take over an HTTP connection.

        Args:
            request: The upgrade request.
            subprotocol: Accepted if the client offers it; need not be offered.
            message_limit: A longer message from the client ends the connection with 1009.

        Raises:
            ValueError: The request is no proper opening handshake.
        """
        self._connection = WSConnection(ConnectionType.SERVER)
        self._message_limit = message_limit
        self._message = io.StringIO()
        try:
            self.opening = self._accept(request, subprotocol)
        except (WebSocketProtocolError, h11.ProtocolError, UnicodeError) as error:
            raise ValueError("not a WebSocket's opening handshake") from error

    def _accept(self, request: HttpRequest, subprotocol: str) -> bytes:
        self._connection.initiate_upgrade_connection(list(request.headers), request.target)
        opening = next(self._connection.events())
        offered = opening.subprotocols if isinstance(opening, Request) else ()
        chosen = subprotocol if subprotocol in offered else None
        return self._connection.send(AcceptConnection(subprotocol=chosen))

    def receive(self, data: bytes) -> Received:
        """Understand a piece of what the client sent; never empty, never after the end."""
        messages: list[str] = []
        reply = b""
        self._connection.receive_data(data)
        for event in self._connection.events():
            if isinstance(event, TextMessage):
                self._message.write(event.data)
                if self._message.tell() > self._message_limit:
                    reply += self.close(1009, "message too big")
                    return Received(messages, reply, ended=True)
                if event.message_finished:
                    messages.append(self._message.getvalue())
                    self._message = io.StringIO()
            elif isinstance(event, Ping) and self.is_open:
                reply += self._connection.send(event.response())
            elif isinstance(event, CloseConnection):
                return Received(messages, reply + self._answer_close(event), ended=True)
        return Received(messages, reply, ended=False)

    @property
    def is_open(self) -> bool:
        """Whether neither side has begun to close."""
        return self._connection.state is ConnectionState.OPEN

    def close(self, code: int, reason: str) -> bytes:
        """A frame that begins to close the connection; nothing where that has begun already."""
        if not self.is_open:
            return b""
        return self._connection.send(CloseConnection(code=code, reason=reason))

    def _answer_close(self, event: CloseConnection) -> bytes:
        """Answer the client's close, or close because the client broke the protocol."""
        if self._connection.state in {ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING}:
            return self._connection.send(event.response())
        return b""


def frame(kind: int, payload: bytes) -> bytes:
    """A frame, as a server sends it.

    Args:
        kind: `TEXT_FRAME` or `BINARY_FRAME`.
        payload: The message. wsproto, which takes texts as `str`, could not send what some
            firmware sends as text: invalid UTF-8 (protocol reference, section 9).
    """
    return frame_head(kind, len(payload)) + payload


def frame_head(kind: int, length: int) -> bytes:
    """The beginning of a frame with so many bytes."""
    if length <= _SHORT_LENGTH:
        return struct.pack("!BB", kind, length)
    if length <= _MEDIUM_LENGTH:
        return struct.pack("!BBH", kind, 126, length)
    return struct.pack("!BBQ", kind, 127, length)
