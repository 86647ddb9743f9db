from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loxone_exporter.histogram import DELAYS, Histogram


def counts(histogram: Histogram) -> list[int]:
    return [count for _, count in histogram.buckets()]


def test_an_empty_one_has_all_buckets() -> None:
    histogram = Histogram((0.5, 2.0))
    assert [(0.5, 0), (2.0, 0), (math.inf, 0)] == list(histogram.buckets())
    assert 0.0 == histogram.sum


# Prometheus counts what is not longer than the bound.
@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.0, [1, 1, 1]),
        (0.5, [1, 1, 1]),
        (0.500001, [0, 1, 1]),
        (2.0, [0, 1, 1]),
        (2.000001, [0, 0, 1]),
        (math.inf, [0, 0, 1]),
    ],
)
def test_a_duration_is_in_every_bucket_that_it_is_not_too_long_for(
    seconds: float, expected: list[int]
) -> None:
    histogram = Histogram((0.5, 2.0))
    histogram.observe(seconds)
    assert expected == counts(histogram)
    assert seconds == histogram.sum


def test_rounding_lets_no_sum_fall() -> None:
    histogram = Histogram((0.5, 2.0))
    histogram.observe(1.0)
    histogram.observe(-1e-12)
    assert [1, 2, 2] == counts(histogram)
    assert 1.0 == histogram.sum


@given(st.lists(st.floats(min_value=0, max_value=1e6), max_size=50))
def test_buckets_are_those_of_prometheus(durations: list[float]) -> None:
    histogram = Histogram()
    for seconds in durations:
        histogram.observe(seconds)
    expected = [sum(seconds <= bound for seconds in durations) for bound in (*DELAYS, math.inf)]
    assert expected == counts(histogram)
    assert math.isclose(sum(durations), histogram.sum, abs_tol=1e-9)


def test_bounds_ascend_and_are_few() -> None:
    """Each is a series for each Miniserver."""
    assert all(low < high for low, high in itertools.pairwise(DELAYS))
    assert len(DELAYS) < 8
