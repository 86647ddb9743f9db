"""The Deployment of deploy/kubernetes, played by podman: scraped, configured anew, and stopped."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import trio
from attrs import frozen

from benchmarks.laboratory import Site, build_site
from benchmarks.process import free_port
from benchmarks.scraper import HOST, Scraper, connect, count_values
from container.findings import Findings, say, say_spread
from container.manifests import CONFIG, ConfigMapVolume, Manifests, mebibytes
from container.podman import ContainerError, ControlGroup, attempt, inspect, podman
from container.processes import Confinement
from container.running import CONTROLS, STOP_BUDGET


CONTROLS_OF_THE_OTHER: Final = 50

RELOADED_WITHIN: Final = 10.0
"""Seconds, as the documentation promises; a cluster takes its own time before that."""

_POLL: Final = 0.02
_PATIENCE: Final = 30.0
_CLEANUP: Final = 20.0
_SCRAPES: Final = 20
_OK: Final = 200

_RESIDENT: Final = b"process_resident_memory_bytes"
_RELOADED_AT: Final = b"loxone_exporter_config_last_reload_success_timestamp_seconds"
_IS_CURRENT: Final = b"loxone_exporter_config_last_reload_successful"

_WEB: Final = '[web]\nlisten = ["{host}:{port}"]\n'
_MINISERVER: Final = """
[[miniservers]]
name = "{name}"
host = "{host}"
port = {port}
username = "demo"
password_file = "/run/secrets/loxone/password"
"""
_PASSWORDS: Final = {"password": "demo"}

_ID: Final = r"\s+([0-9a-f]{64})"


@frozen
class Figures:
    """What one run took.

    Attributes:
        started: Seconds from `podman kube play` to the first complete scrape.
        resident: Resident memory after scrapes, in MiB.
        peak: The most memory that the container took until then, in MiB.
        peak_beside_a_command: Likewise, with `check --connect` beside the exporter.
        reloaded: Seconds from another ConfigMap in the volume to a scrape that shows it.
        stopped: Seconds that stopping the pod took.
    """

    started: float
    resident: float
    peak: float
    peak_beside_a_command: float
    reloaded: float
    stopped: float


_COLUMNS: Final[Mapping[str, tuple[str, Callable[[Figures], float]]]] = {
    "from `podman kube play` to the first complete scrape": ("s", lambda run: run.started),
    "resident memory after scrapes": ("MiB", lambda run: run.resident),
    "peak memory of the container": ("MiB", lambda run: run.peak),
    "peak with `check --connect` in it": ("MiB", lambda run: run.peak_beside_a_command),
    "from another ConfigMap to a scrape that shows it": ("s", lambda run: run.reloaded),
    "to stop": ("s", lambda run: run.stopped),
}


async def try_kubernetes(image: str, runs: int, findings: Findings) -> None:
    """Play the Deployment some times, and print what it took.

    Args:
        image: The image's name.
        runs: How often.
        findings: What is found is noted there.

    Raises:
        ContainerError: It does not even start; in a group.
    """
    figures = []
    home = await build_site(CONTROLS, 1)
    barn = await build_site(CONTROLS_OF_THE_OTHER, 2)
    async with trio.open_nursery() as nursery:
        for site in (home, barn):
            await nursery.start(site.serve)
        for number in range(1, runs + 1):
            say(f"Kubernetes, run {number} of {runs}")
            figures.append(await _try_run(image, home, barn, findings))
        nursery.cancel_scope.cancel(reason="the trial is over")
    say(f"a house of {CONTROLS} controls, played by podman; median (least to most):")
    for what, (unit, value) in _COLUMNS.items():
        say_spread(what, unit, [value(run) for run in figures])


async def _try_run(image: str, home: Site, barn: Site, findings: Findings) -> Figures:
    port = free_port()
    rendered = Manifests.read()
    web = _WEB.format(host=HOST, port=port)
    first, second = (
        _MINISERVER.format(name=name, host=HOST, port=site.port)
        for name, site in (("home", home), ("barn", barn))
    )
    played = rendered.playable(
        name=f"loxone-exporter-trial-{os.getpid()}", image=image, config=web + first
    )
    at_home = len(home.house.values)
    with tempfile.TemporaryDirectory(prefix="loxone-exporter-kubernetes-") as folder:
        path = Path(folder, "manifests.yaml")
        played.write(path, _PASSWORDS)
        async with _removed_at_the_end(path, played):
            began = trio.current_time()
            pod, container = _ids(await podman("kube", "play", "--network=host", str(path)))
            await _scrape_until(port, container, lambda scrape: count_values(scrape) == at_home)
            started = trio.current_time() - began
            pid = (await inspect("container", container))["State"]["Pid"]
            group = ControlGroup.of(pid)
            await _check_confinement(container, pid, played, findings)
            async with connect(port) as scraper:
                await _check_probes(scraper, played, findings)
                for _ in range(_SCRAPES):
                    scrape = await scraper.scrape()
            resident, peak = _sample(scrape, _RESIDENT) / 2**20, group.peak()
            _check_memory(group, played, findings)
            await _check_command(container, pid, findings)
            beside = group.peak()
            volume = ConfigMapVolume(await _mountpoint(played.name))
            both = at_home + len(barn.house.values)
            trial = _Reloading(port, container, volume, findings)
            reloaded = await trial.good("with a second Miniserver", web + first + second, both)
            await trial.bad("with a mistake", web + first.replace("username", "usrname"), both)
            await trial.good("with the first one alone", web + first, at_home)
            stopped = await _stop(pod, container, played, findings)
    return Figures(started, resident, peak, beside, reloaded, stopped)


@contextlib.asynccontextmanager
async def _removed_at_the_end(path: Path, played: Manifests) -> AsyncIterator[None]:
    try:
        yield
    finally:
        with trio.move_on_after(_CLEANUP, shield=True):
            await attempt("kube", "down", str(path))
            await attempt("volume", "rm", "--force", played.name, played.secret)


def _ids(output: str) -> Sequence[str]:
    """Those of the pod and of its container, as podman tells them."""
    found = re.search(f"Pod:{_ID}.*Containers?:{_ID}", output, re.DOTALL)
    if found is None:
        raise ContainerError(f"podman started no pod with a container: {output}")
    return found.groups()


async def _scrape_until(port: int, container: str, is_so: Callable[[bytes], bool]) -> bytes:
    with trio.move_on_after(_PATIENCE):
        while True:
            with contextlib.suppress(OSError):
                async with connect(port) as scraper:
                    while True:
                        scrape = await scraper.scrape()
                        if is_so(scrape):
                            return scrape
                        await trio.sleep(_POLL)
            await trio.sleep(_POLL)
    log = (await attempt("logs", container)).stderr.decode(errors="replace").strip()
    raise ContainerError(f"no such scrape as is waited for in {_PATIENCE:g} s: {log or 'no log'}")


async def _check_confinement(
    container: str, pid: int, played: Manifests, findings: Findings
) -> None:
    """Whether the kernel has what the manifests ask for."""
    context, found = played.pod["securityContext"], Confinement.of(pid)
    findings.equal("its user", {context["runAsUser"]}, found.users)
    findings.equal("its group", {context["runAsGroup"]}, found.groups)
    findings.true("it is confined", found.is_tight, found)
    mounts = [each["mountPath"] for each in played.container["volumeMounts"]]
    for folder in ("/", *mounts):
        done = await attempt("exec", container, "python", "-c", f"open('{folder}/new', 'w')")
        is_refused = b"Read-only file system" in done.stderr
        findings.true(f"nothing can be written to {folder}", is_refused, done.stderr)


async def _check_probes(scraper: Scraper, played: Manifests, findings: Findings) -> None:
    for name in ("startupProbe", "livenessProbe", "readinessProbe"):
        path = played.container[name]["httpGet"]["path"]
        findings.equal(f"{name}, {path}", _OK, (await scraper.ask(path)).status)


def _check_memory(group: ControlGroup, played: Manifests, findings: Findings) -> None:
    request, limit = (
        mebibytes(played.container["resources"][kind]["memory"]) for kind in ("requests", "limits")
    )
    findings.equal("the limit that the kernel knows, in MiB", limit, group.limit())
    peak = group.peak()
    findings.true("the house fits into what is requested", peak < request, peak)


async def _check_command(container: str, pid: int, findings: Findings) -> None:
    """A command beside the exporter must not cost it its life; podman would start another one."""
    done = await attempt("exec", container, "loxone-exporter", "check", "--connect")
    findings.true("`check --connect` in it", done.returncode == 0, done.stderr)
    state = (await inspect("container", container))["State"]
    findings.equal("the exporter survives it", ("running", pid), (state["Status"], state["Pid"]))


@frozen
class _Reloading:
    """Changes of the ConfigMap, seen by scrapes.

    Attributes:
        port: The exporter's.
        container: Its own.
        volume: The ConfigMap's.
        findings: What is found is noted there.
    """

    port: int
    container: str
    volume: ConfigMapVolume
    findings: Findings

    async def good(self, how: str, text: str, values: int) -> float:
        """Another configuration, and how many values a scrape has with it.

        Returns:
            Seconds until then.
        """
        before = _sample(await self._scrape(), _RELOADED_AT)
        began = trio.current_time()
        self.volume.replace({CONFIG: text})
        scrape = await self._scrape(lambda scrape: count_values(scrape) == values)
        took = trio.current_time() - began
        self.findings.true(f"reloaded within 10 s, {how}", took < RELOADED_WITHIN, took)
        after = _sample(scrape, _RELOADED_AT)
        self.findings.true("a scrape tells when", after > before, after)
        return took

    async def bad(self, how: str, text: str, values: int) -> None:
        """One with a mistake, which changes nothing but what says so."""
        self.volume.replace({CONFIG: text})
        scrape = await self._scrape(lambda scrape: _sample(scrape, _IS_CURRENT) == 0)
        self.findings.equal(f"values, {how}", values, count_values(scrape))

    async def _scrape(self, is_so: Callable[[bytes], bool] = bool) -> bytes:
        return await _scrape_until(self.port, self.container, is_so)


async def _stop(pod: str, container: str, played: Manifests, findings: Findings) -> float:
    began = trio.current_time()
    await podman("pod", "stop", f"--time={played.pod['terminationGracePeriodSeconds']}", pod)
    stopped = trio.current_time() - began
    findings.true("SIGTERM ends it within 5 s", stopped < STOP_BUDGET, stopped)
    state = (await inspect("container", container))["State"]
    findings.equal("its exit code", 0, state["ExitCode"])
    return stopped


async def _mountpoint(volume: str) -> Path:
    return Path((await inspect("volume", volume))["Mountpoint"])


def _sample(scrape: bytes, name: bytes) -> float:
    (value,) = re.findall(rb"^" + name + rb" (\S+)$", scrape, re.MULTILINE)
    return float(value)
