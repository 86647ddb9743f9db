"""The page of all Miniservers: those that need somebody first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from attrs import frozen

from loxone_exporter.state import MiniserverState
from loxone_exporter.web.pages.layout import search_form
from loxone_exporter.web.pages.markup import Markup, Pieces, element, end, joined, start
from loxone_exporter.web.pages.miniserver import badge, failure, firmware, last_event, since
from loxone_exporter.web.pages.query import Query
from loxone_exporter.web.pages.wording import Tone, amount


_SEARCHED_FROM: Final = 10
"""With as many Miniservers there is a search for them."""


@frozen
class Line:
    """One Miniserver.

    Attributes:
        state: What is known of it.
        discovered: How many controls its structure file has.
        series: How many series it has in a scrape.
    """

    state: MiniserverState
    discovered: int
    series: int


def overview(query: Query, lines: Sequence[Line], now: float) -> Pieces:
    """All Miniservers; in pieces.

    Args:
        query: What is sought in their names.
        lines: The Miniservers.
        now: The time, in Unix time.
    """
    if not lines:
        yield element("h1", "Miniservers")
        yield element("p", "This exporter looks after no Miniserver.", class_="count")
        return
    connected = sum(line.state.connected for line in lines)
    everybody = amount(len(lines), "Miniserver")
    yield element("h1", "Miniservers")
    are_all = connected == len(lines)
    yield element(
        "p",
        f"All {everybody} are connected."
        if are_all
        else f"{connected:,} of {everybody} are connected.",
        class_="count",
        # What the script says of it, beside the page's name.
        data_live="Live" if are_all else f"{connected:,} of {len(lines):,} live",
        data_tone=Tone.GOOD if are_all else Tone.BUSY,
    )
    if len(lines) >= _SEARCHED_FROM:
        yield _search(query)
    found = [line for line in lines if _is_found(line.state.name, query)]
    for title, is_connected in (("Not connected", False), ("Connected", True)):
        group = [line for line in found if line.state.connected is is_connected]
        if group:
            yield from _group(title, group, now)
    if not found:
        yield element("p", "Nothing is found.", class_="nothing")


def _is_found(name: str, query: Query) -> bool:
    return all(word in name.casefold() for word in query.words)


def _group(title: str, lines: Iterable[Line], now: float) -> Pieces:
    yield joined(start("section"), element("h2", title), start("ul", class_="lines card"))
    for line in lines:
        yield _line(line, now)
    yield joined(end("ul"), end("section"))


def _line(line: Line, now: float) -> Markup:
    state = line.state
    facts = {
        "Last event": last_event(state, now),
        "Firmware": firmware(state) or "unknown",
        "Controls": f"{line.discovered:,}",
        "Series": f"{line.series:,}",
    }
    link = element("a", element("bdi", state.name), href=Query(miniserver=state.name).url)
    return element(
        "li",
        element("p", link, class_="title"),
        element("p", badge(state), " ", since(state, now), class_="state"),
        element(
            "dl",
            *(
                element("div", element("dt", name), element("dd", text))
                for name, text in facts.items()
            ),
        ),
        Markup() if state.connected else failure(state, now, in_short=True),
    )


def _search(query: Query) -> Markup:
    return search_form("Search for Miniservers", "Name of a Miniserver", query.search)
