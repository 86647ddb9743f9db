"""Whether a page for people is HTML, with nothing of what a house says as more than text."""

from __future__ import annotations

from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Final

from fuzz.cases import Finding, Kind


SCRIPT: Final = "<script>alert('1')</script>\"'&amp;<!--"
"""A name that somebody may give to a room."""

QUERIES: Final = (
    b"",
    b"miniserver=home",
    b"miniserver=home&room=",
    b"miniserver=home&q=e&page=2",
    b"room=%3Cscript%3Ealert('1')%3C/script%3E",
    b"q=%3Cscript%3Ealert('1')%3C/script%3E%22%27",
    b"miniserver=%22%3E%3Cscript%3Ealert('1')",
    b"page=999999&q=" + b"e%20" * 90,
    b"&&=&page=x&%ff=%ff&q=%ff",
)
"""What may be asked of it."""

_VOID: Final = frozenset({"br", "hr", "img", "input", "link", "meta", "wbr"})


def judge_page(body: bytes) -> list[Finding]:
    """Everything that is wrong with a page."""
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        return [Finding(Kind.PAGE, "a page is no UTF-8", str(error))]
    reader = _Reader()
    reader.feed(text)
    reader.close()
    problems = [*reader.problems, *(f"{name} is not closed" for name in reader.open)]
    if "<script>alert" in text:
        problems.append("a script of the house's is in a page")
    return [Finding(Kind.PAGE, problem, text[:20_000]) for problem in problems[:1]]


class _Reader(HTMLParser):
    """Follows elements from start to end.

    Attributes:
        open: The elements that have begun and not ended.
        problems: What was wrong.
    """

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.problems: list[str] = []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        """An element begins."""
        if any(name.startswith("on") for name, _ in attrs):
            self.problems.append(f"{tag} has a script for an attribute")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """An element ends, which should be the last one that has begun."""
        if self.open[-1:] == [tag]:
            self.open.pop()
        else:
            self.problems.append(f"{tag} ends where it has not begun")
