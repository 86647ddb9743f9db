"""The image's lock files, and what else of deploy/docker can be seen without building it.

That they are what uv makes of pyproject.toml is checked by `nox -s deployment`.
"""

from __future__ import annotations

import fnmatch
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import noxfile
from tools.lock import (
    ARCHITECTURES,
    BUILD_REQUIREMENTS,
    DOCKER,
    REQUIREMENTS,
    ROOT,
    LockError,
    Pin,
    python_version,
    read_pins,
    wanted,
)
from tools.sbom import pins_of


LOCKS = (REQUIREMENTS, BUILD_REQUIREMENTS)
DOCKERFILE = (DOCKER / "Dockerfile").read_text(encoding="utf-8")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_what_pyproject_asks_for_is_locked(lock: Path) -> None:
    pins = {pin.name: pin for pin in read_pins(lock)}
    for text in wanted()[lock]:
        requirement = Requirement(text)
        pin = pins[canonicalize_name(requirement.name)]
        assert pin.version in requirement.specifier, text


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_each_release_has_its_hashes(lock: Path) -> None:
    pins = read_pins(lock)
    assert pins
    assert len(pins) == len({pin.name for pin in pins})
    assert all(pin.hashes for pin in pins)


def test_pycryptodome_finds_no_cffi() -> None:
    # It would import it, and 2.5 MB with it.
    assert "cffi" not in {pin.name for pin in read_pins(REQUIREMENTS)}


@pytest.mark.parametrize(
    "line",
    ["h11==0.16.0\n", "h11>=0.14 \\\n    --hash=sha256:" + "0" * 64 + "\n", "--index-url x\n"],
)
def test_what_is_not_pinned_by_its_hashes_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text(REQUIREMENTS.read_text(encoding="utf-8") + line, encoding="utf-8")
    with pytest.raises(LockError, match="not a pinned release"):
        read_pins(path)


def test_the_bill_of_materials_is_read_as_it_is_written() -> None:
    component = {
        "name": "h11",
        "purl": "pkg:pypi/h11@0.16.0",
        "externalReferences": [{"hashes": [{"alg": "SHA-256", "content": "ab"}]}],
    }
    assert [Pin("h11", "0.16.0", frozenset({"ab"}))] == pins_of({"components": [component]})


def test_wheels_are_looked_for_as_the_image_needs_them() -> None:
    assert noxfile.PYTHON_OF_THE_IMAGE == python_version()
    assert noxfile.ARCHITECTURES == ARCHITECTURES


def test_both_stages_start_from_what_the_builder_says() -> None:
    assert ["${BASE} AS build", "${BASE}"] == re.findall(r"^FROM (.*)$", DOCKERFILE, re.MULTILINE)


def test_what_is_copied_is_not_ignored() -> None:
    patterns = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    assert "*" in patterns
    copied = [
        source
        for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
        for source in line.split()
    ]
    assert "src" in copied
    for source in copied:
        assert (ROOT / source).exists()
        assert any(fnmatch.fnmatch(source, pattern) for pattern in allowed), source
