"""TLS to a Miniserver: whom a certificate has to be for, and what it says (section 4).

The certificate of a Miniserver is for a name in the vendor's cloud, which nobody has to resolve:
the connection goes to the configured address, and the name is only verified.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import logging
import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import trio
from attrs import define, field, frozen

from loxone_exporter.config.files import Print, print_of
from loxone_exporter.errors import ConnectionLostError, ProtocolError, TlsError
from loxone_exporter.loxone.crypto import end_of_validity
from loxone_exporter.loxone.replies import CLOUD_DOMAINS
from loxone_exporter.miniserver.network import Address, peer_of
from loxone_exporter.reading import FileReader
from loxone_exporter.state import Security


# In any other top-level domain a name might be anybody's.
_CLOUD_NAME = re.compile(
    rf"[a-z0-9*-]+\.(?P<serial>[0-9a-f]{{12}})\.dyndns\.loxonecloud\.(?:{'|'.join(CLOUD_DOMAINS)})",
    re.ASCII | re.IGNORECASE,
)
_LABEL_LENGTH = 63
_NO_ISSUER = (
    "for a certificate of your own set tls_ca_file or tls_fingerprint, otherwise see that this "
    "machine has the public authorities (the package ca-certificates)"
)
_REMEDIES: Final[Mapping[int, str]] = {
    9: "is this machine's clock right?",
    10: "the Miniserver renews it by itself while it can reach the internet",
    18: _NO_ISSUER,
    19: _NO_ISSUER,
    20: _NO_ISSUER,
    21: _NO_ISSUER,
    62: "is it the right device? For a certificate of your own set tls_server_name",
}
"""What helps, by OpenSSL's results of a verification: not valid yet, expired; signed by itself, or
by an authority that is not known; another name."""

_logger = logging.getLogger(__name__)


@frozen
class TlsTerms:
    """What a certificate has to be like.

    Attributes:
        serial: The Miniserver for whose name in the cloud it must be; None accepts that of any
            Miniserver, for there is a first time for everyone.
        domain: The top-level domain of that cloud.
        server_name: The name that it must be for instead; an own certificate has one.
        ca_file: Who must have issued it; None stands for the public authorities.
        fingerprint: The SHA-256, in hexadecimal, of the one that is accepted, whatever it says.
        verify: Whether anything of this is required.
    """

    serial: str | None = None
    domain: str = "com"
    server_name: str | None = None
    ca_file: Path | None = None
    fingerprint: str | None = None
    verify: bool = True

    @property
    def security(self) -> Security:
        """What a connection on these terms is worth."""
        if not self.verify:
            return Security.UNVERIFIED
        return Security.VERIFIED if self.fingerprint is None else Security.PINNED


@frozen
class Certificate:
    """What a Miniserver showed.

    Attributes:
        not_after: Until when it is valid, in Unix time; None if it cannot be read.
        serial: The serial number in its name, if it is one of the vendor's cloud.
        der: The whole of it.
    """

    not_after: float | None
    serial: str | None
    der: bytes = field(default=b"", repr=False, eq=False)


def serial_in(name: str) -> str | None:
    """The serial number in a name of the vendor's cloud; None for other names."""
    match = _CLOUD_NAME.fullmatch(name)
    return match["serial"].upper() if match else None


def cloud_name(address: str, serial: str, domain: str = "com") -> str:
    """The name that a Miniserver's certificate is for.

    Args:
        address: Its IP address, or the name it is called by here.
        serial: Its serial number.
        domain: The top-level domain of the vendor's cloud.
    """
    label = re.sub(r"[^a-z0-9]", "-", address.partition("%")[0].lower())[:_LABEL_LENGTH]
    return f"{label.strip('-') or 'miniserver'}.{serial.lower()}.dyndns.loxonecloud.{domain}"


async def secure(
    stream: trio.abc.Stream, terms: TlsTerms, address: Address
) -> tuple[trio.abc.Stream, Certificate]:
    """Speak TLS on a connection; where that fails, the caller closes it.

    Raises:
        TlsError: The certificate is not as it has to be, or the peer does not speak TLS.
        ConnectionLostError: The connection broke.
    """
    name = _expected_name(terms, address, peer_of(stream))
    encrypted = trio.SSLStream(
        stream,
        await _context_for(terms, name),
        server_hostname=name,
        https_compatible=True,
    )
    try:
        await encrypted.do_handshake()
    except trio.BrokenResourceError as error:
        raise _explain(error.__cause__) from error
    return encrypted, _inspect(encrypted, terms, name)


def _expected_name(terms: TlsTerms, address: Address, peer: str | None) -> str | None:
    """For whom the certificate has to be; None for any Miniserver."""
    if terms.server_name is not None:
        return terms.server_name
    if serial_in(address.host) is not None:
        return address.host
    if terms.serial is not None:
        return cloud_name(peer or address.host, terms.serial, terms.domain)
    return None


async def _context_for(terms: TlsTerms, name: str | None) -> ssl.SSLContext:
    is_trusted = terms.security is Security.VERIFIED
    shared = _shared_context(
        verify=is_trusted,
        check_name=is_trusted and name is not None,
        ca_file=terms.ca_file if is_trusted else None,
    )
    return await shared.current()


@define(eq=False)
class _SharedContext:
    """The context of all Miniservers with the same settings: each takes 0.8 MB.

    The file of the authorities is read anew for the first connection after it has changed.
    """

    _verify: bool
    _check_name: bool
    _ca_file: Path | None
    _files: FileReader = field(factory=FileReader)
    _print: Print = None
    _context: ssl.SSLContext | None = None

    async def current(self) -> ssl.SSLContext:
        """The context; where the file cannot be read at present, with the authorities of before.

        Raises:
            TlsError: The file cannot be used, or not be read, and there is nothing from before.
        """
        if self._ca_file is None:
            self._context = self._context or self._make()
            return self._context
        try:
            return await self._files.read(f"tls_ca_file {self._ca_file}", self._read)
        except trio.TooSlowError as error:
            if self._context is None:
                raise TlsError(str(error)) from None
            _logger.warning("%s; the authorities of before stay in use", error)
            return self._context

    def _read(self) -> ssl.SSLContext:
        """Look at the file, and read it if it is another one; in a thread."""
        # Before reading: what is written meanwhile must not be missed.
        seen = None if self._ca_file is None else print_of(self._ca_file)
        if self._context is None or seen not in {None, self._print}:
            self._context, self._print = self._make(), seen
        elif seen is None:
            _logger.warning(
                "tls_ca_file %s is gone; the authorities of before stay in use", self._ca_file
            )
        return self._context

    def _make(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.check_hostname = self._check_name
        if not self._verify:
            context.verify_mode = ssl.CERT_NONE
        elif self._ca_file is None:
            context.load_default_certs()
        else:
            # A file may hold just the Miniserver's own certificate, whoever signed it.
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
            try:
                context.load_verify_locations(self._ca_file)
            except OSError as error:  # ssl.SSLError is one
                text = f"tls_ca_file {self._ca_file} cannot be used: {error.strerror}"
                raise TlsError(text) from error
        return context


@functools.cache
def _shared_context(*, verify: bool, check_name: bool, ca_file: Path | None) -> _SharedContext:
    return _SharedContext(verify, check_name, ca_file)


def _inspect(stream: trio.SSLStream[Any], terms: TlsTerms, name: str | None) -> Certificate:
    raw: bytes = stream.getpeercert(binary_form=True)
    found = hashlib.sha256(raw).hexdigest()
    if terms.security is Security.PINNED and found != terms.fingerprint:
        raise TlsError(
            f"the certificate is not the one of tls_fingerprint; this one has sha256:{found}"
        )
    names = [name for kind, name in stream.getpeercert().get("subjectAltName", ()) if kind == "DNS"]
    serial = next(filter(None, map(serial_in, names)), None)
    if terms.security is Security.VERIFIED and name is None and serial is None:
        raise TlsError(
            f"the certificate is for {', '.join(names) or 'nobody'}, and no name of a Miniserver; "
            "for a certificate of your own set tls_server_name"
        )
    not_after = None
    with contextlib.suppress(ProtocolError):
        not_after = end_of_validity(raw)
    return Certificate(not_after, serial, raw)


def _explain(cause: BaseException | None) -> TlsError | ConnectionLostError:
    match cause:
        case ssl.SSLCertVerificationError():
            text = f"the certificate is not accepted: {cause.verify_message.rstrip('.')}"
            remedy = _REMEDIES.get(cause.verify_code)
            return TlsError(text if remedy is None else f"{text}; {remedy}")
        case ssl.SSLError() if not isinstance(cause, ssl.SSLEOFError):
            return TlsError(f"no TLS with this peer: {cause.reason or cause}")
        case _:
            return ConnectionLostError("the connection was closed during the TLS handshake")
