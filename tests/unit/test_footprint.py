"""What the running exporter does not carry in memory, and its health check even less."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import trustme

from loxone_exporter import cli
from support.certificates import write_server_files
from support.configs import MINISERVER, write_config


# Not what was there before, such as all that a measurement of coverage needs.
LISTING = """
import sys
before = set(sys.modules)
from loxone_exporter import cli
code = cli.main(sys.argv[1:])
print(*(sys.modules.keys() - before))
sys.exit(code)
"""

# Nobody listens on its port.
WEB = """
[web]
listen = ["127.0.0.1:1"]
[web.tls_server_config]
cert_file = "exporter.pem"
key_file = "exporter.key"
"""


def modules_of(command: str, config: Path, code: int) -> set[str]:
    """What is imported by a command that fails, with the code that it fails with."""
    script = [sys.executable, "-c", LISTING, command, "--config", str(config)]
    listed = subprocess.run(script, capture_output=True, text=True, check=False)
    assert code == listed.returncode, listed.stderr
    return set(listed.stdout.split())


@pytest.fixture(scope="module")
def modules() -> set[str]:
    """What is imported when `run` begins."""
    return modules_of("run", Path("/nonexistent/loxone-exporter.toml"), cli.USAGE)


def test_the_health_check_fits_beside_the_exporter(tmp_path: Path) -> None:
    # It runs in the container of the exporter, and what it takes counts against the same limit.
    write_server_files(tmp_path, trustme.CA().issue_cert("127.0.0.1"))
    modules = modules_of("health", write_config(tmp_path, WEB + MINISERVER), cli.FAILED)
    assert "http.client" in modules
    parts = {name.split(".")[1] for name in modules if name.startswith("loxone_exporter.")}
    assert {"cli", "config", "errors", "liveness", "logs", "options", "units"} == parts
    libraries = {"trio", "hypercorn", "prometheus_client", "Crypto", "trio_websocket", "bcrypt"}
    libraries |= {"hashlib"}
    assert modules.isdisjoint(libraries)


@pytest.mark.parametrize(
    "module",
    [
        "loxone_exporter.advice",
        "loxone_exporter.config.template",
        "loxone_exporter.loxone.certificates",
        "loxone_exporter.setup",
        "loxone_exporter.simulator",
        "loxone_exporter.survey",
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
    assert "loxone_exporter.app" in modules
    assert module not in modules
