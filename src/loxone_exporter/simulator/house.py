"""What stands behind a simulated Miniserver: a house that has a structure file and values.

The network side (`miniserver.py`) only ever sees a `House`. `PlayedHouse` plays any structure file;
the invented house that ships with the package is `demo.DemoHouse`.
"""

from __future__ import annotations

import abc
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

from attrs import frozen

from loxone_exporter.errors import ProtocolError, StructureError
from loxone_exporter.loxone.tables import Daytimer, Weather
from loxone_exporter.loxone.uuids import StateUuid, format_uuid, parse_uuid


FIRST_NUMBER = 1000.5
"""The value of the first state of a played structure file; the next ones follow in steps of one."""

_CHANGES_PER_SECOND = 3.0
_PARTS_WITH_STATES = ("states", "globalStates")


@frozen
class Changes:
    """The states that changed while time passed, with what they are now."""

    values: Mapping[StateUuid, float]
    texts: Mapping[StateUuid, str]


class House(abc.ABC):
    """A house as its Miniserver knows it.

    Attributes:
        structure: `LoxAPP3.json`, byte for byte as the Miniserver sends it, in UTF-8.
        last_modified: The `lastModified` of the structure file; empty where it has none.
        values: The current numbers. The owner of the house may write to it.
        texts: The current texts. The owner of the house may write to it.
        daytimers: The schedules.
        weather: The actual weather and the forecast.
    """

    structure: bytes
    last_modified: str
    values: dict[StateUuid, float]
    texts: dict[StateUuid, str]
    daytimers: list[Daytimer]
    weather: list[Weather]

    @abc.abstractmethod
    def advance(self, seconds: float) -> Changes:
        """Let time pass in the house, apply what it changes and return just that."""


class PlayedHouse(House):
    """Plays any structure file: every state of the file is a number that no other state has.

    States of all sections count, at any depth, whatever the Miniserver would send for them; so a
    mix-up between two states shows in the number. The numbers are assigned by order of appearance.
    Files made by hand have placeholders for UUIDs, which cannot cross the wire: the file that is
    sent has UUIDs in their place.
    """

    def __init__(self, structure: bytes, *, live: bool = True, seed: int = 1) -> None:
        """Read the structure file.

        Args:
            structure: The bytes of a `LoxAPP3.json`.
            live: Whether `advance` changes numbers; otherwise all stays as it is.
            seed: Decides which states change; the same seed gives the same changes.

        Raises:
            StructureError: The bytes are no structure file.
        """
        document = _read(structure)
        self.structure = _without_placeholders(structure, document)
        self.last_modified = str(document.get("lastModified") or "")
        uuids = dict.fromkeys(_state_uuids(document))
        self.values = {uuid: FIRST_NUMBER + place for place, uuid in enumerate(uuids)}
        self.texts = {}
        self.daytimers = []
        self.weather = []
        self._uuids = tuple(uuids)
        self._next_number = FIRST_NUMBER + len(uuids)
        self._changes_per_second = _CHANGES_PER_SECOND if live else 0.0
        self._changes_due = 0.0
        self._random = Random(seed)  # noqa: S311  # a game of chance, not cryptography

    @classmethod
    def from_bytes(cls, structure: bytes, *, live: bool = True) -> PlayedHouse:
        """Play the bytes of a structure file.

        Raises:
            StructureError: The bytes are no structure file.
        """
        return cls(structure, live=live)

    @classmethod
    def from_file(cls, path: str | Path, *, live: bool = True) -> PlayedHouse:
        """Play a structure file on disk.

        Raises:
            StructureError: The file holds something else.
            OSError: The file cannot be read.
        """
        try:
            return cls(Path(path).read_bytes(), live=live)
        except StructureError as error:
            raise StructureError(f"{path}: {error}") from error

    def advance(self, seconds: float) -> Changes:
        """Give a few states per second a number that no state has had before."""
        if not self._uuids:
            return Changes({}, {})
        self._changes_due += seconds * self._changes_per_second
        changed = {}
        while self._changes_due >= 1:
            self._changes_due -= 1
            changed[self._random.choice(self._uuids)] = self._next_number
            self._next_number += 1
        self.values.update(changed)
        return Changes(changed, {})


def _read(structure: bytes) -> dict[str, Any]:
    try:
        document = json.loads(structure.decode())
    except UnicodeDecodeError as error:
        raise StructureError(f"not a structure file: no UTF-8 at byte {error.start}") from error
    except (ValueError, RecursionError) as error:
        raise StructureError(f"not a structure file: no JSON ({error})") from error
    if not isinstance(document, dict):
        raise StructureError("not a structure file: its JSON is no object")
    if not isinstance(document.get("controls"), dict):
        raise StructureError('not a structure file: it has no object "controls"')
    return document


def _without_placeholders(structure: bytes, document: dict[str, Any]) -> bytes:
    """The file as it is where it can be, otherwise anew; the document is changed likewise."""
    replaced = False
    for states in _state_parts(document):
        for name, state in states.items():
            if isinstance(state, list):
                states[name] = [_as_uuid(text) for text in state]
            else:
                states[name] = _as_uuid(state)
            replaced = replaced or states[name] != state
    return json.dumps(document).encode() if replaced else structure


def _as_uuid(identifier: Any) -> Any:  # noqa: ANN401  # whatever the JSON has
    if not isinstance(identifier, str) or not identifier:
        return identifier
    try:
        parse_uuid(identifier)
    except ProtocolError:
        return format_uuid(hashlib.blake2b(identifier.encode(), digest_size=16).digest())
    return identifier


def _state_uuids(document: Mapping[str, Any]) -> Iterator[StateUuid]:
    """All state UUIDs of a structure file by order of appearance; shared ones more than once."""
    for states in _state_parts(document):
        for state in states.values():
            for text in state if isinstance(state, list) else [state]:
                try:
                    yield parse_uuid(str(text))
                except ProtocolError:
                    continue


def _state_parts(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The objects that map names to state UUIDs, at any depth, by order of appearance."""
    left: list[tuple[str, Any]] = [("", document)]
    while left:
        name, part = left.pop()
        if not isinstance(part, dict):
            continue
        if name in _PARTS_WITH_STATES:
            yield part
        else:
            left.extend(reversed(part.items()))
