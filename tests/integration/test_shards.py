"""A fleet of exporters that share one file, as its users run it."""

from __future__ import annotations

import contextlib
import json
import signal
from pathlib import Path

import pytest
import trio

from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.simulator.profile import Profile
from support.exporters import sent
from support.memory_network import small_house
from support.processes import (
    RunningExporter,
    run_command,
    running_exporter,
    serve_on_loopback,
    write_toml,
)


pytestmark = pytest.mark.slow


BEFORE = {"villa": 0, "barn": 0, "Küche": 1}
AFTER = {"villa": 0, "barn": 2, "Küche": 1}
"""Who has whom, of two exporters and of three."""


@pytest.fixture
def houses() -> dict[str, SimulatedMiniserver]:
    return {
        name: SimulatedMiniserver(
            small_house(), username="demo", password="demo", profile=Profile(key_bits=1024)
        )
        for name in BEFORE
    }


@pytest.fixture
async def ports(nursery: trio.Nursery, houses: dict[str, SimulatedMiniserver]) -> dict[str, int]:
    return {name: await serve_on_loopback(house, nursery) for name, house in houses.items()}


def write(path: Path, ports: dict[str, int], count: int) -> Path:
    return write_toml(path, ports, extra=f"[shard]\ncount = {count}")


def pod(index: int) -> dict[str, str]:
    return {"LOXONE_SHARD": f"loxone-exporter-{index}"}


def connected(name: str) -> str:
    return f'loxone_exporter_connected{{miniserver="{name}"}} 1.0'


async def wait_until_shared(fleet: list[RunningExporter], parts: dict[str, int]) -> None:
    """Wait until each Miniserver is connected to its exporter, and known to no other."""
    for index, exporter in enumerate(fleet):
        theirs = [name for name in parts if parts[name] == index]
        taken = f"loxone_exporter_miniservers {len(theirs)}.0\n"
        scrape = await exporter.wait_for("/metrics", taken)
        for name in theirs:
            scrape = await exporter.wait_for("/metrics", connected(name))
        assert "loxone_exporter_miniservers_configured 3.0" in scrape
        told = {name for name in parts if f'{{miniserver="{name}"' in scrape}
        assert set(theirs) == told


async def test_a_fleet_grows_by_an_exporter_that_was_idle(
    ports: dict[str, int], houses: dict[str, SimulatedMiniserver], tmp_path: Path
) -> None:
    path = write(tmp_path / "c.toml", ports, 2)
    async with contextlib.AsyncExitStack() as stack:
        fleet = [
            await stack.enter_async_context(
                running_exporter(["run", "--config", str(path)], environ=pod(index))
            )
            for index in range(3)
        ]
        for exporter in fleet:
            await exporter.wait_until_listening()
        await wait_until_shared(fleet, BEFORE)

        idle = fleet[2]
        assert (200, "ready\n") == await idle.get("/readyz")
        status, body = await idle.get("/healthz")
        assert (200, {"status": "healthy", "miniservers": []}) == (status, json.loads(body))
        assert "looks after no Miniserver" in (await idle.get("/"))[1]
        await idle.wait_for_log("this is exporter 2 of count = 2, whose indexes are 0 to 1")
        await idle.wait_for_log("shard 2 of 2 (0 to 1): 0 of 3 Miniserver(s)")
        status, answer = await fleet[0].get("/metrics?miniserver=K%C3%BCche")
        assert 404 == status
        assert "this exporter is shard 0 of 2 (0 to 1): 2 of 3 Miniserver(s)" in answer

        write(path, ports, 3)
        for exporter in fleet:
            exporter.process.send_signal(signal.SIGHUP)
        await wait_until_shared(fleet, AFTER)
        await idle.wait_for_log("shard 2 of 3 (0 to 2): 1 of 3 Miniserver(s)")
        await fleet[0].wait_for_log("stopped: barn; 1 Miniserver(s) as before")
        await fleet[1].wait_for_log("(SIGHUP): 1 Miniserver(s) as before")
        assert "Shard 2 of 3 (0 to 2): this exporter looks after 1 of 3" in (await idle.get("/"))[1]
        for name, house in houses.items():
            with trio.fail_after(5):  # one of them may be saying farewell
                while len(house.tokens) > 1:
                    await trio.sleep(0.01)
            assert (2 if name == "barn" else 1) == len(sent(house, "getjwt"))

        # Fewer again: what was the last one's goes back, and the last one stays.
        write(path, ports, 2)
        idle.process.send_signal(signal.SIGHUP)
        await idle.wait_for("/metrics", "loxone_exporter_miniservers 0.0")
        fleet[0].process.send_signal(signal.SIGHUP)
        await fleet[0].wait_for("/metrics", connected("barn"))
        assert (200, "ready\n") == await idle.get("/readyz")
        for exporter in fleet:
            await exporter.stop()
            assert 0 == exporter.process.returncode
    assert not any(house.tokens for house in houses.values())


async def test_an_exporter_that_does_not_know_which_it_is_does_not_start(tmp_path: Path) -> None:
    path = write(tmp_path / "c.toml", {"home": 1}, 2)
    for command in ("run", "check", "discover", "health"):
        ended = await run_command(command, "--config", path)
        assert (2, "") == (ended.returncode, ended.stdout)
        assert (
            "shard.index: missing: which of the 2 exporters is this one (0 to 1)?" in ended.stderr
        )
        assert "LOXONE_SHARD" in ended.stderr


async def test_who_looks_at_a_shard_visits_its_miniservers_only(
    ports: dict[str, int], houses: dict[str, SimulatedMiniserver], tmp_path: Path
) -> None:
    path = write(tmp_path / "c.toml", ports, 2)
    path.write_text(path.read_text() + "[[override]]\nnames = ['nowhere']\ndrop = true\n")
    told = "shard 1 of 2 (0 to 1): 1 of 3 Miniserver(s)"
    checked = await run_command("check", "--connect", "--config", path, environ=pod(1))
    assert (0, "") == (checked.returncode, checked.stderr)
    assert told in checked.stdout.splitlines()
    discovered = await run_command("discover", "--config", path, environ=pod(1))
    assert 0 == discovered.returncode
    assert discovered.stderr == (
        f"only what this exporter looks after: {told}\noverride[0] matches nothing\n"
    )
    assert {"Küche"} == {line.partition("\t")[0] for line in discovered.stdout.splitlines()}
    for output in (checked.stdout, discovered.stdout):
        assert "villa" not in output
        assert "barn" not in output
    assert {"villa": 0, "barn": 0, "Küche": 2} == {
        name: len(sent(house, "getjwt")) for name, house in houses.items()
    }

    nothing = await run_command("check", "--connect", "--config", path, environ=pod(2))
    assert (0, "") == (nothing.returncode, nothing.stderr)
    assert "\nwarning: environment: LOXONE_SHARD: this is exporter 2 of count = 2" in nothing.stdout
    nothing = await run_command("discover", "--config", path, environ=pod(2))
    assert (0, "") == (nothing.returncode, nothing.stdout)
