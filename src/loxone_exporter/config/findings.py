"""What is wrong with a configuration, where, and what is expected instead."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeAlias

from attrs import frozen

from loxone_exporter.errors import ExporterError


KeyPath: TypeAlias = tuple[str | int, ...]
"""Where in the document: keys of tables and indexes of arrays, from the outside in."""

Problem: TypeAlias = tuple[KeyPath, str]
"""What is wrong at a place of the document, before it is known who wrote that place."""

ENVIRONMENT = "environment"
"""The source of a finding that is about an environment variable."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


@frozen
class Finding:
    """One thing to mend, or for a warning, to consider.

    A finding never shows a secret.

    Attributes:
        source: The file, or "environment"; empty where neither says anything.
        path: The key path in the file, or the environment variable; empty for the whole source.
        message: What is wrong and what is expected.
    """

    source: str
    path: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.source, self.path, self.message) if part)


class ConfigurationError(ExporterError):
    """A configuration that cannot be used; its text is all findings, one a line.

    Attributes:
        findings: Everything that is wrong, not only the first of it.
    """

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(str(finding) for finding in self.findings))


def format_path(path: KeyPath) -> str:
    """A key path as its owner would write it: `miniservers[0].host`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if _BARE_KEY.fullmatch(part) else repr(part))
    return text
