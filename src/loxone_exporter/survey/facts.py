"""What is told of a Miniserver to its owner: facts, each with what to think of it."""

from __future__ import annotations

import enum
import time
from typing import Final

from attrs import frozen


class Rating(enum.Enum):
    """What to think of a fact."""

    PLAIN = enum.auto()
    GOOD = enum.auto()
    HINT = enum.auto()
    """Something that could be otherwise, and need not."""
    DOUBTFUL = enum.auto()
    BAD = enum.auto()


@frozen
class Fact:
    """One thing to know.

    Attributes:
        subject: What it is about, in a word or two.
        text: The fact.
        rating: What to think of it.
    """

    subject: str
    text: str
    rating: Rating = Rating.PLAIN


_MINUTE: Final = 60.0
_HOUR: Final = 3600.0
_DAY: Final = 86_400.0
_FEW: Final = 2


def duration(seconds: float) -> str:
    """A duration in words, to the unit that matters."""
    for unit, name in ((_DAY, "days"), (_HOUR, "hours"), (_MINUTE, "minutes")):
        if seconds >= _FEW * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"


def date(moment: float) -> str:
    """A moment in Unix time, as its date in UTC."""
    try:
        return time.strftime("%Y-%m-%d", time.gmtime(moment))
    except (OverflowError, OSError, ValueError):
        return f"{moment:.0f} s after 1970"


def some(names: list[str], limit: int = 8) -> str:
    """Names of the house as a list that does not get too long."""
    shown = ", ".join(map(repr, names[:limit]))
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
