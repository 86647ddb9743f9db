"""Invented and published structure files, from their JSON to the answer of a real Prometheus.

The published ones lie beside the checkout on some machines; the invented ones are always there.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trio
from prometheus_client.parser import text_string_to_metric_families

from loxone_exporter.loxone.uuids import parse_uuid
from loxone_exporter.simulator.demo import DemoHouse
from loxone_exporter.simulator.house import House, PlayedHouse
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.simulator.profile import Profile
from support.processes import (
    RunningExporter,
    running_exporter,
    serve_on_loopback,
    write_toml,
)
from support.prometheus import running_prometheus


pytestmark = pytest.mark.slow


PUBLISHED = Path(__file__).resolve().parents[3] / "shared" / "structures"

AWKWARD = {
    "lastModified": "2026-01-01 00:00:00",
    "rooms": {"r": {"name": 'Room "with"\nquotes\\'}, "e": {"name": ""}},
    "cats": {"c": {"name": "Žluťoučký 🐴"}},
    "controls": {
        f"3000000{number}-0000-0000-ffff000000000000": {
            "name": "Twin",
            "type": "Switch",
            "room": "r",
            "cat": "c",
            "states": {
                "active": f"4000000{number}-0000-0000-ffff000000000000",
                "list": [f"l{number}"],
            },
            "subControls": {
                f"3000000{number}-0000-0000-ffff000000000000/AI{part}": {
                    "name": "Part",
                    "type": "Dimmer",
                    "states": {"position": f"p{number}{part}"},
                }
                for part in range(2)
            },
        }
        for number in (3, 1, 2)
    },
}
"""What owners and attackers can put into a structure file, in short."""

# Typed from the control catalog, design consequences, section 3: what must never be exported.
PRIVATE = {
    "NfcCodeTouch": {"nfcLearnResult", "lasttag", "lastcode", "lastuser", "lastid", "events"},
    "TextInput": {"text"},
    "Tracker": {"entries"},
    "Wallbox2": {"session"},
    "Intercom": {"lastBellEvents"},
    "AalSmartAlarm": {"alarmCause"},
    "AlarmClock": {"entryList"},
    "AudioZone": {"songName", "album", "artist", "station", "genre", "cover", "sourceList"},
}

Row = tuple[str, str, str, str, str, float]
"""Name, room, category, type, subcontrol, value; names without what makes them unique."""


def private_states(controls: dict[str, Any]) -> Iterator[str]:
    """The UUIDs of what must never be exported, whatever another control calls it."""
    for control in controls.values():
        for state, uuids in (control.get("states") or {}).items():
            if state in PRIVATE.get(control["type"], ()):
                yield from uuids if isinstance(uuids, list) else [uuids]
        yield from private_states(control.get("subControls") or {})


def expected_rows(house: House) -> Iterator[tuple[str, Row]]:
    """Key of the control, and row, of each state; by a walk of our own through the JSON."""
    document = json.loads(house.structure)
    private = set(private_states(document["controls"]))
    names = {
        section: {uuid: entry["name"] for uuid, entry in document.get(section, {}).items()}
        for section in ("rooms", "cats")
    }

    def walk(
        controls: dict[str, Any], name: str | None, room: str, category: str, path: str
    ) -> Iterator[tuple[str, Row]]:
        for key, control in controls.items():
            own_room = names["rooms"].get(control.get("room"), room)
            own_category = names["cats"].get(control.get("cat"), category)
            own_path = path if name is None else f"{path}{control['name']}/"
            top = name or control["name"]
            for state, uuids in (control.get("states") or {}).items():
                listed = isinstance(uuids, list)
                for index, uuid in enumerate(uuids if listed else [uuids]):
                    if uuid in private:
                        continue
                    label = f"{own_path}{state}[{index}]" if listed else f"{own_path}{state}"
                    value = house.values[parse_uuid(uuid)]
                    yield key, (top, own_room, own_category, control["type"], label, value)
            parts = control.get("subControls") or {}
            yield from walk(parts, top, own_room, own_category, own_path)

    return walk(document["controls"], None, "", "", "")


def row_of(labels: dict[str, str], value: float) -> Row:
    """The row that a sample shows."""
    return (
        labels["name"],
        labels["room"],
        labels["category"],
        labels["type"],
        labels["subcontrol"],
        value,
    )


def plain(row: Row, keys: set[str]) -> Row:
    """A row without the UUIDs that make names unique."""

    def strip(text: str) -> str:
        return re.sub(
            r" \(([^()]+)\)(?=/|$)", lambda match: "" if match[1] in keys else match[0], text
        )

    return (strip(row[0]), row[1], row[2], row[3], strip(row[4]), row[5])


def parse(body: str) -> list[tuple[dict[str, str], float]]:
    """Labels and value of each sample of `loxone_control_value`, duplicates included."""
    families = {family.name: family for family in text_string_to_metric_families(body)}
    assert len(families) == body.count("# TYPE ")
    return [(sample.labels, sample.value) for sample in families["loxone_control_value"].samples]


class Site:
    """All published houses, each behind a Miniserver, and one exporter for all of them."""

    def __init__(self) -> None:
        paths = [path for path in sorted(PUBLISHED.glob("*.json")) if "States" not in path.name]
        self.houses: dict[str, House] = {
            path.stem: PlayedHouse.from_file(path, live=False) for path in paths
        }
        self.houses["awkward"] = PlayedHouse.from_bytes(json.dumps(AWKWARD).encode(), live=False)
        demo = DemoHouse(now=datetime(2026, 3, 14, 12, tzinfo=UTC))
        self.houses["demo"] = PlayedHouse.from_bytes(demo.structure, live=False)

    async def serve(self, nursery: trio.Nursery) -> dict[str, int]:
        profile = Profile(key_bits=1024)
        return {
            name: await serve_on_loopback(
                SimulatedMiniserver(house, username="demo", password="demo", profile=profile),
                nursery,
            )
            for name, house in self.houses.items()
        }


async def complete_scrape(exporter: RunningExporter, expected: int) -> str:
    with trio.fail_after(30):
        while True:
            _, body = await exporter.get("/metrics")
            if body.count("\nloxone_control_value{") == expected:
                return body
            await trio.sleep(0.1)


async def test_metrics_hold_exactly_the_numbers_of_every_house(
    nursery: trio.Nursery, tmp_path: Path
) -> None:
    site = Site()
    expected = {name: list(expected_rows(house)) for name, house in site.houses.items()}
    assert len(expected) >= (15 if PUBLISHED.is_dir() else 2)
    ports = await site.serve(nursery)
    total = sum(map(len, expected.values()))
    everything = "[metrics]\noptional_quantities = true"
    config = write_toml(tmp_path / "plain.toml", ports, extra=everything)
    async with running_exporter(["run", "--config", str(config)]) as exporter:
        await exporter.wait_until_listening()
        body = await complete_scrape(exporter, total)

        series = [line.rpartition(" ")[0] for line in body.splitlines() if line[:1] != "#"]
        assert len(series) == len(set(series))
        samples = parse(body)
        assert len(samples) == len({tuple(sorted(labels.items())) for labels, _ in samples})
        for name, house in site.houses.items():
            keys = {key for key, _ in expected[name]}
            keys |= set(json.loads(house.structure)["controls"])
            rows = Counter(
                plain(row_of(labels, value), keys)
                for labels, value in samples
                if labels["miniserver"] == name
            )
            assert Counter(row for _, row in expected[name]) == rows, name

        twins = {labels["name"] for labels, _ in samples if labels["miniserver"] == "awkward"}
        assert twins == {
            "Twin",
            "Twin (30000002-0000-0000-ffff000000000000)",
            "Twin (30000003-0000-0000-ffff000000000000)",
        }

        promtool = shutil.which("promtool")
        assert promtool is not None
        checked = subprocess.run(  # noqa: ASYNC221  # short, and nothing else needs the loop
            [promtool, "check", "metrics"], input=body, capture_output=True, text=True, check=False
        )
        assert (0, "") == (checked.returncode, checked.stdout + checked.stderr)

        await assert_prometheus_agrees(exporter, samples, tmp_path)


async def assert_prometheus_agrees(
    exporter: RunningExporter, samples: list[tuple[dict[str, str], float]], folder: Path
) -> None:
    async with running_prometheus(exporter.url, folder) as prometheus:
        with trio.fail_after(30):
            while not (counted := await prometheus.query("count(loxone_control_value)")):
                await trio.sleep(0.2)
        assert len(samples) == float(counted[0]["value"][1])
        for labels, value in samples[:: len(samples) // 20]:
            selector = ",".join(f"{name}={json.dumps(text)}" for name, text in labels.items())
            answer = await prometheus.query(f"loxone_control_value{{{selector}}}")
            assert [value] == [float(series["value"][1]) for series in answer]
        assert [] == await prometheus.query("up == 0")


async def test_with_uuids_as_labels_each_state_is_found_by_its_controls_key(
    nursery: trio.Nursery, tmp_path: Path
) -> None:
    site = Site()
    ports = await site.serve(nursery)
    expected = {
        (name, key, row) for name, house in site.houses.items() for key, row in expected_rows(house)
    }
    config = write_toml(tmp_path / "uuids.toml", ports, extra="[metrics]\nuuid_label = true")
    async with running_exporter(["run", "--config", str(config)]) as exporter:
        await exporter.wait_until_listening()
        body = await complete_scrape(exporter, len(expected))
    assert expected == {
        (labels["miniserver"], labels["uuid"], row_of(labels, value))
        for labels, value in parse(body)
    }
