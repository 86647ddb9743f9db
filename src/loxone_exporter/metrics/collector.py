"""The Miniservers' state as families, made anew for each scrape.

One collector for all Miniservers, families outermost: the exposition format wants each family in
one piece. What one Miniserver's series are is computed before anything is handed out, so that a
fault there costs that Miniserver its samples, and not everybody the scrape.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TypeVar

from attrs import define, field, frozen
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

from loxone_exporter import __version__
from loxone_exporter.config.model import Config, MetricsConfig
from loxone_exporter.loxone.structure import Structure
from loxone_exporter.loxone.times import find_zone
from loxone_exporter.loxone.uuids import StateUuid
from loxone_exporter.metrics.activity import active_controls, activity_families
from loxone_exporter.metrics.families import Told, counter, gauge, told_families
from loxone_exporter.metrics.link import link_families
from loxone_exporter.metrics.members import Reading
from loxone_exporter.metrics.miniserver import has_unknown_mode, tell
from loxone_exporter.metrics.names import NameRegistry
from loxone_exporter.metrics.places import Plan
from loxone_exporter.metrics.quantities import Family
from loxone_exporter.metrics.schedules import tell_schedules
from loxone_exporter.metrics.series import (
    PLAIN_VALUE,
    Series,
    SeriesTable,
    build_series_in_steps,
)
from loxone_exporter.metrics.vitals import vitals_families
from loxone_exporter.metrics.written import Row, WrittenFamily, state_rows
from loxone_exporter.state import MiniserverState, States
from loxone_exporter.vitals import Vitals


_logger = logging.getLogger(__name__)

_EMPTY = SeriesTable()
_DUPLICATES_LOGGED = 10
_FAULTS_LOGGED = 10

_Part = TypeVar("_Part")


Readings = Mapping[Family, Sequence[tuple[Series, Reading]]]
"""What holds of each state whose codes or bits have names, where anything is known."""


@frozen
class _Snapshot:
    """What one Miniserver has to show in one scrape.

    The values are those of one initial dump and what followed it: another dump that is completed
    while this scrape is written does not show in it.
    """

    state: MiniserverState
    table: SeriesTable
    shown: States
    fresh: bool
    told: tuple[Told, ...] = ()
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
        if not self.fresh:
            return 0
        shown = {series.control for series, _ in chain.from_iterable(self.readings.values())}
        if config.control_value:
            shown |= {series.control for series in self.table.values if series.uuid in self.values}
        else:
            shown |= {
                typed.series.control
                for typed in chain.from_iterable(self.table.typed.values())
                if typed.value(self.values) is not None
            }
        if config.activations:
            shown |= active_controls(self.state, self.table)
        if config.text_values:
            shown |= {series.control for series in self.table.texts if series.uuid in self.texts}
        return len(shown)


@define
class _Miniserver:
    """A Miniserver's state and the series that its present structure gives rise to."""

    state: MiniserverState
    registry: NameRegistry = field(factory=NameRegistry)
    _structure: Structure | None = None
    _table: SeriesTable | None = _EMPTY
    _faults: set[str] = field(factory=set)

    def snapshot(self, plan: Plan, now: float) -> _Snapshot:
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
        readings = self._guarded("its named states", lambda: _read_named(series, shown))
        return _Snapshot(
            state,
            table or _EMPTY,
            shown,
            fresh,
            (*(told or ()), *(changes or ())),
            readings or {},
            is_mode_unknown=structure is not None and has_unknown_mode(structure, shown, plan),
            failed=any(part is None for part in (table, told, changes, readings)),
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
        structure = self.state.structure
        if structure is None or structure is self._structure:
            return
        table = None
        try:
            table = yield from build_series_in_steps(
                structure, miniserver=self.state.name, registry=self.registry, plan=plan
            )
        except Exception:  # one house's odd structure must not cost the others
            _logger.exception("cannot make series of the structure of %s", self.state.name)
        # In a pause, another scrape may have done the same, or there may be a newer structure.
        if structure is not self._structure and structure is self.state.structure:
            self._structure, self._table = structure, table
            for labels in table.duplicates[:_DUPLICATES_LOGGED] if table else ():
                _logger.warning("left out a series whose labels are those of another: %s", labels)


def _read_named(table: SeriesTable, states: States) -> Readings:
    return {
        family: [
            (named.series, reading)
            for named in series
            if (reading := named.read(states)) is not None
        ]
        for family, series in table.named.items()
    }


class LoxoneCollector(Collector):
    """All families of Loxone Miniservers, and those about the exporter's work for them."""

    def __init__(
        self,
        config: Config,
        states: Iterable[MiniserverState],
        *,
        vitals: Vitals | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._now = now
        self._vitals = vitals or Vitals()
        self._scrape_errors = 0
        self._miniservers: list[_Miniserver] = []
        self.replace(config, states)

    def replace(self, config: Config, states: Iterable[MiniserverState]) -> None:
        """Show other Miniservers from now on, or the same ones in another way.

        A scrape that has begun comes to its end as it was. Controls of a Miniserver that stays keep
        the names that they have.
        """
        self._plan = Plan.compile(config.metrics, config.filter, config.override)
        registries = {miniserver.state: miniserver.registry for miniserver in self._miniservers}
        self._miniservers = [
            _Miniserver(state, registries.get(state) or NameRegistry()) for state in states
        ]

    def describe(self) -> Iterable[Metric]:
        """Name nothing beforehand: which families there are is known at the scrape."""
        return ()

    def collect(self, miniservers: Collection[str] = ()) -> Iterator[Metric]:
        """Make the families of one scrape; the last one tells how long the others took.

        Args:
            miniservers: Names of those that are wanted, and nothing but what is about them; none
                for everything.
        """
        started = time.perf_counter()
        metrics = self._plan.metrics
        snapshots = list(self._snapshots(miniservers))
        self._scrape_errors += sum(snapshot.failed for snapshot in snapshots)
        if not miniservers:
            yield _build_info()
            yield from vitals_families(self._vitals)
        yield from link_families([snapshot.state for snapshot in snapshots])
        yield from told_families((snapshot.state.name, snapshot.told) for snapshot in snapshots)
        yield from _structure_families(snapshots, metrics)
        yield from _error_families(snapshots)
        yield from _control_families(snapshots, metrics)
        if not miniservers:
            yield CounterMetricFamily(
                "loxone_exporter_scrape_errors",
                "Scrapes that lack the series of a Miniserver because of a bug; see the log.",
                value=self._scrape_errors,
            )
            yield GaugeMetricFamily(
                "loxone_exporter_scrape_duration_seconds",
                "Time that this scrape took, but for sending it.",
                value=time.perf_counter() - started,
            )

    def pending(self) -> Iterator[None]:
        """Make the series of structures that are new, in steps of a few milliseconds.

        That takes a while in a large house: whoever cares for other tasks lets them have their turn
        between the steps. A scrape makes what is left.
        """
        for miniserver in self._miniservers:
            yield from miniserver.steps(self._plan)

    def exported_controls(self) -> Mapping[str, int]:
        """For each Miniserver, how many controls have a sample right now."""
        metrics = self._plan.metrics
        return {snapshot.state.name: snapshot.exported(metrics) for snapshot in self._snapshots()}

    def _snapshots(self, wanted: Collection[str] = ()) -> Iterator[_Snapshot]:
        now = self._now()
        for miniserver in self._miniservers:
            if wanted and miniserver.state.name not in wanted:
                continue
            yield miniserver.snapshot(self._plan, now)


def _control_families(snapshots: Iterable[_Snapshot], metrics: MetricsConfig) -> Iterator[Metric]:
    fresh = [snapshot for snapshot in snapshots if snapshot.fresh]
    yield WrittenFamily(
        "loxone_control",
        "Controls of the structure file, without their sub-controls.",
        "info",
        rows=lambda: ((row, 1.0) for snapshot in fresh for row in snapshot.table.controls),
    )
    if metrics.control_value:
        yield _values(fresh)
    if metrics.activations:
        yield from activity_families([(snapshot.state, snapshot.table) for snapshot in fresh])
    if metrics.quantities:
        yield _nodes(fresh)
        yield from _typed_families(fresh)
    if metrics.text_values:
        yield _texts(fresh, metrics.text_max_length)


def _build_info() -> Metric:
    return InfoMetricFamily(
        "loxone_exporter_build",
        "What this exporter was built from.",
        value={"version": __version__, "commit": "unknown", "build_date": "unknown"},
    )


def _structure_families(snapshots: list[_Snapshot], config: MetricsConfig) -> Iterator[Metric]:
    discovered = gauge("loxone_exporter_controls_discovered", "Controls in the structure file.")
    exported = gauge(
        "loxone_exporter_controls_exported", "Controls with at least one value in this scrape."
    )
    renamed = gauge(
        "loxone_exporter_controls_renamed",
        "Controls and sub-controls that carry their UUID in their name, because another one has "
        "the same name, room, category and type.",
    )
    problems = gauge(
        "loxone_exporter_structure_problems",
        "Entries of the structure file that make no sense; see the log.",
    )
    unknown = gauge(
        "loxone_exporter_unknown_states",
        "States that nobody knows, with their plain value only; `loxone-exporter discover` lists "
        "them, to be reported.",
    )
    codes = gauge(
        "loxone_exporter_unknown_codes",
        "States that hold a code or bit without a name, so that their family of named states shows "
        "none that holds; `loxone-exporter discover` shows them, to be reported.",
    )
    duplicates = gauge(
        "loxone_exporter_duplicate_series",
        "Series that are left out because another one has the same labels.",
    )
    for snapshot in snapshots:
        name = (snapshot.state.name,)
        discovered.add_metric(name, snapshot.table.discovered)
        exported.add_metric(name, snapshot.exported(config))
        renamed.add_metric(name, snapshot.table.renamed)
        problems.add_metric(name, snapshot.table.problems)
        unknown.add_metric(name, snapshot.table.unknown)
        codes.add_metric(name, snapshot.unknown_codes)
        duplicates.add_metric(name, len(snapshot.table.duplicates))
    yield from (discovered, exported, renamed, problems, unknown, codes, duplicates)


def _error_families(snapshots: list[_Snapshot]) -> Iterator[Metric]:
    undecodable = counter(
        "loxone_exporter_undecodable_messages",
        "Messages of the Miniserver that do not follow the protocol.",
    )
    non_finite = counter(
        "loxone_exporter_non_finite_values",
        "Values that were no numbers or infinite, and are not exported.",
    )
    for state in (snapshot.state for snapshot in snapshots):
        undecodable.add_metric((state.name,), state.undecodable_messages)
        non_finite.add_metric((state.name,), state.non_finite_values)
    yield from (undecodable, non_finite)


def _values(snapshots: Sequence[_Snapshot]) -> Metric:
    def rows() -> Iterator[tuple[Row, float]]:
        for snapshot in snapshots:
            known = snapshot.values.get
            for series in snapshot.table.values:
                value = known(series.uuid)
                if value is not None:
                    yield series, value

    return WrittenFamily(
        PLAIN_VALUE,
        "Every number as the Miniserver sends it, in whatever unit and with whatever number means "
        "that there is no value; the label subcontrol names the state.",
        "gauge",
        rows=rows,
    )


def _nodes(snapshots: Sequence[_Snapshot]) -> Metric:
    return WrittenFamily(
        "loxone_energy_flow_node",
        "What the nodes of an energy flow monitor are: name and role of each power in the families "
        "loxone_power_flow_node_….",
        "info",
        rows=lambda: ((row, 1.0) for snapshot in snapshots for row in snapshot.table.nodes),
    )


def _typed_families(snapshots: Sequence[_Snapshot]) -> Iterator[Metric]:
    """Families by quantity and unit, and those of named states, in the order of their names."""
    tables = [snapshot.table for snapshot in snapshots]
    makers = {family: _typed for table in tables for family in table.typed}
    makers |= {family: _named for table in tables for family in table.named}
    for family in sorted(makers, key=lambda family: family.name):
        yield makers[family](family, snapshots)


def _typed(family: Family, snapshots: Sequence[_Snapshot]) -> Metric:
    def rows() -> Iterator[tuple[Row, float]]:
        for snapshot in snapshots:
            values = snapshot.values
            for typed in snapshot.table.typed.get(family, ()):
                value = typed.value(values)
                if value is not None:
                    yield typed.series, value

    return WrittenFamily(
        family.name,
        family.help,
        family.type,
        rows=rows,
        unit=family.metadata_unit,
    )


def _named(family: Family, snapshots: Sequence[_Snapshot]) -> Metric:
    def rows() -> Iterator[tuple[Row, float]]:
        for snapshot in snapshots:
            for series, (keys, holding, _) in snapshot.readings.get(family, ()):
                for place, row in enumerate(state_rows(series, keys)):
                    yield row, 1.0 if place in holding else 0.0

    return WrittenFamily(family.name, family.help, family.type, rows=rows)


def _texts(snapshots: Sequence[_Snapshot], max_length: int) -> Metric:
    def rows() -> Iterator[tuple[Row, float]]:
        for snapshot in snapshots:
            for series in snapshot.table.texts:
                text = snapshot.texts.get(series.uuid)
                if text is not None:
                    yield series.extended("value", text[:max_length]), 1.0

    return WrittenFamily(
        "loxone_control_text",
        "Texts as the Miniserver sends them, cut off at the configured length.",
        "info",
        rows=rows,
    )
