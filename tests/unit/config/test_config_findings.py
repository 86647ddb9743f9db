from __future__ import annotations

import pytest

from loxone_exporter.config.findings import ConfigurationError, Finding, KeyPath, format_path
from loxone_exporter.errors import ExporterError


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("web",), "web"),
        (("miniservers", 0, "host"), "miniservers[0].host"),
        (("filter", "exclude_rooms", 12), "filter.exclude_rooms[12]"),
        (("web", "a.b"), "web.'a.b'"),
        (("", "with space"), "''.'with space'"),
        (("log", "two\nlines"), r"log.'two\nlines'"),
    ],
)
def test_a_path_is_written_as_in_the_file(path: KeyPath, text: str) -> None:
    assert text == format_path(path)


def test_a_finding_says_source_path_and_message() -> None:
    finding = Finding(source="house.toml", path="web.listen", message="too quiet")
    assert str(finding) == "house.toml: web.listen: too quiet"


def test_a_finding_about_a_whole_source_has_no_path() -> None:
    finding = Finding(source="house.toml", path="", message="cannot be read")
    assert str(finding) == "house.toml: cannot be read"


def test_the_error_holds_all_findings_and_says_them_one_a_line() -> None:
    first = Finding(source="house.toml", path="a", message="b")
    second = Finding(source="environment", path="C", message="d")
    error = ConfigurationError([first, second])
    assert error.findings == (first, second)
    assert str(error) == "house.toml: a: b\nenvironment: C: d"
    assert isinstance(error, ExporterError)
