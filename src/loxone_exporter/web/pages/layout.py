"""What all pages have in common: their head, and where they lead to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from loxone_exporter import __version__
from loxone_exporter.web.pages.markup import Markup, Pieces, element, end, joined, start
from loxone_exporter.web.pages.query import LONGEST_SEARCH
from loxone_exporter.web.static_files import StaticFiles


_LINKS: Final = (
    ("metrics", "/metrics", "what Prometheus scrapes"),
    ("healthz", "/healthz", "which Miniservers are connected, for monitors"),
    ("readyz", "/readyz", "is there something to scrape? for readiness probes"),
    ("livez", "/livez", "is the exporter alive? for liveness probes"),
    ("openapi.json", "/openapi.json", "all of this, described for programs"),
)
"""Address, title and purpose of what there is beside the page; the addresses are relative, for a
proxy may have put the exporter below a path of its own."""


def page(
    title: str, content: Pieces, static: StaticFiles, documentation: str, about: str = ""
) -> Pieces:
    """A whole page, in pieces.

    Args:
        title: What it is about.
        content: Its main part.
        static: Stylesheet, script and icon.
        documentation: Where that is found; empty for nowhere.
        about: What there is to say of the exporter itself; empty for nothing.
    """
    yield Markup("<!doctype html>\n")
    yield start("html", lang="en")
    yield element(
        "head",
        start("meta", charset="utf-8"),
        start("meta", name="viewport", content="width=device-width, initial-scale=1"),
        start("meta", name="color-scheme", content="light dark"),
        element("title", f"{title} · loxone-exporter" if title else "loxone-exporter"),
        start("link", rel="icon", href=static.url("icon.svg"), type="image/svg+xml"),
        start("link", rel="stylesheet", href=static.url("page.css")),
        element("script", src=static.url("page.js"), defer=True),
    )
    yield start("body")
    yield element("a", "Skip to the content", href="#main", class_="skip")
    yield element(
        "header",
        element(
            "a",
            start("img", src=static.url("icon.svg"), alt="", width=28, height=28),
            "loxone-exporter",
            href="./",
            class_="brand",
        ),
        element("p", id="live", role="status"),
    )
    yield start("main", id="main")
    yield from content
    yield end("main")
    yield _footer(documentation, about)
    yield joined(end("body"), end("html"))


def search_form(
    label: str, placeholder: str, sought: str, *, kept: Mapping[str, str | None] | None = None
) -> Markup:
    """Where something can be sought.

    Args:
        label: What for.
        placeholder: What may be typed.
        sought: What is sought now.
        kept: What else is asked of the page, and stays so; None asks for nothing.
    """
    return element(
        "form",
        *(
            start("input", type="hidden", name=name, value=value)
            for name, value in (kept or {}).items()
            if value is not None
        ),
        element("label", label, for_="q", class_="unseen"),
        start(
            "input",
            type="search",
            id="q",
            name="q",
            value=sought,
            placeholder=placeholder,
            autocomplete="off",
            spellcheck="false",
            maxlength=LONGEST_SEARCH,
        ),
        element("button", "Search"),
        role="search",
        action="./",
    )


def _footer(documentation: str, about: str) -> Markup:
    links = [
        element("li", element("a", title, href=address), " ", purpose)
        for address, title, purpose in _LINKS
    ]
    if documentation:
        links.append(element("li", element("a", "Documentation", href=documentation)))
    return element(
        "footer",
        element("nav", element("ul", *links), aria_label="Exporter"),
        element("p", about) if about else Markup(),
        element("p", f"loxone-exporter {__version__}"),
    )
