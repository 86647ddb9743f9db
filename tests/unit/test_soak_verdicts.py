"""What the soak makes of what it has seen; each of its promises can be broken."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from soak.observations import (
    Departure,
    End,
    Naming,
    Observations,
    Outage,
    Reading,
    Reload,
    Rest,
    Withdrawal,
)
from soak.report import format_findings, format_ordeals
from soak.verdicts import (
    Finding,
    Verdict,
    block_floors,
    is_failure,
    judge,
    trend_of,
    warm_readings,
)


GROWTH = "resident memory at rest, end against warm"
WITHDRAWN = "values of Miniservers that were gone are withdrawn"


def reading(time: float = 0.0, resident: float = 50.0, *, descriptors: int = 17) -> Reading:
    return Reading(
        time=time, resident=resident, descriptors=descriptors, sockets=13, threads=1, cpu=1.0
    )


def rest(
    time: float = 0.0,
    resident: float = 50.0,
    *,
    descriptors: int = 17,
    tasks: float | None = 40,
    mistakes: tuple[str, ...] = (),
    sessions: int = 1,
    loose_tokens: int = 0,
) -> Rest:
    return Rest(
        reading=reading(time, resident, descriptors=descriptors),
        tasks=tasks,
        compared=3000,
        mistakes=mistakes,
        sessions={"demo": sessions},
        loose_tokens=loose_tokens,
    )


def outage(
    took: float | None = 2.0, *, bound: float = 60.0, lost: int = 0, may_lose: bool = False
) -> Outage:
    return Outage(
        site="demo",
        ordeal="drop" if bound <= 60 else "update",
        began=10.0,
        returned=12.0,
        recovered=None if took is None else 12.0 + took,
        bound=bound,
        why="" if bound <= 60 else "by design",
        lost_tokens=lost,
        may_lose_tokens=may_lose,
    )


def withdrawal(took: float | None, *, is_back: bool = True) -> Withdrawal:
    return Withdrawal(site="demo", stale_after=10.0, took=took, is_back=is_back)


def good() -> Observations:
    """What is seen where everything is as it should be."""
    return Observations(
        outages=[outage(), outage(59.0), outage(75.0, bound=80.0), outage(lost=1, may_lose=True)],
        readings=[reading(float(second), 50 + second % 3) for second in range(1300)],
        rests=[rest(), rest(350.0), rest(1300.0)],
        scrapes=[0.1, 0.2],
        parsed=2,
        probes=3,
        reloads=[Reload(time=20.0, what="a comment", took=6.0)],
        departures=[Departure(site="second")],
        namings=[Naming(what="demo is second, second is demo")],
        withdrawals=[withdrawal(8.1), withdrawal(12.9)],
        commands=100,
        bugs={"demo": 0.0},
        log_lines=10,
        end=End(code=0, seconds=0.4),
    )


def broken(seen: Observations) -> list[str]:
    return [
        finding.what for finding in judge(seen, reloads=True) if finding.verdict is Verdict.BROKEN
    ]


def test_where_all_is_well_every_promise_is_kept() -> None:
    findings = judge(good(), reloads=True)
    assert {Verdict.KEPT} == {finding.verdict for finding in findings}
    assert not is_failure(findings)


BREACHES: list[tuple[Callable[[Observations], object], str]] = [
    (lambda seen: seen.outages.append(outage(60.5)), "recovered after a Miniserver's return"),
    (lambda seen: seen.outages.append(outage(None)), "recovered after a Miniserver's return"),
    (lambda seen: seen.outages.append(outage(81.0, bound=80)), "likewise where longer is meant"),
    (lambda seen: seen.outages.append(outage(lost=1)), "tokens lost by the exporter's own doing"),
    (lambda seen: seen.rests.append(rest(mistakes=("x",))), "values that are not the house's"),
    (lambda seen: seen.rests.clear(), "values that are not the house's"),
    (lambda seen: seen.halves.append("demo: 7 of 956"), "scrapes that show half a house"),
    (lambda seen: seen.fallen.append("x_total: 1 after 2"), "counters that fell"),
    (lambda seen: seen.unanswered.append("no answer"), "scrapes without an answer"),
    (lambda seen: seen.scrapes.append(10.5), "time that a scrape takes"),
    (lambda seen: seen.scrapes.clear(), "time that a scrape takes"),
    (lambda seen: seen.unparseable.append("x"), "scrapes that no Prometheus would accept"),
    (lambda seen: seen.odd_probes.append("x"), "other answers that are not as they should be"),
    (
        lambda seen: seen.reloads.append(Reload(time=0, what="x", took=16.0)),
        "changes of the configuration noticed",
    ),
    (
        lambda seen: seen.reloads.append(Reload(time=0, what="x", took=None)),
        "changes of the configuration noticed",
    ),
    (
        lambda seen: seen.reloads.append(
            Reload(time=0, what="x", took=6.0, lost_sessions=("demo",))
        ),
        "sessions that a reload cost Miniservers that did not change",
    ),
    (
        lambda seen: seen.departures.append(Departure(site="second", left=("a token",))),
        "things that removed Miniservers left behind",
    ),
    (
        lambda seen: seen.namings.append(Naming(what="x", wrong=("series of demo",))),
        "things that other names left behind, or that were not shown under them",
    ),
    *(
        (lambda seen, one=one: seen.withdrawals.append(one), WITHDRAWN)
        for one in (
            withdrawal(7.9),
            withdrawal(13.1),
            withdrawal(None),
            withdrawal(10.0, is_back=False),
        )
    ),
    (
        lambda seen: seen.loose_tokens.append("demo: after drop"),
        "tokens that no session uses some seconds after a recovery",
    ),
    (lambda seen: seen.rests.append(rest(loose_tokens=1)), "tokens at rest that no session uses"),
    (lambda seen: seen.rests.append(rest(descriptors=18)), "files open at rest"),
    (lambda seen: seen.rests.append(rest(tasks=41)), "tasks at rest"),
    (
        lambda seen: seen.rests.append(rest(sessions=2)),
        "Miniservers with more than one session at rest",
    ),
    (lambda seen: seen.strangers.append("sps/io/x/on"), "commands that are not on the list"),
    (lambda seen: seen.bugs.update(demo=1.0), "Miniservers for which a bug was counted"),
    (
        lambda seen: setattr(seen, "scrape_errors", 1.0),
        "scrapes that lack something because of a bug",
    ),
    (lambda seen: seen.complaints.append("x"), "lines of the log that should not be there"),
    (lambda seen: seen.leaks.append("line 7 of the log"), "secrets in log and scrapes"),
    (lambda seen: seen.own_errors.append("x"), "errors of the simulated Miniservers themselves"),
    (lambda seen: setattr(seen, "ended_early", "exit code 1"), "ends before it was asked to"),
    (lambda seen: setattr(seen, "end", None), "stop on SIGTERM"),
    (lambda seen: setattr(seen, "end", End(code=1, seconds=1)), "stop on SIGTERM"),
    (lambda seen: setattr(seen, "end", End(code=None, seconds=20)), "stop on SIGTERM"),
    (lambda seen: setattr(seen, "end", End(code=0, seconds=5.1)), "stop on SIGTERM"),
    (
        lambda seen: setattr(seen, "end", End(code=0, seconds=1, connections={"demo": 1})),
        "connections left in Miniservers after it",
    ),
    (
        lambda seen: setattr(seen, "end", End(code=0, seconds=1, tokens={"demo": 1})),
        "tokens left in them",
    ),
]


@pytest.mark.parametrize(("breach", "what"), BREACHES, ids=map(str, range(len(BREACHES))))
def test_each_promise_can_be_broken(breach: Callable[[Observations], object], what: str) -> None:
    seen = good()
    breach(seen)
    assert [what] == broken(seen)
    assert is_failure(judge(seen, reloads=True))


def test_what_cannot_be_judged_is_neither_kept_nor_broken() -> None:
    seen = good()
    del seen.readings[100:]
    seen.rests = [rest(tasks=None), rest(tasks=None)]
    seen.reloads.clear()
    findings = judge(seen, reloads=True)
    assert {
        "changes of the configuration noticed",
        "tasks at rest",
        GROWTH,
        "resident memory, slope",
    } == {finding.what for finding in findings if finding.verdict is Verdict.NOT_JUDGED}
    assert not is_failure(findings)


def test_nothing_is_said_about_reloads_where_there_were_none() -> None:
    with_them, without = (len(judge(good(), reloads=reloads)) for reloads in (True, False))
    assert with_them - 5 == without


# Memory.


def growing(per_hour: float, *, noise: float = 0.0, seconds: int = 3600) -> list[Reading]:
    return [
        reading(float(second), 50 + per_hour * second / 3600 + noise * math.sin(second))
        for second in range(seconds)
    ]


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        (growing(0.0, noise=3.0), []),
        (growing(3.0), []),
        (growing(5.0), [GROWTH]),
        (growing(20.0), [GROWTH, "resident memory, slope"]),
        (growing(12.0, seconds=1600), ["resident memory, slope"]),
        (growing(20.0, seconds=1000), []),  # too short to tell
        (growing(200.0, seconds=700), ["resident memory, at its peak"]),
    ],
)
def test_memory_that_grows_is_noticed(readings: list[Reading], expected: list[str]) -> None:
    seen = good()
    seen.readings = readings
    seen.rests = [rest(each.time, each.resident) for each in [*readings[::600], readings[-1]]]
    assert expected == broken(seen)


def test_what_the_process_takes_to_get_warm_does_not_count() -> None:
    seen = good()
    seen.readings = [
        reading(float(second), 40.0 if second < 290 else 55.0) for second in range(3600)
    ]
    assert [] == broken(seen)
    assert 300 == warm_readings(seen.readings)[0].time
    assert 100 == warm_readings(seen.readings[:401])[0].time
    assert [] == warm_readings([])


def test_a_trend_comes_with_its_error() -> None:
    straight = trend_of([(0.0, 1.0), (3600.0, 3.0), (7200.0, 5.0)])
    assert (2.0, 0.0) == pytest.approx((straight.slope, straight.error))
    bent = trend_of([(0.0, 1.0), (3600.0, 4.0), (7200.0, 5.0)])
    # By hand: the middle one is 2/3 above the line, the others 1/3 below it.
    assert (2.0, math.sqrt(6 / 9) / math.sqrt(2)) == pytest.approx((bent.slope, bent.error))


def test_blocks_hold_equally_many_readings_and_say_what_the_process_keeps() -> None:
    blocks = block_floors([reading(float(time), float(time)) for time in range(120)])
    assert [(4.5 + 10 * place, 1.0 + 10 * place) for place in range(12)] == blocks


def test_clients_that_come_and_go_are_no_growth() -> None:
    seen = good()
    seen.readings = [
        reading(float(second), 50 + (8.0 if second > 1500 and second % 60 < 50 else 0.0))
        for second in range(3600)
    ]
    assert [] == broken(seen)


# The report.


def test_the_table_has_a_line_for_each_promise_and_says_where_one_was_broken() -> None:
    findings = [
        Finding(what="a", limit="0", measured="0", verdict=Verdict.KEPT),
        Finding(what="bb", limit="≤ 5 s", measured="7", verdict=Verdict.BROKEN, notes=("there",)),
        Finding(what="c", limit="", measured="not told", verdict=Verdict.NOT_JUDGED),
    ]
    assert [
        "what | limit | measured | verdict",
        "---- | ----- | -------- | ----------",
        "a    | 0     | 0        | ok",
        "bb   | ≤ 5 s | 7        | FAILED",
        "c    |       | not told | not judged",
        "",
        "bb: there",
    ] == format_findings(findings).splitlines()


def test_of_many_complaints_the_commonest_are_shown() -> None:
    seen = good()
    seen.unanswered = ["a"] * 3 + ["b", "c", "d", "e", "f", "g"]
    (notes,) = (
        finding.notes
        for finding in judge(seen, reloads=False)
        if finding.what == "scrapes without an answer"
    )
    assert ["a (3 times)", "b", "c", "d", "e", "and 2 more"] == list(notes)


def test_each_ordeal_has_a_line() -> None:
    seen = good()
    seen.outages.append(outage(None))
    seen.left_out = ["flood"]
    seen.hostilities["idle connection"] = 7
    assert [
        "ordeal | bound | back after                            | tokens lost | why so long",
        "------ | ----- | ------------------------------------- | ----------- | -----------",
        "drop   | 60 s  | 3: p50 2.00 s, max 59.0 s, 1 not back | 1           |",
        "update | 80 s  | 1: p50 75.0 s, max 75.0 s             |             | by design",
        "",
        "left out for lack of time: flood",
        "to the HTTP server: idle connection: 7",
    ] == format_ordeals(seen).splitlines()
