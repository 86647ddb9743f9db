"""Programs that are installed beside this Python, or anywhere else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final


ROOT: Final = Path(__file__).resolve().parents[1]


class ProgramError(Exception):
    """A program is not there, or failed."""


def find_program(name: str) -> str | None:
    """Where a program is; what came with this Python's environment goes first."""
    folders = (str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath))
    return shutil.which(name, path=os.pathsep.join(folders))


def run_program(name: str, *arguments: str) -> str:
    """Run a program to its end, and give its output.

    Raises:
        ProgramError: It is not there, or failed; the text has what it said.
    """
    path = find_program(name)
    if path is None:
        raise ProgramError(f"there is no {name} here: pip install --group kubernetes")
    command = [path, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # ours
    if done.returncode != 0:
        raise ProgramError(f"{name} failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout
