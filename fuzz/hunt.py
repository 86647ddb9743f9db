"""Trying one mode's cases for a while, and pinning down what is found."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, Final

from attrs import define, field

from fuzz.cases import Finding, Kind, Mode, exception_finding
from fuzz.reproducers import store
from fuzz.watch import MEBIBYTE, TimeIsUp, alarm, live_objects, resident_memory


PARTS: Final = 3
"""In each part of the time but the first one, as much has to be left behind for it to be a leak:
caches are filled, and modules imported, once."""

BATCHES_OF_A_PART: Final = 10
"""Batches that it takes at least."""

OBJECTS_SPARED: Final = 2000
"""Objects that may be left behind in a part, however many cases there were: bounded caches."""

MEMORY_SPARED: Final = 24 * MEBIBYTE
"""Likewise bytes: what was freed is not always given back."""

PINNING: Final = 10.0
"""Seconds for pinning one finding down, at most, and at most as long as the hunt itself."""


@define
class Tally:
    """How a mode fared.

    Attributes:
        mode: Its name.
        cases: How many were tried.
        seconds: For how long.
        findings: How often each was made, by signature.
        kinds: How many different ones there were, by kind.
        files: The reproducers that were written.
    """

    mode: str
    cases: int = 0
    seconds: float = 0.0
    findings: Counter[str] = field(factory=Counter)
    kinds: Counter[Kind] = field(factory=Counter)
    files: list[Path] = field(factory=list)


@define
class Hunt:
    """A hunt in one mode.

    Attributes:
        tally: What came of it so far.
    """

    _mode: Mode[Any]
    _seed: str
    _folder: Path
    _say: Callable[[str], None]
    tally: Tally = field(init=False)
    _pinning: float = PINNING

    def __attrs_post_init__(self) -> None:
        self.tally = Tally(self._mode.name)

    def run(self, seconds: float) -> None:
        """Try cases for so long; the last batch is brought to its end."""
        started = time.monotonic()
        self._pinning = min(seconds, PINNING)
        used = []
        for part in range(PARTS):
            batches = 0
            while time.monotonic() < started + seconds * (part + 1) / PARTS:
                self._try_next()
                batches += 1
                self.tally.seconds = time.monotonic() - started
            if batches >= BATCHES_OF_A_PART:
                used.append((live_objects(), resident_memory()))
        if len(used) == PARTS:
            self._look_for_leaks(used)

    def _try_next(self) -> None:
        first, mode = self.tally.cases, self._mode
        cases = [
            mode.draw(Random(f"{self._seed}:{mode.name}:{number}"))
            for number in range(first, first + mode.batch)
        ]
        self.tally.cases += mode.batch
        fresh: dict[str, Finding] = {}
        for finding in observe(mode, cases):
            if finding.signature not in self.tally.findings:
                fresh.setdefault(finding.signature, finding)
            self.tally.findings[finding.signature] += 1
        origin = f"seed {self._seed}, case {first}"
        for finding in fresh.values():
            self._note(finding, pin_down(mode, cases, finding, self._pinning), origin)

    def _note(self, finding: Finding, cases: Sequence[Any], origin: str) -> None:
        self.tally.kinds[finding.kind] += 1
        path = store(self._folder, self._mode, cases, finding, origin)
        self.tally.files.append(path)
        self._say(f"{self._mode.name}: {finding.kind}: {finding.title} ({path})")

    def _look_for_leaks(self, used: Sequence[tuple[int, int]]) -> None:
        """See that no part of the time leaves behind what the one before did not have.

        Args:
            used: Objects and bytes of memory at the end of each.
        """
        grown = [(more[0] - less[0], more[1] - less[1]) for less, more in pairwise(used)]
        objects, memory = (min(steps) for steps in zip(*grown, strict=True))
        if objects > OBJECTS_SPARED:
            self._leak(f"{objects} objects are left behind, again and again")
        if memory > MEMORY_SPARED:
            self._leak(f"{memory // MEBIBYTE} MiB are left behind, again and again")

    def _leak(self, title: str) -> None:
        finding = Finding(Kind.LEAK, title)
        self.tally.findings[finding.signature] += 1
        self.tally.kinds[Kind.LEAK] += 1
        self._say(f"{self._mode.name}: {finding.kind}: {title}")


def observe(mode: Mode[Any], cases: Sequence[Any]) -> list[Finding]:
    """Try some cases; what hangs or breaks is a finding as well."""
    findings: list[Finding] = []
    try:
        with alarm(mode.limit):
            findings += mode.try_out(cases)
    except* TimeIsUp as group:
        findings.append(exception_finding(Kind.HANG, group))
    except* Exception as group:  # noqa: BLE001  # nothing that a case does ends the hunt
        findings.append(exception_finding(Kind.BUG, group))
    return findings


def pin_down(
    mode: Mode[Any], cases: Sequence[Any], finding: Finding, seconds: float
) -> Sequence[Any]:
    """Find the case among several that does it, and make it as simple as can be in that time.

    Where it takes several, or does not happen each time, more of them are kept.
    """
    deadline = time.monotonic() + seconds

    def do_it(suspects: Sequence[Any]) -> bool:
        return any(found.signature == finding.signature for found in observe(mode, suspects))

    def simpler_ones() -> Iterator[Sequence[Any]]:
        if len(cases) > 1:
            middle = len(cases) // 2
            yield from (cases[:middle], cases[middle:])
        else:
            yield from ([simpler] for simpler in mode.smaller(cases[0]))

    is_simplest = False
    while not is_simplest:
        is_simplest = True
        for simpler in simpler_ones():
            if time.monotonic() > deadline:
                return cases
            if do_it(simpler):
                cases, is_simplest = simpler, False
                break
    return cases
