"""What the image is, and what is in it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from container.findings import Findings, say
from container.podman import inspect, podman


HEALTHCHECK: Final = ("loxone-exporter", "health")

_LABELS: Final = {"version": "VERSION", "revision": "COMMIT", "created": "BUILD_DATE"}
_FIXED_LABELS: Final = {
    "title": "loxone-exporter",
    "description": "Prometheus exporter for Loxone Miniservers",
    "licenses": "MIT",
}
_NUMERIC_USER: Final = re.compile(r"[1-9]\d*:[1-9]\d*")

# What installs or compiles; pycryptodome would also import cffi, if it were there.
_UNWANTED: Final = re.compile(
    r"(^|/)(pip\d?(\.\d+)?|ensurepip|cffi|setuptools)(-[\d.]+\.dist-info)?$"
    r"|/bin/([\w-]+-)?(gcc|g\+\+|cc|ld|make)(-\d+)?$"
)

# Modules that had to be compiled, for there is no byte code of them.
_COMPILED_AT_START: Final = """
import json, os, sys, encodings.idna, loxone_exporter.app, loxone_exporter.cli
specs = [getattr(module, "__spec__", None) for module in sys.modules.values()]
names = [spec.name for spec in specs if spec and spec.cached and not os.path.exists(spec.cached)]
print(json.dumps(names))
"""


async def examine(image: str, built_from: Mapping[str, str], findings: Findings) -> None:
    """Look at an image.

    Args:
        image: Its name.
        built_from: The build arguments that it was given.
        findings: What is found is noted there.
    """
    details = await inspect("image", image)
    config: Mapping[str, Any] = details["Config"]
    user = config.get("User", "")
    findings.true("its user is a number other than 0", bool(_NUMERIC_USER.fullmatch(user)), user)
    findings.equal("entry point", ["loxone-exporter"], config["Entrypoint"])
    findings.equal("command", ["run"], config["Cmd"])
    # docker has it in the image's configuration, podman beside it.
    healthcheck = details.get("Healthcheck") or config.get("Healthcheck") or {}
    findings.equal("health check", ["CMD", *HEALTHCHECK], healthcheck.get("Test"))
    interval, timeout = (healthcheck.get(name, 0) / 1e9 for name in ("Interval", "Timeout"))
    findings.equal("its interval and time limit, in seconds", (30.0, 10.0), (interval, timeout))
    expected = {label: built_from[argument] for label, argument in _LABELS.items()} | _FIXED_LABELS
    labels = {name: config["Labels"].get(f"org.opencontainers.image.{name}") for name in expected}
    findings.equal("labels", expected, labels)
    unwanted = [name for name in await _names(image) if _UNWANTED.search(name)]
    findings.equal("neither pip nor a compiler, nor cffi, is in it", [], unwanted)
    command = ("run", "--rm", "--read-only", "--entrypoint=python", image, "-c", _COMPILED_AT_START)
    findings.equal("no module is compiled at the start", [], json.loads(await podman(*command)))
    say(f"  its size: {details['Size'] / 2**20:.1f} MiB")


async def _names(image: str) -> list[str]:
    root = Path((await podman("image", "mount", image)).strip())
    names = _names_below(root)
    await podman("image", "unmount", image)
    return names


def _names_below(root: Path) -> list[str]:
    return [
        os.path.relpath(os.path.join(folder, name), root)  # noqa: PTH118  # there are thousands
        for folder, folders, files in os.walk(root)
        for name in (*folders, *files)
    ]
