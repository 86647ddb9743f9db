"""What the documentation says of the program, against the program."""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loxone_exporter import cli
from loxone_exporter.config.environment import _VARIABLES
from loxone_exporter.config.model import WebConfig
from loxone_exporter.errors import FailureReason
from loxone_exporter.metrics.catalog import codes, entry
from loxone_exporter.setup.answers import Options, PasswordPlace
from loxone_exporter.web.connection import PATIENCE, PIECE, Phase
from loxone_exporter.web.unread import FEWEST, ROOM
from support.documents import PAGES, ROOT, blocks, rows, spans


BY_NAME = {page.stem: page for page in PAGES}
CODE = re.compile(r"`([^`]+)`")
# Those of the exporter's own users, and keys of Kubernetes' Secrets.
OTHER_PASSWORDS = ("/etc/prometheus/", "/run/secrets/loxone/")
PASSWORD_FILE = re.compile(
    r"[\w./%-]+\.password\b|(?:password_file = \"|LOXONE_PASSWORD_FILE=)([^\s\"]+)"
)

# As histograms are written.
SUFFIXES = re.compile(r"_(?:bucket|count|sum)$")

# What a table of other programs' names, or an example of an override, mentions.
NOT_OURS = {
    "loxone_changes",
    "loxone_cars_reading",
    "loxone_cars_total",
    "loxone_energy_import_kilowatt_hours",
    "loxone_energy_kilowatt_hours",
    "loxone_energy_price_import_eur_per_kilowatt_hour",  # in other houses it is another currency
    "loxone_exporter",  # the package
    "loxone_heat_pump_watts",
    "loxone_ph",
    "loxone_values",
}


def first_cells(page: str, heading: str) -> list[str]:
    return [name for cells in rows(BY_NAME[page], heading) for name in CODE.findall(cells[0])]


def test_every_reason_of_a_failure_is_explained() -> None:
    explained = first_cells("troubleshooting", "## A Miniserver is not connected")
    assert sorted(reason.value for reason in FailureReason) == sorted(explained)


def test_every_environment_variable_is_explained() -> None:
    explained = first_cells("configuration", "## Environment variables")
    assert sorted(_VARIABLES) == sorted(explained)


def test_what_is_said_of_http_clients_is_so() -> None:
    request, answer, idle = (PATIENCE[each] for each in (Phase.REQUEST, Phase.ANSWER, Phase.IDLE))
    limits = " ".join(BY_NAME["operations"].read_text(encoding="utf-8").split())
    assert f"`[web] max_connections` clients, {WebConfig().max_connections} by default" in limits
    assert f"A client has {request:g} s for a request and {answer:g} s to read the next" in limits
    assert f"next {PIECE // 2**10} KiB of its answer" in limits
    assert f"an idle connection is kept for {idle:g} s" in limits
    assert f"take {ROOM // 2**20} MiB of memory, or that of three answers" in limits
    assert FEWEST == 3


def commands() -> dict[str, argparse.ArgumentParser]:
    parser = cli._build_parser()
    (actions,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return dict(actions.choices)


def options() -> Iterator[tuple[str, str]]:
    """Each option with each command that has it."""
    for name, command in commands().items():
        for action in command._actions:
            if action.help != argparse.SUPPRESS and action.dest != "help":
                for option in action.option_strings:
                    yield option, name


def password_files() -> Iterator[tuple[str, str]]:
    """Each file for a Miniserver's password that is shown somewhere, with where that is."""
    shown = [*PAGES, ROOT / "loxone-exporter.toml", *(ROOT / "deploy").rglob("*.*")]
    for path in shown:
        if path.suffix in {".md", ".toml", ".service", ".yaml", ".example"}:
            text = path.read_text(encoding="utf-8")
            for found in PASSWORD_FILE.finditer(text):
                name = found[1] or found[0]
                if not name.startswith(OTHER_PASSWORDS):
                    yield path.name, name.rpartition("/")[2]


def test_the_password_is_in_a_file_of_one_name() -> None:
    found = list(password_files())
    pages = {page for page, _ in found}
    assert {"README.md", "running.md", "loxone-exporter.service", "loxone-exporter.toml"} <= pages
    of_init = PasswordPlace.chosen(Options(), Options().output).file
    assert of_init is not None
    others = {"barn.password", "shed.password"}  # of second and third Miniservers
    assert {of_init.name} == {name for _, name in found} - others, found


def test_every_command_is_explained() -> None:
    assert [f"loxone-exporter {name}" for name in sorted(commands())] == sorted(
        first_cells("commands", "# Commands")
    )


def test_every_option_is_explained() -> None:
    explained = [
        (option, command)
        for cells in rows(BY_NAME["commands"], "## Options")
        for option in CODE.findall(cells[0])
        for command in CODE.findall(cells[1])
    ]
    assert sorted(options()) == sorted(explained)


def test_every_session_of_nox_is_explained() -> None:
    tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    sessions = [node.name for node in functions if node.decorator_list]
    assert len(sessions) > 8
    assert sorted(sessions) == sorted(first_cells("contributing", "## Sessions of nox"))


def test_the_floors_are_those_that_are_kept() -> None:
    tree = ast.parse((ROOT / "tests/unit/test_layout.py").read_text(encoding="utf-8"))
    assignments = [node for node in tree.body if isinstance(node, ast.Assign)]
    (floors,) = (node.value for node in assignments if ast.unparse(node.targets[0]) == "FLOORS")
    kept = [set(floor) for floor in ast.literal_eval(floors)]
    drawing = next(each for each in blocks("text") if each.page == BY_NAME["architecture"])
    drawn = [set(line.partition("  ")[0].split()) for line in drawing.text.splitlines()]
    assert kept == [*reversed(drawn), {"__main__"}]


def test_the_row_of_the_catalog_is_one() -> None:
    (example,) = blocks("python")
    names: dict[str, Any] = {**vars(entry), "codes": codes}
    catalog = eval(f"{{{example.text}}}", names)  # noqa: S307  # our own text
    (states,) = catalog.values()
    assert len(states) >= 4
    assert all(isinstance(state, entry.Entry) for state in states.values())


def known_families() -> set[str]:
    page = BY_NAME["metrics"].read_text(encoding="utf-8")
    return set(re.findall(r"^\| `(loxone_\w+)` \|", page, re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_metric_is_mentioned_that_does_not_exist(page: Path) -> None:
    known = known_families()
    assert len(known) > 200
    shown = "\n".join([*spans(page), *(block.text for block in blocks() if block.page == page)])
    mentioned = {
        SUFFIXES.sub("", name) for name in re.findall(r"\bloxone_[a-z]\w*\b(?!_?…)", shown)
    }
    whole = {name for name in mentioned if not name.endswith("_")}
    assert set() == whole - known - NOT_OURS
