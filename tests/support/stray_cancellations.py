"""Cancellations that nobody asked for, as trio-websocket has leaked them."""

from __future__ import annotations

from typing import NoReturn

import trio


async def leak_a_cancellation(*_: object) -> NoReturn:
    """Let a cancellation out of the scope that it belongs to."""
    with trio.CancelScope() as scope:
        scope.cancel()
        try:
            await trio.lowlevel.checkpoint()
        except trio.Cancelled as cancelled:  # noqa: ASYNC103  # the leak is what is wanted
            leaked = cancelled
    raise leaked
