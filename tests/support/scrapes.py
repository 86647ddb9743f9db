"""What a Prometheus server finds in a scrape."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from attrs import frozen
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text

from loxone_exporter.metrics.exposition import Format


_PARSERS: Mapping[Format, Callable[[str], Iterable[Metric]]] = {
    Format.TEXT: parse_text,
    Format.OPENMETRICS: parse_openmetrics,
}


@frozen
class Sample:
    """One line of a scrape."""

    labels: dict[str, str]
    value: float


@frozen
class Scrape:
    """A whole scrape, read by prometheus_client's own parser.

    Attributes:
        body: The scrape as it was sent.
        families: The families in their order; one that comes in two pieces is there twice.
    """

    body: str
    families: tuple[Metric, ...]

    @classmethod
    def read(cls, body: bytes, format_: Format) -> Scrape:
        """Parse a scrape."""
        text = body.decode()
        return cls(text, tuple(_PARSERS[format_](text)))

    def samples(self, name: str) -> list[Sample]:
        """The samples of this name, such as `loxone_control_info`."""
        return [
            Sample(dict(sample.labels), sample.value)
            for family in self.families
            for sample in family.samples
            if sample.name == name
        ]

    def values(self, name: str, label: str = "subcontrol") -> dict[str, float]:
        """The samples of this name by one of their labels, which must tell them apart."""
        samples = self.samples(name)
        values = {sample.labels.get(label, ""): sample.value for sample in samples}
        assert len(values) == len(samples), f"{label} does not tell the samples of {name} apart"
        return values

    def value(self, name: str) -> float:
        """The only sample of this name."""
        (sample,) = self.samples(name)
        return sample.value

    def series(self) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
        """Name and labels of every sample, in their order."""
        return [
            (sample.name, tuple(sorted(sample.labels.items())))
            for family in self.families
            for sample in family.samples
        ]

    def headings(self) -> list[str]:
        """The names that `# TYPE` lines announce, in their order."""
        return re.findall(r"^# TYPE (\S+) ", self.body, re.MULTILINE)
