"""HTML that is written by functions, and escaped in one place.

What is no `Markup` is text, whatever it looks like, and `element` escapes it.
"""

from __future__ import annotations

import html
from collections.abc import Generator, Iterator
from typing import TypeAlias, TypeVar


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


_Result = TypeVar("_Result")

Attribute: TypeAlias = str | int | bool

Pieces: TypeAlias = Iterator[Markup | None]
"""What is written, each piece within a few milliseconds; None is a pause before there is more."""

Work: TypeAlias = Generator[Markup | None, None, _Result]
"""Likewise, with a result."""


def escape(text: str) -> Markup:
    """Text as HTML; what is HTML already stays as it is."""
    return text if isinstance(text, Markup) else Markup(html.escape(text))


def start(name: str, /, **attributes: Attribute) -> Markup:
    """A start tag; alone, one of an element that has no content.

    Args:
        name: The element's.
        attributes: By their names, with `_` for `-`, and one behind it where Python knows the word.
            True is an attribute without a value, False is none.
    """
    written = []
    for key, value in attributes.items():
        if value is not False:
            attribute = key.rstrip("_").replace("_", "-")
            quoted = "" if value is True else f'="{html.escape(str(value))}"'
            written.append(f" {attribute}{quoted}")
    return Markup(f"<{name}{''.join(written)}>")


def end(name: str) -> Markup:
    """An end tag."""
    return Markup(f"</{name}>")


def element(name: str, /, *content: str, **attributes: Attribute) -> Markup:
    """A whole element.

    Args:
        name: Its name.
        content: Texts, and elements.
        attributes: As for `start`.
    """
    inside = "".join(map(escape, content))
    return Markup(f"{start(name, **attributes)}{inside}</{name}>")


def joined(*pieces: str) -> Markup:
    """Texts and elements, one after the other."""
    return Markup("".join(map(escape, pieces)))
