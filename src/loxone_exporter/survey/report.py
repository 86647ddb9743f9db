"""What was discovered, for a person, for another program, or as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from textwrap import wrap
from typing import Any, Final

from attrs import field, frozen

from loxone_exporter.logs import harmless
from loxone_exporter.survey.discovery import FoundControl, FoundState


COLUMNS: Final = ("miniserver", "name", "room", "type", "state", "value", "unit", "metric")

_WIDEST = 36
"""Characters of a cell in a table; lines for programs are not cut."""

_BESIDE_METRICS = 28
"""Characters of a state with its value that leave room for most metrics on 80."""

_MANY = 20


@frozen
class House:
    """A Miniserver and what was discovered there.

    Attributes:
        miniserver: Its name.
        failure: Why nothing or not everything was learned; empty where all went well.
        controls: Its controls and sub-controls.
        matched: Which overrides match something there, by their index.
        told: What the Miniserver tells of itself, its sun and its weather, by metric.
    """

    miniserver: str
    failure: str
    controls: tuple[FoundControl, ...]
    matched: frozenset[int] = frozenset()
    told: Mapping[str, float] = field(factory=dict)


def unmatched_overrides(houses: Sequence[House], count: int) -> list[int]:
    """The tables of the configuration that match nothing in any house.

    Args:
        houses: All that were visited.
        count: How many tables there are.
    """
    if any(house.failure for house in houses):
        return []  # who could not be visited may have what they match
    matched = frozenset[int]().union(*(house.matched for house in houses))
    return [index for index in range(count) if index not in matched]


def rows(house: House) -> Iterator[tuple[str, ...]]:
    """A row of `COLUMNS` for each state of which numbers are to be expected."""
    for control in house.controls:
        for state in control.states:
            if state.has_numbers:
                yield (
                    house.miniserver,
                    control.name,
                    control.room,
                    control.type,
                    state.subcontrol,
                    _number(state.value),
                    state.unit,
                    f"({state.optional})" if state.optional else state.metric,
                )


def lines(houses: Sequence[House]) -> Iterator[str]:
    """A line for each state, its columns separated by tabs, for other programs."""
    for house in houses:
        for row in rows(house):
            yield "\t".join(map(_shown, row))


def table(houses: Sequence[House], width: int) -> Iterator[str]:
    """What was discovered, for people, with a summary under it.

    Args:
        houses: All that were visited.
        width: Characters of a line of theirs. A table that is wider would be broken anywhere; its
            states stand under their controls then.
    """
    for house in houses:
        yield f"Miniserver {house.miniserver!r}"
        columns = list(_columns(house))
        fits = max(map(len, columns)) <= width
        yield from columns if fits else _by_control(house, width)
        yield ""
        for metric, value in house.told.items():
            yield harmless(f"{metric} {_number(value)}")
        if house.told:
            yield ""
        for line in summary(house):
            yield from wrap(line, width, subsequent_indent="  ", break_on_hyphens=False)
        yield ""


def _columns(house: House) -> Iterator[str]:
    """A line for each state, below those that name the columns."""
    # The Miniserver's name stands above, once.
    cells = [COLUMNS[1:], *(row[1:] for row in rows(house))]
    cut = [(*map(_cut, row[:-1]), _shown(row[-1])) for row in cells]
    widths = [max(map(len, column)) for column in zip(*cut, strict=True)]
    for number, row in enumerate(cut):
        padded = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield padded.rstrip()
        if number == 0:
            yield "  ".join("-" * width for width in widths)


def _by_control(house: House, width: int) -> Iterator[str]:
    """A paragraph for each control; where a metric has no room in its line, it has the next."""
    for (name, room, type_), states in groupby(rows(house), lambda row: row[1:4]):
        yield ""
        heading = _shown(f"{name} ({type_}, {room})" if room else f"{name} ({type_})")
        yield from wrap(heading, width, subsequent_indent="  ")
        for *_, state, value, unit, metric in states:
            told, becomes = _shown(f"{state} {value} {unit}"), _shown(metric)
            line = f"  {told:{_BESIDE_METRICS}}  {becomes}".rstrip()
            yield from [line] if len(line) <= width else [f"  {told}", f"    {becomes}"]


def summary(house: House) -> Iterator[str]:
    """How much of a house became what, and what nobody knows, for who has seen the table."""
    yield totals(house)
    optional = sum(state.optional != "" for state in _numeric_states(house))
    if optional:
        yield (
            f"of the plain values, {optional} have a quantity that few need, in parentheses above: "
            "served with [metrics] optional_quantities = true"
        )
    yield from left_out(house)
    yield from unknown_states(house)


def left_out(house: House) -> Iterator[str]:
    """Where the limit of series cuts, if it does."""
    states = [
        (control, state) for control in house.controls for state in control.states if state.is_cut
    ]
    if states:
        control, state = states[0]
        yield harmless(
            f"[metrics] max_series leaves no room for {len(states)} states, the first of which is "
            f"{state.subcontrol!r} of {control.name!r}: raise it, or leave out what you do not "
            "need by [filter]"
        )


def totals(house: House) -> str:
    """How much of a house became what."""
    states = _numeric_states(house)
    typed = sum(state.has_quantity for state in states)
    silent = sum(not state.series for state in states)
    return (
        f"{len(house.controls)} controls and sub-controls, {len(states)} states with numbers: "
        f"{typed} with a quantity, {len(states) - typed - silent} as plain values, "
        f"{silent} not exported"
    )


def unknown_states(house: House) -> Iterator[str]:
    """What nobody knows, if there is anything."""
    unknown = Counter(
        f"{control.type}.{state.subcontrol.rpartition('/')[2]}"
        for control in house.controls
        for state in control.states
        if not state.is_known
    )
    if unknown:
        names = ", ".join(f"{name} ({count})" for name, count in unknown.most_common(_MANY))
        names = harmless(names)
        yield f"nobody knows these {unknown.total()} states, please report them: {names}"


def _numeric_states(house: House) -> list[FoundState]:
    """Those of which numbers are to be expected."""
    return [state for control in house.controls for state in control.states if state.has_numbers]


def explain(house: House, pattern: str) -> Iterator[str]:
    """What decided about each state of the controls of this name or UUID.

    Args:
        house: Where to look.
        pattern: A name or UUID, or a pattern for them.
    """
    return map(harmless, _explain(house, pattern))


def _explain(house: House, pattern: str) -> Iterator[str]:
    for control in house.controls:
        if not control.is_called(pattern):
            continue
        place = ", ".join(filter(None, (control.room, control.category)))
        yield f"{control.name} ({control.type}{', ' if place else ''}{place}) {control.uuid}"
        if control.name != control.original_name:
            yield f"  in the structure file: {control.original_name}"
        for state in control.states:
            value = "no number" if state.value is None else _number(state.value)
            yield f"  {state.subcontrol}: {value} {state.unit}".rstrip()
            for name, shown in state.series.items():
                yield f"    {name} {'(absent now)' if shown is None else _number(shown)}"
            for reason in state.reasons:
                yield f"    {reason.rule}: {reason.text}"
        yield ""


def as_json(houses: Sequence[House]) -> str:
    """All of it, for programs."""
    document = {"miniservers": [_house(house) for house in houses]}
    text = json.dumps(document, ensure_ascii=False, indent=2)
    # A terminal may obey some characters that JSON leaves as they are.
    return "".join(
        character if character.isprintable() or character == "\n" else json.dumps(character)[1:-1]
        for character in text
    )


def _house(house: House) -> dict[str, Any]:
    return {
        "name": house.miniserver,
        "error": house.failure or None,
        "series": dict(house.told),
        "controls": [
            {
                "uuid": control.uuid,
                "name": control.name,
                "room": control.room,
                "category": control.category,
                "type": control.type,
                "states": [_state(state) for state in control.states],
            }
            for control in house.controls
        ],
    }


def _state(state: FoundState) -> dict[str, Any]:
    return {
        "name": state.subcontrol,
        "uuid": state.uuid,
        "value": state.value,
        "unit": state.unit,
        "series": dict(state.series),
        "optional_series": state.optional or None,
        "not_exported": state.kept_out or None,
        "known": state.is_known,
        "decisions": [{"by": reason.rule, "what": reason.text} for reason in state.reasons],
    }


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.10g}"


def _shown(text: str) -> str:
    """A cell in one piece, and nothing in it that a terminal would obey."""
    return harmless(" ".join(text.split()))


def _cut(text: str) -> str:
    text = _shown(text)
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"
