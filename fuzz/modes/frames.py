"""A whole exporter's session with a Miniserver whose bytes are changed, in simulated time."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, Final

from attrs import asdict, define, evolve

from fuzz.cases import Finding, Kind
from fuzz.determinism import run_simulated
from fuzz.house import number_of_controls
from fuzz.trial import STORM, FramesCase, Trial
from fuzz.watch import MEBIBYTE, peak_memory, watching
from fuzz.wire.scrambler import LAYERS, Change
from loxone_exporter.config.model import TlsMode
from loxone_exporter.simulator.fault_values import SWITCH
from loxone_exporter.simulator.faults import all_faults
from loxone_exporter.simulator.profiles import PROFILES


MEMORY_DUE: Final = 112 * MEBIBYTE
"""Bytes that a session may take for a while: a message of 16 MiB, on both sides of the network, in
as many copies as the libraries make."""

FAULTS: Final = tuple(
    fault.attribute
    for fault in all_faults().values()
    if fault.form is SWITCH and not fault.only_from_start
)

_TLS: Final[Sequence[tuple[TlsMode, bool]]] = (
    ("off", False),
    ("auto", False),
    ("auto", True),
    ("required", True),
)
_PACES: Final = (4.0, 30.0, 80.0)
"""Seconds between two changes of all states: bytes are a sign of life, and few are less of one."""

_OLD_PROFILES: Final = tuple(name for name in PROFILES if name.startswith("gen1"))
_OPTIONS: Final = ("text_values", "uuid_label", "optional_quantities", "weather_forecast")


@define(eq=False)
class FramesMode:
    """See the module."""

    name: str = "frames"
    what: str = "whole sessions with a Miniserver whose bytes are changed, in simulated time"
    share: float = 4.0
    batch: int = 1
    limit: float = 60.0

    def draw(self, chance: Random) -> FramesCase:
        """Make up a session."""
        tls, has_tls = chance.choices(_TLS, (16, 2, 2, 1))[0]
        layers = ("answer", "stream") if has_tls else tuple(LAYERS)
        count = 1 + min(int(chance.expovariate(0.6)), 11)
        every = number_of_controls()
        odds = dict.fromkeys(_OPTIONS, 1 / 3) | {"weather_forecast": 1 / 20}
        return FramesCase(
            seed=chance.randrange(2**32),
            profile=chance.choice(_OLD_PROFILES),
            controls=tuple(chance.sample(range(every), chance.choice((1, 4, 8)))),
            options=tuple(option for option in odds if chance.random() < odds[option]),
            faults=tuple(chance.sample(FAULTS, chance.choice((0, 0, 0, 1, 2)))),
            tls=tls,
            has_tls=has_tls,
            has_serial=chance.random() < 3 / 4,
            pace=chance.choices(_PACES, (1, 6, 2))[0],
            token_life=chance.choice((2_000_000.0, 2_000_000.0, 150.0)),
            stop_after=chance.uniform(0, STORM) if chance.random() < 1 / 6 else None,
            changes=tuple(Change.draw(chance, layers) for _ in range(count)),
        )

    def try_out(self, cases: Sequence[FramesCase]) -> list[Finding]:
        """Have the sessions, one after the other."""
        return [finding for case in cases for finding in _try(case)]

    def smaller(self, case: FramesCase) -> Iterator[FramesCase]:
        """The same with a change less, a smaller house, or without options."""
        if len(case.changes) > 2:
            half = len(case.changes) // 2
            yield evolve(case, changes=case.changes[:half])
            yield evolve(case, changes=case.changes[half:])
        for place in range(len(case.changes)):
            yield evolve(case, changes=case.changes[:place] + case.changes[place + 1 :])
        if case.faults:
            yield evolve(case, faults=())
        if case.options:
            yield evolve(case, options=())
        for place in range(len(case.controls)):
            yield evolve(case, controls=case.controls[:place] + case.controls[place + 1 :])

    def write(self, case: FramesCase) -> Any:  # noqa: ANN401  # any JSON
        """A case as JSON."""
        changes = [change.write() for change in case.changes]
        return {**asdict(case, recurse=False), "changes": changes}

    def read(self, document: Any) -> FramesCase:  # noqa: ANN401  # any JSON
        """The other way round."""
        fields = {
            **document,
            "controls": tuple(document["controls"]),
            "options": tuple(document["options"]),
            "faults": tuple(document["faults"]),
            "changes": tuple(Change(*change) for change in document["changes"]),
        }
        return FramesCase(**fields)


def _try(case: FramesCase) -> list[Finding]:
    trial = Trial(case)
    with watching() as watch, peak_memory() as peak:
        run_simulated(case.seed, trial.run)
    findings = [*trial.findings, *watch.findings(worst=logging.WARNING)]
    findings += watch.secrets(trial.secrets())
    if peak.bytes > MEMORY_DUE:
        findings.append(Finding(Kind.MEMORY, f"{peak.bytes // MEBIBYTE} MiB for one trial"))
    return findings
