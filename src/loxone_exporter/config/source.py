"""A configuration that can be read anew while the process runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from attrs import define, field

from loxone_exporter.config.load import Loaded


Print: TypeAlias = tuple[int, ...] | None
"""What tells two versions of a file apart without reading them; None of one that is not there."""


@define(eq=False)
class ConfigSource:
    """Where a configuration comes from.

    Attributes:
        path: The file; None if the environment alone makes the configuration.
    """

    path: Path | None
    _read: Callable[[], Loaded]
    _loaded_print: Print = field(init=False, default=None)

    def load(self) -> Loaded:
        """Read the configuration.

        Raises:
            ConfigurationError: With every finding.
        """
        # Before reading: what is written meanwhile must not be missed.
        self._loaded_print = self.print()
        return self._read()

    def has_changed(self) -> bool:
        """Whether the file is another one than was read last, good or bad."""
        return self.print() != self._loaded_print

    def print(self) -> Print:
        """The present file's; symbolic links are followed.

        Kubernetes swaps a link some folders up when a ConfigMap changes; the file under the same
        path is another one then.
        """
        if self.path is None:
            return None
        try:
            found = self.path.stat()
        except (OSError, ValueError):
            return None
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
