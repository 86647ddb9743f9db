"""The command line: let clients connect, print one table, fail if one of them failed."""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import trio

from interop.runs import CLIENTS, RUNS, Run
from interop.stage import perform
from interop.verdict import Expected, Verdict, format_table, judge


AT_A_TIME = 2
"""They mostly wait; but a client that gets no time to compute takes that for a lost connection."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Let clients connect to simulated Miniservers.

    Args:
        arguments: Those of the command line; by default those of the process.

    Returns:
        The exit code: 0 where every client saw all there is to be seen, otherwise 1.
    """
    options = _parse(arguments)
    runs = [run for run in RUNS if not options.clients or run.client in options.clients]
    if options.list:
        _say("\n".join(run.title for run in runs))
        return 0
    with _folder_for_failures() as folder:
        verdicts = trio.run(_perform_all, runs, folder)
    _say(format_table(verdicts))
    failed = [verdict for verdict in verdicts if verdict.problems]
    for verdict in failed:
        _say("\n" + verdict.explain())
    return 1 if failed else 0


@contextlib.contextmanager
def _folder_for_failures() -> Iterator[Path]:
    """A new folder; it stays if there is something in it in the end, for a run that failed."""
    folder = Path(tempfile.mkdtemp(prefix="loxone-exporter-interop-"))
    try:
        yield folder
    finally:
        if not any(folder.iterdir()):
            folder.rmdir()


async def _perform_all(runs: Sequence[Run], folder: Path) -> list[Verdict]:
    """Perform the runs, a few at a time; the verdicts come in the order of the runs.

    Args:
        runs: What to do.
        folder: There each run has a folder of its own, which is removed if it did well.
    """
    expected = Expected.of_the_demo_house()
    verdicts: dict[Run, Verdict] = {}
    limit = trio.CapacityLimiter(AT_A_TIME)

    async def perform_one(run: Run) -> None:
        async with limit:
            own = folder / run.folder
            own.mkdir()
            verdicts[run] = judge(run, await perform(run, own), expected)
            if not verdicts[run].problems:
                shutil.rmtree(own)

    async with trio.open_nursery() as nursery:
        for run in runs:
            nursery.start_soon(perform_one, run)
    return [verdicts[run] for run in runs]


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m interop",
        description="Let clients that others wrote connect to simulated Miniservers.",
    )
    parser.add_argument(
        "clients",
        nargs="*",
        metavar="CLIENT",
        help=f"some of: {', '.join(CLIENTS)}; default: all",
    )
    parser.add_argument("--list", action="store_true", help="only say what would be done")
    options = parser.parse_args(arguments)
    for client in options.clients:
        if client not in CLIENTS:
            parser.error(f"no client {client!r}; there are {', '.join(CLIENTS)}")
    return options


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
