"""deploy/compose, started beside simulated Miniservers, one of which goes away.

Grafana is left out: neither Debian nor PyPI has it.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import trio
from attrs import frozen

from benchmarks.laboratory import Site, build_site
from benchmarks.scraper import connect
from container.compose_files import FILES, add_miniserver, count_rules, lay_out
from container.docker_compose import Compose, answering_as_docker, taken_down_at_the_end
from container.findings import Findings, say
from container.monitoring import Alert, Monitoring, Rule, Target, seconds_until
from container.podman import ControlGroup, inspect
from container.processes import Confinement
from container.stand_ins import STAND_INS, images_or_stand_ins, trusting, untagged_at_the_end
from stack.files import SPEED


SERVICES: Final = ("exporter", *STAND_INS)

MEMORY_LIMIT: Final = 128
"""MiB, of the exporter, as compose.yaml has it."""

RELOADED_WITHIN: Final = 10.0
"""Seconds, as the documentation promises."""

_IMAGE: Final = "localhost/loxone-exporter:compose-trial"
_CONTROLS: Final = 500
_ONE: Final = "home"
_OTHER: Final = "barn"
_UNREACHABLE: Final = Alert("LoxoneMiniserverUnreachable", _ONE, "active")
_DOWN: Final = Alert("LoxoneExporterDown", "", "active")
_PATIENCE: Final = 60.0

# Containers do not come by loopback.
_EVERYWHERE: Final = "0.0.0.0"  # noqa: S104  # for a simulated Miniserver, for a minute


async def try_compose(base: str, findings: Findings) -> None:
    """Start exporter, Prometheus and Alertmanager by Compose, and see them work together.

    Args:
        base: The image that the exporter's starts from, and stand-ins for others.
        findings: What is found is noted there.

    Raises:
        ContainerError: Something does not even start, or does not happen in time; in a group.
    """
    say("  Grafana is left out; tests/unit/test_compose.py looks at what it is provisioned with")
    one, other = [await build_site(_CONTROLS, number, host=_EVERYWHERE) for number in (1, 2)]
    with _folder() as folder:
        async with trusting(base) as trusting_base:
            compose = Compose(
                lay_out(folder, image=_IMAGE, base=trusting_base, miniserver=_ONE, port=one.port),
                f"loxone-exporter-trial-{os.getpid()}",
                FILES,
                folder / "podman.sock",
            )
            images = await compose.images()
            async with (
                images_or_stand_ins({name: images[name] for name in STAND_INS}, base),
                untagged_at_the_end(_IMAGE),
                answering_as_docker(compose.socket),
                trio.open_nursery() as nursery,
                taken_down_at_the_end(compose),
            ):
                scope: trio.CancelScope = await nursery.start(serve, one)
                await nursery.start(serve, other)
                await _Trial(compose, findings).play(one, other, scope)
                nursery.cancel_scope.cancel(reason="the trial is over")


@frozen
class _Trial:
    """One after the other, what is to be seen.

    Attributes:
        compose: By which services are started and ended.
        findings: What is found is noted there.
    """

    compose: Compose
    findings: Findings

    async def play(self, one: Site, other: Site, miniserver: trio.CancelScope) -> None:
        """Start all, look at it, change and break things, and end all.

        Args:
            one: The Miniserver of .env.
            other: One more.
            miniserver: Cancelling it ends the first.
        """
        began = trio.current_time()
        await self.compose.run("build")
        say(f"  Compose built the image in {trio.current_time() - began:.1f} s")
        began = trio.current_time()
        await self.compose.up(*SERVICES)
        say(f"  all services are healthy {trio.current_time() - began:.1f} s after `up`")
        await self._look_at_services()
        monitoring = Monitoring(
            prometheus=await self.compose.port("prometheus", 9090),
            alertmanager=await self.compose.port("alertmanager", 9093),
        )
        await self._look_at_prometheus(monitoring, len(one.house.values))
        await self._reload(other)
        async with self._alerted(monitoring, _UNREACHABLE):
            miniserver.cancel(reason="the Miniserver goes away")
        async with self._alerted(monitoring, _DOWN):
            await self._stop_exporter()
        await self._end()

    async def _look_at_services(self) -> None:
        healthy = dict.fromkeys(SERVICES, "healthy")
        self.findings.equal("all are healthy", healthy, await self.compose.health())
        for service in SERVICES:
            pid = (await self._state(service))["Pid"]
            found = Confinement.of(pid)
            self.findings.true(
                f"{service}: no root, no capability, nothing to write to",
                found.is_tight,
                found,
            )
            if service == "exporter":
                limit = ControlGroup.of(pid).limit()
                self.findings.equal(f"{service}: {MEMORY_LIMIT} MiB of memory", MEMORY_LIMIT, limit)

    async def _look_at_prometheus(self, monitoring: Monitoring, values: int) -> None:
        async def are_all_there() -> bool:
            query = f'count(loxone_control_value{{miniserver="{_ONE}"}})'
            return await monitoring.value(query) == values

        what = f"Prometheus has all {values} values of {_ONE}"
        took = await seconds_until(are_all_there, what, patience=_PATIENCE)
        say(f"  {what}, {took:.1f} s later")
        expected = [Target("loxone", "exporter:9504", "up")]
        self.findings.equal("whom Prometheus scrapes", expected, await monitoring.targets())
        up = await monitoring.value('up{job="loxone"}')
        self.findings.equal("up is 1 for job loxone", 1.0, up)
        rules: list[Rule] = []

        async def are_evaluated() -> bool:
            rules[:] = await monitoring.rules()
            return bool(rules) and all(rule.health != "unknown" for rule in rules)

        await seconds_until(are_evaluated, "all rules are evaluated", patience=_PATIENCE)
        self.findings.equal("it has loaded all rules", count_rules(self.compose.folder), len(rules))
        wrong = [rule for rule in rules if rule.health != "ok" or rule.error]
        self.findings.equal("no rule has an error", [], wrong)
        self.findings.equal(
            "whom Prometheus alerts",
            ["http://alertmanager:9093/api/v2/alerts"],
            await monitoring.alertmanagers(),
        )

    async def _reload(self, other: Site) -> None:
        port = await self.compose.port("exporter", 9504)
        sample = f'\nloxone_exporter_connected{{miniserver="{_OTHER}"}} '

        async def has(value: str) -> bool:
            async with connect(port) as scraper:
                return f"{sample}{value}".encode() in await scraper.scrape()

        self.findings.true(f"{_OTHER} is not in use yet", not await has(""), _OTHER)
        add_miniserver(self.compose.folder, _OTHER, other.port)
        what = f"{_OTHER}, added to the exporter's file, is in use"
        took = await seconds_until(partial(has, ""), what, patience=_PATIENCE)
        self.findings.true(f"{what} within {RELOADED_WITHIN:g} s", took < RELOADED_WITHIN, took)
        say(f"  in use after {took:.1f} s")
        await seconds_until(partial(has, "1"), f"{_OTHER} is connected", patience=_PATIENCE)

    @contextlib.asynccontextmanager
    async def _alerted(self, monitoring: Monitoring, expected: Alert) -> AsyncIterator[None]:
        """What happens in the block is alerted."""
        alerts = await monitoring.alerts()
        self.findings.true(f"{expected.name} is not alerted yet", expected not in alerts, alerts)
        yield

        async def is_there() -> bool:
            return expected in await monitoring.alerts()

        what = f"{expected.name} is at Alertmanager"
        took = await seconds_until(is_there, what, patience=_PATIENCE)
        say(f"  ok      {what} after {took:.1f} s, with times divided by {SPEED:g}")

    async def _stop_exporter(self) -> None:
        await self.compose.run("stop", "exporter")
        code = (await self._state("exporter"))["ExitCode"]
        self.findings.equal("the exporter's exit code", 0, code)

    async def _end(self) -> None:
        names = await self.compose.remains()
        containers = {self.compose.container(service) for service in SERVICES}
        self.findings.true("before `down`, all containers are there", containers <= {*names}, names)
        self.findings.equal("`down` complains of nothing", "", await self.compose.down())
        self.findings.equal("`down` leaves nothing behind", [], await self.compose.remains())

    async def _state(self, service: str) -> Mapping[str, Any]:
        details = await inspect("container", self.compose.container(service))
        state: Mapping[str, Any] = details["State"]
        return state


async def serve(site: Site, *, task_status: trio.TaskStatus[trio.CancelScope]) -> None:
    """Be a Miniserver, until cancelled."""
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            await nursery.start(site.serve)
            task_status.started(scope)


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="loxone-exporter-container-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # for the containers' users, who are nobody here
        yield folder
