"""What the owner says of controls and states: the `[[override]]` tables."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from attrs import evolve, frozen

from loxone_exporter.config.model import MetricType, OverrideConfig
from loxone_exporter.config.quantities import base_units_of
from loxone_exporter.loxone.structure import Control, Structure
from loxone_exporter.metrics.filters import ControlLabels, Patterns
from loxone_exporter.metrics.quantities import (
    FAMILIES,
    Family,
    find_family,
    units_of,
    without_reading,
)


@frozen
class StateOverride:
    """What the configuration says of one state; None where it says nothing.

    Attributes:
        quantity: What it is, as `temperature_target`; empty where it has no quantity.
        unit: What the Miniserver sends; empty for a mere number.
        metric_type: Gauge or counter.
        is_counted: Whether a table says of that quantity, here or elsewhere, that it is a counter.
        dropped_by: What leaves it out, `override[2].drop`; empty if nothing does.
        tables: The tables that say so, by their index.
        is_of_states: Whether a table that says which family it feeds is about states of this name,
            and not about all that a control has.
    """

    quantity: str | None = None
    unit: str | None = None
    metric_type: MetricType | None = None
    is_counted: bool = False
    dropped_by: str = ""
    tables: tuple[int, ...] = ()
    is_of_states: bool = False

    @property
    def changes_family(self) -> bool:
        """Whether it says which typed family the state feeds."""
        return (self.quantity, self.unit, self.metric_type) != (None, None, None)

    @property
    def origin(self) -> str:
        """Where it stands, as findings about the configuration say it."""
        return ", ".join(f"override[{index}]" for index in self.tables)


NO_OVERRIDE: Final = StateOverride()


@frozen
class _Table:
    """One table of the configuration, its patterns compiled."""

    index: int
    patterns: Patterns
    config: OverrideConfig
    is_counted: bool
    """Whether this table or another one says that its quantity is a counter."""

    def matches_state(self, names: tuple[str, ...]) -> bool:
        return self.patterns.matches_state(names, otherwise=True)

    @property
    def types_states(self) -> bool:
        """Whether it says which family states of some name feed."""
        said = (self.config.quantity, self.config.unit, self.config.metric_type)
        return self.patterns.states is not None and said != (None, None, None)

    @property
    def dropping(self) -> str:
        """What leaves something out, if this does."""
        return f"override[{self.index}].drop" if self.config.drop else ""


@frozen
class Overrides:
    """All tables, or those that match a control. The last one that says something wins."""

    tables: tuple[_Table, ...] = ()

    @classmethod
    def compile(cls, configs: Sequence[OverrideConfig]) -> Overrides:
        """Translate the patterns of the configuration, and settle what its own quantities are."""
        counted = _counted(configs)
        return cls(
            tuple(
                _Table(
                    index,
                    Patterns.of(config),
                    config,
                    is_counted=without_reading(config.quantity or "") in counted,
                )
                for index, config in enumerate(configs)
            )
        )

    def of_control(self, labels: ControlLabels) -> Overrides:
        """The tables that match a control, by its labels as the structure file has them."""
        if not self.tables:
            return self
        return Overrides(tuple(each for each in self.tables if each.patterns.matches(labels)))

    def of_state(self, names: tuple[str, ...]) -> StateOverride:
        """What they say of a state of the control that they match.

        Args:
            names: All that a pattern may name it by: the label `subcontrol` and the bare name.
        """
        override = NO_OVERRIDE
        for table in self.tables:
            if table.matches_state(names):
                said = table.config
                override = StateOverride(
                    override.quantity if said.quantity is None else said.quantity,
                    override.unit if said.unit is None else said.unit,
                    said.metric_type or override.metric_type,
                    override.is_counted if said.quantity is None else table.is_counted,
                    override.dropped_by if said.drop is None else table.dropping,
                    (*override.tables, table.index),
                    override.is_of_states or table.types_states,
                )
        return override

    def dropped_by(self, otherwise: str) -> str:
        """What leaves out the control that they match; empty if nothing does.

        Args:
            otherwise: The answer where they do not say.
        """
        answer = otherwise
        for table in self.tables:
            if table.patterns.states is None and table.config.drop is not None:
                answer = table.dropping
        return answer

    def rename(self, structure: Structure) -> Structure:
        """The structure with the names and rooms that the owner has chosen.

        They are those of whole controls; parts follow their control into its room.
        """
        if not any(table.config.names_controls for table in self.tables):
            return structure
        controls = tuple(self._rename(control) for control in structure.controls)
        return evolve(structure, controls=controls)

    def _rename(self, control: Control) -> Control:
        name, room = control.name, control.room
        for table in self.of_control(ControlLabels.of(control, control.name)).tables:
            name = name if table.config.name is None else table.config.name
            room = room if table.config.room is None else table.config.room
        return _moved(evolve(control, name=name), control.room, room)


def find_conflicts(configs: Sequence[OverrideConfig]) -> Iterator[str]:
    """What does not go together within a table, so that it cannot do what it says."""
    counted = _counted(configs)
    for index, config in enumerate(configs):
        quantity, unit = config.quantity, config.unit
        in_unit = f"in the unit {unit!r}" if unit else "without a unit"
        possible = _possible_families(config, counted)
        if quantity and unit is not None and not possible:
            yield (
                f"override[{index}]: there can be no {quantity!r} {in_unit}, so that the plain "
                "value only is left"
            )
        elif config.metric_type == "counter" and possible and not _has_counter(possible):
            yield (
                f"override[{index}].metric_type: of {repr(quantity) if quantity else 'a value'} "
                f"{'' if unit is None else in_unit + ' '}there is no counter: it stays a gauge"
            )


def _possible_families(config: OverrideConfig, counted: Collection[str]) -> Collection[Family]:
    """What a table may make of a state; nothing where it leaves that wide open."""
    quantity, given = config.quantity or "", config.unit
    units = units_of(quantity) if given is None else base_units_of(given)
    if not quantity:
        return [family for family in FAMILIES.values() if family.unit in units]
    is_counted = without_reading(quantity) in counted
    type_ = config.metric_type or "gauge"
    found = (find_family(quantity, unit, type_, is_counted=is_counted) for unit in units)
    return [family for family in found if family is not None]


def _has_counter(families: Iterable[Family]) -> bool:
    return any(family.type == "counter" for family in families)


def _counted(configs: Iterable[OverrideConfig]) -> frozenset[str]:
    """The quantities of which a table says that they are counters."""
    counters = (config.quantity for config in configs if config.metric_type == "counter")
    return frozenset(without_reading(quantity) for quantity in counters if quantity)


def _moved(control: Control, before: str, after: str) -> Control:
    """A control in another room, and with it the parts that were in the same one."""
    if control.room != before:
        return control
    parts = tuple(_moved(part, before, after) for part in control.sub_controls)
    return evolve(control, room=after, sub_controls=parts)
