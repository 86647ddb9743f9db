"""The body of a scrape, in the format that the scraper prefers."""

from __future__ import annotations

import enum
from collections.abc import Iterator

import trio
from attrs import frozen
from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    Metric,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client import exposition as text
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from loxone_exporter.metrics.written import WrittenFamily


class Format(enum.Enum):
    """The formats that we write, by their content types."""

    TEXT = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


_END = b"# EOF\n"

_MEDIA_TYPES = {
    "text/plain": ("0.0.4", Format.TEXT),
    "text/*": ("0.0.4", Format.TEXT),
    "*/*": ("0.0.4", Format.TEXT),
    "application/openmetrics-text": ("1.0.0", Format.OPENMETRICS),
}


@frozen
class Exposition:
    """All that is scraped: the process, the interpreter, and the Miniservers."""

    _registry: CollectorRegistry

    @classmethod
    def of(cls, collector: Collector) -> Exposition:
        """Put a collector beside those of the process and the interpreter."""
        registry = CollectorRegistry(support_collectors_without_names=True)
        for process_collector in (ProcessCollector, PlatformCollector, GCCollector):
            process_collector(registry=registry)
        registry.register(collector)
        return cls(registry)

    async def render(self, format_: Format) -> bytes:
        """Collect everything and write it down; other tasks have their turn in between."""
        body: list[bytes] = []
        stock: list[Metric] = []
        for family in self._registry.collect():
            if not isinstance(family, WrittenFamily):
                stock.append(family)
                continue
            heading = Metric(family.name, family.documentation, family.type)
            body.append(_write([*stock, heading], format_))
            stock.clear()
            for chunk in family.chunks():
                body.append(chunk)
                await trio.lowlevel.checkpoint()
        body.append(_write(stock, format_))
        if format_ is Format.OPENMETRICS:
            body.append(_END)
        return b"".join(body)


@frozen
class _Families(Collector):
    """Families that were collected already."""

    families: list[Metric]

    def collect(self) -> list[Metric]:
        return self.families


def _write(families: list[Metric], format_: Format) -> bytes:
    """Have prometheus_client write some families, without what follows the last one."""
    collector = _Families(families)
    if format_ is Format.TEXT:
        return text.generate_latest(collector)
    body: bytes = openmetrics.generate_latest(collector)  # type: ignore[no-untyped-call]  # upstream has no types here
    return body.removesuffix(_END)


def choose_format(accept: str) -> Format:
    """Read an `Accept` header; whatever cannot be understood is answered with the text format.

    Args:
        accept: The header's value, or an empty text.
    """
    best, best_quality = Format.TEXT, 0.0
    for media_type, parameters in _media_ranges(accept):
        version, format_ = _MEDIA_TYPES.get(media_type, (None, None))
        if format_ is None or parameters.get("version", version) != version:
            continue
        quality = _quality(parameters.get("q", "1"))
        if quality > best_quality:
            best, best_quality = format_, quality
    return best


def _media_ranges(accept: str) -> Iterator[tuple[str, dict[str, str]]]:
    for part in accept.split(","):
        media_type, *parameters = (piece.strip() for piece in part.split(";"))
        pairs = (parameter.partition("=") for parameter in parameters)
        yield (
            media_type.lower(),
            {name.strip().lower(): value.strip(' "') for name, _, value in pairs},
        )


def _quality(value: str) -> float:
    try:
        quality = float(value)
    except ValueError:
        return 0.0
    return quality if 0.0 <= quality <= 1.0 else 0.0
