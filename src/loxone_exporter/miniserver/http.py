"""Questions to a Miniserver over HTTP.

The one home of h11 on the client's side, but for what trio-websocket makes of it.
"""

from __future__ import annotations

from types import TracebackType
from typing import Final, Self

import h11
import trio
from attrs import define, field, frozen

from loxone_exporter.errors import ConnectionLostError, MisbehaviourError
from loxone_exporter.miniserver.link import Link
from loxone_exporter.miniserver.network import STREAM_ERRORS


MAX_BODY: Final = 2**20
"""Bytes of an ordinary answer."""

_READ_SIZE = 2**16


@frozen
class HttpAnswer:
    """The answer to an HTTP request.

    Attributes:
        location: Where a redirection leads; empty otherwise.
    """

    status: int
    body: bytes = field(repr=False)
    location: str = ""


@define(eq=False)
class HttpClient:
    """Asks one path after the other, on one connection as far as the Miniserver likes it.

    Miniservers of the first generation count new connections, and ban who opens many (protocol
    reference, section 3.8).
    """

    _link: Link
    _stream: trio.abc.Stream | None = None
    _connection: h11.Connection = field(factory=lambda: h11.Connection(h11.CLIENT), repr=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._stream is not None:
            await trio.aclose_forcefully(self._stream)

    async def get(self, path: str, *, max_body: int = MAX_BODY) -> HttpAnswer:
        """Ask for one path.

        A connection that was kept, and turns out to be closed, is replaced by a new one, once.

        Raises:
            SessionError: There is no connection, it broke, or what came back is not HTTP or larger
                than it may be.
        """
        is_kept = self._stream is not None
        try:
            return await self._ask(path, max_body)
        except ConnectionLostError:
            if not (is_kept and self._nothing_came):
                raise
        return await self._ask(path, max_body)

    async def _ask(self, path: str, max_body: int) -> HttpAnswer:
        what = f"/{path.partition('?')[0]}"
        if self._stream is None:
            self._stream = await self._link.open()
            self._connection = h11.Connection(h11.CLIENT)
        stream = self._stream
        try:
            await stream.send_all(self._request(path))
            return await self._read_answer(stream, what, max_body)
        except STREAM_ERRORS as error:
            raise ConnectionLostError(f"the connection broke while asking for {what}") from error
        finally:
            if self._is_reusable:
                self._connection.start_next_cycle()
            else:
                self._stream = None
                await trio.aclose_forcefully(stream)

    def _request(self, path: str) -> bytes:
        request = h11.Request(
            method="GET",
            target=f"/{path}",
            headers=[("Host", self._link.address.authority), ("Accept", "*/*")],
        )
        parts = (self._connection.send(request), self._connection.send(h11.EndOfMessage()))
        return b"".join(part or b"" for part in parts)

    @property
    def _is_reusable(self) -> bool:
        """Whether the connection is fit for another question; what is left over would answer it."""
        is_done = self._connection.our_state is self._connection.their_state is h11.DONE
        return is_done and self._connection.trailing_data == (b"", False)

    @property
    def _nothing_came(self) -> bool:
        """Whether the last question was not answered by a single byte."""
        is_waiting = self._connection.their_state is h11.SEND_RESPONSE
        return is_waiting and not self._connection.trailing_data[0]

    async def _read_answer(self, stream: trio.abc.Stream, what: str, max_body: int) -> HttpAnswer:
        status, location = 0, ""
        body = bytearray()
        while True:
            match self._next_event(what):
                case h11.NEED_DATA:
                    await self._read_more(stream, what)
                case h11.Response(status_code=status, headers=headers):
                    location = dict(headers).get(b"location", b"").decode("latin-1")
                case h11.Data(data=part):
                    body += part
                    if len(body) > max_body:
                        raise MisbehaviourError(f"{what} has more than {max_body} bytes")
                case h11.EndOfMessage():
                    return HttpAnswer(status, bytes(body), location)

    def _next_event(self, what: str) -> object:
        try:
            return self._connection.next_event()
        except h11.RemoteProtocolError as error:
            _, has_ended = self._connection.trailing_data
            if has_ended:
                raise _lost(what) from error
            raise MisbehaviourError(f"the answer to {what} is not HTTP: {error}") from error

    async def _read_more(self, stream: trio.abc.Stream, what: str) -> None:
        data = bytes(await stream.receive_some(_READ_SIZE))
        if not data and self._connection.their_state is h11.SEND_RESPONSE:
            raise _lost(what)
        self._connection.receive_data(data)


def _lost(what: str) -> ConnectionLostError:
    return ConnectionLostError(f"the connection was closed in answer to {what}")
