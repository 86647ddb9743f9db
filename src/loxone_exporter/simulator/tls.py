"""Certificates of a simulated Miniserver, made on the fly (protocol reference, sections 1.4 and 4).

The one home of trustme, and of cryptography, which trustme brings along. Both are in the extra
`simulator`, and are imported only when a certificate is made.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import ssl
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, cast

from attrs import field, frozen

from loxone_exporter.errors import MissingExtraError
from loxone_exporter.loxone.crypto import decode_base64


if TYPE_CHECKING:
    import trustme
    from cryptography.hazmat.primitives.asymmetric import rsa


DOMAIN: Final = "dyndns.loxonecloud.com"

BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_YEAR: Final = dt.timedelta(days=365)
_DAY: Final = dt.timedelta(days=1)


@frozen
class ServerCertificate:
    """What a Miniserver shows to those who connect by TLS, and who vouches for it.

    Attributes:
        authority_pem: The certificate of the authority that issued it: what clients are to trust.
        certificate_pem: The certificate itself.
        fingerprint: Of the certificate: `sha256:` and the hexadecimal digits.
    """

    authority_pem: bytes = field(repr=False)
    certificate_pem: bytes = field(repr=False)
    fingerprint: str
    _key_pem: bytes = field(repr=False)

    def server_context(self) -> ssl.SSLContext:
        """Make the settings of a TLS server that shows this certificate.

        Each costs the better part of a megabyte: one for each server will do.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # The standard library reads certificates and keys from files only.
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            file.write(self._key_pem + self.certificate_pem)
            file.flush()
            context.load_cert_chain(file.name)
        return context


def make_certificate(
    serial: str, *, names: Sequence[str] = (), expired: bool = False
) -> ServerCertificate:
    """Make a certificate like those of real devices, and an authority of its own.

    It is for `*.{serial}.dyndns.loxonecloud.com` only: like a real one it never fits an IP address
    (section 4).

    Args:
        serial: The device's serial number.
        names: Further host names and addresses that it is for.
        expired: Whether its time was over yesterday.

    Raises:
        MissingExtraError: The libraries for this are not installed.
    """
    authority = _new_authority()
    now = dt.datetime.now(dt.UTC)
    issued = authority.issue_cert(
        wildcard_name(serial),
        *names,
        not_before=now - _YEAR,
        not_after=now - _DAY if expired else now + _YEAR,
    )
    certificate_pem = issued.cert_chain_pems[0].bytes()
    der = ssl.PEM_cert_to_DER_cert(certificate_pem.decode())
    return ServerCertificate(
        authority_pem=authority.cert_pem.bytes(),
        certificate_pem=certificate_pem,
        fingerprint=f"sha256:{hashlib.sha256(der).hexdigest()}",
        key_pem=issued.private_key_pem.bytes(),
    )


def wildcard_name(serial: str) -> str:
    """The name in the certificate of a device: a wildcard, the serial in lower case."""
    return f"*.{serial.lower()}.{DOMAIN}"


@functools.lru_cache(maxsize=8)
def key_certificates(public_text: str, serial: str) -> bytes:
    """The certificates that `jdev/sys/getcertificate` answers, as PEM: root first, leaf last.

    The leaf holds the RSA key of `jdev/sys/getPublicKey`, by which AES keys are exchanged; the
    server's TLS has another one (section 1.4).

    Args:
        public_text: The answer to `getPublicKey`.
        serial: The device's serial number.

    Raises:
        MissingExtraError: The libraries for this are not installed.
    """
    authority = _new_authority(rsa=True)
    from cryptography import x509  # noqa: PLC0415  # see _new_authority
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415  # likewise

    root = x509.load_pem_x509_certificate(authority.cert_pem.bytes())
    signing_key = cast(
        "rsa.RSAPrivateKey",
        serialization.load_pem_private_key(authority.private_key_pem.bytes(), None),
    )
    public_der = decode_base64(public_text.removeprefix(BEGIN).removesuffix(_END))
    public_key = cast("rsa.RSAPublicKey", serialization.load_der_public_key(public_der))
    now = dt.datetime.now(dt.UTC)
    leaf = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, serial)]))
        .issuer_name(root.subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _YEAR)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(signing_key, hashes.SHA256())
    )
    leaf_pem = leaf.public_bytes(serialization.Encoding.PEM)
    return authority.cert_pem.bytes() + leaf_pem


def _new_authority(*, rsa: bool = False) -> trustme.CA:
    """Make an authority; with an RSA key for clients whose libraries know nothing else."""
    try:
        import trustme  # noqa: PLC0415  # an extra, and slow to import
    except ImportError as error:
        raise MissingExtraError(
            "certificates are made by trustme, which is not installed: "
            "install loxone-exporter[simulator]"
        ) from error
    key_type = trustme.KeyType.RSA if rsa else trustme.KeyType.ECDSA
    return trustme.CA(organization_name="Simulated Miniservers", key_type=key_type)
