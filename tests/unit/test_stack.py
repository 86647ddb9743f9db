"""What the session `stack` of nox makes of the files in deploy/prometheus, and of messages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from stack.files import DEPLOY, SPEED, Ports, hurry, write_files
from stack.programs import StackError, require_programs
from stack.receiver import receiving
from stack.story import EXPECTED, MINISERVER, Moment, Story, format_table
from support.processes import get
from support.rules import RULE_FILES, alerts, load


PORTS = Ports(miniserver=1, exporter=2, prometheus=3, alertmanager=4)


def waits(path: Path, key: str) -> list[float]:
    """How long the rules of a file, or their groups, wait, in seconds."""
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
    found = []
    for group in yaml.safe_load(path.read_text())["groups"]:
        for each in [group] if key == "interval" else group["rules"]:
            if key in each:
                number = each[key].rstrip("smh")
                found.append(float(number) * units[each[key].removeprefix(number)])
    return found


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.stem)
def test_rules_wait_for_a_part_of_their_time_and_ask_the_same(path: Path, tmp_path: Path) -> None:
    hurried = tmp_path / path.name
    hurried.write_text(hurry(path.read_text()))
    for key in ("for", "interval"):
        expected = [max(seconds / SPEED, 1.0) for seconds in waits(path, key)]
        assert expected == waits(hurried, key)
    before, after = load(path), load(hurried)
    for ours, theirs in zip(before["groups"], after["groups"], strict=True):
        for one, other in zip(ours["rules"], theirs["rules"], strict=True):
            assert one["expr"] == other["expr"]


def test_all_programs_are_told_where_the_others_are(tmp_path: Path) -> None:
    write_files(tmp_path, PORTS, miniserver="home", webhook="http://127.0.0.1:5/")
    prometheus = load(tmp_path / "prometheus.yml")
    (scrape,) = prometheus["scrape_configs"]
    assert [{"targets": ["127.0.0.1:2"]}] == scrape["static_configs"]
    (alertmanager,) = prometheus["alerting"]["alertmanagers"]
    assert [{"targets": ["127.0.0.1:4"]}] == alertmanager["static_configs"]
    assert ["rules/*.yml"] == prometheus["rule_files"]
    assert sorted(path.name for path in (tmp_path / "rules").iterdir()) == [
        path.name for path in RULE_FILES
    ]
    (receiver,) = load(tmp_path / "alertmanager.yml")["receivers"]
    assert "http://127.0.0.1:5/" == receiver["webhook_configs"][0]["url"]
    assert "port = 1\n" in (tmp_path / "exporter.toml").read_text()
    originals = (DEPLOY / "alertmanager.yml", DEPLOY / "prometheus.yml")
    assert all("localhost" in path.read_text() for path in originals)


def test_the_alert_that_is_waited_for_exists() -> None:
    assert EXPECTED in alerts()


def test_all_that_is_missing_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StackError, match=r"apt install prometheus prometheus-alertmanager$"):
        require_programs()
    # Debian's name, or Alertmanager's own.
    for name in ("prometheus", "alertmanager"):
        (tmp_path / name).touch(mode=0o755)
    require_programs()
    (tmp_path / "prometheus").unlink()
    with pytest.raises(StackError, match=r"apt install prometheus$"):
        require_programs()


def message(alert: str, status: str, **labels: str) -> bytes:
    each = {
        "status": status,
        "labels": {"alertname": alert, **labels},
        "annotations": {"summary": f"about {alert}"},
    }
    return json.dumps({"alerts": [each]}).encode()


async def test_what_comes_to_the_webhook_is_remembered_and_told() -> None:
    with receiving() as receiver:
        status, _ = await get(receiver.url, data=message(EXPECTED, "firing", miniserver=MINISERVER))
        assert 200 == status
    story = Story(receiver)
    story._killed = 0.0
    story.moments.append(Moment("it begins", receiver.notices[0].at - 2.0))
    assert [] == story.others()
    receiver.hear(message("LoxoneClockDrift", "resolved", miniserver=MINISERVER))
    receiver.hear(message("LoxoneExporterDown", "firing"))
    receiver.hear(message("LoxoneClockDrift", "firing", miniserver="another"))
    assert ["LoxoneClockDrift"] == [notice.alert for notice in story.others()]
    lines = list(format_table(story))
    assert lines[1].endswith("it begins")
    assert lines[2].split()[:4] == ["2.0", "s", "+2.0", "s"]
    assert lines[2].endswith(f"message: {EXPECTED}, firing: about {EXPECTED}")
    assert lines[3].endswith("message: LoxoneClockDrift, resolved: about LoxoneClockDrift")
