"""What the simulator logs at debug level, for somebody whose client fails."""

from __future__ import annotations

import logging

import pytest
import trio

from loxone_exporter.loxone.crypto import encode_base64
from loxone_exporter.simulate import tell_of_commands
from loxone_exporter.simulator import device
from loxone_exporter.simulator.miniserver import Profile, SimulatedMiniserver
from support.raw_client import RawClient, Received, connect, get, open_session
from support.small_house import SmallHouse


@pytest.fixture
def miniserver(caplog: pytest.LogCaptureFixture) -> SimulatedMiniserver:
    caplog.set_level(logging.DEBUG, "loxone_exporter")
    return SimulatedMiniserver(SmallHouse(), profile=Profile(key_bits=1024, ban_failures=2))


async def test_commands_and_the_end_are_logged_without_secrets(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    client = await open_session(miniserver, nursery)
    await client.ask("jdev/cfg/version")
    (token,) = miniserver.tokens
    await client.ask(f"jdev/authwithtoken/{token}/demo")
    await client.ask(f"jdev/wrong{token}/demo")
    miniserver.close_sessions(4005)
    await client.closing()
    assert "websocket from memory: 'cfg/version'" in caplog.messages
    assert "websocket from memory: encrypted, 'sys/getjwt'" in caplog.messages
    assert "websocket from memory: closed with 4005 the user was changed" in caplog.messages
    assert token not in caplog.text


async def test_wrong_logins_are_explained(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    client = await RawClient.open(connect(miniserver, nursery))
    await client.ask("jdev/cfg/version")
    assert "refused with 400: 'cfg/version': not logged in" in caplog.text
    await client.log_in(miniserver, password="wrong")
    assert "refused with 401: 'sys/getjwt': wrong hash" in caplog.text
    await client.ask("authwithtoken/abc/nobody")
    assert "refused with 401: 'authwithtoken': no such user" in caplog.text
    assert (await client.closing()).code == 4003
    assert "closed with 4003 Forbidden" in caplog.text
    assert (await get(miniserver, "jdev/cfg/api")).status == 403
    assert "http from memory: refused with 403: banned, for another 300 s" in caplog.text


async def test_a_spent_key_and_a_fault_are_told_apart(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    client = await RawClient.open(connect(miniserver, nursery))
    await client.ask("authwithtoken/abc/demo")
    assert "'authwithtoken': no such key: one is asked for first" in caplog.text
    miniserver.faults.login_code = 401
    await client.ask("authwithtoken/abc/demo")
    assert "refused with 401: 'authwithtoken': by a fault" in caplog.text


async def test_an_encrypted_command_without_a_key_is_explained(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    client = await RawClient.open(connect(miniserver, nursery))
    await client.ask("jdev/sys/enc/AAAA")
    assert "refused with 401: an encrypted command before the key exchange" in caplog.text


async def test_a_short_key_exchange_and_the_end_of_patience_are_explained(
    miniserver: SimulatedMiniserver,
    nursery: trio.Nursery,
    caplog: pytest.LogCaptureFixture,
    autojump_clock: trio.abc.Clock,
) -> None:
    client = await RawClient.open(connect(miniserver, nursery))
    await client.ask(f"jdev/sys/keyexchange/{encode_base64(bytes(127))}")
    reason = "a cipher text of 127 bytes for a key of 128 bytes"
    assert f"refused with 401: {reason}" in caplog.text
    assert "refused with 420" not in caplog.text
    answer = await client.receive()
    assert isinstance(answer, Received)
    assert answer.code == 420
    assert "refused with 420: not logged in within 10 s" in caplog.text


async def test_commands_of_others_are_noted_however_many_follow(
    miniserver: SimulatedMiniserver,
    nursery: trio.Nursery,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(device, "_RECEIVED_KEPT", 10)
    client = await open_session(miniserver, nursery)
    tell_of_commands(miniserver)
    assert "not on loxone-exporter's list: 0" in caplog.text
    await client.ask("jdev/sps/io/1234/on")
    await get(miniserver, "dev/sys/reboot")
    for _ in range(20):
        await client.ask("keepalive")
    assert ["keepalive"] * 10 == [command.text for command in miniserver.received]
    assert ["jdev/sps/io/1234/on", "dev/sys/reboot"] == miniserver.strangers
    tell_of_commands(miniserver)
    assert (
        f"received: {miniserver.received_in_all}; not on loxone-exporter's list: 2" in caplog.text
    )


async def test_commands_of_others_are_bounded(
    miniserver: SimulatedMiniserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "_STRANGERS_KEPT", 3)
    for number in range(10):
        await get(miniserver, f"dev/{number}")
    assert ["dev/0", "dev/1", "dev/2"] == miniserver.strangers
    assert 10 == miniserver.received_in_all
