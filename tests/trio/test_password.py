"""A password that changes while the exporter runs."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from loxone_exporter import reading
from loxone_exporter.config.findings import ConfigurationError, Finding
from loxone_exporter.config.secret import Secret
from loxone_exporter.errors import FailureReason
from loxone_exporter.miniserver import password
from loxone_exporter.miniserver.password import CHECK_INTERVAL, PasswordSource
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.state import ConnectionState
from support.exporters import STOP_BUDGET, Exporter, sent, wait_for, wait_until_connected
from support.memory_network import PASSWORD, miniserver_config


FILE = Path("/nowhere/password")


class Safe:
    """What the password file holds."""

    def __init__(self) -> None:
        self.content: str | None = "wrong"

    def read(self, path: Path) -> Secret:
        if self.content is None:
            raise ConfigurationError([Finding(source=str(path), path="", message="gone")])
        return Secret(self.content)


@pytest.fixture
def safe(monkeypatch: pytest.MonkeyPatch, without_threads: None) -> Safe:
    safe = Safe()
    monkeypatch.setattr(password, "read_password_file", safe.read)
    return safe


def source(file: Path | None) -> PasswordSource:
    return PasswordSource(evolve(miniserver_config(), password_file=file))


async def test_a_corrected_password_is_tried_at_once(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver, safe: Safe
) -> None:
    state = exporter.start(password_file=FILE)
    await wait_for(state, ConnectionState.REJECTED)
    await trio.sleep(20)
    safe.content = PASSWORD
    await wait_until_connected(state, within=CHECK_INTERVAL + 1)
    assert 2 == len(sent(house, "getjwt"))
    assert None is state.link.login_retry


async def test_another_wrong_password_is_tried_once(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver, safe: Safe
) -> None:
    state = exporter.start(password_file=FILE)
    await wait_for(state, ConnectionState.REJECTED)
    safe.content = "wrong as well"
    await trio.sleep(290)
    assert 2 == len(sent(house, "getjwt"))
    assert {FailureReason.REJECTED: 2} == state.link.failures


async def test_passwords_that_keep_changing_are_tried_every_five_minutes(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver, safe: Safe
) -> None:
    state = exporter.start(password_file=FILE)
    await wait_for(state, ConnectionState.REJECTED)
    for number in range(60):
        safe.content = f"wrong {number}"
        await trio.sleep(5)
    assert 2 == len(sent(house, "getjwt"))
    assert FailureReason.LOCKED_OUT not in state.link.failures


async def test_a_file_that_alternates_between_two_wrong_passwords_is_no_stream_of_corrections(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver, safe: Safe
) -> None:
    exporter.start(password_file=FILE)
    for number in range(120):
        safe.content = ("wrong", "wrong as well")[number % 2]
        await trio.sleep(30)
    # At 0 s and 30 s; then after 300 s and 600 s, and twice as long from then on.
    assert 4 <= len(sent(house, "getjwt")) <= 5


async def test_a_password_that_changes_during_the_attempt_is_noticed(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver, safe: Safe
) -> None:
    house.faults.answer_delay = 1.0
    state = exporter.start(password_file=FILE)
    await wait_for(state, ConnectionState.AUTHENTICATING)
    safe.content = PASSWORD
    await wait_until_connected(state, within=30)
    assert 2 == len(sent(house, "getjwt"))


async def test_a_corrected_password_does_not_cut_a_lock_out_short(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver, safe: Safe
) -> None:
    house.faults.close_login = 4003
    state = exporter.start(password_file=FILE)
    await wait_for(state, ConnectionState.LOCKED_OUT)
    house.faults.close_login = None
    safe.content = PASSWORD
    await trio.sleep(295)
    assert 1 == len(sent(house, "getjwt"))
    await wait_until_connected(state)


async def test_an_unreadable_file_leaves_the_last_password_in_use_and_is_told_once(
    autojump_clock: MockClock,
    exporter: Exporter,
    house: SimulatedMiniserver,
    safe: Safe,
    caplog: pytest.LogCaptureFixture,
) -> None:
    safe.content = PASSWORD
    state = await exporter.connect(password="from the start", password_file=FILE)
    safe.content = None
    for _ in range(3):
        await house.change_user()
        await wait_for(state, ConnectionState.BACKOFF)
        await wait_until_connected(state)
    assert 1 == caplog.text.count("the last password stays in use")
    safe.content = PASSWORD
    await house.change_user()
    await wait_for(state, ConnectionState.BACKOFF)
    await wait_until_connected(state)
    safe.content = None
    await house.change_user()
    await wait_for(state, ConnectionState.BACKOFF)
    await wait_until_connected(state)
    assert 2 == caplog.text.count("the last password stays in use")


async def test_a_stop_does_not_wait_for_another_password(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver, safe: Safe
) -> None:
    state = exporter.start(password_file=FILE)
    await wait_for(state, ConnectionState.REJECTED)
    await trio.sleep(10)
    assert await exporter.end() < STOP_BUDGET


# With a true thread and true time.


async def test_the_file_is_read_each_time(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("first\n")
    passwords = source(file)
    with trio.fail_after(10):
        assert Secret("first") == await passwords.current()
        file.write_text("second\n")
        assert Secret("second") == await passwords.current()
        file.unlink()
        assert Secret("second") == await passwords.current()
        file.write_text("")
        assert Secret("second") == await passwords.current()


async def test_without_a_file_the_password_is_that_of_the_configuration() -> None:
    assert Secret(PASSWORD) == await source(None).current()


async def test_a_file_that_hangs_is_given_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    released = threading.Event()

    def hang(_path: Path) -> Secret:
        released.wait(10)
        return Secret("too late")

    monkeypatch.setattr(reading, "DEADLINE", 0.05)
    monkeypatch.setattr(password, "read_password_file", hang)
    passwords = source(FILE)
    with trio.fail_after(5):
        for _ in range(3):
            assert Secret(PASSWORD) == await passwords.current()
    released.set()
    assert 1 == caplog.text.count("not read within 0.05 s")
