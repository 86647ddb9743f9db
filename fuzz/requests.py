"""Requests as HTTP clients make them: good ones, odd ones, and such as are for another protocol."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final

from attrs import frozen


PATHS: Final = (
    ("/metrics", "/metrics", "/metrics", "/", "/healthz", "/livez", "/-/healthy", "/readyz")
    + ("/-/ready", "/-/reload", "/nothing", "/metrics/", "//metrics", "/metrics?name[]=up")
    + ("/?miniserver=home", "/?q=e&page=2&room=", "/?page=x&&=%ff", "/static/page.css", "/static/x")
    + ("/openapi.json", "/metrics?miniserver=no", "/?" + "q=&" * 99, "/metrics?name[]=loxone_*")
    + ("/metrics?miniserver=home", "/metrics?name[]=&&=%ff", "/%6detrics", "/..%2f..%2fetc", "/\\")
    + ("/metrics#part", "/metrics;x=y", "/%", "/%zz", "/%00", "/%ff%fe", "/" + "x" * 3000)
)
METHODS: Final = (
    "GET",
    "GET",
    "GET",
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "OPTIONS",
    "DELETE",
    "TRACE",
    "PATCH",
) + ("get", "PRI", "CONNECT", "X" * 200, "M-SEARCH")

_PROMETHEUS: Final = (
    "Accept: application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4"
)
"""What Prometheus 3 sends."""

FIELDS: Final = (
    "Accept: */*",
    "Accept: text/plain",
    "Accept: text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "Accept: application/openmetrics-text;version=1.0.0;charset=utf-8",
    _PROMETHEUS,
    "Accept: application/openmetrics-text;version=99.0.0",
    "Accept: text/plain;version=abc",
    "Accept: application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily",
    "Accept: ;;;===,,,q=1;q=nan;q=-1",
    "Accept: */*;q=1e309, text/*;q=0x1",
    "Accept: " + "text/html," * 500,
    "Accept-Encoding: gzip",
    "Accept-Encoding: gzip;q=0, deflate, br;q=1.0, *;q=0.5",
    "Accept-Encoding: identity;q=0",
    "Connection: close",
    "Connection: keep-alive",
    "Connection: Upgrade",
    "Connection: Upgrade, HTTP2-Settings",
    "Upgrade: websocket",
    "Upgrade: h2c",
    "HTTP2-Settings: AAMAAABkAAQAAP__",
    "HTTP2-Settings: !",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Expect: 100-continue",
    "Expect: the unexpected",
    "Host: localhost:9504",
    "Host: [::1]:9504",
    "Host: ",
    "Host: a b",
    "Host: \u00e9",
    "Host: x\tHost: y",
    "X-Forwarded-For: 127.0.0.1",
    "X-Prometheus-Scrape-Timeout-Seconds: 10",
    "Range: bytes=0-0",
    "If-None-Match: *",
    "Cookie: " + "a=b; " * 1000,
    "Authorization: Basic Og==",
    "Authorization: Basic cHJvbWV0aGV1czpwYXNzd29yZA==",
    "Authorization: basic  \u00e9",
    "Authorization: Basic " + "A" * 4000,
    "Authorization: Basic AP8A/zo=",
    "Authorization: Bearer token",
    "Content-Type: application/json",
    "TE: trailers, deflate",
    "Trailer: X",
    "X: \x7f",
    "X : y",
    " folded: line",
    ": nameless",
    "no colon",
)

VERSIONS: Final = ("1.1", "1.1", "1.1", "1.1", "1.0", "2.0", "0.9", "1.2", "9.9", "1")

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")
TLS_HELLO: Final = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500)

_WELL_KNOWN: Final = ("/metrics", "/", "/healthz", "/livez", "/-/healthy", "/readyz", "/-/ready")
_GOOD_FIELDS: Final = FIELDS[:5] + FIELDS[11:14]


@frozen
class Good:
    """A request that has to be answered well.

    Attributes:
        data: The request.
        method: Its method.
        status: What the answer is.
    """

    data: bytes
    method: str
    status: int


def draw_good(chance: Random, login: str = "") -> Good:
    """A request without anything odd, that leaves the connection open.

    Args:
        chance: Decides everything.
        login: The value of the header `Authorization`; empty for none.
    """
    method = chance.choice(("GET", "GET", "GET", "HEAD", "POST"))
    path = chance.choice((*_WELL_KNOWN, "/nothing"))
    fields = ["Host: x", *chance.sample(_GOOD_FIELDS, chance.randrange(3))]
    if login:
        fields.append(f"Authorization: {login}")
    if method == "POST":
        fields.append("Content-Length: 0")
    status = 404 if path == "/nothing" else 405 if method == "POST" else 200
    return Good(_write(method, path, "1.1", fields), method, status)


def draw_odd(chance: Random) -> bytes:
    """A request of any kind."""
    if chance.random() < 1 / 24:
        return chance.choice((PREFACE, TLS_HELLO, b"\r\n", b"\0", b""))
    method, path = chance.choice(METHODS), chance.choice(PATHS)
    target = chance.choice((path, path, path, f"http://localhost{path}", "*", "localhost:80"))
    fields = ["Host: x"] * chance.choice((1, 1, 1, 1, 0, 2))
    fields += chance.sample(FIELDS, chance.choice((0, 1, 1, 2, 4, 9)))
    if chance.random() < 1 / 100:
        fields += ["X: y"] * chance.choice((500, 20_000))
    chance.shuffle(fields)
    head_fields, body = chance.choice(_BODIES)(chance)
    version = chance.choice(VERSIONS)
    return _write(method, target, version, [*fields, *head_fields]) + body


Body = tuple[Sequence[str], bytes]
"""A body, with the fields that announce it, rightly or wrongly."""


def _whole(chance: Random) -> Body:
    body = b"x" * chance.choice((1, 5, 70_000))
    return [f"Content-Length: {len(body)}"], body


def _of_odd_length(chance: Random) -> Body:
    length = chance.choice(("-1", "x", "1, 1", "99999999999999999999", "+5", "0x5", ""))
    return [f"Content-Length: {length}"], b"xxxxx"


def _half(chance: Random) -> Body:
    return ["Content-Length: 1000000"], b"x" * chance.choice((0, 100, 100_000))


def _in_chunks(chance: Random) -> Body:
    chunks = b"1\r\nx\r\n" * chance.choice((1, 30, 3000))
    return ["Transfer-Encoding: chunked"], chunks + chance.choice((b"0\r\n\r\n", b""))


def _in_odd_chunks(chance: Random) -> Body:
    size = chance.choice(("fffffffffffffffff", "-1", "g", "1;" + "x" * 70_000, "", "1 "))
    return ["Transfer-Encoding: chunked"], f"{size}\r\nx\r\n0\r\n\r\n".encode()


def _in_odd_coding(chance: Random) -> Body:
    coding = chance.choice(("gzip", "chunked, chunked", "identity", "x", "gzip, chunked"))
    return [f"Transfer-Encoding: {coding}", "Content-Length: 5"], b"xxxxx"


def _none(_chance: Random) -> Body:
    return [], b""


_BODIES: Final = (
    _whole,
    _of_odd_length,
    _half,
    _in_chunks,
    _in_odd_chunks,
    _in_odd_coding,
    *[_none] * 6,
)


def _write(method: str, target: str, version: str, fields: Sequence[str]) -> bytes:
    lines = [f"{method} {target} HTTP/{version}", *fields, "", ""]
    return "\r\n".join(lines).encode("utf-8")
