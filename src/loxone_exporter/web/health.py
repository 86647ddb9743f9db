"""Whether the exporter is alive, ready and healthy; pure functions of what is known."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Final

from loxone_exporter.state import MiniserverState


READY_AFTER: Final = 15.0
"""Seconds after which a Miniserver that does not answer is not waited for any longer."""

HEARTBEAT_LIMIT: Final = 30.0
"""Seconds without a heartbeat after which the event loop counts as stuck."""


class Status(enum.StrEnum):
    """Health of the whole, for people and monitors."""

    STARTING = enum.auto()
    HEALTHY = enum.auto()
    DEGRADED = enum.auto()
    UNHEALTHY = enum.auto()


def is_ready(states: Sequence[MiniserverState], *, uptime: float, stopping: bool) -> bool:
    """Whether a scrape would show what there is to see.

    Args:
        states: The Miniservers. Without any, as a shard may be, there is nothing to wait for.
        uptime: Seconds since the start.
        stopping: Whether the shutdown has begun.
    """
    if stopping:
        return False
    settled = all(state.structure is not None or state.tried for state in states)
    return settled or uptime >= READY_AFTER


def status(states: Sequence[MiniserverState]) -> Status:
    """Sum the Miniservers up; without any, as a shard may be, nothing is amiss."""
    connected = sum(state.connected for state in states)
    if connected == len(states):
        return Status.HEALTHY
    if not all(state.tried or state.connected for state in states):
        return Status.STARTING
    return Status.DEGRADED if connected else Status.UNHEALTHY


def report(
    states: Sequence[MiniserverState], exported: Mapping[str, int]
) -> dict[str, str | list[dict[str, object]]]:
    """The body of `/healthz`.

    Args:
        states: The Miniservers.
        exported: For each of them, how many controls have a sample now.
    """
    return {
        "status": status(states).value,
        "miniservers": [
            {
                "name": state.name,
                "connected": state.connected,
                "last_update": state.last_update,
                "controls_discovered": len(state.structure.controls) if state.structure else 0,
                "controls_exported": exported.get(state.name, 0),
            }
            for state in states
        ],
    }
