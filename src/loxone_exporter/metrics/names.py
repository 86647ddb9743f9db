"""Names that tell two controls apart, and stay what they are.

Two controls of the same name, room, category and type would be one series. The first keeps the
name, each further one carries its UUID behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Final

from attrs import define, field

from loxone_exporter.loxone.structure import Control, Structure


REMEMBERED: Final = 10_000
"""Names that are kept although nobody has asked for them lately. Owners do not come to as many; a
Miniserver that invents new ones again and again would fill the memory with them."""


@define
class NameRegistry:
    """Who holds which name at one Miniserver, for as long as the process runs.

    A control that appears later never takes a name over, not even from one that is gone: series
    keep their labels while somebody edits the house.
    """

    # In the order in which the names were asked for last.
    _holders: dict[tuple[str, ...], tuple[str, ...]] = field(factory=dict)

    def claim(self, labels: tuple[str, ...], keys: tuple[str, ...]) -> bool:
        """Whether a control holds, or may have from now on, what these labels say.

        Args:
            labels: Name, room and so on.
            keys: The control's key in the structure file, after those of what it is a part of.
        """
        holder = self._holders.pop(labels, keys)
        self._holders[labels] = holder
        return holder == keys

    def forget_all_but(self, present: int) -> None:
        """Forget what nobody has asked for in a long time, if it is too much.

        Args:
            present: How many names were asked for just now.
        """
        surplus = max(0, len(self._holders) - present - REMEMBERED)
        for labels in [*islice(self._holders, surplus)]:
            del self._holders[labels]


@define
class Names:
    """The names of one structure.

    Attributes:
        by_key: For each control the label `name`, by its key in the structure file.
        paths: For each sub-control what stands before the state in the label `subcontrol`; with the
            slash, by the keys from the control down to it.
        renamed: How many controls and sub-controls carry their UUID.
    """

    by_key: dict[str, str] = field(factory=dict)
    paths: dict[tuple[str, ...], str] = field(factory=dict)
    renamed: int = 0


@define
class _Part:
    """A sub-control on its way to a name."""

    keys: tuple[str, ...]
    parent_path: str
    control: Control


def assign_names(structure: Structure, registry: NameRegistry | None) -> Names:
    """Give each control and sub-control a name.

    Args:
        structure: The whole structure: what a filter leaves out has a name too, so that a change of
            the filter renames nothing.
        registry: Who has which name already; None where nothing is to be made unique.
    """
    names = Names()
    for control in sorted(structure.controls, key=lambda control: control.key):
        labels = (control.room, control.category, control.type)
        names.by_key[control.key] = _unique(
            names, registry, control, keys=(control.key,), path="", labels=labels
        )
    level = [
        _Part((control.key, part.key), "", part)
        for control in structure.controls
        for part in control.sub_controls
    ]
    while level:
        _name_level(names, registry, level)
        level = [
            _Part((*part.keys, below.key), names.paths[part.keys], below)
            for part in level
            for below in part.control.sub_controls
        ]
    if registry is not None:
        # Each control asked for one name, and for a further one if that was taken.
        registry.forget_all_but(len(names.by_key) + len(names.paths) + names.renamed)
    return names


def _name_level(names: Names, registry: NameRegistry | None, level: Sequence[_Part]) -> None:
    for part in sorted(level, key=lambda part: part.control.key):
        control = part.control
        labels = (names.by_key[part.keys[0]], control.room, control.category, control.type)
        name = _unique(
            names, registry, control, keys=part.keys, path=part.parent_path, labels=labels
        )
        names.paths[part.keys] = f"{part.parent_path}{name}/"


def _unique(
    names: Names,
    registry: NameRegistry | None,
    control: Control,
    *,
    keys: tuple[str, ...],
    path: str,
    labels: tuple[str, ...],
) -> str:
    """The control's name, with its key behind it as often as it takes to be nobody else's.

    Once, unless the owner called another control like that.
    """
    name = control.name
    while registry is not None and not registry.claim((path + name, *labels), keys):
        name = f"{name} ({control.key})"
    names.renamed += name != control.name
    return name
