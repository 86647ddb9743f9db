"""Checks of single values: each takes what TOML gave and returns what the model holds.

A check raises ValueError; its text says what is expected and what was found instead, without the
place, which only the caller knows. Nothing is coerced: the text "80" is no number, and "no" is not
false.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from loxone_exporter.config.addresses import parse_host
from loxone_exporter.config.durations import describe_durations, parse_duration


_Value = TypeVar("_Value")

_EXPECTED: dict[type, str] = {
    str: "text in quotes",
    bool: "true or false",
    int: "a whole number",
    float: "a number with a decimal point",
}
_KINDS: dict[type, str] = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "an array",
    dict: "a table",
}
_SHOWN_LENGTH = 60
_SHOWN_NUMBER = 10**20
_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def describe_kind(value: object) -> str:
    """What kind of TOML value this is, without showing it."""
    return _KINDS.get(type(value), "a date or time")


def describe(value: object) -> str:
    """A TOML value in an error text; never for what may be a secret."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            shown = value if len(value) <= _SHOWN_LENGTH else f"{value[:_SHOWN_LENGTH]}…"
            return f"the text {shown!r}"
        case int() | float() if not abs(value) > _SHOWN_NUMBER:
            return f"the number {value}"
        case _:
            return describe_kind(value)


def exactly(value: object, kind: type[_Value]) -> _Value:
    """The value, if it is of this very type; a bool is no int."""
    if type(value) is not kind:
        raise ValueError(f"expected {_EXPECTED[kind]}, found {describe(value)}")
    return value


def whole_number(minimum: int, maximum: int) -> Callable[[object], int]:
    """A check for a whole number within bounds, both included."""

    def check(value: object) -> int:
        if type(value) is not int or not minimum <= value <= maximum:
            raise ValueError(
                f"expected a whole number from {minimum} to {maximum}, found {describe(value)}"
            )
        return value

    return check


def duration(*, never: bool = False) -> Callable[[object], float]:
    """A check for a duration, in seconds; with `never`, that word is allowed and is infinite."""

    def check(value: object) -> float:
        if type(value) is not str:
            expected = describe_durations(never=never)
            raise ValueError(f"expected {expected}; found {describe(value)}")
        try:
            return parse_duration(value, never=never)
        except ValueError as error:
            raise ValueError(f"{error}; found {describe(value)}") from None

    return check


def one_line(value: object) -> str:
    """A text that is not blank and has no line breaks or other control characters."""
    text = line_or_none(value)
    if not text.strip():
        raise ValueError("expected text, found an empty one")
    return text


def line_or_none(value: object) -> str:
    """A text that has no line breaks or other control characters, or an empty one."""
    text = exactly(value, str)
    if has_control_character(text):
        raise ValueError("expected text without line breaks and other control characters")
    return text


def host(value: object) -> str:
    """A name or an address, without brackets."""
    return parse_host(exactly(value, str))


def has_control_character(text: str) -> bool:
    """Whether a text holds a line break, a tab or another control character."""
    return _CONTROL_CHARACTER.search(text) is not None
