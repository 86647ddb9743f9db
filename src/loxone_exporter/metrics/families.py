"""How families about Miniservers are begun: each has the label `miniserver` first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from attrs import define, field, frozen
from prometheus_client import Metric
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.utils import floatToGoString

from loxone_exporter.histogram import Histogram


def gauge(name: str, documentation: str, *labels: str) -> GaugeMetricFamily:
    """A gauge for each Miniserver, with further labels if there are any."""
    return GaugeMetricFamily(name, documentation, labels=("miniserver", *labels))


def counter(name: str, documentation: str, *labels: str) -> CounterMetricFamily:
    """A counter, likewise; the name goes without the `_total` that its samples end with."""
    return CounterMetricFamily(name, documentation, labels=("miniserver", *labels))


def info(name: str, documentation: str, *labels: str) -> InfoMetricFamily:
    """What is said in labels, likewise; the name goes without `_info`."""
    return InfoMetricFamily(name, documentation, labels=("miniserver", *labels))


def histogram(name: str, documentation: str, *labels: str) -> HistogramMetricFamily:
    """A histogram, likewise."""
    return HistogramMetricFamily(name, documentation, labels=("miniserver", *labels))


def add_histogram(
    family: HistogramMetricFamily, labels: Sequence[str], durations: Histogram
) -> None:
    """Add what was counted to a family of histograms.

    Args:
        family: Where to.
        labels: Values of the family's labels.
        durations: What was counted.
    """
    buckets = [(_written(bound), float(count)) for bound, count in durations.buckets()]
    family.add_metric(labels, buckets, durations.sum)


def _written(bound: float) -> str:
    text: str = floatToGoString(bound)  # type: ignore[no-untyped-call]  # upstream has no types here
    return text


@define(eq=False)
class MergedFamilies:
    """Families that were made for one Miniserver after the other, each in one piece."""

    _by_name: dict[str, Metric] = field(factory=dict)

    def add(self, families: Iterable[Metric]) -> None:
        """Put the samples of families behind those that they have already."""
        for family in families:
            known = self._by_name.setdefault(family.name, family)
            if known is not family:
                known.samples += family.samples

    def __iter__(self) -> Iterator[Metric]:
        """All of them, in the order in which they came first."""
        return iter(self._by_name.values())


@frozen
class Heading:
    """How a family begins that is there only if a Miniserver has something to tell.

    Attributes:
        name: The family's; without the `_info` that samples of information end with.
        documentation: What it holds.
        labels: Those beside `miniserver`.
        is_info: Whether it is information, and otherwise a gauge.
    """

    name: str
    documentation: str
    labels: tuple[str, ...] = ()
    is_info: bool = False


@frozen
class Told:
    """One thing that a Miniserver tells of itself: a sample, but for its label `miniserver`.

    Attributes:
        heading: The family.
        labels: Values of the family's labels, without the first.
        value: The number; 1 of information.
    """

    heading: Heading
    labels: tuple[str, ...] = ()
    value: float = 1.0


def told_families(told: Iterable[tuple[str, Iterable[Told]]]) -> Iterator[Metric]:
    """The families of what Miniservers tell, in the order of their names; none without samples.

    Args:
        told: Names of Miniservers, with what each of them tells.
    """
    gauges: dict[Heading, GaugeMetricFamily] = {}
    infos: dict[Heading, InfoMetricFamily] = {}
    for name, things in told:
        for thing in things:
            heading, labels = thing.heading, (name, *thing.labels)
            start = heading.name, heading.documentation, *heading.labels
            if heading.is_info:
                if heading not in infos:
                    infos[heading] = info(*start)
                infos[heading].add_metric(labels, {})
            else:
                if heading not in gauges:
                    gauges[heading] = gauge(*start)
                gauges[heading].add_metric(labels, thing.value)
    yield from sorted((*gauges.values(), *infos.values()), key=lambda family: family.name)
