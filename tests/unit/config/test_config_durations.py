from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loxone_exporter.config.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", 0.0),
        ("500ms", 0.5),
        ("30s", 30.0),
        ("1.5s", 1.5),
        ("5m", 300.0),
        ("0.5m", 30.0),
        ("1h", 3600.0),
        ("007s", 7.0),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: str, seconds: float) -> None:
    assert seconds == parse_duration(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "-5m",
        "+5m",
        "5 m",
        " 5m",
        "5m ",
        "5M",
        "m",
        ".5s",
        "5.s",
        "1e3s",
        "1m30s",
        "5d",
        "٣s",
        "5m\n",
        "infs",
        "nans",
        "never",
    ],
)
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r'^expected a duration: "500ms", "30s", "5m", "1h"$'):
        parse_duration(text)


def test_never_is_infinite_where_it_is_allowed() -> None:
    assert math.inf == parse_duration("never", never=True)
    with pytest.raises(ValueError, match=r'or "never"$'):
        parse_duration("Never", never=True)


def test_a_duration_that_would_be_infinite_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a shorter duration"):
        parse_duration("9" * 400 + "h")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0s"),
        (0.0001, "0.1ms"),
        (0.5, "500ms"),
        (1.5, "1500ms"),
        (90.0, "90s"),
        (300.0, "5m"),
        (7200.0, "2h"),
        (math.inf, "never"),
    ],
)
def test_a_duration_is_written_in_its_largest_whole_unit(seconds: float, text: str) -> None:
    assert seconds == parse_duration(text, never=True)
    assert format_duration(seconds) == ("0.0001s" if text == "0.1ms" else text)


@given(st.floats(min_value=0, allow_nan=False))
def test_a_written_duration_reads_back_as_the_same(seconds: float) -> None:
    assert seconds == parse_duration(format_duration(seconds), never=True)
