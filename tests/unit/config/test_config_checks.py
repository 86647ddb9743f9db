from __future__ import annotations

import datetime as dt

import pytest

from loxone_exporter.config.checks import describe, describe_kind, exactly


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        ("eighty", "the text 'eighty'"),
        ("two\nlines", r"the text 'two\nlines'"),
        ("x" * 61, "the text '" + "x" * 60 + "…'"),
        (80, "the number 80"),
        (-1.5, "the number -1.5"),
        (float("nan"), "the number nan"),
        (float("inf"), "a number"),
        (10**21, "a whole number"),
        ([1], "an array"),
        ({"a": 1}, "a table"),
        (dt.date(2024, 2, 29), "a date or time"),
        (dt.time(12), "a date or time"),
    ],
)
def test_a_found_value_is_described_shortly(value: object, text: str) -> None:
    assert text == describe(value)


@pytest.mark.parametrize(
    ("value", "text"), [("hunter2", "text"), (True, "true or false"), (4711, "a whole number")]
)
def test_a_kind_is_described_without_the_value(value: object, text: str) -> None:
    assert text == describe_kind(value)


@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        (True, int, "expected a whole number, found true"),
        (1, bool, "expected true or false, found the number 1"),
        (1, float, "expected a number with a decimal point, found the number 1"),
        (1.0, int, "expected a whole number, found the number 1.0"),
        ([], str, "expected text in quotes, found an array"),
    ],
)
def test_no_type_stands_in_for_another(value: object, kind: type, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        exactly(value, kind)


@pytest.mark.parametrize("value", ["text", True, 1, 1.0])
def test_a_value_of_the_very_type_passes(value: object) -> None:
    assert value is exactly(value, type(value))
