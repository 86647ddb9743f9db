"""A configuration that can be read anew while the process runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from attrs import define, field

from loxone_exporter.config.files import Print, print_of
from loxone_exporter.config.load import Loaded


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
        """That of the present file; None where there is none."""
        return None if self.path is None else print_of(self.path)
