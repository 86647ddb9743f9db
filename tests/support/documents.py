"""What the documentation shows."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from attrs import frozen


ROOT: Final = Path(__file__).resolve().parents[2]
_DOCS = ROOT / "docs"
METRICS_PAGE = _DOCS / "metrics.md"
OPERATIONS_PAGE = _DOCS / "operations.md"
ALERTS_PAGE = _DOCS / "alerts.md"

PAGES: Final = (
    ROOT / "README.md",
    *sorted(page for page in _DOCS.glob("*.md") if page.name != "metrics.template.md"),
)
"""Everything that people read; metrics.md is made of its template."""

_QUERY = re.compile(r"^```promql\n(.*?)^```", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")


@frozen
class Block:
    """A block of code in a page.

    Attributes:
        page: Its page.
        line: Where it begins there.
        language: What stands behind its fence.
        text: What is in it, not indented.
    """

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def queries(page: Path = METRICS_PAGE) -> list[str]:
    """The PromQL in a page, by default in docs/metrics.md."""
    return [query.strip() for query in _QUERY.findall(page.read_text(encoding="utf-8"))]


def blocks(*languages: str) -> list[Block]:
    """The blocks of these languages in all pages; without any, all blocks."""
    everything = [block for page in PAGES for block in _blocks_of(page)]
    return [block for block in everything if not languages or block.language in languages]


def _blocks_of(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        yield Block(page, line, found[2], textwrap.dedent(found[3]))


def spans(page: Path) -> list[str]:
    """What is in backquotes within the sentences and tables of a page."""
    return _SPAN.findall(_BLOCK.sub("", page.read_text(encoding="utf-8")))


def rows(page: Path, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading of a page, without its head.

    Args:
        page: The page.
        heading: Its line, as in "## `[web]`".
    """
    text = f"\n{page.read_text(encoding='utf-8')}"
    _, found, rest = text.partition(f"\n{heading}\n")
    assert found, f"{page.name} has no heading {heading}"
    section = re.split(r"^#", rest, maxsplit=1, flags=re.MULTILINE)[0]
    table = re.search(r"^\|.*?(?=\n\n|\Z)", section, re.MULTILINE | re.DOTALL)
    lines = table[0].splitlines()[2:] if table else []
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
