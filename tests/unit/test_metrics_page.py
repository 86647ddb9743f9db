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


def test_there_are_queries_to_begin_with() -> None:
    assert len(queries()) >= 12
