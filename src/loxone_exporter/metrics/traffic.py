"""Families about what comes from each Miniserver: how much, how fast, and what is of no use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client import Metric

from loxone_exporter.metrics.families import add_histogram, counter, gauge, histogram
from loxone_exporter.state import MiniserverState


def traffic_families(states: Sequence[MiniserverState]) -> Iterator[Metric]:
    """All of them, in one piece each, for every Miniserver."""
    yield from _event_families(states)
    yield from _pace_families(states)
    yield from _loss_families(states)


def _event_families(states: Sequence[MiniserverState]) -> Iterator[Metric]:
    received = counter(
        "loxone_exporter_received_bytes",
        "Bytes of the Miniserver's WebSocket, keepalives included; with TLS, what was in it.",
    )
    events = counter(
        "loxone_exporter_events",
        "States that the Miniserver told: all of them when a connection begins, then each that "
        "changes. If it grows much faster than it did, something in the house changes all the "
        "time.",
        "kind",
    )
    unknown = counter(
        "loxone_exporter_unknown_events",
        "Those of the events whose state is nowhere in the structure file. Many of them are "
        "normal: a Miniserver tells more than it describes. Where values are missing, see which "
        "rooms and categories the user may see.",
    )
    for state in states:
        counts = state.events
        received.add_metric((state.name,), state.link.received_bytes)
        for kind, count in (
            ("value", counts.values),
            ("text", counts.texts),
            ("daytimer", counts.daytimers),
            ("weather", counts.weather),
        ):
            events.add_metric((state.name, kind), count)
        unknown.add_metric((state.name,), counts.unknown)
    yield from (received, events, unknown)


def _pace_families(states: Sequence[MiniserverState]) -> Iterator[Metric]:
    queued = gauge(
        "loxone_exporter_queued_messages",
        "Messages that came and that nobody has looked at yet, 5 at most. If it is not 0 most of "
        "the time, this process is too slow: see loxone_exporter_event_loop_lag_seconds.",
    )
    round_trips = histogram(
        "loxone_exporter_keepalive_round_trip_seconds",
        "How long the Miniserver took to answer a keepalive; those that it did not answer within "
        "15 s are in the last bucket. If it gets slow, the network or the Miniserver is busy.",
    )
    for state in states:
        queued.add_metric((state.name,), state.link.queued_messages())
        add_histogram(round_trips, (state.name,), state.link.round_trips)
    yield from (queued, round_trips)


def _loss_families(states: Sequence[MiniserverState]) -> Iterator[Metric]:
    undecodable = counter(
        "loxone_exporter_undecodable_messages",
        "Messages of the Miniserver that could not be read, or not to their end, or are of a kind "
        "that nobody knows; the log shows the first of each session, to be reported. An answer "
        "that cannot be read ends its session, with the reason protocol.",
    )
    non_finite = counter(
        "loxone_exporter_non_finite_values",
        "Values that were no numbers or infinite, and are not exported: look for a division by "
        "zero or a broken sensor in Loxone Config.",
    )
    for state in states:
        undecodable.add_metric((state.name,), state.undecodable_messages)
        non_finite.add_metric((state.name,), state.non_finite_values)
    yield from (undecodable, non_finite)
