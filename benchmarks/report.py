"""Measurements as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.budgets import Measurement, Result, Row


_HEADINGS = ("what", "must", "aim", "measured", "verdict")
_SIGNIFICANT = ((100, 0), (10, 1), (1, 2))
_SMALL = 3


def format_number(value: float) -> str:
    """Write a number with about three significant digits: 1300, 41.3, 2.46, 0.057."""
    for limit, decimals in _SIGNIFICANT:
        if abs(value) >= limit:
            return f"{value:.{decimals}f}"
    return f"{value:.{_SMALL}f}"


def format_budget(value: float | None, unit: str) -> str:
    """Write a limit; nothing where there is none."""
    return "" if value is None else f"≤ {value:g} {unit}"


def format_measurement(measurement: Measurement, unit: str) -> str:
    """Write the median and, of several runs, the spread."""
    text = f"{format_number(measurement.median)} {unit}"
    if len(measurement.values) == 1:
        return text
    low, high = format_number(min(measurement.values)), format_number(max(measurement.values))
    return f"{text} ({low}–{high})"  # noqa: RUF001  # a range is written with an en dash


def format_table(results: Sequence[Result]) -> str:
    """All results, one line each, and below them what is to be added."""
    table = format_columns([_HEADINGS, *map(_cells, results)])
    notes = [f"{result.row.name}: {note}" for result in results if (note := _note(result))]
    return "\n".join([*table, *([""] if notes else []), *notes])


def format_columns(lines: Sequence[Sequence[str]]) -> list[str]:
    """Cells below one another; the first line has the headings."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = tuple("-" * width for width in widths)
    return [
        " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in (lines[0], rule, *lines[1:])
    ]


def format_explanations(rows: Iterable[Row]) -> str:
    """How each row is measured."""
    return "\n".join(f"{row.name}: {row.what}\n    {row.how}" for row in rows)


def _cells(result: Result) -> tuple[str, ...]:
    row, measurement = result.row, result.measurement
    return (
        row.what,
        format_budget(row.must, row.unit),
        format_budget(row.aim, row.unit),
        format_measurement(measurement, row.unit) if measurement else "",
        result.verdict.value,
    )


def _note(result: Result) -> str:
    return result.measurement.note if result.measurement else result.problem
