"""Configurations from texts, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from loxone_exporter.config.findings import ConfigurationError
from loxone_exporter.config.load import Loaded, load_config


MINISERVER = """
[[miniservers]]
name = "home"
host = "192.168.1.77"
username = "prometheus"
password = "hunter2"
"""
"""The least that a configuration needs."""

# Of an invented authority, valid for a hundred years; its key was thrown away.
CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBPjCB5KADAgECAgEBMAoGCCqGSM49BAMCMB0xGzAZBgNVBAMMEkludmVudGVk
IEF1dGhvcml0eTAgFw0yNDAxMDEwMDAwMDBaGA8yMTI0MDEwMTAwMDAwMFowHTEb
MBkGA1UEAwwSSW52ZW50ZWQgQXV0aG9yaXR5MFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAEkimz8MM5vSXIT13A3iI4Cq5tU+cOekHyNFrZN1rWy7DaYb5i2CZYuBep
vWcjNCmA2SqEZO+jUJOTQsy+U/TdR6MTMBEwDwYDVR0TAQH/BAUwAwEB/zAKBggq
hkjOPQQDAgNJADBGAiEAg3AEzlR0jrfIjOBxZCvT/er2hfHmwUnJixjkd4EdtzMC
IQC8raxc7EO5b778nUbfH8n70djXqhsKwfP9GaTQuRCgxg==
-----END CERTIFICATE-----
"""


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
