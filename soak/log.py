"""The exporter's log, read to its end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from attrs import frozen


Expected: TypeAlias = Callable[[Mapping[str, Any]], bool]
"""Whether an entry of level error or above is nothing to complain about."""

_BAD_LEVELS: Final = frozenset({"error", "critical"})
_SHOWN: Final = 300


@frozen
class Log:
    """What is in a log.

    Attributes:
        lines: How many lines.
        complaints: Lines that should not be there: errors, and what is no line of a log at all.
        leaks: Lines that hold a secret, without it.
    """

    lines: int
    complaints: tuple[str, ...]
    leaks: tuple[str, ...]


def read_log(path: Path, secrets: Iterable[str], *, is_expected: Expected) -> Log:
    """Read a log.

    Args:
        path: The file, of JSON lines.
        secrets: What must not be in it.
        is_expected: Whether an error in it is nothing to complain about.
    """
    known = [secret for secret in secrets if secret]
    text = path.read_text(encoding="utf-8", errors="replace")
    lines = text.splitlines()
    leaks = [
        f"line {number} of the log"
        for number, line in enumerate(lines, 1)
        if any(secret in line for secret in known)
    ]
    return Log(len(lines), tuple(_complaints(lines, is_expected)), tuple(leaks))


def _complaints(lines: Iterable[str], is_expected: Expected) -> Iterator[str]:
    for line in lines:
        try:
            entry = json.loads(line)
            is_bad = entry["level"] in _BAD_LEVELS or "traceback" in entry
        except (ValueError, TypeError, KeyError):
            yield f"no log line: {line[:_SHOWN]}"
            continue
        if is_bad and not is_expected(entry):
            yield line[:_SHOWN]
