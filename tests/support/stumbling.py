"""Tasks that end as none should."""

from __future__ import annotations

import trio


async def end_by_itself() -> None:
    await trio.lowlevel.checkpoint()


async def fail() -> None:
    await trio.lowlevel.checkpoint()
    raise ZeroDivisionError("planted")


async def leak_a_cancellation() -> None:
    """Raise a Cancelled that belongs to no scope around, as trio-websocket can."""
    with trio.CancelScope() as scope:
        scope.cancel()
        try:
            await trio.lowlevel.checkpoint()
        except trio.Cancelled as cancelled:  # noqa: ASYNC103  # the leak that is tested
            leaked = cancelled
    raise leaked
