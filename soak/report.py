"""Findings as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from benchmarks.report import format_columns
from soak.observations import Observations, Outage
from soak.verdicts import Finding, format_times


_HEADINGS = ("what", "limit", "measured", "verdict")
_ORDEAL_HEADINGS = ("ordeal", "bound", "back after", "tokens lost", "why so long")


def format_findings(findings: Sequence[Finding]) -> str:
    """The table, a line for each promise, and below it what is to be added."""
    table = format_columns(
        [
            _HEADINGS,
            *(
                (finding.what, finding.limit, finding.measured, finding.verdict.value)
                for finding in findings
            ),
        ]
    )
    notes = [f"{finding.what}: {note}" for finding in findings for note in finding.notes]
    return "\n".join([*table, *([""] if notes else []), *notes])


def format_ordeals(seen: Observations) -> str:
    """What the Miniservers were put to, and how the exporter fared, a line for each ordeal."""
    by_title: dict[str, list[Outage]] = {}
    for outage in sorted(seen.outages, key=lambda outage: outage.ordeal):
        by_title.setdefault(outage.ordeal, []).append(outage)
    lines = format_columns(
        [_ORDEAL_HEADINGS, *(_cells(title, outages) for title, outages in by_title.items())]
    )
    hostilities = (f"{name}: {count}" for name, count in sorted(seen.hostilities.items()))
    return "\n".join(
        [
            *lines,
            "",
            *_listed("left out for lack of time", seen.left_out),
            *_listed("to the HTTP server", hostilities),
        ]
    )


def _cells(title: str, outages: Sequence[Outage]) -> tuple[str, ...]:
    bound = max(outage.bound for outage in outages)
    lost = sum(outage.lost_tokens for outage in outages)
    times = [outage.took for outage in outages if outage.took is not None]
    missing = len(outages) - len(times)
    return (
        title,
        f"{bound:g} s",
        format_times(times) + (f", {missing} not back" if missing else ""),
        str(lost) if lost else "",
        next((outage.why for outage in outages if outage.why), ""),
    )


def _listed(heading: str, items: Iterable[str]) -> Iterator[str]:
    text = ", ".join(items)
    if text:
        yield f"{heading}: {text}"
