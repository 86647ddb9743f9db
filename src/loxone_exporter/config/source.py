"""A configuration that can be read anew while the process runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from attrs import define, field, frozen

from loxone_exporter.config.files import Print, print_of
from loxone_exporter.config.findings import ConfigurationError
from loxone_exporter.config.load import Loaded


@frozen
class Reading:
    """What came of reading a configuration.

    Attributes:
        print: The file's, right before it was read.
        outcome: The configuration, or everything that is wrong with it.
    """

    print: Print
    outcome: Loaded | ConfigurationError


@define(eq=False)
class ConfigSource:
    """Where a configuration comes from.

    Attributes:
        path: The file; None if the environment alone makes the configuration.
    """

    path: Path | None
    _read: Callable[[], Loaded]
    _taken_print: Print = field(init=False, default=None)

    def load(self) -> Loaded:
        """Read the configuration, and take note of what was read.

        Raises:
            ConfigurationError: With every finding.
        """
        reading = self.read()
        self.take(reading)
        if isinstance(reading.outcome, ConfigurationError):
            raise reading.outcome
        return reading.outcome

    def read(self) -> Reading:
        """Read it only; whoever gives up waiting for that has not seen it."""
        # Before reading: what is written meanwhile must not be missed.
        seen = self.print()
        try:
            return Reading(seen, self._read())
        except ConfigurationError as error:
            return Reading(seen, error)

    def take(self, reading: Reading) -> None:
        """Take note of what was read, good or bad."""
        self._taken_print = reading.print

    def has_changed(self) -> bool:
        """Whether the file is another one than was taken note of last."""
        return self.print() != self._taken_print

    def print(self) -> Print:
        """That of the present file; None where there is none."""
        return None if self.path is None else print_of(self.path)
