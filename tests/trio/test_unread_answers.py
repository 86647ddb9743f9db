"""Answers that nobody reads make room for those that somebody does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from unittest.mock import patch

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from loxone_exporter.clients import CutOff
from loxone_exporter.web import unread
from loxone_exporter.web.connection import PATIENCE, PIECE, Phase
from loxone_exporter.web.unread import FEWEST, ROOM, UnreadAnswer, UnreadAnswers
from support.raw_client import request
from support.web_memory import GET, memory_server, plain


MIB = 2**20


@define
class Hall:
    """Answers that are held for clients with names."""

    answers: UnreadAnswers = field(factory=UnreadAnswers)
    cut_off: list[str] = field(factory=list)
    _stack: ExitStack = field(factory=ExitStack)

    async def hold(self, name: str, body: bytes) -> UnreadAnswer:
        await trio.sleep(0.001)
        cut_off = self.cut_off
        return self._stack.enter_context(self.answers.hold(body, lambda: cut_off.append(name)))

    def leave(self) -> None:
        self._stack.close()


@pytest.fixture
def hall() -> Iterator[Hall]:
    hall = Hall()
    yield hall
    hall.leave()


async def test_as_many_are_held_as_there_is_room_for(autojump_clock: MockClock, hall: Hall) -> None:
    for place in range(ROOM // MIB):
        await hall.hold(str(place), bytes(MIB))
    assert [] == hall.cut_off
    await hall.hold("next", b"x")
    assert ["0"] == hall.cut_off
    await hall.hold("small", b"y")
    assert ["0"] == hall.cut_off


async def test_the_slowest_reader_makes_room(autojump_clock: MockClock, hall: Hall) -> None:
    held = [await hall.hold(str(place), bytes(MIB)) for place in range(ROOM // MIB)]
    for place in (2, 0, 1):
        await trio.sleep(1)
        held[place].note_progress()
    for _ in range(ROOM // MIB):
        await hall.hold("new", bytes(MIB))
    assert ["3", "2", "0", "1"] == hall.cut_off


async def test_what_many_read_is_there_only_once(autojump_clock: MockClock, hall: Hall) -> None:
    body, other = bytes(ROOM // 2), bytes(ROOM // 2)
    for _ in range(100):
        await hall.hold("many", body)
        await hall.hold("others", other)
    assert [] == hall.cut_off


async def test_a_few_are_held_however_large_they_are(autojump_clock: MockClock, hall: Hall) -> None:
    for place in range(FEWEST):
        await hall.hold(str(place), bytes(2 * ROOM))
    # What is small drives out nothing that is large.
    for _ in range(10):
        await hall.hold("small", bytes(10))
        hall.cut_off.clear()
    await hall.hold("large", bytes(2 * ROOM))
    assert ["1"] == hall.cut_off


async def test_what_was_read_leaves_room(autojump_clock: MockClock) -> None:
    cut_off = list[int]()
    answers = UnreadAnswers()
    for place in range(100):
        with answers.hold(bytes(ROOM), lambda place=place: cut_off.append(place)):  # type: ignore[misc]
            await trio.lowlevel.checkpoint()
    assert [] == cut_off


async def test_clients_that_do_not_read_make_room_for_one_that_does(
    autojump_clock: MockClock,
) -> None:
    bodies = [bytes([place]) * (2 * PIECE) for place in range(20)]
    with patch.object(unread, "ROOM", 10 * PIECE):
        async with memory_server(plain(*bodies, b"last" * PIECE)) as server:
            streams = [server.connect_without_buffers() for _ in bodies]
            for stream in streams:
                await stream.send_all(GET)
                await stream.receive_some(1)
                await trio.sleep(0.1)
            assert {CutOff.MEMORY: 15} == server.clients.cut_off
            assert 5 == len(server.connections)
            # Four pieces, each of them late, but never as late as the others.
            reader = server.connect_without_buffers()
            await reader.send_all(GET)
            received = b""
            while len(received) < 4 * PIECE:
                await trio.sleep(0.3)
                received += await reader.receive_some(PIECE) or pytest.fail("cut off")
            assert {CutOff.MEMORY: 16} == server.clients.cut_off
            assert b"last" * PIECE == (await request(server.connect(), "")).body
            await trio.sleep(PATIENCE[Phase.ANSWER])
            assert 4 == server.clients.cut_off[CutOff.UNREAD_ANSWER]
