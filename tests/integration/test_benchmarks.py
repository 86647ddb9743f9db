"""The benchmarks' own logic, and that the cheapest of them runs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import trio

from benchmarks.__main__ import exit_code
from benchmarks.budgets import (
    Effort,
    Measurement,
    Result,
    Row,
    Verdict,
    percentile,
)
from benchmarks.house import InventedHouse
from benchmarks.report import format_number, format_table
from benchmarks.rows import ROWS
from loxone_exporter.loxone.structure import parse_structure


pytestmark = pytest.mark.slow


ROOT = Path(__file__).parents[2]


async def measure(_effort: Effort) -> Measurement:
    await trio.lowlevel.checkpoint()
    return Measurement([41.0])


def row(*, aim: float | None = 42, due: bool = True) -> Row:
    return Row(
        name="memory",
        what="resident memory",
        unit="MB",
        must=45,
        aim=aim,
        how="by scales",
        measure=measure,
        due=due,
    )


def result(*values: float, aim: float | None = 42, due: bool = True, note: str = "") -> Result:
    return Result(row(aim=aim, due=due), Measurement(values, note))


@pytest.mark.parametrize(
    ("values", "aim", "due", "verdict"),
    [
        ((42.0,), 42, True, Verdict.AIM),
        ((42.1,), 42, True, Verdict.MUST),
        ((45.0,), 42, True, Verdict.MUST),
        ((45.1,), 42, True, Verdict.MISSED),
        ((45.1,), 42, False, Verdict.NOT_DUE),
        ((41.0,), 42, False, Verdict.AIM),
        ((41.0,), None, True, Verdict.MUST),
        ((99.0, 41.0, 40.0), 42, True, Verdict.AIM),
    ],
)
def test_the_median_is_compared_with_the_budget(
    *, values: Sequence[float], aim: float | None, due: bool, verdict: Verdict
) -> None:
    assert verdict == result(*values, aim=aim, due=due).verdict


@pytest.mark.parametrize(
    ("results", "code"),
    [
        ([result(41), result(44)], 0),
        ([result(99, due=False)], 0),
        ([result(41), result(46)], 1),
        ([Result(row(), None, "no time")], 1),
        ([Result(row(due=False), None, "no time")], 0),
    ],
)
def test_the_exit_code_tells_of_broken_promises(results: Sequence[Result], code: int) -> None:
    assert code == exit_code(results)


def test_the_table_has_a_line_for_each_row_and_notes_below() -> None:
    table = format_table(
        [
            result(43, 41, 44, note="at its peak 45 MB"),
            result(41, aim=None),
            Result(row(), None, "the exporter ended"),
        ]
    )
    assert [
        "what            | must    | aim     | measured            | verdict",
        "--------------- | ------- | ------- | ------------------- | -------",
        "resident memory | ≤ 45 MB | ≤ 42 MB | 43.0 MB (41.0–44.0) | must",  # noqa: RUF001  # as printed
        "resident memory | ≤ 45 MB |         | 41.0 MB             | must",
        "resident memory | ≤ 45 MB | ≤ 42 MB |                     | FAILED",
        "",
        "memory: at its peak 45 MB",
        "memory: the exporter ended",
    ] == table.splitlines()


@pytest.mark.parametrize(
    ("value", "text"), [(1300.4, "1300"), (41.26, "41.3"), (2.456, "2.46"), (0.0568, "0.057")]
)
def test_numbers_have_about_three_digits(value: float, text: str) -> None:
    assert text == format_number(value)


@pytest.mark.parametrize(("percent", "value"), [(50, 50), (99, 99), (100, 100), (0, 1)])
def test_percentiles_are_values_that_were_measured(percent: int, value: float) -> None:
    assert value == percentile([float(number) for number in range(100, 0, -1)], percent)


def test_names_of_rows_are_unique() -> None:
    assert len(ROWS) == len({row.name for row in ROWS})


def test_an_invented_house_is_as_large_as_the_budgets_say() -> None:
    house = InventedHouse(300)
    structure = parse_structure(house.structure)
    assert 300 == len(structure.controls)
    assert () == structure.problems
    assert structure.state_uuids() == house.values.keys() | house.texts.keys()
    assert 1250 <= len(structure.state_uuids()) <= 1350


def test_no_two_houses_share_a_state() -> None:
    assert InventedHouse(10, number=1).values.keys().isdisjoint(InventedHouse(10, number=2).values)


def test_the_cheapest_row_is_measured() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--only", "decode", "--quick"],
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    # A loaded machine may be slow, and break the promise.
    assert run.returncode in {0, 1}, run.stderr
    (line,) = (line for line in run.stdout.splitlines() if line.startswith("decoding"))
    assert "µs" in line
    assert "FAILED" not in line


def test_a_row_that_does_not_exist_is_a_usage_error() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--only", "nothing"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert 2 == run.returncode
    assert "invalid choice" in run.stderr
