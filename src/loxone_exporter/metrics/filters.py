"""Which controls and states are exported, by the owner's `[filter]`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from attrs import frozen

from loxone_exporter.config.model import FilterConfig, OverrideConfig, PrivacyClass
from loxone_exporter.loxone.structure import Control


@frozen
class ControlLabels:
    """What a filter sees of a control or sub-control: its effective labels.

    Attributes:
        name: The label `name`; a sub-control has that of the control it belongs to.
        room: Name of the room, or empty.
        category: Name of the category, or empty.
        type: Type of the control or sub-control.
        uuids: Its key in the structure file, after those of the controls that it is a part of.
    """

    name: str
    room: str
    category: str
    type: str
    uuids: tuple[str, ...]

    @classmethod
    def of(cls, control: Control, name: str, above: tuple[str, ...] = ()) -> ControlLabels:
        """The labels of a control or sub-control.

        Args:
            control: As the structure file has it.
            name: The label `name`.
            above: Keys of the controls that it is a part of.
        """
        keys = (*above, control.key)
        return cls(name, control.room, control.category, control.type, keys)


@frozen
class Patterns:
    """What a table of the configuration matches by. A key without patterns is None."""

    rooms: re.Pattern[str] | None
    categories: re.Pattern[str] | None
    types: re.Pattern[str] | None
    names: re.Pattern[str] | None
    uuids: re.Pattern[str] | None
    states: re.Pattern[str] | None

    @classmethod
    def of(cls, config: FilterConfig | OverrideConfig, prefix: str = "") -> Patterns:
        """Compile the keys that begin with a prefix."""
        keys = ("rooms", "categories", "types", "names", "uuids", "states")
        given = {key: getattr(config, prefix + key) for key in keys}
        return cls(**{key: compile_globs(globs) if globs else None for key, globs in given.items()})

    def verdicts(self, control: ControlLabels) -> Iterator[tuple[str, bool]]:
        """Each key that is given, all but `states`, and whether it matches."""
        subjects = (
            ("rooms", self.rooms, (control.room,)),
            ("categories", self.categories, (control.category,)),
            ("types", self.types, (control.type,)),
            ("names", self.names, (control.name,)),
            ("uuids", self.uuids, control.uuids),
        )
        for key, pattern, values in subjects:
            if pattern is not None:
                yield key, _matches(pattern, values)

    def matches(self, control: ControlLabels) -> bool:
        """Whether each key that is given, all but `states`, matches."""
        return all(verdict for _, verdict in self.verdicts(control))

    def matches_state(self, names: tuple[str, ...], *, otherwise: bool) -> bool:
        """Whether `states` matches.

        Args:
            names: All that a pattern may name it by: the label `subcontrol` and the bare name.
            otherwise: The answer where no such key is given.
        """
        return otherwise if self.states is None else _matches(self.states, names)


@frozen
class Filter:
    """The `[filter]` table, compiled.

    The patterns of one key are alternatives. Every `include_` key that is given must match; any
    `exclude_` key that matches excludes.

    Attributes:
        classes: What tells about people and is kept out.
    """

    _include: Patterns
    _exclude: Patterns
    classes: frozenset[PrivacyClass]

    @classmethod
    def compile(cls, config: FilterConfig) -> Filter:
        """Translate the patterns of the configuration."""
        return cls(
            Patterns.of(config, "include_"),
            Patterns.of(config, "exclude_"),
            frozenset(config.exclude_classes),
        )

    def excludes_class(self, classes: frozenset[PrivacyClass]) -> str:
        """The key that keeps out what belongs to one of these classes, or an empty text."""
        return "exclude_classes" if classes & self.classes else ""

    def does_not_include(self, control: ControlLabels) -> str:
        """The first `include_` key but `include_states` that does not match, or an empty text."""
        verdicts = self._include.verdicts(control)
        return next((f"include_{key}" for key, matches in verdicts if not matches), "")

    def excludes(self, control: ControlLabels) -> str:
        """The first `exclude_` key but `exclude_states` that matches, or an empty text.

        What it excludes, it excludes with all its parts.
        """
        verdicts = self._exclude.verdicts(control)
        return next((f"exclude_{key}" for key, matches in verdicts if matches), "")

    def rejects_state(self, names: tuple[str, ...]) -> str:
        """The key that keeps a state out by its name, or an empty text.

        Args:
            names: All that a pattern may name it by: the label `subcontrol` and the bare name.
        """
        if not self._include.matches_state(names, otherwise=True):
            return "include_states"
        return "exclude_states" if self._exclude.matches_state(names, otherwise=False) else ""


def compile_globs(globs: Iterable[str]) -> re.Pattern[str]:
    """An expression that matches what one of these patterns matches, as a whole."""
    return re.compile("|".join(map(_translate, globs)), re.IGNORECASE | re.DOTALL)


_ANY_TEXT = re.compile(r"\*+")


def _translate(glob: str) -> str:
    """The expression of one pattern, which takes no longer than name times pattern.

    What stands between two `*` is sought once and then kept, as fnmatch does it: that it stands
    further on as well can never be needed. To try all places takes hours for some patterns.
    """
    # Brackets stand for themselves: names have them, and so have the states of a list.
    parts = (re.escape(part).replace(r"\?", ".") for part in _ANY_TEXT.split(glob))
    begin, *others = parts
    if not others:
        return begin
    *between, end = others
    return begin + "".join(f"(?>.*?{part})" for part in between) + f".*{end}"


def _matches(pattern: re.Pattern[str], values: tuple[str, ...]) -> bool:
    return any(pattern.fullmatch(value) for value in values)
