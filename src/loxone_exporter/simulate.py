"""The command `simulate`: a simulated Miniserver as the options of the command line say."""

from __future__ import annotations

import difflib
import logging
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import trio
from attrs import evolve, frozen

from loxone_exporter import app
from loxone_exporter.config.addresses import ListenAddress
from loxone_exporter.errors import ExporterError, MissingExtraError
from loxone_exporter.simulator.demo import DemoHouse
from loxone_exporter.simulator.faults import FaultInfo, Faults
from loxone_exporter.simulator.house import House, PlayedHouse
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.simulator.orders import Order, begin, carry_out, describe_all, parse_order
from loxone_exporter.simulator.profile import Profile
from loxone_exporter.simulator.profiles import PROFILES
from loxone_exporter.simulator.settings import describe_settings, parse_setting
from loxone_exporter.simulator.tls import ServerCertificate, make_certificate, wildcard_name
from loxone_exporter.web.server import bind, url


DEVICE: Final = Profile(key_bits=1024)
"""A longer RSA key takes seconds to be found at times, and this one should be there at once."""

_ADDRESS: Final = ListenAddress("127.0.0.1", 7777)
_FIRST_WITH_TLS: Final = 2
_TLS_PROFILE: Final = "gen2-16"

_logger = logging.getLogger(__name__)


class UsageError(ExporterError):
    """Options that make no sense, do not go together, or name a file that cannot be used."""


@frozen(kw_only=True)
class Options:
    """What the command line says.

    Attributes:
        structure: A structure file to play; None plays the demo house.
        username: The one user.
        password: The user's password.
        profile: The name of a profile; None chooses one.
        settings: What is different from the profile, as `NAME=VALUE`.
        faults: What to do wrong, as `parse_order` takes it.
        listen: Where to listen; empty for the default.
        tls_listen: Where to listen for TLS.
        tls_ca_file: Where to write the certificate of the authority.
    """

    structure: Path | None
    username: str
    password: str
    profile: str | None
    settings: Sequence[str]
    faults: Sequence[str]
    listen: Sequence[ListenAddress]
    tls_listen: Sequence[ListenAddress]
    tls_ca_file: Path | None


def describe_faults() -> Iterator[str]:
    """What can be done wrong, a line each."""
    return describe_all()


def describe_profiles() -> Iterator[str]:
    """The devices that can be played, a line each."""
    for name, profile in PROFILES.items():
        tls = "no TLS" if profile.https_status is None else "TLS"
        yield f"{name:<12} firmware {profile.firmware}, serial {profile.serial}, {tls}"
    yield ""
    yield "What can be different, by --set NAME=VALUE:"
    for setting in describe_settings():
        yield f"  {setting}"


def run(options: Options) -> int:
    """Be a simulated Miniserver until a signal comes.

    Returns:
        The exit code of the process.

    Raises:
        UsageError: Options make no sense, a file cannot be used, or the libraries for TLS are not
            installed.
        StructureError: The structure file is none.
        ListenError: It cannot listen.
    """
    orders = [_read_order(text) for text in options.faults]
    profile = evolve(_choose_profile(options), **dict(map(_read_setting, options.settings)))
    faults = _faults_at_once(orders)
    house = _open_house(options.structure)
    miniserver = SimulatedMiniserver(
        house, username=options.username, password=options.password, profile=profile
    )
    name = options.profile or (_TLS_PROFILE if options.tls_listen else "default")
    serial = faults.serial or profile.serial
    _logger.info(
        "device %s: firmware %s, serial %s, user %s",
        name,
        profile.firmware,
        serial,
        options.username,
    )
    certificate = None
    if options.tls_listen:
        certificate = _make_certificate(serial, faults)
        _write_authority(options.tls_ca_file, certificate)
        _logger.info("certificate for %s, %s", wildcard_name(serial), certificate.fingerprint)
    _warn_of_faults_without_effect(orders, house)
    sockets = bind(options.listen or [_ADDRESS])
    tls_sockets = bind(options.tls_listen)
    places = [url(listener) for listener in sockets]
    places += [url(listener).replace("http", "https", 1) for listener in tls_sockets]

    async def serve() -> None:
        await miniserver.serve(
            listeners(sockets), tls_listeners=listeners(tls_sockets), certificate=certificate
        )

    return trio.run(_simulate, miniserver, serve, places, orders)


def listeners(sockets: Sequence[socket.socket]) -> list[trio.SocketListener]:
    """Sockets that listen already, as trio takes them."""
    return [trio.SocketListener(trio.socket.from_stdlib_socket(opened)) for opened in sockets]


async def _simulate(
    miniserver: SimulatedMiniserver,
    serve: Callable[[], Awaitable[None]],
    places: Sequence[str],
    orders: Sequence[Order],
) -> int:
    """Serve clients, with all that goes wrong, until a signal comes."""
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with trio.open_nursery() as nursery:
            for order in orders:
                if order.is_at_once:
                    begin(miniserver.faults, order)
                if not order.is_for_good:
                    nursery.start_soon(carry_out, miniserver, order)
            nursery.start_soon(serve)
            _logger.info("a simulated Miniserver listens on %s", ", ".join(places))
            async for number in signals:
                _logger.info("%s: stopping", signal.Signals(number).name)
                break
            nursery.cancel_scope.cancel(reason="stopped by a signal")
    tell_of_commands(miniserver)
    return app.STOPPED


def tell_of_commands(miniserver: SimulatedMiniserver) -> None:
    """Say in the end whether clients sent anything that loxone-exporter cannot send."""
    _logger.info(
        "commands received: %d; not on loxone-exporter's list: %d",
        miniserver.received_in_all,
        len(miniserver.strangers),
    )


def _open_house(structure: Path | None) -> House:
    if structure is None:
        return DemoHouse(now=datetime.now().astimezone())
    try:
        return PlayedHouse.from_file(structure)
    except OSError as error:
        raise UsageError(f"{structure}: {error.strerror}") from error


def _warn_of_faults_without_effect(orders: Sequence[Order], house: House) -> None:
    for order in orders:
        if isinstance(order.subject, FaultInfo) and order.subject.only_texts and not house.texts:
            _logger.warning(
                "--fault %s has no effect: it spoils text states, and this house has none",
                order.text,
            )


def _read_order(text: str) -> Order:
    try:
        return parse_order(text)
    except ValueError as error:
        raise UsageError(f"--fault {text}: {error}") from None


def _read_setting(text: str) -> tuple[str, Any]:
    try:
        return parse_setting(text)
    except ValueError as error:
        raise UsageError(f"--set {text}: {error}") from None


def _choose_profile(options: Options) -> Profile:
    if not options.tls_listen and options.tls_ca_file is not None:
        raise UsageError("--tls-ca-file needs --tls-listen")
    if options.profile is None:
        return PROFILES[_TLS_PROFILE] if options.tls_listen else DEVICE
    profile = PROFILES.get(options.profile)
    if profile is None:
        near = difflib.get_close_matches(options.profile.lower(), PROFILES, n=1)
        hint = f"did you mean {near[0]}?" if near else "see --list-profiles"
        raise UsageError(f"--profile: there is no profile {options.profile!r}; {hint}")
    if not options.tls_listen:
        return evolve(profile, https_status=None)  # nothing would be found there
    if profile.generation < _FIRST_WITH_TLS:
        raise UsageError(
            "a Miniserver of the first generation has no TLS: "
            f"leave --tls-listen away, or choose another --profile, as {_TLS_PROFILE}"
        )
    return profile if profile.https_status is not None else evolve(profile, https_status=1)


def _faults_at_once(orders: Sequence[Order]) -> Faults:
    faults = Faults()
    for order in orders:
        if order.is_at_once:
            begin(faults, order)
    return faults


def _make_certificate(serial: str, faults: Faults) -> ServerCertificate:
    try:
        return make_certificate(serial, expired=faults.certificate_expired)
    except MissingExtraError as error:
        raise UsageError(str(error)) from error


def _write_authority(place: Path | None, certificate: ServerCertificate) -> None:
    if place is None:
        return
    try:
        place.write_bytes(certificate.authority_pem)
    except OSError as error:
        raise UsageError(f"{place}: {error.strerror}") from error
