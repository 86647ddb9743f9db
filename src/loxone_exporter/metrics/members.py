"""Which of a state's names hold, by the number or text that a Miniserver sent."""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from attrs import frozen

from loxone_exporter.loxone.uuids import StateUuid
from loxone_exporter.metrics.catalog import Members
from loxone_exporter.state import States


_MAX_NAMES = 256
_MAX_NAME = 128
"""Names become labels, a series each; real lists have some ten of some twenty characters."""

_BETWEEN: Final = " \t\r\n,"


@frozen
class Reading:
    """What a Miniserver said of a state whose codes or bits have names.

    Attributes:
        keys: All names, in the order of their codes.
        holding: Those that hold: one of a code, any number of a set of bits.
        is_known: Whether all that was said has a name. Of a code without one, nothing holds.
    """

    keys: tuple[str, ...]
    holding: frozenset[str]
    is_known: bool


def read_members(
    members: Members, uuid: StateUuid, states: States, names: str | None
) -> Reading | None:
    """What holds of a state; None where the Miniserver has not told, or not in which words.

    Args:
        members: The names that the state has.
        uuid: Where its number or text is found.
        states: What the Miniserver sent.
        names: The text that lists further names, if there is one.
    """
    number = _lock(states.texts.get(uuid)) if members.is_lock else states.values.get(uuid)
    if number is None:
        return None
    keys = members.keys
    if members.names is not None and members.names.text:
        if names is None:
            return None
        keys = with_names(keys, read_names(names))
    if not keys:
        return None
    if members.packed and number.is_integer() and int(number) & members.packed:
        number = float(members.packed)
    codes, is_known = _holding(keys, number, is_bits=members.is_bits)
    holding = frozenset(keys[code] for code in codes)
    return Reading(tuple(dict.fromkeys(keys.values())), holding, is_known)


def _holding(
    keys: Mapping[int, str], value: float, *, is_bits: bool
) -> tuple[Collection[int], bool]:
    """The codes or bits that hold, and whether there is none without a name."""
    if not value.is_integer():
        return (), False
    number = int(value)
    if number in keys:
        return (number,), True
    bits = [bit for bit in keys if is_bits and bit > 0 and number & bit]
    return bits, is_bits and number == sum(bits)


def _lock(text: str | None) -> float | None:
    """Who keeps a control from being operated, as a code (control catalog, common states)."""
    if not text:
        return None if text is None else 0.0
    try:
        document = json.loads(text)
    except ValueError:
        return None
    locked = document.get("locked") if isinstance(document, dict) else None
    return float(locked) if isinstance(locked, int) else None


@functools.lru_cache(maxsize=1024)  # parsed when it changes, not at each scrape
def read_names(text: str) -> Mapping[int, str]:
    """Names by code, from a text that lists objects with `id` and `name`.

    What follows the place where the text was cut off, or makes no sense, is passed over.
    """
    return dict(_listed(text.strip()))


def _listed(text: str) -> Iterator[tuple[int, str]]:
    decoder, place = json.JSONDecoder(), 1
    for _ in range(_MAX_NAMES if text.startswith("[") else 0):
        try:
            item, place = decoder.raw_decode(text, place)
        except ValueError:
            return
        code, name = (item.get("id"), item.get("name")) if isinstance(item, dict) else (None, None)
        if isinstance(code, int) and isinstance(name, str) and name:
            yield code, name[:_MAX_NAME]
        while place < len(text) and text[place] in _BETWEEN:
            place += 1


def with_names(keys: Mapping[int, str], names: Mapping[int, str]) -> Mapping[int, str]:
    """Keys by code, with names that an owner gave; no two codes share one of those.

    Args:
        keys: Those that are known beforehand.
        names: The owner's, by code; they have precedence.
    """
    merged = {code: key for code, key in keys.items() if code not in names}
    taken = set(merged.values())
    given = Counter(names.values())
    for code, name in sorted(names.items()):
        key = name if given[name] == 1 else f"{name} ({code})"
        while key in taken:
            key = f"{key} ({code})"
        taken.add(key)
        merged[code] = key
    return merged
