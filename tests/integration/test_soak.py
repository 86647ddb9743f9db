"""The soak in its shortest form, that it does not rot; what it cannot show in seconds, it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from soak.__main__ import main


pytestmark = pytest.mark.slow


ROOT = Path(__file__).parents[2]


def soak(*options: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "soak", *options, "--folder", str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def test_a_few_seconds_of_it(tmp_path: Path) -> None:
    run = soak(
        *("--minutes", "0.05", "--seed", "3", "--miniservers", "small", "strict"),
        *("--only", "drop", "structure-edit", "half-open"),
        folder=tmp_path,
    )
    assert (0, "") == (run.returncode, run.stderr), run.stdout
    rows = re.findall(r"^(.+?) +\| .*\| (ok|not judged|FAILED)$", run.stdout, re.MULTILINE)
    verdicts = dict(rows)
    not_judged = {what for what, verdict in rows if verdict != "ok"}
    assert "FAILED" not in verdicts.values()
    for what in (
        "recovered after a Miniserver's return",
        "values that are not the house's",
        "counters that fell",
        "files open at rest",
        "commands that are not on the list",
        "stop on SIGTERM",
        "tokens left in them",
    ):
        assert "ok" == verdicts[what], not_judged
    assert re.search(r"^(drop|structure-edit) +\| 60 s +\| \d+: p50", run.stdout, re.MULTILINE)
    events = (tmp_path / "events.log").read_text()
    assert re.search(r"^ +\d+\.\d{3} \S+Z?\S* (small|strict): \S+", events, re.MULTILINE)


@pytest.mark.parametrize(
    "options", [("--minutes", "0"), ("--only", "earthquake"), ("--miniservers", "castle")]
)
def test_what_cannot_be_done_is_said(
    options: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(options)
    assert 2 == ended.value.code
    assert options[1] in capsys.readouterr().err
