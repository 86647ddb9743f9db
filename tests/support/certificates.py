"""Certificates that no Miniserver would have."""

from __future__ import annotations

import datetime as dt
import hashlib
import ssl
from pathlib import Path

import trustme

from loxone_exporter.simulator.tls import ServerCertificate


def issue(*names: str, not_before: dt.datetime | None = None) -> ServerCertificate:
    """A certificate for exactly these names, and an authority of its own."""
    authority = trustme.CA()
    issued = authority.issue_cert(*names, not_before=not_before)
    pem = issued.cert_chain_pems[0].bytes()
    fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.decode())).hexdigest()
    return ServerCertificate(
        authority_pem=authority.cert_pem.bytes(),
        certificate_pem=pem,
        fingerprint=f"sha256:{fingerprint}",
        key_pem=issued.private_key_pem.bytes(),
    )


def write_server_files(folder: Path, issued: trustme.LeafCert) -> None:
    """The exporter's own certificate and key, as files that only their owner may read."""
    pem = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
    for name, data in (
        ("exporter.pem", pem),
        ("exporter.key", issued.private_key_pem.bytes()),
    ):
        path = folder / name
        path.touch(mode=0o600)
        path.write_bytes(data)
