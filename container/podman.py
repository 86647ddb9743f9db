"""Podman, as its command line."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import trio
from attrs import frozen


ROOT: Final = Path(__file__).resolve().parents[1]
DOCKERFILE: Final = ROOT / "deploy" / "docker" / "Dockerfile"

MEMORY_LIMIT: Final = 64
"""MiB, without any swap."""

_CLEANUP: Final = 20.0
_TAIL: Final = 2000

# Where a shell may be; nothing can be run from these once they are covered.
_SHELLS: Final = ("/usr/bin/dash", "/usr/bin/bash")


class ContainerError(Exception):
    """Podman could not do what it was asked for."""


async def podman(*arguments: str) -> str:
    """Run a command of podman's, and give its output.

    Raises:
        ContainerError: It failed.
    """
    done = await attempt(*arguments)
    if done.returncode != 0:
        error = done.stderr.decode(errors="replace")[-_TAIL:].strip()
        raise ContainerError(f"podman {arguments[0]} failed: {error}")
    return done.stdout.decode()


async def attempt(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Likewise, but failing is an answer, too."""
    # What it would say below `fatal` is that there is no systemd to run health checks.
    command = ("podman", "--log-level=fatal", *arguments)
    return await trio.run_process(
        command, capture_stdout=True, capture_stderr=True, check=False, cwd=ROOT
    )


async def require_base_image(base: str) -> None:
    """See that there is an image to start from.

    Raises:
        ContainerError: There is not; its text says what to do.
    """
    if (await attempt("image", "exists", base)).returncode == 0:
        return
    pulled = await attempt("pull", "--quiet", base)
    if pulled.returncode != 0:
        reason = pulled.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise ContainerError(
            f"there is no image {base} here, and it cannot be pulled: {reason}\n"
            "Where no registry is reached, import a Debian 13 with python3, python3-venv and "
            "ca-certificates under that name (mmdebstrap and podman import), or name another "
            "image by --base."
        )


async def build(tag: str, build_arguments: Mapping[str, str]) -> None:
    """Build the image."""
    options = [f"--build-arg={name}={value}" for name, value in build_arguments.items()]
    if authorities := os.environ.get("PIP_CERT"):
        # The package index is reached through somebody whose authority is known to this machine.
        options += [f"--volume={authorities}:{authorities}:ro", f"--env=PIP_CERT={authorities}"]
    # OCI's format knows no HEALTHCHECK.
    fixed = ("--format=docker", "--network=host", f"--file={DOCKERFILE}", f"--tag={tag}")
    await podman("build", *fixed, *options, str(ROOT))


async def inspect(kind: str, name: str) -> Mapping[str, Any]:
    """What podman knows of an image or a container."""
    (found,) = json.loads(await podman("inspect", f"--type={kind}", name))
    details: Mapping[str, Any] = found
    return details


@contextlib.asynccontextmanager
async def removed_at_the_end(container: str) -> AsyncIterator[None]:
    """Leave no container of this name behind, whatever happens."""
    try:
        yield
    finally:
        with trio.move_on_after(_CLEANUP, shield=True):
            await attempt("rm", "--force", "--ignore", container)


def hardened(name: str, config: Path) -> Sequence[str]:
    """Options of `podman run`: as little as the exporter can do with.

    Args:
        name: The container's.
        config: The folder with its configuration, which is mounted as a whole.
    """
    return (
        *(f"--name={name}", "--network=host", "--read-only", "--read-only-tmpfs=false"),
        *(f"--memory={MEMORY_LIMIT}m", f"--memory-swap={MEMORY_LIMIT}m", "--pids-limit=64"),
        *("--cap-drop=all", "--security-opt=no-new-privileges"),
        f"--volume={config}:/etc/loxone-exporter:ro",
        *(f"--volume=/dev/null:{shell}:ro" for shell in _SHELLS),
    )


@frozen
class ControlGroup:
    """What the kernel counts of a container's memory, its health checks included."""

    _folder: Path

    @classmethod
    def of(cls, pid: int) -> ControlGroup:
        """That of a process."""
        lines = Path(f"/proc/{pid}/cgroup").read_text(encoding="ascii").splitlines()
        parts = [line.split(":", 2) for line in lines]
        for _, controllers, path in parts:
            if "memory" in controllers.split(","):  # version 1
                return cls(Path("/sys/fs/cgroup/memory" + path))
        return cls(Path("/sys/fs/cgroup" + parts[-1][2]))

    def peak(self) -> float:
        """The most that it ever was, in MiB."""
        return self._mebibytes("memory.peak", "memory.max_usage_in_bytes")

    def limit(self) -> float:
        """The most that it may be, in MiB."""
        return self._mebibytes("memory.max", "memory.limit_in_bytes")

    def _mebibytes(self, *names: str) -> float:
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                return float((self._folder / name).read_text(encoding="ascii")) / 2**20
        raise ContainerError(f"{self._folder} does not tell {names[0]}")
