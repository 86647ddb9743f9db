"""What a real Alertmanager keeps quiet, by deploy/prometheus.

One cause is one message, and at night only what cannot wait is told.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trio
import yaml

from stack.files import hurry
from stack.receiver import receiving
from support.processes import get, running_process
from support.prometheus import free_port
from support.rules import ALERTMANAGER, alerts


pytestmark = pytest.mark.slow


HOME = {"job": "loxone", "miniserver": "home"}
OTHER = {"job": "loxone", "miniserver": "other"}
ROOM = {"room": "Kitchen", "name": "Controller"}
BOILER = {"room": "Kitchen", "name": "Boiler"}

Alert = tuple[str, Mapping[str, str]]
"""The name of an alert, without `Loxone`, and its labels."""

# What fires together, and which of it the owner hears of.
CASES: Mapping[str, tuple[list[Alert], list[Alert]]] = {
    "a Miniserver is away; another one has troubles of its own": (
        [
            ("MiniserverUnreachable", HOME),
            *((name, HOME | ROOM) for name in ("RoomTooCold", "RoomFrost", "MeterStuck")),
            *((name, HOME) for name in ("NothingReceived", "RebootLoop", "ClockDrift")),
            ("CertificateExpiring", HOME),
            ("SmokeOrWaterAlarm", HOME | ROOM),
            ("RoomTooCold", OTHER | ROOM),
        ],
        [
            ("MiniserverUnreachable", HOME),
            ("CertificateExpiring", HOME),
            ("SmokeOrWaterAlarm", HOME | ROOM),
            ("RoomTooCold", OTHER | ROOM),
        ],
    ),
    "most of a fleet is away; another fleet has one that is": (
        [
            ("FleetUnreachable", {"job": "loxone"}),
            ("MiniserverUnreachable", HOME),
            ("MiniserverUnreachable", OTHER),
            ("MiniserverUnreachable", HOME | {"job": "loxone-south"}),
        ],
        [
            ("FleetUnreachable", {"job": "loxone"}),
            ("MiniserverUnreachable", HOME | {"job": "loxone-south"}),
        ],
    ),
    "a Miniserver reboots": (
        [("RebootLoop", HOME), ("ConnectionUnstable", HOME), ("MiniserverSlow", HOME)],
        [("RebootLoop", HOME)],
    ),
    "a window is open, and another room is cold for no such reason": (
        [
            ("WindowOpenWhileHeating", HOME | ROOM),
            ("RoomTooCold", HOME | ROOM),
            ("RoomTooCold", HOME | ROOM | {"room": "Hall"}),
        ],
        [
            ("WindowOpenWhileHeating", HOME | ROOM),
            ("RoomTooCold", HOME | ROOM | {"room": "Hall"}),
        ],
    ),
    "a sensor has frozen that a room goes by; another one that it does not": (
        [
            ("TemperatureSensorFrozen", HOME | ROOM | {"subcontrol": "tempActual"}),
            ("RoomTooCold", HOME | ROOM),
            ("TemperatureSensorFrozen", OTHER | BOILER | {"subcontrol": "value"}),
            ("RoomTooCold", OTHER | ROOM),
        ],
        [
            ("TemperatureSensorFrozen", HOME | ROOM | {"subcontrol": "tempActual"}),
            ("TemperatureSensorFrozen", OTHER | BOILER | {"subcontrol": "value"}),
            ("RoomTooCold", OTHER | ROOM),
        ],
    ),
    "an exporter is gone that was overloaded; a second one is only overloaded": (
        [
            ("ExporterDown", {"job": "loxone", "instance": "a:9504"}),
            ("ExporterOverloaded", {"job": "loxone", "instance": "a:9504"}),
            ("ExporterOverloaded", {"job": "loxone", "instance": "b:9504"}),
            ("MiniserverSlow", HOME),
        ],
        [
            ("ExporterDown", {"job": "loxone", "instance": "a:9504"}),
            ("ExporterOverloaded", {"job": "loxone", "instance": "b:9504"}),
        ],
    ),
    "an exporter of a fleet is gone; another fleet has too few": (
        [
            ("ExporterDown", {"job": "loxone", "instance": "a:9504"}),
            ("MiniserversUnattended", {"job": "loxone"}),
            ("MiniserversUnattended", {"job": "loxone-south"}),
        ],
        [
            ("ExporterDown", {"job": "loxone", "instance": "a:9504"}),
            ("MiniserversUnattended", {"job": "loxone-south"}),
        ],
    ),
    "locked out after failed logins": (
        [("MiniserverLockedOut", HOME), ("LoginRejected", HOME), ("NothingExported", HOME)],
        [("MiniserverLockedOut", HOME)],
    ),
}


@contextlib.asynccontextmanager
async def running_alertmanager(folder: Path, config: Path = ALERTMANAGER) -> AsyncIterator[str]:
    """Start one, with the example if nothing else is said; its address."""
    binary = shutil.which("prometheus-alertmanager")
    if binary is None:
        pytest.skip("Debian's package prometheus-alertmanager is not installed")
    url = f"http://127.0.0.1:{await free_port()}"
    command = [
        binary,
        f"--config.file={config}",
        f"--storage.path={folder}",
        f"--web.listen-address={url.removeprefix('http://')}",
        "--cluster.listen-address=",
    ]
    async with running_process(command):
        with trio.fail_after(30):
            while True:
                with contextlib.suppress(OSError):
                    if (await get(f"{url}/-/ready"))[0] == 200:
                        break
                await trio.sleep(0.05)
        yield url


async def send(url: str, firing: Iterable[Alert]) -> None:
    """Have alerts fire."""
    sent = [
        {
            "labels": {
                "alertname": f"Loxone{name}",
                "severity": alerts()[f"Loxone{name}"].labels["severity"],
                **more,
            },
            "annotations": {"summary": name},
        }
        for name, more in firing
    ]
    status, body = await get(
        f"{url}/api/v2/alerts",
        {"Content-Type": "application/json"},
        data=json.dumps(sent).encode(),
    )
    assert 200 == status, body


async def told(url: str) -> set[str]:
    """The alerts of which it sends messages, by their labels."""
    _, body = await get(f"{url}/api/v2/alerts")
    return {
        as_text(alert["labels"]["alertname"].removeprefix("Loxone"), labels_of(alert))
        for alert in json.loads(body)
        if alert["status"]["state"] == "active"
    }


def labels_of(alert: Mapping[str, Any]) -> dict[str, str]:
    """Those that tell it from others of its name."""
    return {
        label: value
        for label, value in alert["labels"].items()
        if label not in {"alertname", "severity"}
    }


def as_text(name: str, labels: Mapping[str, str]) -> str:
    return f"{name} {json.dumps(labels, sort_keys=True)}"


def in_a_hurry(webhook: str, hours: tuple[str, str]) -> str:
    """The example with less patience, and with another night."""
    config = yaml.safe_load(hurry(ALERTMANAGER.read_text(encoding="utf-8")))
    config["receivers"][0]["webhook_configs"][0]["url"] = webhook
    (night,) = config["time_intervals"]
    start, end = hours
    night["time_intervals"][0]["times"] = [{"start_time": start, "end_time": end}]
    # JSON is YAML, too.
    return json.dumps(config)


def half_a_day_from_now() -> tuple[str, str]:
    hour = (datetime.now(UTC).astimezone().hour + 12) % 24
    return f"{hour:02}:00", f"{hour:02}:59"


@pytest.mark.parametrize("is_night", [False, True], ids=["day", "night"])
async def test_warnings_wait_until_morning(tmp_path: Path, *, is_night: bool) -> None:
    warning, critical = "LoxoneMiniserverSlow", "LoxoneMiniserverUnreachable"
    assert ["warning", "critical"] == [
        alerts()[name].labels["severity"] for name in (warning, critical)
    ]
    config = tmp_path / "alertmanager.yml"
    with receiving() as receiver:

        async def wait_until_told_of(name: str) -> None:
            while name not in {notice.alert for notice in receiver.notices}:
                await trio.sleep(0.05)

        hours = ("00:00", "24:00") if is_night else half_a_day_from_now()
        config.write_text(in_a_hurry(receiver.url, hours), encoding="utf-8")
        async with running_alertmanager(tmp_path / "data", config) as url:
            # Both are told of after a second, if they are.
            await send(url, [("MiniserverSlow", OTHER), ("MiniserverUnreachable", HOME)])
            with trio.fail_after(20):
                await wait_until_told_of(critical)
            with trio.move_on_after(2 if is_night else 20) as patience:
                await wait_until_told_of(warning)
            assert is_night is patience.cancelled_caught


async def test_one_cause_one_message(tmp_path: Path) -> None:
    assert {f"Loxone{name}" for firing, _ in CASES.values() for name, _ in firing} <= set(alerts())
    for number, (case, (firing, expected)) in enumerate(CASES.items()):
        wanted = {as_text(name, labels) for name, labels in expected}
        async with running_alertmanager(tmp_path / str(number)) as url:
            await send(url, firing)
            with trio.move_on_after(10):
                # It takes alerts first, and looks a moment later which of them keep others quiet.
                while await told(url) != wanted:
                    await trio.sleep(0.05)
            assert wanted == await told(url), case
