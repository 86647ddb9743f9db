"""The exporter together with a simulated Miniserver."""

from __future__ import annotations

import logging
import socket
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import trio

from loxone_exporter import app
from loxone_exporter.config.addresses import ListenAddress
from loxone_exporter.config.model import Config, MiniserverConfig
from loxone_exporter.config.secret import Secret
from loxone_exporter.simulate import DEVICE, listeners, tell_of_commands
from loxone_exporter.simulator.demo import DemoHouse
from loxone_exporter.simulator.demo.blueprint import SERIAL
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.web.server import bind


MINISERVER_NAME: Final = "demo"
USERNAME: Final = "demo"
PASSWORD: Final = "demo"  # noqa: S105  # made up, and known to everybody

_logger = logging.getLogger(__name__)


async def run_demo(web_sockets: Sequence[socket.socket]) -> int:
    """Run the exporter against the demo house, in one process.

    Args:
        web_sockets: Where the exporter is asked; listening already.

    Returns:
        The exit code of the process.
    """
    sockets = bind([ListenAddress("127.0.0.1", 0)])
    house = DemoHouse(now=datetime.now().astimezone())
    miniserver = SimulatedMiniserver(house, username=USERNAME, password=PASSWORD, profile=DEVICE)
    config = Config(
        miniservers=(
            MiniserverConfig(
                name=MINISERVER_NAME,
                host="127.0.0.1",
                port=sockets[0].getsockname()[1],
                serial=SERIAL,
                username=USERNAME,
                password=Secret(PASSWORD),
            ),
        )
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(miniserver.serve, listeners(sockets))
        code = await app.run(config, web_sockets)
        nursery.cancel_scope.cancel(reason="the exporter has ended")
    tell_of_commands(miniserver)
    _logger.info("tokens left in the simulated Miniserver: %d", len(miniserver.tokens))
    return code
