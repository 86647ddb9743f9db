"""The page for people, as a browser gets it, and houses that try to take it over."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any, Final

import trio
from attrs import define, field, frozen

from loxone_exporter.config.model import Config, MetricsConfig
from loxone_exporter.errors import FailureReason
from loxone_exporter.loxone.structure import Structure, parse_structure
from loxone_exporter.state import ConnectionState, Failure, MiniserverState
from loxone_exporter.stop import StopRequest
from loxone_exporter.web.app import WebApp
from support.collected import connected
from support.memory_network import miniserver_config
from support.structures import key


HOSTILE: Final = {
    "script": "<script>window.taken = 1</script>",
    "image": '"><img src=x onerror="window.taken = 1">',
    "end": "</title></code></summary></main><h1>Taken</h1>",
    "entity": "&lt;b&gt; & &amp;",
    "quotes": "' \" \\ ` {}",
    "lines": "one\ntwo\rthree\u2028four\x85five",
    "override": "left \u202eright\u2066 to left",
    "long": "A" * 1990 + "<i>",
    "emoji": "👩‍👩‍👧 Küche ☕ \U0001f1e9\U0001f1ea",
    "tags": "<details open><summary><style>* { display: none }</style>",
}
"""Names that would change a page that does not escape them."""


def hostile_house() -> Structure:
    """A house in which everything has such a name."""
    names = list(HOSTILE.values())
    document = {
        "lastModified": "2026-01-01 00:00:00",
        "rooms": {str(place): {"name": name} for place, name in enumerate(names)},
        "cats": {str(place): {"name": name} for place, name in enumerate(reversed(names))},
        "controls": {
            key(100 + place): {
                "name": name,
                "type": "Switch" if place % 2 else name,
                "room": str(place),
                "cat": str(place),
                "states": {"active": key(place), name[:200]: key(50 + place)},
                "subControls": {
                    f"{key(100 + place)}/AI1": {
                        "name": name,
                        "type": "Dimmer",
                        "states": {"position": key(150 + place)},
                    }
                },
            }
            for place, name in enumerate(names, 1)
        },
    }
    return parse_structure(json.dumps(document))


def hostile_miniserver(name: str, *, is_connected: bool = True) -> MiniserverState:
    """A Miniserver with such a house, whose last failure said such things."""
    numbers = dict.fromkeys(range(200), 12.5)
    texts = {50 + place: text for place, text in enumerate(HOSTILE.values(), 1)}
    state = connected(hostile_house(), name=name, values=numbers, texts=texts)
    state.mark_received()
    state.link.last_failure = Failure(
        FailureReason.PROTOCOL, " ".join(HOSTILE.values()), state.since, state.since + 1000
    )
    if not is_connected:
        state.connection = ConnectionState.REJECTED
    return state


def build_app(*states: MiniserverState, metrics: Mapping[str, Any] | None = None) -> WebApp:
    """An application for these Miniservers.

    Args:
        states: The Miniservers.
        metrics: What differs from the default in `[metrics]`.
    """
    config = Config(
        metrics=MetricsConfig(**(metrics or {})),
        miniservers=tuple(miniserver_config(state.name) for state in states),
    )
    return WebApp.build(config, states, StopRequest())


@frozen
class Answer:
    """What an application sent."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def page(self) -> Page:
        packed = self.headers.get("content-encoding") == "gzip"
        return Page.read((gzip.decompress(self.body) if packed else self.body).decode())


async def ask(
    app: WebApp,
    query: str = "",
    *,
    path: str = "/",
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Ask for a page, without a server between."""
    sent: list[Any] = []

    async def receive() -> dict[str, object]:
        await trio.lowlevel.checkpoint()
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: object) -> None:
        await trio.lowlevel.checkpoint()
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in (headers or {}).items()],
    }
    await app(scope, receive, send)
    start, end = sent
    fields = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], fields, end["body"])


@define
class Element:
    """An element of a page.

    Attributes:
        name: As in its tag.
        attributes: All of them.
        inside: The elements around it, the outermost first.
    """

    name: str
    attributes: dict[str, str | None]
    inside: tuple[str, ...]
    _texts: list[str] = field(factory=list)

    @property
    def text(self) -> str:
        """All text in it."""
        return "".join(self._texts)


_VOID: Final = {"meta", "link", "img", "input"}


@define
class Page:
    """A page, read by Python's own parser.

    Attributes:
        text: As it was sent.
        elements: In the order of their tags.
    """

    text: str
    elements: list[Element]

    @classmethod
    def read(cls, text: str) -> Page:
        """Read it; every element has to be ended where it should be."""
        reader = _Reader()
        reader.feed(text)
        reader.close()
        assert [] == reader.open
        return cls(text, reader.elements)

    def all(self, name: str, class_: str | None = None) -> list[Element]:
        """The elements of this name, and of this class."""
        return [
            each
            for each in self.elements
            if each.name == name and (class_ is None or each.attributes.get("class") == class_)
        ]

    def texts(self, name: str, class_: str | None = None) -> list[str]:
        """Their texts."""
        return [each.text for each in self.all(name, class_)]

    @property
    def names(self) -> set[str]:
        """All names of elements."""
        return {each.name for each in self.elements}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self.open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs), tuple(each.name for each in self.open))
        self.elements.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.open.pop().name

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element._texts.append(data)
