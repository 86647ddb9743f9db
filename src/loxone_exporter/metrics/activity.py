"""The families of what digital states did between two scrapes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import Metric

from loxone_exporter.activity import Activities, Activity
from loxone_exporter.metrics.series import Series, SeriesTable
from loxone_exporter.metrics.written import Row, WrittenFamily
from loxone_exporter.state import MiniserverState


_FAMILIES = 2

Houses = Sequence[tuple[MiniserverState, Activities, SeriesTable]]
"""Miniservers whose values may be shown, what their states did, and their series.

The second is not asked of the first: amid a scrape, another structure may take the place of the one
that the series are of.
"""


def activity_families(houses: Houses) -> Iterator[Metric]:
    """How often digital states came on, and how long they were on."""

    def activations() -> Iterator[tuple[Row, float]]:
        for _, activities, table in houses:
            for series, activity in _seen(activities, table.counted):
                yield series, activity.rises
            for series, activity in _seen(activities, table.counted_inverted):
                yield series, activity.falls

    def on_seconds() -> Iterator[tuple[Row, float]]:
        for state, activities, table in houses:
            until = state.observed_until()
            for series, activity in _seen(activities, table.counted):
                yield series, activity.seconds_on(until)
            for series, activity in _seen(activities, table.counted_inverted):
                yield series, activity.seconds_off(until)

    yield WrittenFamily(
        "loxone_control_activations",
        "How often a digital state became yes while the exporter was connected, pulses between two "
        "scrapes included; the first value after a connection does not count.",
        "counter",
        rows=activations,
    )
    yield WrittenFamily(
        "loxone_control_on_seconds",
        "How long a digital state was yes while the exporter was connected.",
        "counter",
        rows=on_seconds,
        unit="seconds",
    )


def active_controls(activities: Activities, table: SeriesTable) -> list[int]:
    """Of which control each sample in these families is, by its index."""
    counted = (*table.counted, *table.counted_inverted)
    return [series.control for series, _ in _seen(activities, counted)] * _FAMILIES


def _seen(activities: Activities, counted: Iterable[Series]) -> Iterator[tuple[Series, Activity]]:
    """The series whose states had a value, and what those did."""
    find = activities.by_uuid.get
    for series in counted:
        activity = find(series.uuid)
        if activity is not None and activity.since is not None:
            yield series, activity
