"""The exporter together with a simulated Miniserver, or that Miniserver alone."""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import trio

from loxone_exporter import app
from loxone_exporter.config.addresses import ListenAddress
from loxone_exporter.config.model import Config, MiniserverConfig
from loxone_exporter.config.secret import Secret
from loxone_exporter.simulator.demo import DemoHouse
from loxone_exporter.simulator.house import House, PlayedHouse
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.simulator.orders import Order, begin, carry_out
from loxone_exporter.simulator.profile import Profile
from loxone_exporter.web.server import bind, url


if TYPE_CHECKING:
    # The module itself is only imported where TLS is asked for.
    from loxone_exporter.simulator.tls import ServerCertificate

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


def build_miniserver(
    house: House, username: str, password: str, profile: Profile = DEVICE
) -> SimulatedMiniserver:
    """A simulated Miniserver in front of a house, with one user."""
    return SimulatedMiniserver(house, username=username, password=password, profile=profile)


async def simulate(
    miniserver: SimulatedMiniserver,
    sockets: Sequence[socket.socket],
    *,
    tls_sockets: Sequence[socket.socket] = (),
    certificate: ServerCertificate | None = None,
    orders: Sequence[Order] = (),
) -> int:
    """Be a Miniserver until a signal ends it.

    Args:
        miniserver: The Miniserver.
        sockets: Where it listens.
        tls_sockets: Where it listens for TLS.
        certificate: What it shows there.
        orders: What it does wrong.

    Returns:
        The exit code of the process.
    """
    places = [url(listener) for listener in sockets]
    places += [url(listener).replace("http", "https", 1) for listener in tls_sockets]
    serve = partial(
        miniserver.serve,
        _listeners(sockets),
        tls_listeners=_listeners(tls_sockets),
        certificate=certificate,
    )
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with trio.open_nursery() as nursery:
            for order in orders:
                if order.is_at_once:
                    begin(miniserver, order)
                else:
                    nursery.start_soon(carry_out, miniserver, order)
            nursery.start_soon(serve)
            _logger.info("a simulated Miniserver listens on %s", ", ".join(places))
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
