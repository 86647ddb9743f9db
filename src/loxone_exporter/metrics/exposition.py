"""The body of a scrape, in the format that the scraper prefers."""

from __future__ import annotations

import enum
from collections.abc import Iterator

from attrs import frozen
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client import exposition as text
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector


class Format(enum.Enum):
    """The formats that we write, by their content types."""

    TEXT = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


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

    def render(self, format_: Format) -> bytes:
        """Collect everything and write it down."""
        if format_ is Format.TEXT:
            return text.generate_latest(self._registry)
        body: bytes = openmetrics.generate_latest(self._registry)  # type: ignore[no-untyped-call]  # upstream has no types here
        return body


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
