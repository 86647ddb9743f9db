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
from loxone_exporter.metrics.places import (
    ControlPlace,
    House,
    Plan,
    StatePlace,
    find_places_in_steps,
)
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

_COUNTED_FAMILIES = 2
"""In which a state is that is counted."""

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
        size: How many series there are if every state has a value. Names that come in the text of a
            state are not counted; no text can have many.
        excess: How many more there would be if there had been room for them.
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
    size: int = 0
    excess: int = 0


def build_series_in_steps(
    structure: Structure, *, miniserver: str, registry: NameRegistry, plan: Plan, room: int
) -> Generator[None, None, SeriesTable]:
    """Compute the series of a structure, in steps of a few milliseconds.

    Args:
        structure: The structure file.
        miniserver: The label `miniserver`.
        registry: Remembers names over changes of the structure.
        plan: What the owner wants to see.
        room: How many series there may be. A state that would make more is left out as a whole, so
            that no family lacks what another one has.
    """
    names, places = yield from find_places_in_steps(structure, plan, registry)
    yield
    builder = _Builder(
        miniserver=miniserver,
        house=House.of(structure, plan),
        plan=plan,
        label_names=label_names(uuid_label=plan.metrics.uuid_label),
        room=room,
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
        size=builder.size,
        excess=builder.excess,
    )


@define(kw_only=True)
class _Builder:
    miniserver: str
    house: House
    plan: Plan
    label_names: tuple[str, ...]
    room: int
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
    size: int = 0
    excess: int = 0
    _taken: set[tuple[str, ...]] = field(factory=set)

    def add_control(self, place: ControlPlace) -> None:
        control = place.control
        if not place.is_part and not place.rejected and self._has_room(1):
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
        series = Series(*write_labels(self.label_names, labels), state.uuid, place.index)
        counted = self._counted(decision.entry)
        typed = self._typed(place, state_place, series)
        node = self._node(place, state_place, labels) if typed else None
        named = self._named(state_place, series)
        schedule = self._schedule(place, state_place, labels)
        metrics = self.plan.metrics
        size = metrics.control_value + metrics.text_values
        size += _COUNTED_FAMILIES * (counted is not None)
        size += sum(part is not None for part in (typed, node, schedule))
        size += len(named.source.keys) if named else 0
        if not self._has_room(size):
            return
        self._taken.add(labels)
        self.values.append(series)
        if metrics.text_values:
            self.texts.append(series)
        if counted is not None:
            counted.append(series)
        if typed is not None:
            family, converted = typed
            self.typed[family].append(converted)
        if node is not None:
            self.nodes.append(node)
        if named is not None:
            self.named[named.source.members.family].append(named)
        if schedule is not None:
            self.schedules.append(schedule)

    def _has_room(self, size: int) -> bool:
        """Whether there is room for so many series more, which is then taken."""
        fits = self.size + size <= self.room
        if fits:
            self.size += size
        else:
            self.excess += size
        return fits

    def _counted(self, entry: Entry | None) -> list[Series] | None:
        """Where a state is noted that is counted; None for any other."""
        if entry is None or not self.plan.metrics.activations or not is_counted(entry):
            return None
        return self.counted_inverted if entry.is_inverted else self.counted

    def _typed(
        self, place: ControlPlace, state_place: StatePlace, series: Series
    ) -> tuple[Family, TypedSeries] | None:
        decision = state_place.decision
        if decision.family is None or not self.plan.serves(decision):
            return None
        typed = TypedSeries(series, decision.conversion, place.condition(decision))
        return decision.family, typed

    def _node(
        self, place: ControlPlace, state_place: StatePlace, labels: tuple[str, ...]
    ) -> Row | None:
        state = state_place.state
        node = place.control.details.node_of(state.name, state.uuid)
        if node is None or not node.role:
            return None  # nodes of a Wallbox Manager, for example: no part of an energy flow
        labels = (*labels, node.title, node.role.lower())
        return write_row((*self.label_names, *NODE_LABELS), labels)

    def _named(self, state_place: StatePlace, series: Series) -> NamedSeries | None:
        members = state_place.decision.members
        if members is None or not self.plan.serves(state_place.decision):
            return None
        return NamedSeries(series, NamedSource.of(members, state_place.names_from))

    def _schedule(
        self, place: ControlPlace, state_place: StatePlace, labels: tuple[str, ...]
    ) -> Schedule | None:
        if not self.plan.metrics.quantities:
            return None
        return find_schedule(place.control, state_place.state, self.label_names, labels)

    def _shared_labels(self, labels: ControlLabels) -> tuple[str, ...]:
        """What all samples of a control begin with."""
        return self.miniserver, labels.name, labels.room, labels.category, labels.type
