"""What a Miniserver can be put to, and how soon the exporter has to be back after it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from random import Random
from typing import Any, Final, TypeAlias

from attrs import frozen

from soak.sites import Site


@frozen
class Bound:
    """How soon the exporter has to be back.

    Attributes:
        seconds: From a Miniserver's return until it shows the house as it is.
        why: Why that takes longer than what is ordinary.
    """

    seconds: float
    why: str = ""


ORDINARY: Final = Bound(60.0)
"""A pause of at most 36 s, after an attempt that may just have begun when the Miniserver returned,
and take 15 s."""

Draw: TypeAlias = Callable[[Random], Any]
"""Draws a value."""

Move: TypeAlias = Callable[[Site], Awaitable[None]]
"""Something that is done to a Miniserver."""

Happen: TypeAlias = Callable[[Site, Any, float], Awaitable[None]]
"""Puts a Miniserver to an ordeal of a value, for so many seconds; returns when it is over."""


def anywhere(_site: Site) -> bool:
    """Whether a Miniserver can be put to something: any can."""
    return True


def always(value: Any) -> Draw:  # noqa: ANN401  # whatever the fault takes
    """Draw the same each time."""
    return lambda _chance: value


_NOTHING: Final = always(value=None)


@frozen(kw_only=True)
class Ordeal:
    """Something that goes wrong.

    Attributes:
        name: The fault or drill, as `loxone-exporter simulate --list-faults` has it, or a name of
            our own.
        variant: Tells ordeals of one name apart.
        happen: Makes it happen.
        draw: Draws the value.
        lasts: The least and the most seconds that it lasts.
        bound: How soon after its end the exporter has to be back.
        by_password: Likewise where each login takes the password, if that is different.
        suits: Which Miniservers can be put to it.
        needs_calm: Whether the bound holds only after a session that lasted a minute, for pauses
            grow from failure to failure.
        corrects_password: Whether it ends with another password after one was rejected: one such
            correction in five minutes is tried at once.
        refuses_tokens: Whether a token is refused that should still be good; after two of them in
            a row the exporter uses none any more.
        may_lose_tokens: Whether a token may be left behind in the Miniserver, by its own doing:
            given without an answer that arrives, or called bad although it is good.
        changes_series: Whether the exporter shows something else than the house as it is, as it
            should.
    """

    name: str
    variant: str = ""
    happen: Happen
    draw: Draw = _NOTHING
    lasts: tuple[float, float] = (5.0, 20.0)
    bound: Bound = ORDINARY
    by_password: Bound | None = None
    suits: Callable[[Site], bool] = anywhere
    needs_calm: bool = False
    corrects_password: bool = False
    refuses_tokens: bool = False
    may_lose_tokens: bool = False
    changes_series: bool = False

    @property
    def title(self) -> str:
        """How it is called."""
        return f"{self.name}={self.variant}" if self.variant else self.name

    def bound_at(self, site: Site) -> Bound:
        """The bound at one Miniserver."""
        return self.bound if site.has_tokens or self.by_password is None else self.by_password
