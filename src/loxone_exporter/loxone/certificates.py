"""What an X.509 certificate says of itself, for people: for whom it is, and by whom (RFC 5280).

Python's ssl reads certificates only where it has verified them, and this one may be of anybody.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Final

from attrs import frozen

from loxone_exporter.errors import ProtocolError
from loxone_exporter.loxone import der


_VERSION: Final = 0xA0
_EXTENSIONS: Final = 0xA3
_DNS_NAME: Final = 0x82
_IP_ADDRESS: Final = 0x87
_BMP_STRING: Final = 0x1E
"""Tags beside those of `der`."""

_ISSUER, _SUBJECT = 2, 4
"""Places among the fields from the serial number on (4.1)."""

_COMMON_NAME: Final = bytes.fromhex("550403")
_ORGANIZATION: Final = bytes.fromhex("55040a")
_SUBJECT_ALTERNATIVE_NAME: Final = bytes.fromhex("551d11")


@frozen
class CertificateText:
    """What is in a certificate.

    Attributes:
        names: For whom it is: DNS names and addresses, or where there are none, the subject.
        issuer: Who issued it: organization and name; empty where it does not say.
    """

    names: tuple[str, ...]
    issuer: str


def read_certificate(certificate: bytes) -> CertificateText:
    """Read a certificate in DER form.

    Raises:
        ProtocolError: It is none.
    """
    try:
        fields = der.read_element(certificate).parts()[0].parts()
        fields = fields[1:] if fields[0].tag == _VERSION else fields
        issuer, subject = _read_name(fields[_ISSUER]), _read_name(fields[_SUBJECT])
        extensions = [field for field in fields if field.tag == _EXTENSIONS]
        names = tuple(name for field in extensions for name in _read_names(field))
    except (IndexError, ValueError) as error:  # too few parts of something
        raise ProtocolError("the certificate is not readable") from error
    return CertificateText(names or tuple(filter(None, [subject])), issuer)


def _read_name(name: der.Element) -> str:
    """Organization and common name of an issuer or subject."""
    found: dict[bytes, str] = {}
    for group in name.parts():
        for attribute in group.parts():
            kind, value = attribute.parts()[:2]
            found[kind.content] = _text(value)
    return ", ".join(filter(None, map(found.get, (_ORGANIZATION, _COMMON_NAME))))


def _read_names(extensions: der.Element) -> Iterator[str]:
    for extension in extensions.parts()[0].parts():
        kind, *_, value = extension.parts()
        if kind.content == _SUBJECT_ALTERNATIVE_NAME:
            for name in der.read_element(value.content).parts():
                if name.tag == _DNS_NAME:
                    yield _text(name)
                elif name.tag == _IP_ADDRESS:
                    yield _address(name.content)


def _text(value: der.Element) -> str:
    encoding = "utf-16-be" if value.tag == _BMP_STRING else "utf-8"
    return value.content.decode(encoding, errors="replace")


def _address(data: bytes) -> str:
    try:
        return str(ipaddress.ip_address(data))
    except ValueError as error:
        raise ProtocolError("an address in the certificate is none") from error
