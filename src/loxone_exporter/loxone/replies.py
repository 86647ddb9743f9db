"""What a Miniserver answers to commands (protocol reference, sections 1.1-1.6, 3.3-3.4).

Keys come in either case, numbers as text, objects as text with single quotes. Whatever the shape,
each function returns values or raises `ProtocolError`, and nothing else.
"""

from __future__ import annotations

import json
import re
from typing import Final, TypeAlias

from attrs import field, frozen

from loxone_exporter.errors import ProtocolError
from loxone_exporter.loxone.crypto import HashAlgorithm, HashParameters


Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

LOXONE_EPOCH: Final = 1_230_768_000
"""2009-01-01 00:00 UTC in Unix time: where the Miniserver's clocks start (section 8.5)."""

OK: Final = 200

_ERROR_CODE = re.compile(r"<errorcode>\s*(\d{3})\s*</errorcode>", re.IGNORECASE)
_REMAINING = re.compile(r"<remaining>\s*(\d{1,9})\s*</remaining>", re.IGNORECASE)
_FIRMWARE = re.compile(r"\d{1,9}(\.\d{1,9}){0,7}")
_HASH_ALGORITHMS: Final[dict[str, HashAlgorithm]] = {"SHA1": "SHA1", "SHA256": "SHA256"}
_TEXT_SHOWN = 60
_SURROGATE_ESCAPE = "\\ud"


@frozen
class Reply:
    """The `LL` envelope around nearly every answer.

    Attributes:
        control: The command as the Miniserver echoes it.
        code: 200 where all went well; otherwise see section 3.7.
        value: Whatever the command asked for.
    """

    control: str
    code: int
    value: Json


@frozen
class Device:
    """Who answers: the value of `apiKey`.

    Attributes:
        serial: Twelve hexadecimal digits, upper case.
        firmware: Four numbers; `()` where the Miniserver does not say.
    """

    serial: str
    firmware: tuple[int, ...]


@frozen
class Token:
    """What a login is rewarded with (section 3.4).

    Attributes:
        token: The token; a secret.
        valid_until: Unix time; None where the Miniserver does not say, which is no reason to refuse
            a token that it has filed already.
    """

    token: str = field(repr=False)
    valid_until: float | None


@frozen
class ErrorPage:
    """An HTML page in place of an answer (section 1.6).

    Attributes:
        code: The HTTP status that it repeats.
        remaining: Seconds until a temporary block ends, where it is one.
    """

    code: int
    remaining: int | None = None


def decode_json(payload: str | bytes) -> Json:
    """Decode JSON leniently: bare control characters in strings, any invalid UTF-8 replaced.

    So is half of a surrogate pair, which JSON can escape and no encoding can carry further.

    Raises:
        ProtocolError: It is not JSON even so.
    """
    text = payload.decode("utf-8", errors="replace") if isinstance(payload, bytes) else payload
    try:
        value: Json = json.loads(text.removeprefix("\ufeff"), strict=False)
        if _SURROGATE_ESCAPE in text.lower():
            value = json.loads(json.dumps(value, ensure_ascii=False).encode(errors="replace"))
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"expected JSON, received {_show(text)}") from error
    return value


def parse_reply(payload: str | bytes) -> Reply:
    """Read an `LL` answer.

    Raises:
        ProtocolError: It is none.
    """
    document = decode_json(payload)
    envelope = document.get("LL") if isinstance(document, dict) else None
    if not isinstance(envelope, dict):
        raise ProtocolError(f"expected an LL answer, received {_show(payload)}")
    code = envelope.get("Code", envelope.get("code"))
    return Reply(
        control=str(envelope.get("control", "")),
        code=_number(code, "the code of an answer"),
        value=envelope.get("value"),
    )


def parse_device(value: Json) -> Device:
    """Read the value of `apiKey`: an object, mostly as text with single quotes (section 1.3).

    Raises:
        ProtocolError: There is no serial number in it.
    """
    if isinstance(value, str):
        value = decode_json(value.replace("'", '"'))
    if not isinstance(value, dict) or not isinstance(value.get("snr"), str):
        raise ProtocolError("the Miniserver does not tell its serial number")
    return Device(
        serial=str(value["snr"]).replace(":", "").upper(),
        firmware=parse_firmware(value.get("version")),
    )


def parse_firmware(value: Json) -> tuple[int, ...]:
    """Read a firmware version; `()` for one that is no row of numbers."""
    if isinstance(value, str) and _FIRMWARE.fullmatch(value.strip()):
        return tuple(map(int, value.strip().split(".")))
    return ()


def parse_hash_parameters(value: Json) -> HashParameters:
    """Read the value of `getkey2` (section 3.3).

    Raises:
        ProtocolError: Key or salt is missing, or the algorithm is one that nobody knows.
    """
    if not isinstance(value, dict):
        raise ProtocolError("the answer to getkey2 is no object")
    key, salt = value.get("key"), value.get("salt")
    if not (isinstance(key, str) and isinstance(salt, str)):
        raise ProtocolError("the answer to getkey2 lacks key or salt")
    name = str(value.get("hashAlg", "SHA1"))
    algorithm = _HASH_ALGORITHMS.get(name.upper().replace("-", ""))
    if algorithm is None:
        raise ProtocolError(f"the Miniserver asks for the unknown hash algorithm {_show(name)}")
    return HashParameters(key, salt, algorithm)


def parse_token(value: Json) -> Token:
    """Read the value of `getjwt` or `gettoken`.

    Raises:
        ProtocolError: There is no token in it.
    """
    if not isinstance(value, dict) or not isinstance(value.get("token"), str):
        raise ProtocolError("the answer to the login holds no token")
    try:
        end = _number(value.get("validUntil"), "the end of a token's validity")
    except ProtocolError:
        return Token(str(value["token"]), None)
    return Token(str(value["token"]), float(end + LOXONE_EPOCH))


def parse_error_page(body: bytes) -> ErrorPage | None:
    """Read the HTML page that answers an HTTP request in vain; None for anything else."""
    text = body.decode("utf-8", errors="replace")
    code = _ERROR_CODE.search(text)
    if code is None:
        return None
    remaining = _REMAINING.search(text)
    return ErrorPage(int(code[1]), int(remaining[1]) if remaining else None)


def _number(value: Json, what: str) -> int:
    # Numbers come as numbers or as text; a bool is an int to Python, and none to a Miniserver.
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ProtocolError(f"{what} is missing")
    try:
        return int(float(value))
    except (ValueError, OverflowError) as error:
        raise ProtocolError(f"{what} is no number: {_show(str(value))}") from error


def _show(payload: str | bytes) -> str:
    text = payload.decode("utf-8", errors="replace") if isinstance(payload, bytes) else payload
    return repr(text if len(text) <= _TEXT_SHOWN else text[:_TEXT_SHOWN] + "…")
