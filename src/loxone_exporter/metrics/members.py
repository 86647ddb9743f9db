"""Which of a state's names hold, by the number or text that a Miniserver sent."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from attrs import define, frozen

from loxone_exporter.loxone.codes import read_lock, read_names
from loxone_exporter.loxone.uuids import StateUuid
from loxone_exporter.metrics.catalog import Members
from loxone_exporter.metrics.catalog.codes import OPERATING_MODES
from loxone_exporter.state import States


_MANY: Final = 1000
"""No code is as large."""


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
        if number > 0 and number & self.packed:
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


@define(eq=False, weakref_slot=False)
class NamedSource:
    """Where it is found which names of a state hold.

    Attributes:
        members: The names that are known beforehand.
        names: A text that lists further names; None for nowhere.
    """

    members: Members
    names: StateUuid | None
    _wording: Wording
    _listed: str | None = None

    @classmethod
    def of(cls, members: Members, names: StateUuid | None = None) -> NamedSource:
        """Where it is found which of these names hold.

        Args:
            members: The names that are known beforehand.
            names: The state whose text lists further ones, if there is one.
        """
        if members.names is None:
            return _shared_source(members)
        return cls(members, names, Wording.of(members))

    @property
    def keys(self) -> tuple[str, ...]:
        """All names that are known now, in the order of their codes."""
        return self._wording.keys

    def read(self, uuid: StateUuid, states: States) -> Reading | None:
        """What holds; None where the Miniserver has not told, or not in which words.

        Args:
            uuid: The state.
            states: What the Miniserver sent.
        """
        if self.members.is_lock:
            text = states.texts.get(uuid)
            number = None if text is None else _lock(text)
        else:
            number = states.values.get(uuid)
        if number is None or not self._has_words(states):
            return None
        return self._wording.read(number) if self._wording.keys else None

    def _has_words(self, states: States) -> bool:
        """Whether the names are known; a list is read when it has changed, not at each scrape."""
        where = self.members.names
        if where is None or not where.text:
            return True
        listed = states.texts.get(self.names) if self.names else None
        if listed is not None and listed is not self._listed:
            self._listed, self._wording = listed, Wording.of(self.members, listed)
        return listed is not None


@functools.lru_cache(maxsize=256)  # as many as the catalog has; states share them
def _shared_source(members: Members) -> NamedSource:
    return NamedSource(members, None, Wording.of(members))


@functools.lru_cache(maxsize=256)  # nearly all controls say the same
def _lock(text: str) -> float | None:
    code = read_lock(text)
    return None if code is None or abs(code) > _MANY else float(code)


def operating_mode_keys(listed: Iterable[int]) -> Mapping[int, str]:
    """Keys of a house's operating modes: names may repeat, and are in any language.

    Args:
        listed: The modes that its structure file has; those that Loxone has need not be there.
    """
    own = (code for code in listed if code not in OPERATING_MODES)
    return {
        **OPERATING_MODES,
        **{code: f"own_{-code}" if code < 0 else f"mode_{code}" for code in own},
    }


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
