"""The exporter in its container, as small and as locked up as it is meant to run."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Final

import trio
from attrs import frozen

from benchmarks.laboratory import Site, build_site
from benchmarks.process import free_port
from benchmarks.scraper import HOST, connect, count_values
from container.findings import Findings
from container.image import HEALTHCHECK
from container.podman import (
    MEMORY_LIMIT,
    ContainerError,
    ControlGroup,
    attempt,
    hardened,
    inspect,
    podman,
    removed_at_the_end,
)
from container.processes import Confinement


CONTROLS: Final = 500
STOP_BUDGET: Final = 5.0

_POLL: Final = 0.005
_PATIENCE: Final = 30.0
_SCRAPES: Final = 20
_HEALTH_CHECKS: Final = 3
_FAILED: Final = 1
_USAGE: Final = 2
_NOT_EXECUTABLE: Final = 126  # as podman-run(1) says
_LABEL: Final = re.compile(rb'(\w+)="([^"]*)"')

_CONFIG: Final = """
[web]
listen = ["{host}:{port}"]

[[miniservers]]
name = "house"
host = "{host}"
port = {miniserver_port}
username = "demo"
password = "demo"
"""


@frozen
class Figures:
    """What one run took.

    Attributes:
        started: Seconds from `podman run` to the first complete scrape.
        resident: Resident memory after scrapes and health checks, in MiB.
        peak: The most memory that the container took, health checks included, in MiB.
        stopped: Seconds that `podman stop` took.
    """

    started: float
    resident: float
    peak: float
    stopped: float


@contextlib.asynccontextmanager
async def simulated_house() -> AsyncIterator[Site]:
    """A Miniserver beside the container.

    There is a nursery inside: all errors, those of the block included, leave it in a group.
    """
    site = await build_site(CONTROLS, 1)
    async with trio.open_nursery() as nursery:
        await nursery.start(site.serve)
        yield site
        nursery.cancel_scope.cancel(reason="the trial is over")


async def try_run(
    image: str, site: Site, built_from: Mapping[str, str], findings: Findings
) -> Figures:
    """Run the exporter, scrape it, ask whether it is healthy, and stop it.

    Args:
        image: The image's name.
        site: The Miniserver.
        built_from: The build arguments that the image was given.
        findings: What is found is noted there.

    Raises:
        ContainerError: It does not even start.
    """
    port, name = free_port(), f"loxone-exporter-trial-{os.getpid()}"
    text = _CONFIG.format(host=HOST, port=port, miniserver_port=site.port)
    with _configuration(text) as folder:
        async with removed_at_the_end(name):
            began = trio.current_time()
            await podman("run", "--detach", *hardened(name, folder), image)
            await _wait_until_complete(name, port, len(site.house.values))
            started = trio.current_time() - began
            state = (await inspect("container", name))["State"]
            await _check_health(name, findings)
            async with connect(port) as scraper:
                for _ in range(_SCRAPES):
                    scrape = await scraper.scrape()
            findings.equal("every value is there", len(site.house.values), count_values(scrape))
            _check_build_info(scrape, built_from, findings)
            confinement = Confinement.of(state["Pid"])
            findings.true("it is confined", confinement.is_tight, confinement)
            peak = ControlGroup.of(state["Pid"]).peak()
            findings.true("its memory stays below the limit", peak < MEMORY_LIMIT, peak)
            began = trio.current_time()
            await podman("stop", "--time=10", name)
            stopped = trio.current_time() - began
            findings.true("SIGTERM ends it within 5 s", stopped < STOP_BUDGET, stopped)
            state = (await inspect("container", name))["State"]
            findings.equal("its exit code", 0, state["ExitCode"])
    return Figures(
        started, _sample(scrape, b"process_resident_memory_bytes") / 2**20, peak, stopped
    )


async def try_what_fails(image: str, findings: Findings) -> None:
    """A mistake in its configuration, a health check where nobody answers, and a shell.

    Args:
        image: The image's name.
        findings: What is found is noted there.
    """
    name = f"loxone-exporter-trial-{os.getpid()}"
    good = _CONFIG.format(host=HOST, port=free_port(), miniserver_port=free_port())
    async with removed_at_the_end(name):
        with _configuration(good.replace("username", "usrname")) as folder:
            done = await attempt("run", "--rm", *hardened(name, folder), image)
        findings.equal("exit code with a bad configuration", _USAGE, done.returncode)
        findings.true("it names the mistake", b"usrname" in done.stderr, done.stderr)
        with _configuration(good) as folder:
            command = ("run", "--rm", *hardened(name, folder), image, HEALTHCHECK[-1])
            done = await attempt(*command)
            findings.equal("health check where nobody answers", _FAILED, done.returncode)
            shell = ("run", "--rm", "--entrypoint=/bin/sh", *hardened(name, folder), image)
            done = await attempt(*shell, "-c", "exit 0")
        findings.equal("a shell cannot be run", _NOT_EXECUTABLE, done.returncode)


@contextlib.contextmanager
def _configuration(text: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="loxone-exporter-container-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # for the container's user, who is nobody here
        (folder / "loxone-exporter.toml").write_text(text, encoding="utf-8")
        yield folder


async def _wait_until_complete(name: str, port: int, expected: int) -> None:
    found = 0
    with trio.move_on_after(_PATIENCE):
        while True:
            with contextlib.suppress(OSError):
                async with connect(port) as scraper:
                    while found != expected:
                        found = count_values(await scraper.scrape())
                        await trio.sleep(0 if found == expected else _POLL)
                    return
            await trio.sleep(_POLL)
    log = (await attempt("logs", name)).stderr.decode(errors="replace").strip()
    raise ContainerError(
        f"{found} of {expected} values in a scrape after {_PATIENCE:g} s: {log or 'no log'}"
    )


async def _check_health(name: str, findings: Findings) -> None:
    codes = [(await attempt("healthcheck", "run", name)).returncode for _ in range(_HEALTH_CHECKS)]
    findings.equal("the health check says that it lives", [0] * _HEALTH_CHECKS, codes)
    # It is another process in the same memory, and must not cost the exporter its life.
    state = (await inspect("container", name))["State"]
    findings.equal("it survives its health checks", "running", state["Status"])


def _check_build_info(scrape: bytes, built_from: Mapping[str, str], findings: Findings) -> None:
    (line,) = [
        line for line in scrape.splitlines() if line.startswith(b"loxone_exporter_build_info{")
    ]
    found = {name.decode().upper(): value.decode() for name, value in _LABEL.findall(line)}
    findings.equal("loxone_exporter_build_info", dict(built_from), found)


def _sample(scrape: bytes, name: bytes) -> float:
    (value,) = re.findall(rb"^" + name + rb" (\S+)$", scrape, re.MULTILINE)
    return float(value)
