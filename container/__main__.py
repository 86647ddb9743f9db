"""The command line: build the image, try it, print its figures."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

import trio
from attrs import frozen

from benchmarks import machine
from benchmarks.budgets import BenchmarkError
from container.compose import try_compose
from container.findings import Findings, say, say_spread
from container.image import examine
from container.kubernetes import try_kubernetes
from container.needs import require_programs, require_root
from container.podman import MEMORY_LIMIT, ROOT, ContainerError, build, require_base_image
from container.running import CONTROLS, Figures, simulated_house, try_run, try_what_fails
from loxone_exporter import __version__


FINE: Final = 0
FAILED: Final = 1

_TAG: Final = "localhost/loxone-exporter:trial"


@frozen
class _Column:
    what: str
    unit: str
    value: Callable[[Figures], float]


_COLUMNS: Final = (
    _Column("from `podman run` to the first complete scrape", "s", lambda run: run.started),
    _Column("resident memory after scrapes", "MiB", lambda run: run.resident),
    _Column("peak memory of the container, health checks included", "MiB", lambda run: run.peak),
    _Column("to stop", "s", lambda run: run.stopped),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the image; 0 where all is as it should be."""
    parser = argparse.ArgumentParser(prog="python -m container", description=__doc__)
    parser.add_argument("--base", default="python:3.13-slim", help="the image to start from")
    parser.add_argument("--runs", type=int, default=3, help="how often the exporter is started")
    options = parser.parse_args(arguments)
    findings = Findings()
    try:
        trio.run(_try_everything, options.base, options.runs, findings)
    except* (ContainerError, BenchmarkError, OSError) as group:
        findings.failures += [str(error) for error in _leaves(group)]
    for failure in findings.failures:
        sys.stderr.write(f"failed: {failure}\n")
    return FAILED if findings.failures else FINE


async def _try_everything(base: str, runs: int, findings: Findings) -> None:
    require_programs()
    require_root(os.geteuid())
    await require_base_image(base)
    built_from = {
        "VERSION": f"{__version__}+trial",
        "COMMIT": _commit(),
        "BUILD_DATE": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
    }
    say(f"{machine.describe()}\nbuilding {_TAG} from {base}")
    await build(_TAG, {"BASE": base, **built_from})
    say("the image")
    await examine(_TAG, built_from, findings)
    say("what has to fail")
    await try_what_fails(_TAG, findings)
    figures = []
    async with simulated_house() as site:
        for number in range(1, runs + 1):
            say(f"run {number} of {runs}")
            figures.append(await try_run(_TAG, site, built_from, findings))
    say(f"a house of {CONTROLS} controls, with {MEMORY_LIMIT} MiB; median (least to most):")
    for column in _COLUMNS:
        say_spread(column.what, column.unit, [column.value(run) for run in figures])
    await try_kubernetes(_TAG, runs, findings)
    say("Compose")
    await try_compose(base, findings)


def _commit() -> str:
    command = ("git", "rev-parse", "--short=12", "HEAD")
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603  # fixed
    return found.stdout.strip() or "unknown"


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    return [
        leaf
        for error in group.exceptions
        for leaf in (_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    ]


if __name__ == "__main__":
    sys.exit(main())
