"""docs/metrics.md: written from the catalog, and complete."""

from __future__ import annotations

import re

import pytest

from loxone_exporter.metrics.quantities import FAMILIES
from support.documents import METRICS_PAGE, queries
from tools import metrics_page


def test_the_page_is_what_the_catalog_says() -> None:
    assert metrics_page.page() == METRICS_PAGE.read_text(encoding="utf-8"), "run `nox -s docs`"
    assert 0 == metrics_page.main(["--check"])


def test_a_page_that_is_out_of_date_is_noticed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(metrics_page, "page", lambda: "another page")
    assert 1 == metrics_page.main(["--check"])
    assert "nox -s docs" in capsys.readouterr().err


def test_every_family_is_there_once_and_says_where_it_is_from() -> None:
    row = re.compile(r"^\| `(loxone_\S+)` \| (?:gauge|counter) \| ", re.MULTILINE)
    rows = row.findall(metrics_page.page())
    typed = {family.sample_name for family in FAMILIES.values()}
    assert typed <= set(rows)
    assert len(rows) == len(set(rows))
    assert not re.findall(r"\|\s*\|$", metrics_page.page(), re.MULTILINE)


def sources() -> dict[str, str]:
    """What each family is from."""
    row = re.compile(r"^\| `(loxone_\S+)` \| (?:gauge|counter) \| .* \| (.*?) \|$", re.MULTILINE)
    return dict(row.findall(metrics_page.page()))


def test_only_readings_need_an_override() -> None:
    overridden = {name for name, source in sources().items() if "an override" in source}
    assert overridden
    assert all("_reading_" in name for name in overridden)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("loxone_power_watts", "Meter: actual"),
        ("loxone_power_grid_watts", "Meter: actual"),
        ("loxone_power_storage_watts", "Meter: actual"),
        ("loxone_precipitation_rate_target_meters_per_second", "*by unit*"),
        ("loxone_rotational_speed_target_hertz", "*by unit*"),
    ],
)
def test_what_feeds_a_family_is_told(name: str, expected: str) -> None:
    assert expected in sources()[name]


def test_all_types_that_can_hold_anything_are_listed() -> None:
    assert "`LeftRightAnalog`, `Meter` (`actual`), `PoolController` (`custom1`, `custom2`)" in (
        metrics_page.page()
    )


def test_there_are_queries_to_begin_with() -> None:
    assert len(queries()) >= 12
