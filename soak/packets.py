"""What clients can send to an HTTP server; some of it ends others of its kind.

The contract tests send the same, each alone.
"""

from __future__ import annotations

from typing import Final

import h2.config
import h2.connection


_UPGRADE = (
    b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def _h2c(settings: bytes) -> bytes:
    return (
        b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n"
        b"Upgrade: h2c\r\nHTTP2-Settings: " + settings + b"\r\n\r\n"
    )


def _extended_connect() -> bytes:
    """Cleartext HTTP/2: a WebSocket by extended CONNECT, and GOAWAY."""
    connection = h2.connection.H2Connection(
        h2.config.H2Configuration(client_side=True, validate_outbound_headers=False)
    )
    connection.initiate_connection()
    connection.send_headers(
        1,
        [
            (":method", "CONNECT"),
            (":protocol", "websocket"),
            (":scheme", "http"),
            (":path", "/metrics"),
            (":authority", "x"),
            ("sec-websocket-version", "13"),
        ],
    )
    connection.close_connection()
    return connection.data_to_send()


_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SCRAPE: Final = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
_POST = b"POST /metrics HTTP/1.1\r\nHost: x\r\n"

PACKETS: Final = {
    "websocket with trailing bytes": _UPGRADE + b"trailing bytes",
    "h2c with settings that are no base64": _h2c(b"!"),
    "h2c with settings that are none": _h2c(b"AAAA"),
    "extended connect and goaway": _extended_connect(),
    "h2c": _h2c(b"AAMAAABkAAQAAP__"),
    "preface only": _PREFACE,
    "preface and garbage": _PREFACE + b"\xff" * 100,
    "websocket": _UPGRADE,
    "websocket without a key": _UPGRADE.replace(b"Sec-WebSocket-Key", b"X"),
    "nothing": b"",
    "garbage": bytes(range(256)) * 40,
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    "half a head": SCRAPE[:-10],
    "endless head": SCRAPE[:-2] + b"X: y\r\n" * 50_000,
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "connect": b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    "pipelined": SCRAPE * 3,
    "two lengths": _POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "expectation": _POST + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n",
    "half a body": _POST + b"Content-Length: 1000000\r\n\r\n" + b"x" * 100_000,
    "whole body": _POST + b"Content-Length: 1000000\r\n\r\n" + b"x" * 1_000_000,
    "body in many pieces": _POST
    + b"Transfer-Encoding: chunked\r\n\r\n"
    + b"1\r\nx\r\n" * 1000
    + b"0\r\n\r\n",
    "request behind a last one": SCRAPE[:-2] + b"Connection: close\r\n\r\n" + SCRAPE,
    "request behind a broken one": b"!\r\n\r\n" + SCRAPE,
    "too many fields": SCRAPE[:-2] + b"a:\r\n" * 5000 + b"\r\n",
    "too many fields behind a request": SCRAPE * 2 + SCRAPE[:-2] + b"a:\r\n" * 5000 + b"\r\n",
    "too many trailers": _POST
    + b"Transfer-Encoding: chunked\r\n\r\n0\r\n"
    + b"a:\r\n" * 5000
    + b"\r\n",
    "an endless list of formats": SCRAPE[:-2] + b"Accept: " + b"," * 8000 + b"\r\n\r\n",
    "pieces without an end": _POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 100_000,
    "broken pieces": _POST + b"Transfer-Encoding: chunked\r\n\r\n!\r\n",
    "a length that is none": _POST + b"Content-Length: -1\r\n\r\n",
    "an enormous length": _POST + b"Content-Length: 99999999999999999999\r\n\r\n",
    "endless pieces": _POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 1000,
}
