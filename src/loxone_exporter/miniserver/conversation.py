"""Commands and answers, events and life signs on one WebSocket."""

from __future__ import annotations

import contextlib
import logging
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, NoReturn, TypeVar

import trio
from attrs import define, field

from loxone_exporter.errors import (
    ConnectionLostError,
    MisbehaviourError,
    NoAnswerError,
    OutOfServiceError,
    ProtocolError,
    RemainderError,
    SessionError,
    SilentError,
)
from loxone_exporter.loxone import commands
from loxone_exporter.loxone.header import Identifier
from loxone_exporter.loxone.messages import Message, MessageAssembler
from loxone_exporter.loxone.replies import Reply
from loxone_exporter.miniserver.answers import read_reply, read_structure
from loxone_exporter.miniserver.events import EVENT_TABLES, apply_table
from loxone_exporter.miniserver.failures import Phase, answer
from loxone_exporter.miniserver.transport import MessageChannel
from loxone_exporter.state import MiniserverState, no_messages


PATIENCE: Final = 15.0
"""Seconds without a byte after which an answer is not waited for any longer."""

LIMIT: Final = 120.0
"""Seconds after which an answer is not waited for although bytes keep dribbling in."""

KEEPALIVE_INTERVAL: Final = 30.0
"""Seconds; the Miniserver drops a client after five minutes of silence (section 2.5)."""

_UNCLAIMED_ANSWERS = 4
_RUBBISH = 100
_INSTANT = 0.001
"""Less than this is left of a sum of times only by their rounding."""

STRAGGLERS: Final = 2.0
"""Seconds for initial tables that the answer to a keepalive has overtaken."""

_MODIFICATIONS = "modifications"

Answer = TypeVar("Answer")

_logger = logging.getLogger(__name__)


@contextlib.contextmanager
def within(seconds: float, what: str) -> Iterator[None]:
    """Give a block a deadline.

    Raises:
        SilentError: The block took longer; the text says that there was no `what`.
    """
    try:
        with trio.fail_after(seconds):
            yield
    except trio.TooSlowError as error:
        raise SilentError(f"no {what} within {seconds:g} s") from error


@define(eq=False)
class Conversation:
    """One WebSocket in use: `listen` runs in the background, `ask` in the foreground.

    There are no request numbers on this wire: one command is in flight at a time, and answers are
    matched in order. An answer to a plain command that is certainly another one's is passed over,
    and so are texts that are no answers. Events may come between a command and its answer, and
    before the answer to the subscription (section 2.1).
    """

    _channel: MessageChannel
    _state: MiniserverState
    _assembler: MessageAssembler = field(factory=MessageAssembler)
    _in_flight: trio.Lock = field(factory=trio.Lock)
    _alive: trio.Event = field(factory=trio.Event)
    _modified: trio.Event = field(factory=trio.Event)
    _told: trio.Event = field(factory=trio.Event)
    _modification: tuple[str | None, float | None] | None = None
    _is_comparable: bool = False
    _mismatched: bool = False
    _dropped: int = 0
    _has_dropped: bool = False
    _no_answer: NoAnswerError | None = None
    _due: deque[Callable[[Message], object]] = field(factory=deque)
    _end: SessionError = field(factory=lambda: ConnectionLostError("the connection ended"))
    _answers: tuple[trio.MemorySendChannel[Message], trio.MemoryReceiveChannel[Message]] = field(
        factory=lambda: trio.open_memory_channel[Message](_UNCLAIMED_ANSWERS)
    )

    async def listen(self) -> NoReturn:
        """Receive until the connection ends.

        Raises:
            SessionError: It ended.
        """
        link = self._state.link
        link.queued_messages = self._channel.queued
        try:
            await self._receive_all()
        except SessionError as failure:
            self._end = failure
            self._answers[0].close()
        finally:
            link.queued_messages = no_messages
        # The answer to the command in flight may have come just before the end, as the one to a
        # rejected login does: who waits for it has the first word.
        async with self._in_flight:
            raise self._end

    async def _receive_all(self) -> NoReturn:
        while True:
            frame = await self._channel.receive()
            try:
                message = self._assembler.feed(frame)
                if message is not None:
                    if not message.is_as_announced:
                        self._note_mismatch(message)
                    await self._dispatch(message)
                    self._dropped = 0
            except ProtocolError as error:
                self._drop(error)

    def _drop(self, error: ProtocolError) -> None:
        """Take note of a message that made no sense, or of which only the beginning did."""
        is_part = isinstance(error, RemainderError)
        self._dropped = 0 if is_part else self._dropped + 1
        self._note_dropped("the end of a message" if is_part else "a message", error)
        if self._dropped >= _RUBBISH:
            raise MisbehaviourError(
                f"{_RUBBISH} messages in a row made no sense; the last: {error}"
            )

    def _note_dropped(self, what: str, why: ProtocolError | str) -> None:
        self._state.undecodable_messages += 1
        if not self._has_dropped:
            _logger.warning(
                "dropped %s; further ones of this session are only counted: %s", what, why
            )
        self._has_dropped = True

    def _note_mismatch(self, message: Message) -> None:
        if not self._mismatched:
            _logger.info(
                "a message of kind %d has not the announced length of %d bytes; taken as it is",
                message.identifier,
                message.announced,
            )
        self._mismatched = True

    async def _dispatch(self, message: Message) -> None:
        match message.identifier:
            case identifier if identifier in EVENT_TABLES:
                try:
                    await apply_table(self._state, message)
                finally:  # the entries before a remainder count, too
                    self._notice_modification()
                    self._told.set()
            case Identifier.TEXT | Identifier.FILE:
                # An answer that nobody waits for, such as the files that some firmware sends by
                # itself, is dropped once the queue is full of them.
                with contextlib.suppress(trio.WouldBlock):
                    self._answers[0].send_nowait(message)
            case Identifier.KEEPALIVE:
                self._alive.set()
            case Identifier.OUT_OF_SERVICE:
                raise OutOfServiceError("the Miniserver goes out of service")
            case identifier:
                self._note_dropped("a message", f"its identifier {identifier} is unknown")

    async def ask(
        self,
        command: str,
        *,
        purpose: str,
        is_secret: bool = False,
        phase: Phase = Phase.SESSION,
    ) -> Reply:
        """Send a command and wait for its answer.

        Args:
            command: From `loxone.commands`.
            purpose: What it is for; stands in errors, where the command itself might be a secret.
            is_secret: Whether errors show nothing of the answer either.
            phase: Decides what the answer's code means.

        Raises:
            SessionError: The answer is a failure, is none, or does not come.
        """
        reply = await self.request(command, purpose=purpose, is_secret=is_secret)
        failure = answer(reply, purpose, phase)
        if failure is not None:
            raise failure
        return reply

    async def request(self, command: str, *, purpose: str, is_secret: bool = False) -> Reply:
        """Likewise, but whatever the answer's code is.

        Raises:
            SessionError: The answer is none, or does not come.
        """
        read = partial(read_reply, command=command, is_secret=is_secret)
        return await self._exchange(command, purpose, read)

    async def fetch_structure(self) -> bytes | str:
        """Ask for the structure file.

        Raises:
            SessionError: There is none.
        """
        return await self._exchange(commands.STRUCTURE_FILE, "the structure file", read_structure)

    async def wait_for_modification(self) -> None:
        """Wait until the Miniserver says that its structure was changed through its API.

        It does so by the global state `modifications` (section 5.5), also while all states come.
        """
        if not self._modified.is_set():  # else it is taken note of at once, even if time is up
            await self._modified.wait()
        self._modified = trio.Event()

    def keep_structure(self) -> None:
        """Go on with the structure file of an earlier session.

        What `modifications` said then holds for it: if the Miniserver says something else now, the
        file was changed meanwhile.
        """
        self._modification = self._state.last_told(_MODIFICATIONS)
        self._is_comparable = True

    def _notice_modification(self) -> None:
        told = self._state.last_told(_MODIFICATIONS)
        if told is None or told == self._modification:
            return
        # The first one of a dump says nothing, where nobody knows the one before.
        if self._is_comparable or self._modification is not None:
            self._modified.set()
        self._modification = told

    async def keep_alive(self) -> NoReturn:
        """Send keepalives, and see that there is life.

        Raises:
            SilentError: The Miniserver does not answer any more.
        """
        while True:
            await trio.sleep(KEEPALIVE_INTERVAL)
            started = trio.current_time()
            await self._send_keepalive()
            try:
                await self._wait_for_life(started, "no answer to a keepalive")
            except SilentError:  # it has taken longer than any that has an answer
                self._state.link.round_trips.observe(trio.current_time() - started)
                raise
            self._state.link.round_trips.observe(trio.current_time() - started)

    async def subscribe(self) -> None:
        """Have all states sent now, and every change from now on; returns when all are in.

        Nothing marks the end of the initial tables (section 5.1). But the answer to a keepalive
        waits behind what is being sent (section 2.5): once it is there, so are the tables. No
        firmware is known of which that is not true; should there be one, it shows in states that
        were known before and are missing now, or in that there was no table at all. Such are waited
        for a little longer, and then they are held for gone.

        Raises:
            SessionError: There is no answer, or a failure.
        """
        self._state.begin_dump()
        await self.ask(commands.ENABLE_UPDATES, purpose="the subscription")
        started = trio.current_time()
        await self._send_keepalive()
        await self._wait_for_life(started, "the initial tables did not come to an end")
        with trio.move_on_after(STRAGGLERS):
            while not self._state.is_dump_complete():
                self._told = trio.Event()
                await self._told.wait()
        self._state.end_dump()
        self._is_comparable = True

    async def _send_keepalive(self) -> None:
        # Who waits for an earlier one is served by any answer.
        if self._alive.is_set():
            self._alive = trio.Event()
        with within(PATIENCE, "progress in sending a keepalive"):
            await self._channel.send(commands.KEEPALIVE)

    async def _wait_for_life(self, started: float, complaint: str) -> None:
        """Wait for the answer to a keepalive.

        Any byte is a sign of life as well, for the answer may wait behind a large transfer
        (section 2.5). But bytes that go on and on without one are no life: what they are part of
        never comes, and the values stand still.
        """
        while not self._alive.is_set():
            left = self._patience_left(started)
            if left <= _INSTANT:
                raise SilentError(f"{complaint} after {trio.current_time() - started:.0f} s")
            with trio.move_on_after(left):
                await self._alive.wait()

    async def _exchange(
        self, command: str, purpose: str, read: Callable[[Message], Answer | None]
    ) -> Answer:
        async with self._in_flight:
            self._forget_unclaimed_answers()
            self._no_answer = None
            started = trio.current_time()
            self._due.append(read)
            with within(PATIENCE, f"progress in sending {purpose}"):
                await self._channel.send(command)
            while (left := self._patience_left(started)) > _INSTANT:
                with trio.move_on_after(left):
                    result = await self._receive_answer(read, purpose)
                    if result is not None:
                        return result
            self._due.clear()
            if self._no_answer is not None:
                raise MisbehaviourError(f"{purpose}: {self._no_answer}")
            raise SilentError(f"no answer to {purpose} after {trio.current_time() - started:.0f} s")

    async def _receive_answer(
        self, read: Callable[[Message], Answer | None], purpose: str
    ) -> Answer | None:
        """The answer to the command in flight; None for a message that is something else."""
        try:
            message = await self._answers[1].receive()
        except trio.EndOfChannel:
            raise self._end from None
        if self._settle(message, len(self._due) - 1):
            return None
        try:
            result = read(message)
        except NoAnswerError as error:
            self._no_answer = error  # perhaps nobody asked for it, and the answer comes yet
            return None
        except (ProtocolError, SessionError) as error:
            self._due.clear()
            if isinstance(error, ProtocolError):
                raise MisbehaviourError(f"{purpose}: {error}") from error
            raise
        if result is not None:
            self._due.clear()
        return result

    def _settle(self, message: Message, interrupted: int) -> bool:
        """Give a message to the first command that can use it, if its asker was interrupted.

        They are answered all the same, before the commands that came after them; those before one
        that is answered are not answered any more.

        Args:
            message: An answer, or whatever it is.
            interrupted: How many of the commands that are due were interrupted.

        Returns:
            Whether it was for one of them.
        """
        for place in range(interrupted):
            try:
                answered = self._due[place](message) is not None
            except (ProtocolError, SessionError):
                answered = True
            if answered:
                for _ in range(place + 1):
                    self._due.popleft()
                return True
        return False

    def _patience_left(self, started: float) -> float:
        waited = trio.current_time() - started
        return min(PATIENCE - min(waited, self._state.silence()), LIMIT - waited)

    def _forget_unclaimed_answers(self) -> None:
        with contextlib.suppress(trio.WouldBlock):
            try:
                while True:
                    self._settle(self._answers[1].receive_nowait(), len(self._due))
            except trio.EndOfChannel:
                raise self._end from None
