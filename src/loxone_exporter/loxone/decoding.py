"""JSON as Miniservers write it, read leniently; what is large, in steps."""

from __future__ import annotations

import json
import re
from typing import Final, TypeAlias

from attrs import define

from loxone_exporter.errors import ProtocolError
from loxone_exporter.steps import Steps


Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

_MAX_PARTS = 500_000
"""A large house has some 50,000; each costs a hundred bytes and more, and time."""

_TEXT_SHOWN = 24
"""Enough to tell what it is. Further on there may be a token, which is not for logs."""

_SURROGATE_ESCAPES = ("\\ud", "\\uD")
_LONGEST_ESCAPE = max(map(len, _SURROGATE_ESCAPES)) - 1
"""Characters of one that may be behind the end of a piece."""

_LARGE: Final = 2**19
"""Characters from which on JSON is read in steps. What is smaller takes some milliseconds, and less
memory at once, in which keys are there only once."""

_STEP: Final = 2**17
"""Characters after which there is a pause: a millisecond or two."""

_SCANNED: Final = 2**20
"""Characters that are looked through without a pause."""

_DEPTH: Final = 2
"""Levels of objects whose members are read one by one: those of a structure file, and its controls,
rooms and categories."""

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder(strict=False)


def decode_json(payload: str | bytes) -> Json:
    """Decode JSON leniently: bare control characters in strings, any invalid UTF-8 replaced.

    So is half of a surrogate pair, which JSON can escape and no encoding can carry further.

    Raises:
        ProtocolError: It is not JSON even so.
    """
    text = decode_text(payload)
    if text.count("[") + text.count("{") > _MAX_PARTS or text.count(",") > 4 * _MAX_PARTS:
        raise _too_many_parts()
    try:
        value: Json = _DECODER.decode(text.removeprefix("\ufeff"))
        if _has_surrogates(text):
            value = _without_surrogates(value)
    except (ValueError, RecursionError) as error:
        raise _no_json(text) from error
    return value


def decode_json_in_steps(payload: str | bytes) -> Steps[Json]:
    """Likewise, in steps of a few milliseconds, if it is an object of many members.

    Python's own decoder has no pause, not even in a thread: it keeps all others waiting.

    Raises:
        ProtocolError: As above.
    """
    if len(payload) <= _LARGE:
        return decode_json(payload)
    text = decode_text(payload)
    parts, members, has_surrogates = 0, 0, False
    for start in range(0, len(text), _SCANNED):
        yield
        piece = text[start : start + _SCANNED + _LONGEST_ESCAPE]
        has_surrogates = has_surrogates or _has_surrogates(piece)
        piece = piece[:_SCANNED]
        parts += piece.count("[") + piece.count("{")
        members += piece.count(",")
    if parts > _MAX_PARTS or members > 4 * _MAX_PARTS:
        raise _too_many_parts()
    reader = _Reader(text.removeprefix("\ufeff"), has_surrogates=has_surrogates)
    yield
    try:
        return (yield from reader.read_whole())
    except (ValueError, RecursionError) as error:
        raise _no_json(text) from error


def decode_text(payload: str | bytes) -> str:
    """The payload as text; invalid UTF-8 is replaced."""
    return payload.decode("utf-8", errors="replace") if isinstance(payload, bytes) else payload


def show(payload: str | bytes) -> str:
    """The beginning of a payload, for an error."""
    # One character has four bytes at most.
    text = decode_text(payload[: 4 * _TEXT_SHOWN + 4])
    return repr(text if len(text) <= _TEXT_SHOWN else text[:_TEXT_SHOWN] + "…")


@define
class _Reader:
    """Reads an object member by member, and whatever else at once.

    All of its methods raise ValueError or RecursionError where the text is no JSON.

    Attributes:
        text: The JSON.
        has_surrogates: Whether halves of surrogate pairs may be in it.
    """

    text: str
    has_surrogates: bool
    _at: int = 0
    _paused_at: int = 0

    def read_whole(self) -> Steps[Json]:
        """The value of all of the text."""
        value = yield from self._read(_DEPTH)
        self._skip_space()
        if self._at < len(self.text):
            raise ValueError("extra data")
        return value

    def _read(self, depth: int) -> Steps[Json]:
        """The value that is next.

        Args:
            depth: How many levels of objects are read member by member.
        """
        self._skip_space()
        if depth > 0 and self.text.startswith("{", self._at):
            return (yield from self._read_members(depth - 1))
        value: Json
        value, self._at = _DECODER.raw_decode(self.text, self._at)
        if self.has_surrogates:
            value = _without_surrogates(value)
        if self._at - self._paused_at > _STEP:
            self._paused_at = self._at
            yield
        return value

    def _read_members(self, depth: int) -> Steps[Json]:
        members: dict[str, Json] = {}
        self._at += 1
        self._skip_space()
        if self._passes("}"):
            return members
        while True:
            key = yield from self._read(0)
            if not isinstance(key, str) or not self._passes(":"):
                raise ValueError("expected a key")
            members[key] = yield from self._read(depth)
            if self._passes("}"):
                return members
            if not self._passes(","):
                raise ValueError("expected a comma")

    def _passes(self, sign: str) -> bool:
        """Go on behind a sign, if it is next."""
        self._skip_space()
        is_next = self.text.startswith(sign, self._at)
        self._at += is_next
        return is_next

    def _skip_space(self) -> None:
        space = _SPACE.match(self.text, self._at)
        self._at = space.end() if space else self._at


def _has_surrogates(text: str) -> bool:
    return any(escape in text for escape in _SURROGATE_ESCAPES)


def _without_surrogates(value: Json) -> Json:
    text = json.dumps(value, ensure_ascii=False).encode(errors="replace")
    cleaned: Json = json.loads(text)
    return cleaned


def _too_many_parts() -> ProtocolError:
    return ProtocolError(f"JSON of more than {_MAX_PARTS} objects and arrays, or their members")


def _no_json(text: str) -> ProtocolError:
    return ProtocolError(f"expected JSON, received {show(text)}")
