"""What a Miniserver's frames carry: headers, event tables, answers and the structure file.

Each mutation makes any number of payloads of one.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Final

from fuzz.documents import mutate_document, write_document
from fuzz.mutations import mutate, splice


Rewrite = Callable[[bytes, Random], Sequence[bytes]]

_HEADER_SIZE: Final = 8
_MAGIC: Final = 3
_ESTIMATED: Final = 0x80
_KEEPALIVE, _OUT_OF_SERVICE = 6, 5

_CODES: Final[Sequence[Any]] = (
    100,
    200,
    201,
    301,
    400,
    401,
    403,
    404,
    418,
    420,
    423,
    429,
    477,
    500,
    503,
    900,
    901,
) + ("200", "401", "", "x", "2e2", "1e999", "nan", None, True, [], {}, -200, 10**30, 200.9)
_CONTROLS: Final = (
    "",
    "dev/sys/getkey2/x",
    "jdev/sps/LoxAPPversion3",
    "dev/sps/enablebinstatusupdate",
    "dev/sps/io/Light/on",
    "authwithtoken/x/y",
    "%ff%00",
    "dev/" * 5000,
)
_ODD_NUMBERS: Final = (
    float("nan"),
    float("inf"),
    float("-inf"),
    -0.0,
    5e-324,
    1.7976931348623157e308,
    -1000.0,
    2.0**53 + 1,
    1e15,
    1e6,
    999999.5,
    0.1,
)


def layer_of(payload: bytes, announced: int | None) -> str:
    """Which layer a payload belongs to.

    Args:
        payload: What a frame carries.
        announced: The identifier that the header before it has; None where there was none.
    """
    if announced is None and len(payload) == _HEADER_SIZE and payload[0] == _MAGIC:
        return "header"
    if payload.lstrip(b"\xef\xbb\xbf \r\n\t")[:24].startswith(b"{"):
        return "reply" if b'"LL"' in payload[:24] else "structure"
    return "table"


def announces(payload: bytes) -> int | None:
    """The identifier of the payload that follows a header; None where none does."""
    estimated = payload[2] & _ESTIMATED
    empty = payload[1] in {_KEEPALIVE, _OUT_OF_SERVICE} or not any(payload[4:])
    return None if estimated or empty else payload[1]


def _identifier(payload: bytes, chance: Random) -> Sequence[bytes]:
    identifier = chance.choice((0, 1, 2, 3, 4, 5, 6, 7, 8, 255))
    return [payload[:1] + bytes([identifier]) + payload[2:]]


def _length(payload: bytes, chance: Random) -> Sequence[bytes]:
    (length,) = struct.unpack_from("<I", payload, 4)
    odd = chance.choice((0, 1, length + 1, max(length - 1, 0), 2**31, 2**32 - 1))
    return [payload[:4] + struct.pack("<I", odd)]


def _estimate(payload: bytes, chance: Random) -> Sequence[bytes]:
    """An estimate before the header, or in its place."""
    odd = payload[:2] + bytes([payload[2] ^ _ESTIMATED]) + payload[3:]
    return chance.choice(([odd], [odd, payload], [payload, odd], [odd] * 100))


def _another(payload: bytes, chance: Random) -> Sequence[bytes]:
    """Another header before this one, or behind it."""
    other = bytes([_MAGIC, chance.randrange(9), 0, 0]) + struct.pack("<I", chance.randrange(100))
    return chance.choice(([other, payload], [payload, other]))


def _resized(payload: bytes, chance: Random) -> Sequence[bytes]:
    return [chance.choice((payload[: chance.randrange(8)], payload + chance.randbytes(3), b""))]


def _bytes(payload: bytes, chance: Random) -> Sequence[bytes]:
    return [mutate(payload, chance)]


def _twice(payload: bytes, _chance: Random) -> Sequence[bytes]:
    return [payload, payload]


def _drop(_payload: bytes, _chance: Random) -> Sequence[bytes]:
    return []


HEADER_KINDS: Final[Mapping[str, Rewrite]] = {
    "identifier": _identifier,
    "length": _length,
    "estimate": _estimate,
    "another": _another,
    "resized": _resized,
    "bytes": _bytes,
    "twice": _twice,
    "drop": _drop,
}


def _odd_numbers(payload: bytes, chance: Random) -> Sequence[bytes]:
    """Numbers that are none, at places where numbers may be."""
    changed = bytearray(payload)
    for _ in range(chance.choice((1, 1, 5, 50))):
        place = 16 + 24 * chance.randrange(max(len(payload) // 24, 1))
        if place + 8 <= len(changed):
            struct.pack_into("<d", changed, place, chance.choice(_ODD_NUMBERS))
    return [bytes(changed)]


def _counts(payload: bytes, chance: Random) -> Sequence[bytes]:
    """Another count or length in the first entry, at each place where one may be."""
    changed = bytearray(payload)
    odd = chance.choice((-(2**31), -1, 0, 1, 7, 2**16, 2**31 - 1))
    place = chance.choice((20, 24, 32))
    if place + 4 <= len(changed):
        struct.pack_into("<i", changed, place, odd)
    return [bytes(changed)]


def _entries(payload: bytes, chance: Random) -> Sequence[bytes]:
    """Entries again, left out, or in another order; with another one's UUID."""
    entries = [payload[at : at + 24] for at in range(0, len(payload), 24)]
    match chance.randrange(4):
        case 0:
            chance.shuffle(entries)
        case 1:
            entries *= chance.choice((2, 400))
        case 2:
            entries = entries[: chance.randint(0, len(entries))]
        case _:
            entries = [chance.choice(entries)[:16] + entry[16:] for entry in entries]
    return [b"".join(entries)]


def _remainder(payload: bytes, chance: Random) -> Sequence[bytes]:
    return [payload + chance.randbytes(chance.choice((1, 7, 23, 24, 36)))]


def _spliced(payload: bytes, chance: Random) -> Sequence[bytes]:
    return [splice(payload, payload, chance)]


TABLE_KINDS: Final[Mapping[str, Rewrite]] = {
    "odd numbers": _odd_numbers,
    "counts": _counts,
    "entries": _entries,
    "remainder": _remainder,
    "spliced": _spliced,
    "bytes": _bytes,
    "twice": _twice,
    "drop": _drop,
}


def _code(payload: bytes, chance: Random) -> Sequence[bytes]:
    document = _read(payload)
    if isinstance(document, dict) and isinstance(document.get("LL"), dict):
        for key in ("Code", "code"):
            document["LL"].pop(key, None)
        document["LL"][chance.choice(("Code", "code", "CODE"))] = chance.choice(_CODES)
    return [_write(document)]


def _control(payload: bytes, chance: Random) -> Sequence[bytes]:
    document = _read(payload)
    if isinstance(document, dict) and isinstance(document.get("LL"), dict):
        document["LL"]["control"] = chance.choice(_CONTROLS)
    return [_write(document)]


def _value(payload: bytes, chance: Random) -> Sequence[bytes]:
    """Another value, with the envelope as it is."""
    document = _read(payload)
    if isinstance(document, dict) and isinstance(document.get("LL"), dict):
        value = document["LL"].get("value")
        document["LL"]["value"] = mutate_document(value, chance)
    return [_write(document)]


def _text_value(payload: bytes, chance: Random) -> Sequence[bytes]:
    """A value that is a text, changed byte by byte."""
    document = _read(payload)
    if isinstance(document, dict) and isinstance(document.get("LL"), dict):
        value = document["LL"].get("value")
        changed = mutate(str(value).encode(), chance)
        document["LL"]["value"] = changed.decode("utf-8", errors="surrogateescape")
    return [_write(document)]


def _document(payload: bytes, chance: Random) -> Sequence[bytes]:
    return [write_document(mutate_document(_read(payload), chance), chance)]


def _stray(payload: bytes, chance: Random) -> Sequence[bytes]:
    """Something else before it: a text, another answer, nothing."""
    strays = (
        b"",
        b"\r\n",
        b"2026-01-01 08:00:00.000;PRG start program\r\n",
        b'{"LL": {"control": "dev/sps/io/Q2", "value": "0", "Code": "404"}}',
        b'{"LL": {"value": "1"}}',
        b"{}",
        payload[: len(payload) // 2],
    )
    return [chance.choice(strays), payload]


REPLY_KINDS: Final[Mapping[str, Rewrite]] = {
    "code": _code,
    "control": _control,
    "value": _value,
    "text value": _text_value,
    "document": _document,
    "stray": _stray,
    "bytes": _bytes,
    "twice": _twice,
    "drop": _drop,
}

STRUCTURE_KINDS: Final[Mapping[str, Rewrite]] = {
    "document": _document,
    "bytes": _bytes,
    "stray": _stray,
    "twice": _twice,
    "drop": _drop,
}


def _read(payload: bytes) -> Any:  # noqa: ANN401  # any JSON
    try:
        return json.loads(payload)
    except ValueError:  # quotes that are not escaped, as some firmware has them
        return {"LL": {"value": payload.decode("utf-8", errors="replace")}}


def _write(document: Any) -> bytes:  # noqa: ANN401  # any JSON
    return json.dumps(document, ensure_ascii=False).encode("utf-8", errors="surrogatepass")
