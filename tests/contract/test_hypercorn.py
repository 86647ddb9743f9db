"""What clients can do to Hypercorn, against our own server.

The first four packets end all connections of Hypercorn's own `serve`, and the program with them;
with others it keeps a connection open for ever.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import pytest
import trio
from hypercorn.protocol.h11 import H11Protocol
from trio.testing import wait_all_tasks_blocked

from loxone_exporter.config.model import Config
from loxone_exporter.state import MiniserverState
from loxone_exporter.stop import StopRequest
from loxone_exporter.web.app import WebApp
from soak.packets import PACKETS, SCRAPE
from support.memory_network import miniserver_config
from support.web_serving import Serving, living_tasks, open_files, serving


ONE_BY_ONE, TOGETHER = 2, 18


@pytest.fixture
async def server() -> AsyncIterator[Serving]:
    config = Config(miniservers=(miniserver_config(),))
    app = WebApp.build(config, [MiniserverState(name="home")], StopRequest())
    # Short, for each packet waits for it; long enough for a busy machine to answer within.
    async with serving(app, keep_alive=0.25) as serving_:
        yield serving_


async def attack(server: Serving, packet: bytes) -> None:
    """Send a packet again and again, while a scraper and a task beside it live on."""
    heartbeats = 0

    async def sibling() -> None:
        nonlocal heartbeats
        while True:
            heartbeats += 1
            await trio.sleep(0.001)

    async def send() -> None:
        # Until the server has no more to say: it must not keep the connection.
        with trio.fail_after(5):
            await server.talk(packet)

    with trio.fail_after(15):
        await server.get("livez")
        await wait_all_tasks_blocked()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sibling)
            tasks, files = living_tasks(), open_files()
            for _ in range(ONE_BY_ONE):
                await send()
                assert (await server.get("metrics")).status == 200
            async with trio.open_nursery() as crowd:
                for _ in range(TOGETHER):
                    crowd.start_soon(send)
            assert (await server.get("metrics")).status == 200
            while living_tasks() > tasks or open_files() > files:
                await trio.sleep(0.01)
            before = heartbeats
            await trio.sleep(0.05)
            assert heartbeats > before
            nursery.cancel_scope.cancel()
    assert not server.ended.is_set()


@pytest.mark.parametrize("packet", PACKETS.values(), ids=PACKETS.keys())
async def test_no_packet_ends_more_than_its_own_connection(
    server: Serving, packet: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await attack(server, packet)
    assert [] == caplog.records


async def test_a_packet_that_nobody_thought_of_ends_its_own_connection(
    server: Serving, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    async def stumble(*_: object) -> None:
        await trio.lowlevel.checkpoint()
        raise ZeroDivisionError("planted")

    with monkeypatch.context() as patch:
        patch.setattr(H11Protocol, "handle", stumble)
        assert b"" == await server.talk(SCRAPE)
    (record,) = caplog.records
    assert "a client's connection ended by an error" == record.message
    assert (await server.get("metrics")).status == 200
