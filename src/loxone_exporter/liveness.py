"""Whether the running exporter is alive, asked from outside: what `loxone-exporter health` does."""

from __future__ import annotations

import contextlib
import http.client
import ssl
from http import HTTPStatus
from typing import Final

from loxone_exporter.config.model import WebConfig


TIMEOUT: Final = 5.0
"""Seconds that each step of the answer may take."""

_ALIVE: Final = frozenset({HTTPStatus.OK, HTTPStatus.UNAUTHORIZED})
"""Who is asked to log in was answered by an event loop that runs."""


def find_failure(web: WebConfig) -> str | None:
    """Ask `/livez` on the first listen address; what is wrong, or None if the exporter is alive."""
    tls = web.tls_server_config
    try:
        return _ask(web, is_encrypted=tls is not None)
    except (ssl.SSLError, http.client.HTTPException) as error:
        needs_certificate = tls is not None and tls.client_auth_type == "RequireAndVerifyClientCert"
        if needs_certificate and "ALERT" in (getattr(error, "reason", None) or ""):
            return None  # who shows no certificate is turned away by an event loop that runs
        # Since it was started, TLS may have been turned on or off in the file.
        with contextlib.suppress(ssl.SSLError, http.client.HTTPException):
            return _ask(web, is_encrypted=tls is None)
        return _no_answer(web, error)


def _ask(web: WebConfig, *, is_encrypted: bool) -> str | None:
    """Likewise.

    Raises:
        ssl.SSLError: There is no TLS with who answers.
        http.client.HTTPException: What comes is no HTTP.
    """
    host, port = _place(web)
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    if is_encrypted:
        # The certificate is for whoever asks from elsewhere, and hardly for this address; nothing
        # is told to who answers, and nothing is believed but that somebody does.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(host, port, timeout=TIMEOUT, context=context)
    with contextlib.closing(connection):
        try:
            connection.request("GET", "/livez")
            status = connection.getresponse().status
        except (ssl.SSLError, http.client.RemoteDisconnected):
            raise
        except OSError as error:
            return _no_answer(web, error)
    return None if status in _ALIVE else f"HTTP status {status} from {web.listen[0]}"


def _place(web: WebConfig) -> tuple[str, int]:
    """What listens on all addresses listens on this one."""
    address = web.listen[0]
    host = {None: "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(address.host, address.host)  # noqa: S104  # compared, not bound
    return str(host), address.port


def _no_answer(web: WebConfig, error: Exception) -> str:
    host, port = _place(web)
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return (
        f"no answer from {host} port {port}: {reason}. Does the exporter run? If it was told by "
        "--listen where to listen, tell it to `loxone-exporter health` as well"
    )
