"""Answers that are costly to make: one at a time, and one for all who wait for the same.

A scrape of a large house is megabytes, and some milliseconds between two turns of other tasks. A
hundred clients that ask at the same time would make a hundred of them, side by side: every other
task would wait a hundred times as long, and memory hold them all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

import trio
from attrs import define, field


Result = TypeVar("Result")


@define(eq=False)
class _Work:
    """Work that is waited for.

    Attributes:
        waiting: How many wait for it.
        is_done: Whether it is done.
        result: What came of it.
    """

    waiting: int = 0
    is_done: bool = False
    result: Any = None


@define(eq=False)
class SharedWork:
    """Does costly work one after the other, and what many ask for only once."""

    _turn: trio.Lock = field(factory=trio.Lock)
    _to_do: dict[Hashable, _Work] = field(factory=dict)

    async def do(self, key: Hashable, make: Callable[[], Awaitable[Result]]) -> Result:
        """Have something made, or get what was made meanwhile for somebody else.

        Only work that has not begun is shared. Thus nobody gets what is older than the question.

        Args:
            key: Equal for all who ask for the same.
            make: Makes it. What it raises, everybody gets who waits, each by an own attempt.
        """
        work = self._to_do.setdefault(key, _Work())
        work.waiting += 1
        try:
            async with self._turn:
                if not work.is_done:
                    # Whoever comes from now on asks for something newer.
                    self._close(key, work)
                    work.result = await make()
                    work.is_done = True
        finally:
            work.waiting -= 1
            if not work.waiting:  # all have gone before it was their turn
                self._close(key, work)
        result: Result = work.result
        return result

    def _close(self, key: Hashable, work: _Work) -> None:
        if self._to_do.get(key) is work:
            del self._to_do[key]
