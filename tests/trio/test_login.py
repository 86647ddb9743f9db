"""Logins, with a simulated Miniserver at the far end."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from loxone_exporter.errors import FailureReason
from loxone_exporter.simulator import commands
from loxone_exporter.simulator.answers import Answer
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.simulator.profile import Profile
from loxone_exporter.simulator.profiles import PROFILES
from loxone_exporter.simulator.session import Session
from loxone_exporter.state import ConnectionState
from support.exporters import (
    DEVICE,
    Exporter,
    add_miniserver,
    not_on_the_list,
    secrets_of,
    sent,
    wait_for,
    wait_until_connected,
)
from support.memory_network import PASSWORD, TEMPERATURE, MemoryNetwork


ODD = "ä €/?%#:&= und so"


def plain(profile: Profile) -> Profile:
    """A device without TLS, which is another module's affair."""
    return evolve(profile, https_status=None)


@pytest.mark.parametrize("name", PROFILES)
async def test_every_kind_of_miniserver_is_logged_in_to_and_left(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    name: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    house = add_miniserver(network, profile=plain(PROFILES[name]))
    state = await exporter.connect()
    await house.publish({TEMPERATURE: -7.5})
    await trio.sleep(0.1)
    assert -7.5 == state.values[TEMPERATURE]
    secrets = secrets_of(house)
    await exporter.end()
    assert {} == dict(house.tokens)
    assert [] == not_on_the_list(house)
    assert [] == [secret for secret in secrets | secrets_of(house) if secret in caplog.text]


@pytest.mark.parametrize(
    ("firmware", "verb"),
    [
        ("9.0.1.1", "gettoken"),
        ("10.1.12.5", "gettoken"),
        ("10.2.3.26", "getjwt"),
        ("16.1.11.6", "getjwt"),
    ],
)
async def test_the_firmware_decides_how_a_token_is_asked_for(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    firmware: str,
    verb: str,
) -> None:
    house = add_miniserver(network, profile=evolve(DEVICE, firmware=firmware))
    await wait_until_connected(exporter.start())
    (login,) = sent(house, "jdev/sys/get" + "jwt/") + sent(house, "jdev/sys/gettoken/")
    assert verb == login.split("/")[2]
    assert "4" == login.split("/")[5]
    assert "loxone-exporter" == login.split("/")[7]


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("exporter", ODD),
        (ODD, "pass"),
        (ODD, ODD),
        ("müller", "pä€ss"),
        ("a/b", "?"),
        ("100%", "%2F"),
        ("日本", "пароль"),
        ("x" * 60, "y" * 200),
    ],
)
@pytest.mark.parametrize("firmware", ["8.1.11.11", "10.2.3.26", "16.1.11.6"])
async def test_names_and_passwords_of_any_letters(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    username: str,
    password: str,
    firmware: str,
) -> None:
    profile = evolve(DEVICE, firmware=firmware)
    house = add_miniserver(network, profile=profile, username=username, password=password)
    await wait_until_connected(exporter.start(username=username, password=password), within=1)
    await exporter.end()
    assert {} == dict(house.tokens)


@pytest.mark.parametrize("faults", [{}, {"no_hash_algorithm": True}], ids=str)
async def test_the_miniserver_names_the_hash_algorithm(
    autojump_clock: MockClock, exporter: Exporter, network: MemoryNetwork, faults: dict[str, Any]
) -> None:
    house = add_miniserver(network)
    for name, value in faults.items():
        setattr(house.faults, name, value)
    await wait_until_connected(exporter.start(), within=1)
    (login,) = sent(house, "getjwt")
    assert (40 if faults else 64) == len(login.split("/")[3])


async def test_a_key_that_comes_only_with_the_certificate(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    pytest.importorskip("trustme")
    house.faults.public_key_form = "certificate"
    await wait_until_connected(exporter.start(), within=1)


async def test_old_firmware_is_logged_in_to_by_the_encrypted_hash(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    house = add_miniserver(network, profile=PROFILES["gen1-8"])
    state = await exporter.connect()
    await house.drop_sessions()
    await trio.sleep(5)
    assert state.connected
    assert None is state.link.token_valid_until
    assert 2 == len(sent(house, "authenticateEnc/"))
    # The key exchange gives a one-time key.
    assert [] == sent(house, "getkey")
    await exporter.end()
    assert [] == [secret for secret in secrets_of(house) if secret in caplog.text]


async def test_old_firmware_without_encryption_is_not_logged_in_to(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    caplog: pytest.LogCaptureFixture,
) -> None:
    house = add_miniserver(network, profile=evolve(PROFILES["gen1-8"], encryption=False))
    state = exporter.start()
    await wait_for(state, ConnectionState.REJECTED)
    assert {FailureReason.INSECURE_LOGIN: 1} == state.link.failures
    assert "allow_legacy_login" in caplog.text
    await trio.sleep(3600)
    assert [] == sent(house, "authenticate")
    assert 5 >= state.link.failures.total()


async def test_the_owner_may_allow_a_login_without_encryption(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    house = add_miniserver(network, profile=evolve(PROFILES["gen1-8"], encryption=False))
    await wait_until_connected(exporter.start(allow_legacy_login=True))
    assert ["getkey", "authenticate"] == [
        text.split("/")[2 if text.startswith("jdev") else 0]
        for text in sent(house)
        if "getkey" in text or text.startswith("auth")
    ]
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert 1 == len(warnings)
    assert "guess the password offline" in warnings[0].message
    assert [] == [secret for secret in secrets_of(house) if secret in caplog.text]


FIRST_WITH_TOKENS = ["9.0.1.1", "9.1.10.30", "9.2.99.9"]


@pytest.mark.parametrize("firmware", FIRST_WITH_TOKENS)
async def test_the_first_firmware_with_tokens_has_none_without_encryption(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    firmware: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    house = add_miniserver(network, profile=evolve(DEVICE, encryption=False, firmware=firmware))
    state = exporter.start()
    await wait_for(state, ConnectionState.REJECTED)
    assert {FailureReason.INSECURE_LOGIN: 1} == state.link.failures
    assert "allow_legacy_login" in caplog.text
    assert [] == sent(house, "auth")
    await exporter.end()


@pytest.mark.parametrize("firmware", FIRST_WITH_TOKENS)
async def test_the_owner_may_allow_it_for_the_first_firmware_with_tokens(
    autojump_clock: MockClock, exporter: Exporter, network: MemoryNetwork, firmware: str
) -> None:
    house = add_miniserver(network, profile=evolve(DEVICE, encryption=False, firmware=firmware))
    state = await exporter.connect(allow_legacy_login=True)
    assert {} == state.link.failures
    assert 1 == len(sent(house, "authenticate/"))
    assert [] == sent(house, "getkey2") + sent(house, "gettoken")


@pytest.mark.parametrize("allowed", [True, False])
@pytest.mark.parametrize("firmware", FIRST_WITH_TOKENS)
async def test_the_first_firmware_with_tokens_gives_one(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    firmware: str,
    *,
    allowed: bool,
) -> None:
    house = add_miniserver(network, profile=evolve(DEVICE, firmware=firmware))
    state = await exporter.connect(allow_legacy_login=allowed)
    assert {} == state.link.failures
    assert 1 == len(house.tokens)
    assert [] == sent(house, "authenticate")


@pytest.mark.parametrize("code", [400, 404])
@pytest.mark.parametrize("unknown", ["sys/getkey2", "sys/gettoken"])
@pytest.mark.parametrize("firmware", FIRST_WITH_TOKENS)
async def test_firmware_that_knows_no_tokens_after_all_takes_the_encrypted_hash(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    firmware: str,
    unknown: str,
    code: int,
) -> None:
    forget_command(monkeypatch, unknown, code)
    house = add_miniserver(network, profile=evolve(DEVICE, firmware=firmware))
    state = await exporter.connect()
    await house.drop_sessions()
    await wait_for(state, ConnectionState.BACKOFF)
    await wait_until_connected(state)
    assert {FailureReason.CONNECTION_LOST: 1} == state.link.failures
    assert 2 == len(sent(house, "authenticateEnc/"))
    # It is asked for a token once, and not in each session; none of them is lost.
    assert 1 == len(sent(house, unknown))
    await exporter.end()
    assert "left behind" not in caplog.text


@pytest.mark.parametrize("unknown", ["sys/getkey2", "sys/getjwt"])
async def test_newer_firmware_that_knows_no_tokens_is_none(
    autojump_clock: MockClock,
    exporter: Exporter,
    house: SimulatedMiniserver,
    monkeypatch: pytest.MonkeyPatch,
    unknown: str,
) -> None:
    forget_command(monkeypatch, unknown, 404)
    state = exporter.start(allow_legacy_login=True)
    await trio.sleep(600)
    assert {FailureReason.PROTOCOL} <= set(state.link.failures)
    assert [] == sent(house, "authenticate")


def forget_command(monkeypatch: pytest.MonkeyPatch, name: str, code: int) -> None:
    """Let simulated Miniservers not know a command."""
    unknown = evolve(commands._COMMANDS[name], run=lambda *_: Answer(code=code))
    monkeypatch.setitem(commands._COMMANDS, name, unknown)


async def test_new_firmware_is_never_logged_in_to_without_encryption(
    autojump_clock: MockClock, exporter: Exporter, network: MemoryNetwork
) -> None:
    house = add_miniserver(network, profile=evolve(DEVICE, encryption=False, firmware="12.2.11.5"))
    state = exporter.start(allow_legacy_login=True)
    await trio.sleep(600)
    assert {FailureReason.PROTOCOL} == set(state.link.failures)
    assert [] == [text for text in sent(house) if "auth" in text or "get" + "jwt" in text]


async def test_salts_are_rotated_over_many_encrypted_commands(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
) -> None:
    # Each refresh takes two commands.
    profile = evolve(DEVICE, long_token_life=240.0, strict_salts=True)
    house = add_miniserver(network, profile=profile)
    state = await exporter.connect()
    await trio.sleep(120 * 45)
    encrypted = [command for command in house.received if command.encrypted]
    assert len(encrypted) > 60
    assert 1 == state.link.sessions
    assert 1 == len(house.tokens)


async def test_an_unanswered_login_is_not_repeated_within_five_minutes(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    house.faults.close_login = 1001
    state = exporter.start()
    await trio.sleep(299)
    assert 1 == state.link.failures[FailureReason.CONNECTION_LOST]
    assert None is not state.link.login_retry
    house.faults.close_login = None
    await wait_until_connected(state)
    assert 300 <= trio.current_time() < 302
    assert None is state.link.login_retry


async def leave_login_open(house: SimulatedMiniserver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a login go without an answer, until the Miniserver goes out of service."""
    send_reply = Session._send_reply

    def keep_silent(session: Session, command: Any, *rest: Any) -> None:  # noqa: ANN401  # passed on
        if command.name != "sys/getjwt":
            send_reply(session, command, *rest)

    before = len(sent(house, "getjwt"))
    with monkeypatch.context() as patch:
        patch.setattr(Session, "_send_reply", keep_silent)
        with trio.fail_after(60):
            while len(sent(house, "getjwt")) == before:
                await trio.sleep(0.05)
    await house.restart()


async def test_a_login_that_an_outage_left_open_is_not_repeated_within_five_minutes(
    autojump_clock: MockClock,
    exporter: Exporter,
    house: SimulatedMiniserver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    state = exporter.start()
    await leave_login_open(house, monkeypatch)
    await wait_until_connected(state, within=500)
    assert {FailureReason.OUT_OF_SERVICE: 1} == state.link.failures
    assert 300 <= trio.current_time() < 302


async def test_a_login_with_a_password_that_was_good_is_repeated_after_a_minute(
    autojump_clock: MockClock,
    exporter: Exporter,
    house: SimulatedMiniserver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    state = await exporter.connect()
    house.faults.token_code = 401  # so that it takes the password
    await house.drop_sessions()
    await leave_login_open(house, monkeypatch)
    began = trio.current_time()
    await wait_until_connected(state, within=500)
    assert 60 <= trio.current_time() - began < 75


@pytest.mark.parametrize(
    ("faults", "reason"),
    [
        ({"login_code": 503}, FailureReason.BOOTING),
        ({"login_code": 901}, FailureReason.BUSY),
        ({"close_login": 4007}, FailureReason.UPDATING),
        ({"close_login": 4008}, FailureReason.BUSY),
    ],
)
async def test_a_login_that_failed_for_no_fault_of_the_password_is_repeated_after_a_minute(
    autojump_clock: MockClock,
    exporter: Exporter,
    house: SimulatedMiniserver,
    faults: dict[str, Any],
    reason: FailureReason,
) -> None:
    for name, value in faults.items():
        setattr(house.faults, name, value)
    state = exporter.start()
    await trio.sleep(30)
    assert {reason: 1} == state.link.failures
    for name in faults:
        setattr(house.faults, name, None)
    await wait_until_connected(state)
    assert 60 <= trio.current_time() <= 75
    assert 2 == len(sent(house, "getjwt"))
    assert PASSWORD not in str(state)


@pytest.mark.parametrize("fault", [{"login_code": 420}, {"login_code": 503}, {"close_login": 4008}])
async def test_a_miniserver_that_excuses_itself_for_an_hour_is_asked_ever_more_rarely(
    autojump_clock: MockClock,
    exporter: Exporter,
    house: SimulatedMiniserver,
    fault: dict[str, Any],
) -> None:
    (name,) = fault
    setattr(house.faults, name, fault[name])
    state = exporter.start()
    await trio.sleep(3600)
    # After 1, 2, 4, and then every 5 minutes; what else it is that fails may take longer.
    assert 8 <= len(sent(house, "getjwt")) <= 14
    setattr(house.faults, name, None)
    await wait_until_connected(state, within=730)
    assert 0 == state.link.failures[FailureReason.REJECTED]
