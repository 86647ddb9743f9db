"""The certificate that the exporter itself shows, and whose certificates it wants to see.

The names of the options are those of Prometheus' exporter-toolkit, and so is what they mean.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final, Literal, NoReturn, TypeAlias

from loxone_exporter.config.authorities import usable_authorities
from loxone_exporter.config.checks import describe, one_line
from loxone_exporter.config.files import is_world_readable, read_bytes
from loxone_exporter.config.findings import Problem


ClientAuthType: TypeAlias = Literal[
    "NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"
]

PATH: Final = ("web", "tls_server_config")

_CLIENT_AUTH_TYPES: Final[dict[str, ClientAuthType]] = {
    "NoClientCert": "NoClientCert",
    "VerifyClientCertIfGiven": "VerifyClientCertIfGiven",
    "RequireAndVerifyClientCert": "RequireAndVerifyClientCert",
}
_UNVERIFIED: Final = {
    "RequestClientCert": "VerifyClientCertIfGiven",
    "RequireAnyClientCert": "RequireAndVerifyClientCert",
}
"""What others offer that accepts any certificate, and what to take instead."""

_ENCRYPTED: Final = (b"-----BEGIN ENCRYPTED PRIVATE KEY-----", b"Proc-Type: 4,ENCRYPTED")


def client_auth_type(value: object) -> ClientAuthType:
    """Whether a client has to show a certificate."""
    if isinstance(value, str) and value in _UNVERIFIED:
        raise ValueError(
            f'"{value}" would accept a certificate of anybody, which everybody can make, and so '
            f'keep nobody out: "{_UNVERIFIED[value]}" verifies it by client_ca_file'
        )
    if isinstance(value, str) and value in _CLIENT_AUTH_TYPES:
        return _CLIENT_AUTH_TYPES[value]
    *others, last = (f'"{name}"' for name in _CLIENT_AUTH_TYPES)
    raise ValueError(f"expected {', '.join(others)} or {last}, found {describe(value)}")


def resolve_server_tls(document: dict[str, object], *, source: Path | None) -> list[Problem]:
    """Replace the files of `[web.tls_server_config]` by Paths, and say which are unusable.

    Args:
        document: Parsed TOML.
        source: The configuration file, if there is one; names are relative to its folder.
    """
    match document:
        case {"web": {"tls_server_config": dict(table)}}:
            folder = Path() if source is None else source.parent
            return _resolve(table, folder)
        case _:
            return []


def load_pair(context: ssl.SSLContext, cert_file: Path, key_file: Path) -> None:
    """Have a context show a certificate.

    Raises:
        ValueError: The two files cannot be used, or not together; the message says why.
    """
    for file in (cert_file, key_file):
        _read(file)
    try:
        context.load_cert_chain(cert_file, key_file, password=_no_password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            text = f"{cert_file}: the first certificate in it is not that of the key in {key_file}"
            raise ValueError(f"{text}: it comes before those of its authorities") from None
        raise ValueError(
            f"{cert_file}, {key_file}: OpenSSL cannot use them: {error.reason or error}"
        ) from None
    except OSError as error:  # gone since it was read
        raise ValueError(f"{cert_file}, {key_file}: cannot be read: {error.strerror}") from None


def find_doubts_of_key(key_file: Path) -> list[Problem]:
    """What should be considered about the key."""
    if not is_world_readable(key_file):
        return []
    text = f"every user of this machine can read {key_file}: chmod o-r"
    return [((*PATH, "key_file"), text)]


def _resolve(table: dict[str, object], folder: Path) -> list[Problem]:
    problems: list[Problem] = []
    files: dict[str, Path] = {}
    checks = {
        "cert_file": _certificate_file,
        "key_file": _key_file,
        "client_ca_file": usable_authorities,
    }
    for key, check in checks.items():
        if key in table:
            try:
                files[key] = check(table[key], folder)
            except ValueError as error:
                problems.append(((*PATH, key), str(error)))
            table[key] = files.get(key, folder)  # so that the rest can still be checked
    if {"cert_file", "key_file"} <= files.keys():
        try:
            load_pair(
                ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), files["cert_file"], files["key_file"]
            )
        except ValueError as error:
            problems.append(((*PATH, "cert_file"), str(error)))
    return problems


def _certificate_file(value: object, folder: Path) -> Path:
    file = folder / one_line(value)
    if b"-----BEGIN CERTIFICATE-----" not in _read(file):
        raise ValueError(f"{file}: holds no certificate in PEM format")
    return file


def _key_file(value: object, folder: Path) -> Path:
    file = folder / one_line(value)
    data = _read(file)
    if any(mark in data for mark in _ENCRYPTED):
        raise ValueError(
            f"{file}: the key is encrypted, and nobody is there to be asked for its password: "
            "`openssl pkey -in IT -out NEW` takes the password away; keep it readable for this "
            "user only"
        )
    if b"PRIVATE KEY-----" not in data:
        raise ValueError(f"{file}: holds no private key in PEM format")
    return file


def _read(file: Path) -> bytes:
    try:
        return read_bytes(file)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None


def _no_password() -> NoReturn:
    raise ValueError("the key is encrypted, and nobody is there to be asked for its password")
