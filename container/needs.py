"""What the trials need of the machine; all that is missing is told at once, before they begin."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from typing import Final

from attrs import frozen

from container.podman import ContainerError


_EVERYWHERE: Final = ("/usr/local/sbin", "/usr/sbin", "/sbin")
_HELPERS: Final = (
    *("/usr/libexec/podman", "/usr/lib/podman"),
    *("/usr/local/libexec/podman", "/usr/local/lib/podman"),
)


@frozen
class Need:
    """A program that has to be there.

    Attributes:
        package: Debian's package of it.
        names: What it may be called; one of them is enough.
        why: What it is for.
    """

    package: str
    names: Sequence[str]
    why: str


DEBIAN: Final = (
    Need("podman", ("podman",), "builds and runs containers"),
    Need("runc", ("runc", "crun"), "starts them"),
    Need("catatonit", ("catatonit",), "holds pods together"),
    Need("netavark", ("netavark",), "connects them"),
    Need("aardvark-dns", ("aardvark-dns",), "lets them find each other by name"),
    Need("iptables", ("iptables",), "leads to the ports that they publish"),
)
"""Podman's package only recommends most of them, or not even that."""


def find(name: str) -> str | None:
    """Where a program is: where programs are, or where podman's helpers are."""
    folders = [os.environ.get("PATH", os.defpath), *_EVERYWHERE, *_HELPERS]
    return shutil.which(name, path=os.pathsep.join(folders))


def require_programs(find: Callable[[str], str | None] = find) -> None:
    """See that all is there that the trials start.

    Args:
        find: Where a program is; None if it is nowhere.

    Raises:
        ContainerError: Something is not; its text says what to do.
    """
    missing = [need for need in DEBIAN if not any(map(find, need.names))]
    if missing:
        packages = " ".join(need.package for need in missing)
        reasons = "; ".join(f"{need.package} {need.why}" for need in missing)
        raise ContainerError(f"not all is here that this needs: apt install {packages}\n{reasons}")
    if find("docker-compose") is None:
        raise ContainerError(
            "this needs docker-compose, of the dependency group `compose` in pyproject.toml: "
            "`nox -s container` brings it along"
        )


def require_root(user: int) -> None:
    """See that images can be looked into, and memory be limited everywhere.

    Raises:
        ContainerError: They cannot; its text says what to do.
    """
    if user != 0:
        raise ContainerError(
            "podman mounts images, and with cgroups of version 1 limits memory, for root only: "
            "run this as root"
        )
