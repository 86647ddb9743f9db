"""Every control and state of a structure, with the labels it gets and what keeps it out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import field, frozen

from loxone_exporter.config.model import FilterConfig, MetricsConfig, OverrideConfig
from loxone_exporter.loxone.structure import Control, State, Structure
from loxone_exporter.loxone.uuids import StateUuid
from loxone_exporter.metrics.conversions import Condition
from loxone_exporter.metrics.decisions import Decision, decide
from loxone_exporter.metrics.filters import ControlLabels, Filter
from loxone_exporter.metrics.members import operating_mode_keys
from loxone_exporter.metrics.names import NameRegistry, Names, assign_names
from loxone_exporter.metrics.overrides import Overrides
from loxone_exporter.metrics.privacy import (
    classes_of_control,
    classes_of_state,
    excluded_uuids,
    private_uuids,
)
from loxone_exporter.steps import Steps, finish
from loxone_exporter.units import HouseUnits


_CONTROLS_IN_A_STEP = 100


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
class House:
    """What holds for all controls of a structure.

    Attributes:
        units: What its values are in where nothing else is said.
        modes: Keys of its operating modes, by code.
        private: States that are never exported.
        excluded: States of a class that the owner does not want.
    """

    units: HouseUnits
    modes: Mapping[int, str]
    private: frozenset[StateUuid]
    excluded: frozenset[StateUuid]

    def hides(self, uuid: StateUuid) -> bool:
        """Whether a state is not to be seen, whatever it is called."""
        return uuid in self.private or uuid in self.excluded

    @classmethod
    def of(cls, structure: Structure, plan: Plan) -> House:
        """What a structure file says of the house.

        Args:
            structure: The structure file.
            plan: What the owner wants to see.
        """
        modes = operating_mode_keys(structure.operating_modes)
        excluded = excluded_uuids(structure, plan.filter.classes)
        return cls(structure.units, modes, private_uuids(structure), excluded)


@frozen
class ControlPlace:
    """A control or sub-control.

    Attributes:
        index: Of the control in the structure; of a sub-control, that of the one it is a part of.
        control: As the structure file has it.
        labels: Its effective labels.
        original: Its labels before any override.
        path: What stands before the state in the label `subcontrol`.
        rejected: What keeps it out: the key of the filter, or an override; empty if nothing does.
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

    def _names_from(self, decision: Decision, house: House) -> StateUuid | None:
        """The state of the control whose text names some of a state's codes, if it may be shown."""
        names = decision.members.names if decision.members else None
        if names is None or not names.text:
            return None
        uuids = (state.uuid for state in self.control.states if state.name == names.text)
        return next((uuid for uuid in uuids if not house.hides(uuid)), None)

    def matched_overrides(self, overrides: Overrides) -> Iterator[int]:
        """The tables that say something of the control or of one of its states."""
        for table in overrides.of_control(self.original).tables:
            if self.is_part and table.config.names_controls:
                continue  # a part has the name of its control
            names = (self._names(state) for state in self.control.states)
            if table.patterns.states is None or any(map(table.matches_state, names)):
                yield table.index

    def _names(self, state: State) -> tuple[str, ...]:
        """All that a pattern may name a state by."""
        return self.path + state.name, state.name, state.base_name

    def states(self, house: House, plan: Plan) -> Iterator[StatePlace]:
        """Its states, those that are kept out too."""
        overrides = plan.overrides.of_control(self.original)
        for state in self.control.states:
            names = self._names(state)
            override = overrides.of_state(names)
            decision = decide(self.control, state, house.units, override, house.modes)
            classes = classes_of_state(decision.entry, decision.family)
            rejected = self.rejected or plan.filter.rejects_state(names)
            rejected = rejected or plan.filter.excludes_class(classes)
            if not rejected and state.uuid in house.excluded:
                rejected = "exclude_classes"
            yield StatePlace(
                state=state,
                subcontrol=names[0],
                decision=decision,
                names_from=self._names_from(decision, house),
                is_private=state.uuid in house.private,
                rejected=rejected or override.dropped_by,
            )


@frozen
class StatePlace:
    """A state of a control.

    Attributes:
        state: As the structure file has it.
        subcontrol: The label.
        decision: What it is.
        names_from: The state whose text names some of its codes, if there is one.
        is_private: Whether it is never exported, by this name or by another one.
        rejected: What keeps it out: the key of the filter, or an override; empty if nothing does.
    """

    state: State
    subcontrol: str
    decision: Decision
    names_from: StateUuid | None
    is_private: bool
    rejected: str

    @property
    def kept_out(self) -> str:
        """Why its numbers are not exported at all; empty if they are."""
        entry = self.decision.entry
        if self.rejected:
            return f"left out by {self.rejected}"
        if not self.is_private:
            return ""
        why = entry.why if entry and entry.is_private else "another control has it as a secret"
        return f"never exported: {why}"


def find_places(
    structure: Structure, plan: Plan, registry: NameRegistry
) -> tuple[Names, list[ControlPlace]]:
    """The names of a structure, and all controls and sub-controls, parents first.

    Args:
        structure: The structure file.
        plan: What the owner wants to see.
        registry: Remembers names over changes of the structure.
    """
    return finish(find_places_in_steps(structure, plan, registry))


def find_places_in_steps(
    structure: Structure, plan: Plan, registry: NameRegistry
) -> Steps[tuple[Names, list[ControlPlace]]]:
    """Likewise, in steps of a few milliseconds."""
    renamed = plan.overrides.rename(structure)
    names = assign_names(renamed, None if plan.metrics.uuid_label else registry)
    yield
    walk = _Walk(plan.filter, plan.overrides, names)
    pairs = zip(structure.controls, renamed.controls, strict=True)
    for index, (original, control) in enumerate(pairs):
        walk.visit(index, original, control)
        if (index + 1) % _CONTROLS_IN_A_STEP == 0:
            yield
    return names, walk.places


@frozen
class _Walk:
    filter: Filter
    overrides: Overrides
    names: Names
    places: list[ControlPlace] = field(factory=list)

    def visit(self, index: int, original: Control, control: Control) -> None:
        before = ControlLabels.of(original, original.name)
        after = ControlLabels.of(control, self.names.by_key[control.key])
        self._visit(index, (original, control), (before, after), dropped="", excluded="")

    def _visit(
        self,
        index: int,
        controls: tuple[Control, Control],
        labels: tuple[ControlLabels, ControlLabels],
        *,
        dropped: str,
        excluded: str,
    ) -> None:
        """Visit a control and its parts.

        Args:
            index: Of the control in the structure.
            controls: The control before and after overrides.
            labels: Likewise its labels.
            dropped: Which override leaves out what it is a part of.
            excluded: Which key of the filter does.
        """
        before, after = labels
        dropped = self.overrides.of_control(before).dropped_by(otherwise=dropped)
        excluded = excluded or self.filter.excludes(after)
        excluded = excluded or self.filter.excludes_class(classes_of_control(controls[0]))
        rejected = dropped or excluded or self.filter.does_not_include(after)
        path = self.names.paths.get(after.uuids, "")
        self.places.append(ControlPlace(index, controls[0], after, before, path, rejected))
        for parts in zip(controls[0].sub_controls, controls[1].sub_controls, strict=True):
            part_labels = (
                ControlLabels.of(parts[0], before.name, before.uuids),
                ControlLabels.of(parts[1], after.name, after.uuids),
            )
            self._visit(index, parts, part_labels, dropped=dropped, excluded=excluded)
