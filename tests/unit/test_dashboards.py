"""The dashboards in deploy/grafana: made by the code, whole, and of families that there are."""

from __future__ import annotations

import itertools
import re
import shutil
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from dashboards import __main__ as command
from dashboards import files, frame
from support.documents import METRICS_PAGE, ROOT
from support.grafana import FILES, choose, expressions, fill_in, load, panels, parse, targets
from support.rules import alerts, rules


NAMES: Final = {"house", "climate", "energy", "room", "exporter", "fleet"}

PANELS: Final = {"stat", "barchart", "bargauge", "timeseries", "state-timeline", "table"}
"""None that Grafana has given up, such as `graph` and `table-old`."""

# What Prometheus itself and every Python process tell.
OF_OTHERS: Final = {
    "ALERTS",
    "up",
    "scrape_duration_seconds",
    "process_resident_memory_bytes",
    "process_cpu_seconds_total",
    "process_open_fds",
    "process_max_fds",
}

MAX_BYTES: Final = 256 * 1024
"""`kubectl apply` keeps what it applied in an annotation, which may be as long as that."""

_NAME: Final = re.compile(r"\b(?:loxone[\w:]*(?:\[a-z\]\+\w*)?|ALERTS|up|process_\w+|scrape_\w+)")
_LABELS: Final = re.compile(r"\b(?:by|on|group_left|ignoring|without) \([^)]*\)")

dashboards = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def families(expression: str) -> set[str]:
    """The names of series that an expression asks for."""
    without_labels = _LABELS.sub("", expression)
    # As label_replace takes the currency out of a name.
    names = re.sub(r'"loxone_\w+\(\[a-z\]\+\)\w+"', "", without_labels)
    return {name.replace("[a-z]+", "{currency}") for name in _NAME.findall(names)}


def documented() -> set[str]:
    page = METRICS_PAGE.read_text(encoding="utf-8")
    names = set()
    for name, type_ in re.findall(r"^\| `(loxone_[\w{}]+)` \| ([^|]+) \|", page, re.MULTILINE):
        names |= {f"{name}_bucket", f"{name}_sum"} if type_ == "histogram" else {name}
    return names


def test_there_are_six() -> None:
    assert {path.stem for path in FILES} == NAMES


def test_the_files_are_what_the_code_makes() -> None:
    assert files.differing() == []


def test_a_difference_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "grafana"
    shutil.copytree(files.FOLDER, folder)
    monkeypatch.setattr(files, "FOLDER", folder)
    monkeypatch.setattr("sys.argv", ["dashboards", "--check"])
    assert 0 == command.main()
    changed = folder / "house.json"
    changed.write_text(changed.read_text(encoding="utf-8").replace("celsius", "fahrenheit"))
    (folder / "climate.json").unlink()
    (folder / "cellar.json").write_text("{}")
    assert 1 == command.main()
    told = capsys.readouterr().err
    assert all(f"{name}.json is not" in told for name in ("house", "climate", "cellar"))
    assert "room.json" not in told
    (folder / "cellar.json").unlink()
    monkeypatch.setattr("sys.argv", ["dashboards"])
    assert 0 == command.main()
    assert files.differing() == []


@dashboards
def test_a_dashboard_is_whole(path: Path) -> None:
    page = load(path)
    assert page["uid"] == f"loxone-{path.stem}"
    assert page["title"].startswith("Loxone: ")
    assert page["description"]
    assert page["tags"] == ["loxone"]
    assert page["refresh"] == "30s"
    (link,) = page["links"]
    assert ("dashboards", ["loxone"], True) == (link["type"], link["tags"], link["includeVars"])
    assert "id" not in page
    assert len(path.read_bytes()) < MAX_BYTES


@dashboards
def test_the_data_source_is_a_variable(path: Path) -> None:
    page = load(path)
    (source,) = [it for it in page["templating"]["list"] if it["type"] == "datasource"]
    assert ("datasource", "prometheus") == (source["name"], source["query"])
    assert source["current"]["value"] == "prometheus"
    used = list(data_sources(page))
    assert used
    assert all(it == {"type": "prometheus", "uid": "${datasource}"} for it in used)


def data_sources(part: object) -> Iterator[object]:
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "datasource":
                yield value
            else:
                yield from data_sources(value)
    elif isinstance(part, list):
        for each in part:
            yield from data_sources(each)


@dashboards
def test_panels_are_of_kinds_that_last_and_told_apart(path: Path) -> None:
    page = load(path)
    shown = list(panels(page))
    assert {panel["type"] for panel in shown} <= PANELS
    ids = Counter(panel["id"] for panel in [*shown, *rows(page)])
    assert 1 == max(ids.values())
    titles = Counter(panel["title"] for panel in shown if panel["type"] != "stat")
    assert 1 == max(titles.values()), titles


@dashboards
def test_panels_fill_the_grid_and_never_overlap(path: Path) -> None:
    page = load(path)
    for group in [page["panels"], *(row["panels"] for row in rows(page))]:
        cells = Counter(cell for panel in group for cell in covered(panel["gridPos"]))
        assert all(count == 1 for count in cells.values())
        assert all(x < 24 for x, _ in cells)
        # Whole lines: nothing that would slip up beside another.
        widths = Counter(y for _, y in cells)
        assert all(width == 24 for width in widths.values()), widths


def rows(page: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in page["panels"] if panel["type"] == "row"]


def covered(place: Mapping[str, int]) -> Iterator[tuple[int, int]]:
    columns = range(place["x"], place["x"] + place["w"])
    return itertools.product(columns, range(place["y"], place["y"] + place["h"]))


@dashboards
def test_a_panel_says_when_a_house_has_nothing_for_it(path: Path) -> None:
    for panel in panels(load(path)):
        assert panel["fieldConfig"]["defaults"]["noValue"], panel["title"]


@dashboards
def test_legends_tell_series_apart_and_in_a_word(path: Path) -> None:
    for panel in panels(load(path)):
        for target in panel["targets"]:
            legend = target.get("legendFormat", "")
            if panel["type"] not in {"stat", "table"}:
                assert legend != "__auto", panel["title"]
            assert len(re.findall(r"\{\{", legend)) <= 2


@dashboards
def test_names_of_rooms_may_have_quotes(path: Path) -> None:
    for expression in expressions(load(path)):
        used = re.findall(r"(.?)\$\{(\w+)(.*?)\}(.?)", expression)
        assert all((before, kind, after) == ("`", ":regex", "`") for before, _, kind, after in used)


@dashboards
def test_what_is_asked_for_is_about_the_chosen_house(path: Path) -> None:
    for target in targets(load(path)):
        for selected in re.findall(r"\{([^{}]*(?:\{\w+:regex\}[^{}]*)*)\}", target.expr):
            if selected != "currency":
                assert "job=~`${job:regex}`" in selected, target.name


@dashboards
def test_only_documented_and_recorded_series_are_asked_for(path: Path) -> None:
    known = documented() | {rule.name for rule in rules() if not rule.is_alert} | OF_OTHERS
    asked = {name for expression in expressions(load(path)) for name in families(expression)}
    assert asked
    assert set() == asked - known


def test_a_misspelt_series_is_noticed() -> None:
    misspelt = "sum by (loxone) (loxone_temprature_celsius{a=`b`}) + loxone:room_co2{}"
    assert {"loxone_temprature_celsius", "loxone:room_co2"} == families(misspelt) - documented()


@dashboards
def test_alerts_that_are_referred_to_exist(path: Path) -> None:
    named = set(re.findall(r"\bLoxone[A-Z]\w+", path.read_text(encoding="utf-8")))
    assert named <= alerts().keys()


def test_every_alert_has_a_panel_that_refers_to_it() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in FILES)
    assert [] == [name for name in alerts() if not re.search(rf"\b{name}\b", texts)]


def test_the_library_is_for_the_grafana_of_compose_and_its_data_source_is_the_default() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    (library,) = (it for it in groups["dashboards"] if it.startswith("grafana-foundation-sdk"))
    compose = (ROOT / "deploy" / "compose" / "compose.yaml").read_text()
    (grafana,) = re.findall(r"image: grafana/grafana:(\d+\.\d+)\.", compose)
    assert re.fullmatch(rf"grafana-foundation-sdk==\d+!{re.escape(grafana)}\.0", library)
    provisioning = ROOT / "deploy" / "compose" / "grafana" / "provisioning" / "datasources"
    assert f"uid: {frame.DEFAULT_SOURCE}\n" in (provisioning / "prometheus.yaml").read_text()


@dashboards
def test_links_lead_to_dashboards_that_exist(path: Path) -> None:
    linked = set(re.findall(r"/d/([\w-]+)\?", path.read_text(encoding="utf-8")))
    assert linked <= {load(other)["uid"] for other in FILES}


def test_variables_are_put_in_as_grafana_does_it() -> None:
    awkward = r"""Kinder's "Reich" (1. Stock) \ Süd"""
    filled = fill_in(
        "x{room=~`${room:regex}`}[$__range]", {"room": choose(awkward), "__range": "1s"}
    )
    assert filled == r"""x{room=~`Kinder's "Reich" \(1\. Stock\) \\ Süd`}[1s]"""
    assert re.fullmatch(choose(awkward, "b"), awkward)


@pytest.mark.parametrize(
    ("text", "is_end", "expected"),
    [
        ("now-24h", False, datetime(2026, 3, 30, 15, 30, tzinfo=UTC)),
        ("30d", False, datetime(2026, 3, 1, 15, 30, tzinfo=UTC)),
        ("now/d", False, datetime(2026, 3, 31, tzinfo=UTC)),
        ("1d/d", True, datetime(2026, 3, 31, tzinfo=UTC)),
        ("now/M", False, datetime(2026, 3, 1, tzinfo=UTC)),
        ("1M/M", False, datetime(2026, 2, 1, tzinfo=UTC)),
        ("1M/M", True, datetime(2026, 3, 1, tzinfo=UTC)),
    ],
)
def test_times_are_computed_as_grafana_does_it(
    text: str, *, is_end: bool, expected: datetime
) -> None:
    assert expected == parse(text, datetime(2026, 3, 31, 15, 30, tzinfo=UTC), is_end=is_end)
