"""The controls of one Miniserver, with their values and the PromQL of their series."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from attrs import define, field, frozen

from loxone_exporter.metrics.inventory import Inventory, ShownControl, ShownSeries
from loxone_exporter.web.pages.layout import search_form
from loxone_exporter.web.pages.markup import Markup, Pieces, Work, element, end, joined, start
from loxone_exporter.web.pages.promql import matchers
from loxone_exporter.web.pages.query import Query
from loxone_exporter.web.pages.values import Kind, Value, value_of
from loxone_exporter.web.pages.wording import amount


ON_A_PAGE: Final = 50
"""Controls that are shown at once."""

_TELLING: Final = 3
"""Values that are shown of a control that is folded."""

_SERIES_IN_A_STEP: Final = 100

_NO_ROOM: Final = "Without a room"
_NO_NAME: Final = "Without a name"


@frozen
class _Line:
    """One series.

    Attributes:
        value: What it shows.
        metric: Its name.
        matchers: What selects it, behind the name.
    """

    value: Value
    metric: str
    matchers: str


@define
class _State:
    """The series of one state of a control.

    Attributes:
        subcontrol: The label; empty of what is about the whole control.
        type: The label.
        uuid: The label, where the control's UUID is one.
        lines: The more telling first.
    """

    subcontrol: str
    type: str
    uuid: str
    lines: list[_Line] = field(factory=list)

    @property
    def value(self) -> Value:
        """What is most telling."""
        return self.lines[0].value


def control_list(query: Query, inventory: Inventory, now: float) -> Pieces:
    """Search, rooms, and those controls that are asked for; in pieces.

    Args:
        query: What is asked for.
        inventory: All controls, those that are not found as well.
        now: The time, in Unix time.
    """
    found = [control for control in inventory.controls if not control.missing]
    rooms = Counter(control.room for control in found)
    chosen = [control for control in found if query.wants_room(control.room)]
    pages = max(1, -(-len(chosen) // ON_A_PAGE))
    page = min(query.page, pages)
    yield start("section", aria_labelledby="controls")
    yield element("h2", "Controls", id="controls")
    yield _search(query)
    yield element("p", _count(query, len(chosen), len(inventory.controls)), class_="count")
    yield start("div", class_="split")
    yield _rooms(query, rooms, len(found))
    yield start("div", class_="list")
    room = None
    for control in chosen[(page - 1) * ON_A_PAGE : page * ON_A_PAGE]:
        if control.room != room:
            room = control.room
            yield element("h3", element("bdi", room or _NO_ROOM))
        yield from _control(control, now)
    if not chosen:
        yield element("p", "Nothing is found.", class_="nothing")
    if pages > 1:
        yield _pager(query, page, pages)
    yield joined(end("div"), end("div"), end("section"))


def _search(query: Query) -> Markup:
    return search_form(
        "Search for controls",
        "Room, control, state or metric",
        query.search,
        kept={"miniserver": query.miniserver, "room": query.room},
    )


def _count(query: Query, shown: int, all_: int) -> Markup:
    parts: list[str] = []
    if query.search or query.room is not None:
        parts.append(f"{shown:,} of {amount(all_, 'control')}")
    else:
        parts.append(amount(all_, "control"))
    if query.room:
        parts += [" in ", element("bdi", query.room)]
    elif query.room is not None:
        parts += [" without a room"]
    if query.search:
        parts += [" with “", element("bdi", query.search), "”"]
    if query.search or query.room is not None:
        everything = Query(miniserver=query.miniserver)
        parts += [" · ", element("a", "show all", href=everything.url)]
    return joined(*parts)


def _rooms(query: Query, rooms: Counter[str], found: int) -> Markup:
    entries: list[tuple[str | None, str, int]] = [(None, "All rooms", found)]
    entries += [(room, room or _NO_ROOM, count) for room, count in rooms.items()]
    is_of_all = query.room is None
    links = (
        element(
            "li",
            element(
                "a",
                element("bdi", title),
                element("span", f"{count:,}"),
                href=query.of_room(room).url,
                aria_current=is_current and "true",
            ),
        )
        for room, title, count in entries
        for is_current in [(room is None) == is_of_all and query.wants_room(room or "")]
    )
    return element("nav", element("ul", *links), class_="rooms", aria_label="Rooms")


def _pager(query: Query, page: int, pages: int) -> Markup:
    def link(title: str, to: int, rel: str) -> Markup:
        if not 1 <= to <= pages:
            return element("span", title)
        return element("a", title, href=query.of_page(to).url, rel=rel)

    return element(
        "nav",
        link("Previous", page - 1, "prev"),
        element("span", f"page {page} of {pages}"),
        link("Next", page + 1, "next"),
        class_="pager",
        aria_label="Pages",
    )


def _control(control: ShownControl, now: float) -> Pieces:
    main_type = control.series[0].labels.get("type", "")
    states = yield from _states(control.series, now)
    key = f"{control.room}\0{control.name}\0{control.category}".encode()
    yield start("details", id=f"c{hashlib.blake2s(key, digest_size=8).hexdigest()}")
    kind = " · ".join(filter(None, (main_type, control.category)))
    yield element(
        "summary",
        element(
            "span",
            element("bdi", _name(control.name), class_="name"),
            element("bdi", kind, class_="kind"),
            class_="who",
        ),
        element("span", *map(_reading, _telling(states)), class_="readings"),
    )
    yield from state_list(states, main_type)
    yield end("details")


def _name(name: str) -> str:
    """A control's name; some have none, or nothing but the UUID that makes it unique."""
    is_missing = not name.strip() or name.startswith(" (")
    return f"{_NO_NAME}{name.rstrip()}" if is_missing else name


def state_list(states: Iterable[_State], main_type: str = "") -> Pieces:
    """The series of some states, each with its value and its PromQL.

    Args:
        states: The states.
        main_type: The type that need not be told.
    """
    yield start("dl")
    for state in states:
        title = state.subcontrol or "The control itself"
        hints = [state.type if state.type != main_type else "", state.uuid]
        yield start("div")
        yield element(
            "dt",
            element("bdi", title),
            *(element("bdi", hint, class_="hint") for hint in hints if hint),
        )
        for line in state.lines:
            yield element(
                "dd",
                element("span", *_value(line.value), class_="value"),
                element("code", element("b", line.metric), line.matchers),
                element(
                    "button", "Copy", type="button", aria_label=f"Copy {line.metric} of {title}"
                ),
            )
        yield end("div")
    yield end("dl")


def own_states(series: Iterable[ShownSeries], now: float) -> list[_State]:
    """What a Miniserver tells of itself, each metric like a state."""
    states: dict[str, _State] = {}
    for each in series:
        title = _title(each)
        state = states.setdefault(title, _State(title, "", ""))
        state.lines.append(_line(each, each.labels, now))
    return list(states.values())


def _title(series: ShownSeries) -> str:
    """A metric's name in words: what is measured, without the unit, and without whose it is."""
    name = series.metric.removeprefix("loxone_").removeprefix("miniserver_").removesuffix("_info")
    return name.removesuffix(f"_{series.unit}").replace("_", " ")


def _states(series: Sequence[ShownSeries], now: float) -> Work[list[_State]]:
    """The series of a control by state; what is about the whole control comes last."""
    states: dict[tuple[str, str, str], _State] = {}
    for number, each in enumerate(series, 1):
        if number % _SERIES_IN_A_STEP == 0:
            yield None
        labels = each.labels
        subcontrol, type_ = labels.get("subcontrol", ""), labels.get("type", "")
        key = (subcontrol, type_, labels.get("uuid", "") if subcontrol else "")
        if key not in states:
            states[key] = _State(*key)
        if "value" in labels:
            del labels["value"]  # a text is found by what it is the text of
        states[key].lines.append(_line(each, labels, now))
    for state in states.values():
        state.lines.sort(key=lambda line: line.value.kind)
    return sorted(states.values(), key=lambda state: not state.subcontrol)


def _line(series: ShownSeries, labels: Mapping[str, str], now: float) -> _Line:
    return _Line(value_of(series, now), series.metric, matchers(labels))


def _telling(states: Sequence[_State]) -> list[_State]:
    """What a control is known by: its own quantities first, then those of its parts.

    Plain numbers, whose meaning nobody knows, are no more than a last resort.
    """
    known = [state for state in states if state.value.kind < Kind.PLAIN]
    known.sort(key=lambda state: ("/" in state.subcontrol, state.value.kind))
    plain = [state for state in states if state.value.kind is Kind.PLAIN]
    return (known or plain)[:_TELLING]


def _reading(state: _State) -> Markup:
    return element(
        "span",
        element("bdi", state.value.text, class_=_class(state.value)),
        element("bdi", state.subcontrol, class_="hint"),
    )


def _value(value: Value) -> Iterable[Markup]:
    yield element("bdi", value.text, class_=_class(value))
    if value.exact:
        yield element("bdi", value.exact, class_="hint")


def _class(value: Value) -> str:
    if value.kind is Kind.INFO:
        return "hint"
    return "off" if value.is_off else "on"
