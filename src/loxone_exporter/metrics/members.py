"""Which of a state's names hold, by the number or text that a Miniserver sent."""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from attrs import frozen

from loxone_exporter.loxone.uuids import StateUuid
from loxone_exporter.metrics.catalog import Members
from loxone_exporter.metrics.catalog.codes import OPERATING_MODES
from loxone_exporter.state import States


_MAX_NAMES = 256
_MAX_NAME = 128
"""Names become labels, a series each; real lists have some ten of some twenty characters."""

_MANY: Final = 1000
"""No code is as large."""

_BETWEEN: Final = " \t\r\n,"


@frozen
class Wording:
    """The names of a state, made ready for many scrapes.

    Attributes:
        keys: Each of them once, in the order of their codes.
        places: Where in `keys` that of a code is, or that of a bit by its value.
        is_bits: Whether several may hold at once.
        packed: A bit that tells that the number is no code; 0 where there is none.
    """

    keys: tuple[str, ...]
    places: Mapping[int, int]
    is_bits: bool
    packed: int

    @classmethod
    def of(cls, members: Members, names: str | None = None) -> Wording:
        """The names of a state.

        Args:
            members: Those that are known beforehand.
            names: The text that lists further ones, if there is one.
        """
        keys = members.keys if names is None else with_names(members.keys, read_names(names))
        distinct = tuple(dict.fromkeys(keys.values()))
        places = {key: place for place, key in enumerate(distinct)}
        return cls(
            distinct,
            {code: places[key] for code, key in keys.items()},
            members.is_bits,
            members.packed,
        )

    def read(self, value: float) -> Reading:
        """What holds, by a number as the Miniserver sends it."""
        number = int(value)
        if number != value:
            return Reading(self.keys, (), is_known=False)
        if number & self.packed:
            number = self.packed
        place = self.places.get(number)
        if place is not None:
            return Reading(self.keys, (place,), is_known=True)
        if not self.is_bits or number < 0:
            return Reading(self.keys, (), is_known=False)
        bits = [bit for bit in self.places if number & bit]
        holding = tuple(self.places[bit] for bit in bits)
        return Reading(self.keys, holding, is_known=number == sum(bits))


class Reading(NamedTuple):
    """What a Miniserver said of a state whose codes or bits have names.

    Attributes:
        keys: All names, in the order of their codes.
        holding: The places in `keys` of those that hold: one of a code, any number of a set of
            bits.
        is_known: Whether all that was said has a name. Of a code without one, nothing holds.
    """

    keys: tuple[str, ...]
    holding: tuple[int, ...]
    is_known: bool

    @property
    def names(self) -> list[str]:
        """Those that hold."""
        return [self.keys[place] for place in self.holding]


@frozen
class NamedSource:
    """Where it is found which names of a state hold; states of the same names share it.

    Attributes:
        names: A text that lists further names; None for nowhere.
        members: The names that are known beforehand.
        wording: They alone, made ready; None where there are to be further ones.
    """

    names: StateUuid | None
    members: Members
    wording: Wording | None

    def read(self, uuid: StateUuid, states: States) -> Reading | None:
        """What holds; None where the Miniserver has not told, or not in which words.

        Args:
            uuid: The state.
            states: What the Miniserver sent.
        """
        is_lock = self.members.is_lock
        number = _lock(states.texts.get(uuid)) if is_lock else states.values.get(uuid)
        wording = self.wording
        if number is None:
            return None
        if wording is None:
            names = states.texts.get(self.names) if self.names else None
            if names is None:
                return None
            wording = _wording(self.members, names)
        return wording.read(number) if wording.keys else None


@functools.lru_cache(maxsize=1024)
def named_source(members: Members, names: StateUuid | None = None) -> NamedSource:
    """Where it is found which of these names hold.

    Args:
        members: The names that are known beforehand.
        names: The state whose text lists further ones, if there is one.
    """
    is_open = members.names is not None and members.names.text != ""
    return NamedSource(names, members, None if is_open else _wording(members))


@functools.lru_cache(maxsize=1024)  # a list of names is parsed when it changes, not at each scrape
def _wording(members: Members, names: str | None = None) -> Wording:
    return Wording.of(members, names)


@functools.lru_cache(maxsize=256)  # nearly all controls say the same
def _lock(text: str | None) -> float | None:
    """Who keeps a control from being operated, as a code (control catalog, common states)."""
    if not text:
        return None if text is None else 0.0
    try:
        document = json.loads(text)
    except ValueError:
        return None
    locked = document.get("locked") if isinstance(document, dict) else None
    return float(locked) if isinstance(locked, int) and abs(locked) < _MANY else None


def operating_mode_keys(listed: Iterable[int]) -> Mapping[int, str]:
    """Keys of a house's operating modes: names may repeat, and are in any language.

    Args:
        listed: The modes that its structure file has; empty for those of every house.
    """
    codes = list(listed) or range(10)
    return {
        code: OPERATING_MODES.get(code) or (f"own_{-code}" if code < 0 else f"mode_{code}")
        for code in codes
    }


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
