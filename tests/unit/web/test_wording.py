from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from loxone_exporter.state import ConnectionState, Security
from loxone_exporter.web.pages.wording import SECURITY, STATES, ago, amount, duration, utc


@pytest.mark.parametrize(
    ("members", "words"),
    [(ConnectionState, STATES), (Security, SECURITY)],
)
def test_there_are_words_for_everything(
    members: Iterable[str], words: Mapping[str, object]
) -> None:
    assert list(members) == sorted(words, key=list(members).index)
    assert len(words) == len(set(map(str, words.values())))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0 s"),
        (59.9, "59 s"),
        (60.0, "1 min"),
        (3599.0, "59 min"),
        (3600.0, "1 h"),
        (11_520.0, "3 h 12 min"),
        (86_400.0, "1 day"),
        (180_000.0, "2 days 2 h"),
        (1e300, "1e+300 s"),
        (-1e300, "-1e+300 s"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert words == duration(seconds)


def test_times_are_told_from_now() -> None:
    now = 1_700_000_000.0
    assert "just now" == ago(now - 0.5, now) == ago(now + 0.5, now)
    assert "5 s ago" == ago(now - 5, now)
    assert "in 2 min" == ago(now + 125, now)
    assert "2023-11-14 22:13:20+00:00" == utc(now)
    assert "" == utc(1e300)


def test_amounts() -> None:
    assert "1 room" == amount(1, "room")
    assert "2,345 rooms" == amount(2345, "room")
    assert "0 pieces of news" == amount(0, "piece of news", "pieces of news")
