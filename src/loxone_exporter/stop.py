"""A polite request to come to an end.

A cancellation reaches everything at once, the reader of a connection included over which there is
still a farewell to say. This request reaches only the blocks that ask for it.
"""

from __future__ import annotations

import weakref

import trio
from attrs import define, field


@define(eq=False)
class StopRequest:
    """Made once; ends every block under `interrupts`, the present ones and those to come."""

    _made: bool = False
    _scopes: weakref.WeakKeyDictionary[trio.CancelScope, float] = field(
        factory=weakref.WeakKeyDictionary, repr=False
    )
    _parts: weakref.WeakSet[StopRequest] = field(factory=weakref.WeakSet, repr=False)
    _whole: StopRequest | None = field(default=None, repr=False)  # lives as long as its parts

    def is_made(self) -> bool:
        """Whether everybody was asked to finish."""
        return self._made

    def make(self) -> None:
        """Ask everybody to finish."""
        self._made = True
        for scope, grace in self._scopes.items():
            _end(scope, grace)
        for part in self._parts:
            part.make()

    def part(self) -> StopRequest:
        """A request to a part of everybody: made together with this one, or before it."""
        part = StopRequest(made=self._made, whole=self)
        self._parts.add(part)
        return part

    def interrupts(self, *, grace: float = 0.0) -> trio.CancelScope:
        """A scope, to be entered at once, that ends when the request is made.

        Args:
            grace: Seconds that the block may go on after the request, to come to an end by itself.
        """
        scope = trio.CancelScope()
        if self._made:
            _end(scope, grace)
        self._scopes[scope] = grace
        return scope


def _end(scope: trio.CancelScope, grace: float) -> None:
    if grace > 0:
        scope.deadline = min(scope.deadline, trio.current_time() + grace)
    else:
        scope.cancel(reason="asked to stop")
