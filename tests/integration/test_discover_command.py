"""`loxone-exporter discover` as people and scripts run it, against a Miniserver on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trio

from loxone_exporter.simulator.demo import DemoHouse
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.simulator.profile import Profile
from support.exporters import not_on_the_list
from support.memory_network import small_house
from support.processes import serve_on_loopback, write_toml
from support.terminals import terminal


pytestmark = pytest.mark.slow


async def discover(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "loxone_exporter", "discover", *arguments]
    with trio.fail_after(30):
        ended = await trio.run_process(
            command, capture_stdout=True, capture_stderr=True, check=False
        )
    return subprocess.CompletedProcess(
        command, ended.returncode, ended.stdout.decode(), ended.stderr.decode()
    )


@pytest.fixture
def miniserver() -> SimulatedMiniserver:
    profile = Profile(key_bits=1024)
    return SimulatedMiniserver(small_house(), username="demo", password="demo", profile=profile)


async def test_controls_are_shown_in_each_form(
    nursery: trio.Nursery, miniserver: SimulatedMiniserver, tmp_path: Path
) -> None:
    port = await serve_on_loopback(miniserver, nursery)
    config = str(write_toml(tmp_path / "house.toml", {"home": port}))

    piped = await discover("--config", config)
    assert (0, "") == (piped.returncode, piped.stderr)
    rows = [line.split("\t") for line in piped.stdout.splitlines()]
    assert {8} == {len(row) for row in rows}
    assert {"home"} == {row[0] for row in rows}

    as_json = await discover("--config", config, "--json")
    assert (0, "") == (as_json.returncode, as_json.stderr)
    (house,) = json.loads(as_json.stdout)["miniservers"]
    assert {row[1] for row in rows} <= {control["name"] for control in house["controls"]}

    name = rows[0][1]
    explained = await discover("--config", config, "--explain", name)
    assert (0, "") == (explained.returncode, explained.stderr)
    assert explained.stdout.startswith(f"{name} (")
    assert "catalog: " in explained.stdout

    unknown = await discover("--config", config, "--explain", "no such thing")
    assert (1, "") == (unknown.returncode, unknown.stdout)
    assert "'no such thing'" in unknown.stderr

    assert [] == list(miniserver.tokens)
    assert [] == not_on_the_list(miniserver)


async def test_who_cannot_be_visited_is_named_and_the_others_are_shown(
    nursery: trio.Nursery, miniserver: SimulatedMiniserver, tmp_path: Path
) -> None:
    port = await serve_on_loopback(miniserver, nursery)
    config = str(write_toml(tmp_path / "house.toml", {"home": port, "gone": 9}))
    ended = await discover("--config", config)
    assert 1 == ended.returncode
    assert "home\t" in ended.stdout
    assert ended.stderr.startswith("Miniserver 'gone': ")
    ended = await discover("--config", config, "--explain", "no such thing")
    assert (1, "") == (ended.returncode, ended.stdout)
    assert ended.stderr.startswith("Miniserver 'gone': ")
    assert "no such thing" not in ended.stderr


async def test_an_explanation_has_one_form() -> None:
    ended = await discover("--json", "--explain", "x")
    assert (2, "") == (ended.returncode, ended.stdout)
    assert "argument --explain: not allowed with argument --json" in ended.stderr


async def test_a_wrong_configuration_is_not_tried(tmp_path: Path) -> None:
    path = tmp_path / "house.toml"
    path.write_text("[[override]]\nunit = 'kwhh'\n")
    ended = await discover("--config", str(path))
    assert (2, "") == (ended.returncode, ended.stdout)
    assert "override[0].unit" in ended.stderr
    assert "kWh" in ended.stderr


async def test_who_has_seen_enough_is_told_nothing_more(
    nursery: trio.Nursery, miniserver: SimulatedMiniserver, tmp_path: Path
) -> None:
    port = await serve_on_loopback(miniserver, nursery)
    config = str(write_toml(tmp_path / "house.toml", {"home": port}))
    reads, writes = os.pipe()
    os.close(reads)  # as `head` does, once it has its lines
    command = [sys.executable, "-m", "loxone_exporter", "discover", "--config", config]
    with trio.fail_after(30):
        ended = await trio.run_process(command, stdout=writes, capture_stderr=True, check=False)
    os.close(writes)
    assert (1, b"") == (ended.returncode, ended.stderr)


async def test_a_person_sees_no_line_that_the_terminal_breaks(
    nursery: trio.Nursery, tmp_path: Path
) -> None:
    house = DemoHouse(now=datetime(2026, 3, 14, 12, tzinfo=UTC))
    profile = Profile(key_bits=1024)
    demo = SimulatedMiniserver(house, username="demo", password="demo", profile=profile)
    config = write_toml(tmp_path / "c.toml", {"home": await serve_on_loopback(demo, nursery)})
    async with terminal("discover", "--config", config, folder=tmp_path) as watched:
        assert 0 == await watched.end()
    lines = watched.screen.splitlines()
    assert "Miniserver 'home'" == lines[0]
    assert [] == [line for line in lines if len(line) > 80]
    assert sum("loxone_temperature_celsius" in line for line in lines) > 5
