"""One WebSocket connection to a simulated Miniserver (protocol reference, sections 2 and 5)."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping

import trio

from loxone_exporter.errors import ProtocolError
from loxone_exporter.loxone.crypto import decode_base64, encode_base64
from loxone_exporter.loxone.uuids import StateUuid
from loxone_exporter.simulator import closing, commands
from loxone_exporter.simulator.answers import (
    BAD_REQUEST,
    OK,
    TOO_LONG_UNAUTHENTICATED,
    UNAUTHORIZED,
    Answer,
    File,
    Reply,
    ban_reason,
    render,
)
from loxone_exporter.simulator.closing import close_reason
from loxone_exporter.simulator.commands import Command
from loxone_exporter.simulator.connection import GONE, WebSocket
from loxone_exporter.simulator.device import Client, Device
from loxone_exporter.simulator.encryption import (
    EncryptedCommand,
    Encryption,
    parse_encrypted,
    parse_key_exchange,
)
from loxone_exporter.simulator.refusals import log_refusal


_logger = logging.getLogger(__name__)

_RECEIVE_SIZE = 64 * 1024
_SEND_SIZE = 64 * 1024
_CIPHER_BLOCK = 16


class Session:
    """One client's WebSocket.

    What is sent goes through a queue, which a task of its own empties into the stream: neither the
    house nor another client ever waits for a client that is slow to receive. Methods that send are
    therefore not asynchronous; a client who lets too much wait is dropped.

    Attributes:
        client: Who it is and as whom logged in.
        subscribed: Whether live events are sent.
    """

    def __init__(
        self, device: Device, stream: trio.abc.Stream, websocket: WebSocket, address: str
    ) -> None:
        self.client = Client("websocket", address, device.new_keys())
        self.subscribed = False
        self._device = device
        self._stream = stream
        self._websocket = websocket
        self._encryption = Encryption(device.private_key, strict=device.profile.strict_salts)
        self._scope = trio.CancelScope()
        self._has_read_all = trio.Event()
        self._is_over = False
        self._waiting = 0
        self._queue, self._queued = trio.open_memory_channel[bytes](math.inf)
        self._began = self._last_heard = device.clock()

    @property
    def has_lost_its_token(self) -> bool:
        """Whether the token that logged this session in has expired or was killed."""
        token = self.client.token
        return token is not None and not self._device.accounts.is_live(token)

    async def run(self, first: bytes) -> None:
        """Serve the client until either side closes the connection.

        Args:
            first: What the client has sent beyond the upgrade request.
        """
        self._device.sessions.append(self)
        self._send(self._websocket.opening)
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._write)
                    await self._read(first)
                    self._has_read_all.set()
                    self._leave()
        finally:
            self._leave()
            self._queued.close()

    def close(self, code: int, reason: str | None = None) -> None:
        """Close with a close frame, after what is queued, unless the client has begun to.

        Args:
            code: The close code.
            reason: By default what is always said with the code.
        """
        if reason is None:
            reason = close_reason(code, self.client.address, self._device.profile)
        if self._websocket.is_open:
            self._log_end(f"closed with {code} {reason}")
            self._send(self._websocket.close(code, reason))
            self._leave()

    def abort(self) -> None:
        """Drop the connection without a word."""
        self._log_end("broken off")
        self._leave()
        self._scope.cancel()

    def go_out_of_service(self) -> None:
        """Announce a restart, then close (section 7)."""
        self.send(self._device.messages.out_of_service())
        self.close(closing.NORMAL)

    def send_events(
        self, values: Mapping[StateUuid, float], texts: Mapping[StateUuid, str]
    ) -> None:
        """Send changed states, as event tables."""
        self.send(self._device.messages.events(values, texts))

    def send(self, pieces: Iterable[bytes]) -> None:
        """Send a message, or several, in pieces."""
        for piece in pieces:
            self._send(piece)

    # What comes in.

    async def _read(self, data: bytes) -> None:
        """Read until nothing more is to be said, in answer or otherwise."""
        self._close_if_banned()
        while True:
            if data:
                self._last_heard = self._device.clock()
                received = self._websocket.receive(data)
                for message in received.messages:
                    await self._take_time()
                    self._handle(message)
                self._send(received.reply)
                if received.ended:
                    self._log_end("closed by the client, or for a breach of the protocol")
                    return
            with trio.move_on_at(self._deadline()) as waiting:
                try:
                    data = bytes(await self._stream.receive_some(_RECEIVE_SIZE))
                except GONE:
                    data = b""
            if waiting.cancelled_caught:
                data = b""
                self._end_overdue()
            elif not data:
                self.abort()
                return

    async def _take_time(self) -> None:
        """Wait, where all answers are to be late."""
        if self._device.faults.answer_delay:
            await trio.sleep(self._device.faults.answer_delay)

    def _deadline(self) -> float:
        """When this connection ends if nothing happens."""
        if not self._websocket.is_open:
            return math.inf  # the writing side waits for the closing handshake, and not for long
        if self._device.is_mute:
            return math.inf  # who is mute does not even hang up
        deadline = self._last_heard + self._device.profile.idle_limit
        if self.client.account is None:
            deadline = min(deadline, self._began + self._device.profile.login_limit)
        if self.client.token is not None:
            deadline = min(deadline, self.client.token.expires)
        return deadline

    def _end_overdue(self) -> None:
        """End what has reached its deadline, unless that was moved in the meantime."""
        now = self._device.clock()
        if now < self._deadline():
            return
        limit = self._device.profile.login_limit
        if self.client.account is None and now >= self._began + limit:
            reason = f"not logged in within {limit:g} s"
            log_refusal(self.client, TOO_LONG_UNAUTHENTICATED, reason)
            self._send_answer(Answer(code=TOO_LONG_UNAUTHENTICATED), "")
            self.close(closing.NORMAL)
        elif self.has_lost_its_token:
            self.close(closing.NORMAL)
        else:
            self.close(closing.IDLE)

    def _handle(self, text: str) -> None:
        """Answer one text message; the client may have closed right after it."""
        if self._is_over:
            return
        command = commands.parse_command(text)
        knows_encryption = self._device.profile.encryption
        if command.name == "sys/keyexchange" and knows_encryption:
            self._exchange_keys(text)
        elif command.name in {"sys/enc", "sys/fenc"} and knows_encryption:
            self._handle_encrypted(text)
        elif text == "keepalive" and self.client.account is not None:
            self._note(text, encrypted=False)
            self.send(self._device.messages.keepalive())
        else:
            self._note(text, encrypted=False)
            self._obey(command, None)

    def _note(self, text: str, *, encrypted: bool) -> None:
        self._device.note("websocket", self.client.address, text, encrypted=encrypted)

    def _exchange_keys(self, text: str) -> None:
        self._note(text, encrypted=False)
        self.client.keys.forget()  # a second exchange breaks a login under way (section 3.1)
        try:
            self._encryption.exchange(parse_key_exchange(text))
        except ProtocolError as error:
            log_refusal(self.client, UNAUTHORIZED, str(error))
            self._send_answer(Answer(code=UNAUTHORIZED), text)
        else:
            self._send_answer(Answer(self._encryption.seal(self.client.keys.issue())), text)

    def _handle_encrypted(self, text: str) -> None:
        envelope = parse_encrypted(text)
        try:
            inner = self._encryption.open(envelope.cipher)
        except ProtocolError as error:
            self._note(text, encrypted=True)
            log_refusal(self.client, UNAUTHORIZED, str(error))
            self._send_answer(Answer(code=UNAUTHORIZED), envelope.control)
            return
        self._note(inner, encrypted=True)
        self._obey(commands.parse_command(inner, encrypted=True), envelope)

    def _obey(self, command: Command, envelope: EncryptedCommand | None) -> None:
        """Do what a command says, answer it, and draw the consequences for this connection."""
        faults = self._device.faults
        if self.client.account is None and self._close_if_banned():
            return
        is_login = command.name in commands.LOGINS
        if is_login and faults.close_login is not None:
            self.close(faults.close_login)
            return
        reply = commands.run(self._device, command, self.client)
        succeeded = isinstance(reply, Answer) and reply.code == OK
        if command.name == commands.SUBSCRIBE and succeeded:
            self._subscribe(command, envelope, reply)
            return
        self._send_reply(command, envelope, reply)
        if command.name == "sys/killtoken":
            self._device.end_dead_sessions()
        elif is_login and faults.user_disabled:
            self.close(closing.USER_DISABLED)
        elif is_login and commands.is_rejected(reply):
            self._after_rejected_login()

    def _after_rejected_login(self) -> None:
        if not self._close_if_banned() and self._device.profile.closes_rejected_logins:
            self.close(closing.NORMAL)

    def _close_if_banned(self) -> bool:
        address = self.client.address
        banned = self._device.guard.remaining(address)
        if banned:
            self.close(closing.BLOCKED, ban_reason(address, banned))
        return bool(banned)

    def _subscribe(
        self, command: Command, envelope: EncryptedCommand | None, answer: Reply
    ) -> None:
        """Send all states and from now on their changes (section 5.1)."""
        faults = self._device.faults
        if faults.close_subscription is not None:
            self.close(faults.close_subscription)
            return
        if not (self.subscribed or self._device.slots_left):
            self.close(closing.NO_SLOT_LEFT)
            return
        tables_first = self._device.profile.tables_before_answer or faults.tables_before_answer
        if not tables_first:
            self._send_reply(command, envelope, answer)
        self.send(self._device.messages.all_states(self._device.house))
        if tables_first:
            self._send_reply(command, envelope, answer)
        self.subscribed = True
        if faults.oversize_frame:
            self.send(self._device.messages.oversize())

    # What goes out.

    def _send_reply(
        self, command: Command, envelope: EncryptedCommand | None, reply: Reply
    ) -> None:
        is_sealed = envelope is not None and envelope.kind == "fenc"
        if self._device.faults.unasked_texts:
            self.send(self._device.messages.unasked(with_answer=envelope is None))
        if isinstance(reply, File) and reply.is_structure:
            if not is_sealed:
                self.send(self._device.messages.structure(reply.content))
                return
            reply = Answer(code=BAD_REQUEST)  # section 2.4: never by fenc
        if isinstance(reply, File):
            text = reply.content.decode()
        else:
            outer = envelope.control if envelope is not None and not is_sealed else None
            text = commands.write_answer(reply, command, self._device.codes, outer_control=outer)
        self._send_text(self._seal(text) if is_sealed else text)

    def _seal(self, text: str) -> str:
        sealed = self._encryption.seal(text)
        if self._device.faults.sealed_cut:
            sealed = encode_base64(decode_base64(sealed)[:-_CIPHER_BLOCK])
        return sealed

    def _send_answer(self, answer: Answer, control: str) -> None:
        """Answer something about the encryption itself; the control stays as it was sent."""
        self._send_text(render(answer, control, codes=self._device.codes))

    def _send_text(self, text: str) -> None:
        self.send(self._device.messages.text(text.encode()))

    def _send(self, data: bytes) -> None:
        """Queue bytes for sending."""
        if not data or self._is_over or self._device.is_mute:
            return
        limit = self._device.profile.outgoing_limit
        if self._waiting and self._waiting + len(data) > limit:
            self.abort()
            return
        self._waiting += len(data)
        self._queue.send_nowait(data)

    async def _write(self) -> None:
        """Send what is queued; when the queue was closed, wait a little for the client to close."""
        try:
            async for data in self._queued:
                await self._write_one(data)
                self._waiting -= len(data)
        except (*GONE, trio.TooSlowError):
            self.abort()
            return
        with trio.move_on_after(self._device.profile.close_limit):
            await self._has_read_all.wait()
        self._scope.cancel()

    async def _write_one(self, data: bytes) -> None:
        view = memoryview(data)
        for start in range(0, len(data), _SEND_SIZE):
            with trio.fail_after(self._device.send_limit):
                await self._stream.send_all(view[start : start + _SEND_SIZE])

    def _log_end(self, how: str) -> None:
        if not self._is_over:
            _logger.debug("websocket from %s: %s", self.client.address, how)

    def _leave(self) -> None:
        """Take no more part in the house's life, and send nothing beyond what is queued."""
        self._is_over = True
        self.subscribed = False
        self._queue.close()
        if self in self._device.sessions:
            self._device.sessions.remove(self)
