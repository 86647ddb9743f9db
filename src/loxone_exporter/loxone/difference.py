"""What changed between two structure files."""

from __future__ import annotations

from attrs import frozen

from loxone_exporter.loxone.structure import Control, Structure


@frozen
class StructureDifference:
    """Controls and sub-controls that differ, told apart by their keys.

    Attributes:
        added: Those that were not there before.
        removed: Those that are not there any more.
        renamed: Those that are called otherwise, or have another room, category or type: before
            and after.
    """

    added: tuple[Control, ...]
    removed: tuple[Control, ...]
    renamed: tuple[tuple[Control, Control], ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.renamed)


def difference(old: Structure, new: Structure) -> StructureDifference:
    """Compare two structure files of one Miniserver."""
    before = {control.key: control for control in old.walk()}
    after = {control.key: control for control in new.walk()}
    return StructureDifference(
        added=tuple(control for key, control in after.items() if key not in before),
        removed=tuple(control for key, control in before.items() if key not in after),
        renamed=tuple(
            (before[key], control)
            for key, control in after.items()
            if key in before and _labels(before[key]) != _labels(control)
        ),
    )


def _labels(control: Control) -> tuple[str, ...]:
    return control.name, control.room, control.category, control.type
