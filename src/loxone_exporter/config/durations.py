"""Durations as people write them: `500ms`, `30s`, `5m`, `1h`."""

from __future__ import annotations

import math
import re
from decimal import Decimal


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)(?P<unit>ms|s|m|h)")
_NEVER = "never"


def parse_duration(text: str, *, never: bool = False) -> float:
    """Seconds of a duration such as `30s` or `1.5h`.

    Args:
        text: A number with one of the units ms, s, m, h; no sign, no space.
        never: Whether `never` is allowed too; it is `math.inf`.

    Raises:
        ValueError: Anything else; the text says what is expected.
    """
    if never and text == _NEVER:
        return math.inf
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"expected {describe_durations(never=never)}")
    seconds = float(match["number"]) * _UNITS[match["unit"]]
    if not math.isfinite(seconds):
        raise ValueError("expected a shorter duration")
    return seconds


def format_duration(seconds: float) -> str:
    """The duration in its largest unit that needs no decimals; `parse_duration` reads it back."""
    if math.isinf(seconds):
        return _NEVER
    for unit, factor in reversed(_UNITS.items()):
        number = round(seconds / factor)
        if number and number * factor == seconds:
            return f"{number}{unit}"
    return f"{Decimal(repr(seconds)).normalize():f}s"


def describe_durations(*, never: bool) -> str:
    """What may be written, as part of an error text."""
    examples = '"500ms", "30s", "5m", "1h"'
    return f'a duration such as {examples}, or "{_NEVER}"' if never else f"a duration: {examples}"
