from __future__ import annotations

from pathlib import Path

import pytest

from loxone_exporter.config import load
from loxone_exporter.config.load import find_config_file


def test_the_option_names_the_file_before_everything_else(tmp_path: Path) -> None:
    environ = {"LOXONE_EXPORTER_CONFIG": "/named/by/environment.toml"}
    assert find_config_file(tmp_path / "absent", environ) == tmp_path / "absent"


def test_the_environment_names_the_file_before_the_default_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "DEFAULT_PLACES", (tmp_path,))
    environ = {"LOXONE_EXPORTER_CONFIG": "/named/by/environment.toml"}
    assert find_config_file(None, environ) == Path("/named/by/environment.toml")


def test_the_first_default_place_that_exists_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    monkeypatch.setattr(load, "DEFAULT_PLACES", (first, second))
    unset = {"LOXONE_EXPORTER_CONFIG": ""}
    assert find_config_file(None, unset) is None
    second.touch()
    assert second == find_config_file(None, unset)
    first.touch()
    assert first == find_config_file(None, {})


def test_a_default_place_that_may_not_be_looked_into_is_taken_so_that_it_is_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: Path) -> bool:
        raise PermissionError

    monkeypatch.setattr(Path, "exists", refuse)
    assert find_config_file(None, {}) == Path("loxone-exporter.toml")


def test_the_default_places_are_the_documented_ones() -> None:
    assert (
        Path("loxone-exporter.toml"),
        Path("/etc/loxone-exporter/loxone-exporter.toml"),
    ) == load.DEFAULT_PLACES
