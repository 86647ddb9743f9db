"""Which units of what a Miniserver sends are changed, in which layer, and how."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from random import Random
from typing import Any, Final

import trio
from attrs import define, field, frozen

from fuzz.wire.answers import ANSWER_KINDS
from fuzz.wire.frames import CLOSE, FRAME_KINDS, PING, PONG, Frame, read_frames
from fuzz.wire.messages import (
    HEADER_KINDS,
    REPLY_KINDS,
    STRUCTURE_KINDS,
    TABLE_KINDS,
    Rewrite,
    announces,
    layer_of,
)
from fuzz.wire.pieces import STREAM_KINDS, End, Piece


PAYLOAD_KINDS: Final[Mapping[str, Mapping[str, Rewrite]]] = {
    "header": HEADER_KINDS,
    "table": TABLE_KINDS,
    "reply": REPLY_KINDS,
    "structure": STRUCTURE_KINDS,
}

LAYERS: Final[Mapping[str, tuple[int, Sequence[str]]]] = {
    "answer": (6, tuple(ANSWER_KINDS)),
    "frame": (60, tuple(FRAME_KINDS)),
    "header": (30, tuple(HEADER_KINDS)),
    "table": (16, tuple(TABLE_KINDS)),
    "reply": (12, tuple(REPLY_KINDS)),
    "structure": (2, tuple(STRUCTURE_KINDS)),
    "stream": (70, tuple(STREAM_KINDS)),
}
"""The layers, with how many units an honest session has of each, roughly, and what can be done."""

_UPGRADED: Final = b"HTTP/1.1 101"


@frozen
class Change:
    """What is done to one unit of one layer.

    Attributes:
        layer: One of `LAYERS`.
        place: Which unit of this layer it is, counted over all connections.
        kind: What is done to it.
        seed: Decides the rest.
    """

    layer: str
    place: int
    kind: str
    seed: int

    @classmethod
    def draw(cls, chance: Random, layers: Sequence[str] = tuple(LAYERS)) -> Change:
        """Make one up."""
        layer = chance.choice(layers)
        units, kinds = LAYERS[layer]
        return cls(layer, chance.randrange(units), chance.choice(kinds), chance.randrange(2**32))

    def write(self) -> list[Any]:
        """The change as JSON."""
        return [self.layer, self.place, self.kind, self.seed]


@define(eq=False)
class Scrambler:
    """Changes units, as long as it is not calm; shared by all connections of one case.

    Attributes:
        is_calm: Whether everything goes through as it is, from now on.
        units: How many units of each layer there were.
    """

    _changes: Mapping[tuple[str, int], Sequence[Change]]
    is_calm: bool = False
    units: Counter[str] = field(factory=Counter)

    @classmethod
    def of(cls, changes: Iterable[Change]) -> Scrambler:
        """Set it up for these changes."""
        by_place: defaultdict[tuple[str, int], list[Change]] = defaultdict(list)
        for change in changes:
            by_place[change.layer, change.place].append(change)
        return cls(by_place)

    def changes(self, layer: str) -> Sequence[Change]:
        """What is to be done to the next unit of a layer."""
        place = self.units[layer]
        self.units[layer] += 1
        return () if self.is_calm else self._changes.get((layer, place), ())

    def answer(self, data: bytes) -> bytes:
        """Scramble an answer of HTTP."""
        for change in self.changes("answer"):
            data = ANSWER_KINDS[change.kind](data, Random(change.seed))
        return data

    def payload(self, layer: str, payload: bytes) -> Sequence[bytes]:
        """Scramble the payload of a frame."""
        payloads: Sequence[bytes] = [payload]
        for change in self.changes(layer):
            rewrite, chance = PAYLOAD_KINDS[layer][change.kind], Random(change.seed)
            payloads = [made for given in payloads for made in rewrite(given, chance)]
        return payloads

    def frame(self, frame: Frame) -> bytes:
        """Scramble a frame, as far as a layer below it has one; the last change wins."""
        written = frame.write()
        for change in self.changes("frame"):
            written = FRAME_KINDS[change.kind](frame, Random(change.seed))
        return written

    def pieces(self, data: bytes) -> Sequence[Piece]:
        """Scramble what is sent at once; of several changes, the last one wins."""
        pieces: Sequence[Piece] = [data]
        for change in self.changes("stream"):
            pieces = STREAM_KINDS[change.kind](data, Random(change.seed))
        return pieces


@define(eq=False)
class ScrambledStream(trio.abc.Stream):
    """A Miniserver's end of a connection; what goes out passes through the scrambler."""

    _stream: trio.abc.Stream
    _scrambler: Scrambler
    _is_websocket: bool = False
    _is_raw: bool = False
    _is_mute: bool = False
    _buffer: bytearray = field(factory=bytearray)
    _announced: int | None = None

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send what the scrambler makes of it."""
        for piece in self._scrambler.pieces(b"".join(self._scramble(bytes(data)))):
            if self._is_mute:
                break
            match piece:
                case float():
                    await trio.sleep(piece)
                case End.CLOSED:
                    await self._stream.aclose()
                case End.MUTE:
                    self._is_mute = True
                case bytes():
                    await self._stream.send_all(piece)
        await trio.lowlevel.checkpoint()

    async def wait_send_all_might_not_block(self) -> None:
        """Wait as the transport does."""
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Receive what the client says, which is left as it is."""
        return await self._stream.receive_some(max_bytes)

    async def aclose(self) -> None:
        """Close the transport; of a connection that has fallen mute, the client sees nothing."""
        if self._is_mute:
            await trio.lowlevel.checkpoint()
        else:
            await self._stream.aclose()

    async def outlast_client(self) -> None:
        """Where the connection has fallen mute, wait until the client gives it up."""
        while self._is_mute and await self._stream.receive_some():
            pass

    def _scramble(self, data: bytes) -> Iterator[bytes]:
        if self._is_raw:
            yield data
        elif not self._is_websocket:
            self._is_websocket = data.startswith(_UPGRADED)
            yield self._scrambler.answer(data)
        else:
            self._buffer += data
            frames = read_frames(self._buffer)
            if frames is None:
                self._is_raw = True
                yield bytes(self._buffer)
            for frame in frames or ():
                yield from self._scramble_frame(frame)

    def _scramble_frame(self, frame: Frame) -> Iterator[bytes]:
        if frame.opcode in {CLOSE, PING, PONG}:
            yield self._scrambler.frame(frame)
            return
        layer = layer_of(frame.payload, self._announced)
        self._announced = announces(frame.payload) if layer == "header" else None
        for payload in self._scrambler.payload(layer, frame.payload):
            yield self._scrambler.frame(Frame(frame.first, payload))
