"""The README's first command, and Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import trio


pytestmark = pytest.mark.slow


ROOT = Path(__file__).resolve().parents[2]

INSTALL_DEADLINE = 240.0
"""Seconds; the first run makes a virtual environment and fills it."""


async def test_ctrl_c_in_nox_lets_the_exporter_say_farewell() -> None:
    process = await trio.lowlevel.open_process(
        [sys.executable, "-m", "nox", "-s", "run", "--", "demo", "--listen", "127.0.0.1:0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # A terminal sends Ctrl-C to the whole group, nox and exporter alike.
        process_group=0,
        # Coverage of the tests is not that of the environment that nox makes.
        env={name: value for name, value in os.environ.items() if "COVERAGE" not in name},
    )
    assert process.stdout is not None
    output = b""
    try:
        with trio.fail_after(INSTALL_DEADLINE):
            while b" connected" not in output:
                data = await process.stdout.receive_some()
                assert data, output.decode()
                output += data
        interrupted = trio.current_time()
        os.killpg(process.pid, signal.SIGINT)
        with trio.fail_after(30):
            async for data in process.stdout:
                output += data
            await process.wait()
        assert trio.current_time() - interrupted < 5.0
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert b"tokens left in the simulated Miniserver: 0" in output
