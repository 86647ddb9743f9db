"""How families about Miniservers are begun: each has the label `miniserver` first."""

from __future__ import annotations

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily


def gauge(name: str, documentation: str, *labels: str) -> GaugeMetricFamily:
    """A gauge for each Miniserver, with further labels if there are any."""
    return GaugeMetricFamily(name, documentation, labels=("miniserver", *labels))


def counter(name: str, documentation: str, *labels: str) -> CounterMetricFamily:
    """A counter, likewise; the name goes without the `_total` that its samples end with."""
    return CounterMetricFamily(name, documentation, labels=("miniserver", *labels))


def info(name: str, documentation: str, *labels: str) -> InfoMetricFamily:
    """What is said in labels, likewise; the name goes without `_info`."""
    return InfoMetricFamily(name, documentation, labels=("miniserver", *labels))
