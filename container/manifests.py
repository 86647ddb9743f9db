"""The rendered Deployment, as podman plays it, and its ConfigMap, as the kubelet changes it."""

from __future__ import annotations

import copy
import itertools
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml
from attrs import define, field, frozen

from container.podman import ROOT


RENDERED: Final = ROOT / "deploy" / "kubernetes" / "rendered" / "base.yaml"
CONFIG: Final = "loxone-exporter.toml"

_CONFIG_MAP: Final = {"apiVersion": "v1", "kind": "ConfigMap"}
_DATA: Final = "..data"


@frozen
class Manifests:
    """A Deployment and what it mounts.

    Attributes:
        deployment: The Deployment.
        config: The ConfigMap with the configuration.
    """

    deployment: Mapping[str, Any]
    config: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path = RENDERED) -> Manifests:
        """Those of a file with many documents."""
        documents = {
            document["kind"]: document
            for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))
        }
        return cls(documents["Deployment"], documents["ConfigMap"])

    @property
    def name(self) -> str:
        """The ConfigMap's, and so that of the volume that podman makes of it."""
        name: str = self.config["metadata"]["name"]
        return name

    @property
    def secret(self) -> str:
        """The name of what has the passwords."""
        return f"{self.name}-passwords"

    @property
    def pod(self) -> Mapping[str, Any]:
        """What the Deployment's pod is specified to be."""
        spec: Mapping[str, Any] = self.deployment["spec"]["template"]["spec"]
        return spec

    @property
    def container(self) -> Mapping[str, Any]:
        """The pod's only container."""
        (found,) = self.pod["containers"]
        container: Mapping[str, Any] = found
        return container

    def playable(self, *, name: str, image: str, config: str) -> Manifests:
        """The same under another name, with another image and configuration, for podman to play.

        Two things have to change for it. Podman 4.3 knows no Secrets: a ConfigMap takes its place.
        And it would publish the container's port, which it cannot do in the host's network.
        """
        deployment = copy.deepcopy(dict(self.deployment))
        deployment["metadata"]["name"] = name
        made = Manifests(
            deployment,
            {**_CONFIG_MAP, "metadata": {"name": name}, "data": {CONFIG: config}},
        )
        container = deployment["spec"]["template"]["spec"]["containers"][0]
        container["image"] = image
        del container["ports"]
        for volume in deployment["spec"]["template"]["spec"]["volumes"]:
            if volume.pop("secret", None):
                volume["configMap"] = {"name": made.secret}
            else:
                volume["configMap"]["name"] = name
        return made

    def write(self, path: Path, passwords: Mapping[str, str]) -> None:
        """Write it all into a file, with passwords by the names of their files."""
        secret = {**_CONFIG_MAP, "metadata": {"name": self.secret}, "data": dict(passwords)}
        text = yaml.safe_dump_all([self.config, secret, self.deployment])
        path.write_text(text, encoding="utf-8")


@define
class ConfigMapVolume:
    """A volume with a ConfigMap, which is changed as the kubelet does it.

    Podman puts the files there as they are, and never touches them again. The kubelet has them in
    a folder with a name that is new each time; a link `..data` leads to it, which is swapped as a
    whole, and links lead from where the files are looked for to those behind `..data`.
    """

    _folder: Path
    _numbers: Iterator[int] = field(factory=itertools.count)

    def replace(self, data: Mapping[str, str]) -> None:
        """Put another content in place, all at once."""
        versions = self._versions()
        fresh = self._folder / f"..version_{next(self._numbers)}"
        fresh.mkdir()
        for name, text in data.items():
            (fresh / name).write_text(text, encoding="utf-8")
        _link(self._folder / _DATA, fresh.name)
        for name in data:
            # The first time, it takes the place of the file that podman made.
            _link(self._folder / name, f"{_DATA}/{name}")
        for version in versions:
            shutil.rmtree(version)

    def _versions(self) -> Sequence[Path]:
        return list(self._folder.glob("..version_*"))


def _link(path: Path, target: str) -> None:
    if path.is_symlink() and path.readlink() == Path(target):
        return
    fresh = path.with_name(f"{path.name}_tmp")
    fresh.symlink_to(target)
    fresh.rename(path)


def mebibytes(quantity: str) -> int:
    """An amount of memory as Kubernetes writes it, in MiB.

    Raises:
        ValueError: It is written in another unit.
    """
    if not quantity.endswith("Mi"):
        raise ValueError(f"{quantity}: not in Mi")
    return int(quantity.removesuffix("Mi"))
