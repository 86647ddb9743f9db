"""What people call the address of a Miniserver: what is in their browser, mostly."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from attrs import frozen

from loxone_exporter.config.addresses import parse_host
from loxone_exporter.config.model import TlsMode


_PORTS: Final = range(1, 65536)
_CLOUD: Final = re.compile(
    r"(?:(?:dns|connect|dyndns|app|www)\.)?loxonecloud\.com|(?:.*\.)?loxone\.com", re.IGNORECASE
)
_SCHEMES: Final = frozenset({"http", "https", "ws", "wss"})
_ENCRYPTED: Final = frozenset({"https", "wss"})


@frozen
class WrittenAddress:
    """What an address says.

    Attributes:
        host: A name or an IP address; IPv6 without brackets.
        port: The port of the web interface; None if it says none.
        tls_port: Likewise, the one for TLS.
        tls: How TLS is to be used; None if it does not say.
    """

    host: str
    port: int | None = None
    tls_port: int | None = None
    tls: TlsMode | None = None


def parse_address(text: str) -> WrittenAddress:
    """Understand `192.168.1.77`, `[fe80::1]:8080` or `https://miniserver.example/`.

    The messages never repeat the text: it may hold a password.

    Raises:
        ValueError: It is no address, or not one in the local network; the message says why.
    """
    text = text.strip()
    scheme, separator, _ = text.partition("://")
    if separator and scheme.lower() not in _SCHEMES:
        raise ValueError("expected a name or an IP address, or one that begins with http://")
    if not separator and text.count(":") > 1 and not text.startswith("["):
        return WrittenAddress(parse_host(text))  # IPv6 as it is
    url = _split(text if separator else f"//{text}")
    port, host = url.port, parse_host(_bracketed(url))
    if _CLOUD.fullmatch(host):
        raise ValueError(
            "this is a service of the vendor's: expected the Miniserver's address in your network, "
            "which Loxone Config and the app show"
        )
    if url.scheme in _ENCRYPTED:
        return WrittenAddress(host, tls_port=port, tls="required")
    return WrittenAddress(host, port=port)


def _split(text: str) -> SplitResult:
    try:
        url = urlsplit(text)
        is_port = url.port is None or url.port in _PORTS
    except ValueError:
        raise ValueError("expected a name or an IP address, and if need be :PORT") from None
    if not is_port:
        raise ValueError("expected a port from 1 to 65535")
    if url.username is not None or url.password is not None:
        raise ValueError("leave out the user and the password before the @: they are asked for")
    return url


def _bracketed(url: SplitResult) -> str:
    """The host as it was written; IPv6 in brackets."""
    host = url.hostname or ""
    return f"[{host}]" if ":" in host else host
