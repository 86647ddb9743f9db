"""Certificates that no Miniserver would have."""

from __future__ import annotations

import datetime as dt
import hashlib
import ssl

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
