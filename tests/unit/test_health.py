from __future__ import annotations

import pytest

from loxone_exporter.state import ConnectionState, MiniserverState
from loxone_exporter.web.health import (
    HEARTBEAT_LIMIT,
    READY_AFTER,
    Status,
    is_ready,
    report,
    status,
)
from support.structures import control, structure


UNTRIED = MiniserverState(name="untried", connection=ConnectionState.CONNECTING)
FAILED = MiniserverState(name="failed", connection=ConnectionState.BACKOFF, tried=True)
CONNECTED = MiniserverState(name="connected", connection=ConnectionState.CONNECTED)
HOUSE = structure(control(1), control(2, parts=(control("part"),)))
DISCOVERED = MiniserverState(name="discovered", connection=ConnectionState.SUBSCRIBING)
DISCOVERED.replace_structure(HOUSE)
# Somebody who was there before and is now trying again.
AGAIN = MiniserverState(name="again", connection=ConnectionState.CONNECTING, tried=True)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([UNTRIED], Status.STARTING),
        ([UNTRIED, CONNECTED], Status.STARTING),
        ([UNTRIED, FAILED], Status.STARTING),
        ([DISCOVERED], Status.STARTING),
        ([CONNECTED], Status.HEALTHY),
        ([CONNECTED, CONNECTED], Status.HEALTHY),
        ([CONNECTED, FAILED], Status.DEGRADED),
        ([CONNECTED, AGAIN], Status.DEGRADED),
        ([FAILED], Status.UNHEALTHY),
        ([FAILED, AGAIN], Status.UNHEALTHY),
        ([], Status.HEALTHY),  # a shard that looks after none
    ],
)
def test_status_of_the_whole(states: list[MiniserverState], expected: Status) -> None:
    assert expected is status(states)


@pytest.mark.parametrize(
    ("states", "uptime", "expected"),
    [
        ([UNTRIED], 0.0, False),
        ([UNTRIED], 14.9, False),
        ([UNTRIED], 15.0, True),
        ([FAILED], 0.0, True),
        ([DISCOVERED], 0.0, True),
        ([DISCOVERED, FAILED], 0.0, True),
        ([DISCOVERED, UNTRIED], 14.9, False),
        ([], 0.0, True),  # likewise
    ],
)
def test_ready_when_there_is_something_to_see(
    states: list[MiniserverState], uptime: float, *, expected: bool
) -> None:
    assert expected == is_ready(states, uptime=uptime, stopping=False)


@pytest.mark.parametrize("uptime", [0.0, 1000.0])
def test_not_ready_once_the_shutdown_has_begun(uptime: float) -> None:
    assert not is_ready([DISCOVERED], uptime=uptime, stopping=True)


def test_limits_are_those_of_the_documentation() -> None:
    assert (15.0, 30.0) == (READY_AFTER, HEARTBEAT_LIMIT)


def test_report_of_each_miniserver() -> None:
    state = MiniserverState(
        name="home",
        connection=ConnectionState.CONNECTED,
        last_update=1767225600.5,
    )
    state.replace_structure(HOUSE)
    expected = {
        "status": "degraded",
        "miniservers": [
            {
                "name": "home",
                "connected": True,
                "last_update": 1767225600.5,
                "controls_discovered": 2,
                "controls_exported": 1,
            },
            {
                "name": "failed",
                "connected": False,
                "last_update": None,
                "controls_discovered": 0,
                "controls_exported": 0,
            },
        ],
    }
    assert expected == report([state, FAILED], {"home": 1})
