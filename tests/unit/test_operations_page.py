"""docs/operations.md: everything that the exporter tells of itself, and nothing else."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from loxone_exporter.metrics.exposition import Format
from loxone_exporter.metrics.link import link_families
from loxone_exporter.state import MiniserverState
from loxone_exporter.stop import StopRequest
from loxone_exporter.web.app import WebApp
from support.collected import configure
from support.documents import OPERATIONS_PAGE, queries


PAGE = OPERATIONS_PAGE.read_text(encoding="utf-8")

ROW = re.compile(r"^\| `(loxone_\w+)` \| (.+) \| (.+) \| (.+) \|$", re.MULTILINE)
NAME = re.compile(r"\b(?:loxone_exporter|loxone_miniserver)_\w+")
SUFFIXES = re.compile(r"_(?:bucket|count|sum)$")
OF_PROMETHEUS = {"up"}


async def families() -> set[str]:
    """What a scrape tells of the exporter and its links, by the names of `# TYPE` lines."""
    state = MiniserverState(name="home")
    app = WebApp.build(configure(), [state], StopRequest())
    body = (await app._exposition.render(Format.TEXT)).decode()
    names = re.findall(r"^# TYPE (\S+) ", body, re.MULTILINE)
    links = {family.name for family in link_families([state])}
    return {
        name
        for name in names
        if name.startswith("loxone_exporter_") or name.removesuffix("_info") in links
    }


async def test_every_family_has_its_row_once() -> None:
    rows = [name for name, *_ in ROW.findall(PAGE)]
    assert sorted(await families()) == sorted(rows)


async def test_nothing_is_mentioned_that_does_not_exist() -> None:
    known = await families()
    mentioned = {SUFFIXES.sub("", name) for name in NAME.findall(PAGE)}
    assert known == mentioned


def test_there_are_alerts_and_prometheus_understands_them(tmp_path: Path) -> None:
    expressions = queries(OPERATIONS_PAGE)
    assert len(expressions) >= 12
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("there is no promtool here")
    rules = [{"alert": f"a{n}", "expr": text} for n, text in enumerate(expressions)]
    path = tmp_path / "rules.json"  # JSON is YAML, too
    path.write_text(json.dumps({"groups": [{"name": "page", "rules": rules}]}), encoding="utf-8")
    checked = subprocess.run(
        [promtool, "check", "rules", path], capture_output=True, text=True, check=False
    )
    assert 0 == checked.returncode, checked.stdout + checked.stderr
