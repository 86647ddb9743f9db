"""The command line: fuzz for a while, print one table, fail if anything was found."""

from __future__ import annotations

import argparse
import secrets
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import define, field

from fuzz.cases import Mode
from fuzz.hunt import Hunt, Tally, observe
from fuzz.modes import MODES
from fuzz.report import format_findings, format_table
from fuzz.reproducers import ReproducerError, load


CLEAN = 0
FOUND = 1
USAGE = 2
INTERRUPTED = 130

_SECONDS = 60.0
_FOLDER = Path("fuzz-findings")


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz, or play a reproducer.

    Args:
        arguments: Those of the command line; by default those of the process.

    Returns:
        The exit code: 0 where nothing was found, 1 where something was, 2 for wrong usage, 130
        where the run was interrupted.
    """
    options = _parse(arguments)
    if options.replay is not None:
        return _replay(options.replay)
    modes = [MODES[name] for name in options.modes or MODES]
    run = _Run(modes, options.seed, options.findings)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was done is told all the same
    try:
        run.all(options.seconds)
    except KeyboardInterrupt:
        run.report()
        return INTERRUPTED
    run.report()
    return FOUND if any(tally.findings for tally in run.tallies) else CLEAN


@define
class _Run:
    _modes: Sequence[Mode[Any]]
    _seed: str
    _folder: Path
    tallies: list[Tally] = field(factory=list)

    def all(self, seconds: float) -> None:
        """Give each mode its share of the time."""
        hunts = [(mode.share, Hunt(mode, self._seed, self._folder, _say)) for mode in self._modes]
        self.tallies = [hunt.tally for _, hunt in hunts]
        _say(f"seed {self._seed}; findings go to {self._folder}")
        shares = sum(share for share, _ in hunts)
        for share, hunt in hunts:
            hunt.run(seconds * share / shares)

    def report(self) -> None:
        _say("\n" + format_table(self.tallies))
        if any(tally.findings for tally in self.tallies):
            _say("\n" + format_findings(self.tallies))


def _replay(path: Path) -> int:
    try:
        reproducer = load(path, MODES)
    except ReproducerError as error:
        _complain(str(error))
        return USAGE
    findings = observe(MODES[reproducer.mode], reproducer.cases)
    for finding in findings:
        _say(f"{finding.kind}: {finding.title}\n{finding.details}".rstrip())
    if not findings:
        _say(f"nothing is found any more; it was {reproducer.signature}")
    return FOUND if findings else CLEAN


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m fuzz",
        description="Throw mutated bytes at the exporter, and see what becomes of it.",
    )
    names = "; ".join(f"{mode.name}: {mode.what}" for mode in MODES.values())
    parser.add_argument("modes", nargs="*", metavar="MODE", help=f"all of them by default. {names}")
    parser.add_argument(
        "--seconds", type=float, default=_SECONDS, help=f"in all; {_SECONDS:g} by default"
    )
    parser.add_argument(
        "--seed",
        default=secrets.token_hex(4),
        help="the same cases come of the same one; by default another one each time",
    )
    parser.add_argument(
        "--findings",
        type=Path,
        default=_FOLDER,
        metavar="FOLDER",
        help=f"where reproducers go; {_FOLDER} by default",
    )
    parser.add_argument("--replay", type=Path, metavar="FILE", help="play a reproducer")
    options = parser.parse_args(arguments)
    for name in options.modes:
        if name not in MODES:
            parser.error(f"no mode {name!r}; there are {', '.join(MODES)}")
    return options


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _complain(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
