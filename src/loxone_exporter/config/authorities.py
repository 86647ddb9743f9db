"""The owner's own certification authorities: files of certificates in PEM format."""

from __future__ import annotations

import ssl
from pathlib import Path

from loxone_exporter.config.checks import one_line
from loxone_exporter.config.files import read_bytes
from loxone_exporter.config.findings import Problem


_KEY = "tls_ca_file"
_BEGIN = b"-----BEGIN "
_BEGIN_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"


def resolve_authorities(document: dict[str, object], *, source: Path | None) -> list[Problem]:
    """Replace each `tls_ca_file` of `[[miniservers]]` tables by a Path, and say which are unusable.

    One that is unusable becomes None, so that the rest of its table can still be checked.

    Args:
        document: Parsed TOML.
        source: The configuration file, if there is one; names are relative to its folder.
    """
    miniservers = document.get("miniservers")
    if not isinstance(miniservers, list):
        return []
    folder = Path() if source is None else source.parent
    problems: list[Problem] = []
    for index, table in enumerate(miniservers):
        if isinstance(table, dict) and _KEY in table:
            try:
                table[_KEY] = usable_authorities(table[_KEY], folder)
            except ValueError as error:
                table[_KEY] = None
                problems.append((("miniservers", index, _KEY), str(error)))
    return problems


def usable_authorities(value: object, folder: Path) -> Path:
    """A file of certificates that authorities can be recognised by.

    Raises:
        ValueError: It is none; the message names it, and says why.
    """
    file = folder / one_line(value)
    try:
        _check_certificates(read_bytes(file))
        _check_with_openssl(file)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None
    return file


def _check_certificates(data: bytes) -> None:
    if _BEGIN not in data:
        raise ValueError(
            "not in PEM format, which is text: `openssl x509 -inform DER -in IT -out NEW` makes it"
        )
    certificates = _split(data)
    if not certificates:
        raise ValueError(f"holds no certificate: expected {_BEGIN_CERTIFICATE.decode()}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for number, certificate in enumerate(certificates, start=1):
        try:
            context.load_verify_locations(cadata=certificate)
        except ssl.SSLError:
            raise ValueError(
                f"certificate {number} of {len(certificates)} in it is damaged: copy it anew"
            ) from None


def _check_with_openssl(file: Path) -> None:
    """Use the file as it will be used, with all that stands between its certificates."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except OSError:  # ssl.SSLError is one
        raise ValueError(
            "OpenSSL cannot use it: leave nothing but certificates in it, each copied anew"
        ) from None


def _split(data: bytes) -> list[str]:
    """Each certificate with what stands behind it, of which OpenSSL takes no notice."""
    before, *certificates = data.split(_BEGIN_CERTIFICATE)
    # OpenSSL would pass over such a one without a word.
    if any(part and not part.endswith(b"\n") for part in [before, *certificates[:-1]]):
        raise ValueError(
            "a certificate in it does not begin at the start of its line: remove what stands "
            "before it, such as a byte order mark"
        )
    return [
        (_BEGIN_CERTIFICATE + part).decode("ascii", errors="replace").replace("\ufffd", "?")
        for part in certificates
    ]
