"""The command line: measure what is asked for, print one table, fail if a promise is broken."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence

import trio
from attrs import define, field

from benchmarks import machine, report
from benchmarks.budgets import BenchmarkError, Effort, Result, Row
from benchmarks.rows import ROWS


KEPT = 0
BROKEN = 1
INTERRUPTED = 130

_LIMIT = 235
_LIMIT_QUICK = 40


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure.

    Args:
        arguments: Those of the command line; by default those of the process.

    Returns:
        The exit code: 0 where every promise that is due is kept, 1 where one is not, 130 where the
        run was interrupted.
    """
    options = _parse(arguments)
    rows = [row for row in ROWS if not options.only or row.name in options.only]
    if options.explain:
        _say(report.format_explanations(rows))
        return KEPT
    _say(machine.describe() + "\n")
    run = _Run(rows, Effort.QUICK if options.quick else Effort.FULL)
    trio.run(run.until_signal)
    if run.is_interrupted:
        return INTERRUPTED
    _say(report.format_table(run.results))
    return exit_code(run.results)


def exit_code(results: Sequence[Result]) -> int:
    """Whether promises were broken."""
    return BROKEN if any(result.verdict.is_failure for result in results) else KEPT


@define
class _Run:
    """Rows being measured."""

    _rows: Sequence[Row]
    _effort: Effort
    results: list[Result] = field(factory=list)
    is_interrupted: bool = False

    async def until_signal(self) -> None:
        """Measure all rows; a signal ends it, and with it every process that was started."""
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._end_on_signal, signals, nursery.cancel_scope.cancel)
                await self._measure_all()
                nursery.cancel_scope.cancel()

    async def _end_on_signal(self, signals: AsyncIterator[int], end: Callable[[], None]) -> None:
        async for _ in signals:
            self.is_interrupted = True
            end()

    async def _measure_all(self) -> None:
        deadline = trio.current_time() + self._effort.choose(_LIMIT, quick=_LIMIT_QUICK)
        for row in self._rows:
            started = trio.current_time()
            result = Result(row, None, "there was no time left for it")
            with trio.move_on_at(deadline):
                await trio.lowlevel.checkpoint()  # some rows have none for a while
                result = await _measure(row, self._effort)
            self.results.append(result)
            _complain(f"measured {row.name} in {trio.current_time() - started:.1f} s")


async def _measure(row: Row, effort: Effort) -> Result:
    problem = ""
    try:
        return Result(row, await row.measure(effort))
    except* (BenchmarkError, OSError, trio.BrokenResourceError) as group:
        problem = str(_first_leaf(group))
    return Result(row, None, problem)


def _first_leaf(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure memory, CPU and latency against the budgets.",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=[row.name for row in ROWS],
        default=[],
        metavar="NAME",
        help=f"one or more of: {', '.join(row.name for row in ROWS)}",
    )
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs")
    parser.add_argument("--explain", action="store_true", help="say how each row is measured")
    return parser.parse_args(arguments)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _complain(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
