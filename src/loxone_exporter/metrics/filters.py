"""Which controls and states are exported, by the owner's `[filter]`."""

from __future__ import annotations

import re

from attrs import frozen

from loxone_exporter.config.model import FilterConfig


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


@frozen
class _Patterns:
    """The keys of one prefix. A key without patterns is None."""

    rooms: re.Pattern[str] | None
    categories: re.Pattern[str] | None
    types: re.Pattern[str] | None
    names: re.Pattern[str] | None
    uuids: re.Pattern[str] | None
    states: re.Pattern[str] | None

    @classmethod
    def of(cls, config: FilterConfig, prefix: str) -> _Patterns:
        keys = ("rooms", "categories", "types", "names", "uuids", "states")
        return cls(**{key: _compile(getattr(config, prefix + key)) for key in keys})

    def verdicts(self, control: ControlLabels) -> list[bool]:
        """For each key that is given, all but `states`, whether it matches."""
        subjects = (
            (self.rooms, (control.room,)),
            (self.categories, (control.category,)),
            (self.types, (control.type,)),
            (self.names, (control.name,)),
            (self.uuids, control.uuids),
        )
        return [_matches(pattern, values) for pattern, values in subjects if pattern]


@frozen
class Filter:
    """The `[filter]` table, compiled.

    The patterns of one key are alternatives. Every `include_` key that is given must match; any
    `exclude_` key that matches excludes.
    """

    _include: _Patterns
    _exclude: _Patterns

    @classmethod
    def compile(cls, config: FilterConfig) -> Filter:
        """Translate the patterns of the configuration."""
        return cls(_Patterns.of(config, "include_"), _Patterns.of(config, "exclude_"))

    def includes(self, control: ControlLabels) -> bool:
        """Whether every `include_` key but `include_states` matches the control."""
        return all(self._include.verdicts(control))

    def excludes(self, control: ControlLabels) -> bool:
        """Whether any `exclude_` key but `exclude_states` matches, and takes its parts with it."""
        return any(self._exclude.verdicts(control))

    def allows_state(self, names: tuple[str, ...]) -> bool:
        """Whether a state may be exported by its name.

        Args:
            names: All that a pattern may name it by: the label `subcontrol` and the bare name.
        """
        included = self._include.states is None or _matches(self._include.states, names)
        return included and not (self._exclude.states and _matches(self._exclude.states, names))


def _compile(globs: tuple[str, ...]) -> re.Pattern[str] | None:
    if not globs:
        return None
    return re.compile("|".join(map(_translate, globs)), re.IGNORECASE | re.DOTALL)


def _translate(glob: str) -> str:
    # Brackets stand for themselves: names have them, and so have the states of a list.
    return re.escape(glob).replace(r"\*", ".*").replace(r"\?", ".")


def _matches(pattern: re.Pattern[str], values: tuple[str, ...]) -> bool:
    return any(pattern.fullmatch(value) for value in values)
