"""What a Miniserver answers to commands (protocol reference, sections 1.1-1.6, 3.3-3.4).

Keys come in either case, numbers as text, objects as text with single quotes. Whatever the shape,
each function returns values or raises `ProtocolError`, and nothing else.
"""

from __future__ import annotations

import contextlib
import re
from collections import deque
from typing import Final

from attrs import field, frozen

from loxone_exporter.errors import ProtocolError
from loxone_exporter.loxone.crypto import HashAlgorithm, HashParameters
from loxone_exporter.loxone.decoding import Json, decode_json, decode_text, show


LOXONE_EPOCH: Final = 1_230_768_000
"""2009-01-01 00:00 UTC in Unix time: where the Miniserver's clocks start (section 8.5)."""

OK: Final = 200

_ERROR_CODE = re.compile(r"<errorcode>\s*(\d{3})\s*</errorcode>", re.IGNORECASE)
_REMAINING = re.compile(r"<remaining>\s*(\d{1,9})\s*</remaining>", re.IGNORECASE)
_FIRMWARE = re.compile(r"\d{1,9}(\.\d{1,9}){0,7}")
_HASH_ALGORITHMS: Final[dict[str, HashAlgorithm]] = {"SHA1": "SHA1", "SHA256": "SHA256"}
_SERIAL = re.compile(r"[0-9A-F]{12}")
CLOUD_DOMAINS: Final = ("com", "cn")
"""The top-level domains of the vendor's cloud; there are no others to be believed."""

_ENVELOPE = re.compile(r'\s*\{\s*"LL"\s*:\s*\{')
_VALUE = re.compile(r'(?:^|,)\s*"value"\s*:\s*"')
_END_OF_VALUE = re.compile(r'"\s*(?:,|\Z)')
_ENDS_TRIED = 64
_UNESCAPED_CODE = re.compile(r"\d{1,9}")
_MAX_UNESCAPED = 2**16
_OPENING = 24


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

    @property
    def text(self) -> str | None:
        """The value, where all went well and it is a text."""
        return self.value if self.code == OK and isinstance(self.value, str) else None


@frozen
class Device:
    """Who answers: the value of `api` or `apiKey` (section 1.3).

    Attributes:
        serial: Twelve hexadecimal digits, upper case.
        firmware: Four numbers; `()` where the Miniserver does not say.
        https_status: What it says of TLS, in `apiKey` only: nothing where it has none, 1 where it
            is ready, 2 where its certificate has expired.
        has_event_slots: Whether one more client can be sent events, in `api` only; None where it
            does not say.
        cloud_domain: The top-level domain of its name in the vendor's cloud: `com` or `cn`. No
            other is believed, for this is told before anybody has shown to be a Miniserver, and
            certificates are verified by that name.
    """

    serial: str
    firmware: tuple[int, ...]
    https_status: int | None = None
    has_event_slots: bool | None = None
    cloud_domain: str = "com"


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


def parse_reply(payload: str | bytes) -> Reply:
    """Read an `LL` answer.

    Raises:
        ProtocolError: It is none.
    """
    try:
        document = decode_json(payload)
    except ProtocolError:
        reply = _parse_unescaped(payload)
        if reply is None:
            raise
        return reply
    envelope = document.get("LL") if isinstance(document, dict) else None
    if not isinstance(envelope, dict):
        raise ProtocolError(f"expected an LL answer, received {show(payload)}")
    code = envelope.get("Code", envelope.get("code"))
    return Reply(
        control=_text(envelope.get("control")),
        code=_number(code, "the code of an answer"),
        value=envelope.get("value"),
    )


def begins_as_reply(payload: str | bytes) -> bool:
    """Whether something begins as an `LL` answer does, and not as another JSON document."""
    return '"LL"' in decode_text(payload[:_OPENING])


def _parse_unescaped(payload: str | bytes) -> Reply | None:
    """Read an answer of old firmware, which does not escape quotes within its value (section 9).

    The value ends where what follows is the other members, or nothing; the members are in any
    order, and those that nobody knows may be among them.
    """
    if len(payload) > _MAX_UNESCAPED:
        return None
    text = decode_text(payload).rstrip()
    envelope = _ENVELOPE.match(text)
    inner_end = text[:-1].rstrip()
    if envelope is None or text[-1:] != "}" or inner_end[-1:] != "}":
        return None
    body = inner_end[envelope.end() : -1]
    start = _VALUE.search(body)
    if start is None:
        return None
    before, rest = body[: start.start()], body[start.end() :]
    # Quotes are cheap, and each attempt is not: only the last ones can be the end.
    for end in deque(_END_OF_VALUE.finditer(rest), maxlen=_ENDS_TRIED):
        with contextlib.suppress(ProtocolError):
            members = {**_members(before), **_members(rest[end.end() :])}
            code = str(members.get("Code", members.get("code")))
            if _UNESCAPED_CODE.fullmatch(code):
                return Reply(_text(members.get("control")), int(code), rest[: end.start()])
    return None


def _members(text: str) -> dict[str, Json]:
    """The members of an object, without its braces."""
    return _object(decode_json(f"{{{text}}}"), "an object")


def parse_device(value: Json) -> Device:
    """Read the value of `api` or `apiKey`: an object, mostly as text with single quotes.

    Raises:
        ProtocolError: There is no serial number in it.
    """
    device = _object(value, "what the Miniserver says of itself")
    serial = re.sub("[:-]", "", _text(device.get("snr"))).upper()
    if not _SERIAL.fullmatch(serial):
        raise ProtocolError("the Miniserver does not tell its serial number")
    slots, domain = device.get("hasEventSlots"), _text(device.get("certTLD")).lower()
    return Device(
        serial=serial,
        firmware=parse_firmware(device.get("version")),
        https_status=_number_or_none(device.get("httpsStatus")),
        has_event_slots=slots if isinstance(slots, bool) else None,
        cloud_domain=domain if domain in CLOUD_DOMAINS else "com",
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
    parameters = _object(value, "the answer to getkey2")
    key, salt = parameters.get("key"), parameters.get("salt")
    if not (isinstance(key, str) and isinstance(salt, str)):
        raise ProtocolError("the answer to getkey2 lacks key or salt")
    name = parameters.get("hashAlg", "SHA1")
    algorithm = _HASH_ALGORITHMS.get(_text(name).upper().replace("-", ""))
    if algorithm is None:
        raise ProtocolError(
            f"the Miniserver asks for the unknown hash algorithm {show(_text(name))}"
        )
    return HashParameters(key, salt, algorithm)


def parse_token(value: Json) -> Token:
    """Read the value of `getjwt`, `gettoken` or `refreshjwt`.

    Raises:
        ProtocolError: There is no token in it.
    """
    answer = _object(value, "the answer to the login")
    token = _text(answer.get("token"))
    if not token:
        raise ProtocolError("the answer to the login holds no token")
    return Token(token, parse_validity(answer))


def parse_validity(value: Json) -> float | None:
    """Read until when a token is valid, in Unix time; None where the Miniserver does not say."""
    try:
        answer = _object(value, "the validity of a token")
    except ProtocolError:
        return None
    end = _number_or_none(answer.get("validUntil"))
    return None if end is None else float(end + LOXONE_EPOCH)


def parse_error_page(body: bytes) -> ErrorPage | None:
    """Read the HTML page that answers an HTTP request in vain; None for anything else."""
    text = decode_text(body)
    code = _ERROR_CODE.search(text)
    if code is None:
        return None
    remaining = _REMAINING.search(text)
    return ErrorPage(int(code[1]), int(remaining[1]) if remaining else None)


def _object(value: Json, what: str) -> dict[str, Json]:
    """An object, which may come as JSON within text, with single quotes even (section 9)."""
    if isinstance(value, str):
        value = _decode_inner(value)
    if not isinstance(value, dict):
        raise ProtocolError(f"{what} is no object")
    return value


def _decode_inner(text: str) -> Json:
    for spelling in (text, text.replace("'", '"')):
        with contextlib.suppress(ProtocolError):
            return decode_json(spelling)
    return None


def _number_or_none(value: Json) -> int | None:
    try:
        return _number(value, "a number")
    except ProtocolError:
        return None


def _number(value: Json, what: str) -> int:
    # Numbers come as numbers or as text; a bool is an int to Python, and none to a Miniserver.
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ProtocolError(f"{what} is missing")
    try:
        return int(float(value))
    except (ValueError, OverflowError) as error:
        raise ProtocolError(f"{what} is no number") from error


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""
