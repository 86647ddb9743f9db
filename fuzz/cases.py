"""What is tried, what comes of it, and what each way of fuzzing has to offer."""

from __future__ import annotations

import enum
import re
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Protocol, TypeVar

from attrs import frozen

import loxone_exporter


_PACKAGE = Path(loxone_exporter.__file__).parent
_FIGURES = re.compile(r"\d+|'[^']*'|\"[^\"]*\"")


class Kind(enum.StrEnum):
    """What is wrong: the columns of the report, a closed set."""

    BUG = enum.auto()
    """An exception that nobody expects."""
    HANG = enum.auto()
    """Something did not come to an end, or took too long."""
    LIE = enum.auto()
    """A value is shown that is not true."""
    LOST = enum.auto()
    """An honest Miniserver is not found again."""
    SCRAPE = enum.auto()
    """A scrape that is late, cut off, not to be parsed, or has a series twice."""
    PAGE = enum.auto()
    """A page for people that is no HTML, or has a script of somebody's in it."""
    STATUS = enum.auto()
    """An HTTP answer that should not be given."""
    LOG = enum.auto()
    """A log line that should not be there, or cannot be written."""
    SECRET = enum.auto()
    """A secret where others can read it."""
    COMMAND = enum.auto()
    """A command outside the closed list."""
    LEAK = enum.auto()
    """Something is left behind: a task, a file, a connection, objects."""
    MEMORY = enum.auto()
    """More memory than there is a reason for."""


@frozen
class Finding:
    """Something that is wrong.

    Attributes:
        kind: What is wrong, in one word.
        title: In one line.
        details: What helps to find the cause: a traceback, bytes.
    """

    kind: Kind
    title: str
    details: str = ""

    @property
    def signature(self) -> str:
        """What findings with the same cause have in common, as far as that can be told."""
        return f"{self.kind}: {_FIGURES.sub('#', self.title)}"


def exception_finding(kind: Kind, error: BaseException) -> Finding:
    """A finding that is an exception: told apart by its class and by where it was raised."""
    leaf = error
    while isinstance(leaf, BaseExceptionGroup):
        leaf = leaf.exceptions[0]
    place = _own_place(leaf.__traceback__)
    text = "".join(traceback.format_exception(error))
    return Finding(kind, f"{type(leaf).__name__} in {place}", text)


def _own_place(trace: TracebackType | None) -> str:
    """The innermost function of the exporter in a traceback, else the innermost of all."""
    frames = [
        (Path(frame.f_code.co_filename), frame.f_code.co_qualname)
        for frame, _ in traceback.walk_tb(trace)
    ]
    own = [(path, name) for path, name in frames if path.is_relative_to(_PACKAGE)]
    path, name = (own or frames or [(Path("nowhere"), "nothing")])[-1]
    return f"{path.stem}.{name}"


Case = TypeVar("Case")


class Mode(Protocol[Case]):
    """One way of fuzzing.

    Attributes:
        name: What the command line calls it.
        what: What it does, in one line.
        share: Its share of the time, in proportion to the other ones.
        batch: How many cases are tried together.
        limit: Seconds after which a batch counts as one that hangs; it is far beyond what one takes
            on a busy machine.
    """

    name: str
    what: str
    share: float
    batch: int
    limit: float

    def draw(self, chance: Random) -> Case:
        """Make up a case."""

    def try_out(self, cases: Sequence[Case]) -> list[Finding]:
        """Try some cases, and say what is wrong.

        What leaves this as an exception is a finding, too.
        """

    def smaller(self, case: Case) -> Iterator[Case]:
        """Cases that are a little simpler than one, the simplest first."""

    def write(self, case: Case) -> Any:  # noqa: ANN401  # any JSON
        """A case as JSON."""

    def read(self, document: Any) -> Case:  # noqa: ANN401  # any JSON
        """The other way round."""
