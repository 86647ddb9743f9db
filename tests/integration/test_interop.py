"""What is kept of a client's run against a simulated Miniserver."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

import interop.__main__
from interop import stage
from interop.runs import Run


pytestmark = pytest.mark.slow


GOOD = """
import json
from interop.verdict import Expected
expected = Expected.of_the_demo_house()
print(json.dumps({
    "login": "getjwt", "controls": expected.controls, "lastModified": expected.last_modified,
    "states": dict(expected.states), "strangers": 0, "live": 1,
}))
"""
"""It says what every client should have seen."""

BAD = """
import sys, urllib.request
host, port = (sys.argv[sys.argv.index(option) + 1] for option in ("--host", "--port"))
sys.stderr.write("its first word" + 3000 * ".")
sys.stdout.write("half a rep")
sys.stdout.flush()
urllib.request.urlopen(f"http://{host}:{port}/jdev/cfg/version")
"""
"""It says a lot, asks for something without having logged in, and breaks off."""


@pytest.fixture(autouse=True)
def _two_clients(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clients = {"good": ("python", "-c", GOOD), "bad": ("python", "-c", BAD)}
    for module in (stage, interop.__main__):
        monkeypatch.setattr(module, "CLIENTS", clients)
    pair = [Run(client, "getjwt", "gen1-16") for client in clients]
    monkeypatch.setattr(interop.__main__, "RUNS", pair)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_all_that_a_failing_run_has_written_is_kept(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert 1 == interop.__main__.main([])
    told = capsys.readouterr().out
    _, good, bad, *explanation = told.splitlines()
    assert good.endswith("ok")
    assert bad.endswith("FAILED: 401")
    (folder,) = tmp_path.glob("*/*")
    assert "bad-getjwt-gen1-16" == folder.name
    assert explanation[-1].endswith(f": {folder}")
    assert "refused with 401: " in told
    assert "half a rep" == (folder / stage.REPORT).read_text()
    assert (folder / stage.MESSAGES).read_text().startswith("its first word...")
    assert "its first word" not in told
    log = (folder / stage.SIMULATOR_LOG).read_text()
    assert "listens on" in log
    assert "stopping" in log


def test_nothing_is_kept_where_nothing_failed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert 0 == interop.__main__.main(["good"])
    assert capsys.readouterr().out.endswith("ok\n")
    assert [] == list(tmp_path.iterdir())
