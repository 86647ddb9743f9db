"""The command line: try the exporter for long, print tables, fail if a promise was broken."""

from __future__ import annotations

import argparse
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Final

import trio
from attrs import define, field

from benchmarks import machine
from soak import administrator, trials
from soak.faults import ORDEALS
from soak.incidents import INCIDENTS
from soak.journal import Journal
from soak.observations import Observations
from soak.plan import Plan
from soak.report import format_findings, format_ordeals
from soak.sites import PLACES
from soak.stage import Stage
from soak.verdicts import is_failure, judge


KEPT: Final = 0
BROKEN: Final = 1
INTERRUPTED: Final = 130

MINUTES: Final = 5.0

_SEEDS: Final = 1_000_000
_LONGEST: Final = 7 * 24 * 60


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the exporter for long.

    Args:
        arguments: Those of the command line; by default those of the process.

    Returns:
        The exit code: 0 where every promise is kept, 1 where one is not, 130 where it was
        interrupted.
    """
    options = _parse(arguments)
    plan = Plan(
        minutes=options.minutes,
        seed=options.seed,
        reloads=options.reloads,
        only=tuple(options.only),
        miniservers=tuple(options.miniservers),
    )
    folder: Path = options.folder or Path(tempfile.mkdtemp(prefix="loxone-exporter-soak-"))
    _say(f"{machine.describe()}\n\n{plan.command}\nin {folder}\n")
    performance = _Performance(plan, folder)
    trio.run(performance.until_signal)
    if performance.is_interrupted:
        _say(f"interrupted; what there is of it is in {folder}")
        return INTERRUPTED
    findings = judge(performance.seen, reloads=plan.reloads)
    _say(f"{format_ordeals(performance.seen)}\n\n{format_findings(findings)}")
    if is_failure(findings):
        _say(f"\nto repeat it: {plan.command}\nthe log and all events are in {folder}")
        return BROKEN
    if options.folder is None:
        shutil.rmtree(folder)
    return KEPT


@define
class _Performance:
    """A soak that a signal can end."""

    _plan: Plan
    _folder: Path
    seen: Observations = field(factory=Observations)
    is_interrupted: bool = False

    async def until_signal(self) -> None:
        """Do it; a signal ends it, and with it every process that was started."""
        self._folder.mkdir(exist_ok=True)
        with (
            trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals,
            (self._folder / "events.log").open("w", encoding="utf-8") as events,
        ):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._end_on_signal, signals, nursery.cancel_scope.cancel)
                stage = Stage.build(self._plan, self._folder, Journal(events), _say)
                self.seen = stage.seen
                await stage.run()
                nursery.cancel_scope.cancel(reason="it is over")

    async def _end_on_signal(self, signals: AsyncIterator[int], end: Callable[[], None]) -> None:
        async for _ in signals:
            self.is_interrupted = True
            end()


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    titles = [
        *(ordeal.title for ordeal in (*ORDEALS, *INCIDENTS)),
        *administrator.TITLES,
        *trials.TITLES,
    ]
    parser = argparse.ArgumentParser(
        prog="python -m soak",
        description="Try the exporter for long, with everything going wrong.",
    )
    parser.add_argument(
        "--minutes",
        type=_minutes,
        default=MINUTES,
        metavar="M",
        help=f"for how long things go wrong; some more pass until all is well again; default: "
        f"{MINUTES:g}",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=secrets.randbelow(_SEEDS),
        metavar="S",
        help="decides everything that is chance; default: another one each time",
    )
    parser.add_argument(
        "--no-reloads",
        action="store_false",
        dest="reloads",
        help="leave the configuration as it is",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=titles,
        default=[],
        metavar="ORDEAL",
        help=f"one or more of: {', '.join(titles)}",
    )
    parser.add_argument(
        "--miniservers",
        nargs="+",
        choices=list(PLACES),
        default=[],
        metavar="NAME",
        help=f"one or more of: {', '.join(PLACES)}",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        help="where everything is put; default: a temporary one, kept where something is wrong",
    )
    return parser.parse_args(arguments)


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not 0 < minutes <= _LONGEST:
        raise argparse.ArgumentTypeError(f"minutes are from 0 to {_LONGEST}, not {text!r}")
    return minutes


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
