"""Whom the exporter finds, and on which way, before any credential is sent."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import define, evolve, field
from trio.testing import MockClock

from loxone_exporter.config.model import MiniserverConfig
from loxone_exporter.errors import (
    BootingError,
    BusyError,
    ConnectionLostError,
    IdentityError,
    LockedOutError,
    MisbehaviourError,
    SessionError,
    SilentError,
    TlsError,
    UnreachableError,
)
from loxone_exporter.loxone import commands
from loxone_exporter.loxone.crypto import PrivateKey, PublicKey
from loxone_exporter.loxone.replies import Device
from loxone_exporter.miniserver.approach import OPENING_DEADLINE, Approach, Encounter
from loxone_exporter.miniserver.memory import SessionMemory
from loxone_exporter.miniserver.network import Address
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.simulator.profile import Profile
from loxone_exporter.simulator.tls import ServerCertificate, key_certificates, make_certificate
from loxone_exporter.state import LinkState, Security
from support.certificates import issue
from support.memory_network import MemoryNetwork, miniserver_config, small_house
from support.scripted_peer import ScriptedPeer, response


HOST = "home.test"
SERIAL = "504F94AABBCC"
OTHER_SERIAL = "504F94000001"
NAME = "192-0-2-7.504f94aabbcc.dyndns.loxonecloud.com"

GEN1 = Profile(serial=SERIAL, key_bits=1024, firmware="12.2.11.5")
GEN2 = evolve(GEN1, generation=2, https_status=1)

PLAIN, TLS = 80, 443

NOT_FOUND = response("404 Not Found", b"<errorcode>404</errorcode>")
FORBIDDEN = response("403 Forbidden", b"<errorcode>403</errorcode> <remaining>38</remaining>")
KEY = PrivateKey.generate(1024)


@pytest.fixture(scope="module")
def certificate() -> ServerCertificate:
    return make_certificate(SERIAL)


@pytest.fixture(scope="module")
def expired() -> ServerCertificate:
    return make_certificate(SERIAL, expired=True)


@pytest.fixture
async def network() -> AsyncIterator[MemoryNetwork]:
    assert isinstance(trio.lowlevel.current_clock(), MockClock)
    async with trio.open_nursery() as nursery:
        network = MemoryNetwork(nursery)
        yield network
        # Whatever the outcome, no connection is left over.
        assert 0 == network.open_streams()
        nursery.cancel_scope.cancel()


@define
class Client:
    """An exporter that comes again and again."""

    network: MemoryNetwork
    config: MiniserverConfig
    memory: SessionMemory = field(factory=SessionMemory)
    state: LinkState = field(factory=LinkState)

    async def meet(self) -> Encounter:
        approach = Approach(self.config, self.memory, self.state, self.network.connect)
        with trio.fail_after(60):
            return await approach.meet()

    async def fail(self) -> SessionError:
        with pytest.raises(SessionError) as caught:
            await self.meet()
        return caught.value

    def ports(self) -> list[int]:
        """To which ports there were connections since this was asked last."""
        ports = self.network.ports()
        self.network.addresses.clear()
        return ports


MakeClient = Callable[..., Client]


@pytest.fixture
def client(network: MemoryNetwork, certificate: ServerCertificate, tmp_path: Path) -> MakeClient:
    """Makes clients that trust the authority of `certificate`."""
    authority = tmp_path / "ca.pem"
    authority.write_bytes(certificate.authority_pem)

    def make(**settings: Any) -> Client:  # noqa: ANN401  # any of the configuration
        return Client(
            network, evolve(miniserver_config(), **{"tls_ca_file": authority, **settings})
        )

    return make


def add_miniserver(
    network: MemoryNetwork,
    profile: Profile = GEN2,
    certificate: ServerCertificate | None = None,
    *,
    host: str = HOST,
) -> SimulatedMiniserver:
    """Put a simulated Miniserver on the network, with TLS where there is a certificate."""
    miniserver = SimulatedMiniserver(small_house(), profile=profile)
    network.hosts[host] = miniserver.handle
    if certificate is not None:
        network.tls_hosts[host] = partial(miniserver.handle_tls, certificate=certificate)
    return miniserver


@pytest.fixture
def gen2(network: MemoryNetwork, certificate: ServerCertificate) -> SimulatedMiniserver:
    return add_miniserver(network, GEN2, certificate)


def ll(value: object, code: object = "200") -> bytes:
    """An answer in its envelope."""
    body = json.dumps({"LL": {"control": "dev/x", "value": value, "Code": code}})
    return response("200 OK", body.encode())


def about(serial: str = "50:4F:94:AA:BB:CC", **members: object) -> bytes:
    """What a Miniserver says of itself."""
    return ll(json.dumps({"snr": serial, "version": "12.2.11.5", **members}).replace('"', "'"))


ANSWERS: Mapping[str, bytes] = {
    commands.DEVICE: about(hasEventSlots=True),
    commands.API_KEY: about(key="00"),
    commands.PUBLIC_KEY: ll(KEY.public_text),
}


@define(eq=False)
class ScriptedHost:
    """A host with an answer for each path, and 404 for all others.

    Attributes:
        answers: By path, without the leading slash.
        heads: The heads of all requests.
    """

    answers: Mapping[str, bytes] = ANSWERS
    heads: list[bytes] = field(factory=list)

    async def handle(self, stream: trio.abc.Stream) -> None:
        peer = ScriptedPeer(stream)
        try:
            while True:
                head = await peer.read_request()
                self.heads.append(head)
                await peer.say(self.answers.get(head.split()[1].decode()[1:], NOT_FOUND))
        except (trio.EndOfChannel, trio.BrokenResourceError):
            await trio.aclose_forcefully(stream)

    @property
    def paths(self) -> list[str]:
        return [head.split()[1].decode()[1:] for head in self.heads]


def answering(answers: Mapping[str, bytes], network: MemoryNetwork) -> ScriptedHost:
    """Put a host on the network, with some answers in place of the usual ones."""
    host = ScriptedHost({**ANSWERS, **answers})
    network.hosts[HOST] = host.handle
    return host


def is_key_of(miniserver: SimulatedMiniserver, encounter: Encounter) -> bool:
    private_key = miniserver._device.private_key
    return encounter.public_key == PublicKey.parse(private_key.public_text)


# The ways: auto, required, off.


async def test_auto_stays_with_plain_http_where_there_is_nothing_else(
    autojump_clock: MockClock, network: MemoryNetwork, client: MakeClient
) -> None:
    miniserver = add_miniserver(network, GEN1)
    home = client()
    encounter = await home.meet()
    assert Address(HOST, PLAIN) == encounter.link.address
    assert encounter.link.terms is None
    assert Device(SERIAL, (12, 2, 11, 5), None, has_event_slots=True) == encounter.device
    assert is_key_of(miniserver, encounter)
    assert (Security.PLAIN, None) == (home.state.security, home.state.certificate_not_after)
    assert encounter.device == home.state.device
    # One connection and nothing twice: Miniservers of the first generation count connections.
    assert [PLAIN] == home.ports()
    expected = ["jdev/cfg/api", "jdev/cfg/apiKey", "jdev/sys/getPublicKey"]
    assert expected == [command.text for command in miniserver.received]


async def test_auto_uses_tls_where_it_is_offered(
    autojump_clock: MockClock,
    client: MakeClient,
    gen2: SimulatedMiniserver,
) -> None:
    home = client()
    encounter = await home.meet()
    assert Address(HOST, TLS) == encounter.link.address
    assert encounter.link.terms is not None
    assert SERIAL == encounter.link.terms.serial
    assert is_key_of(gen2, encounter)
    assert Security.VERIFIED is home.state.security
    assert home.state.certificate_not_after is not None
    assert [PLAIN, TLS] == home.ports()
    # The way leads to where it says.
    stream = await encounter.link.open()
    assert isinstance(stream, trio.SSLStream)
    await trio.aclose_forcefully(stream)


async def test_auto_never_goes_back_to_plain(
    autojump_clock: MockClock,
    network: MemoryNetwork,
    client: MakeClient,
    certificate: ServerCertificate,
    expired: ServerCertificate,
) -> None:
    miniserver = add_miniserver(network, GEN2, certificate)
    home = client()
    await home.meet()
    assert [PLAIN, TLS] == home.ports()

    # Without a word of TLS in the answer.
    plain = SimulatedMiniserver(small_house(), profile=GEN1)
    network.hosts[HOST] = plain.handle
    network.tls_hosts[HOST] = partial(plain.handle_tls, certificate=certificate)
    await home.meet()
    # When TLS fails, or is not there any more.
    network.tls_hosts[HOST] = partial(miniserver.handle_tls, certificate=expired)
    assert isinstance(await home.fail(), TlsError)
    network.tls_hosts[HOST] = miniserver.handle
    assert isinstance(await home.fail(), TlsError)
    del network.tls_hosts[HOST]
    for _ in range(3):
        assert isinstance(await home.fail(), UnreachableError)
    assert [TLS] * 6 == home.ports()
    assert [] == [command for command in plain.received if command.channel != "http"]


async def test_auto_does_not_go_back_although_the_first_attempt_by_tls_failed(
    autojump_clock: MockClock, network: MemoryNetwork, client: MakeClient
) -> None:
    add_miniserver(network, GEN2)
    home = client()
    for _ in range(2):
        assert isinstance(await home.fail(), UnreachableError)
    assert [PLAIN, TLS, TLS] == home.ports()
    # Nothing was secured yet.
    assert (None, None) == (home.state.security, home.state.certificate_not_after)


async def test_auto_asks_anew_as_long_as_nothing_was_offered(
    autojump_clock: MockClock,
    network: MemoryNetwork,
    client: MakeClient,
    certificate: ServerCertificate,
) -> None:
    home = client()
    assert isinstance(await home.fail(), UnreachableError)
    add_miniserver(network, GEN1, certificate)
    await home.meet()
    add_miniserver(network, GEN2, certificate)
    await home.meet()
    assert [PLAIN, TLS, PLAIN, PLAIN, TLS] == home.ports()


@pytest.mark.parametrize("status", [1, 3, 99])
async def test_auto_takes_any_status_for_an_offer(
    autojump_clock: MockClock,
    network: MemoryNetwork,
    client: MakeClient,
    certificate: ServerCertificate,
    status: int,
) -> None:
    add_miniserver(network, evolve(GEN2, https_status=status), certificate)
    home = client()
    await home.meet()
    assert [PLAIN, TLS] == home.ports()


async def test_status_0_is_no_offer(
    autojump_clock: MockClock, network: MemoryNetwork, client: MakeClient
) -> None:
    add_miniserver(network, evolve(GEN2, https_status=0))
    home = client()
    await home.meet()
    assert [PLAIN] == home.ports()


async def test_required_never_opens_the_plain_port(
    autojump_clock: MockClock,
    network: MemoryNetwork,
    client: MakeClient,
    gen2: SimulatedMiniserver,
) -> None:
    home = client(tls="required")
    encounter = await home.meet()
    assert Address(HOST, TLS) == encounter.link.address
    assert is_key_of(gen2, encounter)
    del network.tls_hosts[HOST]
    assert isinstance(await home.fail(), UnreachableError)
    assert [TLS, TLS] == home.ports()


async def test_required_does_not_need_the_device_to_offer_it(
    autojump_clock: MockClock,
    network: MemoryNetwork,
    client: MakeClient,
    certificate: ServerCertificate,
) -> None:
    add_miniserver(network, GEN1, certificate)
    await client(tls="required").meet()


async def test_off_never_tries_tls(
    autojump_clock: MockClock,
    network: MemoryNetwork,
    client: MakeClient,
    gen2: SimulatedMiniserver,
) -> None:
    home = client(tls="off")
    home.state = LinkState(certificate_not_after=1.0)
    for _ in range(2):
        encounter = await home.meet()
        assert encounter.link.terms is None
    assert [PLAIN, PLAIN] == home.ports()
    assert (Security.PLAIN, None) == (home.state.security, home.state.certificate_not_after)
    redirection = response("301 Moved", b"", f"Location: https://{HOST}/jdev/cfg/api")
    answering({commands.DEVICE: redirection}, network)
    error = await home.fail()
    assert isinstance(error, TlsError)
    assert "see `host`, `tls` and `tls_port`" in str(error)
    assert [PLAIN] == home.ports()


async def test_ports_of_one_s_own(
    autojump_clock: MockClock, network: MemoryNetwork, client: MakeClient
) -> None:
    add_miniserver(network, GEN2)
    home = client(port=8080, tls_port=8443)
    # The network knows no TLS on such a port.
    assert isinstance(await home.fail(), TlsError)
    assert [8080, 8443] == home.ports()


# An expired certificate.


async def test_status_2_is_a_failure_and_no_reason_to_go_on_in_plain(
    autojump_clock: MockClock,
    network: MemoryNetwork,
    client: MakeClient,
    certificate: ServerCertificate,
    expired: ServerCertificate,
) -> None:
    miniserver = add_miniserver(network, evolve(GEN2, https_status=2), expired)
    home = client()
    error = await home.fail()
    assert isinstance(error, TlsError)
    assert "the Miniserver says that its certificate has expired; it renews it" in str(error)
    assert [PLAIN] == home.ports()
    assert isinstance(await home.fail(), TlsError)
    # Renewed in the meantime.
    network.tls_hosts[HOST] = partial(miniserver.handle_tls, certificate=certificate)
    await home.meet()
    assert [TLS, TLS] == home.ports()


async def test_status_2_does_not_matter_where_the_date_does_not(
    autojump_clock: MockClock,
    network: MemoryNetwork,
    client: MakeClient,
    expired: ServerCertificate,
) -> None:
    add_miniserver(network, evolve(GEN2, https_status=2), expired)
    careless = client(tls_verify=False)
    await careless.meet()
    assert Security.UNVERIFIED is careless.state.security
    pinned = client(tls_fingerprint=expired.fingerprint.removeprefix("sha256:"))
    await pinned.meet()
    assert Security.PINNED is pinned.state.security


# A closed port.


async def test_auto_finds_a_miniserver_that_listens_for_tls_alone(
    autojump_clock: MockClock,
    network: MemoryNetwork,
    client: MakeClient,
    gen2: SimulatedMiniserver,
    caplog: pytest.LogCaptureFixture,
) -> None:
    del network.hosts[HOST]
    home = client()
    for _ in range(2):
        encounter = await home.meet()
        assert Address(HOST, TLS) == encounter.link.address
    assert Security.VERIFIED is home.state.security
    assert [PLAIN, TLS, TLS] == home.ports()
    assert (
        f"{HOST}:80 cannot be reached: Connection refused: TLS is used from now on" in caplog.text
    )
    # It stays so, although somebody listens there now.
    add_miniserver(network, GEN1)
    network.tls_hosts.clear()
    error = await home.fail()
    assert isinstance(error, UnreachableError)
    assert [TLS] == home.ports()


@pytest.mark.parametrize(
    ("settings", "ports"),
    [({}, [PLAIN, TLS]), ({"tls": "off"}, [PLAIN]), ({"tls": "required"}, [TLS])],
)
async def test_nobody_on_either_port(
    autojump_clock: MockClock,
    network: MemoryNetwork,
    client: MakeClient,
    settings: dict[str, Any],
    ports: list[int],
) -> None:
    home = client(**settings)
    error = await home.fail()
    assert isinstance(error, UnreachableError)
    assert ports == home.ports()
    for port in ports:
        assert f"{HOST}:{port} cannot be reached: Connection refused" in str(error)
    assert not home.memory.offers_tls


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"", "the connection was closed during the TLS handshake"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "no TLS with this peer"),
    ],
)
async def test_a_closed_port_beside_one_without_tls_is_no_offer(
    autojump_clock: MockClock,
    network: MemoryNetwork,
    client: MakeClient,
    answer: bytes,
    message: str,
) -> None:
    async def serve(stream: trio.abc.Stream) -> None:
        await stream.receive_some()
        if answer:
            await stream.send_all(answer)
        await stream.aclose()

    network.tls_hosts[HOST] = serve
    home = client()
    error = await home.fail()
    assert isinstance(error, UnreachableError)
    assert f"{HOST}:80 cannot be reached" in str(error)
    assert message in str(error)
    # It was no Miniserver by TLS: the next attempt begins anew.
    add_miniserver(network, GEN1)
    await home.meet()
    assert [PLAIN, TLS, PLAIN] == home.ports()


async def test_a_closed_port_makes_no_certificate_good(
    autojump_clock: MockClock, network: MemoryNetwork, client: MakeClient
) -> None:
    miniserver = add_miniserver(network, GEN2, make_certificate(SERIAL))  # of another authority
    del network.hosts[HOST]
    home = client()
    error = await home.fail()
    assert isinstance(error, UnreachableError)
    assert "the certificate is not accepted" in str(error)
    assert [] == miniserver.received
    assert home.state.security is None


async def test_a_miniserver_that_boots_says_so_by_tls_alone(
    autojump_clock: MockClock,
    network: MemoryNetwork,
    client: MakeClient,
    gen2: SimulatedMiniserver,
) -> None:
    del network.hosts[HOST]
    gen2.faults.booting = True
    assert isinstance(await client().fail(), BootingError)


async def test_another_miniserver_than_before_says_so_by_tls_alone(
    autojump_clock: MockClock,
    network: MemoryNetwork,
    client: MakeClient,
    gen2: SimulatedMiniserver,
) -> None:
    del network.hosts[HOST]
    assert isinstance(await client(serial=SERIAL).meet(), Encounter)
    home = client(tls_server_name=NAME, serial=OTHER_SERIAL)
    assert isinstance(await home.fail(), IdentityError)


# Redirections.


@pytest.mark.parametrize(
    "location",
    [
        f"https://{HOST}/jdev/cfg/api",
        f"HTTPS://{HOST}:8443/",
        f"https://{NAME}/jdev/cfg/api",
        f"https://{NAME}/{'x' * 5000}",
    ],
)
async def test_a_redirection_to_itself_by_https_is_an_offer(
    autojump_clock: MockClock,
    network: MemoryNetwork,
    client: MakeClient,
    certificate: ServerCertificate,
    caplog: pytest.LogCaptureFixture,
    location: str,
) -> None:
    caplog.set_level(logging.INFO)
    miniserver = add_miniserver(network, GEN2, certificate)
    miniserver.faults.redirect = location
    home = client()
    for _ in range(2):
        encounter = await home.meet()
        assert Address(HOST, TLS) == encounter.link.address
    assert [PLAIN, TLS, TLS] == home.ports()
    assert {HOST} == {host for host, _ in network.connections}
    (message,) = [it for it in caplog.messages if "sent on" in it]
    assert location[:100] in message
    assert len(message) < 300


@pytest.mark.parametrize(
    "location",
    [
        "https://portal.test/login",
        "https://[broken/",
        "https:",
        f"https://{HOST}.portal.test/",
        "https://x.504f94aabbcc.dyndns.loxonecloud.com.evil.test/",
        "https://" + "x" * 5000,
    ],
)
async def test_a_redirection_to_somebody_else_is_reported_and_forgotten(
    autojump_clock: MockClock,
    network: MemoryNetwork,
    client: MakeClient,
    gen2: SimulatedMiniserver,
    location: str,
) -> None:
    gen2.faults.redirect = location
    home = client()
    error = await home.fail()
    assert isinstance(error, TlsError)
    assert location[:100] in str(error)
    assert not home.memory.offers_tls
    gen2.faults.redirect = None
    await home.meet()
    assert {HOST} == {host for host, _ in network.connections}


async def test_a_redirection_to_another_miniserver_s_name(
    autojump_clock: MockClock,
    client: MakeClient,
    gen2: SimulatedMiniserver,
) -> None:
    gen2.faults.redirect = f"https://{NAME}/"
    home = client(serial=OTHER_SERIAL)
    assert isinstance(await home.fail(), TlsError)
    assert [PLAIN] == home.ports()
    assert not home.memory.offers_tls


async def test_what_led_to_tls_is_told_with_its_failure(
    autojump_clock: MockClock,
    network: MemoryNetwork,
    client: MakeClient,
    gen2: SimulatedMiniserver,
) -> None:
    home = client()
    await home.meet()
    network.tls_hosts.clear()
    error = await home.fail()
    assert isinstance(error, UnreachableError)
    assert "because the Miniserver has offered it before" in str(error)


async def test_that_nothing_is_verified_shows_before_there_is_a_connection(
    autojump_clock: MockClock, network: MemoryNetwork, client: MakeClient
) -> None:
    careless = client(tls_verify=False)
    assert isinstance(await careless.fail(), UnreachableError)
    assert Security.UNVERIFIED is careless.state.security


async def test_a_redirection_tells_the_name_of_the_certificate(
    autojump_clock: MockClock, network: MemoryNetwork, client: MakeClient
) -> None:
    miniserver = add_miniserver(network, GEN2, make_certificate(OTHER_SERIAL))
    miniserver.faults.redirect = f"https://{NAME}/"
    home = client()
    assert isinstance(await home.fail(), TlsError)
    assert SERIAL == home.memory.serial


@pytest.mark.parametrize(
    "location", ["http://elsewhere.test/", "//elsewhere.test/", "ftp://home.test/", "/other", ""]
)
@pytest.mark.parametrize("mode", ["auto", "off"])
async def test_other_redirections_are_reported(
    autojump_clock: MockClock,
    network: MemoryNetwork,
    client: MakeClient,
    location: str,
    mode: str,
) -> None:
    answering({commands.DEVICE: response("302 Found", b"", f"Location: {location}")}, network)
    home = client(tls=mode)
    error = await home.fail()
    assert isinstance(error, MisbehaviourError)
    assert repr(location) in str(error)
    assert "not followed" in str(error)
    assert [PLAIN] == home.ports()
    assert {HOST} == {host for host, _ in network.connections}


async def test_a_place_elsewhere_makes_no_redirection_of_an_answer(
    autojump_clock: MockClock, network: MemoryNetwork, client: MakeClient
) -> None:
    body = about(hasEventSlots=True).partition(b"\r\n\r\n")[2]
    answering({commands.DEVICE: response("200 OK", body, "Location: https://x.test/")}, network)
    home = client()
    await home.meet()
    assert [PLAIN] == home.ports()


async def test_redirections_over_tls_are_reported(
    autojump_clock: MockClock,
    network: MemoryNetwork,
    client: MakeClient,
    certificate: ServerCertificate,
) -> None:
    location = "https://elsewhere.test/"
    redirection = {commands.DEVICE: response("302 Found", b"", f"Location: {location}")}
    add_tls(network, ScriptedHost(redirection), certificate)
    home = client(tls="required")
    assert repr(location) in str(await home.fail())
    assert [TLS] == home.ports()


def add_tls(network: MemoryNetwork, host: ScriptedHost, certificate: ServerCertificate) -> None:
    """Let a scripted host speak TLS."""

    async def handle(stream: trio.abc.Stream) -> None:
        await host.handle(
            trio.SSLStream(
                stream, certificate.server_context(), server_side=True, https_compatible=True
            )
        )

    network.tls_hosts[HOST] = handle


# Identity.


async def test_the_configured_miniserver_is_the_only_one(
    autojump_clock: MockClock,
    network: MemoryNetwork,
    client: MakeClient,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    miniserver = add_miniserver(network, GEN1)
    home = client(serial=SERIAL)
    await home.meet()
    assert [] == [it for it in caplog.messages if "serial" in it]
    miniserver.faults.serial = OTHER_SERIAL
    error = await home.fail()
    assert isinstance(error, IdentityError)
    assert OTHER_SERIAL in str(error)
    assert SERIAL in str(error)
    # It is asked no further.
    assert "jdev/cfg/api" == miniserver.received[-1].text
    assert SERIAL == home.memory.serial


async def test_the_first_miniserver_is_the_only_one_from_then_on(
    autojump_clock: MockClock,
    network: MemoryNetwork,
    client: MakeClient,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    miniserver = add_miniserver(network, GEN1)
    home = client()
    for _ in range(2):
        await home.meet()
    assert 1 == sum(f'`serial = "{SERIAL}"`' in message for message in caplog.messages)
    miniserver.faults.serial = OTHER_SERIAL
    for _ in range(2):
        assert isinstance(await home.fail(), IdentityError)
    miniserver.faults.serial = None
    await home.meet()


async def test_two_answers_of_two_devices(
    autojump_clock: MockClock, network: MemoryNetwork, client: MakeClient
) -> None:
    answering({commands.API_KEY: about("50:4F:94:00:00:01")}, network)
    assert isinstance(await client().fail(), IdentityError)


async def test_the_certificate_tells_who_it_is_where_nothing_else_did(
    autojump_clock: MockClock,
    client: MakeClient,
    gen2: SimulatedMiniserver,
) -> None:
    gen2.faults.serial = OTHER_SERIAL
    home = client(tls="required")
    assert isinstance(await home.fail(), IdentityError)
    assert SERIAL == home.memory.serial
    gen2.faults.serial = None
    encounter = await home.meet()
    # The WebSocket's connection is verified against that name.
    assert encounter.link.terms is not None
    assert SERIAL == encounter.link.terms.serial


async def test_a_certificate_of_another_miniserver_is_noticed_before_anything_is_asked(
    autojump_clock: MockClock,
    network: MemoryNetwork,
    client: MakeClient,
    tmp_path: Path,
) -> None:
    other = make_certificate(OTHER_SERIAL, names=["miniserver.test"])
    (tmp_path / "other.pem").write_bytes(other.authority_pem)
    miniserver = add_miniserver(network, GEN2, other)
    # The name of the owner's own is right, and yet it is another device.
    home = client(
        tls="required",
        tls_ca_file=tmp_path / "other.pem",
        tls_server_name="miniserver.test",
        serial=SERIAL,
    )
    assert isinstance(await home.fail(), IdentityError)
    assert [] == miniserver.received
    assert (None, None) == (home.state.security, home.state.certificate_not_after)
    # Likewise by the cloud's name.
    home = client(tls="required", tls_ca_file=tmp_path / "other.pem", serial=SERIAL)
    assert isinstance(await home.fail(), TlsError)
    assert [] == miniserver.received


async def test_a_certificate_that_changes_hands_between_two_connections(
    autojump_clock: MockClock,
    network: MemoryNetwork,
    client: MakeClient,
    certificate: ServerCertificate,
    tmp_path: Path,
) -> None:
    other = make_certificate(OTHER_SERIAL)
    both = tmp_path / "both.pem"
    both.write_bytes(certificate.authority_pem + other.authority_pem)
    miniserver = add_miniserver(network, GEN2, certificate)
    home = client(tls="required", tls_ca_file=both)
    encounter = await home.meet()
    network.tls_hosts[HOST] = partial(miniserver.handle_tls, certificate=other)
    with pytest.raises(TlsError, match="Hostname mismatch"):
        await encounter.link.open()


@pytest.mark.parametrize("serial", ["", "zz", "50:4F", "50:4F:94:AA:BB:CC:DD"])
async def test_a_serial_number_that_is_none(
    autojump_clock: MockClock, network: MemoryNetwork, client: MakeClient, serial: str
) -> None:
    answering({commands.DEVICE: about(serial)}, network)
    home = client()
    error = await home.fail()
    assert isinstance(error, MisbehaviourError)
    assert "this is no Miniserver: " in str(error)
    assert home.memory.serial is None


@pytest.mark.parametrize(
    ("claimed", "expected"), [("cn", "cn"), ("com", "com"), ("evil", "com"), ("", "com")]
)
async def test_the_cloud_s_domain_is_one_of_the_vendor_s(
    autojump_clock: MockClock,
    network: MemoryNetwork,
    client: MakeClient,
    claimed: str,
    expected: str,
) -> None:
    """Who answers in plain could name a domain of their own, and have a certificate for it."""
    answering(
        {commands.DEVICE: about(certTLD=claimed), commands.API_KEY: about(httpsStatus=1)}, network
    )
    home = client()
    assert isinstance(await home.fail(), UnreachableError)
    assert expected == home.memory.cloud_domain


async def test_a_miniserver_in_china_tells_its_name_in_plain(
    autojump_clock: MockClock, network: MemoryNetwork, client: MakeClient, tmp_path: Path
) -> None:
    certificate = issue("*.504f94aabbcc.dyndns.loxonecloud.cn")
    authority = tmp_path / "cn.pem"
    authority.write_bytes(certificate.authority_pem)
    offer = {commands.DEVICE: about(certTLD="cn"), commands.API_KEY: about(httpsStatus=1)}
    add_tls(network, answering(offer, network), certificate)
    home = client(tls_ca_file=authority)
    assert "com" == home.memory.cloud_domain
    await home.meet()
    assert "cn" == home.memory.cloud_domain


# What is asked, and how it is answered.


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (HOST, b"home.test:80"),
        ("192.0.2.7", b"192.0.2.7:80"),
        ("2001:db8::7", b"[2001:db8::7]:80"),
        ("fe80::1%eth0", b"[fe80::1]:80"),
    ],
)
async def test_the_host_header(
    autojump_clock: MockClock,
    network: MemoryNetwork,
    client: MakeClient,
    host: str,
    expected: bytes,
) -> None:
    scripted = ScriptedHost()
    network.hosts[host] = scripted.handle
    await client(host=host).meet()
    assert scripted.heads
    for head in scripted.heads:
        assert b"\r\nHost: " + expected + b"\r\n" in head


async def test_a_miniserver_without_a_free_slot(
    autojump_clock: MockClock,
    network: MemoryNetwork,
    client: MakeClient,
    certificate: ServerCertificate,
) -> None:
    for mode in ("auto", "required"):
        miniserver = add_miniserver(network, GEN2, certificate)
        miniserver.faults.no_event_slots = True
        error = await client(tls=mode).fail()
        assert isinstance(error, BusyError)
        assert "hasEventSlots" in str(error)
        assert ["jdev/cfg/api"] == [command.text for command in miniserver.received]


BOOTING = response("503 Service Unavailable", b"")
BUSY = response("901 Busy", b"")
CODE_503 = ll("", "503")


@pytest.mark.parametrize(
    "path",
    [commands.DEVICE, commands.API_KEY, commands.PUBLIC_KEY, commands.CERTIFICATE_CHAIN],
)
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (BOOTING, BootingError),
        (CODE_503, BootingError),
        (FORBIDDEN, LockedOutError),
        (response("200 OK", b"<errorcode>403</errorcode>"), LockedOutError),
        (BUSY, BusyError),
        (ll("", 901), BusyError),
        (ll("", "401"), MisbehaviourError),
        (response("500 Internal Server Error", b""), MisbehaviourError),
        (b"rubbish\r\n\r\n", MisbehaviourError),
    ],
    ids=range(9),
)
async def test_a_refusal(
    autojump_clock: MockClock,
    network: MemoryNetwork,
    client: MakeClient,
    path: str,
    answer: bytes,
    kind: type[SessionError],
) -> None:
    host = answering({commands.PUBLIC_KEY: NOT_FOUND, path: answer}, network)
    home = client()
    assert kind is type(await home.fail())
    # Who refuses is asked nothing more.
    assert path == host.paths[-1]
    assert home.state.security is None


@pytest.mark.parametrize(
    "answer",
    [
        response("200 OK", b"<html>Welcome to nginx!</html>"),
        response("200 OK", b""),
        ll("no object"),
        ll(None),
        ll({"version": "12.0"}),
    ],
    ids=range(5),
)
@pytest.mark.parametrize("path", [commands.DEVICE, commands.API_KEY])
async def test_somebody_who_is_no_miniserver(
    autojump_clock: MockClock,
    network: MemoryNetwork,
    client: MakeClient,
    path: str,
    answer: bytes,
) -> None:
    answering({path: answer}, network)
    error = await client().fail()
    assert isinstance(error, MisbehaviourError)
    assert str(error).startswith("this is no Miniserver: ")


@pytest.mark.parametrize("missing", [NOT_FOUND, ll("", "404")])
async def test_one_of_the_two_ways_to_ask_is_enough(
    autojump_clock: MockClock, network: MemoryNetwork, client: MakeClient, missing: bytes
) -> None:
    answering({commands.DEVICE: missing}, network)
    assert (SERIAL, None) == facts(await client().meet())
    answering({commands.API_KEY: missing}, network)
    assert (SERIAL, True) == facts(await client().meet())
    answering({commands.DEVICE: missing, commands.API_KEY: missing}, network)
    error = await client().fail()
    assert isinstance(error, MisbehaviourError)
    assert "this is no Miniserver: it does not say who it is" == str(error)


def facts(encounter: Encounter) -> tuple[str, bool | None]:
    return encounter.device.serial, encounter.device.has_event_slots


async def test_each_way_to_ask_tells_something_of_its_own(
    autojump_clock: MockClock, network: MemoryNetwork, client: MakeClient
) -> None:
    about_slots = about(hasEventSlots=True, httpsStatus=1)
    answering({commands.DEVICE: about_slots, commands.API_KEY: about(httpsStatus=0)}, network)
    encounter = await client().meet()
    assert Device(SERIAL, (12, 2, 11, 5), 0, has_event_slots=True) == encounter.device


# The public key.


UNREADABLE = [
    ll("-----BEGIN CERTIFICATE-----AAAA-----END CERTIFICATE-----"),
    ll(""),
    ll(None),
    ll(PrivateKey.generate(1024).public_text[:-60]),
]
CHAIN = key_certificates(KEY.public_text, SERIAL).decode()


@pytest.mark.parametrize("missing", [NOT_FOUND, ll("", 404), *UNREADABLE], ids=range(6))
@pytest.mark.parametrize(
    "chain",
    [
        response("200 OK", CHAIN.encode()),
        ll(CHAIN),
        response("200 OK", b"\xef\xbb\xbf" + CHAIN.encode()),
    ],
    ids=["as it is", "in an envelope", "with a mark"],
)
async def test_the_public_key_is_in_the_certificate_as_well(
    autojump_clock: MockClock,
    network: MemoryNetwork,
    client: MakeClient,
    missing: bytes,
    chain: bytes,
) -> None:
    answering({commands.PUBLIC_KEY: missing, commands.CERTIFICATE_CHAIN: chain}, network)
    encounter = await client().meet()
    assert PublicKey.parse(KEY.public_text) == encounter.public_key


@pytest.mark.parametrize("missing", [NOT_FOUND, ll("", "404")])
async def test_firmware_without_encryption(
    autojump_clock: MockClock, network: MemoryNetwork, client: MakeClient, missing: bytes
) -> None:
    host = answering({commands.PUBLIC_KEY: missing, commands.CERTIFICATE_CHAIN: missing}, network)
    encounter = await client().meet()
    assert encounter.public_key is None
    assert [commands.PUBLIC_KEY, commands.CERTIFICATE_CHAIN] == host.paths[-2:]
    miniserver = add_miniserver(network, evolve(GEN1, firmware="8.1.11.11", encryption=False))
    assert (await client().meet()).public_key is None
    assert miniserver.received


@pytest.mark.parametrize("unreadable", UNREADABLE, ids=range(4))
@pytest.mark.parametrize(
    "chain", [NOT_FOUND, ll("", "404"), ll("nothing"), response("200 OK", b"nothing")], ids=range(4)
)
async def test_a_key_that_cannot_be_read_is_not_taken_for_none(
    autojump_clock: MockClock,
    network: MemoryNetwork,
    client: MakeClient,
    unreadable: bytes,
    chain: bytes,
) -> None:
    """There is encryption, and whoever damages the key must not be able to switch it off."""
    answering({commands.PUBLIC_KEY: unreadable, commands.CERTIFICATE_CHAIN: chain}, network)
    error = await client().fail()
    assert isinstance(error, MisbehaviourError)
    assert str(error).startswith("no usable public key: ")


async def test_a_certificate_that_cannot_be_read_is_not_taken_for_none(
    autojump_clock: MockClock, network: MemoryNetwork, client: MakeClient
) -> None:
    chain = response("200 OK", b"nothing")
    answering({commands.PUBLIC_KEY: NOT_FOUND, commands.CERTIFICATE_CHAIN: chain}, network)
    assert isinstance(await client().fail(), MisbehaviourError)


# Peers that do not play along.


@pytest.mark.parametrize("mode", ["off", "auto", "required"])
@pytest.mark.parametrize("offset", [0.0, OPENING_DEADLINE - 1])
async def test_a_mute_peer(
    autojump_clock: MockClock,
    network: MemoryNetwork,
    client: MakeClient,
    mode: str,
    offset: float,
) -> None:
    async def listen(stream: trio.abc.Stream) -> None:
        await trio.sleep(offset)
        while await stream.receive_some():
            pass

    network.hosts[HOST] = network.tls_hosts[HOST] = listen
    started = trio.current_time()
    error = await client(tls=mode).fail()
    assert isinstance(error, SilentError)
    assert "no answer to /jdev/cfg/api within 10 s" == str(error)
    assert OPENING_DEADLINE == pytest.approx(trio.current_time() - started)


async def test_a_peer_that_falls_silent_after_the_tls_handshake(
    autojump_clock: MockClock,
    client: MakeClient,
    gen2: SimulatedMiniserver,
) -> None:
    gen2.faults.mute_after = 1
    error = await client(tls="required").fail()
    assert isinstance(error, SilentError)
    assert "no answer to /jdev/cfg/apiKey within 10 s" == str(error)


async def test_a_peer_that_dribbles_is_waited_for_only_so_long(
    autojump_clock: MockClock,
    client: MakeClient,
    gen2: SimulatedMiniserver,
) -> None:
    gen2.faults.dribble = 10.0
    for mode in ("off", "auto", "required"):
        assert isinstance(await client(tls=mode).fail(), SilentError)
    gen2.faults.dribble = 2000.0
    await client(tls="required").meet()


@pytest.mark.parametrize("mode", ["off", "auto", "required"])
async def test_a_peer_that_closes(
    autojump_clock: MockClock, network: MemoryNetwork, client: MakeClient, mode: str
) -> None:
    async def close(stream: trio.abc.Stream) -> None:
        await stream.receive_some()
        await stream.aclose()

    network.hosts[HOST] = network.tls_hosts[HOST] = close
    assert isinstance(await client(tls=mode).fail(), ConnectionLostError)


async def test_plain_http_on_the_port_of_tls(
    autojump_clock: MockClock, network: MemoryNetwork, client: MakeClient
) -> None:
    miniserver = add_miniserver(network, GEN2)
    network.tls_hosts[HOST] = miniserver.handle
    for mode in ("auto", "required"):
        assert isinstance(await client(tls=mode).fail(), TlsError)


async def test_tls_on_the_port_of_plain_http(
    autojump_clock: MockClock,
    network: MemoryNetwork,
    client: MakeClient,
    certificate: ServerCertificate,
) -> None:
    miniserver = add_miniserver(network, GEN2, certificate)
    network.hosts[HOST] = partial(miniserver.handle_tls, certificate=certificate)
    error = await client().fail()
    assert isinstance(error, MisbehaviourError | ConnectionLostError)
