"""What is known of each Miniserver right now: written by its session, read by metrics and web."""

from loxone_exporter.state.link import (
    ConnectionState,
    Failure,
    LinkState,
    Security,
    no_messages,
)
from loxone_exporter.state.miniserver import MiniserverState
from loxone_exporter.state.states import EventCounts, States


__all__ = [
    "ConnectionState",
    "EventCounts",
    "Failure",
    "LinkState",
    "MiniserverState",
    "Security",
    "States",
    "no_messages",
]
