"""The floors of the house: who may import whom, and where each library lives."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import loxone_exporter
from loxone_exporter.errors import FailureReason


PACKAGE = "loxone_exporter"
ROOT = Path(loxone_exporter.__file__).parent

# From the ground up. A part may import from the floors below its own, and from itself.
FLOORS = (
    {"clients", "errors", "histogram", "logs", "reading", "steps", "stop", "units"},
    {"loxone", "config"},
    {"advice", "liveness", "options", "turns"},
    {"activity", "vitals"},
    {"state", "simulator"},
    {"miniserver", "metrics"},
    {"web", "survey"},
    {"fleet", "reload", "shutdown"},
    {"app", "setup"},
    {"simulate"},
    {"demo"},
    {"cli"},
    {"__main__"},
)
FLOOR_OF = {part: number for number, floor in enumerate(FLOORS) for part in floor}

# The one home of each library, as modules or as whole parts.
HOMES = {
    "trio_websocket": {"miniserver.transport"},
    # The two ends of the wire.
    "h11": {"miniserver.http", "miniserver.transport", "simulator.connection"},
    "wsproto": {"miniserver.transport", "simulator.connection"},
    "Crypto": {"loxone.crypto"},
    "trustme": {"simulator.tls"},
    "cryptography": {"simulator.tls"},
    "prometheus_client": {"metrics"},
    "hypercorn": {"web.connection"},
    "bcrypt": {"web.authentication"},
    "cattrs": {"config"},
    "tomli_w": {"config"},
    "trio": set(FLOOR_OF) - {"loxone", "config"},
    "attrs": set(FLOOR_OF),
}

MAX_LINES = 500


def imported(tree: ast.Module, module: str, *, package: bool) -> Iterator[str]:
    """The names that a module imports, wherever in it, as absolute ones."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = [node.module] if node.module else []
            if node.level:
                above = module.split(".")
                source = above[: len(above) - node.level + package] + source
            # What is imported may itself be a module.
            yield from (".".join([*source, alias.name]) for alias in node.names)


def violations(source: str, module: str, *, package: bool = False) -> list[str]:
    """What is wrong with the imports of a module.

    Args:
        source: Its text.
        module: Its name, without that of the whole package; empty for the package itself.
        package: Whether it is the `__init__` of a package.
    """
    part = module.partition(".")[0]
    if part and part not in FLOOR_OF:
        return [f"{module}: {part} is on no floor"]
    full_name = f"{PACKAGE}.{module}".rstrip(".")
    names = sorted(set(imported(ast.parse(source), full_name, package=package)))
    complaints = (
        _complaint_about_floor(module, part, name.split(".")[1:])
        if name.split(".")[0] == PACKAGE
        else _complaint_about_home(module, part, name.split(".")[0])
        for name in names
    )
    return [complaint for complaint in complaints if complaint]


def _complaint_about_floor(module: str, part: str, path: list[str]) -> str:
    target = path[0] if path else ""
    if not target or target.startswith("__version"):
        return ""
    if target not in FLOOR_OF:
        return f"{module}: {target} is on no floor"
    if target == part or (part and FLOOR_OF[target] < FLOOR_OF[part]):
        return ""
    return f"{module}: {part or 'the package'} must not import {target}"


def _complaint_about_home(module: str, part: str, library: str) -> str:
    if library in sys.stdlib_module_names:
        return ""
    if library not in HOMES:
        return f"{module}: {library} has no home"
    if HOMES[library] & {module, part}:
        return ""
    return f"{module}: {library} does not live here"


def modules() -> Iterator[tuple[str, Path]]:
    """All modules of the package, by their names without that of the package."""
    for path in sorted(ROOT.rglob("*.py")):
        steps = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(steps[:-1] if steps[-1] == "__init__" else steps), path


MODULES = dict(modules())


def test_modules_are_found() -> None:
    assert {"", "app", "loxone.crypto", "metrics.collector", "simulator.demo"} <= MODULES.keys()


@pytest.mark.parametrize("module", MODULES)
def test_imports_run_one_way_and_libraries_are_at_home(module: str) -> None:
    path = MODULES[module]
    source = path.read_text(encoding="utf-8")
    assert [] == violations(source, module, package=path.stem == "__init__")


@pytest.mark.parametrize("module", MODULES)
def test_modules_can_be_read_in_one_go(module: str) -> None:
    lines = MODULES[module].read_text(encoding="utf-8").count("\n")
    assert lines <= MAX_LINES


def has_word_for_each_failure(node: ast.AST) -> bool:
    """Whether it is a table by `FailureReason`, whole."""
    keys = node.keys if isinstance(node, ast.Dict) else []
    names = {ast.unparse(key) for key in keys if key is not None}
    return names >= {f"FailureReason.{reason.name}" for reason in FailureReason}


def test_what_failures_mean_is_said_in_one_place() -> None:
    tables = [
        module
        for module, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if has_word_for_each_failure(node)
    ]
    assert ["advice"] == tables


def test_types_are_for_users_too() -> None:
    assert (ROOT / "py.typed").is_file()


def test_every_part_exists() -> None:
    parts = {module.partition(".")[0] for module in MODULES} - {""}
    assert set(FLOOR_OF) == parts


@pytest.mark.parametrize(
    ("module", "source", "complaint"),
    [
        ("loxone.tables", "import trio", "loxone.tables: trio does not live here"),
        ("config.load", "from trio import sleep", "config.load: trio does not live here"),
        ("loxone.replies", "import Crypto.Hash.HMAC", "Crypto does not live here"),
        ("simulator.house", "from h11 import Request", "h11 does not live here"),
        ("miniserver.session", "import trio_websocket", "trio_websocket does not live here"),
        ("web.app", "import hypercorn.config as c", "hypercorn does not live here"),
        ("web.app", "from prometheus_client import Metric", "prometheus_client does not live"),
        ("cli", "import tomli_w", "tomli_w does not live here"),
        ("app", "import requests", "app: requests has no home"),
        ("loxone.tables", "from loxone_exporter.state import X", "loxone must not import state"),
        ("loxone.tables", "from loxone_exporter import state", "loxone must not import state"),
        ("loxone.tables", "import loxone_exporter.state", "loxone must not import state"),
        ("loxone.tables", "from ..state import X", "loxone must not import state"),
        ("loxone.tables", "from .. import state", "loxone must not import state"),
        ("loxone", "from .. import config", "loxone must not import config"),
        ("errors", "from . import logs", "errors must not import logs"),
        ("config.load", "from loxone_exporter.loxone import x", "config must not import loxone"),
        ("metrics.names", "from loxone_exporter.miniserver.login import x", "metrics must not"),
        ("state", "from loxone_exporter.simulator.house import House", "state must not import"),
        ("survey", "from loxone_exporter.web.app import WebApp", "survey must not import web"),
        ("app", "def f():\n    from loxone_exporter.cli import main", "app must not import cli"),
        ("app", "if TYPE_CHECKING:\n    import loxone_exporter.demo", "app must not import demo"),
        ("app", "from loxone_exporter.cellar import wine", "app: cellar is on no floor"),
        ("cellar", "import os", "cellar: cellar is on no floor"),
        ("", "from loxone_exporter import app", "the package must not import app"),
    ],
)
def test_what_is_forbidden_is_noticed(module: str, source: str, complaint: str) -> None:
    package = module in {"", "loxone"}
    (found,) = violations(source, module, package=package)
    assert complaint in found


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("loxone.tables", "import struct\nfrom collections.abc import Iterator"),
        ("loxone.tables", "from loxone_exporter.errors import ProtocolError"),
        ("loxone.tables", "from loxone_exporter.loxone.uuids import StateUuid"),
        ("loxone.tables", "from .uuids import StateUuid\nfrom . import header"),
        ("metrics.collector", "from loxone_exporter import __version__"),
        ("metrics.series", "from prometheus_client.core import GaugeMetricFamily"),
        ("web.app", "import trio\nfrom loxone_exporter.metrics.collector import LoxoneCollector"),
        ("demo", "from loxone_exporter import app"),
        ("cli", "import loxone_exporter\nfrom loxone_exporter import app, demo, logs"),
        ("app", "'import requests'  # from loxone_exporter.cli import main"),
    ],
)
def test_what_is_allowed_is_not_complained_about(module: str, source: str) -> None:
    assert [] == violations(source, module)
