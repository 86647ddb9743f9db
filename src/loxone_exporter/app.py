"""The root nursery: what runs beside what, and how it ends.

One supervisor per Miniserver and the HTTP server, side by side. A signal asks the sessions to say
farewell first, while probes and scrapes are still answered, and then the HTTP server to finish.
"""

from __future__ import annotations

import contextlib
import linecache
import logging
import os
import signal
import socket
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Final

import trio

from loxone_exporter import __version__
from loxone_exporter.config.model import Config
from loxone_exporter.metrics.counted import counted_states
from loxone_exporter.miniserver.supervisor import supervise
from loxone_exporter.state import MiniserverState
from loxone_exporter.stop import StopRequest
from loxone_exporter.web.app import WebApp
from loxone_exporter.web.server import WebServer, url


STOPPED: Final = 0
FAILED: Final = 1
HUNG: Final = 70

HANG_AFTER: Final = 7.0
"""Seconds that a shutdown may take before the process is ended from outside the event loop."""

_logger = logging.getLogger(__name__)


async def run(
    config: Config,
    sockets: Sequence[socket.socket],
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> int:
    """Run the exporter until a signal ends it.

    Args:
        config: What to connect to and what to export.
        sockets: Listening already.
        task_status: Told once requests are answered.

    Returns:
        The exit code of the process.
    """
    # attrs keeps the source of the methods that it makes, half a megabyte for tracebacks only.
    linecache.clearcache()
    stop_sessions, stop_web = StopRequest(), StopRequest()
    states = [_new_state(miniserver.name, config) for miniserver in config.miniservers]
    app = WebApp.build(config, states, stop_sessions)
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with trio.open_nursery() as background:
            background.start_soon(_end_on_signal, signals, stop_sessions)
            background.start_soon(app.heartbeat.beat)
            async with trio.open_nursery() as web:
                await web.start(WebServer(app, sockets).serve, stop_web)
                _say_hello(config, sockets)
                task_status.started()
                async with trio.open_nursery() as sessions:
                    for miniserver, state in zip(config.miniservers, states, strict=True):
                        sessions.start_soon(
                            supervise,
                            miniserver,
                            state,
                            stop_sessions,
                            name=f"miniserver:{miniserver.name}",
                        )
                stop_web.make()
            background.cancel_scope.cancel(reason="everything else has ended")
    if not stop_sessions.is_made():
        _logger.critical("the exporter ended without having been asked to")
        return FAILED
    _logger.info("stopped")
    return STOPPED


def _new_state(name: str, config: Config) -> MiniserverState:
    if config.metrics.activations:
        return MiniserverState(name=name, counted_states=counted_states)
    return MiniserverState(name=name)


async def _end_on_signal(signals: AsyncIterator[int], stop: StopRequest) -> None:
    with contextlib.ExitStack() as shutdown:
        async for number in signals:
            name = signal.Signals(number).name
            if stop.is_made():
                _logger.warning("%s again: ending at once", name)
                logging.shutdown()
                os._exit(FAILED)
            _logger.info("%s: stopping", name)
            shutdown.enter_context(_watchdog())
            stop.make()


@contextlib.contextmanager
def _watchdog() -> Iterator[None]:
    """End the process from outside the event loop, should the block hang.

    trio cannot interrupt what shields itself, nor what does not return to it.
    """
    watchdog = threading.Timer(HANG_AFTER, os._exit, (HUNG,))
    watchdog.daemon = True
    watchdog.start()
    try:
        yield
    finally:
        watchdog.cancel()


def _say_hello(config: Config, sockets: Sequence[socket.socket]) -> None:
    _logger.info(
        "loxone-exporter %s serves %d Miniserver(s) on %s",
        __version__,
        len(config.miniservers),
        ", ".join(f"{url(listener)}/metrics" for listener in sockets),
    )
