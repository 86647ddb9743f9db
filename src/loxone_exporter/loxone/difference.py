"""What changed between two structure files."""

from __future__ import annotations

from attrs import frozen

from loxone_exporter.loxone.structure import Control, Structure
from loxone_exporter.steps import Steps, finish


_CONTROLS_IN_A_STEP = 1000


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
    return finish(difference_in_steps(old, new))


def difference_in_steps(old: Structure, new: Structure) -> Steps[StructureDifference]:
    """Likewise, in steps of a few milliseconds."""
    before = yield from _by_key(old)
    after = yield from _by_key(new)
    added, renamed = list[Control](), list[tuple[Control, Control]]()
    for number, (key, control) in enumerate(after.items()):
        known = before.get(key)
        if known is None:
            added.append(control)
        elif _labels(known) != _labels(control):
            renamed.append((known, control))
        if number % _CONTROLS_IN_A_STEP == 0:
            yield
    removed = (control for key, control in before.items() if key not in after)
    return StructureDifference(tuple(added), tuple(removed), tuple(renamed))


def _by_key(structure: Structure) -> Steps[dict[str, Control]]:
    controls: dict[str, Control] = {}
    for number, control in enumerate(structure.walk()):
        controls[control.key] = control
        if number % _CONTROLS_IN_A_STEP == 0:
            yield
    return controls


def _labels(control: Control) -> tuple[str, ...]:
    return control.name, control.room, control.category, control.type
