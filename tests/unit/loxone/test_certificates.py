from __future__ import annotations

import contextlib
import datetime as dt
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from loxone_exporter.errors import ProtocolError
from loxone_exporter.loxone.certificates import CertificateText, read_certificate
from support.certificates import issue
from support.configs import CERTIFICATE


KEY = ec.generate_private_key(ec.SECP256R1())


def certificate(
    subject: list[x509.NameAttribute[str]], *extensions: x509.ExtensionType, issuer: str = "Ämter"
) -> bytes:
    """A certificate with these words in it, in DER form."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(subject))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]))
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(dt.datetime(2027, 1, 1, tzinfo=dt.UTC))
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    public = builder.sign(KEY, hashes.SHA256())
    return public.public_bytes(serialization.Encoding.DER)


def called(name: str) -> x509.NameAttribute[str]:
    return x509.NameAttribute(x509.NameOID.COMMON_NAME, name)


ISSUED = ssl.PEM_cert_to_DER_cert(
    issue(
        "*.504f94aabbcc.dyndns.loxonecloud.com", "192.0.2.7", "2001:db8::7"
    ).certificate_pem.decode()
)


def test_names_and_addresses_of_a_certificate_are_found() -> None:
    text = read_certificate(ISSUED)
    names = ("*.504f94aabbcc.dyndns.loxonecloud.com", "192.0.2.7", "2001:db8::7")
    assert sorted(names) == sorted(text.names)
    assert text.issuer.startswith("trustme v")


def test_a_certificate_without_names_is_for_its_subject() -> None:
    authority = ssl.PEM_cert_to_DER_cert(CERTIFICATE)
    assert CertificateText(("Invented Authority",), "Invented Authority") == read_certificate(
        authority
    )
    organization = x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Haus")
    described = read_certificate(certificate([called("Tür"), organization]))
    assert CertificateText(("Haus, Tür",), "Ämter") == described
    assert CertificateText((), "Ämter") == read_certificate(certificate([]))


def test_other_extensions_and_other_kinds_of_names_are_passed_over() -> None:
    names = x509.SubjectAlternativeName([x509.RFC822Name("a@b.test"), x509.DNSName("b.test")])
    constraints = x509.BasicConstraints(ca=False, path_length=None)
    assert ("b.test",) == read_certificate(certificate([called("x")], constraints, names)).names


def test_a_name_in_two_bytes_a_character_is_read() -> None:
    wide = x509.NameAttribute(x509.NameOID.COMMON_NAME, "Tür", _type=x509.name._ASN1Type.BMPString)
    assert ("Tür",) == read_certificate(certificate([wide])).names


@pytest.mark.parametrize("data", [b"", b"\x30\x00", b"\x30\x02\x30\x00", b"no certificate"])
def test_what_is_no_certificate_is_said_so(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        read_certificate(data)


def test_an_address_of_many_bytes_is_none() -> None:
    odd = ISSUED.replace(b"\x82\x25*.504f", b"\x87\x25*.504f")
    assert odd != ISSUED
    with pytest.raises(ProtocolError, match="an address in the certificate is none"):
        read_certificate(odd)


@given(st.integers(0, len(ISSUED) - 1), st.integers(0, 255))
def test_a_damaged_certificate_is_read_or_refused(place: int, byte: int) -> None:
    damaged = bytearray(ISSUED)
    damaged[place] = byte
    with contextlib.suppress(ProtocolError):
        read_certificate(bytes(damaged))
