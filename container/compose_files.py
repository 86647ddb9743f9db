"""The files of Compose, as its owner would have them, with less patience.

What is started is a copy of deploy/compose and deploy/prometheus. compose.yaml stays as it is; .env
is filled in; scrapes, rules and Alertmanager wait for a part of their time, as in nox's session
`stack`.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from container.podman import ROOT
from stack.files import hurry


FILES: Final = ("compose.yaml", "override.yaml")

HOST: Final = "host.containers.internal"
"""What podman's containers call the machine that they are on."""

USER: Final = 65532
"""Who the exporter is in its container."""

_OVERRIDE: Final = """
# The image gets a name of its own, and is built from the checkout, although this file is elsewhere,
# with this machine's way to the package index; ports are any that are free.
services:
  exporter:
    image: {image}
    build:
      context: {context}
      network: host
      args: {{ BASE: "{base}" }}
    ports: !override ["127.0.0.1::9504"]
  prometheus:
    pull_policy: never
    ports: !override ["127.0.0.1::9090"]
  alertmanager:
    pull_policy: never
    ports: !override ["127.0.0.1::9093"]
"""

# As the comments of that file say: the Miniserver of .env is the first one. The exporter warns of
# two with one address, which could be one device.
_ONE_MORE: Final = """
[[miniservers]]

[[miniservers]]
name = "{name}"
host = "{host}"
port = {port}
username = "demo"
password_file = "{name}.password"
client_id = "{name}"
"""

_DEPLOY: Final = ROOT / "deploy"
_HURRIED: Final = (
    "compose/prometheus/prometheus.yml",
    "prometheus/alertmanager.yml",
    "prometheus/rules/*.yml",
)


def lay_out(folder: Path, *, image: str, base: str, miniserver: str, port: int) -> Path:
    """Copy the files, and fill them in.

    Args:
        folder: Where to; it must exist.
        image: What the exporter's is called.
        base: What it starts from.
        miniserver: The name of the first Miniserver.
        port: Where it listens, on this machine.

    Returns:
        The folder that Compose is called in.

    Raises:
        LookupError: .env.example does not have the variables that it had.
    """
    for part in ("compose", "prometheus"):
        # .env may be somebody's own.
        shutil.copytree(_DEPLOY / part, folder / part, ignore=shutil.ignore_patterns(".env"))
    for pattern in _HURRIED:
        for path in folder.glob(pattern):
            path.write_text(hurry(path.read_text(encoding="utf-8")), encoding="utf-8")
    compose = folder / "compose"
    answers = {
        "LOXONE_NAME": miniserver,
        "LOXONE_HOST": HOST,
        "LOXONE_PORT": str(port),
        "LOXONE_USERNAME": "demo",
        "LOXONE_PASSWORD": "demo",
        "GRAFANA_PASSWORD": "invented",
    }
    example = (compose / ".env.example").read_text(encoding="utf-8")
    (compose / ".env").write_text(fill_in(example, answers), encoding="utf-8")
    override = _OVERRIDE.format(image=image, context=ROOT, base=base)
    (compose / "override.yaml").write_text(override, encoding="utf-8")
    return compose


def fill_in(example: str, answers: Mapping[str, str]) -> str:
    """Put values into .env.example.

    Raises:
        LookupError: It does not have such a variable, or has it twice.
    """
    text = example
    for name, value in answers.items():
        text, found = re.subn(rf"^{name}=.*$", f"{name}={value}", text, flags=re.MULTILINE)
        if found != 1:
            raise LookupError(f"{name} is expected once in .env.example")
    return text


def add_miniserver(compose: Path, name: str, port: int) -> None:
    """Say in the exporter's own file that there is one more, as an editor saves it.

    Args:
        compose: The folder that Compose is called in.
        name: The Miniserver's.
        port: Where it listens, on this machine.
    """
    folder = compose / "exporter"
    password = folder / f"{name}.password"
    password.touch(mode=0o400)
    password.write_text("demo\n", encoding="utf-8")
    shutil.chown(password, USER)
    path = folder / "loxone-exporter.toml"
    text = path.read_text(encoding="utf-8")
    new = path.with_suffix(".new")
    new.write_text(text + _ONE_MORE.format(name=name, host=HOST, port=port), encoding="utf-8")
    new.replace(path)


def count_rules(compose: Path) -> int:
    """How many rules there are for Prometheus to load."""
    files = (compose.parent / "prometheus" / "rules").glob("*.yml")
    return sum(
        len(re.findall(r"^ +- (?:alert|record): ", path.read_text(encoding="utf-8"), re.MULTILINE))
        for path in files
    )
