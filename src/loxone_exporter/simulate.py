"""The command `simulate`: a simulated Miniserver as the options of the command line say."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import trio
from attrs import evolve, frozen

from loxone_exporter import demo
from loxone_exporter.config.addresses import ListenAddress
from loxone_exporter.errors import ExporterError, MissingExtraError
from loxone_exporter.simulator.faults import FaultInfo, Faults
from loxone_exporter.simulator.house import House
from loxone_exporter.simulator.orders import Order, describe_all, parse_order
from loxone_exporter.simulator.profile import Profile
from loxone_exporter.simulator.profiles import PROFILES
from loxone_exporter.simulator.tls import ServerCertificate, make_certificate
from loxone_exporter.web.server import bind


_FIRST_WITH_TLS: Final = 2
_TLS_PROFILE: Final = "gen2-16"


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
        faults: What to do wrong, as `NAME[=VALUE][@SECONDS]`.
        listen: Where to listen; empty for the default.
        tls_listen: Where to listen for TLS.
        tls_ca_file: Where to write the certificate of the authority.
    """

    structure: Path | None
    username: str
    password: str
    profile: str | None
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
    profile = _choose_profile(options)
    miniserver = demo.build_miniserver(
        _open_house(options.structure), options.username, options.password, profile
    )
    certificate = None
    if options.tls_listen:
        certificate = _make_certificate(profile, _faults_at_once(orders))
        _write_authority(options.tls_ca_file, certificate)
    sockets = bind(options.listen or [demo.SIMULATOR_ADDRESS])
    tls_sockets = bind(options.tls_listen)

    async def simulate() -> int:
        return await demo.simulate(
            miniserver,
            sockets,
            tls_sockets=tls_sockets,
            certificate=certificate,
            orders=orders,
        )

    return trio.run(simulate)


def _open_house(structure: Path | None) -> House:
    try:
        return demo.open_house(structure)
    except OSError as error:
        raise UsageError(f"{structure}: {error.strerror}") from error


def _read_order(text: str) -> Order:
    try:
        return parse_order(text)
    except ValueError as error:
        raise UsageError(f"--fault {text}: {error}") from None


def _choose_profile(options: Options) -> Profile:
    if not options.tls_listen and options.tls_ca_file is not None:
        raise UsageError("--tls-ca-file needs --tls-listen")
    if options.profile is None:
        return PROFILES[_TLS_PROFILE] if options.tls_listen else demo.DEVICE
    profile = PROFILES.get(options.profile)
    if profile is None:
        near = difflib.get_close_matches(options.profile.lower(), PROFILES, n=1)
        hint = f"did you mean {near[0]}?" if near else "see --list-profiles"
        raise UsageError(f"--profile: there is no profile {options.profile!r}; {hint}")
    if not options.tls_listen:
        return profile
    if profile.generation < _FIRST_WITH_TLS:
        raise UsageError(
            "a Miniserver of the first generation has no TLS: "
            f"leave --tls-listen away, or choose another --profile, as {_TLS_PROFILE}"
        )
    return profile if profile.https_status is not None else evolve(profile, https_status=1)


def _faults_at_once(orders: Sequence[Order]) -> Faults:
    faults = Faults()
    for order in orders:
        if order.is_at_once and isinstance(order.subject, FaultInfo):
            setattr(faults, order.subject.attribute, order.value)
    return faults


def _make_certificate(profile: Profile, faults: Faults) -> ServerCertificate:
    serial = faults.serial or profile.serial
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
