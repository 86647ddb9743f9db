"""A message channel without a network, of which the test is the far end."""

from __future__ import annotations

import math
from collections.abc import Callable

import trio

from loxone_exporter.errors import SessionError
from loxone_exporter.loxone.header import Header, Identifier, encode_header


class ScriptedChannel:
    """Hands out what a test says, and keeps what is sent.

    Attributes:
        sent: Every command.
        stuck: Whether sending does not come to an end.
    """

    def __init__(self, on_bytes: Callable[[], None]) -> None:
        self.sent: list[str] = []
        self.stuck = False
        self._on_bytes = on_bytes
        self._frames, self._received = trio.open_memory_channel[bytes | str | SessionError](
            math.inf
        )
        self._commands, self._unanswered = trio.open_memory_channel[str](math.inf)

    async def open(self) -> None:
        pass

    async def send(self, text: str) -> None:
        await trio.lowlevel.checkpoint()
        if self.stuck:
            await trio.sleep_forever()
        self.sent.append(text)
        self._commands.send_nowait(text)

    async def receive(self) -> bytes | str:
        frame = await self._received.receive()
        if isinstance(frame, SessionError):
            raise frame
        return frame

    def queued(self) -> int:
        return self._received.statistics().current_buffer_used

    async def command(self) -> str:
        """Wait for the next command."""
        return await self._unanswered.receive()

    def dribble(self) -> None:
        """Let a byte arrive that completes nothing."""
        self._on_bytes()

    def say(self, *frames: bytes | str) -> None:
        """Let these frames arrive, headers and payloads."""
        for frame in frames:
            self._on_bytes()
            self._frames.send_nowait(frame)

    def tell(self, identifier: int, payload: bytes | str = b"", *, estimated: bool = False) -> None:
        """Let a whole message arrive."""
        length = len(payload)
        if estimated:
            self.say(encode_header(Header(identifier, 2 * length, estimated=True)))
        self.say(encode_header(Header(identifier, length)))
        if payload:
            self.say(payload)

    def answer(self, value: str, *, code: object = 200, control: str = "dev/x") -> None:
        """Let an answer arrive; the value is JSON."""
        text = f'{{"LL": {{"control": "{control}", "value": {value}, "Code": "{code}"}}}}'
        self.tell(Identifier.TEXT, text)

    def end(self, error: SessionError) -> None:
        """End the connection."""
        self._frames.send_nowait(error)
