"""What a scrape shows of one Miniserver, control by control: for people who look at it.

It is read from the families of the scrape, as they are, so that nobody sees here what a scrape does
not show.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Sequence
from typing import Final

from attrs import define, field
from prometheus_client import Metric

from loxone_exporter.metrics.quantities import FAMILIES
from loxone_exporter.metrics.share import Share
from loxone_exporter.metrics.written import CHUNK, Row, WrittenFamily, write_row


_STEP = CHUNK // 4
"""Samples whose labels are read without a pause, which takes longer than to write them."""

_UNITS: Final = frozenset(family.unit for family in FAMILIES.values()) - {""}


@define
class ShownSeries:
    """One series; of named states, all those of one state together.

    Attributes:
        metric: The name of its samples.
        unit: The base unit; empty where there is none.
        value: The number.
        holding: Of named states, the names that hold; None of anything else.
    """

    metric: str
    unit: str
    _row: Row
    value: float
    holding: list[str] | None = None

    @property
    def labels(self) -> dict[str, str]:
        """Its labels; without `state` where several series are together."""
        labels = self._row.labels
        if self.holding is not None:
            del labels["state"]
        return labels

    def is_sibling(self, metric: str, row: Row) -> bool:
        """Whether a sample of named states is one more of the same state."""
        return self.holding is not None and self.metric == metric and self._row.tail == row.tail


@define
class ShownControl:
    """A control with its sub-controls; those that share name, room and category are one.

    Attributes:
        room: The label, and likewise the others.
        series: In the order of the scrape.
        missing: The words that it was sought by, and that are not found in it.
    """

    room: str
    name: str
    category: str
    series: list[ShownSeries] = field(factory=list)
    missing: set[str] = field(factory=set)

    def seek(self, text: str) -> None:
        """Look for the missing words."""
        if self.missing:
            text = text.casefold()
            self.missing = {word for word in self.missing if word not in text}


@define
class Inventory:
    """All that one Miniserver has in a scrape.

    Attributes:
        own: What it tells of itself, and of its weather.
        controls: Its controls, by room, then by name; those without a room are the last.
        samples: How many series there are, those of named states one by one.
    """

    own: list[ShownSeries] = field(factory=list)
    controls: list[ShownControl] = field(factory=list)
    samples: int = 0


def take_inventory(share: Share, words: Collection[str]) -> Generator[None, None, Inventory]:
    """Read the families of one Miniserver, in steps of a few milliseconds.

    Args:
        share: What it has in a scrape.
        words: What controls are sought by, in lower case: parts of their names, rooms, categories,
            types, states and metrics.
    """
    inventory = Inventory()
    controls: dict[tuple[str, str, str], ShownControl] = {}
    for metric, unit, row, value in _samples(share.families):
        inventory.samples += 1
        if inventory.samples % _STEP == 0:
            yield
        labels = row.labels
        series, name = inventory.own, labels.get("name")
        if name is not None:
            key = (labels.get("room", ""), name, labels.get("category", ""))
            control = controls.get(key)
            if control is None:
                control = controls[key] = ShownControl(*key, missing=set(words))
                control.seek(" ".join(key))
            control.seek(f"{metric} {labels.get('type', '')} {labels.get('subcontrol', '')}")
            series = control.series
        is_named = "state" in labels and not metric.endswith("_info")
        if not (is_named and series and series[-1].is_sibling(metric, row)):
            series.append(ShownSeries(metric, unit, row, value, [] if is_named else None))
        holding = series[-1].holding
        if holding is not None and value:
            holding.append(labels["state"])
    inventory.controls = sorted(controls.values(), key=_place)
    return inventory


def count_series(share: Share) -> Generator[None, None, int]:
    """How many series a Miniserver has in a scrape, in steps likewise."""
    count = 0
    for count, _ in enumerate(_samples(share.families), 1):
        if count % CHUNK == 0:
            yield
    return count


def _samples(families: Sequence[Metric]) -> Iterator[tuple[str, str, Row, float]]:
    """Metric, unit, labels and value of each sample."""
    for family in families:
        if isinstance(family, WrittenFamily):
            for row, value in family.rows():
                yield family.sample_name, family.unit, row, value
        else:
            for sample in family.samples:
                row = write_row(tuple(sample.labels), tuple(sample.labels.values()))
                yield sample.name, _unit(sample.name), row, sample.value


def _unit(metric: str) -> str:
    """The base unit that a name ends with; empty if it ends with none."""
    units = [unit for unit in _UNITS if metric.endswith(f"_{unit}")]
    return max(units, key=len, default="")


def _place(control: ShownControl) -> tuple[bool, str, str, str, str]:
    """Where a control stands: controls of one room beside each other, whatever rooms are called."""
    room = control.room
    return not room, room.casefold(), room, control.name.casefold(), control.category.casefold()
