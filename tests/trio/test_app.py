"""How the root nursery ends."""

from __future__ import annotations

import logging
import signal
from collections.abc import Awaitable, Callable
from typing import Never

import pytest
import trio
from attrs import evolve

from loxone_exporter import app
from loxone_exporter.config.addresses import ListenAddress
from loxone_exporter.config.model import Config
from loxone_exporter.miniserver.network import NameLookup
from loxone_exporter.web.app import Heartbeat
from loxone_exporter.web.server import WebServer, bind
from support.memory_network import miniserver_config
from support.stumbling import end_by_itself, fail, leak_a_cancellation


CONFIG = Config(miniservers=(evolve(miniserver_config(), host="127.0.0.1", port=1),))

Stumble = Callable[[], Awaitable[None]]


async def run() -> int:
    with trio.fail_after(10):
        return await app.run(CONFIG, bind([ListenAddress("127.0.0.1", 0)]))


def complaints(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.levelno == logging.CRITICAL]


@pytest.mark.parametrize("stumble", [fail, leak_a_cancellation])
async def test_an_end_that_nobody_asked_for_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, stumble: Stumble
) -> None:
    monkeypatch.setattr(Heartbeat, "beat", lambda _: stumble())
    assert app.FAILED == await run()
    (complaint,) = complaints(caplog)
    assert "the exporter ended without having been asked to" == complaint.message
    assert (stumble is fail) == ("ZeroDivisionError: planted" in caplog.text)


@pytest.mark.parametrize("stumble", [fail, leak_a_cancellation, end_by_itself])
async def test_the_exporter_does_not_go_on_without_its_http_server(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, stumble: Stumble
) -> None:
    async def serve(self: WebServer, _: object, *, task_status: trio.TaskStatus[None]) -> None:  # noqa: ASYNC910, ASYNC911  # stumble checks
        for listener in self._sockets:
            listener.close()
        task_status.started()
        await stumble()

    monkeypatch.setattr(WebServer, "serve", serve)
    assert app.FAILED == await run()
    assert 1 == len(complaints(caplog))


async def test_a_signal_is_taken_for_a_stop() -> None:
    codes = []

    async def run_exporter(task_status: trio.TaskStatus[None]) -> None:  # noqa: ASYNC128  # passed on
        sockets = bind([ListenAddress("127.0.0.1", 0)])
        codes.append(await app.run(CONFIG, sockets, task_status=task_status))

    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            await nursery.start(run_exporter)
            signal.raise_signal(signal.SIGTERM)
    assert [app.STOPPED] == codes


async def test_names_of_miniservers_are_looked_up_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up = trio.Event()

    async def look_up(_self: NameLookup, host: bytes | None, *_: object) -> Never:
        await trio.lowlevel.checkpoint()
        if host == b"home.test":
            looked_up.set()
        raise OSError("nobody answers")

    monkeypatch.setattr(NameLookup, "getaddrinfo", look_up)
    config = Config(miniservers=(evolve(miniserver_config(), host="home.test"),))
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(app.run, config, bind([ListenAddress("127.0.0.1", 0)]))
            await looked_up.wait()
            signal.raise_signal(signal.SIGTERM)


async def test_signals_are_handled_as_before_afterwards() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    await test_a_signal_is_taken_for_a_stop()
    assert before == [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
