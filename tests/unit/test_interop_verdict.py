"""What is made of what a client writes."""

from __future__ import annotations

import pytest

from interop.runs import RUNS
from interop.stage import Outcome
from interop.verdict import Expected, format_table, judge


@pytest.mark.parametrize("written", ["", "null", "[]", '{"login": "getjwt"}', "{}\\n{}"])
def test_what_is_no_report_is_a_row_that_failed(written: str) -> None:
    verdict = judge(RUNS[0], Outcome(written), Expected(1, "", {}))
    assert [f"no report, but {written!r}"] == verdict.problems
    assert format_table([verdict]).endswith("FAILED")
