"""How the value of a fault is written on the command line.

Each reader takes the text behind `NAME=` and raises `ValueError`, whose message says what would do.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, Final

from attrs import frozen


DAY: Final = 86400.0


@frozen
class ValueForm:
    """What the value of a fault looks like.

    Attributes:
        placeholder: Stands for it in a list; empty where a fault is only on or off.
        read: Turns the text into the value.
        bare: The value when the name stands alone; None where there has to be a value.
    """

    placeholder: str
    read: Callable[[str], Any]
    bare: Any = None


def _switch(text: str) -> bool:
    states = {"on": True, "off": False}
    if text not in states:
        raise ValueError("it is on or off; leave the value away, or write on or off")
    return states[text]


def _whole_number(text: str, lowest: int, highest: int) -> int:
    if re.fullmatch("[0-9]{1,18}", text) and lowest <= int(text) <= highest:
        return int(text)
    raise ValueError(f"the value must be a whole number from {lowest} to {highest}, not {text!r}")


def _number(text: str, lowest: float, highest: float) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if math.isnan(number):
        raise ValueError(f"the value must be a number, not {text!r}")
    if not lowest <= number <= highest:
        raise ValueError(f"the value must be from {lowest:.10g} to {highest:.10g}, not {text!r}")
    return number


def _hexadecimal(text: str) -> bytes:
    if not re.fullmatch("(?:[0-9A-Fa-f]{2})+", text):
        raise ValueError(f"the value must be bytes in hexadecimal, as 2900ff, not {text!r}")
    return bytes.fromhex(text)


def _url(text: str) -> str:
    if not re.fullmatch("https?://[^/]+(/.*)?", text):
        raise ValueError(f"the value must be a URL with http or https, not {text!r}")
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise ValueError(f"the value must be a URL without blanks and umlauts, not {text!r}")
    return text


def _serial(text: str) -> str:
    if not re.fullmatch("[0-9A-Fa-f]{12}", text):
        raise ValueError(f"the value must be twelve hexadecimal digits, not {text!r}")
    return text.upper()


def _raw_answer(text: str) -> bytes:
    return text.encode()


def choice(*choices: str) -> ValueForm:
    """One of some words."""

    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(f"the value must be one of {', '.join(choices)}, not {text!r}")
        return text

    return ValueForm("|".join(choices), read)


def whole_number(
    placeholder: str, *, lowest: int = 0, highest: int = 10**9, bare: int | None = None
) -> ValueForm:
    """A whole number within limits."""
    return ValueForm(placeholder, lambda text: _whole_number(text, lowest, highest), bare)


def number(
    placeholder: str, *, lowest: float, highest: float, bare: float | None = None
) -> ValueForm:
    """A number within limits, whole or not."""
    return ValueForm(placeholder, lambda text: _number(text, lowest, highest), bare)


def seconds(*, lowest: float = 0.1, bare: float | None = None) -> ValueForm:
    """A time: up to a day."""
    return number("SECONDS", lowest=lowest, highest=DAY, bare=bare)


SWITCH: Final = ValueForm("", _switch, bare=True)
HEXADECIMAL: Final = ValueForm("HEX", _hexadecimal)
RAW: Final = ValueForm("TEXT", _raw_answer)
URL: Final = ValueForm("URL", _url)
SERIAL: Final = ValueForm("SERIAL", _serial, bare="504F94FFFFFF")
