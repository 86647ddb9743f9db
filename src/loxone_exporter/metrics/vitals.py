"""Families about the exporter itself, whatever it is connected to."""

from __future__ import annotations

from collections.abc import Iterator

import trio
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily

from loxone_exporter.config.shard import Shard
from loxone_exporter.metrics.clients import client_families
from loxone_exporter.metrics.families import add_histogram
from loxone_exporter.vitals import Vitals


def vitals_families(vitals: Vitals) -> Iterator[Metric]:
    """All families about the exporter itself."""
    yield GaugeMetricFamily("loxone_exporter_up", "The exporter runs.", value=1)
    yield GaugeMetricFamily(
        "loxone_exporter_config_last_reload_successful",
        "The configuration in use is the one that was read last (1), or what was read last has "
        "mistakes (0): the log has all of them, and so has `loxone-exporter check`.",
        value=vitals.is_configuration_current,
    )
    yield GaugeMetricFamily(
        "loxone_exporter_config_last_reload_success_timestamp_seconds",
        "When the configuration in use was read.",
        value=vitals.configured_at,
    )
    yield from _shard_families(vitals.shard)
    yield GaugeMetricFamily(
        "loxone_exporter_web_certificate_not_after_timestamp_seconds",
        "Until when the certificate is valid that the exporter itself shows by TLS; absent where "
        "it has none.",
        value=vitals.web_certificate_not_after,
    )
    yield from _event_loop_families(vitals)
    yield from client_families(vitals.clients)


def _shard_families(shard: Shard) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "loxone_exporter_shards",
        "How many exporters share the Miniservers of the configuration, by [shard] count.",
        value=shard.count,
    )
    yield GaugeMetricFamily(
        "loxone_exporter_miniservers",
        "How many Miniservers this exporter looks after.",
        value=shard.taken,
    )
    yield GaugeMetricFamily(
        "loxone_exporter_miniservers_configured",
        "How many Miniservers the configuration has, with those of other shards: all exporters "
        "that share it should look after as many together.",
        value=shard.configured,
    )


def _event_loop_families(vitals: Vitals) -> Iterator[Metric]:
    lag = HistogramMetricFamily(
        "loxone_exporter_event_loop_lag_seconds",
        "How late a task ran that is due each second: so long do events and scrapes have to wait, "
        "too. If it is often above 0.1 s, this process needs more CPU.",
    )
    add_histogram(lag, (), vitals.event_loop_lag)
    yield lag
    yield GaugeMetricFamily(
        "loxone_exporter_tasks",
        "Tasks that are alive: some for each Miniserver and for each HTTP client. If it only ever "
        "grows, that is a fault of this program: please report it.",
        value=trio.lowlevel.current_statistics().tasks_living,
    )
