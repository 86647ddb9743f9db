from __future__ import annotations

import errno
import itertools
import ssl
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from loxone_exporter.config import server_tls
from loxone_exporter.config.model import TlsServerConfig
from loxone_exporter.config.server_tls import load_pair
from support.certificates import write_server_files
from support.configs import CERTIFICATE, MINISERVER, find_all, load_text


AUTHORITY = trustme.CA()
ISSUED = AUTHORITY.issue_cert("exporter.example")
OTHER = AUTHORITY.issue_cert("exporter.example")
PAIR = 'cert_file = "exporter.pem"\nkey_file = "exporter.key"\n'
TABLE = "web.tls_server_config"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for the configuration, and certificate and key in it."""
    write_server_files(tmp_path, ISSUED)
    (tmp_path / "clients.pem").write_text(CERTIFICATE)
    return tmp_path


def table(lines: str) -> str:
    return f"[{TABLE}]\n{lines}\n{MINISERVER}"


def encrypted_key(form: serialization.PrivateFormat) -> bytes:
    key = serialization.load_pem_private_key(ISSUED.private_key_pem.bytes(), None)
    encryption = serialization.BestAvailableEncryption(b"geheim")
    return key.private_bytes(serialization.Encoding.PEM, form, encryption)


def test_files_are_beside_the_configuration(folder: Path) -> None:
    loaded = load_text(folder, table(PAIR))
    assert loaded.warnings == ()
    assert TlsServerConfig(cert_file=folder / "exporter.pem", key_file=folder / "exporter.key") == (
        loaded.config.web.tls_server_config
    )


@pytest.mark.parametrize("wanted", ["VerifyClientCertIfGiven", "RequireAndVerifyClientCert"])
def test_clients_are_known_by_their_authorities(folder: Path, wanted: str) -> None:
    lines = f'{PAIR}client_ca_file = "clients.pem"\nclient_auth_type = "{wanted}"\n'
    tls = load_text(folder, table(lines + 'min_version = "TLS13"')).config.web.tls_server_config
    assert tls is not None
    assert (wanted, folder / "clients.pem") == (tls.client_auth_type, tls.client_ca_file)
    assert "TLS13" == tls.min_version


@pytest.mark.parametrize(
    ("lines", "findings"),
    [
        ('cert_file = "exporter.pem"', ["key_file: missing, but required"]),
        ("", ["cert_file: missing, but required", "key_file: missing, but required"]),
        (
            'certfile = "exporter.pem"\nkey_file = "exporter.key"',
            ["certfile: unknown key, did you mean 'cert_file'?"],
        ),
        (
            PAIR + 'client_auth_type = "RequireAndVerifyClientCert"\nclient_ca = "clients.pem"',
            ["client_ca: unknown key, did you mean 'client_ca_file'?"],
        ),
        (
            'cert_file = "a.pem"\nkey_file = 5',
            [
                "cert_file: {folder}/a.pem: cannot be read: No such file or directory",
                "key_file: expected text in quotes, found the number 5",
            ],
        ),
        (
            PAIR + 'client_ca_file = "clients.pem"',
            [
                (
                    "client_ca_file: has no effect, for no certificate is asked for: remove it, or"
                    ' set client_auth_type = "RequireAndVerifyClientCert"'
                )
            ],
        ),
        (
            PAIR + 'client_auth_type = "RequireAndVerifyClientCert"',
            [
                (
                    'client_ca_file: missing: with client_auth_type = "RequireAndVerifyClientCert"'
                    " it says whose are good"
                )
            ],
        ),
        (
            PAIR + 'client_auth_type = "RequestClientCert"',
            [
                (
                    'client_auth_type: "RequestClientCert" would accept a certificate of'
                    " anybody, which everybody can make, and so keep nobody out:"
                    ' "VerifyClientCertIfGiven" verifies it by client_ca_file'
                )
            ],
        ),
        (
            PAIR + 'client_auth_type = "RequireAnyClientCert"',
            [
                (
                    'client_auth_type: "RequireAnyClientCert" would accept a certificate of'
                    " anybody, which everybody can make, and so keep nobody out:"
                    ' "RequireAndVerifyClientCert" verifies it by client_ca_file'
                )
            ],
        ),
        (
            PAIR + 'client_auth_type = "none"',
            [
                (
                    'client_auth_type: expected "NoClientCert", "VerifyClientCertIfGiven" or'
                    " \"RequireAndVerifyClientCert\", found the text 'none'"
                )
            ],
        ),
        (
            PAIR + 'min_version = "TLS11"',
            ['min_version: expected "TLS12" or "TLS13", found the text \'TLS11\''],
        ),
        (PAIR + 'cert = "x"', ["cert: unknown key, did you mean 'cert_file'?"]),
    ],
)
def test_what_cannot_be_meant_is_found(folder: Path, lines: str, findings: list[str]) -> None:
    expected = [f"{TABLE}.{finding}".format(folder=folder) for finding in findings]
    assert expected == find_all(folder, table(lines))


@pytest.mark.parametrize(
    ("name", "content", "finding"),
    [
        (
            "exporter.key",
            OTHER.private_key_pem.bytes(),
            (
                "cert_file: {folder}/exporter.pem: the first certificate in it is not that of the"
                " key in {folder}/exporter.key: it comes before those of its authorities"
            ),
        ),
        (
            "exporter.pem",
            AUTHORITY.cert_pem.bytes() + ISSUED.cert_chain_pems[0].bytes(),
            (
                "cert_file: {folder}/exporter.pem: the first certificate in it is not that of the"
                " key in {folder}/exporter.key: it comes before those of its authorities"
            ),
        ),
        (
            "exporter.key",
            encrypted_key(serialization.PrivateFormat.PKCS8),
            "key_file: {folder}/exporter.key: the key is encrypted, and nobody is there to be",
        ),
        (
            "exporter.key",
            encrypted_key(serialization.PrivateFormat.TraditionalOpenSSL),
            "key_file: {folder}/exporter.key: the key is encrypted, and nobody is there",
        ),
        (
            "exporter.key",
            ISSUED.cert_chain_pems[0].bytes(),
            "key_file: {folder}/exporter.key: holds no private key in PEM format",
        ),
        (
            "exporter.pem",
            ISSUED.private_key_pem.bytes(),
            "cert_file: {folder}/exporter.pem: holds no certificate in PEM format",
        ),
        (
            "exporter.pem",
            ISSUED.cert_chain_pems[0].bytes()[:300],
            "cert_file: {folder}/exporter.pem, {folder}/exporter.key: OpenSSL cannot use them: ",
        ),
        (
            "exporter.key",
            ISSUED.private_key_pem.bytes()[:100],
            "cert_file: {folder}/exporter.pem, {folder}/exporter.key: OpenSSL cannot use them: ",
        ),
        ("exporter.key", b"", "key_file: {folder}/exporter.key: holds no private key in PEM"),
    ],
    # Keys are made anew each time, and have no place in the tests' names.
    ids=itertools.count(),
)
def test_files_that_cannot_be_used_are_found(
    folder: Path, name: str, content: bytes, finding: str
) -> None:
    (folder / name).write_bytes(content)
    (found,) = find_all(folder, table(PAIR))
    assert found.startswith(f"{TABLE}.{finding.format(folder=folder)}")


def test_authorities_of_clients_are_read_as_those_of_miniservers_are(folder: Path) -> None:
    (folder / "clients.pem").write_text("nobody")
    lines = 'client_ca_file = "clients.pem"\nclient_auth_type = "VerifyClientCertIfGiven"\n'
    (found,) = find_all(folder, table(PAIR + lines))
    assert found.startswith(f"{TABLE}.client_ca_file: {folder}/clients.pem: not in PEM format")


def test_a_key_that_everybody_can_read_is_worth_a_warning(folder: Path) -> None:
    (folder / "exporter.key").chmod(0o644)
    (warning,) = load_text(folder, table(PAIR)).warnings
    assert (f"{TABLE}.key_file", True) == (warning.path, "chmod o-r" in warning.message)


def test_files_that_are_gone_between_two_looks_are_said_so(folder: Path) -> None:
    class Context(ssl.SSLContext):
        def load_cert_chain(self, *_: object, **__: object) -> None:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")

    context = Context(ssl.PROTOCOL_TLS_SERVER)
    with pytest.raises(ValueError, match="cannot be read: No such file or directory"):
        load_pair(context, folder / "exporter.pem", folder / "exporter.key")


def test_nobody_is_asked_for_the_password_of_a_key() -> None:
    with pytest.raises(ValueError, match="nobody is there to be asked"):
        server_tls._no_password()
