"""The life of a token: used, refreshed, lost, and killed."""

from __future__ import annotations

import logging
import time
from typing import Any

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from loxone_exporter.errors import FailureReason, MisbehaviourError
from loxone_exporter.loxone.replies import LOXONE_EPOCH
from loxone_exporter.miniserver import clock, conversation, structure_watch
from loxone_exporter.miniserver.supervisor import LEAVE
from loxone_exporter.simulator.accounts import Accounts
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.state import ConnectionState
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
from support.memory_network import MemoryNetwork


DAY = 86_400.0
HOUR = 3600.0


@pytest.fixture
def rare_keepalives(monkeypatch: pytest.MonkeyPatch) -> None:
    """Days pass in fewer steps."""
    monkeypatch.setattr(conversation, "KEEPALIVE_INTERVAL", DAY * 0.4)
    monkeypatch.setattr(structure_watch, "POLL_INTERVAL", DAY)
    monkeypatch.setattr(clock, "INTERVAL", DAY)


async def test_a_reconnect_takes_the_token_and_no_password(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    state = await exporter.connect()
    for _ in range(5):
        before = len(house.received)
        await house.drop_sessions()
        await wait_for(state, ConnectionState.BACKOFF)
        await wait_until_connected(state)
        # By their whole beginnings: a key exchange is random, and may have any letters in it.
        others = ("jdev/sys/getjwt/", "jdev/sys/refreshjwt/", "jdev/sys/getkey2/")
        assert [] == [text for text in sent(house, since=before) if text.startswith(others)]
        assert 1 == len(sent(house, "authwithtoken/", since=before))
        # The answer to the key exchange is a one-time key.
        assert [] == [text for text in sent(house, since=before) if text.endswith("getkey")]
    assert 1 == len(house.tokens)
    await exporter.end()
    assert {} == dict(house.tokens)


@pytest.mark.parametrize("code", [401, 477, 400, 500])
async def test_a_refused_token_gives_way_to_the_password_in_the_same_session(
    autojump_clock: MockClock,
    exporter: Exporter,
    house: SimulatedMiniserver,
    code: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    state = await exporter.connect()
    secrets = secrets_of(house)
    house.faults.token_code = code
    house.forget_tokens()
    await wait_for(state, ConnectionState.BACKOFF)
    await wait_until_connected(state, within=5)
    assert {FailureReason.CONNECTION_LOST: 1} == state.link.failures
    assert 1 == len(house.tokens)
    house.faults.token_code = None
    await exporter.end()
    assert {} == dict(house.tokens)
    assert [] == [secret for secret in secrets | secrets_of(house) if secret in caplog.text]


async def test_tokens_that_are_refused_time_and_again_are_not_reused_any_more(
    autojump_clock: MockClock,
    exporter: Exporter,
    house: SimulatedMiniserver,
    caplog: pytest.LogCaptureFixture,
) -> None:
    house.faults.token_code = 401
    state = exporter.start()
    for _ in range(20):
        await wait_until_connected(state)
        await house.drop_sessions()
        await wait_for(state, ConnectionState.BACKOFF)
    await wait_until_connected(state)
    # Each refusal is a failed login, of which five within a minute lock the address out.
    assert {FailureReason.CONNECTION_LOST: 20} == state.link.failures
    assert 2 == len(sent(house, "authwithtoken"))
    assert 1 == caplog.text.count("each login takes the password from now on")


async def test_where_tokens_are_not_reused_a_session_that_can_ends_its_own(
    autojump_clock: MockClock,
    exporter: Exporter,
    house: SimulatedMiniserver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house.faults.token_code = 401
    state = exporter.start()
    for _ in range(3):
        await wait_until_connected(state)
        await house.drop_sessions()
        await wait_for(state, ConnectionState.BACKOFF)
    house.faults.token_code = None
    before = len(house.tokens)

    async def stumble(_watch: structure_watch.StructureWatch) -> None:
        await trio.sleep(1)
        raise MisbehaviourError("planted, while the line works")

    monkeypatch.setattr(structure_watch.StructureWatch, "follow", stumble)
    await trio.sleep(60)
    await wait_for(state, ConnectionState.BACKOFF)
    assert len(sent(house, "killtoken")) >= 3
    assert before == len(house.tokens)


async def test_a_login_without_an_answer_may_leave_a_token_behind_and_this_is_told(
    autojump_clock: MockClock,
    exporter: Exporter,
    house: SimulatedMiniserver,
    caplog: pytest.LogCaptureFixture,
) -> None:
    house.faults.answer_delay = 2.0
    state = exporter.start()
    with trio.fail_after(60):
        while not sent(house, "getjwt"):
            await trio.sleep(0.05)
    assert await exporter.end() < STOP_BUDGET
    assert ConnectionState.DISCONNECTED is state.connection
    assert "left behind" in caplog.text


async def test_a_stop_that_finds_the_token_dead_tells_of_no_failure(
    autojump_clock: MockClock,
    exporter: Exporter,
    house: SimulatedMiniserver,
    caplog: pytest.LogCaptureFixture,
) -> None:
    state = await exporter.connect()
    await house.drop_sessions(4008)
    await wait_for(state, ConnectionState.BACKOFF)
    house.forget_tokens()
    caplog.clear()
    await exporter.end()
    assert [] == [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_session_closed_in_answer_to_the_token_makes_the_next_one_take_the_password(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    state = await exporter.connect()
    house.faults.close_login = 1000
    house.forget_tokens()
    await wait_for(state, ConnectionState.BACKOFF)
    with trio.fail_after(10):
        while state.link.failures.total() < 2:
            await trio.sleep(0.05)
    house.faults.close_login = None
    before = len(house.received)
    await wait_until_connected(state, within=10)
    assert [] == sent(house, "authwithtoken", since=before)
    assert {FailureReason.CONNECTION_LOST: 2} == state.link.failures


async def test_a_token_that_is_never_answered_is_given_up(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    state = await exporter.connect()
    house.faults.close_login = 1001
    house.forget_tokens()
    await wait_for(state, ConnectionState.BACKOFF)
    with trio.fail_after(120):
        while len(sent(house, "authwithtoken")) < 2:
            await trio.sleep(0.05)
    house.faults.close_login = None
    await wait_until_connected(state, within=60)
    assert 2 == len(sent(house, "authwithtoken"))
    assert 2 == len(sent(house, "getjwt"))


@pytest.mark.parametrize(
    ("firmware", "verb"), [("16.1.11.6", "refreshjwt"), ("10.1.12.5", "refreshtoken")]
)
@pytest.mark.usefixtures("rare_keepalives")
async def test_a_hundred_days_leave_one_token_and_a_stop_none(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    firmware: str,
    verb: str,
) -> None:
    profile = evolve(DEVICE, firmware=firmware, idle_limit=DAY)
    house = add_miniserver(network, profile=profile)
    state = await exporter.connect()
    for _ in range(100):
        await trio.sleep(DAY)
        assert 1 == len(house.tokens)
        assert state.connected
    assert 1 == state.link.sessions
    assert 99 <= len(sent(house, verb)) <= 101
    assert 1 == len(sent(house, "jdev/sys/get" + ("jwt" if "jwt" in verb else "token")))
    await exporter.end()
    assert {} == dict(house.tokens)
    assert [] == not_on_the_list(house)


@pytest.mark.usefixtures("rare_keepalives")
async def test_a_month_of_lost_connections_leaves_one_token(
    autojump_clock: MockClock, exporter: Exporter, network: MemoryNetwork
) -> None:
    house = add_miniserver(network, profile=evolve(DEVICE, idle_limit=DAY))
    state = exporter.start()
    for _ in range(30):
        await wait_until_connected(state)
        await trio.sleep(DAY)
        await house.drop_sessions()
        await wait_for(state, ConnectionState.BACKOFF)
        assert 1 == len(house.tokens)
    await exporter.end()
    assert {} == dict(house.tokens)


@pytest.mark.usefixtures("rare_keepalives")
async def test_a_token_of_an_hour_is_refreshed_in_time(
    autojump_clock: MockClock, exporter: Exporter, network: MemoryNetwork
) -> None:
    house = add_miniserver(network, profile=evolve(DEVICE, long_token_life=HOUR, idle_limit=DAY))
    state = await exporter.connect()
    await trio.sleep(DAY)
    assert 1 == state.link.sessions
    assert 47 <= len(sent(house, "refreshjwt")) <= 49


@pytest.mark.usefixtures("rare_keepalives")
async def test_firmware_that_cannot_refresh_is_not_asked_to(
    autojump_clock: MockClock, exporter: Exporter, network: MemoryNetwork
) -> None:
    profile = evolve(DEVICE, firmware="10.0.9.12", long_token_life=DAY, idle_limit=DAY)
    house = add_miniserver(network, profile=profile)
    state = await exporter.connect()
    await trio.sleep(10 * DAY)
    assert [] == sent(house, "refresh")
    # The Miniserver ends the session with the token; the password gives the next one.
    assert 10 <= state.link.sessions <= 11
    assert state.link.sessions == len(sent(house, "gettoken"))
    assert 1 == len(house.tokens)
    await exporter.end()
    assert {} == dict(house.tokens)


@pytest.mark.parametrize(
    "valid_until", [0, -5, 342_151_839, 10**12, 10**300, "soon", None, "1e9999", [], True], ids=str
)
@pytest.mark.usefixtures("rare_keepalives")
async def test_odd_times_of_validity_do_no_harm(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    monkeypatch: pytest.MonkeyPatch,
    valid_until: Any,  # noqa: ANN401  # any JSON
) -> None:
    real = Accounts._life_of

    def life_of(accounts: Accounts, permission: int) -> tuple[float, Any]:
        return real(accounts, permission)[0], valid_until

    monkeypatch.setattr(Accounts, "_life_of", life_of)
    house = add_miniserver(network, profile=evolve(DEVICE, idle_limit=DAY))
    state = await exporter.connect()
    await trio.sleep(5 * DAY)
    await house.drop_sessions()
    await wait_for(state, ConnectionState.BACKOFF)
    await wait_until_connected(state)
    assert 1 == len(sent(house, "getjwt"))
    # Nothing is known of its end; the shortest that Miniservers give is after twelve hours.
    assert 29 <= len(sent(house, "refreshjwt")) <= 31
    assert 1 == len(house.tokens)
    await exporter.end()
    assert {} == dict(house.tokens)


async def test_the_end_of_the_token_is_known(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    state = exporter.start()
    shown = [state.link.token_valid_until]
    await wait_until_connected(state)
    shown.append(state.link.token_valid_until)
    (token,) = house.tokens.values()
    await exporter.end()
    shown.append(state.link.token_valid_until)
    assert [None, token.valid_until + LOXONE_EPOCH, None] == shown
    assert 27 * DAY < token.valid_until + LOXONE_EPOCH - time.time() < 29 * DAY


@pytest.mark.parametrize("code", [401, 477])
@pytest.mark.usefixtures("rare_keepalives")
async def test_a_token_that_is_not_refreshed_serves_until_its_end(
    autojump_clock: MockClock, exporter: Exporter, network: MemoryNetwork, code: int
) -> None:
    house = add_miniserver(network, profile=evolve(DEVICE, long_token_life=DAY, idle_limit=DAY))
    state = await exporter.connect()
    house.faults.token_code = code
    await trio.sleep(DAY - 10)
    assert state.connected
    # Refusals may count as failed logins: it is not asked for again.
    assert 1 == len(sent(house, "refreshjwt"))
    house.faults.token_code = None
    await trio.sleep(20)
    await wait_until_connected(state)
    assert 2 == state.link.sessions
    assert 1 == len(house.tokens)
    await exporter.end()
    assert {} == dict(house.tokens)


@pytest.mark.usefixtures("rare_keepalives")
async def test_a_token_that_was_wrongly_refused_is_killed_all_the_same(
    autojump_clock: MockClock, exporter: Exporter, network: MemoryNetwork
) -> None:
    house = add_miniserver(network, profile=evolve(DEVICE, long_token_life=DAY, idle_limit=DAY))
    await exporter.connect()
    house.faults.token_code = 401
    await trio.sleep(DAY * 0.75)
    await exporter.end()
    assert {} == dict(house.tokens)


@pytest.mark.parametrize("fault", [("token_code", 404), ("scalar_value_zero", True)], ids=str)
@pytest.mark.usefixtures("rare_keepalives")
async def test_a_refresh_that_fails_otherwise_is_repeated(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    fault: tuple[str, object],
) -> None:
    house = add_miniserver(network, profile=evolve(DEVICE, long_token_life=DAY, idle_limit=DAY))
    state = await exporter.connect()
    usual = getattr(house.faults, fault[0])
    setattr(house.faults, *fault)
    await trio.sleep(DAY * 0.6)
    setattr(house.faults, fault[0], usual)
    await trio.sleep(DAY)
    assert 1 == state.link.sessions
    assert 1 == len(house.tokens)


@pytest.mark.usefixtures("rare_keepalives")
async def test_a_lost_answer_to_a_refresh_costs_one_login(
    autojump_clock: MockClock, exporter: Exporter, network: MemoryNetwork
) -> None:
    profile = evolve(DEVICE, long_token_life=DAY, idle_limit=DAY, token_per_client=True)
    house = add_miniserver(network, profile=profile)
    state = await exporter.connect()
    await trio.sleep(DAY / 2 - 60)
    # The one-time key is answered, the refresh is not.
    house.faults.mute_after = len(house.received) + 1
    await trio.sleep(62)
    assert sent(house)[-1].startswith("jdev/sys/refreshjwt")
    await trio.sleep(20)
    assert {FailureReason.SILENT: 1} == state.link.failures
    house.faults.mute_after = None
    await wait_until_connected(state)
    assert 2 == len(sent(house, "getjwt"))
    assert 1 == len(house.tokens)
    await exporter.end()
    assert {} == dict(house.tokens)


async def test_a_changed_user_needs_the_password(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    state = await exporter.connect()
    await house.change_user()
    await wait_for(state, ConnectionState.BACKOFF)
    assert None is state.link.token_valid_until
    before = len(house.received)
    await wait_until_connected(state)
    assert [] == sent(house, "authwithtoken", since=before)
    assert 1 == len(sent(house, "getjwt", since=before))
    assert {FailureReason.USER_CHANGED: 1} == state.link.failures


async def test_a_changed_user_may_have_another_password(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    state = await exporter.connect()
    house.faults.close_login = 1001
    await house.change_user()
    with trio.fail_after(60):
        while 1 != state.link.failures[FailureReason.CONNECTION_LOST]:
            await trio.sleep(0.05)
    house.faults.close_login = None
    began = trio.current_time()
    await wait_until_connected(state, within=500)
    assert 300 <= trio.current_time() - began < 302


async def test_another_changed_user_does_not_cost_the_token(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    state = await exporter.connect()
    await house.change_another_user()
    await wait_for(state, ConnectionState.BACKOFF)
    before = len(house.received)
    await wait_until_connected(state)
    assert 1 == len(sent(house, "authwithtoken", since=before))
    # What this user may see can be another by now.
    assert 1 == len(sent(house, "LoxAPP3.json", since=before))
    assert 1 == len(house.tokens)


async def test_a_disabled_user_is_asked_for_once_an_hour(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    state = await exporter.connect()
    await house.disable_user()
    await wait_for(state, ConnectionState.REJECTED)
    assert None is state.link.token_valid_until
    assert {FailureReason.USER_DISABLED: 1} == state.link.failures
    before = len(house.received)
    await trio.sleep(3590)
    assert [] == sent(house, since=before)
    house.faults.user_disabled = False
    await wait_until_connected(state, within=800)
    assert [] == sent(house, "authwithtoken", since=before)


@pytest.mark.slow
@pytest.mark.parametrize("at_the_login", [False, True])
async def test_the_token_of_a_disabled_user_is_told_of_when_it_is_not_killed(
    autojump_clock: MockClock,
    exporter: Exporter,
    house: SimulatedMiniserver,
    caplog: pytest.LogCaptureFixture,
    *,
    at_the_login: bool,
) -> None:
    state = await exporter.connect()
    if at_the_login:
        house.faults.user_disabled = True
        await house.drop_sessions()
    else:
        await house.disable_user()
    await wait_for(state, ConnectionState.REJECTED)
    house.faults.user_disabled = False
    await wait_until_connected(state, within=5000)
    assert 2 == len(house.tokens)
    await exporter.end()
    assert 1 == len(house.tokens)
    assert "1 token(s) may be left behind in the Miniserver" in caplog.text


async def test_a_stop_in_a_pause_ends_the_token_by_a_short_session(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    state = await exporter.connect()
    await house.drop_sessions(4008)
    await wait_for(state, ConnectionState.BACKOFF)
    await trio.sleep(20)
    before = len(house.received)
    assert 1 == len(house.tokens)
    assert await exporter.end() < STOP_BUDGET
    assert {} == dict(house.tokens)
    assert [] == sent(house, "LoxAPP", since=before) + sent(house, "getjwt", since=before)
    assert ConnectionState.DISCONNECTED is state.connection


async def test_a_stop_in_a_pause_ends_no_token_by_a_password(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    state = await exporter.connect()
    await house.drop_sessions(4008)
    await wait_for(state, ConnectionState.BACKOFF)
    house.forget_tokens()
    before = len(house.received)
    assert await exporter.end() < STOP_BUDGET
    assert [] == sent(house, "getkey2", since=before) + sent(house, "getjwt", since=before)


@pytest.mark.parametrize("away", ["refuses", "boots", "is mute", "is a hole"])
async def test_a_stop_does_not_wait_for_a_miniserver_that_is_away(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    house: SimulatedMiniserver,
    away: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    state = await exporter.connect()
    await house.drop_sessions(4008)
    await wait_for(state, ConnectionState.BACKOFF)

    async def swallow(_stream: trio.abc.Stream) -> None:
        await trio.sleep_forever()

    match away:
        case "refuses":
            del network.hosts["home.test"]
        case "boots":
            house.faults.booting = True
        case "is mute":
            house.faults.mute_after = len(house.received) + 4
        case _:
            network.hosts["home.test"] = swallow
    assert await exporter.end() < STOP_BUDGET
    assert "a token is left behind" in caplog.text
    assert ConnectionState.DISCONNECTED is state.connection


@pytest.mark.parametrize("answered", range(14))
async def test_a_stop_with_a_miniserver_that_falls_mute_meanwhile_takes_no_five_seconds(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver, answered: int
) -> None:
    state = await exporter.connect()
    await house.drop_sessions()
    await wait_for(state, ConnectionState.BACKOFF)
    house.faults.mute_after = len(house.received) + answered
    await trio.sleep(3)
    assert await exporter.end() < min(LEAVE + 0.2, STOP_BUDGET)


@pytest.mark.parametrize("answered", range(3))
async def test_a_farewell_to_a_miniserver_that_falls_mute_is_not_waited_for(
    autojump_clock: MockClock,
    exporter: Exporter,
    house: SimulatedMiniserver,
    answered: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await exporter.connect()
    await trio.sleep(1)
    house.faults.mute_after = len(house.received) + answered
    assert await exporter.end() < STOP_BUDGET
    assert "a token is left behind" in caplog.text or {} == dict(house.tokens)


async def test_a_farewell_after_hours_kills_the_token(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    await exporter.connect()
    await trio.sleep(HOUR)
    assert await exporter.end() < 1
    assert {} == dict(house.tokens)
