"""What clients can do to Hypercorn, against our own server.

The first four packets end all connections of Hypercorn's own `serve`, and the program with them;
with others it keeps a connection open for ever. Time is simulated: each packet gets as long as a
connection may last, and a busy machine is not taken for a server that is late.
"""

from __future__ import annotations

import logging

import pytest
import trio
from hypercorn.protocol.h11 import H11Protocol
from trio.testing import MockClock, wait_all_tasks_blocked

from loxone_exporter.config.model import Config
from loxone_exporter.state import MiniserverState
from loxone_exporter.stop import StopRequest
from loxone_exporter.web.app import WebApp
from loxone_exporter.web.connection import PATIENCE, PIECE
from soak.packets import PACKETS, SCRAPE
from support.memory_network import miniserver_config
from support.raw_client import request
from support.web_memory import MemoryServer, memory_server, plain
from support.web_serving import living_tasks, open_files, serving


ONE_BY_ONE, TOGETHER = 2, 18

LONGEST = sum(PATIENCE.values())
"""Seconds within which every connection is over."""


@pytest.fixture
async def app() -> WebApp:
    config = Config(miniservers=(miniserver_config(),))
    return WebApp.build(config, [MiniserverState(name="home")], StopRequest())


async def attack(server: MemoryServer, packet: bytes) -> None:
    """Send a packet again and again, while a scraper and a task beside it live on."""
    heartbeats = 0

    async def sibling() -> None:
        nonlocal heartbeats
        while True:
            heartbeats += 1
            await trio.sleep(1)

    async def send() -> None:
        # Until the server has no more to say: it must not keep the connection.
        with trio.fail_after(LONGEST):
            await server.talk(packet)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(sibling)
        await wait_all_tasks_blocked()
        tasks = living_tasks()
        for _ in range(ONE_BY_ONE):
            await send()
            assert (await server.get("metrics")).status == 200
        async with trio.open_nursery() as crowd:
            for _ in range(TOGETHER):
                crowd.start_soon(send)
        assert (await server.get("metrics")).status == 200
        await wait_all_tasks_blocked()
        assert not server.connections
        assert tasks == living_tasks()
        before = heartbeats
        await trio.sleep(2)
        assert heartbeats > before
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("packet", PACKETS.values(), ids=PACKETS.keys())
async def test_no_packet_ends_more_than_its_own_connection(
    autojump_clock: MockClock, app: WebApp, packet: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with memory_server(app) as server:
        await attack(server, packet)
    assert [] == caplog.records


async def test_a_packet_that_nobody_thought_of_ends_its_own_connection(
    autojump_clock: MockClock,
    app: WebApp,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)

    async def stumble(*_: object) -> None:
        await trio.lowlevel.checkpoint()
        raise ZeroDivisionError("planted")

    async with memory_server(app) as server:
        with monkeypatch.context() as patch:
            patch.setattr(H11Protocol, "handle", stumble)
            assert b"" == await server.talk(SCRAPE)
        (record,) = caplog.records
        assert "a client's connection ended by an error" == record.message
        assert (await server.get("metrics")).status == 200


async def test_an_answer_to_many_is_in_memory_once(autojump_clock: MockClock) -> None:
    """Neither Hypercorn nor h11 copies a body whose length is known."""
    body = bytes(10 * PIECE)
    async with memory_server(plain(body)) as server:
        for _ in range(5):
            await server.connect_without_buffers().send_all(SCRAPE)
        await wait_all_tasks_blocked()
        assert [id(body)] * 5 == [id(answer.body) for answer in server.service.unread._held]


async def test_all_packets_at_once_over_the_network(
    app: WebApp, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving(app) as server, await server.connect() as regular:
        assert (await request(regular, "metrics")).status == 200
        await wait_all_tasks_blocked(0.01)
        tasks, files = living_tasks(), open_files()

        async def send(packet: bytes) -> None:
            # Who waits for an answer that does not come leaves, but not at once.
            with trio.move_on_after(0.2):
                await server.talk(packet)

        for _ in range(2):
            async with trio.open_nursery() as crowd:
                for packet in PACKETS.values():
                    crowd.start_soon(send, packet)
                assert (await request(regular, "metrics")).status == 200
            assert (await server.get("metrics")).status == 200
        with trio.fail_after(10):
            while living_tasks() > tasks or open_files() > files:
                await trio.sleep(0.01)
        assert not server.ended.is_set()
        assert (await request(regular, "metrics")).status == 200
    assert [] == caplog.records
