"""Every query of every dashboard, answered by a real Prometheus with the rules that we ship.

It scrapes a real exporter that looks after four simulated Miniservers: the demo house; one whose
name and rooms are as awkward as names can be, and in which a smoke alarm goes off; one that rejects
the login; and one that is gone. What dashboards show of yesterday and of last month is written into
Prometheus' data from what it knows of today.
"""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
import trio
from attrs import evolve, frozen

from loxone_exporter.loxone.uuids import parse_uuid
from loxone_exporter.simulator.demo import DemoHouse
from loxone_exporter.simulator.house import House
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.simulator.profile import Profile
from loxone_exporter.simulator.profiles import PROFILES
from loxone_exporter.simulator.tls import make_certificate
from support.grafana import (
    FILES,
    FOLDER,
    Target,
    choose,
    fill_in,
    label_values,
    load,
    offered,
    targets,
    variables,
)
from support.memory_network import small_house
from support.processes import (
    running_exporter,
    serve_on_loopback,
    serve_with_tls_on_loopback,
    write_toml,
)
from support.prometheus import RunningPrometheus, configured_prometheus, rules_in_a_hurry


pytestmark = pytest.mark.slow


AWKWARD: Final = """Kinder's "Haus" (1.) \\ Süd"""

SCRAPE_INTERVAL: Final = 1.0
LEAST_SCRAPES: Final = 4

_DEVICE: Final = Profile(key_bits=1024)
_DEVICE_WITH_TLS: Final = evolve(PROFILES["gen2-16"], key_bits=1024)
_COUNTERS: Final = ("_total", "_bucket", "_sum", "_count")


class AwkwardHouse(DemoHouse):
    """The demo house, with rooms that nobody should call so, on fire."""

    def __init__(self, *, now: datetime) -> None:
        super().__init__(now=now)
        structure = json.loads(self.structure)
        for room in structure["rooms"].values():
            room["name"] += """ "1." \\ (it's ${room} or .*)"""
        self.structure = json.dumps(structure).encode()
        (alarm,) = (it for it in structure["controls"].values() if it["type"] == "SmokeAlarm")
        self.values[parse_uuid(alarm["states"]["level"])] = 2.0


@frozen
class Moment:
    """When the dashboards are opened: at noon, by a clock in the right part of the world."""

    now: datetime

    @classmethod
    def present(cls) -> Moment:
        utc = datetime.now(UTC)
        return cls(utc.astimezone(timezone(timedelta(hours=12 - utc.hour))))

    def earlier(self) -> Iterator[int]:
        """Some times until then, the first one first: midnights, and of late whole hours."""
        midnight = self.now.replace(hour=0, minute=0, second=0, microsecond=0)
        for days in range(65, 2, -1):
            yield int((midnight - timedelta(days=days)).timestamp())
        hour = midnight - timedelta(days=2)
        while hour < self.now - timedelta(minutes=30):
            yield int(hour.timestamp())
            hour += timedelta(hours=1)

    def just_before(self) -> range:
        """Every twenty seconds of the last half an hour."""
        end = int(self.now.timestamp())
        return range(end - 1800, end, 20)


def configuration(exporter_url: str, folder: Path) -> str:
    """That of a Prometheus which scrapes each second and does not wait long for its rules."""
    interval = f"{SCRAPE_INTERVAL:.0f}s"
    target = exporter_url.removeprefix("http://")
    return json.dumps(
        {
            "global": {"scrape_interval": interval, "evaluation_interval": interval},
            "rule_files": [rules_in_a_hurry(folder)],
            "scrape_configs": [{"job_name": "loxone", "static_configs": [{"targets": [target]}]}],
        }
    )


def past(series: Iterable[Mapping[str, Any]], times: Sequence[int]) -> Iterator[str]:
    """The lines of OpenMetrics by which series were there before.

    Counters have grown from 0 to nearly what they are; all else was as it is.
    """
    first, last = times[0], times[-1]
    for each in series:
        labels = dict(each["metric"])
        name = labels.pop("__name__")
        grows = name.endswith(_COUNTERS) or name == "loxone:energy_kwh:reading"
        value = float(each["value"][1])
        text = ",".join(
            f"{label}={json.dumps(it, ensure_ascii=False)}" for label, it in labels.items()
        )
        for time in times:
            then = 0.999 * value * (time - first) / (last - first) if grows else value
            yield f"{name}{{{text}}} {then!r} {time}"


async def write_past(lines: Iterable[str], name: str, folder: Path) -> None:
    path = folder / name
    path.write_text("\n".join([*lines, "# EOF", ""]), encoding="utf-8")
    arguments = ("tsdb", "create-blocks-from", "openmetrics", path, folder / "data")
    await trio.run_process(["promtool", *arguments], capture_stdout=True, capture_stderr=True)


async def wait_for(prometheus: RunningPrometheus, query: str, *, within: float = 90) -> None:
    with trio.fail_after(within):
        while not await prometheus.query(query):
            await trio.sleep(0.3)


@asynccontextmanager
async def prometheus_with_a_past(
    exporter_url: str, moment: Moment, folder: Path
) -> AsyncIterator[RunningPrometheus]:
    """A Prometheus that has scraped, and knows of the time before."""
    text = configuration(exporter_url, folder)
    async with configured_prometheus(text, folder) as prometheus:
        # What takes longest: a keepalive is sent thirty seconds after a connection was made.
        await wait_for(prometheus, "loxone_exporter_keepalive_round_trip_seconds_count > 0")
        await wait_for(prometheus, "loxone:energy_kwh:increase30d")
        await wait_for(prometheus, 'ALERTS{alertname="LoxoneLoginRejected", alertstate="firing"}')
        series = await prometheus.query('{__name__=~".+"}')
    energy = [it for it in series if it["metric"]["__name__"].startswith("loxone:energy_kwh:")]
    others = [it for it in series if it not in energy]
    await write_past(past(energy, list(moment.earlier())), "long-ago.txt", folder)
    await write_past(past(others, moment.just_before()), "just-before.txt", folder)
    # As docs/prometheus.md has it; by default the month before is forgotten.
    retention = "--storage.tsdb.retention.time=400d"
    async with configured_prometheus(text, folder, retention) as prometheus:
        await wait_for(prometheus, f"count_over_time(up[1m]) >= {LEAST_SCRAPES}")
        await wait_for(
            prometheus, 'ALERTS{alertname="LoxoneSmokeOrWaterAlarm", alertstate="firing"}'
        )
        yield prometheus


async def is_answered(
    prometheus: RunningPrometheus, target: Target, values: Mapping[str, str], now: datetime
) -> bool:
    """Whether a panel shows anything: a number at least once."""
    expr, time, step = target.filled_in(values, now, SCRAPE_INTERVAL)
    if target.is_instant:
        found = await prometheus.query(expr, time=int(time.end.timestamp()))
        return any(is_number(it["value"]) for it in found)
    # Grafana's steps begin at the local midnight.
    offset = now.utcoffset()
    assert offset is not None
    start, end = (
        math.floor((it.timestamp() + offset.seconds) / step) * step - offset.seconds
        for it in (time.start, time.end)
    )
    found = await prometheus.query_range(expr, start=start, end=end, step=step)
    return any(is_number(value) for it in found for value in it["values"])


def is_number(value: Sequence[Any]) -> bool:
    return not math.isnan(float(value[1]))


async def choices(
    prometheus: RunningPrometheus, page: Mapping[str, Any]
) -> Iterator[Mapping[str, str]]:
    """What the variables of a dashboard may be: all houses, or the awkward one; its rooms."""
    values: list[dict[str, str]] = [{}]
    for variable in variables(page):
        selector, label = label_values(variable["query"]["query"])
        found = await prometheus.label_values(label, fill_in(selector, values[0]))
        options = offered(variable, found)
        assert options, variable["name"]
        if variable["includeAll"]:
            chosen = [variable["allValue"]]
        elif variable["name"] == "miniserver":
            assert AWKWARD in options
            chosen = [choose(AWKWARD)]
        else:
            chosen = [choose(option) for option in options]
        values = [{**them, variable["name"]: it} for them in values for it in chosen]
    return iter(values)


async def unanswered(
    prometheus: RunningPrometheus,
    page: Mapping[str, Any],
    asked: Iterable[Target],
    now: datetime,
) -> list[str]:
    """The queries that nothing answers, whatever is chosen."""
    possible = list(await choices(prometheus, page))
    assert possible
    missing = []
    for target in asked:
        for values in possible:
            if await is_answered(prometheus, target, values, now):
                break
        else:
            missing.append(target.name)
    return missing


def marks(page: Mapping[str, Any]) -> Iterator[Target]:
    """Those of a dashboard, as if they were panels."""
    for annotation in page["annotations"]["list"]:
        panel = {"title": annotation["name"], "interval": "60s"}
        yield Target(page["uid"], panel, annotation["expr"], page["time"]["from"], is_instant=False)


async def check_that_misspelt_names_are_noticed(
    prometheus: RunningPrometheus, page: Mapping[str, Any], asked: Iterable[Target], now: datetime
) -> None:
    simple = [it for it in asked if it.expr.count("loxone") == 1 and " or " not in it.expr]
    wrong = [evolve(it, expr=it.expr.replace("loxone", "loxnoe")) for it in simple[:3]]
    assert wrong
    assert [it.name for it in wrong] == await unanswered(prometheus, page, wrong, now)


async def check_the_fleet(prometheus: RunningPrometheus, now: datetime) -> None:
    """See that what is on top of that dashboard is so: two houses are not connected."""
    page = load(FOLDER / "fleet.json")
    (values,) = await choices(prometheus, page)
    shown = {}
    for target in targets(page):
        if target.panel["type"] == "stat":
            expr, _, _ = target.filled_in(values, now, SCRAPE_INTERVAL)
            ((_, value),) = [it["value"] for it in await prometheus.query(expr)]
            shown[target.panel["title"]] = float(value)
    assert (4, 2) == (shown["Houses"], shown["Not connected"])
    # The login that is rejected, the house on fire, and by then the one that is gone.
    assert 2 <= shown["Critical alerts"] <= 3


async def serve_houses(
    nursery: trio.Nursery, folder: Path
) -> tuple[dict[str, SimulatedMiniserver], Path]:
    """Put four Miniservers on the network, the demo house with TLS; they, and a configuration."""
    now = datetime.now(UTC).astimezone()
    houses: dict[str, House] = {
        "demo": DemoHouse(now=now),
        AWKWARD: AwkwardHouse(now=now),
        "rejected": small_house(),
        "gone": small_house(),
    }
    miniservers = {
        name: SimulatedMiniserver(
            house,
            username="demo",
            password="changed" if name == "rejected" else "demo",
            profile=_DEVICE_WITH_TLS if name == "demo" else _DEVICE,
        )
        for name, house in houses.items()
    }
    certificate = make_certificate(_DEVICE_WITH_TLS.serial)
    port, tls_port = await serve_with_tls_on_loopback(miniservers["demo"], certificate, nursery)
    with_tls = (
        f'[[miniservers]]\nname = "demo"\nhost = "127.0.0.1"\nport = {port}\n'
        f'tls_port = {tls_port}\ntls_fingerprint = "{certificate.fingerprint}"\n'
        'username = "demo"\npassword = "demo"'
    )
    ports = {
        name: await serve_on_loopback(miniservers[name], nursery)
        for name in (AWKWARD, "rejected", "gone")
    }
    for name in ("demo", AWKWARD):
        nursery.start_soon(miniservers[name].live)
    return miniservers, write_toml(folder / "exporter.toml", ports, extra=with_tls)


async def test_every_query_has_an_answer(nursery: trio.Nursery, tmp_path: Path) -> None:
    moment = Moment.present()
    miniservers, config = await serve_houses(nursery, tmp_path)
    async with running_exporter(["run", "--config", str(config)]) as exporter:
        await exporter.wait_until_listening()
        for name in ("demo", AWKWARD, "gone"):
            label = json.dumps(name, ensure_ascii=False)
            await exporter.wait_for("/metrics", f"_connected{{miniserver={label}}} 1")
        nursery.start_soon(partial(miniservers["gone"].cut, refused=3600))
        await miniservers[AWKWARD].reboot(refused=0.5, booting=0.5)
        async with prometheus_with_a_past(exporter.url, moment, tmp_path) as prometheus:
            now = datetime.now(moment.now.tzinfo)
            missing = []
            for path in FILES:
                page = load(path)
                asked = [*targets(page), *marks(page)]
                missing += await unanswered(prometheus, page, asked, now)
                await check_that_misspelt_names_are_noticed(prometheus, page, asked, now)
            assert [] == missing
            await check_the_fleet(prometheus, now)
    nursery.cancel_scope.cancel(reason="all was asked")
