"""The root nursery: what runs beside what, and how it ends.

One supervisor per Miniserver and the HTTP server, side by side. A signal asks the sessions to say
farewell first, while probes and scrapes are still answered, and then the HTTP server to finish.
"""

from __future__ import annotations

import linecache
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING, Final

import trio
from attrs import define

from loxone_exporter import __version__, logs
from loxone_exporter.config.load import Loaded
from loxone_exporter.config.model import Config
from loxone_exporter.config.shard import Shard
from loxone_exporter.config.source import ConfigSource
from loxone_exporter.fleet import Fleet
from loxone_exporter.miniserver.network import NameLookup
from loxone_exporter.reload import Reloader, TakeOver
from loxone_exporter.shutdown import STOPPING, watchdog
from loxone_exporter.stop import StopRequest
from loxone_exporter.vitals import Vitals
from loxone_exporter.web.app import WebApp
from loxone_exporter.web.server import WebServer, url


if TYPE_CHECKING:
    from loxone_exporter.web.tls import ServerTls


STOPPED: Final = 0
FAILED: Final = 1

_logger = logging.getLogger(__name__)


async def run(  # noqa: ASYNC128  # passes task_status on
    config: Config,
    sockets: Sequence[socket.socket],
    *,
    shard: Shard | None = None,
    source: ConfigSource | None = None,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> int:
    """Run the exporter until a signal ends it.

    Args:
        config: What to connect to and what to export.
        sockets: Listening already.
        shard: Which part of all Miniservers these are; None if there are no others.
        source: Where another configuration may come from; None where this one stays.
        task_status: Told once requests are answered.

    Returns:
        The exit code of the process.
    """
    # attrs keeps the source of the methods that it makes, half a megabyte for tracebacks only.
    linecache.clearcache()
    stop, bug = StopRequest(), None
    shard = shard or Shard.whole(len(config.miniservers))
    try:
        await _run_all(config, sockets, source, stop, shard, tell_ready=task_status.started)
    except* Exception as group:  # noqa: BLE001  # the root: nothing is above it
        bug = group
    if bug is not None or not stop.is_made():
        _logger.critical("the exporter ended without having been asked to", exc_info=bug)
        return FAILED
    _logger.info("stopped")
    return STOPPED


async def _run_all(
    config: Config,
    sockets: Sequence[socket.socket],
    source: ConfigSource | None,
    stop: StopRequest,
    shard: Shard,
    *,
    tell_ready: Callable[[], None],
) -> None:
    signals = STOPPING if source is None else (*STOPPING, signal.SIGHUP)
    stop_web, vitals = StopRequest(), Vitals(shard=shard)
    tls = _start_tls(config, vitals)
    trio.socket.set_custom_hostname_resolver(NameLookup())
    with trio.open_signal_receiver(*signals) as received, watchdog():
        async with trio.open_nursery() as background:
            async with trio.open_nursery() as web:
                async with trio.open_nursery() as sessions:
                    fleet = Fleet(sessions, stop)
                    fleet.replace(config)
                    fleet.count(config)
                    app = WebApp.build(config, fleet.states, stop, vitals)
                    background.start_soon(app.heartbeat.beat)
                    if tls is not None:
                        background.start_soon(tls.watch)
                    reloader = None
                    if source is not None:
                        running = _Running(config, config, fleet, app, vitals, tls)
                        reloader = Reloader(source, running.prepare, vitals, stop)
                        app.reload = reloader.reload
                        background.start_soon(reloader.watch)
                        background.start_soon(reloader.obey, signal.SIGHUP.name)
                    background.start_soon(_obey, received, stop, reloader)
                    server = WebServer(app, sockets, vitals.clients, tls=tls)
                    await web.start(_serve, server, stop_web)
                    _say_hello(config, sockets)
                    _tell_of_shard(shard)
                    tell_ready()
                    with stop.interrupts():
                        await trio.sleep_forever()
                stop_web.make()
            background.cancel_scope.cancel(reason="everything else has ended")


@define(eq=False)
class _Running:
    """What a reload changes, and the configurations of the start and of now."""

    _first: Config
    _config: Config
    _fleet: Fleet
    _app: WebApp
    _vitals: Vitals
    _tls: ServerTls | None

    async def prepare(self, loaded: Loaded) -> TakeOver:
        """Do all that takes time or may fail before another configuration is gone by.

        Raises:
            trio.TooSlowError: The certificate is not read in time.
        """
        config, tls = loaded.config, self._tls
        take_over_web = self._app.prepare(config)
        take_over_tls = None
        if tls is not None and config.web.tls_server_config is not None:
            take_over_tls = await tls.prepare(config.web.tls_server_config)

        def take_over() -> str:
            self._tell(loaded)
            if take_over_tls is not None:
                take_over_tls()
            # Nothing may fail from here on.
            changes = self._fleet.replace(config)
            self._vitals.shard = loaded.shard
            take_over_web(self._fleet.states)
            self._config = config
            self._fleet.count(config)
            return str(changes)

        return take_over

    def _tell(self, loaded: Loaded) -> None:
        """Log as wanted from now on, and what the owner should know."""
        before, config = self._config, loaded.config
        if config.log != before.log:
            logs.configure(config.log.level, config.log.format, sys.stderr)
        for warning in loaded.warnings:
            _logger.warning("%s", warning)
        if config.web.listen != self._first.web.listen:
            _logger.warning(
                "web.listen is not what the exporter listens on: that takes a restart of it"
            )
        if loaded.shard != self._vitals.shard:
            _tell_of_shard(loaded.shard)
        if (config.web.tls_server_config is None) != (self._tls is None):
            _logger.warning(
                "web.tls_server_config is %s: that takes a restart of the exporter",
                "new" if self._tls is None else "gone",
            )


def _start_tls(config: Config, vitals: Vitals) -> ServerTls | None:
    if config.web.tls_server_config is None:
        return None
    # The exporter need not carry in memory what it does not use.
    from loxone_exporter.web.tls import ServerTls  # noqa: PLC0415  # see above

    return ServerTls.start(config.web.tls_server_config, vitals)


async def _serve(  # noqa: ASYNC114, ASYNC128  # passes task_status on
    server: WebServer, stop: StopRequest, *, task_status: trio.TaskStatus[None]
) -> None:
    await server.serve(stop, task_status=task_status)
    if not stop.is_made():  # nobody would see the sessions any more
        raise RuntimeError("the HTTP server ended without having been asked to")


async def _obey(
    signals: AsyncIterator[int],
    stop: StopRequest,
    reloader: Reloader | None,
) -> None:
    async for number in signals:
        name = signal.Signals(number).name
        if reloader is not None and number == signal.SIGHUP:
            reloader.request()
        elif stop.is_made():
            _logger.warning("%s again: ending at once", name)
            logging.shutdown()
            os._exit(FAILED)
        else:
            _logger.info("%s: stopping", name)
            stop.make()


def _say_hello(config: Config, sockets: Sequence[socket.socket]) -> None:
    scheme = "http" if config.web.tls_server_config is None else "https"
    _logger.info(
        "loxone-exporter %s serves %d Miniserver(s) on %s",
        __version__,
        len(config.miniservers),
        ", ".join(f"{url(listener, scheme=scheme)}/metrics" for listener in sockets),
    )


def _tell_of_shard(shard: Shard) -> None:
    if not shard.is_whole:
        _logger.info("%s", shard)
