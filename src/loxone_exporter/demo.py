"""The exporter together with a simulated Miniserver, or that Miniserver alone."""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import trio

from loxone_exporter import app
from loxone_exporter.config.addresses import ListenAddress
from loxone_exporter.config.model import Config, MiniserverConfig
from loxone_exporter.config.secret import Secret
from loxone_exporter.simulator.demo import DemoHouse
from loxone_exporter.simulator.house import House, PlayedHouse
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.simulator.profile import Profile
from loxone_exporter.web.server import bind, url


MINISERVER_NAME: Final = "demo"
USERNAME: Final = "demo"
PASSWORD: Final = "demo"  # noqa: S105  # made up, and known to everybody
SIMULATOR_ADDRESS: Final = ListenAddress("127.0.0.1", 7777)

DEVICE: Final = Profile(key_bits=1024)
"""A longer RSA key takes seconds to be found at times, and the demo should be there at once."""

_logger = logging.getLogger(__name__)


def open_house(structure: Path | None) -> House:
    """The house that a structure file describes, or the demo house.

    Raises:
        StructureError: The file is no structure file.
        OSError: The file cannot be read.
    """
    if structure is None:
        return DemoHouse(now=datetime.now().astimezone())
    return PlayedHouse.from_file(structure)


def build_miniserver(house: House, username: str, password: str) -> SimulatedMiniserver:
    """A simulated Miniserver in front of a house, with one user."""
    return SimulatedMiniserver(house, username=username, password=password, profile=DEVICE)


async def simulate(miniserver: SimulatedMiniserver, sockets: Sequence[socket.socket]) -> int:
    """Be a Miniserver until a signal ends it.

    Returns:
        The exit code of the process.
    """
    places = ", ".join(url(listener) for listener in sockets)
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(miniserver.serve, _listeners(sockets))
            _logger.info("a simulated Miniserver listens on %s", places)
            async for number in signals:
                _logger.info("%s: stopping", signal.Signals(number).name)
                break
            nursery.cancel_scope.cancel(reason="stopped by a signal")
    return app.STOPPED


async def run_demo(web_sockets: Sequence[socket.socket]) -> int:
    """Run the exporter against the demo house, in one process.

    Args:
        web_sockets: Where the exporter is asked; listening already.

    Returns:
        The exit code of the process.
    """
    sockets = bind([ListenAddress("127.0.0.1", 0)])
    miniserver = build_miniserver(open_house(None), USERNAME, PASSWORD)
    config = Config(
        miniservers=(
            MiniserverConfig(
                name=MINISERVER_NAME,
                host="127.0.0.1",
                port=sockets[0].getsockname()[1],
                username=USERNAME,
                password=Secret(PASSWORD),
            ),
        )
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(miniserver.serve, _listeners(sockets))
        code = await app.run(config, web_sockets)
        nursery.cancel_scope.cancel(reason="the exporter has ended")
    _logger.info("tokens left in the simulated Miniserver: %d", len(miniserver.tokens))
    return code


def _listeners(sockets: Sequence[socket.socket]) -> list[trio.SocketListener]:
    return [trio.SocketListener(trio.socket.from_stdlib_socket(opened)) for opened in sockets]
