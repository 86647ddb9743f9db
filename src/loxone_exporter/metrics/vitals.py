"""Families about the exporter itself, whatever it is connected to."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

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
