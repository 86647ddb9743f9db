from __future__ import annotations

import json
import ssl
import sys

import pytest
import trio
from cryptography import x509
from trio.testing import memory_stream_pair

from loxone_exporter.errors import MissingExtraError
from loxone_exporter.loxone.crypto import PrivateKey, PublicKey
from loxone_exporter.simulator.miniserver import Profile, SimulatedMiniserver
from loxone_exporter.simulator.profiles import PROFILES
from loxone_exporter.simulator.tls import (
    ServerCertificate,
    key_certificates,
    make_certificate,
)
from support.raw_client import get
from support.small_house import SmallHouse


SERIAL = "504F94AABBCC"
NAME = "192-168-1-77.504f94aabbcc.dyndns.loxonecloud.com"


@pytest.fixture(scope="module")
def certificate() -> ServerCertificate:
    return make_certificate(SERIAL)


async def handshake(certificate: ServerCertificate, name: str) -> trio.SSLStream[trio.abc.Stream]:
    """Connect through memory; returned is the client's end."""
    context = ssl.create_default_context(cadata=certificate.authority_pem.decode())
    ours, theirs = memory_stream_pair()
    server: trio.SSLStream[trio.abc.Stream] = trio.SSLStream(
        theirs, certificate.server_context(), server_side=True, https_compatible=True
    )
    client: trio.SSLStream[trio.abc.Stream] = trio.SSLStream(
        ours, context, server_hostname=name, https_compatible=True
    )
    refused: trio.BrokenResourceError | None = None

    async def connect() -> None:
        nonlocal refused
        try:
            await client.do_handshake()
        except trio.BrokenResourceError as error:
            refused = error
            await client.transport_stream.aclose()

    async def accept() -> None:
        try:
            await server.do_handshake()
        except trio.BrokenResourceError:
            await theirs.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(accept)
        nursery.start_soon(connect)
    if refused is not None:
        raise refused
    return client


async def test_the_certificate_is_for_the_dyndns_name(certificate: ServerCertificate) -> None:
    client = await handshake(certificate, NAME)
    shown = client.getpeercert()
    assert shown["subjectAltName"] == (("DNS", "*.504f94aabbcc.dyndns.loxonecloud.com"),)
    der = client.getpeercert(binary_form=True)
    assert der == ssl.PEM_cert_to_DER_cert(certificate.certificate_pem.decode())


@pytest.mark.parametrize(
    "name", ["192.168.1.77", "localhost", "192-168-1-77.504f94000000.dyndns.loxonecloud.com"]
)
async def test_quirk_16_the_certificate_is_for_no_address_and_no_other_device(
    certificate: ServerCertificate, name: str
) -> None:
    with pytest.raises(trio.BrokenResourceError) as caught:
        await handshake(certificate, name)
    assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)


async def test_further_names_can_be_added() -> None:
    certificate = make_certificate(SERIAL, names=["localhost", "192.168.1.77"])
    for name in (NAME, "localhost", "192.168.1.77"):
        await handshake(certificate, name)


async def test_an_expired_certificate() -> None:
    with pytest.raises(trio.BrokenResourceError) as caught:
        await handshake(make_certificate(SERIAL, expired=True), NAME)
    assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)
    assert "expired" in str(caught.value.__cause__)


def test_the_fingerprint_is_that_of_the_certificate(certificate: ServerCertificate) -> None:
    kind, _, digits = certificate.fingerprint.partition(":")
    assert kind == "sha256"
    assert len(bytes.fromhex(digits)) == 32
    assert certificate.fingerprint != make_certificate(SERIAL).fingerprint


def test_the_private_key_does_not_show(certificate: ServerCertificate) -> None:
    assert "PRIVATE" not in repr(certificate)
    assert b"PRIVATE" not in certificate.certificate_pem + certificate.authority_pem


def test_without_its_libraries_tls_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trustme", None)
    with pytest.raises(MissingExtraError, match=r"install loxone-exporter\[simulator\]"):
        make_certificate(SERIAL)


def blocks_of(pem: bytes) -> list[str]:
    begin = "-----BEGIN CERTIFICATE-----"
    return [begin + block for block in pem.decode().split(begin)[1:]]


def test_the_last_of_the_certificates_holds_the_rsa_key() -> None:
    key = PrivateKey.generate(1024)
    root, leaf = blocks_of(key_certificates(key.public_text, SERIAL))
    assert key.decrypt(PublicKey.parse(leaf).encrypt(b"secret")) == b"secret"
    certificates = [x509.load_pem_x509_certificate(block.encode()) for block in (root, leaf)]
    certificates[1].verify_directly_issued_by(certificates[0])


async def test_quirk_18_getcertificate_is_no_json() -> None:
    miniserver = SimulatedMiniserver(SmallHouse(), profile=PROFILES["gen2-16"])
    response = await get(miniserver, "jdev/sys/getcertificate")
    assert response.headers["content-type"] == "text/plain"
    leaf = PublicKey.parse(blocks_of(response.body)[-1])
    public = json.loads((await get(miniserver, "jdev/sys/getPublicKey")).body)["LL"]["value"]
    assert leaf == PublicKey.parse(public)


async def test_getcertificate_came_with_15_2() -> None:
    for firmware, status in (("15.1.99.99", 404), ("15.2.0.0", 200)):
        profile = Profile(key_bits=1024, firmware=firmware)
        miniserver = SimulatedMiniserver(SmallHouse(), profile=profile)
        response = await get(miniserver, "jdev/sys/getcertificate")
        assert status == response.status


async def test_without_its_libraries_there_is_no_getcertificate(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    key_certificates.cache_clear()
    monkeypatch.setitem(sys.modules, "trustme", None)
    miniserver = SimulatedMiniserver(SmallHouse(), profile=Profile(key_bits=1024))
    assert (await get(miniserver, "jdev/sys/getcertificate")).status == 404
    assert "loxone-exporter[simulator]" in caplog.text


@pytest.mark.parametrize("form", ["labelled", "certificate"])
async def test_the_public_key_in_other_forms(form: str) -> None:
    miniserver = SimulatedMiniserver(SmallHouse(), profile=Profile(key_bits=1024))
    usual = json.loads((await get(miniserver, "jdev/sys/getPublicKey")).body)["LL"]["value"]
    miniserver.faults.public_key_form = "labelled" if form == "labelled" else "certificate"
    other = json.loads((await get(miniserver, "jdev/sys/getPublicKey")).body)["LL"]["value"]
    assert other != usual
    assert "\n" not in other
    label = "PUBLIC KEY" if form == "labelled" else "CERTIFICATE"
    assert other.startswith(f"-----BEGIN {label}-----MI")
    assert other.endswith(f"-----END {label}-----")
    assert PublicKey.parse(other) == PublicKey.parse(usual)
