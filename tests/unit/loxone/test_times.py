from __future__ import annotations

import datetime as dt
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loxone_exporter.loxone.structure import Structure
from loxone_exporter.loxone.times import find_zone, parse_local_time, parse_zone
from support.strategies import wild_text
from support.structures import uuid


SUMMER = dt.timezone(dt.timedelta(hours=2))

# What looks nearly like a time, so that every branch of a parser is met.
odd_texts = wild_text | st.text("0123456789+-:.TZW \n٣", max_size=32)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2017-07-03 13:01:36 +02:00:00", 7200),
        ("2017-07-03 13:01:36 +02:00", 7200),
        ("2017-07-03 13:01:36 +00:00:00", 0),
        ("2017-07-03 13:01:36 -03:30:00", -12600),
        ("2017-07-03 13:01:36 +05:45:30", 20730),
        ("2017-07-03 13:01:36 +14:00:00\r\n", 50400),
        ("-23:59:59", -86399),
    ],
)
def test_zone_at_the_end_of_a_text(text: str, seconds: int) -> None:
    assert dt.timezone(dt.timedelta(seconds=seconds)) == parse_zone(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2017-07-03 13:01:36",
        "2017-07-03 13:01:36 02:00:00",
        "2017-07-03 13:01:36 +02:00:00 CEST",
        "+24:00:00",
        "+99:00",
        "+02:60",
        "+02:00:60",
        "+2:00",
        "+٠٢:٠٠",  # noqa: RUF001  # digits, to Python's int
    ],
)
def test_text_without_a_zone(text: str) -> None:
    assert parse_zone(text) is None


@given(offset=st.integers(-86399, 86399))
def test_every_offset_is_read_back(offset: int) -> None:
    sign, rest = "-" if offset < 0 else "+", abs(offset)
    text = f"{sign}{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    assert dt.timezone(dt.timedelta(seconds=offset)) == parse_zone(f"2026-05-25 18:00:00 {text}")


def test_zone_is_told_by_a_global_state() -> None:
    structure = Structure("", (), global_states={"miniserverTime": uuid(7), "sunset": uuid(8)})
    elsewhere = {uuid(8): "2017-07-03 13:01:36 +02:00:00"}
    assert find_zone(structure, {}) is None
    assert find_zone(structure, elsewhere) is None
    assert find_zone(structure, {uuid(7): "13:01:36"}) is None
    assert SUMMER == find_zone(structure, {uuid(7): "2017-07-03 13:01:36 +02:00:00"})
    assert find_zone(Structure("", ()), elsewhere) is None
    assert find_zone(None, elsewhere) is None


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-01-01 00:00:00", dt.UTC, 1767225600.0),
        ("2026-05-25 18:00:00", SUMMER, 1779724800.0),
        (" 2026-05-25T18:00:00\n", SUMMER, 1779724800.0),
        # It knows better.
        ("2026-05-25 18:00:00+00:00", SUMMER, 1779732000.0),
        ("1969-12-31 23:59:59", dt.UTC, -1.0),
    ],
)
def test_local_time(text: str, zone: dt.timezone, expected: float) -> None:
    assert expected == parse_local_time(text, zone)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-30 00:00:00", "2026-01-01 24:61:00"])
def test_what_is_no_time(text: str) -> None:
    assert parse_local_time(text, dt.UTC) is None


@given(text=odd_texts)
def test_any_text_is_a_zone_or_none(text: str) -> None:
    zone = parse_zone(text)
    assert zone is None or isinstance(zone, dt.timezone)


@given(text=odd_texts, offset=st.integers(-86399, 86399))
def test_any_text_is_a_time_or_none(text: str, offset: int) -> None:
    moment = parse_local_time(text, dt.timezone(dt.timedelta(seconds=offset)))
    assert moment is None or math.isfinite(moment)


@given(moment=st.datetimes(), offset=st.integers(-86399, 86399))
def test_first_and_last_years_have_times_too(moment: dt.datetime, offset: int) -> None:
    zone = dt.timezone(dt.timedelta(seconds=offset))
    # Microseconds beside years are at the limit of a float.
    expected = pytest.approx((moment - dt.datetime(1970, 1, 1)).total_seconds() - offset, abs=1e-4)  # noqa: DTZ001  # the difference of two local times
    assert expected == parse_local_time(str(moment), zone)
