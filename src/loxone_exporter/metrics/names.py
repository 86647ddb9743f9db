"""Names that tell two controls apart, and stay what they are.

Two controls of the same name, room, category and type would be one series. The first keeps the
name, each further one carries its UUID behind it.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, field

from loxone_exporter.loxone.structure import Control, Structure


@define
class NameRegistry:
    """Who holds which name at one Miniserver, for as long as the process runs.

    A control that appears later never takes a name over, not even from one that is gone: series
    keep their labels while somebody edits the house.
    """

    _holders: dict[tuple[str, ...], str] = field(factory=dict)

    def claim(self, key: tuple[str, ...], control_key: str) -> bool:
        """Whether this control holds, or may have from now on, what the labels in `key` say."""
        return self._holders.setdefault(key, control_key) == control_key


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
        key = (control.name, control.room, control.category, control.type)
        names.by_key[control.key] = _unique(names, registry, key, control)
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
    return names


def _name_level(names: Names, registry: NameRegistry | None, level: Sequence[_Part]) -> None:
    for part in sorted(level, key=lambda part: part.control.key):
        control = part.control
        key = (
            part.parent_path + control.name,
            names.by_key[part.keys[0]],
            control.room,
            control.category,
            control.type,
        )
        names.paths[part.keys] = part.parent_path + _unique(names, registry, key, control) + "/"


def _unique(
    names: Names, registry: NameRegistry | None, key: tuple[str, ...], control: Control
) -> str:
    if registry is None or registry.claim(key, control.key):
        return control.name
    names.renamed += 1
    return f"{control.name} ({control.key})"
