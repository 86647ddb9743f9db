"""Which series a structure file gives rise to; computed once for each structure."""

from __future__ import annotations

from attrs import define, field, frozen

from loxone_exporter.loxone.structure import Control, State, Structure
from loxone_exporter.loxone.uuids import StateUuid
from loxone_exporter.metrics.catalog import privacy
from loxone_exporter.metrics.filters import ControlLabels, Filter
from loxone_exporter.metrics.names import NameRegistry, Names, assign_names
from loxone_exporter.metrics.written import Row


LABELS = ("miniserver", "name", "room", "category", "type", "subcontrol")
"""The labels of every control family."""

INFO_LABELS = ("miniserver", "name", "room", "category", "type", "uuid")


def label_names(*, uuid_label: bool) -> tuple[str, ...]:
    """The labels of every series.

    Args:
        uuid_label: Whether the control's UUID is one of them.
    """
    return (*LABELS, "uuid") if uuid_label else LABELS


@frozen
class Series:
    """One state of one control.

    Attributes:
        row: Its labels: `LABELS`, and `uuid` where that was asked for.
        uuid: Where its value is found.
        control: Index of the control that it belongs to.
    """

    row: Row
    uuid: StateUuid
    control: int

    @property
    def labels(self) -> tuple[str, ...]:
        """The values of its labels."""
        return self.row.labels


@frozen
class SeriesTable:
    """All series of one structure.

    Attributes:
        values: States whose numbers may be exported.
        texts: States whose texts may be exported, on request.
        controls: `INFO_LABELS` of each control.
        discovered: How many controls the structure has, without sub-controls.
        renamed: How many controls and sub-controls carry a UUID in their name.
        duplicates: Label sets that were dropped because another state has the same.
    """

    values: tuple[Series, ...] = ()
    texts: tuple[Series, ...] = ()
    controls: tuple[Row, ...] = ()
    discovered: int = 0
    renamed: int = 0
    duplicates: tuple[tuple[str, ...], ...] = ()


def build_series(
    structure: Structure,
    *,
    miniserver: str,
    registry: NameRegistry,
    filter_: Filter,
    uuid_label: bool,
    texts: bool,
) -> SeriesTable:
    """Compute the series of a structure.

    Args:
        structure: The structure file.
        miniserver: The label `miniserver`.
        registry: Remembers names over changes of the structure.
        filter_: What the owner wants to see.
        uuid_label: Put the control's key on each series instead of making names unique.
        texts: Whether texts are exported at all.
    """
    names = assign_names(structure, None if uuid_label else registry)
    builder = _Builder(
        miniserver=miniserver,
        names=names,
        filter=filter_,
        label_names=label_names(uuid_label=uuid_label),
        uuid_label=uuid_label,
        with_texts=texts,
        private=_private_uuids(structure),
    )
    for index, control in enumerate(structure.controls):
        builder.add_control(index, control)
    return SeriesTable(
        values=tuple(builder.values),
        texts=tuple(builder.texts),
        controls=tuple(builder.controls),
        discovered=len(structure.controls),
        renamed=names.renamed,
        duplicates=tuple(builder.duplicates),
    )


def _private_uuids(structure: Structure) -> frozenset[StateUuid]:
    # A text is as private under its second name: an alarm's `sensors` is its tracker's `entries`.
    return frozenset(
        state.uuid
        for control in structure.walk()
        for state in control.states
        if privacy(control.type, state.base_name)
    )


@define(kw_only=True)
class _Builder:
    miniserver: str
    names: Names
    filter: Filter
    label_names: tuple[str, ...]
    uuid_label: bool
    with_texts: bool
    private: frozenset[StateUuid]
    values: list[Series] = field(factory=list)
    texts: list[Series] = field(factory=list)
    controls: list[Row] = field(factory=list)
    duplicates: list[tuple[str, ...]] = field(factory=list)
    _taken: set[tuple[str, ...]] = field(factory=set)

    def add_control(self, index: int, control: Control) -> None:
        labels = self._labels(control, (control.key,))
        if self.filter.excludes(labels):
            return
        if self.filter.includes(labels):
            row = (*self._shared_labels(labels), control.key)
            self.controls.append(Row.write(INFO_LABELS, row))
        self._add_states(index, control, labels)

    def _add_states(self, index: int, control: Control, labels: ControlLabels) -> None:
        if self.filter.includes(labels):
            path = self.names.paths.get(labels.uuids, "")
            for state in control.states:
                self._add_state(index, control, labels, path, state)
        for part in control.sub_controls:
            part_labels = self._labels(part, (*labels.uuids, part.key))
            if not self.filter.excludes(part_labels):
                self._add_states(index, part, part_labels)

    def _add_state(
        self, index: int, control: Control, labels: ControlLabels, path: str, state: State
    ) -> None:
        subcontrol = path + state.name
        if not self.filter.allows_state((subcontrol, state.name, state.base_name)):
            return
        row = (*self._shared_labels(labels), subcontrol)
        if self.uuid_label:
            row = (*row, control.key)
        if row in self._taken:
            self.duplicates.append(row)
            return
        self._taken.add(row)
        series = Series(Row.write(self.label_names, row), state.uuid, index)
        if privacy(control.type, state.base_name) is None:
            self.values.append(series)
        if self.with_texts and state.uuid not in self.private:
            self.texts.append(series)

    def _shared_labels(self, labels: ControlLabels) -> tuple[str, ...]:
        """What all samples of a control begin with."""
        return self.miniserver, labels.name, labels.room, labels.category, labels.type

    def _labels(self, control: Control, keys: tuple[str, ...]) -> ControlLabels:
        return ControlLabels(
            name=self.names.by_key[keys[0]],
            room=control.room,
            category=control.category,
            type=control.type,
            uuids=keys,
        )
