"""Which series a structure file gives rise to; computed once for each structure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Mapping
from typing import Final

from attrs import define, field, frozen

from loxone_exporter.loxone.structure import Structure
from loxone_exporter.loxone.uuids import StateUuid
from loxone_exporter.metrics.catalog import Entry
from loxone_exporter.metrics.conversions import Condition, Conversion
from loxone_exporter.metrics.counted import is_counted
from loxone_exporter.metrics.filters import ControlLabels
from loxone_exporter.metrics.members import NamedSource, Reading
from loxone_exporter.metrics.names import NameRegistry
from loxone_exporter.metrics.places import ControlPlace, House, Plan, StatePlace, find_places
from loxone_exporter.metrics.quantities import Family
from loxone_exporter.metrics.schedules import Schedule, find_schedule
from loxone_exporter.metrics.written import Row, write_labels, write_row
from loxone_exporter.state import States


LABELS = ("miniserver", "name", "room", "category", "type", "subcontrol")
"""The labels of every control family."""

PLAIN_VALUE: Final = "loxone_control_value"
"""The family of all numbers as they come."""

TEXT_VALUE: Final = "loxone_control_text_info"
"""The samples of all texts, on request."""

INFO_LABELS = ("miniserver", "name", "room", "category", "type", "uuid")

_CONTROLS_IN_A_STEP = 50

NODE_LABELS = ("node", "role")
"""What an energy flow's node has besides."""


def label_names(*, uuid_label: bool) -> tuple[str, ...]:
    """The labels of every series.

    Args:
        uuid_label: Whether the control's UUID is one of them.
    """
    return (*LABELS, "uuid") if uuid_label else LABELS


@frozen(weakref_slot=False)
class Series(Row):
    """One state of one control: its labels, `LABELS` and `uuid` where that was asked for.

    Attributes:
        uuid: Where its value is found.
        control: Index of the control that it belongs to.
    """

    uuid: StateUuid
    control: int


@frozen(weakref_slot=False)
class TypedSeries:
    """A state in a typed family.

    Attributes:
        series: The state, with the labels that it has in each family.
        convert: Makes the value one of the family.
        condition: Says whether there is a value at all; None for always.
    """

    series: Series
    convert: Conversion
    condition: Condition | None

    def value(self, values: Mapping[StateUuid, float]) -> float | None:
        """The value that is shown; None where there is none."""
        value = values.get(self.series.uuid)
        if value is None or (self.condition and not self.condition.holds(values)):
            return None
        return self.convert(value)


@frozen(weakref_slot=False)
class NamedSeries:
    """A state in a family of named states.

    Attributes:
        series: The state, with the labels that it has in each family.
        source: Where it is found which of its names hold.
    """

    series: Series
    source: NamedSource

    def read(self, states: States) -> Reading | None:
        """What holds; None where the Miniserver has not told."""
        return self.source.read(self.series.uuid, states)


@frozen
class SeriesTable:
    """All series of one structure.

    Attributes:
        values: States whose numbers may be exported.
        counted: Those of them that are digital, so that their activations are counted.
        counted_inverted: Likewise, those for which 0 is yes.
        typed: Those that have a quantity, by family.
        named: Those whose codes or bits have names, by family.
        texts: States whose texts may be exported, on request.
        controls: `INFO_LABELS` of each control.
        nodes: Labels of each state that is a node of an energy flow, and its name and role.
        schedules: Those of which it may be known when they change next.
        discovered: How many controls the structure has, without sub-controls.
        problems: How many entries of the structure file make no sense.
        renamed: How many controls and sub-controls carry a UUID in their name.
        unknown: How many states the catalog does not know.
        duplicates: Label sets that were dropped because another state has the same.
    """

    values: tuple[Series, ...] = ()
    counted: tuple[Series, ...] = ()
    counted_inverted: tuple[Series, ...] = ()
    typed: Mapping[Family, tuple[TypedSeries, ...]] = field(factory=dict)
    named: Mapping[Family, tuple[NamedSeries, ...]] = field(factory=dict)
    texts: tuple[Series, ...] = ()
    controls: tuple[Row, ...] = ()
    nodes: tuple[Row, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    discovered: int = 0
    problems: int = 0
    renamed: int = 0
    unknown: int = 0
    duplicates: tuple[tuple[str, ...], ...] = ()


def build_series_in_steps(
    structure: Structure, *, miniserver: str, registry: NameRegistry, plan: Plan
) -> Generator[None, None, SeriesTable]:
    """Compute the series of a structure, in steps of a few milliseconds.

    Args:
        structure: The structure file.
        miniserver: The label `miniserver`.
        registry: Remembers names over changes of the structure.
        plan: What the owner wants to see.
    """
    names, places = find_places(structure, plan, registry)
    yield
    builder = _Builder(
        miniserver=miniserver,
        house=House.of(structure, plan),
        plan=plan,
        label_names=label_names(uuid_label=plan.metrics.uuid_label),
    )
    for number, place in enumerate(places, start=1):
        builder.add_control(place)
        if number % _CONTROLS_IN_A_STEP == 0:
            yield
    return SeriesTable(
        values=tuple(builder.values),
        counted=tuple(builder.counted),
        counted_inverted=tuple(builder.counted_inverted),
        typed={family: tuple(series) for family, series in builder.typed.items()},
        named={family: tuple(series) for family, series in builder.named.items()},
        texts=tuple(builder.texts),
        controls=tuple(builder.controls),
        nodes=tuple(builder.nodes),
        schedules=tuple(builder.schedules),
        discovered=len(structure.controls),
        problems=len(structure.problems),
        renamed=names.renamed,
        unknown=builder.unknown,
        duplicates=tuple(builder.duplicates),
    )


@define(kw_only=True)
class _Builder:
    miniserver: str
    house: House
    plan: Plan
    label_names: tuple[str, ...]
    values: list[Series] = field(factory=list)
    counted: list[Series] = field(factory=list)
    counted_inverted: list[Series] = field(factory=list)
    typed: defaultdict[Family, list[TypedSeries]] = field(factory=lambda: defaultdict(list))
    named: defaultdict[Family, list[NamedSeries]] = field(factory=lambda: defaultdict(list))
    texts: list[Series] = field(factory=list)
    controls: list[Row] = field(factory=list)
    nodes: list[Row] = field(factory=list)
    schedules: list[Schedule] = field(factory=list)
    unknown: int = 0
    duplicates: list[tuple[str, ...]] = field(factory=list)
    _taken: set[tuple[str, ...]] = field(factory=set)

    def add_control(self, place: ControlPlace) -> None:
        control = place.control
        if not place.is_part and not place.rejected:
            labels = (*self._shared_labels(place.labels), control.key)
            self.controls.append(write_row(INFO_LABELS, labels))
        for state_place in place.states(self.house, self.plan):
            self.unknown += state_place.decision.entry is None
            if not state_place.kept_out:
                self._add_state(place, state_place)

    def _add_state(self, place: ControlPlace, state_place: StatePlace) -> None:
        control, state, decision = place.control, state_place.state, state_place.decision
        labels = (*self._shared_labels(place.labels), state_place.subcontrol)
        if self.plan.metrics.uuid_label:
            labels = (*labels, control.key)
        if labels in self._taken:
            self.duplicates.append(labels)
            return
        self._taken.add(labels)
        schedule = find_schedule(control, state, self.label_names, labels)
        if schedule is not None and self.plan.metrics.quantities:
            self.schedules.append(schedule)
        series = Series(*write_labels(self.label_names, labels), state.uuid, place.index)
        self.values.append(series)
        self._add_counted(decision.entry, series)
        self._add_typed(place, state_place, series, labels)
        self._add_named(state_place, series)
        if self.plan.metrics.text_values:
            self.texts.append(series)

    def _add_counted(self, entry: Entry | None, series: Series) -> None:
        if entry is not None and self.plan.metrics.activations and is_counted(entry):
            (self.counted_inverted if entry.is_inverted else self.counted).append(series)

    def _add_typed(
        self, place: ControlPlace, state_place: StatePlace, series: Series, labels: tuple[str, ...]
    ) -> None:
        state, decision = state_place.state, state_place.decision
        if decision.family is None or not self.plan.serves(decision):
            return
        typed = TypedSeries(series, decision.conversion, place.condition(decision))
        self.typed[decision.family].append(typed)
        node = place.control.details.node_of(state.name, state.uuid)
        if node is not None:
            labels = (*labels, node.title, node.role.lower())
            self.nodes.append(write_row((*self.label_names, *NODE_LABELS), labels))

    def _add_named(self, state_place: StatePlace, series: Series) -> None:
        members = state_place.decision.members
        if members is None or not self.plan.serves(state_place.decision):
            return
        source = NamedSource.of(members, state_place.names_from)
        self.named[members.family].append(NamedSeries(series, source))

    def _shared_labels(self, labels: ControlLabels) -> tuple[str, ...]:
        """What all samples of a control begin with."""
        return self.miniserver, labels.name, labels.room, labels.category, labels.type
