"""How clients reach the web server: in plain, with a login, or by TLS."""

from __future__ import annotations

import base64
import functools
import ssl
import tempfile
from pathlib import Path
from typing import Final

import bcrypt
import trustme
from attrs import field, frozen

from loxone_exporter.config.model import TlsServerConfig, WebConfig
from loxone_exporter.config.secret import Secret
from loxone_exporter.vitals import Vitals
from loxone_exporter.web.tls import ServerTls


HOST: Final = "127.0.0.1"

_USER, _PASSWORD = "prometheus", "correct horse"  # invented
_QUICK: Final = 4
"""How often bcrypt doubles its work, at the least."""


@frozen
class Authority:
    """Who vouches for the server, and for what.

    Attributes:
        certificate: Of the server, in PEM format.
        key: Of that certificate.
        trust: What makes clients believe it.
    """

    certificate: bytes
    key: bytes = field(repr=False)
    trust: ssl.SSLContext


@functools.cache
def authority() -> Authority:
    """The one of this process."""
    issuer = trustme.CA()
    issued = issuer.issue_cert(HOST)
    trust = ssl.create_default_context()
    issuer.configure_trust(trust)
    (certificate,) = issued.cert_chain_pems
    return Authority(certificate.bytes(), issued.private_key_pem.bytes(), trust)


@frozen
class Front:
    """One way to reach the server.

    Attributes:
        has_login: Whether only those are answered who log in.
        has_tls: Whether all goes by TLS.
    """

    has_login: bool = False
    has_tls: bool = False

    @property
    def web(self) -> WebConfig:
        """The server's configuration, but for the files of its certificate."""
        if not self.has_login:
            return WebConfig()
        hash_ = bcrypt.hashpw(_PASSWORD.encode(), bcrypt.gensalt(_QUICK))
        return WebConfig(basic_auth_users={_USER: Secret(hash_.decode())})

    @property
    def login(self) -> str:
        """The header `Authorization` of somebody who may read; empty where nobody has to log in."""
        if not self.has_login:
            return ""
        return f"Basic {base64.b64encode(f'{_USER}:{_PASSWORD}'.encode()).decode()}"

    def start_tls(self, vitals: Vitals) -> ServerTls | None:
        """The server's TLS; None where there is none."""
        if not self.has_tls:
            return None
        with tempfile.TemporaryDirectory() as name:
            certificate, key = Path(name, "exporter.pem"), Path(name, "exporter.key")
            certificate.write_bytes(authority().certificate)
            key.touch(mode=0o600)
            key.write_bytes(authority().key)
            return ServerTls.start(TlsServerConfig(cert_file=certificate, key_file=key), vitals)
