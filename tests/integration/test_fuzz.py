"""The fuzzer itself: each mode runs, and a defect that is planted is found."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fuzz.__main__ import CLEAN, FOUND, INTERRUPTED, USAGE, main
from fuzz.modes import MODES
from loxone_exporter.web.app import Answer, Scope, WebApp


pytestmark = pytest.mark.slow


ROOT = Path(__file__).parents[2]


def test_every_mode_runs_and_is_told_of(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "fuzz", "--seconds=3", "--seed=1", f"--findings={tmp_path}"],
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert CLEAN == run.returncode, run.stdout + run.stderr
    rows = {line.split()[0]: line.split()[1:] for line in run.stdout.splitlines()[-len(MODES) :]}
    assert MODES.keys() == rows.keys()
    assert all(int(cases) > 0 for cases, *_ in rows.values())
    assert {"0"} == {findings for *_, findings in rows.values()}
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_interrupted_tells_what_was_done(
    number: signal.Signals, tmp_path: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "fuzz", "--seconds=60", f"--findings={tmp_path}", "pure", "frames"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline().startswith("seed ")
        run.send_signal(number)
        rest = run.stdout.read()
    assert INTERRUPTED == run.returncode
    assert ["pure", "frames"] == [line.split()[0] for line in rest.splitlines()[-2:]]


def stumble(*_: object) -> float:
    raise ZeroDivisionError("planted")


def wait_for_ever(*_: object) -> float:
    return 1e9


async def stumble_over_paths(app: WebApp, scope: Scope) -> Answer:
    if scope["path"] != "/metrics":
        raise ZeroDivisionError("planted")
    return await app._metrics(scope)


@pytest.mark.parametrize(
    ("mode", "place", "defect", "kinds"),
    [
        ("frames", "loxone_exporter.miniserver.events.decode_values", stumble, {"bug"}),
        ("frames", "loxone_exporter.miniserver.backoff.Backoff.delay", wait_for_ever, {"lost"}),
        ("http", "loxone_exporter.web.app.WebApp._answer", stumble_over_paths, {"bug", "status"}),
        ("pure", "fuzz.targets.parse_token", stumble, {"bug"}),
    ],
)
def test_a_planted_defect_is_found_and_can_be_replayed(
    mode: str,
    place: str,
    defect: Callable[..., object],
    kinds: set[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(place, defect)
        assert FOUND == main(["--seconds=0.5", "--seed=5", f"--findings={tmp_path}", mode])
        files = list(tmp_path.iterdir())
        assert kinds <= {path.name.split("-")[1] for path in files}
        for path in files:
            assert FOUND == main([f"--replay={path}"])
        assert "planted" in capsys.readouterr().out or kinds == {"lost"}
    for path in files:
        assert CLEAN == main([f"--replay={path}"])
    assert "nothing is found any more" in capsys.readouterr().out


def test_what_is_no_reproducer_and_no_mode_is_a_usage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert USAGE == main([f"--replay={tmp_path / 'absent.json'}"])
    with pytest.raises(SystemExit) as ended:
        main(["poetry"])
    assert USAGE == ended.value.code
    assert "no mode 'poetry'" in capsys.readouterr().err
