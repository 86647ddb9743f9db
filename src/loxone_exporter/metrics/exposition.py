"""The body of a scrape, in the format that the scraper prefers."""

from __future__ import annotations

import enum
import re
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
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
from prometheus_client.samples import Sample

from loxone_exporter.metrics.selection import EVERYTHING, Selection
from loxone_exporter.metrics.written import WrittenFamily


class Format(enum.Enum):
    """The formats that we write, by their content types."""

    TEXT = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


_STOCK: Final = 400
"""Samples that prometheus_client writes without a pause; it takes its time, some 8 µs for each."""

_HEADING: Final = 40
"""As many samples as the beginning of a family counts for, its making included."""

_HEADINGS: Final = re.compile(rb"\A(?:# .*\n)*")

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

    def families(self, miniservers: Collection[str] = (), /) -> Iterable[Metric | None]:
        """All families; with names of Miniservers, only what is about them.

        None stands where other tasks may have their turn.
        """


@frozen
class Exposition:
    """All that is scraped: the process, the interpreter, and the Miniservers."""

    _collector: MiniserverCollector
    _process: CollectorRegistry

    @classmethod
    def of(cls, collector: MiniserverCollector) -> Exposition:
        """Put a collector beside those of the process and the interpreter."""
        registry = CollectorRegistry(support_collectors_without_names=True)
        for process_collector in (ProcessCollector, PlatformCollector, GCCollector):
            process_collector(registry=registry)
        return cls(collector, registry)

    async def render(
        self, format_: Format, *, gzip: bool = False, selection: Selection = EVERYTHING
    ) -> bytes:
        """Collect what is wanted and write it down; other tasks have their turn in between.

        Args:
            format_: How to write it.
            gzip: Whether to compress it.
            selection: What is wanted.
        """
        compressor = zlib.compressobj(_LEVEL, wbits=_GZIP) if gzip else None
        body: list[bytes] = []
        for chunk in self._chunks(format_, selection):
            body.append(compressor.compress(chunk) if compressor else chunk)
            await trio.lowlevel.checkpoint()
        if compressor:
            body.append(compressor.flush())
        return b"".join(body)

    def _families(self, selection: Selection) -> Iterator[Metric | None]:
        about_itself = () if selection.miniservers else self._process.collect()
        for family in chain(about_itself, self._collector.families(selection.miniservers)):
            if family is None or selection.takes(family):
                yield family

    def _chunks(self, format_: Format, selection: Selection) -> Iterator[bytes]:
        stock: list[Metric] = []
        for family in self._families(selection):
            if family is None:
                yield b""
            elif isinstance(family, WrittenFamily):
                yield _write([*stock, _part(family, [])], format_)
                stock.clear()
                yield from family.chunks()
            else:
                stock.append(family)
                if sum(_HEADING + len(waiting.samples) for waiting in stock) >= _STOCK:
                    yield from _write_in_steps(stock, format_)
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


def _write_in_steps(families: Sequence[Metric], format_: Format) -> Iterator[bytes]:
    """Likewise, in pieces; only the last family may be a large one."""
    *others, last = families
    samples = last.samples
    yield _write([*others, _part(last, samples[:_STOCK])], format_)
    for start in range(_STOCK, len(samples), _STOCK):
        body = _write([_part(last, samples[start : start + _STOCK])], format_)
        yield _HEADINGS.sub(b"", body)


def _part(family: Metric, samples: list[Sample]) -> Metric:
    """A family with some of its samples."""
    part = Metric(family.name, family.documentation, family.type, family.unit)
    part.samples = samples
    return part


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
