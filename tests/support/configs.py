"""Configurations from texts, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from loxone_exporter.config.findings import ConfigurationError
from loxone_exporter.config.load import Loaded, load_config


def write_config(folder: Path, content: str | bytes) -> Path:
    """A configuration file in the folder, that only its owner may read."""
    path = folder / "house.toml"
    path.touch(mode=0o600)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def load_text(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> Loaded:
    """What a configuration file with this text amounts to."""
    return load_config(write_config(folder, text), environ or {})


def find_all(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> list[str]:
    """The findings of a wrong text as "path: message"; those of other sources with their source."""
    path = write_config(folder, text)
    with pytest.raises(ConfigurationError) as caught:
        load_config(path, environ or {})
    return [line.removeprefix(f"{path}: ") for line in str(caught.value).splitlines()]
