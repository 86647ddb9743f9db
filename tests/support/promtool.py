"""Prometheus' own tool, which says whether it would take a file."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path


def promtool(*arguments: str | Path) -> str:
    """Have it look at something, which must be good; what it says."""
    program = shutil.which("promtool")
    assert program is not None, "Debian's package prometheus is not installed"
    ended = subprocess.run(
        [program, *arguments], capture_output=True, text=True, check=False, timeout=120
    )
    assert 0 == ended.returncode, ended.stdout + ended.stderr
    assert "FAILED" not in ended.stdout
    return ended.stdout
