"""Every control and state of a structure, with the labels it gets and what keeps it out."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import field, frozen

from loxone_exporter.config.model import FilterConfig, MetricsConfig, OverrideConfig
from loxone_exporter.loxone.structure import Control, State, Structure
from loxone_exporter.metrics.conversions import Condition
from loxone_exporter.metrics.decisions import Decision, decide
from loxone_exporter.metrics.filters import ControlLabels, Filter
from loxone_exporter.metrics.names import NameRegistry, Names, assign_names
from loxone_exporter.metrics.overrides import Overrides
from loxone_exporter.units import HouseUnits


@frozen
class Plan:
    """What an owner wants to see, compiled.

    Attributes:
        metrics: Which families there are.
        filter: Which controls and states.
        overrides: What the owner knows better.
    """

    metrics: MetricsConfig = field(factory=MetricsConfig)
    filter: Filter = field(factory=lambda: Filter.compile(FilterConfig()))
    overrides: Overrides = field(factory=Overrides)

    @classmethod
    def compile(
        cls,
        metrics: MetricsConfig,
        filter_: FilterConfig,
        overrides: tuple[OverrideConfig, ...],
    ) -> Plan:
        """Translate the patterns of the configuration."""
        return cls(metrics, Filter.compile(filter_), Overrides.compile(overrides))

    def serves(self, decision: Decision) -> bool:
        """Whether a state's typed family is served."""
        return self.metrics.quantities and (decision.is_default or self.metrics.optional_quantities)


@frozen
class ControlPlace:
    """A control or sub-control.

    Attributes:
        index: Of the control in the structure; of a sub-control, that of the one it is a part of.
        control: As the structure file has it.
        labels: Its effective labels.
        original: Its labels before any override.
        path: What stands before the state in the label `subcontrol`.
        rejected: The key of the filter that keeps it out; empty if none does.
    """

    index: int
    control: Control
    labels: ControlLabels
    original: ControlLabels
    path: str
    rejected: str

    @property
    def is_part(self) -> bool:
        """Whether it is a sub-control."""
        return len(self.labels.uuids) > 1

    def condition(self, decision: Decision) -> Condition | None:
        """The state of the control that says whether another has a value, if there is one."""
        entry = decision.entry
        name = (entry.needs or entry.unless) if entry else ""
        uuid = next((state.uuid for state in self.control.states if state.name == name), None)
        return Condition(uuid, wanted=bool(entry and entry.needs)) if uuid else None

    def states(self, units: HouseUnits, plan: Plan) -> Iterator[StatePlace]:
        """Its states, those that are kept out too."""
        for state in self.control.states:
            subcontrol = self.path + state.name
            names = (subcontrol, state.name, state.base_name)
            override = plan.overrides.of_state(self.original, names)
            rejected = self.rejected or plan.filter.rejects_state(names)
            yield StatePlace(
                state=state,
                subcontrol=subcontrol,
                decision=decide(self.control, state, units, override),
                rejected="drop" if override.drop else rejected,
            )


@frozen
class StatePlace:
    """A state of a control.

    Attributes:
        state: As the structure file has it.
        subcontrol: The label.
        decision: What it is.
        rejected: The key of the filter or override that keeps it out; empty if none does.
    """

    state: State
    subcontrol: str
    decision: Decision
    rejected: str


def find_places(
    structure: Structure, plan: Plan, registry: NameRegistry
) -> tuple[Names, list[ControlPlace]]:
    """The names of a structure, and all controls and sub-controls, parents first.

    Args:
        structure: The structure file.
        plan: What the owner wants to see.
        registry: Remembers names over changes of the structure.
    """
    renamed = plan.overrides.rename(structure)
    names = assign_names(renamed, None if plan.metrics.uuid_label else registry)
    walk = _Walk(plan.filter, names)
    pairs = zip(structure.controls, renamed.controls, strict=True)
    for index, (original, control) in enumerate(pairs):
        walk.visit(index, original, control)
    return names, walk.places


@frozen
class _Walk:
    filter: Filter
    names: Names
    places: list[ControlPlace] = field(factory=list)

    def visit(self, index: int, original: Control, control: Control) -> None:
        before = ControlLabels.of(original, original.name)
        after = ControlLabels.of(control, self.names.by_key[control.key])
        self._visit(index, (original, control), (before, after), excluded="")

    def _visit(
        self,
        index: int,
        controls: tuple[Control, Control],
        labels: tuple[ControlLabels, ControlLabels],
        *,
        excluded: str,
    ) -> None:
        """Visit a control and its parts, as they are before and after overrides."""
        before, after = labels
        excluded = excluded or self.filter.excludes(after)
        rejected = excluded or self.filter.does_not_include(after)
        path = self.names.paths.get(after.uuids, "")
        self.places.append(ControlPlace(index, controls[0], after, before, path, rejected))
        for parts in zip(controls[0].sub_controls, controls[1].sub_controls, strict=True):
            part_labels = (
                ControlLabels.of(parts[0], before.name, before.uuids),
                ControlLabels.of(parts[1], after.name, after.uuids),
            )
            self._visit(index, parts, part_labels, excluded=excluded)
