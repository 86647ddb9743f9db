"""What a typed family is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import evolve, frozen

from loxone_exporter.config.model import MetricType
from loxone_exporter.units import CURRENCY


PREFIX: Final = "loxone_"

READING: Final = "_reading"
"""How the quantity of a gauge ends whose twin is a counter.

OpenMetrics takes the gauge `x` and the counter `x_total` for one family, so that the two cannot
share the rest of their names.
"""

COUNTED: Final = frozenset({"joules", "cubic_meters"})
"""Base units of what meters count: of whatever quantity, there a gauge is a reading."""

COUNTABLE: Final = COUNTED | {"", "seconds", "meters", "grams", "bytes", CURRENCY}
"""Base units of amounts, which can be counted if somebody says so: no power or temperature can."""


@frozen
class Family:
    """A typed family: one quantity in one base unit.

    Attributes:
        quantity: What it holds: `temperature_target`.
        unit: The base unit in the name, as `celsius`; empty for what is 0 or 1, or a mere number.
        type: Gauge or counter.
        help: For HELP.
    """

    quantity: str
    unit: str
    type: MetricType
    help: str

    @property
    def name(self) -> str:
        """The family's name, without the `_total` that the samples of a counter end with."""
        return PREFIX + self.quantity + (f"_{self.unit}" if self.unit else "")

    @property
    def sample_name(self) -> str:
        """What its samples are called."""
        return f"{self.name}_total" if self.type == "counter" else self.name

    @property
    def key(self) -> str:
        """How tables refer to it: the name of its samples without the prefix."""
        return self.sample_name.removeprefix(PREFIX)

    @property
    def metadata_unit(self) -> str:
        """What `# UNIT` says (OpenMetrics 1.0): a time is in seconds like a duration."""
        return self.unit.removeprefix("timestamp_")

    def of_currency(self, code: str) -> Family:
        """The family of one currency, as `eur`; the same where it has nothing to do with money."""
        return evolve(self, unit=self.unit.replace(CURRENCY, code))


def gauges(unit: str, texts: Mapping[str, str]) -> list[Family]:
    """Gauges in one unit.

    Args:
        unit: The base unit.
        texts: HELP by quantity.
    """
    return [Family(quantity, unit, "gauge", text) for quantity, text in texts.items()]


def counters(unit: str, texts: Mapping[str, str]) -> list[Family]:
    """Counters in one unit, each with a gauge for readings that need not be monotonic."""
    totals = [Family(quantity, unit, "counter", text) for quantity, text in texts.items()]
    readings = {
        quantity
        + READING: f"A number like loxone_{quantity}_{unit}_total that may fall, or of which "
        "nobody knows that it only grows."
        for quantity in texts
    }
    return totals + gauges(unit, readings)
