"""Clients that go away, or break the protocol, while they are being answered.

Found by `nox -s fuzz`: Hypercorn begins to wait for the next request of a client that is gone, and
keeps the connection for that long; and it closes a connection while it is sending on it, which is
an error to trio, and was one in the log.
"""

from __future__ import annotations

import logging
import socket
import struct

import pytest
import trio
from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable, Scope
from trio.testing import wait_all_tasks_blocked

from loxone_exporter.config.model import Config
from loxone_exporter.state import MiniserverState
from loxone_exporter.stop import StopRequest
from loxone_exporter.web.app import WebApp
from support.memory_network import miniserver_config
from support.web_serving import living_tasks, open_files, serving


GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNK, NO_CHUNK = b"1\r\nx\r\n", b"no chunk\r\n"
RESET = struct.pack("ii", 1, 0)


def answering_the_dead() -> ASGIFramework:
    """An application that answers once the client is gone."""

    async def app(_scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"late", "more_body": False})

    return app


async def test_nothing_more_is_expected_of_a_client_that_is_gone() -> None:
    async with serving(answering_the_dead()) as server:
        await wait_all_tasks_blocked()
        tasks, files = living_tasks(), open_files()
        for _ in range(5):
            async with await server.connect() as stream:
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                await stream.send_all(GET)
        with trio.fail_after(5):
            while living_tasks() > tasks or open_files() > files:
                await trio.sleep(0.01)


async def test_a_breach_of_the_protocol_during_an_answer_is_no_error_of_ours(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    config = Config(miniservers=(miniserver_config(),))
    app = WebApp.build(config, [MiniserverState(name="home")], StopRequest())
    async with serving(app) as server:
        with trio.fail_after(15):
            async with trio.open_nursery() as crowd:
                for chunks in [*range(16)] * 4:
                    crowd.start_soon(server.talk, POST + chunks * CHUNK + NO_CHUNK)
    assert [] == caplog.records
