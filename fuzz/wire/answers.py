"""The answers of HTTP: to the questions before the login, and to the WebSocket's handshake."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from fuzz.mutations import mutate
from fuzz.wire.messages import REPLY_KINDS


_STATUSES: Final = (
    (b"100 Continue", b"101 Switching Protocols", b"200 OK", b"204 No Content", b"206 Partial")
    + (b"301 Moved", b"302 Found", b"304 Not Modified", b"307 Temporary", b"400 Bad", b"401 No")
    + (b"403 Forbidden", b"404 Not Found", b"418 Teapot", b"500 Oops", b"503 Booting", b"901 Full")
    + (b"999 Odd", b"000 Odd", b"2000 Odd", b"-1 Odd", b"", b"200", b"200 \xff\xfe\n x")
)
_FIELDS: Final = (
    b"Content-Length: 0",
    b"Content-Length: 7",
    b"Content-Length: 99999999999999999999",
    b"Content-Length: -1",
    b"Content-Length: 1, 1",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: gzip, chunked",
    b"Content-Encoding: gzip",
    b"Connection: close",
    b"Connection: Upgrade",
    b"Location: https://192-0-2-1.504f94d0e0de.dyndns.loxonecloud.com/x",
    b"Location: https://[::1",
    b"Location: http://\xff\xfe/",
    b"Location: " + b"x" * 5000,
    b"Sec-WebSocket-Accept: AAAA",
    b"Sec-WebSocket-Protocol: other",
    b"Sec-WebSocket-Extensions: permessage-deflate",
    b"Upgrade: h2c",
    b"Connection: Upgrade, \xff",
    b"Sec-WebSocket-Protocol: \xe9",
    b"Sec-WebSocket-Extensions: \xe9; x=\xff",
    b"Sec-WebSocket-Accept: \xff",
    b"\xe9: \xff",
    b": nameless",
    b"no colon",
    b" folded",
    b"X: \0",
    b"X: " + b"y" * 70_000,
)
_PAGES: Final = (
    b"<html><errorcode>403</errorcode><remaining>120</remaining></html>",
    b"<html><errorcode>403</errorcode><remaining>999999999</remaining></html>",
    b"<html><errorcode>503</errorcode></html>",
    b"<html><errorcode>901</errorcode></html>",
    b"<html>" * 3000,
    b"",
    b"null",
    b"{}",
    b'{"LL": null}',
)

_END: Final = b"\r\n\r\n"


def _status(answer: bytes, chance: Random) -> bytes:
    _, _, rest = answer.partition(b"\r\n")
    version = chance.choice((b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2", b"HTTP/1.", b"ICY"))
    return version + b" " + chance.choice(_STATUSES) + b"\r\n" + rest


def _field(answer: bytes, chance: Random) -> bytes:
    """One more field, in the place of another one perhaps."""
    head, _, body = answer.partition(_END)
    lines = head.split(b"\r\n")
    place = chance.randint(1, len(lines))
    lines[place : place + chance.randrange(2)] = [chance.choice(_FIELDS)]
    return b"\r\n".join(lines) + _END + body


def _body(answer: bytes, chance: Random) -> bytes:
    """Another body, with its length."""
    _, _, body = answer.partition(_END)
    rewrite = chance.choice(list(REPLY_KINDS.values()))
    return _with_body(answer, b"".join(rewrite(body, chance)))


def _page(answer: bytes, chance: Random) -> bytes:
    status = chance.choice((b"200 OK", b"403 Forbidden", b"503 Booting", b"901 Full"))
    page = _with_body(answer, chance.choice(_PAGES))
    return b"HTTP/1.1 " + status + page[page.index(b"\r\n") :]


def _with_body(answer: bytes, body: bytes) -> bytes:
    head = answer.partition(_END)[0].split(b"\r\n")
    kept = [line for line in head if not line.lower().startswith(b"content-length:")]
    return b"\r\n".join((*kept, b"Content-Length: %d" % len(body))) + _END + body


def _chunked(answer: bytes, chance: Random) -> bytes:
    """In chunks, right or wrong ones."""
    head, _, body = answer.partition(_END)
    kept = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length:")]
    size = chance.choice((b"%x" % len(body), b"fffffffffffff", b"-1", b"x", b"0", b"1;x=" * 400))
    end = chance.choice((b"\r\n0\r\n\r\n", b"\r\n0\r\nX: y\r\n\r\n", b"", b"\r\n"))
    chunk = size + b"\r\n" + body + end
    return b"\r\n".join((*kept, b"Transfer-Encoding: chunked")) + _END + chunk


def _before(answer: bytes, chance: Random) -> bytes:
    """Something before it: interim answers, empty lines, another answer."""
    odd = (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 199 X\r\nY: z\r\n\r\n", b"\r\n", answer)
    return chance.choice(odd) * chance.choice((1, 2, 200)) + answer


def _behind(answer: bytes, chance: Random) -> bytes:
    return answer + chance.choice((answer, b"\r\n", b"\0", chance.randbytes(100)))


def _endless(answer: bytes, chance: Random) -> bytes:
    """More than anybody wants: a head, or a body, of a megabyte and more."""
    head, _, _ = answer.partition(_END)
    if chance.random() < 1 / 2:
        return head + b"\r\n" + b"X: y\r\n" * 200_000
    return _with_body(answer, b" " * (2**20 + 1))


def _cut(answer: bytes, chance: Random) -> bytes:
    return answer[: chance.randint(0, len(answer))]


def _garbage(_answer: bytes, chance: Random) -> bytes:
    return chance.randbytes(chance.choice((1, 20, 3000)))


ANSWER_KINDS: Final[Mapping[str, Callable[[bytes, Random], bytes]]] = {
    "status": _status,
    "field": _field,
    "body": _body,
    "page": _page,
    "chunked": _chunked,
    "before": _before,
    "behind": _behind,
    "endless": _endless,
    "cut": _cut,
    "garbage": _garbage,
    "bytes": mutate,
}
