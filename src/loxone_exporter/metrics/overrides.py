"""What the owner says of controls and states: the `[[override]]` tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from attrs import evolve, frozen

from loxone_exporter.config.model import OverrideConfig
from loxone_exporter.loxone.structure import Control, Structure
from loxone_exporter.metrics.filters import ControlLabels, Patterns
from loxone_exporter.metrics.quantities import FamilyType


@frozen
class StateOverride:
    """What the configuration says of one state; None where it says nothing.

    Attributes:
        quantity: What it is, as `temperature_target`; empty where it has no quantity.
        unit: What the Miniserver sends; empty for a mere number.
        metric_type: Gauge or counter.
        drop: Whether it is left out altogether.
    """

    quantity: str | None = None
    unit: str | None = None
    metric_type: FamilyType | None = None
    drop: bool = False

    @property
    def changes_family(self) -> bool:
        """Whether it says which typed family the state feeds."""
        return (self.quantity, self.unit, self.metric_type) != (None, None, None)


NO_OVERRIDE: Final = StateOverride()


@frozen
class _Table:
    """One table of the configuration, its patterns compiled."""

    patterns: Patterns
    config: OverrideConfig

    @property
    def names_controls(self) -> bool:
        return self.config.name is not None or self.config.room is not None

    def matches_state(self, labels: ControlLabels, names: tuple[str, ...]) -> bool:
        of_state = self.patterns.matches_state(names, otherwise=True)
        return of_state and self.patterns.matches(labels)


@frozen
class Overrides:
    """All tables. Where several match, the last one that says something wins."""

    tables: tuple[_Table, ...] = ()

    @classmethod
    def compile(cls, configs: Iterable[OverrideConfig]) -> Overrides:
        """Translate the patterns of the configuration."""
        return cls(tuple(_Table(Patterns.of(config), config) for config in configs))

    def of_state(self, labels: ControlLabels, names: tuple[str, ...]) -> StateOverride:
        """What they say of a state.

        Args:
            labels: Those of its control, as the structure file has them.
            names: All that a pattern may name it by: the label `subcontrol` and the bare name.
        """
        override = NO_OVERRIDE
        for table in self.tables:
            if table.matches_state(labels, names):
                said = table.config
                override = StateOverride(
                    override.quantity if said.quantity is None else said.quantity,
                    override.unit if said.unit is None else said.unit,
                    said.metric_type or override.metric_type,
                    override.drop or said.drop,
                )
        return override

    def rename(self, structure: Structure) -> Structure:
        """The structure with the names and rooms that the owner has chosen.

        They are those of whole controls; parts follow their control into its room.
        """
        if not any(table.names_controls for table in self.tables):
            return structure
        controls = tuple(self._rename(control) for control in structure.controls)
        return evolve(structure, controls=controls)

    def _rename(self, control: Control) -> Control:
        labels = ControlLabels.of(control, control.name)
        name, room = control.name, control.room
        for table in self.tables:
            if table.names_controls and table.patterns.matches(labels):
                name = name if table.config.name is None else table.config.name
                room = room if table.config.room is None else table.config.room
        return _moved(evolve(control, name=name), control.room, room)


def _moved(control: Control, before: str, after: str) -> Control:
    """A control in another room, and with it the parts that were in the same one."""
    if control.room != before:
        return control
    parts = tuple(_moved(part, before, after) for part in control.sub_controls)
    return evolve(control, room=after, sub_controls=parts)
