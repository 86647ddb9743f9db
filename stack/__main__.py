"""The command line: play it, print one table, fail if something did not happen."""

from __future__ import annotations

import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import trio

from benchmarks.process import tail
from stack.files import SPEED
from stack.programs import StackError
from stack.receiver import receiving
from stack.story import Story, format_table


KEPT, BROKEN = 0, 1
"""Exit codes: the owner was told as promised, or was not."""

_LIMIT: Final = 240.0


def main() -> int:
    """Let a Miniserver go and come back under the eyes of Prometheus and Alertmanager.

    Returns:
        The exit code.
    """
    _say(f"alerts and messages wait for a {SPEED:.0f}th of their time")
    with (
        tempfile.TemporaryDirectory(prefix="loxone-exporter-stack-") as folder,
        receiving() as receiver,
    ):
        story = Story(receiver)
        problems = trio.run(_play, story, Path(folder))
        logs = list(_logs(Path(folder))) if problems else []
    _say("\n".join(format_table(story)))
    problems += [f"besides: {notice.alert}, {notice.summary}" for notice in story.others()]
    _say("\n".join([*(f"FAILED: {problem}" for problem in problems), *logs]))
    return BROKEN if problems else KEPT


async def _play(story: Story, folder: Path) -> list[str]:
    """Play it, bounded, and until a signal comes; what went wrong."""
    problems = [f"not over after {_LIMIT:.0f} s"]
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:

            async def end_on_signal() -> None:
                async for number in signals:
                    problems[:] = [f"interrupted by {signal.Signals(number).name}"]
                    nursery.cancel_scope.cancel(reason="interrupted")

            nursery.start_soon(end_on_signal)
            try:
                with trio.move_on_after(_LIMIT):
                    await story.play(folder)
                    problems.clear()
            except* StackError as group:
                problems[:] = map(str, group.exceptions)
            nursery.cancel_scope.cancel(reason="it is over")
    return problems


def _logs(folder: Path) -> Iterator[str]:
    """The end of what each program wrote."""
    for log in sorted(folder.glob("*.log")):
        yield f"--- {log.name}\n{tail(log)}"


def _say(text: str) -> None:
    if text:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
