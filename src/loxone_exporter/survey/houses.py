"""The houses behind a configuration, each with what becomes of its controls."""

from __future__ import annotations

import logging

from attrs import evolve

from loxone_exporter.config.model import Config
from loxone_exporter.metrics.overrides import find_conflicts
from loxone_exporter.metrics.places import Plan
from loxone_exporter.miniserver.network import Connect, connect_tcp
from loxone_exporter.stop import StopRequest
from loxone_exporter.survey.discovery import discover, matched_overrides
from loxone_exporter.survey.report import House
from loxone_exporter.survey.shown import size_of, told_series
from loxone_exporter.survey.visit import visit_all


_logger = logging.getLogger(__name__)


async def discover_all(
    config: Config, *, connect: Connect = connect_tcp, stop: StopRequest | None = None
) -> list[House]:
    """Visit all Miniservers, and say what becomes of what is there.

    Args:
        config: Whom to visit, and what to export.
        connect: Opens connections; tests have one of their own.
        stop: Ends it early.
    """
    for conflict in find_conflicts(config.override):
        _logger.warning("%s", conflict)
    plan = Plan.compile(config.metrics, config.filter, config.override)
    room, houses = config.metrics.max_series, []
    for visit in await visit_all(config.miniservers, connect=connect, stop=stop):
        # What one takes, another one has not. In the exporter, who is connected first comes first.
        own = evolve(config, metrics=evolve(config.metrics, max_series=room))
        houses.append(
            House(
                visit.state.name,
                visit.failure,
                tuple(discover(visit.state, own)),
                matched_overrides(visit.state, plan),
                told_series(visit.state, config),
            )
        )
        room -= size_of(visit.state, own)
    return houses
