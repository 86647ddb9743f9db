"""What the running exporter does not carry in memory."""

from __future__ import annotations

import subprocess
import sys

import pytest


LISTING = "import sys, loxone_exporter.cli as cli; cli._build_parser(); print(*sys.modules)"


@pytest.fixture(scope="module")
def modules() -> set[str]:
    """What is imported when `run` begins."""
    listed = subprocess.run(
        [sys.executable, "-c", LISTING], capture_output=True, text=True, check=True
    )
    return set(listed.stdout.split())


@pytest.mark.parametrize(
    "module",
    [
        "loxone_exporter.config.template",
        "loxone_exporter.loxone.certificates",
        "loxone_exporter.miniserver.remedies",
        "loxone_exporter.setup",
        "loxone_exporter.simulator",
        "loxone_exporter.survey.check",
        "loxone_exporter.survey.visit",
        "bcrypt",
        "loxone_exporter.web.authentication",
        "loxone_exporter.web.tls",
        "cryptography",
        "getpass",
        "tomli_w",
        "trustme",
    ],
)
def test_what_other_commands_need_is_not_imported(modules: set[str], module: str) -> None:
    assert {"loxone_exporter.app", "loxone_exporter.survey.configuration"} <= modules
    assert module not in modules
