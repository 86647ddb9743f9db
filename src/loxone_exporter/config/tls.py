"""Checks of what tells one Miniserver, or one certificate, from another.

They are checks of single values, as those in checks.py.
"""

from __future__ import annotations

import re

from loxone_exporter.config.addresses import is_dns_name
from loxone_exporter.config.checks import describe, exactly


FINGERPRINT_PREFIX = "sha256:"
"""What stands before a certificate's fingerprint; other digests are not accepted."""

_PAIR = r"[0-9A-Fa-f]{2}"
_SERIAL_NUMBER = re.compile(f"{_PAIR}(?P<between>[:-]?)(?:{_PAIR}(?P=between)){{4}}{_PAIR}")
_FINGERPRINT = re.compile(
    f"{FINGERPRINT_PREFIX}(?P<pairs>{_PAIR}(?::?{_PAIR}){{31}})", re.ASCII | re.IGNORECASE
)
_NUMBERS_AND_DOTS = re.compile(r"[0-9.]+")


def serial_number(value: object) -> str:
    """A Miniserver's serial number as twelve upper-case hex digits, however it was written."""
    text = exactly(value, str)
    if not _SERIAL_NUMBER.fullmatch(text):
        raise ValueError(
            'expected twelve hex digits, such as "504F94A0BBCC" or "50:4F:94:A0:BB:CC": the serial '
            f"number that Loxone Config shows; found {describe(value)}"
        )
    return text.replace(":", "").replace("-", "").upper()


def server_name(value: object) -> str:
    """The DNS name that a certificate is for, in lower case and without the dot of the root.

    The messages never repeat the text: a pasted URL may hold a password.
    """
    text = exactly(value, str).removesuffix(".")
    if "*" in text:
        raise ValueError('expected one name: write a word for the "*" of the certificate')
    if ":" in text or _NUMBERS_AND_DOTS.fullmatch(text) or not is_dns_name(text):
        raise ValueError(
            'expected a DNS name that is in the certificate, such as "miniserver.example": no '
            "address, and without https:// and a port"
        )
    return text.lower()


def fingerprint(value: object) -> str:
    """The SHA-256 of a certificate as 64 lower-case hex digits, without prefix and colons."""
    match = _FINGERPRINT.fullmatch(exactly(value, str))
    if match is None:
        raise ValueError(
            f'expected "{FINGERPRINT_PREFIX}" and 64 hex digits, as `openssl x509 -noout '
            f"-fingerprint -sha256` shows them; found {describe(value)}"
        )
    return match["pairs"].replace(":", "").lower()
