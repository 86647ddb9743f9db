"""Reloads of an exporter as its users run it."""

from __future__ import annotations

import os
import signal
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import trio

from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.simulator.profile import Profile
from support.memory_network import small_house
from support.processes import (
    RunningExporter,
    running_exporter,
    running_logged,
    serve_on_loopback,
    write_toml,
)


GOOD = "loxone_exporter_config_last_reload_successful 1.0"
BAD = "loxone_exporter_config_last_reload_successful 0.0"
NOTICED = 15.0
"""Seconds within which another file is in use, on a busy machine."""


RUN = """
import signal, sys
from loxone_exporter import cli

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whatever this process was started with
sys.exit(cli.main(sys.argv[1:]))
"""


def miniserver(password: str = "demo") -> SimulatedMiniserver:  # noqa: S107  # invented
    profile = Profile(key_bits=1024)
    return SimulatedMiniserver(small_house(), username="demo", password=password, profile=profile)


def connected(name: str) -> str:
    return f'loxone_exporter_connected{{miniserver="{name}"}} 1.0'


async def post(
    exporter: RunningExporter, path: str, headers: dict[str, str] | None = None
) -> tuple[int, str]:
    def ask() -> tuple[int, str]:
        request = urllib.request.Request(  # noqa: S310  # http only
            exporter.url + path, method="POST", headers=headers or {}
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310  # likewise
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    return await trio.to_thread.run_sync(ask)


async def test_reloads_by_signal_by_request_and_by_the_file_itself(
    nursery: trio.Nursery, tmp_path: Path
) -> None:
    home, barn = miniserver(), miniserver()
    ports = {name: await serve_on_loopback(m, nursery) for name, m in [("a", home), ("b", barn)]}
    path = write_toml(tmp_path / "c.toml", {"a": ports["a"]})
    async with running_exporter(["run", "--config", str(path)]) as exporter:
        await exporter.wait_until_listening()
        await exporter.wait_for("/metrics", connected("a"))
        await exporter.wait_for("/metrics", GOOD)
        assert 403 == (await post(exporter, "/-/reload"))[0]

        # By itself; and lifecycle is allowed from now on.
        write_toml(path, ports, extra="lifecycle = true\n[log]\nformat = 'text'")
        await exporter.wait_for("/metrics", connected("b"), within=NOTICED)

        # By request, with another label, and without the second Miniserver.
        write_toml(path, {"a": ports["a"]}, extra="lifecycle = true\n[metrics]\nuuid_label = true")
        assert 403 == (await post(exporter, "/-/reload", {"Origin": "http://evil.test"}))[0]
        assert (200, "configuration reloaded\n") == await post(exporter, "/-/reload")
        _, scrape = await exporter.get("/metrics")
        assert 'uuid="' in scrape.split("loxone_control_value{", 1)[1].split("}")[0]
        assert '"b"' not in scrape
        assert connected("a") in scrape

        # By signal, and not good.
        path.write_text("[web]\nlisten = 5\nlisten_on = 1")
        exporter.process.send_signal(signal.SIGHUP)
        await exporter.wait_for("/metrics", BAD)
        for part in ("web.listen", "listen_on", "miniservers"):
            await exporter.wait_for_log(part)
        status, complaint = await post(exporter, "/-/reload")
        assert 500 == status
        assert "web.listen" in complaint
        assert connected("a") in (await exporter.get("/metrics"))[1]

        path.unlink()
        write_toml(path, {"a": ports["a"]}, extra="[filter]\nexclude_names = ['Licht']")
        exporter.process.send_signal(signal.SIGHUP)
        scrape = await exporter.wait_for("/metrics", GOOD)
        assert "Licht" not in scrape
        assert "Temperatur" in scrape
        assert 'loxone_exporter_sessions_total{miniserver="a"} 1.0' in scrape
        # What is asked for now is the new configuration's, without `lifecycle`.
        assert 403 == (await post(exporter, "/-/reload"))[0]

        await exporter.stop()
        assert exporter.process.returncode == 0
    assert {} == {**home.tokens, **barn.tokens}


@pytest.mark.slow
async def test_a_rotated_password_file_is_picked_up(nursery: trio.Nursery, tmp_path: Path) -> None:
    """As a Kubernetes Secret: links that are swapped; while rejected, and without a reload."""
    home = miniserver(password="new")
    port = await serve_on_loopback(home, nursery)
    for version, word in (("..1", "old"), ("..2", "new")):
        (tmp_path / version).mkdir()
        (tmp_path / version / "password").write_text(word)
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "password").symlink_to("..data/password")
    path = write_toml(tmp_path / "c.toml", {"home": port})
    path.write_text(path.read_text().replace('password = "demo"', 'password_file = "password"'))
    async with running_exporter(["run", "--config", str(path)]) as exporter:
        await exporter.wait_until_listening()
        await exporter.wait_for("/metrics", 'state="rejected"} 1.0')
        (tmp_path / "..data_tmp").symlink_to("..2")
        (tmp_path / "..data_tmp").rename(tmp_path / "..data")
        await exporter.wait_for("/metrics", connected("home"), within=NOTICED)
        await exporter.stop()
    assert 2 == len([c for c in home.received if "getjwt" in c.text])


async def test_the_environment_alone_is_read_anew_on_request(
    nursery: trio.Nursery, tmp_path: Path
) -> None:
    """SIGHUP ends no process that has a configuration, wherever it is from."""
    environ = {
        "LOXONE_HOST": "127.0.0.1",
        "LOXONE_PORT": str(await serve_on_loopback(miniserver(), nursery)),
        "LOXONE_USERNAME": "demo",
        "LOXONE_PASSWORD": "demo",
        "LOXONE_LISTEN": "127.0.0.1:0",
    }
    async with running_exporter(["run"], environ=environ, folder=tmp_path) as exporter:
        await exporter.wait_until_listening()
        exporter.process.send_signal(signal.SIGHUP)
        await exporter.wait_for_log("configuration reloaded (SIGHUP): 1 Miniserver(s) as before")


async def test_a_signal_while_the_exporter_starts_does_not_end_it(tmp_path: Path) -> None:
    """Whoever restarts it and at once asks for a reload: systemd takes that for a wanted end."""
    text = write_toml(tmp_path / "c.toml", {"home": 1}).read_bytes()
    slow = tmp_path / "slow.toml"
    os.mkfifo(slow)
    command = [sys.executable, "-c", RUN, "run", "--config", str(slow)]
    async with running_logged(command) as exporter:

        def write() -> None:
            with slow.open("wb") as pipe:  # which waits until the exporter reads
                exporter.process.send_signal(signal.SIGHUP)
                pipe.write(text)

        with trio.fail_after(20):
            await trio.to_thread.run_sync(write, abandon_on_cancel=True)
        await exporter.wait_until_listening()
        slow.unlink()
        slow.write_bytes(text)
        exporter.process.send_signal(signal.SIGHUP)
        await exporter.wait_for_log("configuration reloaded (SIGHUP)")
        await exporter.stop()
        assert 0 == exporter.process.returncode


async def test_another_address_to_listen_on_takes_a_restart(tmp_path: Path) -> None:
    path = write_toml(tmp_path / "c.toml", {"home": 1})
    async with running_exporter(["run", "--config", str(path)]) as exporter:
        await exporter.wait_until_listening()
        path.write_text(path.read_text().replace("127.0.0.1:0", "127.0.0.1:1"))
        exporter.process.send_signal(signal.SIGHUP)
        await exporter.wait_for_log(
            "web.listen is not what the exporter listens on: that takes a restart"
        )
        await exporter.wait_for("/metrics", GOOD)
