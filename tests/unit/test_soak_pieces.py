"""What the soak looks with: each of these must notice what it is there to notice."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from pathlib import Path
from random import Random

import pytest

from benchmarks.scraper import Answer
from loxone_exporter.simulator.demo import DemoHouse
from loxone_exporter.simulator.drills import DRILLS
from loxone_exporter.simulator.faults import all_faults
from loxone_exporter.simulator.structure_changes import rename_a_control
from soak.administrator import TITLES
from soak.configuration import ConfigFile
from soak.exposition import Key, Ledger, largest_in, read_scrape
from soak.faults import ORDEALS
from soak.houses import MOST_EXTENSIONS, Evidence, WatchedHouse, small_house
from soak.incidents import INCIDENTS
from soak.log import read_log
from soak.ordeals import ORDINARY
from soak.plan import Plan
from soak.scraping import evidence_line as line_of
from soak.sites import PLACES, Site, free_ports
from soak.torment import deal
from soak.truth import mistakes, row_of, rows_of


# What there is to go wrong.


def test_all_faults_and_drills_of_the_simulator_take_part() -> None:
    assert all_faults().keys() | DRILLS.keys() == {ordeal.name for ordeal in ORDEALS}


def test_no_two_ordeals_have_one_title() -> None:
    titles = [ordeal.title for ordeal in (*ORDEALS, *INCIDENTS)] + list(TITLES)
    assert len(titles) == len(set(titles))


def test_each_longer_bound_has_a_reason() -> None:
    bounds = [
        (ordeal.title, bound)
        for ordeal in (*ORDEALS, *INCIDENTS)
        for bound in (ordeal.bound, ordeal.by_password or ORDINARY)
    ]
    longer = [(title, bound) for title, bound in bounds if bound.seconds > ORDINARY.seconds]
    assert longer
    assert [] == [title for title, bound in longer if not bound.why]


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> list[Site]:
    folder = tmp_path_factory.mktemp("soak")
    ports = free_ports(Random(1))
    return [Site.build(name, number, ports, folder) for number, name in enumerate(PLACES, 1)]


def test_each_ordeal_is_dealt_once_before_any_is_dealt_twice(sites: list[Site]) -> None:
    decks = deal(ORDEALS, sites, Random(1))
    share = len(ORDEALS) // len(sites)
    first = [ordeal.title for deck in decks.values() for ordeal in list(deck)[: share - 3]]
    assert len(first) == len(set(first))
    for site in sites:
        assert {o.title for o in ORDEALS if o.suits(site)} == {o.title for o in decks[site.name]}
    assert decks == deal(ORDEALS, sites, Random(1))
    assert decks != deal(ORDEALS, sites, Random(2))


def test_sites_differ(sites: list[Site]) -> None:
    ports = [port for site in sites for port in (site.port, site.tls_port)]
    assert len(ports) == len(set(ports))
    assert {True, False} == {site.has_tokens for site in sites}
    assert {True, False} == {bool(site.certificates) for site in sites}


def test_a_plan_says_what_repeats_it_and_rests_now_and_then() -> None:
    plan = Plan(minutes=30, seed=7, reloads=False, only=("drop", "cut"))
    assert "nox -s soak -- --minutes 30 --seed 7 --no-reloads --only drop cut" == plan.command
    assert [600, 1200, 1800] == list(plan.rounds)
    assert [30] == list(Plan(minutes=0.5, seed=7).rounds)
    assert plan.chance("a").random() == Plan(minutes=1, seed=7).chance("a").random()
    assert plan.chance("a").random() != plan.chance("b").random()


# Houses, and what they have to look like.


def test_a_witness_is_the_first_control_and_says_something_new_each_time() -> None:
    house = small_house(1)
    key = next(iter(json.loads(house.structure)["controls"]))
    before = house.evidence
    ((uuid, value),) = house.next_evidence().values.items()
    assert (key[:4], value) == ("50ac", before.value + 1)
    house.values[uuid] = value
    assert house.evidence == evidence_in(house)
    rename_a_control(house)
    assert "Witness (change 1)" == house.evidence.name
    assert house.evidence == evidence_in(house)


def evidence_in(house: WatchedHouse) -> Evidence:
    (row,) = [row for row in rows_of(house) if row[0].startswith("Witness")]
    return Evidence(row[0], row[5])


def test_a_frozen_house_does_not_change() -> None:
    house = small_house(1)
    assert house.advance(10).values
    house.is_frozen = True
    before = dict(house.values)
    assert not house.advance(10).values
    assert before == house.values


def test_extensions_come_and_go_and_do_not_pile_up() -> None:
    house, chance = small_house(1), Random(1)
    sizes, dates = [], [house.last_modified]
    for _ in range(50):
        house.extend(chance)
        sizes.append(sum(row[0].startswith("Extension") for row in rows_of(house)))
        dates.append(house.last_modified)
    assert 0 < max(sizes) <= MOST_EXTENSIONS
    assert any(after < before for before, after in itertools.pairwise(sizes))
    assert dates == sorted(set(dates))


def test_a_house_as_it_is_has_no_mistakes() -> None:
    house = DemoHouse(now=dt.datetime(2026, 3, 14, 12, tzinfo=dt.UTC))
    rows = list(rows_of(house))
    assert 950 < len(rows) < 1000
    assert [] == list(mistakes(rows, reversed(rows)))


def test_a_wrong_value_is_a_mistake_and_so_is_a_missing_one() -> None:
    rows = list(rows_of(small_house(1)))
    name, *others, value = rows[3]
    wrong = (name, *others, value + 1)
    shown = [*rows[:3], wrong, *rows[5:]]
    found = list(mistakes(rows, shown))  # type: ignore[arg-type]  # a row
    assert [f"shown 1 time(s) too often: {wrong}"] == [line for line in found if "shown 1" in line][
        :1
    ]
    assert 3 == len(found)
    assert 1 == len(list(mistakes(rows, [*rows, rows[0]])))


def test_what_makes_names_unique_is_not_compared() -> None:
    labels = {
        "name": "Licht (1dc43b32-08fd-7ad6-ffff504f94d0e0de)",
        "room": "Bad (oben)",
        "category": "",
        "type": "Dimmer",
        "subcontrol": "Spots (1dc43b32-08fd-7ad6-ffff504f94d0e0de/AI2)/position",
    }
    assert ("Licht", "Bad (oben)", "", "Dimmer", "Spots/position", 1.0) == row_of(labels, 1.0)
    labels["name"] = "Licht (2)"
    assert "Licht (2)" == row_of(labels, 1.0)[0]


# Scrapes.

TEXT = b"""\
# HELP a_total Something.
# TYPE a_total counter
a_total{miniserver="demo"} 3
# TYPE loxone_control_value gauge
loxone_control_value{category="",miniserver="demo",name="Witness",room="",subcontrol="value",\
type="InfoOnlyAnalog"} 100000.03125
# TYPE loxone_exporter_tasks gauge
loxone_exporter_tasks 40
"""


def scraped(body: bytes, content_type: str = "text/plain; version=0.0.4") -> Answer:
    return Answer(200, content_type, body)


def test_a_scrape_is_read_to_its_last_line() -> None:
    scrape = read_scrape(scraped(TEXT))
    assert {"demo": [("Witness", "", "", "InfoOnlyAnalog", "value", 100000.03125)]} == scrape.values
    assert {"demo": {("a_total", (("miniserver", "demo"),)): 3.0}} == scrape.counters
    assert 40 == scrape.gauges["loxone_exporter_tasks"]
    house = small_house(1)
    assert line_of("demo", house.evidence) in TEXT


@pytest.mark.parametrize(
    ("body", "content_type", "complaint"),
    [
        (TEXT + b"a_total{miniserver=\n", "text/plain", "could not convert"),
        (TEXT + b'a_total{miniserver="demo"} 4\n', "text/plain", "twice"),
        (b"a 1\n", "application/openmetrics-text; version=1.0.0", "EOF"),
        (TEXT, "text/html", "content type"),
        (TEXT + b"\xff", "text/plain", "utf-8"),
    ],
)
def test_what_no_prometheus_would_accept_is_noticed(
    body: bytes, content_type: str, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        read_scrape(scraped(body, content_type))


def test_the_largest_value_in_a_histogram_is_known_to_a_bucket() -> None:
    counters: dict[Key, float] = {
        ("lag_bucket", (("le", le),)): count
        for le, count in (("0.1", 4.0), ("1.0", 5.0), ("+Inf", 5.0))
    }
    counters["lag_sum", ()] = 9.0
    assert 1.0 == largest_in("lag", counters)
    assert 0.0 == largest_in("other", counters)


def test_a_counter_that_falls_is_noticed() -> None:
    ledger, key = Ledger(), ("a_total", (("miniserver", "demo"),))
    seen = [
        list(ledger.enter({"demo": {key: value}}, time, lambda _miniserver, _name: 0.0))
        for time, value in enumerate((1.0, 3.0, 3.0, 2.0, 2.5))
    ]
    assert [0, 0, 0, 1, 0] == [len(fallen) for fallen in seen]
    assert "a_total" in seen[3][0]
    assert "2.0 after 3.0" in seen[3][0]


def test_a_counter_may_fall_where_it_begins_anew() -> None:
    ledger, key = Ledger(), ("a_total", (("miniserver", "demo"),))
    since = 0.0
    begins: list[tuple[float, float, float]] = [
        (0, 0, 9),
        (1, float("inf"), 5),  # not to be compared
        (2, 3, 4),  # asked for before it could be
        (4, 3, 1),
        (5, 3, 2),
    ]
    for time, since, value in begins:
        assert [] == list(ledger.enter({"demo": {key: value}}, time, lambda *_, at=since: at))
    assert 1 == len(list(ledger.enter({"demo": {key: 1.0}}, 6, lambda *_: 3.0)))


# Log.


def test_a_log_is_searched_for_errors_and_secrets(tmp_path: Path) -> None:
    path = tmp_path / "log"
    lines = [
        json.dumps({"level": "info", "message": "a"}),
        json.dumps({"level": "error", "message": "expected"}),
        json.dumps({"level": "error", "message": "b"}),
        json.dumps({"level": "critical", "message": "c"}),
        json.dumps({"level": "info", "message": "d", "traceback": "e"}),
        json.dumps({"level": "info", "message": "the word is geheim"}),
        "Traceback (most recent call last):",
    ]
    path.write_text("\n".join(lines))
    log = read_log(path, ["geheim", ""], is_expected=lambda e: e["message"] == "expected")
    assert 7 == log.lines
    assert [lines[2], lines[3], lines[4], f"no log line: {lines[6]}"] == list(log.complaints)
    assert ("line 6 of the log",) == log.leaks


# Configuration.


def test_a_config_file_is_swapped_as_the_kubelet_does(tmp_path: Path) -> None:
    file = ConfigFile(tmp_path)
    seen = []
    for text in (b"a", b"b"):
        file.swap(text)
        assert text == file.path.read_bytes()
        seen.append(file.path.stat().st_ino)
    assert file.path.is_symlink()
    assert seen[0] != seen[1]
    file.overwrite(b"c")
    assert (b"c", seen[1]) == (file.path.read_bytes(), file.path.stat().st_ino)
    file.remove()
    assert not file.path.exists()
    file.overwrite(b"d")
    file.remove()
    file.swap(b"e")
    assert b"e" == file.path.read_bytes()
    assert 1 == sum(entry.is_dir() and not entry.is_symlink() for entry in tmp_path.iterdir())
