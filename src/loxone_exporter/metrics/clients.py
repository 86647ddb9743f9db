"""Families about the clients of the HTTP server."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from loxone_exporter.clients import Clients, CutOff


def client_families(clients: Clients) -> Iterator[Metric]:
    """All families about connections, whatever the Miniservers do."""
    yield GaugeMetricFamily(
        "loxone_exporter_connections",
        "Connections of HTTP clients that are open, with that of this scrape.",
        value=clients.connected,
    )
    yield CounterMetricFamily(
        "loxone_exporter_connections_refused",
        "Connections of HTTP clients that were closed at once, because `max_connections` were "
        "open.",
        value=clients.refused,
    )
    cut_off = CounterMetricFamily(
        "loxone_exporter_connections_cut_off",
        "Connections of HTTP clients that were ended, by reason: no whole request came in time "
        "(slow_request), an answer was not read in time (unread_answer), it was the slowest "
        "reader when unread answers took too much memory (memory), or its host had the most "
        "when `max_connections` were open and another host wanted one (crowd).",
        labels=("reason",),
    )
    for reason in CutOff:
        cut_off.add_metric((reason.value,), clients.cut_off[reason])
    yield cut_off
