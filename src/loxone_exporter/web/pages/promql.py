"""PromQL that selects series."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from loxone_exporter.metrics.series import LABELS


_LONGEST_SHORT: Final = 0xFFFF
"""The last character whose number has four digits."""


def matchers(labels: Mapping[str, str]) -> str:
    """What selects, behind the name of a metric, the series of these labels.

    Args:
        labels: All of them or some; an empty one selects series without that label.
    """
    order = [name for name in LABELS if name in labels]
    order += sorted(labels.keys() - set(LABELS))
    return f"{{{','.join(f'{name}={quote(labels[name])}' for name in order)}}}"


def quote(text: str) -> str:
    """A string of PromQL.

    What cannot be seen, or changes how its neighbours are seen, is written as its number: nobody
    should copy anything else than what is on the screen.
    """
    escaped = text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    if not escaped.isprintable():
        escaped = "".join(map(_visible, escaped))
    return f'"{escaped}"'


def _visible(character: str) -> str:
    if character.isprintable():
        return character
    number = ord(character)
    return f"\\u{number:04x}" if number <= _LONGEST_SHORT else f"\\U{number:08x}"
