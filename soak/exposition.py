"""What scrapes say, read by Prometheus' own client library, and what they must not do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from attrs import define, field, frozen
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text

from benchmarks.scraper import Answer
from soak.truth import Row, row_of


Key: TypeAlias = tuple[str, tuple[tuple[str, str], ...]]
"""Name and labels of a series."""

PLAIN_VALUE: Final = "loxone_control_value"

_PARSERS: Final[Mapping[str, Callable[[str], Iterable[Metric]]]] = {
    "text/plain": parse_text,
    "application/openmetrics-text": parse_openmetrics,
}
_GROWING: Final = ("counter", "histogram")
_CREATED: Final = "_created"


@frozen
class Scrape:
    """A scrape, read to its last line.

    Attributes:
        values: Rows of `loxone_control_value`, by Miniserver.
        counters: What must not fall, by Miniserver, with "" for the process.
        gauges: The exporter's own gauges, by name; summed over their labels.
        bugs: `loxone_exporter_connection_failures_total{reason="bug"}`, by Miniserver.
        miniservers: All Miniservers of which there is anything.
    """

    values: Mapping[str, list[Row]] = field(factory=dict)
    counters: Mapping[str, dict[Key, float]] = field(factory=dict)
    gauges: Mapping[str, float] = field(factory=dict)
    bugs: Mapping[str, float] = field(factory=dict)
    miniservers: frozenset[str] = frozenset()


def read_scrape(answer: Answer) -> Scrape:
    """Read a scrape.

    Raises:
        ValueError: No Prometheus would accept it.
    """
    media_type = answer.content_type.partition(";")[0]
    parser = _PARSERS.get(media_type)
    if parser is None:
        raise ValueError(f"the content type is {answer.content_type!r}")
    values: dict[str, list[Row]] = {}
    counters: dict[str, dict[Key, float]] = {}
    gauges: dict[str, float] = {}
    bugs: dict[str, float] = {}
    seen: set[Key] = set()
    for family in parser(answer.body.decode()):
        for sample in family.samples:
            key = sample.name, tuple(sorted(sample.labels.items()))
            if key in seen:
                raise ValueError(f"twice in one scrape: {key}")
            seen.add(key)
            miniserver = sample.labels.get("miniserver", "")
            if sample.name == PLAIN_VALUE:
                values.setdefault(miniserver, []).append(row_of(sample.labels, sample.value))
            elif family.type in _GROWING and not sample.name.endswith(_CREATED):
                counters.setdefault(miniserver, {})[key] = sample.value
                if sample.labels.get("reason") == "bug":
                    bugs[miniserver] = sample.value
            elif miniserver == "" or sample.name.startswith("loxone_exporter_"):
                gauges[sample.name] = gauges.get(sample.name, 0.0) + sample.value
    miniservers = frozenset(dict(labels).get("miniserver", "") for _, labels in seen) - {""}
    return Scrape(values, counters, gauges, bugs, miniservers)


def largest_in(histogram: str, counters: Mapping[Key, float]) -> float:
    """The upper bound of the highest bucket of a histogram that has something in it; 0 if none has.

    Args:
        histogram: Its name; it has no labels.
        counters: Those of a scrape, the buckets among them.
    """
    buckets = sorted(
        (float(dict(labels)["le"]), count)
        for (name, labels), count in counters.items()
        if name == f"{histogram}_bucket"
    )
    below = 0.0
    largest = 0.0
    for bound, count in buckets:
        if count > below:
            below, largest = count, bound
    return largest


@define
class Ledger:
    """The counters that one client saw last."""

    _last: dict[str, dict[Key, tuple[float, float]]] = field(factory=dict)

    def enter(
        self, counters: Mapping[str, Mapping[Key, float]], time: float, since: Since
    ) -> Iterator[str]:
        """Take over the counters of a scrape; those that fell.

        Args:
            counters: By Miniserver.
            time: When the scrape began.
            since: From when on the counters of a Miniserver can be compared.
        """
        for miniserver, found in counters.items():
            last = self._last.setdefault(miniserver, {})
            for key, value in found.items():
                begin = since(miniserver, key[0])
                if begin > time:
                    last.pop(key, None)
                    continue
                before = last.get(key)
                if before is not None and before[1] >= begin and value < before[0]:
                    yield f"{key[0]}{dict(key[1])}: {value} after {before[0]}"
                last[key] = value, time


Since: TypeAlias = Callable[[str, str], float]
"""From when on a counter can be compared, by Miniserver and name, on trio's clock."""
