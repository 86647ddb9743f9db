"""Writes the image's lock files: `python -m tools.lock [--check | --upgrade]`.

They say which release of each package goes into the image, and which files it may be, by their
hashes; the same ones for every architecture. A release that has no wheel for one of them is not
taken, for there is no compiler where the image is built. Needs uv, and a package index.
"""

from __future__ import annotations

import argparse
import difflib
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from attrs import frozen


ROOT: Final = Path(__file__).resolve().parents[1]
DOCKER: Final = ROOT / "deploy" / "docker"
REQUIREMENTS: Final = DOCKER / "requirements.txt"
BUILD_REQUIREMENTS: Final = DOCKER / "build-requirements.txt"

ARCHITECTURES: Final = ("x86_64", "aarch64")

EXTRAS: Final[Sequence[str]] = ()
"""Those of the project's optional dependencies that the image has."""

_NOTE: Final = (
    "# Written by `nox -s lock` from pyproject.toml; "
    "`nox -s lock -- --upgrade` takes newer releases.\n"
)
_C_LIBRARY: Final = "manylinux_2_28"
_PYTHON: Final = re.compile(r"^ARG BASE=python:(\d+\.\d+)-slim$", re.MULTILINE)
_PIN: Final = re.compile(
    r"^([\w.-]+)==(\S+)((?: \\\n +--hash=sha256:[0-9a-f]{64})+)\n", re.MULTILINE
)
_HASH: Final = re.compile(r"sha256:([0-9a-f]+)")


class LockError(Exception):
    """The lock files cannot be made."""


@frozen
class Pin:
    """One release in a lock file.

    Attributes:
        name: Of the package, normalised.
        version: Of the release.
        hashes: SHA-256 of each of its files, in hexadecimal digits.
    """

    name: str
    version: str
    hashes: frozenset[str]


def read_pins(path: Path) -> list[Pin]:
    """What a lock file says.

    Raises:
        LockError: Something in it is not understood.
    """
    text = path.read_text(encoding="utf-8")
    if rest := [line for line in _PIN.sub("", text).splitlines() if not line.startswith("#")]:
        raise LockError(f"{path}: not a pinned release with its hashes: {rest[0]}")
    return [
        Pin(name, version, frozenset(_HASH.findall(hashes)))
        for name, version, hashes in _PIN.findall(text)
    ]


def wanted(pyproject: Path = ROOT / "pyproject.toml") -> dict[Path, list[str]]:
    """What each lock file has to bring, as pyproject.toml asks for it."""
    document: dict[str, Any] = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    project = document["project"]
    extras = [need for extra in EXTRAS for need in project["optional-dependencies"][extra]]
    return {
        REQUIREMENTS: [*project["dependencies"], *extras],
        BUILD_REQUIREMENTS: document["build-system"]["requires"],
    }


def python_version() -> str:
    """The image's Python, as `3.13`.

    Raises:
        LockError: The Dockerfile does not say it.
    """
    found = _PYTHON.search((DOCKER / "Dockerfile").read_text(encoding="utf-8"))
    if found is None:
        raise LockError("deploy/docker/Dockerfile: no line `ARG BASE=python:VERSION-slim`")
    return found[1]


def resolve(needs: Sequence[str], lock: Path, *, upgrade: bool) -> str:
    """Find the releases that fulfil some needs; those that are locked stay, where they can.

    Args:
        needs: Requirements, as in pyproject.toml.
        lock: Where releases are locked now; it need not exist, and is left as it is.
        upgrade: Take the newest ones.

    Returns:
        The text of the new lock file.

    Raises:
        LockError: There are none, or others for each architecture.
    """
    found = {name: _resolve_for(name, needs, lock, upgrade=upgrade) for name in ARCHITECTURES}
    first = found[ARCHITECTURES[0]]
    for architecture, text in found.items():
        if text != first:
            raise LockError(f"{architecture} and {ARCHITECTURES[0]} need different packages")
    return _NOTE + first


def _resolve_for(architecture: str, needs: Sequence[str], lock: Path, *, upgrade: bool) -> str:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, lock.name)
        if lock.exists():
            output.write_bytes(lock.read_bytes())
        command = [
            *(sys.executable, "-m", "uv", "pip", "compile", "-", f"--output-file={output}"),
            *("--quiet", "--no-header", "--no-annotate", "--generate-hashes"),
            # Otherwise it would fetch such a Python, although nothing is to be built.
            *("--no-python-downloads", f"--python={sys.executable}"),
            *(f"--python-version={python_version()}", "--only-binary=:all:"),
            f"--python-platform={architecture}-{_C_LIBRARY}",
            *(["--upgrade"] if upgrade else []),
        ]
        asked = "\n".join(needs)
        done = subprocess.run(  # noqa: S603  # our own command
            command, input=asked, stderr=subprocess.PIPE, text=True, cwd=ROOT, check=False
        )
        if done.returncode != 0:
            raise LockError(f"{lock.name} for {architecture}: {done.stderr.strip()}")
        return output.read_text(encoding="utf-8")


def _difference(lock: Path, text: str) -> Iterator[str]:
    old = lock.read_text(encoding="utf-8").splitlines() if lock.exists() else []
    return difflib.unified_diff(old, text.splitlines(), f"{lock.name}", "needed", lineterm="", n=0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the lock files; 1 where they differ, or cannot be made."""
    parser = argparse.ArgumentParser(prog="python -m tools.lock", description=__doc__)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="only say whether they are in step")
    what.add_argument("--upgrade", action="store_true", help="take the newest releases")
    options = parser.parse_args(arguments)
    try:
        texts = {
            lock: resolve(needs, lock, upgrade=options.upgrade) for lock, needs in wanted().items()
        }
    except LockError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    differences = [line for lock, text in texts.items() for line in _difference(lock, text)]
    if options.check:
        if differences:
            sys.stderr.write("\n".join([*differences, "not in step: run `nox -s lock`", ""]))
        return int(bool(differences))
    for lock, text in texts.items():
        lock.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
