"""`loxone-exporter check --connect` as people run it, against Miniservers on loopback."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import evolve

from loxone_exporter.advice import ADVICE
from loxone_exporter.cli import main
from loxone_exporter.errors import FailureReason
from loxone_exporter.simulator.house import PlayedHouse
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.simulator.profile import Profile
from loxone_exporter.simulator.profiles import PROFILES
from loxone_exporter.simulator.tls import make_certificate
from support.exporters import secrets_of, sent
from support.memory_network import STRUCTURE, small_house
from support.processes import (
    run_command,
    running_process,
    serve_on_loopback,
    serve_with_tls_on_loopback,
    write_toml,
)
from support.terminals import plain, terminal


pytestmark = pytest.mark.slow


LOGIN = "jdev/sys/getjwt"


def miniserver(profile: Profile | None = None) -> SimulatedMiniserver:
    profile = evolve(profile or Profile(), key_bits=1024)
    return SimulatedMiniserver(small_house(), profile=profile)


def facts(output: str, name: str) -> dict[str, str]:
    """What is told of a Miniserver, by subject; of several facts on one, all of them."""
    told: dict[str, str] = {}
    _, _, rest = output.partition(f"\nMiniserver '{name}'\n")
    for line in rest.partition("\n\n")[0].splitlines():
        subject, text = line[2:14].rstrip(), line[15:]
        told[subject] = f"{told[subject]} {text}" if subject in told else text
    return told


def assert_one_login(house: SimulatedMiniserver) -> None:
    assert 1 == len(sent(house, LOGIN))
    assert {} == dict(house.tokens)


def add_rooms_and_rights(document: dict[str, Any]) -> bytes:
    """A structure file for a user who may do more than need be, and does not see everything."""
    rooms = {**document["rooms"], "cellar": {"name": "Keller \x1b[2J"}}
    user = {"name": "demo", "isAdmin": False, "userRights": 0x16}
    info = {**document["msInfo"], "currentUser": user}
    return json.dumps({**document, "rooms": rooms, "msInfo": info}).encode()


@pytest.fixture
async def houses(nursery: trio.Nursery) -> dict[str, SimulatedMiniserver]:
    """Miniservers with which it goes well, or in different ways wrong."""
    profile = PROFILES["gen1-16"]
    some = {name: miniserver(profile) for name in ("home", "wrong", "locked", "booting")}
    structure = PlayedHouse.from_bytes(add_rooms_and_rights(STRUCTURE), live=False)
    without_rights = evolve(profile, key_bits=1024, admin=False)
    some["limited"] = SimulatedMiniserver(structure, profile=without_rights)
    some["wrong"].faults.reject_logins = True
    some["locked"].faults.locked_out = 120
    some["booting"].faults.booting = True
    return some


async def test_what_one_login_shows_of_each_house(
    nursery: trio.Nursery, tmp_path: Path, houses: dict[str, SimulatedMiniserver]
) -> None:
    ports = {name: await serve_on_loopback(house, nursery) for name, house in houses.items()}
    config = write_toml(tmp_path / "c.toml", {**ports, "gone": 1})
    ended = await run_command("check", "--connect", "--config", config)
    assert (1, "") == (ended.returncode, ended.stderr)
    assert "no mistakes found" in ended.stdout
    assert "\x1b" not in ended.stdout

    told = facts(ended.stdout, "home")
    assert "without TLS (this Miniserver offers none)" in told["reached"]
    assert "Miniserver Gen 1, serial number 504F94A10001, firmware 16.1.11.6" in told["device"]
    assert '`serial = "504F94A10001"`' in told["device"]
    assert "good for 28 days, and killed again" in told["login"]
    assert "31 clients" in told["free slots"]
    assert "'2026-05-25 18:00:00'" in told["structure"]
    assert told["sees"].startswith("2 controls with 0 sub-controls, in 1 of 1 rooms")
    assert re.match(r"\d+ series in \d+ metrics", told["exports"])
    assert {"certificate", "failed", "to see more"}.isdisjoint(told)
    assert_one_login(houses["home"])

    told = facts(ended.stdout, "limited")
    assert "nothing in these rooms" in told["sees"]
    assert r"'Keller \x1b[2J'" in told["sees"]
    assert "Manage Permissions" in told["to see more"]
    assert "more than this program needs: FTP" == told["rights"]
    assert "system status (" in told["is not told"]
    assert "clock (" in told["is not told"]
    assert "the group Full Access" in told["is not told"]
    assert_one_login(houses["limited"])

    for name, failure, reason in (
        ("wrong", "user or password is wrong", FailureReason.REJECTED),
        ("locked", "locked out this address after too many failed lo", FailureReason.LOCKED_OUT),
        ("booting", "the Miniserver is starting", FailureReason.BOOTING),
        ("gone", "Connection refused", FailureReason.UNREACHABLE),
    ):
        told = facts(ended.stdout, name)
        assert failure in told["failed"]
        assert ADVICE[reason].remedy == told["what to do"]
        assert "sees" not in told
    assert "serial number" in facts(ended.stdout, "wrong")["device"]
    assert 1 == len(sent(houses["wrong"], LOGIN))
    assert [] == sent(houses["locked"], LOGIN) + sent(houses["booting"], LOGIN)
    secrets = set().union(*map(secrets_of, houses.values())) - {"demo"}
    assert not any(secret in ended.stdout for secret in secrets)


async def test_a_certificate_is_described_or_refused(nursery: trio.Nursery, tmp_path: Path) -> None:
    house = miniserver(PROFILES["gen2-16"])
    certificate = make_certificate(house.profile.serial)
    port, tls_port = await serve_with_tls_on_loopback(house, certificate, nursery)
    (tmp_path / "ca.pem").write_bytes(certificate.authority_pem)
    config = write_toml(tmp_path / "c.toml", {"untrusting": port, "trusting": port})
    first, second, third = config.read_text().split("[[miniservers]]\n")
    second += f'tls_port = {tls_port}\nclient_id = "another"\n'
    third += f'tls_port = {tls_port}\ntls_ca_file = "ca.pem"\nserial = "{house.profile.serial}"\n'
    config.write_text(f"{first}[[miniservers]]\n{second}[[miniservers]]\n{third}")
    ended = await run_command("check", "--connect", "--config", config)
    assert (1, "") == (ended.returncode, ended.stderr)
    told = facts(ended.stdout, "trusting")
    assert f"127.0.0.1:{tls_port}, by TLS (the Miniserver offers it)" == told["reached"]
    assert "for *.504f94a20002.dyndns.loxonecloud.com, by Simulated M" in told["certificate"]
    assert told["certificate"].endswith("; verified")
    assert "`serial = " not in told["device"]
    assert_one_login(house)
    told = facts(ended.stdout, "untrusting")
    assert "the certificate is not accepted" in told["failed"]
    assert ADVICE[FailureReason.TLS].remedy == told["what to do"]
    assert {"certificate", "reached", "login"}.isdisjoint(told)


def test_nobody_is_asked_while_the_configuration_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)  # noqa: FBT003  # the standard library's own
        port = listener.getsockname()[1]
        config = write_toml(tmp_path / "c.toml", {"home": port}, extra="[wab]")
        assert 2 == main(["check", "--connect", "--config", str(config)])
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert "unknown key, did you mean [web]?" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["check --connect", "discover"])
async def test_a_signal_leaves_no_token_behind(
    nursery: trio.Nursery, tmp_path: Path, name: str
) -> None:
    house = miniserver()
    house.faults.answer_delay = 0.1
    config = write_toml(tmp_path / "c.toml", {"home": await serve_on_loopback(house, nursery)})
    arguments = [*name.split(), "--config", str(config)]
    command = [sys.executable, "-m", "loxone_exporter", *arguments]
    async with running_process(command, stderr=subprocess.PIPE) as process:
        with trio.fail_after(20):
            while not sent(house, "LoxAPP"):
                await trio.sleep(0.01)
        assert 1 == len(house.tokens)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        with trio.fail_after(5):
            assert 1 == await process.wait()
            assert b"interrupted\n" == await process.stderr.receive_some()
    assert {} == dict(house.tokens)


async def test_who_watches_sees_progress_and_colours(nursery: trio.Nursery, tmp_path: Path) -> None:
    house = miniserver()
    house.faults.answer_delay = 0.05
    config = write_toml(tmp_path / "c.toml", {"home": await serve_on_loopback(house, nursery)})
    async with terminal("check", "--connect", "--config", config, folder=tmp_path) as watched:
        await watched.expect("'home' connecting")
        await watched.expect("'home' logging in")
        assert 0 == await watched.end()
    shown = watched.screen.rpartition("\r\x1b[K")[2]
    assert "\x1b[1mMiniserver 'home'\x1b[0m\n" in shown
    assert "\x1b[32mreached     \x1b[0m 127.0.0.1" in shown
    assert max(len(line) for line in plain(shown).splitlines()) <= 80

    house.faults.answer_delay = 0
    async with terminal(
        "check", "--connect", "--config", config, folder=tmp_path, environ={"TERM": "dumb"}
    ) as watched:
        assert 0 == await watched.end()
    assert "\x1b" not in watched.screen
    assert "Miniserver 'home'\n" in watched.screen
