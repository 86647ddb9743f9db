from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loxone_exporter.web.pages.markup import Markup, element, end, escape, joined, start
from support.pages import HOSTILE


class Reading(HTMLParser):
    """What a browser would make of it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


# What no HTML can carry is left out.
TEXTS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0\r"))


@given(TEXTS, TEXTS)
def test_texts_and_attributes_stay_what_they_are(text: str, attribute: str) -> None:
    reading = Reading(element("p", text, title=attribute))
    assert [("p", {"title": attribute})] == reading.tags
    assert text == reading.text


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_open_nothing(text: str) -> None:
    written = element("b", text, " and ", text, title=text)
    assert 2 == written.count("<")
    assert ["b"] == [name for name, _ in Reading(written).tags]


def test_what_is_html_already_is_not_escaped_again() -> None:
    inner = element("b", "<&>")
    assert "<b>&lt;&amp;&gt;</b>" == inner
    assert "<p><b>&lt;&amp;&gt;</b>&lt;</p>" == element("p", inner, "<")
    assert inner == escape(inner) == joined(inner)
    assert isinstance(joined(inner, "<"), Markup)
    assert inner + "&lt;" == joined(inner, "<")


def test_attributes() -> None:
    assert '<input type="search" maxlength="20" hidden>' == start(
        "input", type="search", maxlength=20, hidden=True, disabled=False
    )
    assert '<p aria-label="a" class="b" for="c">' == start(
        "p", aria_label="a", class_="b", for_="c"
    )
    assert "</p>" == end("p")
