"""The manifests in deploy/kubernetes/rendered, and what they say of each other."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from tools.manifests import RENDERED


CONFIG: Final = "loxone-exporter.toml"


@cache
def manifests(target: str) -> tuple[Mapping[str, Any], ...]:
    """All that is rendered of `base`, `house` or `fleet`."""
    return tuple(yaml.safe_load_all((RENDERED / f"{target}.yaml").read_text(encoding="utf-8")))


def every(target: str, kind: str) -> list[Mapping[str, Any]]:
    """Those of a kind."""
    return [manifest for manifest in manifests(target) if manifest["kind"] == kind]


def one(target: str, kind: str) -> Mapping[str, Any]:
    """The only one of a kind."""
    (found,) = every(target, kind)
    return found


def workload(target: str) -> Mapping[str, Any]:
    """What makes the pods."""
    return one(target, "StatefulSet" if target == "fleet" else "Deployment")


def pod(target: str) -> Mapping[str, Any]:
    """The pods' specification."""
    spec: Mapping[str, Any] = workload(target)["spec"]["template"]["spec"]
    return spec


def labels_of_pods(target: str) -> Mapping[str, str]:
    """Their labels."""
    labels: Mapping[str, str] = workload(target)["spec"]["template"]["metadata"]["labels"]
    return labels


def container(target: str) -> Mapping[str, Any]:
    """The only one of a pod."""
    (found,) = pod(target)["containers"]
    spec: Mapping[str, Any] = found
    return spec


def mount(target: str, kind: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """A volume of a kind, such as `configMap`, as it is mounted and as it is made."""
    (volume,) = [volume for volume in pod(target)["volumes"] if kind in volume]
    (mounted,) = [
        each for each in container(target)["volumeMounts"] if each["name"] == volume["name"]
    ]
    return mounted, volume[kind]


def port_of(target: str, name: str) -> int:
    """The number of a port of the container's."""
    (number,) = [
        each["containerPort"] for each in container(target)["ports"] if each["name"] == name
    ]
    assert isinstance(number, int)
    return number


def write_configuration(target: str, folder: Path) -> Path:
    """The configuration as a pod has it, with its secrets, in a folder.

    Args:
        target: Whose.
        folder: Takes the place of the folder that the secrets are mounted at.

    Returns:
        The configuration file.
    """
    text: str = one(target, "ConfigMap")["data"][CONFIG]
    secrets = mount(target, "secret")[0]["mountPath"]
    for line in text.splitlines():
        if line.startswith("password_file"):
            name = Path(line.split('"')[1]).name
            (folder / name).write_text("invented\n", encoding="utf-8")
            (folder / name).chmod(0o440)
    path = folder / CONFIG
    path.write_text(text.replace(f'"{secrets}/', f'"{folder}/'), encoding="utf-8")
    return path


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a selector, by nothing but labels, fits."""
    assert selector.keys() == {"matchLabels"}
    wanted: Mapping[str, str] = selector["matchLabels"]
    return wanted.items() <= labels.items()
