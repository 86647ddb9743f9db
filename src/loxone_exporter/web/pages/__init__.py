"""The page for people: what is connected and since when, and what is exported.

It works without its script; with it, values are refreshed, and lists follow what is typed, by
asking for the same page again.
"""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Final

from attrs import field, frozen

from loxone_exporter.config.shard import Shard, indexes
from loxone_exporter.metrics.collector import LoxoneCollector
from loxone_exporter.metrics.inventory import count_series, take_inventory
from loxone_exporter.state import MiniserverState
from loxone_exporter.web.pages.layout import page
from loxone_exporter.web.pages.markup import Pieces, element
from loxone_exporter.web.pages.miniserver import miniserver_page
from loxone_exporter.web.pages.overview import Line, overview
from loxone_exporter.web.pages.query import Query
from loxone_exporter.web.pages.wording import amount
from loxone_exporter.web.pages.writing import write
from loxone_exporter.web.static_files import StaticFiles


__all__ = ["Pages"]

_DOCUMENTATION: Final = "Documentation, "


def documentation_url(project_urls: Iterable[str] | None = None) -> str:
    """Where the documentation is, if the distribution says so; empty otherwise.

    Args:
        project_urls: What the distribution says; for tests.
    """
    if project_urls is None:
        project_urls = importlib.metadata.metadata("loxone-exporter").get_all("Project-URL") or ()
    found = (url for url in project_urls if url.startswith(_DOCUMENTATION))
    return next(found, "").removeprefix(_DOCUMENTATION)


@frozen
class Pages:
    """Writes the page."""

    _states: Sequence[MiniserverState]
    _collector: LoxoneCollector
    _static: StaticFiles
    _shard: Shard = field(factory=lambda: Shard.whole(0))
    _documentation: str = field(factory=documentation_url)

    async def answer(self, query_string: bytes, *, gzip: bool) -> tuple[HTTPStatus, bytes]:
        """Status and body of the answer to a request; other tasks have their turn meanwhile.

        Args:
            query_string: What is asked, as it stands in the address.
            gzip: Whether to compress the page.
        """
        status, pieces = self.compose(query_string)
        return status, await write(pieces, gzip=gzip)

    def compose(self, query_string: bytes) -> tuple[HTTPStatus, Pieces]:
        """The status, and the page in pieces; each takes a few milliseconds."""
        query = Query.parse(query_string)
        names = [state.name for state in self._states]
        name = query.miniserver
        if name is None and len(names) == 1:
            name = names[0]
        if name is None:
            return HTTPStatus.OK, self._page("Miniservers", self._overview(query, names))
        if name not in names:
            return HTTPStatus.NOT_FOUND, self._page("Not found", _not_found(name))
        return HTTPStatus.OK, self._page(name, self._miniserver(query, name))

    def _page(self, title: str, content: Pieces) -> Pieces:
        return page(title, content, self._static, self._documentation, _about(self._shard))

    def _overview(self, query: Query, names: Sequence[str]) -> Pieces:
        lines = []
        for share in self._collector.shares(names):
            if share is None:
                yield None
                continue
            series = yield from count_series(share)
            lines.append(Line(share.state, share.discovered, series))
            yield None
        yield from overview(query, lines, time.time())

    def _miniserver(self, query: Query, name: str) -> Pieces:
        is_alone = len(self._states) == 1
        for share in self._collector.shares([name]):
            yield None
            if share is None:
                continue
            inventory = yield from take_inventory(share, query.words)
            yield from miniserver_page(query, share, inventory, time.time(), is_alone=is_alone)


def _about(shard: Shard) -> str:
    """Which part of a fleet's Miniservers is shown; empty where there is no fleet."""
    if shard.is_whole:
        return ""
    everybody = amount(shard.configured, "Miniserver")
    return (
        f"Shard {shard.index} of {shard.count} ({indexes(shard.count)}): this exporter looks after "
        f"{shard.taken:,} of {everybody}."
    )


def _not_found(name: str) -> Pieces:
    yield element("h1", "Not found")
    yield element(
        "p",
        "There is no Miniserver called “",
        element("bdi", name),
        "”. ",
        element("a", "All Miniservers", href="./"),
    )
