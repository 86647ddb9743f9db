"""Readers of bytes, one by one and without a network: many cases in a short time."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, Final

from attrs import define, frozen

from fuzz.cases import Finding, Kind, exception_finding
from fuzz.targets import TARGETS
from fuzz.watch import MEBIBYTE, peak_memory, watching


READ_DUE: Final = 3.0
"""Seconds of computing that one reader may take for one case."""

MEMORY_DUE: Final = 160 * MEBIBYTE
"""Bytes that a batch may take for a while: JSON of a few megabytes makes a hundred of them."""

_WEIGHTS: Final = {"structures": 6, "configuration": 2}
"""How often a reader has its turn, where it is more often than once in a round."""

_SIMPLER: Final = 24
"""Into how many parts bytes are cut, to see which of them are needed."""


@frozen
class PureCase:
    """Bytes for one reader."""

    target: str
    data: bytes


@define(eq=False)
class PureMode:
    """See the module."""

    name: str = "pure"
    what: str = "decoders, the structure file, scrapes, configurations, headers, one by one"
    share: float = 2.0
    batch: int = 20
    limit: float = 120.0

    def draw(self, chance: Random) -> PureCase:
        """Make up bytes for one of the readers."""
        names = list(TARGETS)
        weights = [_WEIGHTS.get(name, 1) for name in names]
        target = TARGETS[chance.choices(names, weights)[0]]
        return PureCase(target.name, target.draw(chance))

    def try_out(self, cases: Sequence[PureCase]) -> list[Finding]:
        """Have them read."""
        findings: list[Finding] = []
        with watching() as watch, peak_memory() as peak:
            for case in cases:
                findings += _read(case)
        findings += watch.findings(worst=logging.WARNING)
        if peak.bytes > MEMORY_DUE:
            findings.append(Finding(Kind.MEMORY, f"{peak.bytes // MEBIBYTE} MiB for a few bytes"))
        return findings

    def smaller(self, case: PureCase) -> Iterator[PureCase]:
        """The same with some of the bytes left out."""
        data, parts = case.data, 2
        while parts <= min(_SIMPLER, len(data)):
            size = -(-len(data) // parts)
            for start in range(0, len(data), size):
                yield PureCase(case.target, data[:start] + data[start + size :])
            parts *= 2

    def write(self, case: PureCase) -> Any:  # noqa: ANN401  # any JSON
        """A case as JSON; bytes as characters of the same numbers."""
        return {"target": case.target, "data": case.data.decode("latin-1")}

    def read(self, document: Any) -> PureCase:  # noqa: ANN401  # any JSON
        """The other way round."""
        return PureCase(document["target"], document["data"].encode("latin-1"))


def _read(case: PureCase) -> Iterator[Finding]:
    started = time.thread_time()
    try:
        yield from TARGETS[case.target].read(case.data)
    except Exception as error:  # noqa: BLE001  # whatever is not foreseen is what is sought
        yield exception_finding(Kind.BUG, error)
    seconds = time.thread_time() - started
    if seconds > READ_DUE:
        yield Finding(Kind.HANG, f"{case.target} takes {seconds:.1f} s")
