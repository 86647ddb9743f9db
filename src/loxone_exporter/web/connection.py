"""One client's connection, from its first byte to its last, by Hypercorn's HTTP/1.1.

The one home of Hypercorn, of which only the protocol is used. Its server of a connection shields
what it sends from cancellation, so that a client that does not read keeps it for ever; it gives
half a request as much time as an idle connection; and it changes over to HTTP/2 and WebSockets,
where certain packets of a single client end the program. Therefore reading and writing are ours.

A connection always waits for one thing, its phase, and has one deadline for that: whatever hangs,
hangs no longer, and whatever is cancelled, ends.
"""

from __future__ import annotations

import contextlib
import enum
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

import trio
from attrs import define, field
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config as HypercornConfig
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol.events import Event as StreamEvent
from hypercorn.protocol.events import Response
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.trio.task_group import TaskGroup
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import (
    AppWrapper,
    ASGIFramework,
    ASGIReceiveEvent,
    ASGISendEvent,
    ConnectionState,
    Scope,
)

from loxone_exporter.clients import Clients, CutOff
from loxone_exporter.web.unread import UnreadAnswers


class Phase(enum.Enum):
    """What a connection waits for."""

    HANDSHAKE = enum.auto()
    """The client to agree on TLS."""
    REQUEST = enum.auto()
    """The rest of a request's head, or the whole of the first one."""
    WORK = enum.auto()
    """The application to make the answer, or more of it."""
    ANSWER = enum.auto()
    """The client to take in a piece of the answer."""
    IDLE = enum.auto()
    """The first byte of a further request."""
    FAREWELL = enum.auto()
    """The client to end the connection, since there is nothing more to say."""


PATIENCE: Final[Mapping[Phase, float]] = {
    Phase.HANDSHAKE: 5.0,
    Phase.REQUEST: 10.0,
    # A scrape of many large houses on a small machine, behind a hundred others, is none of the
    # client's fault. Whoever still waits after that waits for a bug.
    Phase.WORK: 300.0,
    Phase.ANSWER: 30.0,
    # A scraper that asks each minute comes back on the same connection.
    Phase.IDLE: 75.0,
    Phase.FAREWELL: 2.0,
}
"""Seconds that each phase may take."""

PIECE: Final = 2**16
"""Bytes of an answer that a client has to take in within the time for them: TLS encrypts a piece as
a whole, and who takes in one at a time lets others have their turn."""

MAX_FIELDS: Final = 100
"""Header fields of a request; a thousand of a few bytes take up a hundred times their size."""

MAX_HEAD: Final = 2**13
"""Bytes of a request's head, give or take what is read at a time."""

MAX_BODY: Final = 2**12
"""Bytes of a request's body that are taken in, likewise: nothing here asks for one."""

COMMON_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'self'"),
)
"""What every answer has, whoever makes it: browsers take nothing for what it is not, tell nobody
where a link was, and load nothing from elsewhere."""

_READ_SIZE = 2**12

_REASONS: Final[Mapping[Phase, CutOff]] = {
    Phase.HANDSHAKE: CutOff.SLOW_REQUEST,
    Phase.REQUEST: CutOff.SLOW_REQUEST,
    Phase.ANSWER: CutOff.UNREAD_ANSWER,
}

_ANSWERING = frozenset({Phase.WORK, Phase.ANSWER})

_TOO_MANY_FIELDS = 431

Address: TypeAlias = tuple[str, int]
Application: TypeAlias = ASGIFramework
Encrypt: TypeAlias = Callable[[trio.abc.Stream], Awaitable[trio.SSLStream[trio.abc.Stream] | None]]
"""Speaks TLS on a connection; None is what comes of it where there is none with this client."""


_logger = logging.getLogger(__name__)


class _Http1Config(HypercornConfig):
    """Hypercorn's settings, and what it adds to every answer, those to errors included."""

    def response_headers(self, protocol: str) -> list[tuple[bytes, bytes]]:
        return [*super().response_headers(protocol), *COMMON_HEADERS]


def _configure() -> HypercornConfig:
    # Each attribute is assigned: the class's own mutable ones are shared by all instances.
    config = _Http1Config()
    config.include_server_header = False
    config.errorlog = logging.getLogger("hypercorn.error")
    config.accesslog = None
    config.h11_max_incomplete_size = MAX_HEAD
    # Whoever is connected stays so, however many others want to be.
    config.keep_alive_max_requests = 2**63
    return config


@define(eq=False)
class Service:
    """What the connections of one server have in common.

    Attributes:
        app: What answers.
        clients: Where those are counted that are cut off.
        patience: Seconds that each phase may take.
        unread: The answers that are on their way.
        encrypt: How TLS is spoken; None where it is not.
    """

    app: Application
    clients: Clients
    patience: Mapping[Phase, float] = field(default=PATIENCE)
    unread: UnreadAnswers = field(factory=UnreadAnswers)
    encrypt: Encrypt | None = field(default=None, kw_only=True)
    _config: HypercornConfig = field(factory=_configure)
    _context: WorkerContext = field(factory=lambda: WorkerContext(None))
    _turn: trio.Lock = field(factory=trio.Lock)

    async def wait_for_turn(self) -> None:
        """Wait until it is this connection's turn to be worked for.

        What a client sends takes milliseconds to read, if it wants that. A hundred clients have to
        wait for each other, and other tasks for one of them at a time.
        """
        async with self._turn:
            pass

    async def stop(self) -> None:
        """Let connections end with the answer that they are at."""
        await self._context.terminated.set()

    def is_stopping(self) -> bool:
        """Whether they shall."""
        return self._context.terminated.is_set()

    def speak(self, connection: Connection, tasks: Tasks) -> Http1Protocol:
        """Begin to speak HTTP over a connection."""
        return Http1Protocol(
            ASGIWrapper(self.app),
            self._config,
            self._context,
            tasks,
            ConnectionState({}),
            self.encrypt is not None,
            connection.client,
            connection.server,
            connection.take,
        )


class Http1Protocol(H11Protocol):
    """Hypercorn's HTTP/1.1 without its ways out of it: HTTP/2 and WebSockets.

    A request for one of them is answered as if it did not ask for that, as HTTP allows. There is no
    use for either here, and with both a client that does nothing keeps its connection for ever.

    Attributes:
        is_at_head: Whether what is sent is the head of an answer, and the rest comes at once.
    """

    is_at_head = False

    async def stream_send(self, event: StreamEvent) -> None:
        """Send a part of an answer."""
        self.is_at_head = isinstance(event, Response)
        await super().stream_send(event)

    def has_too_many_fields(self, data: bytes) -> bool:
        """Whether that is so with what comes next, which is seen before they take up memory."""
        head, _, _ = (self.connection.trailing_data[0] + data).partition(b"\n\r\n")
        return head.count(b"\n") > MAX_FIELDS

    async def refuse_fields(self) -> None:
        """Answer that a request has too many header fields, and nothing more after that."""
        await self._send_error_response(_TOO_MANY_FIELDS)
        await self.send(Closed())

    async def _check_protocol(self, event: Any) -> None:  # noqa: ANN401  # h11's, at home elsewhere
        pass

    async def _create_stream(self, request: Any) -> None:  # noqa: ANN401  # likewise
        if len(request.headers) > MAX_FIELDS:
            await self.refuse_fields()
            return
        headers = [(name, value) for name, value in request.headers if name != b"upgrade"]
        if len(headers) < len(request.headers):
            request = type(request)(
                method=request.method,
                target=request.target,
                headers=headers,
                http_version=request.http_version,
            )
        await super()._create_stream(request)


class Tasks(TaskGroup):
    """Hypercorn's nursery of a connection, with our own way to run the application in it.

    Hypercorn's keeps the exception that ends a cancelled application, and with it, until Python
    looks for garbage, the answer that nobody has read; and it waits for ever to hand over a body to
    an application that has ended.
    """

    async def spawn_app(
        self,
        app: AppWrapper,
        config: HypercornConfig,
        scope: Scope,
        send: Callable[[ASGISendEvent | None], Awaitable[None]],
    ) -> Callable[[ASGIReceiveEvent], Awaitable[None]]:
        """Let the application answer a request; what comes with it is put into what is returned."""
        inbox, outbox = trio.open_memory_channel[ASGIReceiveEvent](config.max_app_queue_size)

        async def answer() -> None:
            with outbox:
                try:
                    threads = trio.to_thread.run_sync, trio.from_thread.run
                    await app(scope, outbox.receive, send, *threads)
                except Exception:  # a bug in one answer must not cost others theirs
                    _logger.exception("a request cannot be answered: %r", scope.get("path"))
            await send(None)

        async def put(event: ASGIReceiveEvent) -> None:
            with contextlib.suppress(trio.BrokenResourceError):
                await inbox.send(event)

        self.spawn(answer)
        return put


@define(eq=False)
class Connection:
    """A connection, which begins with a handshake where TLS is spoken.

    Attributes:
        client: The other side.
        server: This side.
    """

    _stream: trio.abc.Stream
    _service: Service
    client: Address
    server: Address
    _phase: Phase = Phase.REQUEST
    _body: int = 0
    _head: bytes = b""
    _cut_off: CutOff | None = None
    _whole: trio.CancelScope = field(factory=trio.CancelScope)
    _reading: trio.CancelScope = field(factory=trio.CancelScope)
    _sending: trio.Lock = field(factory=trio.Lock)
    _protocol: Http1Protocol = field(init=False)

    async def serve(self) -> None:
        """Answer requests until one of the two sides has enough, and close the connection.

        Whatever the client sends, it ends no more than this connection: nothing is raised.
        """
        try:
            with self._whole:
                if await self._shake_hands():
                    await self._converse()
        except* Exception:
            _logger.debug("a client's connection ended by an error", exc_info=True)
        finally:
            reason = self._why_cut_off()
            if reason is not None:
                self._service.clients.cut_off[reason] += 1
            elif self._is_overdue and self._phase is Phase.WORK:
                _logger.error("a request was not answered in time, and is given up")
            await trio.aclose_forcefully(self._stream)

    async def _shake_hands(self) -> bool:
        """Encrypt the stream where that is wanted; whether there is something to talk about."""
        if self._service.encrypt is None:
            return True
        self._enter(Phase.HANDSHAKE)
        encrypted = await self._service.encrypt(self._stream)
        if encrypted is None:
            return False
        self._stream = encrypted
        return True

    async def _converse(self) -> None:
        self._enter(Phase.REQUEST)
        tasks = Tasks()
        async with tasks:
            self._protocol = self._service.speak(self, tasks)
            with self._reading:
                await self._read()
            await self._protocol.handle(Closed())
        await self._say_farewell()

    @property
    def deadline(self) -> float:
        """When it ends if nothing happens, on trio's clock."""
        return self._whole.deadline

    def finish(self) -> None:
        """End it, at once or with the answer that it is at; the service is stopping."""
        if self._phase not in _ANSWERING:
            self._whole.cancel(reason="the server ends")

    def make_way(self) -> None:
        """End it, for another host wants a connection, and this one's has more than any other."""
        self._end(CutOff.CROWD)

    async def take(self, event: Event) -> None:
        """Do what the protocol wants done."""
        match event:
            case RawData(data=data) if self._protocol.is_at_head:
                self._head += data
            case RawData(data=data):
                await self._send(data)
            case Updated(idle=True):
                begun = self._protocol.connection.trailing_data[0]
                self._enter(Phase.REQUEST if begun else Phase.IDLE)
            case Updated():
                self._body = 0
                self._enter(Phase.WORK)
            case Closed():
                async with self._sending:  # what is being said already is said to the end
                    self._reading.cancel(reason="there is nothing more to say")

    def _enter(self, phase: Phase) -> None:
        self._phase = phase
        self._whole.deadline = trio.current_time() + self._service.patience[phase]

    async def _read(self) -> None:
        """Hand over what the client sends, until it has no more to say or has said enough."""
        data = None
        while data != b"" and self._body <= MAX_BODY:
            try:
                data = bytes(await self._stream.receive_some(_READ_SIZE))
            except trio.BrokenResourceError:
                self._give_up()
                return
            if self._phase is Phase.IDLE:
                self._enter(Phase.REQUEST)
            elif self._phase in _ANSWERING:
                self._body += len(data)
            await self._service.wait_for_turn()
            if self._phase is Phase.REQUEST and self._protocol.has_too_many_fields(data):
                await self._protocol.refuse_fields()
                return
            await self._protocol.handle(RawData(data))

    async def _send(self, data: bytes) -> None:
        head, self._head = self._head, b""
        with self._service.unread.hold(data, self._make_room) as answer:
            async with self._sending:
                for piece in _pieces(head, data):
                    self._enter(Phase.ANSWER)
                    try:
                        await self._stream.send_all(piece)
                    except trio.BrokenResourceError:
                        self._give_up()
                        await trio.lowlevel.checkpoint()
                    answer.note_progress()
                self._enter(Phase.WORK)

    def _make_room(self) -> None:
        self._end(CutOff.MEMORY)

    def _end(self, reason: CutOff) -> None:
        self._cut_off = reason
        self._whole.cancel(reason=reason.value)

    def _give_up(self) -> None:
        self._whole.cancel(reason="the client is gone")

    async def _say_farewell(self) -> None:
        """Tell the client that nothing follows, and take in what it still sends.

        If there were anything left when the connection is closed, the operating system would tell
        the client that it is broken, and the answer be lost.
        """
        if self._service.is_stopping():
            return
        self._enter(Phase.FAREWELL)
        stream = self._stream
        if isinstance(stream, trio.SSLStream):
            encrypted, stream = stream, stream.transport_stream
            try:
                await encrypted.unwrap()
            except trio.BrokenResourceError:
                # It goes on sending, and OpenSSL has written down what trio does not send then.
                with contextlib.suppress(trio.BrokenResourceError):
                    await stream.send_all(encrypted._outgoing.read())  # noqa: SLF001  # see above
        if isinstance(stream, trio.abc.HalfCloseableStream):
            with contextlib.suppress(trio.BrokenResourceError):
                await stream.send_eof()
                while await stream.receive_some(_READ_SIZE):
                    pass

    @property
    def _is_overdue(self) -> bool:
        return self._whole.cancelled_caught and trio.current_time() >= self._whole.deadline

    def _why_cut_off(self) -> CutOff | None:
        return self._cut_off or (_REASONS.get(self._phase) if self._is_overdue else None)


def _pieces(head: bytes, body: bytes) -> Iterator[bytes | memoryview]:
    """What there is to send, in pieces, the head with the first one."""
    if first := head + body[:PIECE]:
        yield first
    rest = memoryview(body)
    for start in range(PIECE, len(body), PIECE):
        yield rest[start : start + PIECE]
