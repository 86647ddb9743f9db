"""What the session `container` of nox makes of deploy/compose, and what it needs of the machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from attrs import evolve

from container import compose_files
from container.compose import MEMORY_LIMIT, SERVICES
from container.compose_files import (
    FILES,
    HOST,
    add_miniserver,
    count_rules,
    fill_in,
    lay_out,
)
from container.needs import DEBIAN, require_programs, require_root
from container.podman import ContainerError
from container.processes import Confinement
from container.stand_ins import STAND_INS
from loxone_exporter.config.load import load_config
from support.rules import RULE_FILES, load


ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "deploy" / "compose"


class Loader(yaml.SafeLoader):
    """YAML with Compose's own tag."""

    def construct_override(self, node: yaml.SequenceNode) -> list[Any]:
        return self.construct_sequence(node)


Loader.add_constructor("!override", Loader.construct_override)

PROJECT: dict[str, Any] = load(COMPOSE / "compose.yaml")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return lay_out(
        tmp_path, image="localhost/an-image", base="a-base", miniserver="home", port=1234
    )


def variables(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^(\w+)=(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE))


def test_compose_starts_what_is_checked_in(folder: Path) -> None:
    ours, theirs = (path.read_bytes() for path in (folder / FILES[0], COMPOSE / FILES[0]))
    assert ours == theirs
    names = {path.name for path in (folder / ".." / "prometheus" / "rules").glob("*.yml")}
    assert names == {path.name for path in RULE_FILES}


def test_the_environment_is_filled_in(folder: Path) -> None:
    example, filled_in = variables(folder / ".env.example"), variables(folder / ".env")
    assert example.keys() == filled_in.keys()
    assert "change-me" not in " ".join(filled_in.values())
    assert "1234" == filled_in["LOXONE_PORT"]


@pytest.mark.parametrize("example", ["", "LOXONE_PORT=80\nLOXONE_PORT=81\n"])
def test_a_variable_that_is_not_there_once_is_told(example: str) -> None:
    with pytest.raises(LookupError, match="LOXONE_PORT"):
        fill_in(example, {"LOXONE_PORT": "1"})


def test_times_are_divided_where_compose_looks_for_them(folder: Path) -> None:
    prometheus = load(folder / "prometheus" / "prometheus.yml")
    assert "1000ms" == prometheus["global"]["scrape_interval"]
    rules = (folder / "../prometheus/rules/exporter.alerts.yml").read_text(encoding="utf-8")
    assert "for: 10000ms" in rules
    assert "for: 5m" not in rules
    alertmanager = load(folder / "../prometheus/alertmanager.yml")
    assert "1000ms" == alertmanager["route"]["group_wait"]


def test_only_image_and_ports_are_overridden(folder: Path) -> None:
    override = (folder / FILES[1]).read_text(encoding="utf-8")
    overridden = yaml.load(override, Loader)["services"]  # noqa: S506  # a safe one
    assert {*SERVICES} == overridden.keys()
    assert {*SERVICES} == PROJECT["services"].keys() - {"grafana"}
    for service, settings in overridden.items():
        image = {"image", "build"} if service == "exporter" else {"pull_policy"}
        assert settings.keys() == {"ports", *image}
        (ours,) = settings["ports"]
        (theirs,) = PROJECT["services"][service]["ports"]
        # The same port inside, on loopback alone; outside, any.
        assert f"127.0.0.1::{theirs.rpartition(':')[2]}" == ours


def test_limits_are_those_of_compose() -> None:
    assert f"{MEMORY_LIMIT}m" == PROJECT["services"]["exporter"]["mem_limit"]


@pytest.mark.parametrize("service", STAND_INS)
def test_stand_ins_keep_their_data_where_compose_has_a_volume(service: str) -> None:
    assert f"{service}:{STAND_INS[service].folder}" in PROJECT["services"][service]["volumes"]


def test_one_more_miniserver_is_what_the_exporter_understands(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compose_files, "USER", os.geteuid())  # others only root may give it to
    path = folder / "exporter" / "loxone-exporter.toml"
    before = path.stat().st_ino
    add_miniserver(folder, "barn", 4321)
    assert path.stat().st_ino != before
    loaded = load_config(path, variables(folder / ".env"))
    first, second = loaded.config.miniservers
    assert ("home", HOST, 1234) == (first.name, first.host, first.port)
    assert ("barn", HOST, 4321) == (second.name, second.host, second.port)
    assert not loaded.warnings


def test_rules_are_counted(folder: Path) -> None:
    groups = [group for path in RULE_FILES for group in load(path)["groups"]]
    assert sum(len(group["rules"]) for group in groups) == count_rules(folder)


def test_all_that_is_missing_is_told_at_once() -> None:
    def find(name: str) -> str | None:
        return None if name in {"aardvark-dns", "iptables", "runc"} else f"/usr/bin/{name}"

    # crun does as well.
    with pytest.raises(ContainerError, match=r"apt install aardvark-dns iptables\n") as caught:
        require_programs(find)
    assert "aardvark-dns lets them find each other by name" in str(caught.value)
    require_programs("/usr/bin/{}".format)


def test_documentation_says_what_is_needed() -> None:
    page = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")
    assert f"sudo apt install {' '.join(need.package for need in DEBIAN)}\n" in page


def test_compose_comes_from_elsewhere() -> None:
    with pytest.raises(ContainerError, match="nox -s container"):
        require_programs({name: name for need in DEBIAN for name in need.names}.get)


def test_it_wants_to_be_root() -> None:
    require_root(0)
    with pytest.raises(ContainerError, match="as root"):
        require_root(1000)


def test_a_machine_without_podman_is_told_what_to_install(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "container"],
        env={**os.environ, "PATH": str(tmp_path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert 1 == ended.returncode
    assert "apt install podman" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_what_the_kernel_lets_this_process_do() -> None:
    found = Confinement.of(os.getpid())
    assert {os.geteuid()} == found.users
    assert not found.is_tight
    assert {os.getegid()} == found.groups
    tight = Confinement(
        users=frozenset({65532}),
        groups=frozenset({65532}),
        capabilities=0,
        gains_privileges=False,
        writes_root=False,
        calls_anything=False,
    )
    assert tight.is_tight
    for loose in (
        evolve(tight, users=frozenset({65532, 0})),
        evolve(tight, capabilities=1),
        evolve(tight, gains_privileges=True),
        evolve(tight, writes_root=True),
        evolve(tight, calls_anything=True),
    ):
        assert not loose.is_tight
