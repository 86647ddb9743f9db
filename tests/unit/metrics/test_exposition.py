from __future__ import annotations

import gzip
from collections.abc import Callable, Collection

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import Metric
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.exposition import generate_latest as generate_text
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector

from loxone_exporter.metrics.exposition import Exposition, Format, accepts_gzip, choose_format
from loxone_exporter.metrics.selection import EVERYTHING


PROMETHEUS_2_42 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROMETHEUS_3_WITH_PROTOBUF = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;"
    f"q=0.7,{PROMETHEUS_3}"
)
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (PROMETHEUS_2_42, Format.OPENMETRICS),
        (PROMETHEUS_3, Format.OPENMETRICS),
        (PROMETHEUS_3_WITH_PROTOBUF, Format.OPENMETRICS),
        (BROWSER, Format.TEXT),
        ("", Format.TEXT),
        ("*/*", Format.TEXT),
        ("text/*", Format.TEXT),
        ("text/plain", Format.TEXT),
        ("application/openmetrics-text", Format.OPENMETRICS),
        ('Application/OpenMetrics-Text; Version="1.0.0"; Q=0.1', Format.OPENMETRICS),
        ("application/openmetrics-text;version=1.0.0;charset=utf-8", Format.OPENMETRICS),
        # The best quality, not the first.
        ("text/plain;q=0.3,application/openmetrics-text;q=0.4", Format.OPENMETRICS),
        ("application/openmetrics-text;q=0.3,text/plain;q=0.4", Format.TEXT),
        ("text/plain;version=0.0.4,application/openmetrics-text", Format.TEXT),
        ("application/openmetrics-text,text/plain;version=0.0.4", Format.OPENMETRICS),
        # Not at all.
        ("application/openmetrics-text;q=0", Format.TEXT),
        ("application/openmetrics-text;q=0.000,text/plain;q=0.001", Format.TEXT),
        ("text/plain;q=0,application/openmetrics-text;q=0.001", Format.OPENMETRICS),
        # Versions that nobody writes.
        ("application/openmetrics-text;version=0.0.1", Format.TEXT),
        ("application/openmetrics-text;version=2.0.0,text/plain;q=0.1", Format.TEXT),
        ("application/openmetrics-text;version=", Format.TEXT),
        ("text/plain;version=1.0.0,application/openmetrics-text;q=0.1", Format.OPENMETRICS),
        # Garbage.
        ("application/openmetrics-text;q=nan", Format.TEXT),
        ("application/openmetrics-text;q=inf", Format.TEXT),
        ("application/openmetrics-text;q=1.1", Format.TEXT),
        ("application/openmetrics-text;q=-1", Format.TEXT),
        ("application/openmetrics-text;q=much", Format.TEXT),
        ("application/openmetrics-text;q", Format.TEXT),
        (",;,=;q=,;;;", Format.TEXT),
        (",,application/openmetrics-text;;,", Format.OPENMETRICS),
    ],
)
def test_format_that_the_scraper_prefers(accept: str, expected: Format) -> None:
    assert expected is choose_format(accept)


def test_a_header_without_an_end_is_not_read_to_it() -> None:
    preferred = "application/openmetrics-text"
    assert choose_format("," * 10 + preferred) is Format.OPENMETRICS
    assert choose_format("," * 1000 + preferred) is Format.TEXT
    assert not accepts_gzip("," * 1000 + "gzip")


pieces = st.sampled_from(
    [
        "text/plain",
        "*/*",
        "application/openmetrics-text",
        ";",
        ",",
        "=",
        "q",
        "version",
        '"',
        "0.5",
        "1.0.0",
        "0.0.4",
        " ",
        "nan",
        "1e400",
    ]
)


@given(accept=st.text() | st.lists(pieces, max_size=12).map("".join))
def test_any_header_gives_a_format(accept: str) -> None:
    assert choose_format(accept) in Format


def test_content_types_name_version_and_character_set() -> None:
    expected = [
        "text/plain; version=0.0.4; charset=utf-8",
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
    ]
    assert expected == [format_.value for format_ in Format]


class OneFamily:
    def families(self, _: Collection[str] = ()) -> list[GaugeMetricFamily]:
        return [GaugeMetricFamily("loxone_exporter_up", "The exporter runs.", value=1)]


async def test_only_openmetrics_has_an_end() -> None:
    exposition = Exposition.of(OneFamily())
    text, openmetrics = [await exposition.render(format_) for format_ in Format]
    assert b"\nloxone_exporter_up 1.0\n" in text
    assert b"# EOF" not in text
    assert openmetrics.endswith(b"loxone_exporter_up 1.0\n# EOF\n")
    assert 1 == openmetrics.count(b"# EOF")


async def test_expositions_do_not_meet_in_a_common_registry() -> None:
    for _ in range(2):
        body = await Exposition.of(OneFamily()).render(Format.TEXT)
        assert b"\nloxone_exporter_up 1.0\n" in body


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("gzip", True),
        ("gzip, deflate, br", True),
        ("GZIP;q=0.5", True),
        ("br;q=1.0, gzip;q=0.1, *;q=0", True),
        ("*", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip;q=0.000", False),
        ("gzip;q=0, *", False),
        ("*;q=0", False),
        ("gzip;q=high", False),
        ("x-gzip", False),
        (";;,=,", False),
    ],
)
def test_compression_is_used_where_it_is_accepted(header: str, expected: bool) -> None:  # noqa: FBT001  # pytest passes by position
    assert expected is accepts_gzip(header)


@given(st.text())
def test_any_header_about_compression_is_read(header: str) -> None:
    assert accepts_gzip(header) in {True, False}


class Steady:
    """Families that are the same at each scrape."""

    def families(self, _: Collection[str] = ()) -> list[GaugeMetricFamily]:
        return [GaugeMetricFamily("loxone_x", "X.", value=number) for number in range(3)]


@pytest.mark.parametrize("format_", Format)
async def test_a_compressed_scrape_is_the_same(format_: Format) -> None:
    exposition = Exposition.of(Steady())
    plain = await exposition.render(format_)
    compressed = await exposition.render(format_, gzip=True)
    of_ours = b"# HELP loxone_x"
    whole = gzip.decompress(compressed)
    assert plain[plain.index(of_ours) :] == whole[whole.index(of_ours) :]
    assert len(compressed) < len(plain)


class Many:
    def families(self, _: Collection[str] = ()) -> list[GaugeMetricFamily]:
        return [GaugeMetricFamily(f"loxone_x{number}", "X.", value=1) for number in range(40)]


@pytest.mark.parametrize("format_", Format)
async def test_other_tasks_have_their_turn_while_many_families_are_written(
    format_: Format,
) -> None:
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(take_turns)
        body = await Exposition.of(Many()).render(format_)
        nursery.cancel_scope.cancel()
    assert turns >= 3  # without a pause there would be one, before the first family
    assert 40 == body.count(b"# HELP loxone_x")


class Large:
    """A family of many samples, as of many Miniservers, beside small ones."""

    def __init__(self, family: Metric) -> None:
        self.family = family

    def families(self, _: Collection[str] = ()) -> list[Metric]:
        before, behind = (GaugeMetricFamily(f"loxone_{x}", "X.", value=1) for x in ("a", "z"))
        return [before, self.family, behind]


def gauge() -> Metric:
    family = GaugeMetricFamily("loxone_many", "Many.\n# HELP no", labels=["house"])
    for number in range(2500):
        family.add_metric([f"house {number}"], number)
    return family


def counter() -> Metric:
    family = CounterMetricFamily("loxone_many", "Many.", labels=["house"])
    for number in range(2500):
        family.add_metric([f"house {number}"], number)
    return family


def info() -> Metric:
    family = InfoMetricFamily("loxone_many", "Many.", labels=["house"])
    for number in range(2500):
        family.add_metric([f"house\n# {number}"], {"model": "x"})
    return family


def histogram() -> Metric:
    family = HistogramMetricFamily("loxone_many", "Many.", labels=["house"])
    for number in range(700):
        family.add_metric([f"house {number}"], [("0.5", 1), ("+Inf", 2)], 3.0)
    return family


@pytest.mark.parametrize("format_", Format)
@pytest.mark.parametrize("make", [gauge, counter, info, histogram])
def test_a_large_family_is_written_in_pieces(make: Callable[[], Metric], format_: Format) -> None:
    family = make()
    exposition = Exposition.of(Large(family))
    chunks = list(exposition._chunks(format_, EVERYTHING))
    assert max(chunk.count(b"\n") for chunk in chunks) < 700
    body = b"".join(chunks)
    stock = Stock(Large(family).families())
    whole = generate_text(stock) if format_ is Format.TEXT else generate_openmetrics(stock)  # type: ignore[no-untyped-call]  # upstream has no types here
    assert whole == body[body.index(b"# HELP loxone_a") :]


class Stock(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families
