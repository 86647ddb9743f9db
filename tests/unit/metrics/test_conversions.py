from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loxone_exporter.metrics.catalog import Epoch
from loxone_exporter.metrics.conversions import (
    Condition,
    CounterConversion,
    DigitalConversion,
    TimeConversion,
    unit_conversion,
)
from loxone_exporter.units import HouseUnits, find_unit
from support.structures import uuid


KWH = find_unit("kWh", HouseUnits())
NONE: frozenset[float] = frozenset()


@pytest.mark.parametrize(
    ("value", "upright", "inverted"), [(0, 0, 1), (1, 1, 0), (-1, 1, 0), (46, 1, 0), (-0.0, 0, 1)]
)
def test_digital_states_are_0_or_1(value: float, upright: float, inverted: float) -> None:
    assert upright == DigitalConversion()(value)
    assert inverted == DigitalConversion(is_inverted=True)(value)


def test_units_become_base_units() -> None:
    assert 8421.7 * 3.6e6 == unit_conversion(KWH, NONE)(8421.7)
    assert 21.5 == unit_conversion(None, NONE)(21.5)


@pytest.mark.parametrize("sentinel", [-1000.0, -1337.0, 2147483.647])
def test_sentinels_are_absent(sentinel: float) -> None:
    conversion = unit_conversion(KWH, frozenset({-1000, -1337}))
    assert conversion(sentinel) is None
    assert conversion(sentinel + 1) is not None


def test_no_value_goes_for_all_numbers() -> None:
    assert unit_conversion(None, NONE)(2147483.647) is None


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_what_is_shown_is_finite(value: float) -> None:
    shown = unit_conversion(KWH, NONE)(value)
    assert shown is None or math.isfinite(shown)


def test_too_large_a_number_is_absent() -> None:
    assert unit_conversion(KWH, NONE)(1e305) is None


@pytest.mark.parametrize(
    ("sent", "shown"), [(0.0, 0.0), (2.0, 7.2e6), (-1e-300, None), (-1000.0, None)]
)
def test_no_counter_is_below_zero(sent: float, shown: float | None) -> None:
    assert shown == CounterConversion(unit_conversion(KWH, NONE))(sent)


def test_a_counter_without_a_value_has_none() -> None:
    assert CounterConversion(unit_conversion(KWH, frozenset({7.0})))(7.0) is None


@pytest.mark.parametrize(
    ("epoch", "sent", "shown"),
    [
        (Epoch.UNIX, 1_781_265_600.0, 1_781_265_600.0),
        (Epoch.UNIX_MILLISECONDS, 1_770_033_600_000.0, 1_770_033_600.0),
        (Epoch.LOXONE, 536_457_600.0, 1_767_225_600.0),  # 2026-01-01
        (Epoch.UNIX, 0.0, None),
        (Epoch.UNIX, -1.0, None),
        (Epoch.LOXONE, 0.0, None),
        (Epoch.LOXONE, -1.0, None),
        (Epoch.UNIX_MILLISECONDS, 0.0, None),
        # Counted since another year than the catalog says.
        (Epoch.UNIX, 536_457_600.0, None),
        (Epoch.LOXONE, 1_767_225_600.0, None),
        (Epoch.UNIX, 1_770_033_600_000.0, None),
        (Epoch.UNIX_MILLISECONDS, 1_770_033_600.0, None),
    ],
)
def test_moments_are_in_unix_time_or_absent(epoch: Epoch, sent: float, shown: float | None) -> None:
    assert shown == TimeConversion(epoch)(sent)


def test_another_state_says_whether_there_is_a_value() -> None:
    ready, error = Condition(uuid(1), wanted=True), Condition(uuid(1), wanted=False)
    for value in (0.0, 1.0):
        assert bool(value) is ready.holds({uuid(1): value})
        assert bool(value) is not error.holds({uuid(1): value})
    assert ready.holds({})
    assert error.holds({})
