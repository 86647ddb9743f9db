"""What the running exporter does not carry in memory, and its health check even less."""

from __future__ import annotations

import subprocess
import sys

import pytest


LISTING = """
import sys
from loxone_exporter import cli
assert cli.USAGE == cli.main([sys.argv[1], "--config", "/nonexistent/loxone-exporter.toml"])
print(*sys.modules)
"""


def modules_of(command: str) -> set[str]:
    """What is imported once a command looks for its configuration."""
    listed = subprocess.run(
        [sys.executable, "-c", LISTING, command], capture_output=True, text=True, check=True
    )
    return set(listed.stdout.split())


@pytest.fixture(scope="module")
def modules() -> set[str]:
    return modules_of("run")


def test_the_health_check_fits_beside_the_exporter() -> None:
    # It runs in the container of the exporter, and what it takes counts against the same limit.
    modules = modules_of("health")
    assert "loxone_exporter.config.load" in modules
    parts = {name.split(".")[1] for name in modules if name.startswith("loxone_exporter.")}
    assert {"cli", "config", "errors", "logs", "options", "units"} == parts
    assert modules.isdisjoint(
        {"trio", "hypercorn", "prometheus_client", "Crypto", "trio_websocket"}
    )


@pytest.mark.parametrize(
    "module",
    [
        "loxone_exporter.config.template",
        "loxone_exporter.loxone.certificates",
        "loxone_exporter.miniserver.remedies",
        "loxone_exporter.setup",
        "loxone_exporter.simulator",
        "loxone_exporter.survey",
        "cryptography",
        "getpass",
        "tomli_w",
        "trustme",
    ],
)
def test_what_other_commands_need_is_not_imported(modules: set[str], module: str) -> None:
    assert "loxone_exporter.app" in modules
    assert module not in modules
