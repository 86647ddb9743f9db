"""What was promised, and whether what was seen keeps it: pure functions over the observations."""

from __future__ import annotations

import enum
import math
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from attrs import frozen

from benchmarks.report import format_number
from soak.observations import Observations, Outage, Reading, Rest, Withdrawal
from soak.ordeals import ORDINARY


STOP_LIMIT: Final = 5.0
"""Seconds that a stop may take."""

SCRAPE_LIMIT: Final = 10.0
"""Seconds within which a scrape has to be answered: as long as Prometheus waits."""

RELOAD_LIMIT: Final = 15.0
"""Seconds within which a change of the configuration has to be noticed."""

WITHDRAWAL_LIMIT: Final = 3.0
"""Seconds after `stale_after` within which values have to be gone; a scrape may take some."""

WITHDRAWAL_EARLY: Final = 2.0
"""Seconds before that from which on they may be: the last byte came before the session's end."""

GROWTH_LIMIT: Final = 4.0
"""MB that resident memory may have grown since the process was warm: what allocators keep in one
run and not in another."""

SLOPE_LIMIT: Final = 6.0
"""MB an hour by which it may seem to grow, beyond what chance explains."""

WARM_AFTER: Final = 300.0
"""Seconds after which the process has seen about everything once; a quarter of a shorter run."""

LEAST_FOR_MEMORY: Final = 900.0
"""Seconds of readings of a warm process below which nothing is said about growth: allocators settle
slowly."""

PEAK_LIMIT: Final = 32.0
"""MB that resident memory may ever have above what it has at the first rest: what a crowd of
scrapers and of hostile clients may cost."""

Read: TypeAlias = Callable[[Rest], float | None]
"""Reads a number off a moment of rest; None where it was not told."""

_BLOCKS: Final = 12
_HOUR: Final = 3600.0
_CONFIDENCE: Final = 2.0
_SHOWN: Final = 5


class Verdict(enum.Enum):
    """How what was measured compares with its limit."""

    KEPT = "ok"
    BROKEN = "FAILED"
    NOT_JUDGED = "not judged"


@frozen(kw_only=True)
class Finding:
    """A line of the table.

    Attributes:
        what: What is promised.
        limit: As text.
        measured: Likewise.
        verdict: How the two compare.
        notes: What else is to be said: of a broken promise, where it was broken.
    """

    what: str
    limit: str
    measured: str
    verdict: Verdict
    notes: Sequence[str] = ()


def judge(seen: Observations, *, reloads: bool) -> list[Finding]:
    """Compare everything that was seen with what was promised.

    Args:
        seen: What was seen.
        reloads: Whether the configuration was rewritten.
    """
    return [
        *_about_outages(seen),
        *_about_values(seen),
        *_about_scrapes(seen),
        *(_about_reloads(seen) if reloads else ()),
        *_about_leaks(seen),
        *_about_memory(seen),
        *_about_conduct(seen),
        *_about_the_end(seen),
    ]


def is_failure(findings: Iterable[Finding]) -> bool:
    """Whether a promise was broken."""
    return any(finding.verdict is Verdict.BROKEN for finding in findings)


def _kept(*, is_kept: bool) -> Verdict:
    return Verdict.KEPT if is_kept else Verdict.BROKEN


def _none(what: str, wrong: Sequence[str], among: str = "") -> Finding:
    """Something of which there must be none."""
    return Finding(
        what=what,
        limit="0",
        measured=f"{len(wrong)}{f' of {among}' if among else ''}",
        verdict=_kept(is_kept=not wrong),
        notes=_some(wrong),
    )


def _some(wrong: Sequence[str]) -> list[str]:
    """The commonest of many, and how often each was."""
    counted = Counter(wrong)
    lines = [
        f"{text} ({count} times)" if count > 1 else text
        for text, count in counted.most_common(_SHOWN)
    ]
    return [*lines, *([f"and {len(counted) - _SHOWN} more"] if len(counted) > _SHOWN else [])]


# Outages.


def _about_outages(seen: Observations) -> Iterator[Finding]:
    ordinary = [outage for outage in seen.outages if outage.bound <= ORDINARY.seconds]
    longer = [outage for outage in seen.outages if outage.bound > ORDINARY.seconds]
    yield _recoveries(
        "recovered after a Miniserver's return", f"≤ {ORDINARY.seconds:g} s", ordinary
    )
    yield _recoveries("likewise where longer is meant", "its bound", longer)
    lost = [outage for outage in seen.outages if outage.lost_tokens]
    yield _none(
        "tokens lost by the exporter's own doing",
        [f"{outage.site}: {outage.ordeal}" for outage in lost if not outage.may_lose_tokens],
        f"{sum(outage.lost_tokens for outage in lost)} lost",
    )
    yield _none("tokens that no session uses some seconds after a recovery", seen.loose_tokens)


def _recoveries(what: str, limit: str, outages: Sequence[Outage]) -> Finding:
    late = [outage for outage in outages if outage.is_late]
    return Finding(
        what=what,
        limit=limit,
        measured=format_times([outage.took for outage in outages if outage.took is not None])
        + (f", {len(late)} late" if late else ""),
        verdict=_kept(is_kept=not late) if outages else Verdict.NOT_JUDGED,
        notes=[
            f"{outage.site}: {outage.ordeal} at {outage.began:.0f} s: "
            + ("not back" if outage.took is None else f"back after {outage.took:.1f} s")
            + f" instead of {outage.bound:g} s"
            for outage in late
        ],
    )


def format_times(times: Sequence[float]) -> str:
    """How many there were, their median and the longest."""
    if not times:
        return "none"
    median, longest = format_number(statistics.median(times)), format_number(max(times))
    return f"{len(times)}: p50 {median} s, max {longest} s"


# Values.


def _about_values(seen: Observations) -> Iterator[Finding]:
    wrong = [mistake for rest in seen.rests for mistake in rest.mistakes]
    compared = sum(rest.compared for rest in seen.rests)
    finding = _none("values that are not the house's", wrong, f"{compared}")
    if not compared:
        finding = Finding(
            what=finding.what, limit="0", measured="nothing compared", verdict=Verdict.BROKEN
        )
    yield finding
    yield _none("scrapes that show half a house", seen.halves, str(seen.parsed))
    yield _none("counters that fell", seen.fallen, f"those in {seen.parsed} scrapes")


# Scrapes.


def _about_scrapes(seen: Observations) -> Iterator[Finding]:
    asked = len(seen.scrapes) + len(seen.unanswered)
    yield _none("scrapes without an answer", seen.unanswered, str(asked))
    yield Finding(
        what="time that a scrape takes",
        limit=f"≤ {SCRAPE_LIMIT:g} s",
        measured=format_times(seen.scrapes),
        verdict=_kept(is_kept=max(seen.scrapes, default=math.inf) <= SCRAPE_LIMIT),
        notes=[
            f"the soak's own process was late by up to {format_number(seen.lag)} s",
            f"the exporter says that it was late by up to {seen.exporter_lag:g} s",
        ],
    )
    yield _none("scrapes that no Prometheus would accept", seen.unparseable, str(seen.parsed))
    yield _none("other answers that are not as they should be", seen.odd_probes, str(seen.probes))


# Reloads.


def _about_reloads(seen: Observations) -> Iterator[Finding]:
    late = [
        f"{reload.what} at {reload.time:.0f} s"
        for reload in seen.reloads
        if reload.took is None or reload.took > RELOAD_LIMIT
    ]
    yield Finding(
        what="changes of the configuration noticed",
        limit=f"≤ {RELOAD_LIMIT:g} s",
        measured=format_times([reload.took for reload in seen.reloads if reload.took is not None])
        + (f", {len(late)} late" if late else ""),
        verdict=_kept(is_kept=not late) if seen.reloads else Verdict.NOT_JUDGED,
        notes=_some(late),
    )
    yield _none(
        "sessions that a reload cost Miniservers that did not change",
        [f"{site}: {reload.what}" for reload in seen.reloads for site in reload.lost_sessions],
    )
    yield _none(
        "things that removed Miniservers left behind",
        [f"{departure.site}: {left}" for departure in seen.departures for left in departure.left],
        f"{len(seen.departures)} removals",
    )
    yield _none(
        "things that other names left behind, or that were not shown under them",
        [f"{naming.what}: {wrong}" for naming in seen.namings for wrong in naming.wrong],
        f"{len(seen.namings)} changes of names",
    )
    odd = [
        f"{one.site}: {'still shown' if one.took is None else f'after {one.took:.1f} s'}"
        f"{'' if one.is_back else ', not back'}"
        for one in seen.withdrawals
        if not _is_on_time(one)
    ]
    yield Finding(
        what="values of Miniservers that were gone are withdrawn",
        limit=f"after stale_after, and at most {WITHDRAWAL_LIMIT:g} s later",
        measured=format_times([one.took for one in seen.withdrawals if one.took is not None]),
        verdict=_kept(is_kept=not odd) if seen.withdrawals else Verdict.NOT_JUDGED,
        notes=odd,
    )


def _is_on_time(withdrawal: Withdrawal) -> bool:
    if withdrawal.took is None or not withdrawal.is_back:
        return False
    late = withdrawal.took - withdrawal.stale_after
    return -WITHDRAWAL_EARLY <= late <= WITHDRAWAL_LIMIT


# Leaks.


def _about_leaks(seen: Observations) -> Iterator[Finding]:
    yield _no_more("files open at rest", seen.rests, lambda rest: rest.reading.descriptors)
    yield _no_more("sockets among them", seen.rests, lambda rest: rest.reading.sockets)
    yield _no_more("tasks at rest", seen.rests, lambda rest: rest.tasks)
    yield _none(
        "tokens at rest that no session uses",
        [
            f"{rest.loose_tokens} at {rest.reading.time:.0f} s"
            for rest in seen.rests
            if rest.loose_tokens
        ],
    )
    yield _none(
        "Miniservers with more than one session at rest",
        [
            f"{site}: {count}"
            for rest in seen.rests
            for site, count in rest.sessions.items()
            if count > 1
        ],
    )


def _no_more(what: str, rests: Sequence[Rest], read: Read) -> Finding:
    """Something of which there must not be more than at first."""
    numbers = [number for rest in rests if (number := read(rest)) is not None]
    if len(numbers) < len(rests) or not numbers:
        return Finding(what=what, limit="", measured="not told", verdict=Verdict.NOT_JUDGED)
    first, *later = numbers
    return Finding(
        what=what,
        limit=f"≤ {first:g}, as at first",
        measured=", ".join(f"{number:g}" for number in later) or "once only",
        verdict=_kept(is_kept=max(later) <= first) if later else Verdict.NOT_JUDGED,
    )


# Memory.


@frozen
class Trend:
    """How a quantity changes.

    Attributes:
        slope: By how much in an hour.
        error: The standard error of that.
    """

    slope: float
    error: float


def _about_memory(seen: Observations) -> Iterator[Finding]:
    yield _peak(seen)
    yield _growth(seen)
    yield _slope(seen)


def _growth(seen: Observations) -> Finding:
    """Between moments of rest, when no client holds anything."""
    what = "resident memory at rest, end against warm"
    begin = _warm_from(seen.readings)
    rests = [rest.reading for rest in seen.rests if rest.reading.time >= begin]
    if not rests or rests[-1].time - rests[0].time < LEAST_FOR_MEMORY:
        return Finding(what=what, limit="", measured="too short a time", verdict=Verdict.NOT_JUDGED)
    first, last = rests[0].resident, rests[-1].resident
    return Finding(
        what=what,
        limit=f"≤ +{GROWTH_LIMIT:g} MB",
        measured=f"{last - first:+.1f} MB, from {first:.1f} to {last:.1f}",
        verdict=_kept(is_kept=last - first <= GROWTH_LIMIT),
        notes=["at each: " + " ".join(f"{reading.resident:.1f}" for reading in rests)],
    )


def _slope(seen: Observations) -> Finding:
    """Over all the time."""
    what = "resident memory, slope"
    warm = warm_readings(seen.readings)
    if not warm or warm[-1].time - warm[0].time < LEAST_FOR_MEMORY:
        return Finding(what=what, limit="", measured="too short a time", verdict=Verdict.NOT_JUDGED)
    blocks = block_floors(warm)
    found = trend_of(blocks)
    return Finding(
        what=what,
        limit=f"≤ {SLOPE_LIMIT:g} MB/h beyond chance",
        measured=f"{found.slope:+.1f} ± {_CONFIDENCE * found.error:.1f} MB/h",
        verdict=_kept(is_kept=found.slope - _CONFIDENCE * found.error <= SLOPE_LIMIT),
        notes=[
            "what is kept in a twelfth of the time each: "
            + " ".join(f"{resident:.1f}" for _, resident in blocks)
        ],
    )


def _peak(seen: Observations) -> Finding:
    what = "resident memory, at its peak"
    if not (seen.rests and seen.readings):
        return Finding(what=what, limit="", measured="not read", verdict=Verdict.NOT_JUDGED)
    first = seen.rests[0].reading.resident
    peak = max(reading.resident for reading in seen.readings)
    return Finding(
        what=what,
        limit=f"≤ {first:.1f} MB, as at first, + {PEAK_LIMIT:g}",
        measured=f"{peak:.1f} MB",
        verdict=_kept(is_kept=peak <= first + PEAK_LIMIT),
    )


def warm_readings(readings: Sequence[Reading]) -> list[Reading]:
    """Those since the process has seen about everything once."""
    begin = _warm_from(readings)
    return [reading for reading in readings if reading.time >= begin]


def _warm_from(readings: Sequence[Reading]) -> float:
    """When the process has seen about everything once."""
    if not readings:
        return math.inf
    begin, end = readings[0].time, readings[-1].time
    return begin + min(WARM_AFTER, (end - begin) / 4)


def block_floors(readings: Sequence[Reading]) -> list[tuple[float, float]]:
    """Time and resident memory of blocks of equally many readings, as what the process keeps.

    That is the lowest decile: clients that read slowly, of which there are more or fewer at any
    time, only ever add to it. One reading says much about the one before it; blocks say little of
    one another.
    """
    size = max(1, len(readings) // _BLOCKS)
    blocks = [readings[start : start + size] for start in range(0, size * _BLOCKS, size)]
    return [
        (
            statistics.median(reading.time for reading in block),
            sorted(reading.resident for reading in block)[len(block) // 10],
        )
        for block in blocks
        if block
    ]


def trend_of(points: Sequence[tuple[float, float]]) -> Trend:
    """The straight line through points (in seconds), by least squares."""
    times, values = zip(*points, strict=True)
    fit = statistics.linear_regression(times, values)
    rest = sum((value - fit.intercept - fit.slope * time) ** 2 for time, value in points)
    mean = statistics.fmean(times)
    spread = sum((time - mean) ** 2 for time in times)
    error = math.sqrt(rest / max(1, len(points) - 2) / spread)
    return Trend(fit.slope * _HOUR, error * _HOUR)


# Conduct.


def _about_conduct(seen: Observations) -> Iterator[Finding]:
    yield _none("commands that are not on the list", seen.strangers, str(seen.commands))
    bugs = [f"{site}: {count:g}" for site, count in seen.bugs.items() if count]
    yield _none("Miniservers for which a bug was counted", bugs, str(len(seen.bugs)))
    errors = [f"{seen.scrape_errors:g}"] if seen.scrape_errors else []
    yield _none("scrapes that lack something because of a bug", errors)
    yield _none("lines of the log that should not be there", seen.complaints, str(seen.log_lines))
    yield _none("secrets in log and scrapes", seen.leaks)
    yield _none("errors of the simulated Miniservers themselves", seen.own_errors)


# The end.


def _about_the_end(seen: Observations) -> Iterator[Finding]:
    yield _none("ends before it was asked to", [seen.ended_early] if seen.ended_early else [])
    end = seen.end
    if end is None:
        yield Finding(
            what="stop on SIGTERM",
            limit=f"code 0 within {STOP_LIMIT:g} s",
            measured="never",
            verdict=Verdict.BROKEN,
        )
        return
    code = "killed" if end.code is None else f"code {end.code}"
    yield Finding(
        what="stop on SIGTERM",
        limit=f"code 0 within {STOP_LIMIT:g} s",
        measured=f"{code} after {end.seconds:.2f} s",
        verdict=_kept(is_kept=end.code == 0 and end.seconds <= STOP_LIMIT),
    )
    yield _nothing_left("connections left in Miniservers after it", end.connections)
    yield _nothing_left("tokens left in them", end.tokens)


def _nothing_left(what: str, left: Mapping[str, int]) -> Finding:
    return Finding(
        what=what,
        limit="0",
        measured=str(sum(left.values())),
        verdict=_kept(is_kept=not left),
        notes=[f"{site}: {count}" for site, count in left.items()],
    )
