"""The names of codes and bits, typed by hand in data/named-states.txt."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from attrs import frozen


_FILE = Path(__file__).resolve().parents[1] / "data" / "named-states.txt"


@frozen
class NamedState:
    """One row of the table.

    Attributes:
        family: What its samples are called.
        is_bits: Whether several names may hold at once.
        is_optional: Whether it is served on request only.
        names: By code, or by the value of the bit.
    """

    family: str
    is_bits: bool
    is_optional: bool
    names: Mapping[int, str]

    def samples(self, sent: float) -> dict[str, float]:
        """The samples by the label `state`, where this was sent."""
        number = int(sent)
        holding = {number} if number in self.names or not self.is_bits else set()
        if self.is_bits and number not in self.names:
            holding = {bit for bit in self.names if number & bit}
        return {name: float(code in holding) for code, name in self.names.items()}


def _read() -> dict[str, NamedState]:
    table = {}
    text = re.sub(r"^#.*\n", "", _FILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for block in text.strip().split("\n\n"):
        heading, *lines = block.splitlines()
        state, family, kind, *optional = heading.split()
        names = dict(line.split() for line in lines)
        table[state] = NamedState(
            family=family,
            is_bits=kind == "bits",
            is_optional=optional == ["optional"],
            names={int(code): name for code, name in names.items()},
        )
    return table


NAMED_STATES: Final[Mapping[str, NamedState]] = _read()
"""By type and state; `#` stands for the digits that a state's name ends with."""


def find_named_state(control_type: str, subcontrol: str) -> NamedState | None:
    """The row of a state, by its labels."""
    name = subcontrol.rpartition("/")[2].partition("[")[0]
    key = f"{control_type}.{name}"
    return NAMED_STATES.get(key) or NAMED_STATES.get(re.sub(r"\d+$", "#", key))
