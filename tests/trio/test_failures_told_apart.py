"""Each failure has its own reason, its own words and its own pause."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from loxone_exporter.errors import FailureReason
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.simulator.profiles import PROFILES
from loxone_exporter.state import ConnectionState
from support.exporters import (
    DEVICE,
    STOP_BUDGET,
    Exporter,
    add_miniserver,
    secrets_of,
    wait_until_connected,
)
from support.memory_network import MemoryNetwork


Event = Callable[[SimulatedMiniserver], Awaitable[None]]

BACKOFF, REJECTED = ConnectionState.BACKOFF, ConnectionState.REJECTED
LOCKED_OUT = ConnectionState.LOCKED_OUT
TROUBLE = (0.5, 1.0)
WAITING_TO_LOG_IN = {
    "rejected",
    "locked_out",
    "user_disabled",
    "insecure_login",
    "token_expired",
    "login_timeout",
}
SPARED_PASSWORD = {"token_expired", "login_timeout"}
FOR_THE_OWNER = {"rejected", "user_disabled", "identity"}
PAUSE = re.compile(r"; trying again in (\d+|[01]\.\d) s(?:;|$)")


# What is wrong from the start; how the configuration and the device differ; and what comes of it.
@pytest.mark.parametrize(
    ("faults", "config", "profile", "reason", "state", "pause", "words"),
    [
        pytest.param(faults, config, profile, reason, state, pause, words, id=f"{reason}-{words}")
        for faults, config, profile, reason, state, pause, words in [
            ({}, {"host": "nowhere"}, {}, "unreachable", BACKOFF, TROUBLE, "cannot be reached"),
            (
                {"redirect": "https://elsewhere.test/"},
                {"tls": "off"},
                {},
                "tls",
                BACKOFF,
                (30, 36),
                "is not followed",
            ),
            (
                {"serial": "504F94FFFFFF"},
                {"serial": "504F94D0E0DE"},
                {},
                "identity",
                BACKOFF,
                (300, 360),
                "expected is 504F94D0E0DE",
            ),
            (
                {"reject_logins": True},
                {},
                {},
                "rejected",
                REJECTED,
                (300, 360),
                "password is wrong",
            ),
            (
                {"reject_logins": True},
                {},
                {"closes_rejected_logins": True},
                "rejected",
                REJECTED,
                (300, 360),
                "code 401",
            ),
            (
                {"close_login": 1000},
                {},
                {},
                "rejected",
                REJECTED,
                (300, 360),
                "closed in answer to the login",
            ),
            ({"locked_out": 38}, {}, {}, "locked_out", LOCKED_OUT, (60, 66), "failed logins: 38 s"),
            ({"locked_out": 500}, {}, {}, "locked_out", LOCKED_OUT, (500, 550), "500 s"),
            ({"login_code": 429}, {}, {}, "locked_out", LOCKED_OUT, (300, 330), "code 429"),
            ({"login_code": 423}, {}, {}, "user_disabled", REJECTED, (3600, 4320), "is disabled"),
            ({"no_event_slots": True}, {}, {}, "busy", BACKOFF, (60, 72), "hasEventSlots"),
            ({"close_subscription": 4008}, {}, {}, "busy", BACKOFF, (60, 72), "4008"),
            ({"no_connections": True}, {}, {}, "busy", BACKOFF, (60, 72), "no connection left"),
            ({"booting": True}, {}, {}, "booting", BACKOFF, (5, 6), "starting"),
            (
                {"login_code": 477},
                {},
                {},
                "token_expired",
                BACKOFF,
                (300, 300),
                "is not valid any more",
            ),
            (
                {"answer_delay": 0.6},
                {},
                {"login_limit": 1.0},
                "login_timeout",
                BACKOFF,
                (60, 60),
                "the login took too long",
            ),
            ({"invalid_utf8_structure": True}, {}, {}, "bad_text", BACKOFF, (5, 6), "no UTF-8"),
            ({"answer_with": b"?"}, {}, {}, "connection_lost", BACKOFF, TROUBLE, "/jdev/cfg/api"),
            (
                {"answer_with": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"},
                {},
                {},
                "protocol",
                BACKOFF,
                TROUBLE,
                "no Miniserver",
            ),
            (
                {"oversize_frame": True},
                {},
                {},
                "silent",
                BACKOFF,
                TROUBLE,
                "did not come to an end",
            ),
            ({"truncated_structure": True}, {}, {}, "protocol", BACKOFF, TROUBLE, "is broken"),
            ({"mute_after": 0}, {}, {}, "silent", BACKOFF, TROUBLE, "no answer to /jdev/cfg/api"),
            (
                {"mute_after": 3},
                {},
                {},
                "silent",
                BACKOFF,
                TROUBLE,
                "no answer to the key exchange",
            ),
            (
                {},
                {},
                {"firmware": "8.1.11.11", "encryption": False},
                "insecure_login",
                REJECTED,
                (300, 360),
                "allow_legacy_login",
            ),
        ]
    ],
)
async def test_failures_of_a_beginning(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    caplog: pytest.LogCaptureFixture,
    faults: dict[str, Any],
    config: dict[str, Any],
    profile: dict[str, Any],
    reason: str,
    state: ConnectionState,
    pause: tuple[float, float],
    words: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    house = add_miniserver(network, profile=evolve(DEVICE, **profile))
    for name, value in faults.items():
        setattr(house.faults, name, value)
    miniserver = exporter.start(**config)
    with trio.fail_after(60):
        while not miniserver.link.failures:
            await trio.sleep(0.01)
    assert {FailureReason(reason): 1} == miniserver.link.failures
    assert state is miniserver.connection
    check(caplog, reason, pause, words)
    assert (reason in WAITING_TO_LOG_IN) == (miniserver.link.login_retry is not None)
    last = miniserver.link.last_failure
    assert last is not None
    assert (FailureReason(reason), True) == (last.reason, words in last.text)
    assert pause[0] - 0.5 <= last.retry - last.time <= pause[1] + 0.5
    assert await exporter.end() < STOP_BUDGET
    said = caplog.text + last.text
    assert [] == [secret for secret in secrets_of(house) if secret in said]


async def close(house: SimulatedMiniserver, code: int, reason: str = "") -> None:
    await house.drop_sessions(code, reason)


async def forget_tokens(house: SimulatedMiniserver) -> None:
    await trio.lowlevel.checkpoint()
    house.forget_tokens()


async def reboot(house: SimulatedMiniserver) -> None:
    with trio.move_on_after(0.1):
        await house.reboot()


async def update(house: SimulatedMiniserver) -> None:
    with trio.move_on_after(0.1):
        await house.update()


async def fall_mute(house: SimulatedMiniserver) -> None:
    house.faults.mute_after = 0
    await trio.sleep(50)


@pytest.mark.parametrize(
    ("event", "reason", "state", "pause", "words"),
    [
        (
            SimulatedMiniserver.drop_sessions,
            "connection_lost",
            BACKOFF,
            TROUBLE,
            "connection broke",
        ),
        (lambda house: close(house, 1001), "connection_lost", BACKOFF, TROUBLE, "1001"),
        (forget_tokens, "connection_lost", BACKOFF, TROUBLE, "1000 normally closed"),
        (fall_mute, "silent", BACKOFF, TROUBLE, "no answer to a keepalive"),
        (SimulatedMiniserver.restart, "out_of_service", BACKOFF, (5, 6), "goes out of service"),
        (reboot, "out_of_service", BACKOFF, (5, 6), "goes out of service"),
        (update, "updating", BACKOFF, (60, 72), "an update is running"),
        (lambda house: close(house, 1007), "bad_text", BACKOFF, (5, 6), "a text was no UTF-8"),
        (
            lambda house: close(house, 4003, "temporarily blocked (108)"),
            "locked_out",
            LOCKED_OUT,
            (108, 119),
            "blocked (108)",
        ),
        (
            lambda house: close(house, 4003, "temporarily blocked"),
            "locked_out",
            LOCKED_OUT,
            (600, 660),
            "blocked",
        ),
        (
            SimulatedMiniserver.change_another_user,
            "user_changed",
            BACKOFF,
            TROUBLE,
            "a user was changed",
        ),
        (
            SimulatedMiniserver.change_user,
            "user_changed",
            BACKOFF,
            TROUBLE,
            "this user was changed",
        ),
        (
            SimulatedMiniserver.disable_user,
            "user_disabled",
            REJECTED,
            (3600, 4320),
            "the user is disabled",
        ),
        (lambda house: close(house, 4008), "busy", BACKOFF, (60, 72), "no further client"),
        (lambda house: close(house, 1002), "protocol", BACKOFF, TROUBLE, "protocol was broken"),
    ],
)
async def test_failures_of_a_session(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    caplog: pytest.LogCaptureFixture,
    event: Event,
    reason: str,
    state: ConnectionState,
    pause: tuple[float, float],
    words: str,
) -> None:
    house = add_miniserver(network)
    miniserver = exporter.start()
    await wait_until_connected(miniserver)
    await event(house)
    with trio.fail_after(60):
        while not miniserver.link.failures:
            await trio.sleep(0.01)
    assert FailureReason(reason) == next(iter(miniserver.link.failures))
    if event is not fall_mute:
        assert state is miniserver.connection
    check(caplog, reason, pause, words)
    assert await exporter.end() < STOP_BUDGET


def check(
    caplog: pytest.LogCaptureFixture, reason: str, pause: tuple[float, float], words: str
) -> None:
    record = next(record for record in caplog.records if PAUSE.search(record.message))
    assert words in record.message
    assert reason == record.__dict__["reason"]
    told = PAUSE.search(record.message)
    assert told is not None
    # Told in whole seconds, but for short ones.
    assert pause[0] - 0.5 <= float(told[1]) <= pause[1] + 0.5
    assert told[1] != "0"
    assert ("does not lock this address out" in record.message) == (reason in SPARED_PASSWORD)
    is_told_of_restart = "a restart of the exporter, tries at once" in record.message
    assert is_told_of_restart == (reason in FOR_THE_OWNER)


async def test_old_firmware_of_the_shelf_is_no_failure(
    autojump_clock: MockClock, exporter: Exporter, network: MemoryNetwork
) -> None:
    add_miniserver(network, profile=PROFILES["gen1-8"])
    state = await exporter.connect()
    assert 0 == state.link.failures.total()
