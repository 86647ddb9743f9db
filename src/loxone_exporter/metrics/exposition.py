"""The body of a scrape, in the format that the scraper prefers."""

from __future__ import annotations

import enum
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain
from typing import Final, Protocol

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

from loxone_exporter.metrics.selection import EVERYTHING, Selection
from loxone_exporter.metrics.written import WrittenFamily


class Format(enum.Enum):
    """The formats that we write, by their content types."""

    TEXT = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


_STOCK: Final = 8
"""Families that prometheus_client writes without a pause; it takes its time."""

_END = b"# EOF\n"

_GZIP = 31
"""What zlib calls the format of gzip, with the largest window."""

_LEVEL = 1
"""The quickest: on the way through a house, time is scarcer than bytes."""

_MAX_RANGES = 64
"""Whatever comes after so many of them in a header is not read."""

_MEDIA_TYPES = {
    "text/plain": ("0.0.4", Format.TEXT),
    "text/*": ("0.0.4", Format.TEXT),
    "*/*": ("0.0.4", Format.TEXT),
    "application/openmetrics-text": ("1.0.0", Format.OPENMETRICS),
}


class MiniserverCollector(Protocol):
    """Makes the families of Miniservers."""

    def collect(self, miniservers: Collection[str] = (), /) -> Iterable[Metric]:
        """All families; with names of Miniservers, only what is about them."""


@frozen
class Exposition:
    """All that is scraped: the process, the interpreter, and the Miniservers."""

    _collector: MiniserverCollector
    _process: CollectorRegistry
    _pending: Callable[[], Iterator[None]]

    @classmethod
    def of(
        cls,
        collector: MiniserverCollector,
        pending: Callable[[], Iterator[None]] = lambda: iter(()),
    ) -> Exposition:
        """Put a collector beside those of the process and the interpreter.

        Args:
            collector: What there is beside those.
            pending: Work to be done before it collects, in steps.
        """
        registry = CollectorRegistry(support_collectors_without_names=True)
        for process_collector in (ProcessCollector, PlatformCollector, GCCollector):
            process_collector(registry=registry)
        return cls(collector, registry, pending)

    async def render(
        self, format_: Format, *, gzip: bool = False, selection: Selection = EVERYTHING
    ) -> bytes:
        """Collect what is wanted and write it down; other tasks have their turn in between.

        Args:
            format_: How to write it.
            gzip: Whether to compress it.
            selection: What is wanted.
        """
        for _ in self._pending():
            await trio.lowlevel.checkpoint()
        compressor = zlib.compressobj(_LEVEL, wbits=_GZIP) if gzip else None
        body: list[bytes] = []
        for chunk in self._chunks(format_, selection):
            body.append(compressor.compress(chunk) if compressor else chunk)
            await trio.lowlevel.checkpoint()
        if compressor:
            body.append(compressor.flush())
        return b"".join(body)

    def _families(self, selection: Selection) -> Iterator[Metric]:
        about_itself = () if selection.miniservers else self._process.collect()
        families = chain(about_itself, self._collector.collect(selection.miniservers))
        return filter(selection.takes, families)

    def _chunks(self, format_: Format, selection: Selection) -> Iterator[bytes]:
        stock: list[Metric] = []
        for family in self._families(selection):
            if isinstance(family, WrittenFamily):
                heading = Metric(family.name, family.documentation, family.type, family.unit)
                yield _write([*stock, heading], format_)
                stock.clear()
                yield from family.chunks()
            else:
                stock.append(family)
                if len(stock) == _STOCK:
                    yield _write(stock, format_)
                    stock.clear()
        yield _write(stock, format_)
        if format_ is Format.OPENMETRICS:
            yield _END


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


def accepts_gzip(accept_encoding: str) -> bool:
    """Read an `Accept-Encoding` header; whatever cannot be understood accepts nothing."""
    qualities = {
        coding: _quality(parameters.get("q", "1"))
        for coding, parameters in _media_ranges(accept_encoding)
    }
    return qualities.get("gzip", qualities.get("*", 0.0)) > 0


def _media_ranges(accept: str) -> Iterator[tuple[str, dict[str, str]]]:
    for part in accept.split(",", _MAX_RANGES)[:_MAX_RANGES]:
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
