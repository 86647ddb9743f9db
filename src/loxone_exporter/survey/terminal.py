"""How facts are shown: to a person with colours and progress, otherwise as plain lines."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import wrap
from types import MappingProxyType
from typing import Final, TextIO

import trio
from attrs import frozen

from loxone_exporter.logs import harmless
from loxone_exporter.state import ConnectionState, MiniserverState
from loxone_exporter.survey.facts import Fact, Rating


_COLOURS: Final[Mapping[Rating, str]] = MappingProxyType(
    {Rating.GOOD: "32", Rating.HINT: "36", Rating.DOUBTFUL: "33", Rating.BAD: "1;31"}
)
"""By the numbers of ECMA-48, which all terminals know."""

_BOLD: Final = "1"

_WIDEST_SUBJECT: Final = 12

_INDENT: Final = _WIDEST_SUBJECT + 3
_NARROWEST: Final = 20

_STEPS: Final[Mapping[ConnectionState, str]] = MappingProxyType(
    {
        ConnectionState.CONNECTING: "connecting",
        ConnectionState.AUTHENTICATING: "logging in",
        ConnectionState.DISCOVERING: "reading the structure",
        ConnectionState.SUBSCRIBING: "receiving states",
    }
)

_REDRAWN_AFTER: Final = 0.1
_START_OF_LINE: Final = "\r\x1b[K"


@frozen
class Style:
    """What a stream can show.

    Attributes:
        is_watched: Whether a person sees at once what is written, and lines can be overwritten.
        has_colours: Whether there may be colours.
        width: Characters of a line; None where lines are not broken.
    """

    is_watched: bool = False
    has_colours: bool = False
    width: int | None = None

    @classmethod
    def of(cls, stream: TextIO | None, environ: Mapping[str, str]) -> Style:
        """What a stream can show, and its owner wants to see.

        Args:
            stream: Where to; None where the process has none.
            environ: Its NO_COLOR, if it is not empty, asks for no colours (no-color.org).
        """
        is_watched = (
            stream is not None and stream.isatty() and environ.get("TERM", "dumb") != "dumb"
        )
        if not is_watched:
            return cls()
        return cls(
            is_watched=True,
            has_colours=not environ.get("NO_COLOR"),
            width=shutil.get_terminal_size().columns,
        )

    def heading(self, text: str) -> str:
        """A line above others."""
        return self._paint(text, _BOLD)

    def fact(self, fact: Fact) -> str:
        """The line for a fact, or the lines."""
        subject = self._paint(f"{fact.subject:{_WIDEST_SUBJECT}}", _COLOURS.get(fact.rating))
        text = harmless(fact.text)  # some of it was said by who knows whom
        if self.width is not None:
            room = max(self.width - _INDENT, _NARROWEST)
            text = f"\n{' ' * _INDENT}".join(wrap(text, room, break_on_hyphens=False))
        return f"  {subject} {text}"

    def _paint(self, text: str, colour: str | None) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self.has_colours and colour else text


def lines(heading: str, facts: Iterable[Fact], style: Style) -> Iterator[str]:
    """Some facts under a heading."""
    yield style.heading(heading)
    for fact in facts:
        yield style.fact(fact)


@frozen
class Progress:
    """Shows in a line that is overwritten how visits get on."""

    _stream: TextIO

    @classmethod
    def on(cls, stream: TextIO | None, environ: Mapping[str, str]) -> Progress | None:
        """Progress on a stream; None where nobody watches."""
        is_watched = Style.of(stream, environ).is_watched
        return cls(stream) if stream is not None and is_watched else None

    async def show(self, states: Sequence[MiniserverState]) -> None:
        """Show it until this is cancelled, and leave nothing behind."""
        try:
            while True:
                width = shutil.get_terminal_size().columns - 1
                self._write(_START_OF_LINE + _describe(states)[:width])
                await trio.sleep(_REDRAWN_AFTER)
        finally:
            self._write(_START_OF_LINE)

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def _describe(states: Sequence[MiniserverState]) -> str:
    under_way = [state for state in states if not state.tried]
    done = f"{len(states) - len(under_way)} of {len(states)} Miniservers"
    steps = (f"{state.name!r} {_STEPS.get(state.connection, '')}".rstrip() for state in under_way)
    return "; ".join([done, *steps])
