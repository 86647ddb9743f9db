"""What Grafana asks Prometheus for when somebody opens a dashboard of ours.

Variables are put in as Grafana 11 does it for the format `regex`, and times and steps are computed
as it does; nothing else of Grafana is here.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from attrs import frozen


FOLDER: Final = Path(__file__).resolve().parents[2] / "deploy" / "grafana"
FILES: Final = sorted(FOLDER.glob("*.json"))

_POINTS: Final = 1000
"""How many points a panel has room for, about."""

_VARIABLE: Final = re.compile(r"\$\{(\w+):regex\}|\$(__\w+)")
_LABEL_VALUES: Final = re.compile(
    r"label_values\((?:(?P<select>.+),\s*)?(?P<label>\w+)\)", re.DOTALL
)
_TIME: Final = re.compile(r"(?:now)?(?:-?(?P<count>\d+)(?P<unit>[hdM]))?(?:/(?P<round>[dM]))?")
_SPECIAL: Final = re.compile(r"[\\^$.*+?()\[\]{}|/]")


@frozen
class Range:
    """The time that a panel shows."""

    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()


@frozen
class Target:
    """One query of a panel.

    Attributes:
        dashboard: The uid of its dashboard.
        panel: The panel.
        expr: The query, with variables.
        default: The time that the dashboard shows by default.
        is_instant: Whether it asks for one time, the end.
    """

    dashboard: str
    panel: Mapping[str, Any]
    expr: str
    default: str
    is_instant: bool

    @property
    def name(self) -> str:
        return f"{self.dashboard}: {self.panel['title']}: {self.expr}"

    def time(self, now: datetime) -> Range:
        """The time that it asks for."""
        start = parse(self.panel.get("timeFrom", self.default), now)
        shift = self.panel.get("timeShift")
        if shift is None:
            return Range(start, now)
        return Range(parse(shift, start), parse(shift, now, is_end=True))

    def step(self, time: Range, scrape_interval: float) -> float:
        """`$__interval` in whole seconds."""
        least = max(scrape_interval, seconds_of(self.panel.get("interval", "1s")))
        return max(least, math.ceil(time.seconds / _POINTS))

    def filled_in(
        self, values: Mapping[str, str], now: datetime, scrape_interval: float
    ) -> tuple[str, Range, float]:
        """The query as Prometheus gets it, the time and the step."""
        time = self.time(now)
        step = self.step(time, scrape_interval)
        rate = max(step + scrape_interval, 4 * scrape_interval)
        times = {
            "__range": f"{round(time.seconds)}s",
            "__interval": f"{step:.0f}s",
            "__rate_interval": f"{rate:.0f}s",
        }
        return fill_in(self.expr, {**values, **times}), time, step


@cache
def load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def panels(dashboard: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """All panels, those in collapsed rows too, without the rows."""
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            yield from panel["panels"]
        else:
            yield panel


def targets(dashboard: Mapping[str, Any]) -> Iterator[Target]:
    """All queries of all panels."""
    for panel in panels(dashboard):
        for target in panel["targets"]:
            yield Target(
                dashboard["uid"],
                panel,
                target["expr"],
                dashboard["time"]["from"],
                bool(target["instant"]),
            )


def expressions(dashboard: Mapping[str, Any]) -> Iterator[str]:
    """All that a dashboard asks for: panels, annotations, and where variables come from."""
    for target in targets(dashboard):
        yield target.expr
    for annotation in dashboard["annotations"]["list"]:
        yield annotation["expr"]
    for variable in variables(dashboard):
        yield variable["query"]["query"]


def variables(dashboard: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Those that are asked for."""
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield variable


def label_values(query: str) -> tuple[str, str]:
    """What is behind a variable: a selector, which may be empty, and a label."""
    match = _LABEL_VALUES.fullmatch(query)
    assert match is not None, query
    return match["select"] or "", match["label"]


def choose(*values: str) -> str:
    """What becomes of one chosen value, or of several."""
    escaped = [_SPECIAL.sub(r"\\\g<0>", value) for value in values]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def fill_in(text: str, values: Mapping[str, str]) -> str:
    """Put the values of variables in; there must be one for each."""
    return _VARIABLE.sub(lambda match: values[match[1] or match[2]], text)


def offered(variable: Mapping[str, Any], values: Sequence[str]) -> list[str]:
    """The values that a variable offers, of those that Prometheus has."""
    pattern = variable.get("regex", "")
    if not pattern:
        return list(values)
    assert pattern[0] == pattern[-1] == "/"
    return [value for value in values if re.search(pattern[1:-1], value)]


def parse(text: str, now: datetime, *, is_end: bool = False) -> datetime:
    """A time such as `now-24h`, `now/d`, or what is as far from now as `1d` or `1M/M`."""
    match = _TIME.fullmatch(text)
    assert match is not None, text
    time = now
    if match["unit"] == "M":
        for _ in range(int(match["count"])):
            time = time.replace(day=1) - timedelta(days=1)
            time = time.replace(day=min(now.day, time.day))
    elif match["unit"]:
        time -= timedelta(seconds=seconds_of(match["count"] + match["unit"]))
    if not match["round"]:
        return time
    midnight = time.replace(hour=0, minute=0, second=0, microsecond=0)
    if match["round"] == "d":
        return midnight + timedelta(days=1) if is_end else midnight
    first = midnight.replace(day=1)
    return (first + timedelta(days=32)).replace(day=1) if is_end else first


def seconds_of(duration: str) -> int:
    """Of `30s`, `2m`, `24h` or `30d`."""
    return int(duration[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[duration[-1]]
