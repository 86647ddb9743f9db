"""What one Miniserver has to show in one scrape, and the series that this is filed under."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TypeAlias, TypeVar

from attrs import define, field, frozen

from loxone_exporter.activity import Activities
from loxone_exporter.config.model import MetricsConfig
from loxone_exporter.loxone.structure import Structure
from loxone_exporter.loxone.times import find_zone
from loxone_exporter.loxone.uuids import StateUuid
from loxone_exporter.metrics.activity import active_controls
from loxone_exporter.metrics.families import Told
from loxone_exporter.metrics.members import Reading
from loxone_exporter.metrics.miniserver import has_unknown_mode, tell
from loxone_exporter.metrics.names import NameRegistry
from loxone_exporter.metrics.places import Plan
from loxone_exporter.metrics.quantities import Family
from loxone_exporter.metrics.schedules import tell_schedules
from loxone_exporter.metrics.series import Series, SeriesTable, build_series_in_steps
from loxone_exporter.state import MiniserverState, States


_logger = logging.getLogger(__name__)

_EMPTY = SeriesTable()
_DUPLICATES_LOGGED = 10
_FAULTS_LOGGED = 10

_Part = TypeVar("_Part")

Converted: TypeAlias = Mapping[Family, Sequence[tuple[Series, float]]]
"""The value of each state with a quantity, where there is one."""

Readings: TypeAlias = Mapping[Family, Sequence[tuple[Series, Reading]]]
"""What holds of each state whose codes or bits have names, where anything is known."""


@frozen
class Extent:
    """How much of a Miniserver a scrape shows.

    Attributes:
        controls: Those with at least one sample of a state.
        series: Samples of controls.
    """

    controls: int = 0
    series: int = 0


@frozen
class Snapshot:
    """What one Miniserver has to show in one scrape.

    The values are those of one initial dump and what followed it: another dump, or structure, that
    is completed while this scrape is written does not show in it.

    Attributes:
        state: Everything that is known of it.
        table: The series of its present structure.
        shown: Its states.
        activities: What its digital states did.
        fresh: Whether they may be shown.
        told: What it tells of itself, and when its schedules change.
        schedules: How many of those are the schedules.
        converted: Its states with a quantity, in base units.
        readings: Which names hold of its named states.
        is_mode_unknown: Whether its operating mode has no name.
        failed: Whether a bug has cost some of it.
    """

    state: MiniserverState
    table: SeriesTable
    shown: States
    activities: Activities
    fresh: bool
    told: tuple[Told, ...] = ()
    schedules: int = 0
    converted: Converted = field(factory=dict)
    readings: Readings = field(factory=dict)
    is_mode_unknown: bool = False
    failed: bool = False

    @property
    def values(self) -> Mapping[StateUuid, float]:
        """The numbers that came."""
        return self.shown.values

    @property
    def texts(self) -> Mapping[StateUuid, str]:
        """The texts that came."""
        return self.shown.texts

    @property
    def unknown_codes(self) -> int:
        """How many states hold a code or bit without a name."""
        readings = chain.from_iterable(self.readings.values())
        unknown = sum(not reading.is_known for _, reading in readings)
        return unknown + self.is_mode_unknown

    def exported(self, config: MetricsConfig) -> int:
        """How many controls have at least one sample of a state."""
        return self.extent(config).controls

    def extent(self, config: MetricsConfig) -> Extent:
        """How much of it is shown."""
        if not self.fresh:
            return Extent()
        table, values = self.table, self.values
        # Of which control each sample of a state is, by its index.
        converted = chain.from_iterable(self.converted.values())
        samples = [series.control for series, _ in converted]
        for series, reading in chain.from_iterable(self.readings.values()):
            samples += [series.control] * len(reading.keys)
        if config.control_value:
            samples += [series.control for series in table.values if series.uuid in values]
        if config.activations:
            samples += active_controls(self.activities, table)
        if config.text_values:
            samples += [series.control for series in table.texts if series.uuid in self.texts]
        others = len(table.controls) + len(table.nodes) + self.schedules
        return Extent(len(set(samples)), len(samples) + others)


@define
class ShownMiniserver:
    """A Miniserver's state and the series that its present structure gives rise to.

    Attributes:
        state: What is known of it.
        room: Tells how many series it may have.
        registry: Its names, over changes of the structure.
    """

    state: MiniserverState
    room: Callable[[ShownMiniserver], int]
    registry: NameRegistry = field(factory=NameRegistry)
    _structure: Structure | None = None
    _table: SeriesTable | None = _EMPTY
    _faults: set[str] = field(factory=set)

    @property
    def size(self) -> int:
        """How many series it has, with values or without."""
        return self._table.size if self._table else 0

    def snapshot(self, plan: Plan, now: float) -> Snapshot:
        """What it has to show; a bug costs the part where it is, and is logged once."""
        table, state, shown = self.table(plan), self.state, self.state.shown
        fresh = state.is_fresh(plan.metrics.stale_after)
        structure = state.structure if fresh else None
        series = table if table is not None and fresh else _EMPTY

        def tell_of_itself() -> tuple[Told, ...]:
            return tuple(tell(structure, shown, plan)) if structure else ()

        def tell_of_schedules() -> tuple[Told, ...]:
            zone = find_zone(structure, shown.texts) if structure else None
            return tuple(tell_schedules(series.schedules, shown, zone, now))

        told = self._guarded("what it tells of itself", tell_of_itself)
        changes = self._guarded("its schedules", tell_of_schedules)
        converted = self._guarded("its quantities", lambda: _convert(series, shown.values))
        readings = self._guarded("its named states", lambda: _read_named(series, shown))
        return Snapshot(
            state,
            table or _EMPTY,
            shown,
            state.activities,
            fresh,
            (*(told or ()), *(changes or ())),
            len(changes or ()),
            converted or {},
            readings or {},
            is_mode_unknown=structure is not None and has_unknown_mode(structure, shown, plan),
            failed=any(part is None for part in (table, told, changes, converted, readings)),
        )

    def _guarded(self, what: str, work: Callable[[], _Part]) -> _Part | None:
        try:
            return work()
        except Exception as error:  # one house's odd state must not cost the others
            fault = f"{what}: {error!r}"
            if fault not in self._faults and len(self._faults) < _FAULTS_LOGGED:
                self._faults.add(fault)
                _logger.exception("cannot show %s of %s", what, self.state.name)
            return None

    def table(self, plan: Plan) -> SeriesTable | None:
        """The series; None where a bug kept them from being made, which is logged once."""
        for _ in self.steps(plan):
            pass
        return self._table

    def steps(self, plan: Plan) -> Iterator[None]:
        """Make the series of the present structure, if that is not done, with pauses."""
        # In a pause, another scrape may have done the same, there may be a newer structure, or
        # another Miniserver may have taken the room.
        while (structure := self.state.structure) is not None and structure is not self._structure:
            table = None
            try:
                table = yield from build_series_in_steps(
                    structure,
                    miniserver=self.state.name,
                    registry=self.registry,
                    plan=plan,
                    room=self.room(self),
                )
            except Exception:  # one house's odd structure must not cost the others
                _logger.exception("cannot make series of the structure of %s", self.state.name)
            is_present = structure is self.state.structure and structure is not self._structure
            if is_present and (table is None or table.size <= self.room(self)):
                self._structure, self._table = structure, table
                self._report(plan)

    def _report(self, plan: Plan) -> None:
        """Log what the present structure lacks series of."""
        table = self._table or _EMPTY
        for labels in table.duplicates[:_DUPLICATES_LOGGED]:
            _logger.warning("left out a series whose labels are those of another: %s", labels)
        if table.excess:
            _logger.warning(
                "left out %d series of %s: all Miniservers together would have more than "
                "[metrics] max_series = %d; raise that, or leave out what you do not need by "
                "[filter]",
                table.excess,
                self.state.name,
                plan.metrics.max_series,
            )


def _convert(table: SeriesTable, values: Mapping[StateUuid, float]) -> Converted:
    return {
        family: [
            (typed.series, value) for typed in series if (value := typed.value(values)) is not None
        ]
        for family, series in table.typed.items()
    }


def _read_named(table: SeriesTable, states: States) -> Readings:
    return {
        family: [
            (named.series, reading)
            for named in series
            if (reading := named.read(states)) is not None
        ]
        for family, series in table.named.items()
    }
