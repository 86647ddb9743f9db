from __future__ import annotations

import base64
import os
import ssl
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loxone_exporter.config.authorities import resolve_authorities
from support.configs import CERTIFICATE, find_all, load_text
from support.configs import MINISERVER as WITHOUT_AUTHORITY


MINISERVER = WITHOUT_AUTHORITY + 'tls_ca_file = "authority.pem"\n'
PEM = CERTIFICATE.encode()
DER = ssl.PEM_cert_to_DER_cert(CERTIFICATE)
KEY = b"-----BEGIN PRIVATE KEY-----\nQUJD\n-----END PRIVATE KEY-----\n"
DAMAGED = PEM.replace(b"MIIBPjCB", b"MIIBPjC!")
CUT_OFF = PEM.partition(b"-----END")[0]
NOT_AT_THE_START = (
    "a certificate in it does not begin at the start of its line: remove what stands before it,"
    " such as a byte order mark"
)


@pytest.mark.parametrize(
    "content",
    [
        PEM,
        PEM.replace(b"\n", b"\r\n"),
        PEM + PEM,
        b"# From the cellar\n" + PEM,
        "Authority of Jürgen\n".encode() + PEM + "Häuser\n".encode("latin-1") + PEM,
    ],
)
def test_certificates_in_pem_format_are_taken_and_openssl_takes_the_same_file(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "authority.pem"
    path.write_bytes(content)
    [miniserver] = load_text(tmp_path, MINISERVER).config.miniservers
    assert path == miniserver.tls_ca_file
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(path)
    assert len(context.get_ca_certs()) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            DER,
            (
                "not in PEM format, which is text: `openssl x509 -inform DER -in IT -out NEW`"
                " makes it"
            ),
        ),
        (
            b"",
            (
                "not in PEM format, which is text: `openssl x509 -inform DER -in IT -out NEW`"
                " makes it"
            ),
        ),
        (KEY, "holds no certificate: expected -----BEGIN CERTIFICATE-----"),
        (DAMAGED, "certificate 1 of 1 in it is damaged: copy it anew"),
        (PEM + DAMAGED, "certificate 2 of 2 in it is damaged: copy it anew"),
        (CUT_OFF, "certificate 1 of 1 in it is damaged: copy it anew"),
        (CUT_OFF + PEM, "certificate 1 of 2 in it is damaged: copy it anew"),
        (
            PEM.replace(b"MIIBPjCB", "MIIBPjäCB".encode()),
            "certificate 1 of 1 in it is damaged: copy it anew",
        ),
        (
            PEM + KEY,
            "OpenSSL cannot use it: leave nothing but certificates in it, each copied anew",
        ),
        (b"\xef\xbb\xbf" + PEM, NOT_AT_THE_START),
        (PEM.rstrip(b"\n") + PEM, NOT_AT_THE_START),
        (PEM + b"  " + PEM, NOT_AT_THE_START),
    ],
)
def test_a_file_without_usable_certificates_is_found_by_name(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "authority.pem"
    path.write_bytes(content)
    assert find_all(tmp_path, MINISERVER) == [f"miniservers[0].tls_ca_file: {path}: {message}"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("absent", "{path}: cannot be read: No such file or directory"),
        (".", "{path}: cannot be read: Is a directory"),
        ("", "expected text, found an empty one"),
        ("a\\u0000b", "expected text without line breaks and other control characters"),
    ],
)
def test_a_file_that_cannot_be_read_is_found(tmp_path: Path, name: str, reason: str) -> None:
    text = MINISERVER.replace("authority.pem", name)
    finding = reason.format(path=tmp_path / name)
    assert find_all(tmp_path, text) == [f"miniservers[0].tls_ca_file: {finding}"]


def test_what_is_no_text_is_found_beside_everything_else(tmp_path: Path) -> None:
    text = MINISERVER.replace('"authority.pem"', "4711").replace("192.168.1.77", "a b")
    assert find_all(tmp_path, text) == [
        "miniservers[0].host: expected a name or an IP address without spaces",
        "miniservers[0].tls_ca_file: expected text in quotes, found the number 4711",
    ]


def test_without_a_configuration_file_a_name_is_relative_to_where_the_program_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "authority.pem").write_bytes(PEM)
    monkeypatch.chdir(tmp_path)
    table: dict[str, object] = {"tls_ca_file": "authority.pem"}
    assert [] == resolve_authorities({"miniservers": [table]}, source=None)
    assert table == {"tls_ca_file": Path("authority.pem")}


def is_path_or_problem(file: Path) -> bool:
    table: dict[str, object] = {"tls_ca_file": file.name}
    problems = resolve_authorities({"miniservers": [table]}, source=file)
    return (table["tls_ca_file"] is None) is bool(problems)


@given(
    st.lists(
        st.sampled_from([PEM, KEY, CUT_OFF, PEM[:28], PEM[-28:], b"\n", b"\0"])
        | st.binary(max_size=40)
        | st.binary(max_size=40).map(base64.b64encode),
        max_size=6,
    ).map(b"".join)
)
def test_any_file_is_usable_or_a_problem(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / f"any-{os.getpid()}.pem"
    file.write_bytes(content)
    assert is_path_or_problem(file)
