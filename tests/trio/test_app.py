from __future__ import annotations

import logging
import signal

import pytest
import trio
from attrs import evolve

from loxone_exporter import app
from loxone_exporter.config.addresses import ListenAddress
from loxone_exporter.config.model import Config
from loxone_exporter.web.server import bind
from support.memory_network import miniserver_config


async def test_an_end_that_nobody_asked_for_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def end_by_itself(*_: object) -> None:
        await trio.lowlevel.checkpoint()

    monkeypatch.setattr(app, "supervise", end_by_itself)
    config = Config(miniservers=(miniserver_config(),))
    with trio.fail_after(10):
        assert app.FAILED == await app.run(config, bind([ListenAddress("127.0.0.1", 0)]))
    assert ["the exporter ended without having been asked to"] == [
        record.message for record in caplog.records if record.levelno == logging.CRITICAL
    ]


async def test_a_stray_cancellation_in_a_session_is_not_taken_for_a_stop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def leak_a_cancellation(*_: object) -> None:
        with trio.CancelScope() as scope:
            scope.cancel()
            try:
                await trio.lowlevel.checkpoint()
            except trio.Cancelled as cancelled:  # noqa: ASYNC103  # the leak that is tested
                leaked = cancelled
        raise leaked

    monkeypatch.setattr(app, "supervise", leak_a_cancellation)
    config = Config(miniservers=(miniserver_config(),))
    with trio.fail_after(10):
        assert app.FAILED == await app.run(config, bind([ListenAddress("127.0.0.1", 0)]))


async def test_a_signal_is_taken_for_a_stop() -> None:
    refusing = evolve(miniserver_config(), host="127.0.0.1", port=1)
    config = Config(miniservers=(refusing,))
    codes = []

    async def run_exporter(task_status: trio.TaskStatus[None]) -> None:  # noqa: ASYNC128  # passed on
        sockets = bind([ListenAddress("127.0.0.1", 0)])
        codes.append(await app.run(config, sockets, task_status=task_status))

    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            await nursery.start(run_exporter)
            signal.raise_signal(signal.SIGTERM)
    assert [app.STOPPED] == codes
