"""Writes the image's bill of materials: `python -m tools.sbom FILE`, in CycloneDX's JSON.

It is made from the lock file, whatever is installed here. Needs cyclonedx-py.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.lock import REQUIREMENTS, ROOT, Pin, read_pins


def write(path: Path) -> None:
    """Have it written, and held against CycloneDX's schema."""
    command = [
        *(sys.executable, "-W", "ignore::UserWarning:cyclonedx", "-m", "cyclonedx_py"),
        *("requirements", str(REQUIREMENTS), "--pyproject", str(ROOT / "pyproject.toml")),
        *("--mc-type", "application", "--output-reproducible", "--validate"),
        *("--output-format", "JSON", "--output-file", str(path)),
    ]
    subprocess.run(command, check=True)  # noqa: S603  # our own command


def pins_of(document: Mapping[str, Any]) -> list[Pin]:
    """The releases that a bill of materials lists."""
    return [
        Pin(
            component["name"],
            component["purl"].partition("@")[2],
            frozenset(
                digest["content"]
                for reference in component["externalReferences"]
                for digest in reference["hashes"]
            ),
        )
        for component in document["components"]
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write and check it; 1 where it does not say what the lock file says."""
    parser = argparse.ArgumentParser(prog="python -m tools.sbom", description=__doc__)
    parser.add_argument("file", type=Path, metavar="FILE")
    path: Path = parser.parse_args(arguments).file
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path)
    listed = pins_of(json.loads(path.read_text(encoding="utf-8")))
    locked = read_pins(REQUIREMENTS)
    if sorted(listed, key=str) != sorted(locked, key=str):
        different = {pin.name for pin in {*listed} ^ {*locked}}
        sys.stderr.write(f"{path} is not what is locked: {', '.join(sorted(different))}\n")
        return 1
    sys.stdout.write(f"{path}: {len(listed)} packages\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
