"""What is made of what a client writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from interop.runs import RUNS
from interop.stage import Outcome, Refusal
from interop.verdict import Expected, Verdict, format_table, judge


RUN = RUNS[0]
EXPECTED = Expected(
    controls=128,
    last_modified="2026-05-25 18:00:00",
    states={"values": 300, "texts": 40, "daytimers": 2, "weather": 1},
)
GOOD: dict[str, Any] = {
    "client": "a client 1.0",
    "login": RUN.login,
    "controls": 128,
    "lastModified": "2026-05-25 18:00:00",
    "states": {"values": 300, "texts": 40, "daytimers": 2, "weather": 1},
    "strangers": 0,
    "live": 17,
}


def verdict_on(report: dict[str, Any]) -> Verdict:
    return judge(RUN, Outcome(json.dumps(report)), EXPECTED)


def states(**changes: Any) -> dict[str, Any]:  # noqa: ANN401  # numbers, or none
    return {"states": {**GOOD["states"], **changes}}


@pytest.mark.parametrize("written", ["", "null", "[]", '{"login": "getjwt"}', "{}\\n{}"])
def test_what_is_no_report_is_a_row_that_failed(written: str) -> None:
    verdict = judge(RUN, Outcome(written), Expected(1, "", {}))
    assert [f"no report, but {written!r}"] == verdict.problems
    assert format_table([verdict]).endswith("FAILED")


def test_a_client_that_did_not_get_there_is_a_row_that_failed() -> None:
    verdict = judge(RUN, Outcome(json.dumps(GOOD), "its words", problem="exit code 1"), EXPECTED)
    assert ["exit code 1"] == verdict.problems
    assert f"{RUN.title}: exit code 1\n    its words" == verdict.explain()
    assert format_table([verdict]).endswith("FAILED")


def test_the_codes_that_a_client_got_are_told_and_where_its_words_are() -> None:
    short, late = Refusal(401, "a cipher text of 127 bytes"), Refusal(420, "not logged in")
    outcome = Outcome(
        messages="its words",
        problem="exit code 1",
        refusals=(short, short, late),
        folder=Path("kept"),
    )
    verdict = judge(RUN, outcome, EXPECTED)
    assert format_table([verdict]).endswith("FAILED: 401, 420")
    assert [
        f"{RUN.title}: exit code 1",
        "    refused with 401: a cipher text of 127 bytes",
        "    refused with 420: not logged in",
        "    its words",
        "    all of it, and the simulator's log: kept",
    ] == verdict.explain().splitlines()


def test_who_got_over_a_refusal_did_well() -> None:
    outcome = Outcome(json.dumps(GOOD), refusals=(Refusal(404, "no such command"),))
    assert format_table([judge(RUN, outcome, EXPECTED)]).endswith("ok")


# Not every client decodes schedules and weather, and one that does not says so by leaving them out.
@pytest.mark.parametrize("changes", [{}, states(daytimers=None), states(weather=None)])
def test_who_saw_all_there_is_did_well(changes: dict[str, Any]) -> None:
    verdict = verdict_on({**GOOD, **changes})
    assert [] == verdict.problems
    assert format_table([verdict]).endswith("ok")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"login": "authenticate"}, "logged in with authenticate"),
        ({"login": None}, "logged in with None"),
        ({"controls": 127}, "127 controls instead of 128"),
        ({"controls": 0}, "0 controls instead of 128"),
        ({"lastModified": ""}, "lastModified is '' instead of '2026-05-25 18:00:00'"),
        (states(values=299), "299 values instead of 300"),
        (states(values=301), "301 values instead of 300"),
        (states(values=None), "0 values instead of 300"),
        (states(texts=0), "0 texts instead of 40"),
        (states(daytimers=1), "1 daytimers instead of 2"),
        (states(weather=0), "0 weather instead of 1"),
        ({"states": {"texts": 40}}, "0 values instead of 300"),
        ({"states": {"values": 300}}, "0 texts instead of 40"),
        ({"strangers": 1}, "1 states that the structure file does not name"),
        ({"live": 0}, "no live events"),
        ({"live": None}, "no live events"),
    ],
    ids=str,
)
def test_each_difference_makes_a_run_fail(changes: dict[str, Any], problem: str) -> None:
    verdict = verdict_on({**GOOD, **changes})
    assert [problem] == verdict.problems
    assert problem in verdict.explain()
    assert format_table([verdict, verdict_on(GOOD)]).splitlines()[1].endswith("FAILED")


def test_all_differences_are_told() -> None:
    verdict = verdict_on({**GOOD, "login": "?", "controls": 1, "strangers": 2, "live": 0})
    assert 4 == len(verdict.problems)
    assert all(problem in verdict.explain() for problem in verdict.problems)


def test_there_is_something_to_be_seen_in_the_demo_house() -> None:
    expected = Expected.of_the_demo_house()
    assert 100 < expected.controls
    assert all(count > 0 for count in expected.states.values())
