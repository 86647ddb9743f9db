from __future__ import annotations

import contextlib
import datetime as dt
import logging
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import evolve
from cryptography import x509
from trio.testing import MockClock

from loxone_exporter import reading
from loxone_exporter.errors import (
    ConnectionLostError,
    IdentityError,
    SessionError,
    TlsError,
    UnreachableError,
)
from loxone_exporter.miniserver import tls
from loxone_exporter.miniserver.link import Link
from loxone_exporter.miniserver.network import Address, connect_tcp
from loxone_exporter.miniserver.tls import Certificate, TlsTerms, cloud_name, serial_in
from loxone_exporter.simulator.tls import ServerCertificate, make_certificate
from loxone_exporter.state import Security
from support.certificates import issue
from support.memory_network import MemoryNetwork
from support.scripted_peer import ScriptedPeer, response


SERIAL = "504F94AABBCC"
OTHER_SERIAL = "504F94000001"
HOST = "192.0.2.7"
NAME = "192-0-2-7.504f94aabbcc.dyndns.loxonecloud.com"
WILDCARD = "*.504f94aabbcc.dyndns.loxonecloud.com"

TERMS = TlsTerms(serial=SERIAL)

Peer = Callable[[trio.abc.Stream], Awaitable[object]]


@pytest.fixture(scope="module")
def certificate() -> ServerCertificate:
    return make_certificate(SERIAL)


@pytest.fixture(scope="module")
def expired() -> ServerCertificate:
    return make_certificate(SERIAL, expired=True)


@pytest.fixture
def authority(certificate: ServerCertificate, tmp_path: Path) -> Path:
    """The file of who issued the certificate."""
    return write(tmp_path / "ca.pem", certificate.authority_pem)


def write(path: Path, pem: bytes) -> Path:
    path.write_bytes(pem)
    return path


def remove(path: Path) -> None:
    path.unlink()


def digits(certificate: ServerCertificate) -> str:
    return certificate.fingerprint.removeprefix("sha256:")


def showing(certificate: ServerCertificate, *, names: list[str | None] | None = None) -> Peer:
    """A server that shows a certificate, and says hello; notes which name it was asked for."""
    context = certificate.server_context()

    def note(_: object, name: str | None, __: object) -> None:
        if names is not None:
            names.append(name)

    context.sni_callback = note

    async def serve(stream: trio.abc.Stream) -> None:
        encrypted = trio.SSLStream(stream, context, server_side=True, https_compatible=True)
        with contextlib.suppress(trio.BrokenResourceError):
            await encrypted.send_all(b"hello")
            await encrypted.receive_some()
        await trio.aclose_forcefully(stream)

    return serve


@contextlib.asynccontextmanager
async def network(peer: Peer, *hosts: str) -> AsyncIterator[MemoryNetwork]:
    """Hosts that speak TLS; in the end no connection to them is open."""
    async with trio.open_nursery() as nursery:
        net = MemoryNetwork(nursery, tls_hosts=dict.fromkeys(hosts or (HOST,), peer))
        yield net
        assert 0 == net.open_streams()
        nursery.cancel_scope.cancel()


async def connect(
    peer: Peer, terms: TlsTerms = TERMS, *, host: str = HOST
) -> tuple[Certificate, dict[str, Any]]:
    """Connect; what was shown, and some facts of the connection."""
    shown: list[Certificate] = []
    async with network(peer, host) as net:
        link = Link(Address(host, 443), net.connect, terms, shown.append)
        with trio.fail_after(5):
            stream = await link.open()
            assert isinstance(stream, trio.SSLStream)
            assert b"hello" == await stream.receive_some()
        facts = {"context": stream.context, "version": stream.version()}
        await trio.aclose_forcefully(stream)
    (only,) = shown
    return only, facts


async def refuse(peer: Peer, terms: TlsTerms = TERMS, *, host: str = HOST) -> SessionError:
    """How connecting fails; `network` sees to it that nothing is left open."""
    async with network(peer, host) as net:
        shown: list[Certificate] = []
        with trio.fail_after(5), pytest.raises(SessionError) as caught:
            await Link(Address(host, 443), net.connect, terms, shown.append).open()
        assert [] == shown
    return caught.value


@pytest.mark.parametrize(
    ("address", "domain", "expected"),
    [
        (HOST, "com", NAME),
        (HOST, "cn", "192-0-2-7.504f94aabbcc.dyndns.loxonecloud.cn"),
        ("2001:db8::7", "com", "2001-db8--7.504f94aabbcc.dyndns.loxonecloud.com"),
        ("FE80::1%eth0", "com", "fe80--1.504f94aabbcc.dyndns.loxonecloud.com"),
        ("::1", "com", "1.504f94aabbcc.dyndns.loxonecloud.com"),
        ("::", "com", "miniserver.504f94aabbcc.dyndns.loxonecloud.com"),
        ("home.test", "com", "home-test.504f94aabbcc.dyndns.loxonecloud.com"),
        ("küche.test", "com", "k-che-test.504f94aabbcc.dyndns.loxonecloud.com"),
        ("a" * 62 + ".test", "com", "a" * 62 + ".504f94aabbcc.dyndns.loxonecloud.com"),
    ],
)
def test_the_name_of_a_miniserver_in_the_cloud(address: str, domain: str, expected: str) -> None:
    name = cloud_name(address, SERIAL, domain)
    assert expected == name
    assert SERIAL == serial_in(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (NAME, SERIAL),
        (WILDCARD, SERIAL),
        (NAME.upper(), SERIAL),
        ("x.504f94aabbcc.dyndns.loxonecloud.cn", SERIAL),
        ("504f94aabbcc.dyndns.loxonecloud.com", None),
        ("a.b.504f94aabbcc.dyndns.loxonecloud.com", None),
        ("x.504f94aabbcc.dyndns.loxonecloud.com.evil.test", None),
        ("x.504f94aabbcc.dyndns.loxonecloud.org", None),
        ("x.504f94aabbcc.dyndns.loxonecloud.com\n", None),
        ("x.504f94aabbcc.dyndns-loxonecloud.com", None),
        ("x.504f94aabbcc.dyndnsxloxonecloud.com", None),
        ("x.504f94aabbcc.dyndns.evilloxonecloud.com", None),
        ("x.504f94aabbcc.dyndn\u017f.loxonecloud.com", None),
        ("x.504f94aabbc.dyndns.loxonecloud.com", None),
        ("x.504f94aabbcg.dyndns.loxonecloud.com", None),
        ("192.0.2.7", None),
        ("", None),
    ],
)
def test_the_serial_number_in_a_name(name: str, expected: str | None) -> None:
    assert expected == serial_in(name)


async def test_the_name_is_verified_although_the_connection_goes_to_the_address(
    autojump_clock: MockClock, certificate: ServerCertificate, authority: Path
) -> None:
    names: list[str | None] = []
    shown, facts = await connect(
        showing(certificate, names=names), evolve(TERMS, ca_file=authority)
    )
    end = x509.load_pem_x509_certificate(certificate.certificate_pem).not_valid_after_utc
    assert Certificate(end.timestamp(), SERIAL) == shown
    assert [NAME] == names
    assert facts["version"] in {"TLSv1.2", "TLSv1.3"}


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("2001:db8::7", "2001-db8--7.504f94aabbcc.dyndns.loxonecloud.com"),
        ("fe80::1%eth0", "fe80--1.504f94aabbcc.dyndns.loxonecloud.com"),
        ("home.test", "home-test.504f94aabbcc.dyndns.loxonecloud.com"),
        ("my.504F94AABBCC.dyndns.loxonecloud.com", "my.504f94aabbcc.dyndns.loxonecloud.com"),
    ],
)
async def test_hosts_of_all_kinds(
    autojump_clock: MockClock,
    certificate: ServerCertificate,
    authority: Path,
    host: str,
    expected: str,
) -> None:
    names: list[str | None] = []
    terms = evolve(TERMS, ca_file=authority)
    shown, _ = await connect(showing(certificate, names=names), terms, host=host)
    assert SERIAL == shown.serial
    assert [expected] == [name and name.lower() for name in names]


async def test_a_name_stands_for_the_address_that_was_found_for_it(
    certificate: ServerCertificate, authority: Path
) -> None:
    names: list[str | None] = []
    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        peer = showing(certificate, names=names)
        nursery.start_soon(trio.serve_listeners, peer, [listener])
        terms = evolve(TERMS, ca_file=authority)
        port = listener.socket.getsockname()[1]
        with trio.fail_after(5):
            stream = await Link(Address("localhost", port), connect_tcp, terms).open()
            await trio.aclose_forcefully(stream)
        nursery.cancel_scope.cancel()
    assert ["127-0-0-1.504f94aabbcc.dyndns.loxonecloud.com"] == names


async def test_the_first_miniserver_tells_its_serial_number(
    autojump_clock: MockClock, certificate: ServerCertificate, authority: Path
) -> None:
    names: list[str | None] = []
    terms = TlsTerms(ca_file=authority)
    shown, _ = await connect(showing(certificate, names=names), terms)
    assert SERIAL == shown.serial
    assert [None] == names


async def test_a_miniserver_in_china(autojump_clock: MockClock, tmp_path: Path) -> None:
    certificate = issue("*.504f94aabbcc.dyndns.loxonecloud.cn")
    ca_file = write(tmp_path / "ca.pem", certificate.authority_pem)
    for terms in (TlsTerms(ca_file=ca_file), TlsTerms(SERIAL, domain="cn", ca_file=ca_file)):
        shown, _ = await connect(showing(certificate), terms)
        assert SERIAL == shown.serial
    error = await refuse(showing(certificate), TlsTerms(SERIAL, ca_file=ca_file))
    assert "Hostname mismatch" in str(error)


@pytest.mark.parametrize(
    "name",
    [
        "x.504f94aabbcc.dyndns.loxonecloud.com.evil.test",
        "x.504f94aabbcc.dyndns.loxonecloud.org",
        "dyndns.loxonecloud.com",
        "*.dyndns.loxonecloud.com",
        "miniserver.test",
        "192.0.2.7",
    ],
)
async def test_a_name_that_only_looks_like_a_miniserver_s(
    autojump_clock: MockClock, tmp_path: Path, name: str
) -> None:
    certificate = issue(name)
    ca_file = write(tmp_path / "ca.pem", certificate.authority_pem)
    error = await refuse(showing(certificate), TlsTerms(ca_file=ca_file))
    assert isinstance(error, TlsError)
    assert "tls_server_name" in str(error)
    error = await refuse(showing(certificate), TlsTerms(SERIAL, ca_file=ca_file))
    assert "Hostname mismatch" in str(error)


@pytest.mark.parametrize("serial", [SERIAL, None])
async def test_a_certificate_of_one_s_own(
    autojump_clock: MockClock, tmp_path: Path, serial: str | None
) -> None:
    certificate = issue("miniserver.test")
    ca_file = write(tmp_path / "ca.pem", certificate.authority_pem)
    terms = TlsTerms(serial, server_name="miniserver.test", ca_file=ca_file)
    shown, _ = await connect(showing(certificate), terms)
    assert shown.serial is None
    error = await refuse(showing(certificate), evolve(terms, server_name="other.test"))
    assert "Hostname mismatch, certificate is not valid for 'other.test'" in str(error)


async def test_a_file_with_nothing_but_the_certificate_itself(
    autojump_clock: MockClock, tmp_path: Path, certificate: ServerCertificate
) -> None:
    terms = evolve(TERMS, ca_file=write(tmp_path / "leaf.pem", certificate.certificate_pem))
    await connect(showing(certificate), terms)
    error = await refuse(showing(make_certificate(SERIAL)), terms)
    assert "unable to get local issuer certificate" in str(error)
    # That it is trusted does not mean that it may be shown by anybody.
    error = await refuse(showing(certificate), evolve(terms, serial=OTHER_SERIAL))
    assert "Hostname mismatch" in str(error)


async def test_the_right_fingerprint_is_enough(
    autojump_clock: MockClock, expired: ServerCertificate
) -> None:
    names: list[str | None] = []
    terms = TlsTerms(OTHER_SERIAL, fingerprint=digits(expired))
    assert Security.PINNED is terms.security
    shown, _ = await connect(showing(expired, names=names), terms)
    assert shown.not_after is not None
    # It is asked for all the same: a server with several certificates has to choose.
    assert ["192-0-2-7.504f94000001.dyndns.loxonecloud.com"] == names


async def test_the_wrong_fingerprint_tells_the_right_one(
    autojump_clock: MockClock, certificate: ServerCertificate, expired: ServerCertificate
) -> None:
    error = await refuse(showing(certificate), TlsTerms(SERIAL, fingerprint=digits(expired)))
    assert isinstance(error, TlsError)
    assert str(error).endswith(certificate.fingerprint)


async def test_without_verification_any_certificate_will_do(
    autojump_clock: MockClock, expired: ServerCertificate
) -> None:
    terms = TlsTerms(OTHER_SERIAL, verify=False)
    assert Security.UNVERIFIED is terms.security
    shown, _ = await connect(showing(expired), terms)
    assert shown.serial is None
    assert shown.not_after is not None


async def test_an_expired_certificate(
    autojump_clock: MockClock, tmp_path: Path, expired: ServerCertificate
) -> None:
    ca_file = write(tmp_path / "ca.pem", expired.authority_pem)
    for terms in (TlsTerms(SERIAL, ca_file=ca_file), TlsTerms(ca_file=ca_file)):
        error = await refuse(showing(expired), terms)
        assert isinstance(error, TlsError)
        assert (
            "the certificate is not accepted: certificate has expired; the Miniserver renews it "
            "by itself while it can reach the internet"
        ) == str(error)


async def test_a_certificate_of_the_future(autojump_clock: MockClock, tmp_path: Path) -> None:
    certificate = issue(WILDCARD, not_before=dt.datetime.now(dt.UTC) + dt.timedelta(days=1))
    ca_file = write(tmp_path / "ca.pem", certificate.authority_pem)
    error = await refuse(showing(certificate), evolve(TERMS, ca_file=ca_file))
    assert "certificate is not yet valid; is this machine's clock right?" in str(error)


async def test_the_certificate_of_another_miniserver(
    autojump_clock: MockClock, certificate: ServerCertificate, authority: Path
) -> None:
    error = await refuse(showing(certificate), TlsTerms(OTHER_SERIAL, ca_file=authority))
    assert isinstance(error, TlsError)
    expected = "192-0-2-7.504f94000001.dyndns.loxonecloud.com"
    assert f"certificate is not valid for '{expected}'; is it the right device?" in str(error)


@pytest.mark.parametrize("serial", [SERIAL, None])
async def test_an_authority_that_nobody_knows(
    autojump_clock: MockClock, certificate: ServerCertificate, serial: str | None
) -> None:
    error = await refuse(showing(certificate), TlsTerms(serial))
    assert isinstance(error, TlsError)
    assert "tls_ca_file" in str(error)


async def test_an_own_authority_replaces_the_public_ones(
    autojump_clock: MockClock, authority: Path
) -> None:
    error = await refuse(showing(make_certificate(SERIAL)), evolve(TERMS, ca_file=authority))
    assert "unable to get local issuer certificate" in str(error)


async def test_a_file_that_is_no_authority_any_more(
    autojump_clock: MockClock, certificate: ServerCertificate, tmp_path: Path
) -> None:
    """It was checked when the configuration was read."""
    missing = tmp_path / "missing.pem"
    error = await refuse(showing(certificate), evolve(TERMS, ca_file=missing))
    assert f"tls_ca_file {missing} cannot be used: No such file or directory" == str(error)
    empty = write(tmp_path / "empty.pem", b"")
    error = await refuse(showing(certificate), evolve(TERMS, ca_file=empty))
    assert isinstance(error, TlsError)
    assert f"tls_ca_file {empty} cannot be used: " in str(error)
    # What failed is not remembered.
    write(empty, certificate.authority_pem)
    await connect(showing(certificate), evolve(TERMS, ca_file=empty))


async def test_another_authority_counts_for_the_next_connection(
    autojump_clock: MockClock,
    certificate: ServerCertificate,
    authority: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    terms = evolve(TERMS, ca_file=authority)
    _, before = await connect(showing(certificate), terms)
    other = make_certificate(SERIAL)
    await refuse(showing(other), terms)
    renewed = authority.with_suffix(".new")
    write(renewed, other.authority_pem).rename(authority)
    await connect(showing(other), terms)
    assert "unable to get local issuer" in str(await refuse(showing(certificate), terms))
    # One that is not there for a while takes nothing away; one that is of no use, does.
    remove(authority)
    await connect(showing(other), terms)
    assert [f"tls_ca_file {authority} is gone; the authorities of before stay in use"] == [
        record.message for record in caplog.records if record.levelno >= logging.WARNING
    ]
    write(authority, b"")
    assert "cannot be used" in str(await refuse(showing(other), terms))
    write(authority, certificate.authority_pem + other.authority_pem)
    _, after = await connect(showing(certificate), terms)
    await connect(showing(other), terms)
    assert before["context"] is not after["context"]


async def test_a_slow_file_of_authorities_is_not_waited_for_for_long(
    certificate: ServerCertificate,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """With a real thread, that hangs as one does on a network that is gone."""
    monkeypatch.setattr(reading, "DEADLINE", 0.1)
    hang = threading.Event()

    def look_late(_: Path) -> None:
        hang.wait(20)

    file = write(tmp_path / "slow.pem", certificate.authority_pem)
    unread = write(tmp_path / "unread.pem", certificate.authority_pem)
    with contextlib.ExitStack() as stack:
        stack.callback(hang.set)
        await connect(showing(certificate), evolve(TERMS, ca_file=file))
        monkeypatch.setattr(tls, "print_of", look_late)
        error = await refuse(showing(certificate), evolve(TERMS, ca_file=unread))
        assert f"tls_ca_file {unread}: not read within 0.1 s" == str(error)
        await connect(showing(certificate), evolve(TERMS, ca_file=file))
        assert "not read within 0.1 s; the authorities of before stay in use" in caplog.text


async def test_an_identity_that_is_refused_leaves_nothing_open(
    autojump_clock: MockClock, certificate: ServerCertificate, authority: Path
) -> None:
    def object_to(_: Certificate) -> None:
        raise IdentityError("planted")

    async with network(showing(certificate)) as net:
        link = Link(Address(HOST, 443), net.connect, evolve(TERMS, ca_file=authority), object_to)
        with pytest.raises(IdentityError):
            await link.open()


async def test_all_miniservers_with_the_same_settings_share_a_context(
    autojump_clock: MockClock, certificate: ServerCertificate, authority: Path, tmp_path: Path
) -> None:
    peer = showing(certificate)
    other_file = write(tmp_path / "other.pem", certificate.authority_pem)

    async def context(terms: TlsTerms, host: str = HOST) -> ssl.SSLContext:
        _, facts = await connect(peer, terms, host=host)
        used: ssl.SSLContext = facts["context"]
        return used

    terms = TlsTerms(SERIAL, ca_file=authority)
    first = await context(terms)
    assert first.minimum_version is ssl.TLSVersion.TLSv1_2
    assert first is await context(terms, host="home.test")
    assert first is await context(evolve(terms, server_name=NAME))
    assert first is not await context(evolve(terms, ca_file=other_file))
    assert first is not await context(evolve(terms, serial=None))
    careless = await context(TlsTerms(verify=False))
    assert careless is not first
    assert careless is await context(TlsTerms(fingerprint=digits(certificate)))


async def test_a_peer_that_ends_tls_without_a_farewell(
    autojump_clock: MockClock, certificate: ServerCertificate, authority: Path
) -> None:
    """Many servers just close the connection below."""

    async def serve(stream: trio.abc.Stream) -> None:
        context = certificate.server_context()
        await trio.SSLStream(stream, context, server_side=True).send_all(b"hello")
        await stream.aclose()

    async with network(serve) as net:
        terms = evolve(TERMS, ca_file=authority)
        stream = await Link(Address(HOST, 443), net.connect, terms).open()
        async with stream:
            assert b"hello" == await stream.receive_some()
            assert b"" == await stream.receive_some()


async def hang_up(stream: trio.abc.Stream) -> None:
    await stream.aclose()


async def hang_up_after_the_hello(stream: trio.abc.Stream) -> None:
    await stream.receive_some()
    await stream.aclose()


async def break_off(stream: trio.abc.Stream) -> None:
    stream.receive_stream.close()  # type: ignore[attr-defined]  # of a memory stream


@pytest.mark.parametrize("peer", [hang_up, hang_up_after_the_hello, break_off])
async def test_a_peer_that_closes_during_the_handshake(
    autojump_clock: MockClock, peer: Peer
) -> None:
    error = await refuse(peer)
    assert isinstance(error, ConnectionLostError)
    assert "the connection was closed during the TLS handshake" == str(error)


async def speak_http(stream: trio.abc.Stream) -> None:
    # What is no HTTP at all, such as the beginning of TLS, is answered all the same.
    await stream.receive_some()
    await stream.send_all(response("400 Bad Request", b""))
    await stream.receive_some()


async def speak_ssh(stream: trio.abc.Stream) -> None:
    await ScriptedPeer(stream).say(b"SSH-2.0-OpenSSH_9.2\r\n")
    await stream.receive_some()


@pytest.mark.parametrize("peer", [speak_http, speak_ssh])
async def test_a_peer_that_does_not_speak_tls(autojump_clock: MockClock, peer: Peer) -> None:
    error = await refuse(peer)
    assert isinstance(error, TlsError)
    assert str(error).startswith("no TLS with this peer: ")


async def test_a_peer_that_does_not_say_a_word(autojump_clock: MockClock) -> None:
    async def listen(stream: trio.abc.Stream) -> None:
        while await stream.receive_some():
            pass

    async with network(listen) as net:
        with trio.move_on_after(10) as scope:
            await Link(Address(HOST, 443), net.connect, TERMS).open()
        assert scope.cancelled_caught
        assert 1 == len(net.streams)


async def test_nobody(autojump_clock: MockClock) -> None:
    async with network(hang_up) as net:
        with pytest.raises(UnreachableError):
            await Link(Address("nobody.test", 443), net.connect, TERMS).open()
