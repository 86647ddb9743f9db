"""What podman is given of deploy/kubernetes, and how a ConfigMap changes under it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from container.manifests import CONFIG, ConfigMapVolume, Manifests, mebibytes
from loxone_exporter.config.files import print_of


RENDERED = Manifests.read()
PLAYED = RENDERED.playable(name="trial", image="localhost/trial", config="[web]\n")


def test_podman_gets_the_deployment_but_for_what_it_cannot() -> None:
    expected: Any = copy.deepcopy(dict(RENDERED.deployment))
    expected["metadata"]["name"] = "trial"
    pod = expected["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    container["image"] = "localhost/trial"
    del container["ports"]
    config, passwords = pod["volumes"]
    config["configMap"]["name"] = "trial"
    passwords["configMap"] = {"name": "trial-passwords"}
    del passwords["secret"]
    assert expected == PLAYED.deployment
    # What is checked in stays as it is.
    assert RENDERED == Manifests.read()


def test_everything_that_is_mounted_is_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "manifests.yaml"
    PLAYED.write(path, {"password": "invented"})
    *maps, deployment = yaml.safe_load_all(path.read_text(encoding="utf-8"))
    assert PLAYED.deployment == deployment
    assert {each["metadata"]["name"]: each["data"] for each in maps} == {
        "trial": {CONFIG: "[web]\n"},
        "trial-passwords": {"password": "invented"},
    }
    mounted = {volume["configMap"]["name"] for volume in PLAYED.pod["volumes"]}
    assert {PLAYED.name, PLAYED.secret} == mounted


def test_a_volume_changes_as_a_whole(tmp_path: Path) -> None:
    file = tmp_path / CONFIG
    file.write_text("podman's", encoding="utf-8")
    volume = ConfigMapVolume(tmp_path)
    prints = [print_of(file)]
    links = []
    for text in ("first", "second", "third"):
        volume.replace({CONFIG: text})
        assert text == file.read_text(encoding="utf-8")
        prints.append(print_of(file))
        links.append((file.readlink(), file.lstat().st_ino))
    # The exporter sees each change, although the link itself is the same one.
    assert len(prints) == len(set(prints))
    assert {(Path("..data") / CONFIG, links[0][1])} == set(links)
    folder = (tmp_path / "..data").readlink()
    assert {"..data", str(folder), CONFIG} == {path.name for path in tmp_path.iterdir()}


def test_memory_is_in_mebibytes() -> None:
    assert 64 == mebibytes("64Mi")
    with pytest.raises(ValueError, match="64M: not in Mi"):
        mebibytes("64M")
