"""The series that a scrape would show now, found again by the states that they are of.

They are taken from the exporter's own collector, so that a look at a house never tells anything
else than a scrape does.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from attrs import evolve, frozen

from loxone_exporter.config.model import Config
from loxone_exporter.loxone.structure import Structure
from loxone_exporter.loxone.uuids import StateUuid
from loxone_exporter.metrics.collector import LoxoneCollector
from loxone_exporter.metrics.miniserver import has_unknown_mode, tell
from loxone_exporter.metrics.names import NameRegistry
from loxone_exporter.metrics.places import ControlPlace, Plan, StatePlace
from loxone_exporter.metrics.series import (
    LABELS,
    PLAIN_VALUE,
    TEXT_VALUE,
    SeriesTable,
    build_series_in_steps,
)
from loxone_exporter.state import MiniserverState
from loxone_exporter.steps import finish


NOT_A_QUANTITY: Final = (
    PLAIN_VALUE,
    "loxone_control_on_seconds_total",
    "loxone_control_activations_total",
)
"""What a state may be shown in without a quantity or names, the more telling last."""

_OF_THE_EXPORTER: Final = "loxone_exporter_"

_OF_STATES: Final = frozenset({*LABELS, "uuid", "state"})
"""Labels of what a state is shown in, apart from texts."""

Key = tuple[str, ...]


@frozen
class ShownSeries:
    """What is shown of each state.

    Attributes:
        by_labels: Name and value of each sample by the labels of the state. Of named states there
            are those that hold, and one of the bare name if none does.
        has_uuid: Whether the control's UUID is one of the labels.
    """

    by_labels: Mapping[Key, Mapping[str, float]]
    has_uuid: bool

    def key(self, place: ControlPlace, state_place: StatePlace) -> Key:
        """The labels of a state, but for the Miniserver's.

        Args:
            place: Its control.
            state_place: The state.
        """
        labels = place.labels
        key = (labels.name, labels.room, labels.category, labels.type, state_place.subcontrol)
        return (*key, place.control.key) if self.has_uuid else key

    def of_state(
        self, place: ControlPlace, state_place: StatePlace, expected: Iterable[str]
    ) -> dict[str, float | None]:
        """The series of a state, the more telling ones last.

        Args:
            place: Its control.
            state_place: The state.
            expected: Metrics that are served of it; they are None as long as there is no value.
        """
        found = self.by_labels.get(self.key(place, state_place), {})
        names = {name.partition("{")[0] for name in found}
        holding = {name.partition("{")[0] for name in found if "{" in name}
        absent = {name: None for name in expected if name not in names}
        series: dict[str, float | None] = {
            name: value for name, value in {**absent, **found}.items() if name not in holding
        }
        order = {name: number for number, name in enumerate(NOT_A_QUANTITY)}
        return dict(sorted(series.items(), key=lambda item: order.get(item[0], len(order))))


def shown_series(state: MiniserverState, config: Config) -> ShownSeries:
    """What a scrape shows of the states of a Miniserver.

    Args:
        state: What is known of it, however long ago.
        config: What the owner wants to see.
    """
    by_labels: defaultdict[Key, dict[str, float]] = defaultdict(dict)
    for name, labels, value in _samples(state, config):
        if "subcontrol" in labels and (labels.keys() <= _OF_STATES or name == TEXT_VALUE):
            is_named = "state" in labels and value
            shown = f'{name}{{state="{labels["state"]}"}}' if is_named else name
            by_labels[_key(labels)][shown] = value
    return ShownSeries(by_labels, config.metrics.uuid_label)


def states_with_room(
    structure: Structure, miniserver: str, plan: Plan
) -> frozenset[tuple[int, StateUuid]]:
    """Which states have series, with values or without: the control's index, and the UUID.

    Args:
        structure: The structure file.
        miniserver: The Miniserver's name.
        plan: What the owner wants to see; its limit is what other Miniservers leave.
    """
    table = _series_table(structure, miniserver, plan)
    return frozenset((series.control, series.uuid) for series in table.values)


def size_of(state: MiniserverState, config: Config) -> int:
    """How many series a Miniserver's controls have, with values or without."""
    if state.structure is None:
        return 0
    plan = Plan.compile(config.metrics, config.filter, config.override)
    return _series_table(state.structure, state.name, plan).size


def _series_table(structure: Structure, miniserver: str, plan: Plan) -> SeriesTable:
    """All series of a structure for which there is room, likewise."""
    steps = build_series_in_steps(
        structure,
        miniserver=miniserver,
        registry=NameRegistry(),
        plan=plan,
        room=plan.metrics.max_series,
    )
    return finish(steps)


def count_series(state: MiniserverState, config: Config) -> Counter[str]:
    """How many series a scrape shows of a Miniserver and its house, by their metrics.

    Args:
        state: What is known of it, however long ago.
        config: What the owner wants to see.
    """
    names = (name for name, _, _ in _samples(state, config))
    return Counter(name for name in names if not name.startswith(_OF_THE_EXPORTER))


def _samples(
    state: MiniserverState, config: Config
) -> Iterator[tuple[str, Mapping[str, str], float]]:
    """Name, labels and value of each sample of a scrape."""
    config = evolve(config, metrics=evolve(config.metrics, stale_after=math.inf))
    for family in LoxoneCollector(config, [state]).collect():
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value


def told_series(state: MiniserverState, config: Config) -> Mapping[str, float]:
    """What a scrape shows of the Miniserver itself, of its sun and its weather, and holds now.

    Args:
        state: What is known of it.
        config: What the owner wants to see.
    """
    if state.structure is None:
        return {}
    told: dict[str, float] = {}
    plan = Plan.compile(config.metrics, config.filter, config.override)
    for each in tell(state.structure, state.shown, plan):
        labels = dict(zip(each.heading.labels, each.labels, strict=True))
        if each.heading.is_info or ("state" in labels and not each.value):
            continue  # names of what is not the case now
        shown = ",".join(f'{name}="{value}"' for name, value in labels.items())
        told[f"{each.heading.name}{{{shown}}}" if shown else each.heading.name] = each.value
    if has_unknown_mode(state.structure, state.shown, plan):
        told["loxone_exporter_unknown_codes"] = 1.0
    return told


def _key(labels: Mapping[str, str]) -> Key:
    """The labels of a state, but for the Miniserver's."""
    names = (*LABELS[1:], "uuid") if "uuid" in labels else LABELS[1:]
    return tuple(labels[name] for name in names)
