from __future__ import annotations

import math
from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import exposition as text
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from loxone_exporter.metrics.exposition import Exposition, Format
from loxone_exporter.metrics.written import CHUNK, WrittenFamily, state_rows, write_row


NAMES = ("miniserver", "room", "category", "subcontrol", "type", "uuid", "name")

finite = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(
    [
        0.0,
        -0.0,
        1.0,
        999_999.9,
        1e6,
        1e6 - 1,
        1234567.0,
        1e15,
        1e16,
        1e17,
        1e100,
        5e-324,
        -1e6,
        -1e17,
    ]
)
labels = st.tuples(*[st.text(st.characters(exclude_categories=["Cs"]), max_size=6)] * len(NAMES))
awkward = st.tuples(*[st.sampled_from(['"', "\\", "\n", "\r", "\\n", "ž", "{}", "", " ", "="])] * 7)
samples = st.lists(st.tuples(labels | awkward, finite), max_size=12)
kinds = st.sampled_from(["gauge", "counter", "info"])


class Families(Collector):
    def __init__(self, *families: WrittenFamily) -> None:
        self._families = families

    def collect(self, _: Collection[str] = ()) -> tuple[WrittenFamily, ...]:
        return self._families

    families = collect


def by_prometheus_client(families: Families, format_: Format) -> bytes:
    if format_ is Format.TEXT:
        return text.generate_latest(families)
    body: bytes = openmetrics.generate_latest(families)  # type: ignore[no-untyped-call]  # upstream has no types here
    return body


def ours(body: bytes) -> bytes:
    """A scrape without the families of the process."""
    return body[body.index(b"# HELP loxone_") :]


units = st.sampled_from(["", "seconds", "joules", "celsius_per_hour"])


@given(st.lists(st.tuples(kinds, st.text(max_size=12), units, samples), min_size=1, max_size=3))
async def test_it_is_written_as_prometheus_client_writes_it(
    families: list[tuple[str, str, str, list[tuple[tuple[str, ...], float]]]],
) -> None:
    written = Families(
        *(
            WrittenFamily(
                f"loxone_{number}" + (f"_{unit}" if unit and kind != "info" else ""),
                "".join(char for char in documentation if char.isprintable()),
                kind,  # type: ignore[arg-type]  # the strategy has no others
                rows=lambda rows=rows: [(write_row(NAMES, row), value) for row, value in rows],  # type: ignore[misc]  # mypy knows no such lambda
                unit=unit if kind != "info" else "",
            )
            for number, (kind, documentation, unit, rows) in enumerate(families)
        )
    )
    for format_ in Format:
        expected = by_prometheus_client(written, format_)
        assert expected == ours(await Exposition.of(written).render(format_))


@given(labels, st.text(st.characters(exclude_categories=["Cs"]), max_size=6))
def test_a_label_that_comes_last_can_be_added(row: tuple[str, ...], value: str) -> None:
    extended = write_row(NAMES, row).extended("value", value)
    whole = write_row((*NAMES, "value"), (*row, value))
    assert whole.head + whole.tail == extended.head + extended.tail


@given(labels | awkward, st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=6)))
def test_the_label_of_a_named_state_is_in_its_place(
    row: tuple[str, ...], states: list[str]
) -> None:
    found = [each.head + each.tail for each in state_rows(write_row(NAMES, row), states)]
    whole = [write_row((*NAMES, "state"), (*row, state)) for state in states]
    assert [each.head + each.tail for each in whole] == found


@pytest.mark.parametrize("room", ["subcontrol=", 'subcontrol="', ',subcontrol="x"'])
def test_a_room_may_be_called_like_a_label(room: str) -> None:
    row = write_row(("room", "subcontrol"), (room, "active"))
    assert {"room": room, "subcontrol": "active"} == row.labels
    (named,) = state_rows(row, ["on"])
    assert {"room": room, "state": "on", "subcontrol": "active"} == named.labels
    assert 'active"}' == row.tail


@given(labels | awkward)
def test_labels_can_be_read_again(row: tuple[str, ...]) -> None:
    assert dict(zip(NAMES, row, strict=True)) == write_row(NAMES, row).labels


def test_a_row_without_a_state_is_in_one_piece() -> None:
    row = write_row(("a", "b"), ("1", "2"))
    assert ('{a="1",b="2"}', "") == (row.head, row.tail)
    assert '{a="1",b="2",c="3"}' == row.extended("c", "3").head


@pytest.mark.parametrize("count", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_no_chunk_is_longer_than_a_task_may_run(count: int) -> None:
    row = write_row(("a",), ("b",))
    family = WrittenFamily("loxone_x", "X.", "gauge", rows=lambda: [(row, 1.0)] * count)
    chunks = list(family.chunks())
    assert math.ceil(count / CHUNK) == len(chunks)
    assert b'loxone_x{a="b"} 1.0\n' * count == b"".join(chunks)
