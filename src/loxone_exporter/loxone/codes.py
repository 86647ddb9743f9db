"""Names that an owner gave to codes: moods, outputs, modes, kinds of weather.

They come as an object with the codes as keys, or as a list of objects with `id` and `name`; in the
structure file, or as JSON in the text of a state. Whatever makes no sense is passed over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Final

from loxone_exporter.errors import ProtocolError
from loxone_exporter.loxone.decoding import Json, decode_json


_MAX_NAMES: Final = 256
_MAX_NAME: Final = 128
"""Names become labels, a series each; real lists have some ten of some twenty characters."""

_CODE: Final = re.compile(r"-?[1-9]\d{0,5}|0", re.ASCII)
_BETWEEN: Final = " \t\r\n,"


def cut_name(name: str) -> str:
    """A name, no longer than a label should be."""
    return name[:_MAX_NAME]


def parse_names(value: Json) -> dict[int, str]:
    """Names by code, from what a structure file has."""
    if isinstance(value, list):
        pairs = ((item.get("id"), item.get("name")) for item in value if isinstance(item, dict))
        return dict(_named(pairs))
    return dict(_named(value.items())) if isinstance(value, dict) else {}


def read_names(text: str) -> Mapping[int, str]:
    """Names by code, from the text of a state, that may have been cut off."""
    text = text.strip()
    try:
        return parse_names(decode_json(text))
    except ProtocolError:
        return parse_names(list(_whole_items(text)))


def read_lock(text: str) -> int | None:
    """Who keeps a control from being operated, as a code (control catalog, common states).

    Returns:
        The code; None where the text does not say it.
    """
    if not text:
        return 0
    try:
        document = decode_json(text)
    except ProtocolError:
        return None
    locked = document.get("locked") if isinstance(document, dict) else None
    return locked if type(locked) is int else None


def _named(pairs: Iterable[tuple[Json, Json]]) -> Iterator[tuple[int, str]]:
    for code, item in islice(pairs, _MAX_NAMES):
        name = item.get("name") if isinstance(item, dict) else item
        if (
            type(code) in {int, str}
            and _CODE.fullmatch(str(code))
            and isinstance(name, str)
            and name
        ):
            yield int(str(code)), cut_name(name)


def _whole_items(text: str) -> Iterator[Json]:
    """The items of a list that has lost its end."""
    decoder, place = json.JSONDecoder(strict=False), 1
    for _ in range(_MAX_NAMES if text.startswith("[") else 0):
        while place < len(text) and text[place] in _BETWEEN:
            place += 1
        try:
            _, end = decoder.raw_decode(text, place)
            yield decode_json(text[place:end])
        except (ValueError, RecursionError, ProtocolError):
            return
        place = end
