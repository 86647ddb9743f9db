"""Whole sessions with a simulated Miniserver, in simulated time."""

from __future__ import annotations

import logging
import math
from typing import Any

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from loxone_exporter.errors import FailureReason, RejectedError
from loxone_exporter.loxone.uuids import StateUuid
from loxone_exporter.miniserver.supervisor import _Attempt
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.simulator.profiles import PROFILES
from loxone_exporter.state import ConnectionState, MiniserverState
from loxone_exporter.stop import StopRequest
from support.exporters import (
    DEVICE,
    STOP_BUDGET,
    Exporter,
    add_miniserver,
    not_on_the_list,
    secrets_of,
    sent,
    wait_for,
    wait_until_connected,
)
from support.memory_network import LIGHT, PASSWORD, TEMPERATURE, MemoryNetwork


def is_collecting(state: MiniserverState) -> bool:
    return state._dump is not None


def values(state: MiniserverState) -> dict[StateUuid, float]:
    return dict(state.values)


async def test_values_arrive_and_follow_the_house(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    state = exporter.start()
    await wait_for(state, ConnectionState.CONNECTED)
    await trio.sleep(1)
    assert house.house.values == values(state)

    await house.publish({LIGHT: 1.0, TEMPERATURE: 21.25})
    await trio.sleep(0.1)
    assert {LIGHT: 1.0, TEMPERATURE: 21.25} == values(state)
    assert 0.0 <= await exporter.end() < 1.0


async def test_states_that_did_not_all_come_are_not_kept_after_the_session(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    house: SimulatedMiniserver,
) -> None:
    network.latency = 0.5
    state = exporter.start()
    with trio.fail_after(60):
        while not is_collecting(state):
            await trio.sleep(0.05)
    await house.drop_sessions()
    await wait_for(state, ConnectionState.BACKOFF)
    assert not is_collecting(state)
    await wait_until_connected(state)
    await trio.sleep(1)
    assert house.house.values == values(state)


async def test_a_stop_leaves_no_token_behind(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    state = exporter.start()
    await wait_for(state, ConnectionState.CONNECTED)
    assert len(house.tokens) == 1
    await exporter.end()
    assert {} == dict(house.tokens)
    assert ConnectionState.DISCONNECTED is state.connection


async def test_only_reading_commands_are_sent(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    state = exporter.start()
    await wait_for(state, ConnectionState.CONNECTED)
    await trio.sleep(300)
    await exporter.end()
    assert [] == not_on_the_list(house)
    assert 11 == len(sent(house, "keepalive"))


async def test_what_would_give_the_password_away_is_encrypted(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    state = exporter.start()
    await wait_for(state, ConnectionState.CONNECTED)
    await exporter.end()
    plain = {
        command.text.split("/")[2]
        for command in house.received
        if not command.encrypted and command.text.startswith("jdev/sys")
    }
    assert {"getPublicKey", "keyexchange", "date", "time"} == plain
    assert not any(command.text.startswith("auth") for command in house.received)
    assert not any(PASSWORD in command.text for command in house.received)


async def test_a_quiet_house_stays_connected_for_a_day(
    autojump_clock: MockClock,
    exporter: Exporter,
    house: SimulatedMiniserver,
    network: MemoryNetwork,
) -> None:
    state = exporter.start()
    await wait_for(state, ConnectionState.CONNECTED)
    attempts = len(network.connections)
    await trio.sleep(86_400)
    assert state.connected
    assert attempts == len(network.connections)


async def test_a_mute_miniserver_is_noticed_within_a_minute(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    state = exporter.start()
    await wait_for(state, ConnectionState.CONNECTED)
    await trio.sleep(10)
    house.faults.mute_after = 0
    with trio.fail_after(60):
        while state.connected:
            await trio.sleep(0.1)
    house.faults.mute_after = None
    await wait_for(state, ConnectionState.CONNECTED)


@pytest.mark.parametrize("answered", range(9))
async def test_a_miniserver_that_falls_mute_at_any_step_delays_neither_retry_nor_stop(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver, answered: int
) -> None:
    house.faults.mute_after = answered
    state = exporter.start()
    await trio.sleep(5)
    assert await exporter.end() < STOP_BUDGET

    exporter.stop = StopRequest()
    state = exporter.start()
    await trio.sleep(20)
    house.faults.mute_after = None
    await wait_for(state, ConnectionState.CONNECTED)


async def test_a_lost_connection_comes_back_with_the_values_of_the_meantime(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    state = exporter.start()
    await wait_for(state, ConnectionState.CONNECTED)
    await house.drop_sessions()
    await wait_for(state, ConnectionState.BACKOFF)
    house.house.values[TEMPERATURE] = -3.5
    lost = trio.current_time()
    await wait_for(state, ConnectionState.CONNECTED)
    await trio.sleep(0.1)
    assert state.values[TEMPERATURE] == -3.5
    assert trio.current_time() - lost < 2.5


async def test_values_of_a_lost_miniserver_go_stale_although_it_still_shakes_hands(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    state = exporter.start()
    await wait_for(state, ConnectionState.CONNECTED)
    await house.drop_sessions()
    lost = trio.current_time()
    while trio.current_time() - lost < 290:
        house.faults.mute_after = len(house.received) + 3
        await trio.sleep(5)
        assert state.silence() < 60
    assert state.is_fresh(300)
    await trio.sleep(20)
    assert not state.is_fresh(300)
    assert state.is_fresh(math.inf)


async def test_a_wrong_password_is_not_tried_often_enough_to_be_locked_out(
    autojump_clock: MockClock,
    exporter: Exporter,
    house: SimulatedMiniserver,
    caplog: pytest.LogCaptureFixture,
) -> None:
    state = exporter.start(password="wrong")
    await trio.sleep(86_400)
    logins = [command for command in house.received if "getjwt" in command.text]
    assert ConnectionState.REJECTED is state.connection
    assert 24 <= len(logins) <= 30
    assert "user or password is wrong" in caplog.text
    assert "locked out" not in caplog.text


async def test_a_corrected_miniserver_is_logged_in_to_after_a_rejection(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    house.faults.reject_logins = True
    state = exporter.start()
    await wait_for(state, ConnectionState.REJECTED)
    house.faults.reject_logins = False
    rejected = trio.current_time()
    await wait_for(state, ConnectionState.CONNECTED, within=500)
    assert 300 <= trio.current_time() - rejected <= 361


async def test_a_lock_out_is_waited_for_in_full(
    autojump_clock: MockClock, exporter: Exporter, network: MemoryNetwork
) -> None:
    house = add_miniserver(network, profile=evolve(DEVICE, ban_failures=1, ban_life=400.0))
    stranger = Exporter(exporter._nursery, network)
    stranger.start(password="wrong")
    await trio.sleep(1)
    await stranger.end()

    state = exporter.start()
    await wait_for(state, ConnectionState.LOCKED_OUT)
    before = len(house.received)
    locked_out = trio.current_time()
    await wait_for(state, ConnectionState.CONNECTED, within=500)
    assert 395 <= trio.current_time() - locked_out <= 441
    assert [] == [c for c in house.received[before:] if "keyexchange" in c.text][1:]


async def test_a_booting_miniserver_is_asked_gently(
    autojump_clock: MockClock,
    exporter: Exporter,
    house: SimulatedMiniserver,
    network: MemoryNetwork,
) -> None:
    house.faults.booting = True
    state = exporter.start()
    await trio.sleep(120)
    attempts = network.attempts("home.test")
    assert 5 <= len(attempts) <= 16
    assert ["jdev/cfg/api"] * len(attempts) == sent(house)
    house.faults.booting = False
    await wait_for(state, ConnectionState.CONNECTED)
    assert trio.current_time() < 120 + 37


async def test_a_closed_port_is_asked_gently(
    autojump_clock: MockClock, exporter: Exporter, network: MemoryNetwork
) -> None:
    exporter.start()
    await trio.sleep(600)
    # One knock at each of the two ports, in pauses that grow to half a minute.
    assert 20 <= network.ports().count(80) <= 45
    assert network.ports().count(80) == network.ports().count(443)


@pytest.mark.parametrize(
    "rubbish",
    [
        b"",
        b"\x00" * 1000,
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}",
        b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere.test/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2_000_000,
        b'HTTP/1.1 200 OK\r\n\r\n{"LL": {"Code": "200", "value": "{}"}}',
        b'HTTP/1.1 200 OK\r\n\r\n{"LL": {"Code": "200", "value": "[[["}}',
    ],
)
async def test_rubbish_in_place_of_a_miniserver_is_retried(
    autojump_clock: MockClock,
    exporter: Exporter,
    house: SimulatedMiniserver,
    network: MemoryNetwork,
    rubbish: bytes,
    caplog: pytest.LogCaptureFixture,
) -> None:
    house.faults.answer_with = rubbish
    state = exporter.start()
    await trio.sleep(300)
    assert 10 <= state.link.failures.total() <= 25
    assert {"home.test"} == {host for host, _ in network.connections}
    assert "Traceback" not in caplog.text
    house.faults.answer_with = None
    await wait_for(state, ConnectionState.CONNECTED)


async def test_one_miniservers_trouble_disturbs_no_other(
    autojump_clock: MockClock, exporter: Exporter, network: MemoryNetwork
) -> None:
    healthy, broken, mute = (add_miniserver(network, name) for name in ("a", "b", "c"))
    broken.faults.answer_with = b"rubbish"
    mute.faults.mute_after = 4
    state = exporter.start("a")
    exporter.start("b")
    exporter.start("c")
    exporter.start("nobody-there")
    await wait_for(state, ConnectionState.CONNECTED)
    for number in range(600):
        await healthy.publish({TEMPERATURE: float(number)})
        await trio.sleep(1)
        assert state.values[TEMPERATURE] == number
    assert 1 == state.link.sessions
    assert 2 == len(network.attempts("a.test"))
    assert await exporter.end() < STOP_BUDGET


async def test_a_bug_costs_its_session_only_and_is_told_with_its_traceback(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    house = add_miniserver(network, "a")
    add_miniserver(network, "b")
    state, other = exporter.start("a"), exporter.start("b")
    await wait_for(state, ConnectionState.CONNECTED)
    await wait_for(other, ConnectionState.CONNECTED)
    attempts = len(network.attempts("b.test"))
    with monkeypatch.context() as patch:

        def stumble(*_: object) -> None:
            raise ZeroDivisionError("planted")

        patch.setattr(MiniserverState, "apply_values", stumble)
        await house.publish({TEMPERATURE: 1.0})
        await wait_for(state, ConnectionState.BACKOFF)
    # What a bug says may be anything, and is not for everybody.
    last = state.link.last_failure
    assert last is not None
    assert (FailureReason.BUG, "a bug ended the session") == (last.reason, last.text)
    await wait_for(state, ConnectionState.CONNECTED)
    assert attempts == len(network.attempts("b.test"))
    record = next(record for record in caplog.records if record.levelno == logging.ERROR)
    assert record.exc_info is not None
    assert "planted" in caplog.text


async def test_a_bug_beside_a_failure_is_counted_and_paced_as_a_bug() -> None:
    async def session() -> None:
        await trio.lowlevel.checkpoint()
        raise ExceptionGroup("", [ZeroDivisionError("planted"), RejectedError("planted")])

    attempt = _Attempt()
    await attempt.run(session)
    assert None is attempt.verdict
    assert isinstance(attempt.failure, RejectedError)


@pytest.mark.parametrize("nth", range(4, 16))
async def test_a_stop_is_not_followed_by_a_new_step_of_the_session(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    caplog: pytest.LogCaptureFixture,
    nth: int,
) -> None:
    caplog.set_level(logging.INFO)
    house = add_miniserver(network)
    network.latency = 0.15
    state = exporter.start()
    while len(house.received) < nth and not state.connected:
        await trio.sleep(0.02)
    was_connected = state.connected
    subscriptions = len(sent(house, "enablebinstatusupdate"))
    structures = len(sent(house, "LoxAPP3.json"))
    under_way = state.connection
    await exporter.end()
    assert was_connected == ("connected" in [record.message for record in caplog.records])
    if under_way is ConnectionState.DISCOVERING:
        assert subscriptions == len(sent(house, "enablebinstatusupdate"))
    if under_way is ConnectionState.AUTHENTICATING:
        assert structures == len(sent(house, "LoxAPP3.json"))


@pytest.mark.parametrize("verify", [True, False])
async def test_it_is_told_that_certificates_are_not_verified(
    autojump_clock: MockClock,
    exporter: Exporter,
    house: SimulatedMiniserver,
    caplog: pytest.LogCaptureFixture,
    *,
    verify: bool,
) -> None:
    await wait_until_connected(exporter.start(tls_verify=verify))
    assert verify == ("tls_verify = false: whoever answers" not in caplog.text)


async def test_a_stop_ends_each_kind_of_waiting(
    autojump_clock: MockClock, exporter: Exporter, network: MemoryNetwork
) -> None:
    async def swallow(_stream: trio.abc.Stream) -> None:
        await trio.sleep_forever()

    network.hosts["hole.test"] = swallow
    rejecting = add_miniserver(network, "rejecting")
    rejecting.faults.reject_logins = True
    states = [exporter.start(name) for name in ("hole", "rejecting", "nobody-there")]
    await trio.sleep(100)
    assert await exporter.end() < STOP_BUDGET
    assert {ConnectionState.DISCONNECTED} == {state.connection for state in states}


async def test_a_dead_address_is_given_up_and_a_stop_does_not_wait_for_it(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried = []

    async def never(self: MemoryNetwork, address: object) -> trio.abc.Stream:
        tried.append(trio.current_time())
        await trio.sleep_forever()
        raise AssertionError

    monkeypatch.setattr(MemoryNetwork, "connect", never)
    state = exporter.start()
    await trio.sleep(33)
    assert len(tried) >= 3
    assert state.tried
    assert await exporter.end() < 0.2


@pytest.mark.parametrize(
    "profile",
    [
        {"firmware": "9.1.10.30"},
        {"firmware": "10.1.12.5"},
        {"firmware": "10.3.11.25"},
        {"firmware": "12.2.11.5", "codes": "strings"},
        {"codes": "numbers"},
        {"structure_identifier": 0},
        {"structure_identifier": 0, "structure_binary": True},
        {"structure_binary": True, "structure_estimated": False},
        {"tables_before_answer": True},
        {"values_per_table": 1},
        {"strict_salts": True},
        {"generation": 2},
    ],
    ids=str,
)
async def test_every_kind_of_miniserver_is_understood(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    profile: dict[str, Any],
) -> None:
    house = add_miniserver(network, profile=evolve(DEVICE, **profile))
    state = exporter.start()
    with trio.fail_after(5):
        await wait_for(state, ConnectionState.CONNECTED)
    await trio.sleep(1)
    assert house.house.values == values(state)
    await exporter.end()
    assert {} == dict(house.tokens)


async def test_wrong_lengths_in_headers_lose_nothing(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    house.faults.length_mismatch = True
    state = exporter.start()
    await wait_for(state, ConnectionState.CONNECTED)
    await trio.sleep(1)
    assert house.house.values == values(state)


@pytest.mark.parametrize("count", [1, 23])
async def test_remainders_of_tables_are_counted_and_lose_nothing(
    autojump_clock: MockClock,
    exporter: Exporter,
    house: SimulatedMiniserver,
    count: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    house.faults.table_remainder = count
    house.house.texts[LIGHT] = "on"
    state = exporter.start()
    await wait_for(state, ConnectionState.CONNECTED)
    await trio.sleep(1)
    assert house.house.values == values(state)
    assert {LIGHT: "on"} == state.texts
    assert 2 == state.undecodable_messages
    assert "dropped the end of a message; further ones of this session" in caplog.text
    # However many there are: what is read of them makes sense.
    for number in range(300):
        await house.publish({TEMPERATURE: float(number)})
    await trio.sleep(1)
    assert 299.0 == state.values[TEMPERATURE]
    assert None is not state.last_update
    assert 302 == state.undecodable_messages
    assert {} == state.link.failures


@pytest.mark.parametrize("profile", ["gen1-8", "gen1-10.2", "gen1-16"])
async def test_texts_that_nobody_asked_for_do_no_harm(
    autojump_clock: MockClock, exporter: Exporter, network: MemoryNetwork, profile: str
) -> None:
    house = add_miniserver(network, profile=PROFILES[profile])
    house.faults.unasked_texts = True
    state = exporter.start()
    await wait_for(state, ConnectionState.CONNECTED, within=5)
    await trio.sleep(3600)
    assert house.house.values == values(state)
    assert {} == state.link.failures
    assert 1 == state.link.sessions
    await exporter.end()
    assert {} == dict(house.tokens)


async def test_no_secret_reaches_the_log(
    autojump_clock: MockClock,
    exporter: Exporter,
    house: SimulatedMiniserver,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    state = exporter.start()
    await wait_for(state, ConnectionState.CONNECTED)
    tokens = list(house.tokens)
    await house.drop_sessions(4003, "temporarily blocked (70)")
    await wait_for(state, ConnectionState.LOCKED_OUT)
    house.faults.reject_logins = True
    await wait_for(state, ConnectionState.REJECTED, within=100)
    await exporter.end()
    secrets = secrets_of(house, *tokens)
    assert len(secrets) >= 5
    assert [] == [secret for secret in secrets if secret in caplog.text]


@pytest.mark.parametrize("profile", [{}, {"structure_identifier": 0}], ids=str)
@pytest.mark.parametrize("moment", [0.1 + 0.15 * step for step in range(27)])
async def test_a_stop_at_any_moment_leaves_no_token_behind(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    profile: dict[str, Any],
    moment: float,
) -> None:
    house = add_miniserver(network, profile=evolve(DEVICE, **profile))
    network.latency = 0.15
    state = exporter.start()
    await trio.sleep(moment)
    assert await exporter.end() < STOP_BUDGET
    assert {} == dict(house.tokens)
    assert ConnectionState.DISCONNECTED is state.connection


async def test_the_moments_of_the_test_above_reach_every_state(
    autojump_clock: MockClock, exporter: Exporter, network: MemoryNetwork
) -> None:
    add_miniserver(network)
    network.latency = 0.15
    state = exporter.start()
    seen = set()
    for _ in range(27):
        await trio.sleep(0.15)
        seen.add(state.connection)
    assert {
        ConnectionState.CONNECTING,
        ConnectionState.AUTHENTICATING,
        ConnectionState.DISCOVERING,
        ConnectionState.SUBSCRIBING,
        ConnectionState.CONNECTED,
    } == seen


async def test_values_that_are_not_sent_anew_do_not_rise_from_the_dead(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    state = exporter.start()
    await wait_for(state, ConnectionState.CONNECTED)
    assert {TEMPERATURE, LIGHT} == state.values.keys()
    del house.house.values[LIGHT]
    await house.drop_sessions()
    await wait_for(state, ConnectionState.BACKOFF)
    await wait_for(state, ConnectionState.CONNECTED)
    assert {TEMPERATURE} == state.values.keys()


async def test_the_initial_tables_are_shown_whole_or_not_at_all(
    autojump_clock: MockClock, exporter: Exporter, network: MemoryNetwork
) -> None:
    house = add_miniserver(network, profile=evolve(DEVICE, values_per_table=1))
    state = exporter.start()
    await wait_for(state, ConnectionState.CONNECTED)
    before = dict(state.values)
    network.latency = 0.2
    await house.drop_sessions()
    await wait_for(state, ConnectionState.BACKOFF)
    house.house.values.update({TEMPERATURE: -1.0, LIGHT: -2.0})
    shown = []
    with trio.fail_after(60):
        while not state.connected:
            shown.append(dict(state.values))
            await trio.sleep(0.05)
    assert all(before == values for values in shown)
    assert {TEMPERATURE: -1.0, LIGHT: -2.0} == state.values
