"""DER, the encoding of keys and certificates (X.690), as far as those of a Miniserver need it.

A reader of our own, for what is read comes from whoever answers, before anybody is known to be a
Miniserver: the libraries' readers take minutes for a number of some hundred kilobytes.
"""

from __future__ import annotations

from typing import Final

from attrs import field, frozen

from loxone_exporter.errors import ProtocolError


INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30

_LONG_LENGTH = 0x80
_LENGTH_DIGITS = range(1, 5)
_HIGH_TAG = 0x1F


@frozen
class Element:
    """One element.

    Attributes:
        tag: What it is: one of the numbers above, or another one.
        content: Its bytes, which are elements in turn where the element is a `SEQUENCE`.
    """

    tag: int
    content: bytes = field(repr=False)

    def parts(self) -> list[Element]:
        """The elements that this one consists of.

        Raises:
            ProtocolError: It does not consist of elements.
        """
        found = []
        offset = 0
        while offset < len(self.content):
            element, offset = _read_at(self.content, offset)
            found.append(element)
        return found

    def number(self) -> int:
        """The number that an `INTEGER` is."""
        return int.from_bytes(self.content, "big", signed=True)


def read_element(data: bytes) -> Element:
    """Read one element, with nothing behind it.

    Raises:
        ProtocolError: This is no element.
    """
    element, end = _read_at(data, 0)
    if end != len(data):
        raise ProtocolError(f"{len(data) - end} bytes too many behind a DER element")
    return element


def _read_at(data: bytes, offset: int) -> tuple[Element, int]:
    """The element that begins there, and where it ends."""
    try:
        tag, length = data[offset], data[offset + 1]
    except IndexError as error:
        raise ProtocolError("a DER element is cut off") from error
    start = offset + 2
    if tag & _HIGH_TAG == _HIGH_TAG:
        raise ProtocolError(f"a DER element with the unknown tag {tag:#x}")
    if length >= _LONG_LENGTH:
        digits = length - _LONG_LENGTH
        if digits not in _LENGTH_DIGITS:
            raise ProtocolError(f"the length of a DER element has {digits} bytes")
        length = int.from_bytes(data[start : start + digits], "big")
        start += digits
    if start + length > len(data):
        raise ProtocolError("a DER element is cut off")
    return Element(tag, data[start : start + length]), start + length
