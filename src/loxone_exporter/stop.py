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
    _scopes: weakref.WeakSet[trio.CancelScope] = field(factory=weakref.WeakSet, repr=False)

    def is_made(self) -> bool:
        """Whether everybody was asked to finish."""
        return self._made

    def make(self) -> None:
        """Ask everybody to finish."""
        self._made = True
        for scope in self._scopes:
            scope.cancel(reason="asked to stop")

    def interrupts(self) -> trio.CancelScope:
        """A scope, to be entered at once, that ends when the request is made."""
        scope = trio.CancelScope()
        if self._made:
            scope.cancel(reason="asked to stop")
        self._scopes.add(scope)
        return scope
