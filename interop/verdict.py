"""What a client must have seen, and how what it saw is shown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence, Sized
from datetime import UTC, datetime
from typing import Any, Final

from attrs import frozen

from interop.runs import Run
from interop.stage import Outcome
from loxone_exporter.simulator.demo import DemoHouse


MEMBERS: Final = frozenset({"login", "controls", "lastModified", "states", "strangers", "live"})
"""What a report has at least."""

NEEDED: Final = ("values", "texts")
"""The kinds of states that every client decodes."""

_KINDS: Final = ("values", "texts", "daytimers", "weather")
_HEADINGS: Final = ("client", "login", "device", "controls", *_KINDS, "live", "verdict")
_NUMBERS_FROM: Final = 3
_ABSENT: Final = "–"  # noqa: RUF001  # an en dash
_TAIL: Final = 2000


@frozen
class Expected:
    """What there is to be seen.

    Attributes:
        controls: How many the structure file has.
        last_modified: Its date.
        states: How many states have a value, by kind.
    """

    controls: int
    last_modified: str
    states: Mapping[str, int]

    @classmethod
    def of_the_demo_house(cls) -> Expected:
        """What the house has that simulators play by default."""
        house = DemoHouse(now=datetime.now(UTC))
        structure = json.loads(house.structure)
        counted: tuple[Sized, ...] = (house.values, house.texts, house.daytimers, house.weather)
        states = {kind: len(part) for kind, part in zip(_KINDS, counted, strict=True)}
        return cls(len(structure["controls"]), structure["lastModified"], states)


@frozen
class Verdict:
    """What became of a run.

    Attributes:
        report: What the client has reported; empty where it has not.
        problems: All that is wrong.
        outcome: How the run ended.
    """

    run: Run
    report: Mapping[str, Any]
    problems: Sequence[str]
    outcome: Outcome

    @property
    def summary(self) -> str:
        """Whether it did well; if not, with what codes it was refused, each once."""
        if not self.problems:
            return "ok"
        codes = dict.fromkeys(str(refusal.code) for refusal in self.outcome.refusals)
        return f"FAILED: {', '.join(codes)}" if codes else "FAILED"

    def explain(self) -> str:
        """Say what is wrong, with the end of what the client itself says, and where the rest is."""
        lines = [f"{self.run.title}: {'; '.join(self.problems)}"]
        lines += (
            f"refused with {refusal.code}: {refusal.reason}"
            for refusal in dict.fromkeys(self.outcome.refusals)
        )
        lines += self.outcome.messages[-_TAIL:].splitlines()
        if self.outcome.folder is not None:
            lines.append(f"all of it, and the simulator's log: {self.outcome.folder}")
        return "\n    ".join(lines)


def judge(run: Run, outcome: Outcome, expected: Expected) -> Verdict:
    """Compare what a client has seen with what there is."""
    report: Mapping[str, Any] = {}
    problems = [outcome.problem] if outcome.problem else []
    if not problems:
        try:
            report = json.loads(outcome.report)
        except ValueError:
            report = {}
        if _is_report(report):
            problems = list(_differences(run, report, expected))
        else:
            report, problems = {}, [f"no report, but {outcome.report!r}"]
    return Verdict(run, report, problems, outcome)


def _is_report(found: Any) -> bool:  # noqa: ANN401  # whatever the JSON has
    return isinstance(found, dict) and found.keys() >= MEMBERS and isinstance(found["states"], dict)


def _differences(run: Run, report: Mapping[str, Any], expected: Expected) -> Iterator[str]:
    if report["login"] != run.login:
        yield f"logged in with {report['login']}"
    if report["controls"] != expected.controls:
        yield f"{report['controls']} controls instead of {expected.controls}"
    if report["lastModified"] != expected.last_modified:
        yield f"lastModified is {report['lastModified']!r} instead of {expected.last_modified!r}"
    for kind in _KINDS:
        count = report["states"].get(kind)
        if count != expected.states[kind] and (count is not None or kind in NEEDED):
            yield f"{count or 0} {kind} instead of {expected.states[kind]}"
    if report["strangers"]:
        yield f"{report['strangers']} states that the structure file does not name"
    if not report["live"]:
        yield "no live events"


def format_table(verdicts: Sequence[Verdict]) -> str:
    """Show all runs, a line for each."""
    rows = [_HEADINGS, *map(_row, verdicts)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    last = len(widths) - 1
    return "\n".join(
        "  ".join(
            text.rjust(width) if _NUMBERS_FROM <= place < last else text.ljust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _row(verdict: Verdict) -> tuple[str, ...]:
    run, report = verdict.run, verdict.report
    states = report.get("states", {})
    return (
        str(report.get("client", run.client)),
        str(report.get("login", run.login)),
        run.profile + " TLS" * run.tls,
        str(report.get("controls", _ABSENT)),
        *(str(states.get(kind, _ABSENT)) for kind in _KINDS),
        str(report.get("live", _ABSENT)),
        verdict.summary,
    )
