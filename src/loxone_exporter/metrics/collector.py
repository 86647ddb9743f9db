"""The Miniservers' state as families, made anew for each scrape.

One collector for all Miniservers, families outermost: the exposition format wants each family in
one piece. What one Miniserver's series are is computed before anything is handed out, so that a
fault there costs that Miniserver its samples, and not everybody the scrape.
"""

from __future__ import annotations

import os
import time
from collections.abc import (
    Callable,
    Collection,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from functools import partial
from itertools import chain

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from loxone_exporter.config.model import Config, MetricsConfig
from loxone_exporter.metrics.activity import activity_families
from loxone_exporter.metrics.build import build_info
from loxone_exporter.metrics.families import MergedFamilies, gauge, told_families
from loxone_exporter.metrics.link import link_families
from loxone_exporter.metrics.names import NameRegistry
from loxone_exporter.metrics.places import Plan
from loxone_exporter.metrics.quantities import Family
from loxone_exporter.metrics.series import PLAIN_VALUE
from loxone_exporter.metrics.share import Share
from loxone_exporter.metrics.snapshots import ShownMiniserver, Snapshot
from loxone_exporter.metrics.traffic import traffic_families
from loxone_exporter.metrics.vitals import vitals_families
from loxone_exporter.metrics.written import Row, WrittenFamily, state_rows
from loxone_exporter.state import MiniserverState
from loxone_exporter.vitals import Vitals


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
        self._miniservers: list[ShownMiniserver] = []
        self.replace(config, states)

    def show(self, plan: Plan, states: Iterable[MiniserverState]) -> None:
        """Show other Miniservers from now on, or the same ones in another way.

        A scrape that has begun comes to its end as it was. Controls of a Miniserver that stays keep
        the names that they have.
        """
        self._plan = plan
        registries = {miniserver.state: miniserver.registry for miniserver in self._miniservers}
        shown: list[ShownMiniserver] = []
        # A scrape that is under way has its own, which take no room from these, nor these from it.
        room = partial(_room, shown, plan.metrics.max_series)
        shown += (
            ShownMiniserver(state, room, registries.get(state) or NameRegistry())
            for state in states
        )
        self._miniservers = shown

    def replace(self, config: Config, states: Iterable[MiniserverState]) -> None:
        """Likewise, as a configuration says."""
        self.show(Plan.compile(config.metrics, config.filter, config.override), states)

    def describe(self) -> Iterable[Metric]:
        """Name nothing beforehand: which families there are is known at the scrape."""
        return ()

    def collect(self, miniservers: Collection[str] = ()) -> Iterator[Metric]:
        """Make the families of one scrape without a pause."""
        return (family for family in self.families(miniservers) if family is not None)

    def families(self, miniservers: Collection[str] = ()) -> Iterator[Metric | None]:
        """Make the families of one scrape; the last one tells how long the others took.

        What is about one Miniserver is taken at one moment, but for its values, which are those of
        the moment when they are written.

        Args:
            miniservers: Names of those that are wanted, and nothing but what is about them; none
                for everything.

        Yields:
            A family; or None between two steps of a few milliseconds, where other tasks may have
            their turn.
        """
        started = time.perf_counter()
        metrics = self._plan.metrics
        # Those of now, too: whether a configuration is in use is told with what it shows.
        own = [] if miniservers else [build_info(os.environ), *vitals_families(self._vitals)]
        snapshots: list[Snapshot] = []
        about_them = MergedFamilies()
        for snapshot in self._in_steps(miniservers):
            if snapshot is not None:
                snapshots.append(snapshot)
                about_them.add(_families_about(snapshot, metrics))
                self._scrape_errors += snapshot.failed
            yield None
        yield from own
        yield from about_them
        yield from told_families((snapshot.state.name, snapshot.told) for snapshot in snapshots)
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

    def exported_controls(self) -> Generator[None, None, Mapping[str, int]]:
        """For each Miniserver, how many controls have a sample right now; in such steps."""
        metrics = self._plan.metrics
        exported = {}
        for snapshot in self._in_steps():
            if snapshot is not None:
                exported[snapshot.state.name] = snapshot.exported(metrics)
            yield
        return exported

    def shares(self, names: Collection[str]) -> Iterator[Share | None]:
        """What Miniservers have in a scrape that takes place now, one after the other.

        Args:
            names: Of which Miniservers.

        Yields:
            A share; or None between two steps.
        """
        metrics = self._plan.metrics
        for snapshot in self._in_steps(names):
            if snapshot is None:
                yield None
                continue
            told = told_families([(snapshot.state.name, snapshot.told)])
            yield Share(
                snapshot.state,
                snapshot.fresh,
                snapshot.table.discovered,
                snapshot.exported(metrics),
                [*_control_families([snapshot], metrics), *told],
            )

    def _in_steps(self, wanted: Collection[str] = ()) -> Iterator[Snapshot | None]:
        """Snapshots of Miniservers, and None between the steps of making their series."""
        # Another configuration counts from the next scrape on.
        plan, now = self._plan, self._now()
        for miniserver in self._miniservers:
            if wanted and miniserver.state.name not in wanted:
                continue
            yield from miniserver.steps(plan)
            # There is no step in between: these are the series of the structure that is shown.
            yield miniserver.snapshot(plan, now)


def _room(shown: Iterable[ShownMiniserver], limit: int, miniserver: ShownMiniserver) -> int:
    """How many series a Miniserver may have: what the others leave of the limit.

    Args:
        shown: All Miniservers.
        limit: How many series all of them may have.
        miniserver: One of them.
    """
    return max(0, limit - sum(other.size for other in shown if other is not miniserver))


def _families_about(snapshot: Snapshot, metrics: MetricsConfig) -> Iterator[Metric]:
    """What is known of one Miniserver, but for its controls."""
    yield from link_families([snapshot.state])
    yield from traffic_families([snapshot.state])
    yield from _structure_families([snapshot], metrics)


def _control_families(snapshots: Iterable[Snapshot], metrics: MetricsConfig) -> Iterator[Metric]:
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
        yield from activity_families(
            [(snapshot.state, snapshot.activities, snapshot.table) for snapshot in fresh]
        )
    if metrics.quantities:
        yield _nodes(fresh)
        yield from _typed_families(fresh)
    if metrics.text_values:
        yield _texts(fresh, metrics.text_max_length)


def _structure_families(snapshots: list[Snapshot], config: MetricsConfig) -> Iterator[Metric]:
    discovered = gauge("loxone_exporter_controls_discovered", "Controls in the structure file.")
    exported = gauge(
        "loxone_exporter_controls_exported", "Controls with at least one value in this scrape."
    )
    series = gauge(
        "loxone_exporter_series",
        "Series of controls in this scrape: which house takes how much room in Prometheus.",
    )
    excess = gauge(
        "loxone_exporter_excess_series",
        "Series of controls that are left out, with values or without, because there would be more "
        "than [metrics] max_series: raise that, or leave out what you do not need by [filter].",
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
        extent = snapshot.extent(config)
        exported.add_metric(name, extent.controls)
        series.add_metric(name, extent.series)
        excess.add_metric(name, snapshot.table.excess)
        renamed.add_metric(name, snapshot.table.renamed)
        problems.add_metric(name, snapshot.table.problems)
        unknown.add_metric(name, snapshot.table.unknown)
        codes.add_metric(name, snapshot.unknown_codes)
        duplicates.add_metric(name, len(snapshot.table.duplicates))
    yield from (discovered, exported, series, excess)
    yield from (renamed, problems, unknown, codes, duplicates)


def _values(snapshots: Sequence[Snapshot]) -> Metric:
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


def _nodes(snapshots: Sequence[Snapshot]) -> Metric:
    return WrittenFamily(
        "loxone_energy_flow_node",
        "What the nodes of an energy flow monitor are: name and role of each power in the families "
        "loxone_power_flow_node_….",
        "info",
        rows=lambda: ((row, 1.0) for snapshot in snapshots for row in snapshot.table.nodes),
    )


def _typed_families(snapshots: Sequence[Snapshot]) -> Iterator[Metric]:
    """Families by quantity and unit, and those of named states, in the order of their names."""
    tables = [snapshot.table for snapshot in snapshots]
    makers = {family: _typed for table in tables for family in table.typed}
    makers |= {family: _named for table in tables for family in table.named}
    for family in sorted(makers, key=lambda family: family.name):
        yield makers[family](family, snapshots)


def _typed(family: Family, snapshots: Sequence[Snapshot]) -> Metric:
    return WrittenFamily(
        family.name,
        family.help,
        family.type,
        rows=lambda: chain.from_iterable(
            snapshot.converted.get(family, ()) for snapshot in snapshots
        ),
        unit=family.metadata_unit,
    )


def _named(family: Family, snapshots: Sequence[Snapshot]) -> Metric:
    def rows() -> Iterator[tuple[Row, float]]:
        for snapshot in snapshots:
            for series, (keys, holding, _) in snapshot.readings.get(family, ()):
                for place, row in enumerate(state_rows(series, keys)):
                    yield row, 1.0 if place in holding else 0.0

    return WrittenFamily(family.name, family.help, family.type, rows=rows)


def _texts(snapshots: Sequence[Snapshot], max_length: int) -> Metric:
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
