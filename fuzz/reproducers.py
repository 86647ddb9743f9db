"""Findings as files, which `python -m fuzz --replay FILE` plays."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from fuzz.cases import Finding, Mode


class ReproducerError(Exception):
    """A file is no reproducer."""


@frozen
class Reproducer:
    """What was tried when something was found.

    Attributes:
        mode: Its name.
        cases: One, or several where none of them does it alone.
        signature: What was found.
    """

    mode: str
    cases: Sequence[Any]
    signature: str = ""


def store(
    folder: Path, mode: Mode[Any], cases: Sequence[Any], finding: Finding, origin: str
) -> Path:
    """Write a reproducer, under a name that tells what was found.

    Args:
        folder: Where; made if it is not there.
        mode: What it is a reproducer for.
        cases: What to try.
        finding: What comes of it.
        origin: Where the cases are from.
    """
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        "mode": mode.name,
        "finding": finding.signature,
        "title": finding.title,
        "details": finding.details.splitlines(),
        "origin": origin,
        "cases": [mode.write(case) for case in cases],
    }
    words = re.sub(r"[^a-z0-9]+", "-", finding.signature.lower())[:60].strip("-")
    path = folder / f"{mode.name}-{words}.json"
    text = json.dumps(document, indent=1, ensure_ascii=True)
    path.write_text(text + "\n", encoding="ascii")
    return path


def load(path: Path, modes: Mapping[str, Mode[Any]]) -> Reproducer:
    """Read a reproducer.

    Raises:
        ReproducerError: It cannot be read, or is none.
    """
    try:
        document = json.loads(path.read_text(encoding="ascii"))
        mode = modes[document["mode"]]
        cases = [mode.read(case) for case in document["cases"]]
        return Reproducer(mode.name, cases, document["finding"])
    except OSError as error:
        raise ReproducerError(f"{path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ReproducerError(f"{path} is no reproducer: {error!r}") from error
