"""Ctrl-C and SIGTERM for commands that come to an end by themselves."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import trio

from loxone_exporter.errors import StoppedError
from loxone_exporter.stop import StopRequest


Result = TypeVar("Result")


async def interruptible(work: Callable[[StopRequest], Awaitable[Result]]) -> Result:
    """Do something until it is done, or until a signal comes.

    The first signal asks the work to stop, so that no token is left behind in a Miniserver. The
    second one cancels it.

    Raises:
        StoppedError: There was a signal.
    """
    stop = StopRequest()
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_stop_at, signals, stop, nursery.cancel_scope)
            result = await work(stop)
            nursery.cancel_scope.cancel(reason="the work is done")
    if stop.is_made():
        raise StoppedError("interrupted")
    return result


async def _stop_at(signals: AsyncIterator[int], stop: StopRequest, scope: trio.CancelScope) -> None:
    async for _ in signals:
        if stop.is_made():
            scope.cancel(reason="a second signal")
        stop.make()
