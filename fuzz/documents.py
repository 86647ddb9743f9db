"""Mutations of JSON: types swapped, keys gone, values that nobody reckons with."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any, Final

from attrs import frozen

from fuzz.pages import SCRIPT


_DEEP: Final = "@deep@"
"""Stands for what json cannot write: an array in an array, a hundred thousand times."""
_DEPTH: Final = 100_000
_DEEP_ONES: Final = 3
_LONG: Final = 100_000
_MANY: Final = 3000

_SCALARS: Final[Sequence[Any]] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    200,
    401,
    2**31,
    2**63,
    10**300,
    -(10**30),
    0.5,
    1e308,
    math.nan,
    math.inf,
    "",
    " ",
    "0",
    "-1",
    "200",
    "nan",
    "1e999",
    "x" * 300,
    "\0",
    "\n",
    '"',
    "\\",
    "'",
    "a\r\nb",
    "\ud800",
    "\udfff x \ud83d",
    "🐴",
    "é" * 200,
    "\u202e\u2066",
    "%s %d {0}",
    SCRIPT,
    "<v.1> °C",
    "%.1f kWh",
    "{'snr': '504F94000000', 'version': '1.2.3.4'}",
    '{"key": "AB", "salt": "cd", "hashAlg": "SHA256"}',
    "00000000-0000-0000-0000000000000000",
    "ffffffff-ffff-ffff-ffffffffffffffff",
    "2026-01-01 00:00:00",
    "9999-12-31 23:59:59 +23:59",
    "0001-01-01 00:00:00",
    _DEEP,
)
_EMPTY: Final[Sequence[Any]] = ({}, [], [[]], {"": {}}, {"a": None}, [None], [{}], [0, "1", None])


@frozen
class _Place:
    """A member of an object or array within a document."""

    owner: Any
    key: Any

    @property
    def value(self) -> Any:  # noqa: ANN401  # any JSON
        return self.owner[self.key]

    def put(self, value: Any) -> None:  # noqa: ANN401  # any JSON
        self.owner[self.key] = value


def mutate_document(document: Any, chance: Random, times: int | None = None) -> Any:  # noqa: ANN401  # any JSON
    """Change some places of a document.

    Args:
        document: Any JSON; left as it is.
        chance: Decides everything.
        times: How many places; by default a few.
    """
    box = [json.loads(json.dumps(document))]
    if times is None:
        times = min(1 + int(chance.expovariate(0.7)), 12)
    for _ in range(times):
        places = list(_places(box))
        chance.choice(_CHANGES)(chance.choice(places), places, chance)
    return box[0]


def write_document(document: Any, chance: Random) -> bytes:  # noqa: ANN401  # any JSON
    """Write JSON in one of the ways that there are."""
    text = json.dumps(
        document,
        ensure_ascii=chance.random() < 1 / 2,
        indent=chance.choice((None, None, 1, "\t")),
        separators=chance.choice((None, (",", ":"))),
    )
    text = text.replace(f'"{_DEEP}"', "[" * _DEPTH + "]" * _DEPTH, _DEEP_ONES)
    if chance.random() < 1 / 16:
        text = "\ufeff" + text
    return text.encode("utf-8", errors="surrogatepass")


def _places(box: list[Any]) -> Iterator[_Place]:
    """All places, by order of appearance, but for the list that holds the document itself."""
    left: list[Any] = [box]
    while left:
        owner = left.pop()
        keys = list(owner) if isinstance(owner, dict) else range(len(owner))
        for key in keys:
            yield _Place(owner, key)
            if isinstance(owner[key], dict | list):
                left.append(owner[key])


def _replace(place: _Place, _places: Sequence[_Place], chance: Random) -> None:
    place.put(chance.choice(_SCALARS))


def _empty(place: _Place, _places: Sequence[_Place], chance: Random) -> None:
    place.put(json.loads(json.dumps(chance.choice(_EMPTY))))


def _remove(place: _Place, _places: Sequence[_Place], _chance: Random) -> None:
    if isinstance(place.owner, dict):
        del place.owner[place.key]
    else:
        place.put(None)


def _copy(place: _Place, places: Sequence[_Place], chance: Random) -> None:
    """What stands somewhere else comes here: two controls with one UUID, for instance."""
    value = json.dumps(chance.choice(places).value)
    if len(value) < _LONG:
        place.put(json.loads(value))


def _swap(place: _Place, places: Sequence[_Place], chance: Random) -> None:
    """Two scalars change places."""
    other = chance.choice(places)
    if not isinstance(place.value, dict | list) and not isinstance(other.value, dict | list):
        ours, theirs = place.value, other.value
        place.put(theirs)
        other.put(ours)


def _other_type(place: _Place, _places: Sequence[_Place], chance: Random) -> None:
    value = place.value
    kinds: Sequence[Callable[[], Any]] = (
        lambda: json.dumps(value),
        lambda: [value],
        lambda: {"value": value},
        lambda: str(value),
        lambda: [value] * chance.choice((2, 40)),
        lambda: bool(value),
        lambda: list(value.items()) if isinstance(value, dict) else len(str(value)),
    )
    place.put(chance.choice(kinds)())


def _other_key(place: _Place, places: Sequence[_Place], chance: Random) -> None:
    """A member gets another name, perhaps that of a member of another object."""
    if isinstance(place.owner, dict):
        names = [str(other.key) for other in chance.choices(places, k=3)]
        key = chance.choice((*names, "", place.key.upper(), f"{place.key}[0]", "\ud800", "x" * 300))
        place.owner[key] = place.owner.pop(place.key)


def _edit_text(place: _Place, _places: Sequence[_Place], chance: Random) -> None:
    if not isinstance(place.value, str):
        _replace(place, _places, chance)
        return
    text, at = place.value, chance.randint(0, len(place.value))
    odd = chance.choice(("", "\0", '"', "\\", "\n", "\ud800", "/", "[0]", "{", "🐴", "(1)", " "))
    place.put(text[:at] + odd + text[at + chance.randint(0, 2) :])


def _grow(place: _Place, _places: Sequence[_Place], chance: Random) -> None:
    value = place.value
    if isinstance(value, str):
        place.put((value or "x") * chance.choice((2, 50, 2000)))
    elif isinstance(value, list) and value:
        place.put((value * _MANY)[:_MANY])
    elif isinstance(value, dict):
        odd = chance.choice(_SCALARS)
        value.update({f"{number:x}": odd for number in range(chance.choice((1, 300)))})
    else:
        place.put(chance.choice((10**400, "9" * _LONG, -(10**18))))


_CHANGES: Final[Sequence[Callable[[_Place, Sequence[_Place], Random], None]]] = (
    _replace,
    _replace,
    _replace,
    _empty,
    _remove,
    _remove,
    _copy,
    _copy,
    _swap,
    _other_type,
    _other_type,
    _other_key,
    _edit_text,
    _edit_text,
    _grow,
)
