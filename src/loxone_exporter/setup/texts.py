"""Texts from a command line or a terminal, before anything is made of them."""

from __future__ import annotations


def clean(text: str) -> str:
    """The text, if it can be written into a file.

    Raises:
        ValueError: It holds bytes that are no UTF-8.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("this is no UTF-8 text") from None
    return text
