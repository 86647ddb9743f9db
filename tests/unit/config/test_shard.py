"""Which exporter of a fleet looks after which Miniserver."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loxone_exporter.config.load import Loaded, load_document
from loxone_exporter.config.shard import Shard, indexes, shard_of
from support.configs import MINISERVER, find_all, load_text


# What is written here must never change: Miniservers would move with a mere update.
KNOWN = {
    "home": {1: 0, 2: 1, 3: 2, 4: 3, 5: 3, 16: 5, 100: 86},
    "barn": {1: 0, 2: 0, 3: 2, 4: 2, 5: 2, 16: 11, 100: 20},
    "Küche": {1: 0, 2: 1, 3: 1, 4: 1, 5: 1, 16: 1, 100: 84},
    "Haus am See 12": {1: 0, 2: 1, 3: 1, 4: 1, 5: 1, 16: 13, 100: 79},
    "192.168.1.77": {1: 0, 2: 0, 3: 0, 4: 0, 5: 0, 16: 0, 100: 76},
    "miniserver-042": {1: 0, 2: 1, 3: 1, 4: 1, 5: 1, 16: 7, 100: 7},
    "日本の家": {1: 0, 2: 0, 3: 2, 4: 3, 5: 3, 16: 10, 100: 69},
    "x" * 200: {1: 0, 2: 0, 3: 0, 4: 3, 5: 3, 16: 3, 100: 58},
}

names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(str.strip)
counts = st.integers(1, 40)

EVERYBODY = [f"house-{number:03}" for number in range(200)]


@pytest.mark.parametrize("name", KNOWN)
def test_the_exporter_of_a_miniserver_is_always_the_same(name: str) -> None:
    assert KNOWN[name] == {count: shard_of(name, count) for count in KNOWN[name]}


@given(names, counts)
def test_it_is_the_one_that_the_documentation_says(name: str, count: int) -> None:
    sums = [hashlib.sha256(f"{index}/{name}".encode()).hexdigest() for index in range(count)]
    assert max(sums) == sums[shard_of(name, count)]


@given(st.sets(names, min_size=1, max_size=8), st.integers(1, 6))
def test_every_miniserver_has_exactly_one_exporter(some: set[str], count: int) -> None:
    parts = [load(sorted(some), count, index) for index in range(count)]
    taken = [one.name for part in parts for one in part.config.miniservers]
    assert sorted(some) == sorted(taken)
    assert len(some) == sum(part.shard.taken for part in parts)
    assert {len(some)} == {part.shard.configured for part in parts}


@given(names, counts, st.integers(1, 10))
def test_further_exporters_move_only_what_they_take_themselves(
    name: str, count: int, more: int
) -> None:
    before, after = shard_of(name, count), shard_of(name, count + more)
    assert after == before or after >= count


@pytest.mark.parametrize("count", [2, 3, 5, 10, 20])
def test_exporters_have_about_the_same_number(count: int) -> None:
    """Of 200 Miniservers, within four standard deviations."""
    parts = Counter(shard_of(name, count) for name in EVERYBODY)
    mean = len(EVERYBODY) / count
    deviation = (mean * (1 - 1 / count)) ** 0.5
    assert set(range(count)) == set(parts)
    assert all(abs(size - mean) <= 4 * deviation for size in parts.values()), parts


@pytest.mark.parametrize("count", [2, 7, 50])
def test_no_exporter_is_preferred(count: int) -> None:
    """By the chi-square of many names, which is within five standard deviations of its mean."""
    total = 20_000
    parts = Counter(shard_of(f"{number}.houses.test", count) for number in range(total))
    mean, freedom = total / count, count - 1
    chi_square = sum((parts[index] - mean) ** 2 / mean for index in range(count))
    assert chi_square <= freedom + 5 * (2 * freedom) ** 0.5


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_one_exporter_more_takes_its_part_from_each_of_the_others(count: int) -> None:
    moved = Counter(
        shard_of(name, count) for name in EVERYBODY if shard_of(name, count + 1) == count
    )
    assert set(range(count)) == set(moved)
    expected = len(EVERYBODY) / (count + 1)
    assert abs(moved.total() - expected) <= 4 * expected**0.5


def document(miniservers: list[str], **shard: int) -> dict[str, object]:
    tables = [
        {"name": name, "host": f"{number}.test", "username": "u", "password": f"of {number}"}
        for number, name in enumerate(miniservers)
    ]
    return {"shard": shard, "miniservers": tables}


def load(miniservers: list[str], count: int, index: int) -> Loaded:
    return load_document(document(miniservers, count=count, index=index), None, {})


VILLA = MINISERVER.replace("home", "villa").replace("192.168.1.77", "192.168.1.78")
FLEET = f"[shard]\ncount = 3\n{MINISERVER}{VILLA}"
"""Of three exporters, number 2 has `home`, and number 0 has `villa`."""

REMEDIES = (
    "missing: which of the 3 exporters is this one (0 to 2)? Set the environment variable"
    " LOXONE_SHARD to its number, or to the name of its pod if that ends in it; or set index, where"
    " each exporter has a file of its own"
)


def taken(loaded: Loaded) -> list[str]:
    return [one.name for one in loaded.config.miniservers]


def test_without_others_all_miniservers_are_ours(tmp_path: Path) -> None:
    alone = FLEET.replace("count = 3", "")
    for text, environ in (
        (FLEET.replace("[shard]\ncount = 3\n", ""), {}),
        (alone, {}),
        (alone, {"LOXONE_SHARD": "loxone-exporter-0"}),
        (FLEET.replace("3", "1", 1), {}),
        (FLEET.replace("count = 3", "index = 0"), {}),
    ):
        loaded = load_text(tmp_path, text, environ)
        assert ["home", "villa"] == taken(loaded)
        assert Shard.whole(2) == loaded.shard
        assert () == loaded.warnings
        assert loaded.shard.is_whole


def test_an_exporter_has_to_know_which_it_is(tmp_path: Path) -> None:
    assert [f"shard.index: {REMEDIES}"] == find_all(tmp_path, FLEET)
    assert [f"shard.index: {REMEDIES}"] == find_all(tmp_path, FLEET, {"LOXONE_SHARD": ""})


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("0", ["villa"]),
        ("1", []),
        ("2", ["home"]),
        ("02", ["home"]),
        ("loxone-exporter-2", ["home"]),
        ("fleet-7-0", ["villa"]),
    ],
)
def test_the_environment_says_which(tmp_path: Path, said: str, expected: list[str]) -> None:
    for text in (FLEET, FLEET.replace("count = 3", "count = 3\nindex = 1")):
        loaded = load_text(tmp_path, text, {"LOXONE_SHARD": said})
        assert expected == taken(loaded)
        assert Shard(int(said[-1]), 3, len(expected), 2) == loaded.shard
        assert () == loaded.warnings


def test_or_the_file(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, FLEET.replace("count = 3", "count = 3\nindex = 2"))
    assert ["home"] == taken(loaded)
    assert "shard 2 of 3 (0 to 2): 1 of 2 Miniserver(s)" == str(loaded.shard)
    assert not loaded.shard.is_whole


@pytest.mark.parametrize(
    "said", ["x", "-1", "2 ", "1.5", "loxone-exporter", "exporter-7c9d8b-x2k45", "a\n-2", "²"]
)
def test_what_names_no_exporter_is_refused(tmp_path: Path, said: str) -> None:
    (finding,) = find_all(tmp_path, FLEET, {"LOXONE_SHARD": said})
    assert finding == (
        "environment: LOXONE_SHARD: expected a number from 0 on, or the name of a pod that ends in"
        f" one, as loxone-exporter-2; found the text {said!r}"
    )


def test_what_is_out_of_range_is_refused(tmp_path: Path) -> None:
    assert [
        "environment: LOXONE_SHARD: expected a whole number from 0 to 999, found the number 1000"
    ] == find_all(tmp_path, FLEET, {"LOXONE_SHARD": "pod-1000"})
    (finding,) = find_all(tmp_path, FLEET, {"LOXONE_SHARD": "9" * 5000})
    assert finding.startswith("environment: LOXONE_SHARD: expected a whole number from 0 to 999")
    assert 200 > len(finding)
    assert ["shard.count: expected a whole number from 1 to 1000, found the number 0"] == find_all(
        tmp_path, FLEET.replace("3", "0", 1)
    )


@pytest.mark.parametrize(
    ("count", "index", "those"), [(1, 1, "0"), (1, 2, "0"), (3, 3, "0 to 2"), (3, 999, "0 to 2")]
)
def test_one_that_is_none_of_them_looks_after_nothing_and_says_so(
    tmp_path: Path, count: int, index: int, those: str
) -> None:
    text = FLEET.replace("3", str(count), 1)
    loaded = load_text(tmp_path, text, {"LOXONE_SHARD": f"pod-{index}"})
    assert [] == taken(loaded)
    assert Shard(index, count, 0, 2) == loaded.shard
    assert not loaded.shard.is_whole
    (warning,) = map(str, loaded.warnings)
    assert warning == (
        f"environment: LOXONE_SHARD: this is exporter {index} of count = {count}, whose indexes are"
        f" {those}: it looks after no Miniserver; raise count, or stop it"
    )
    assert those == indexes(count)


@pytest.mark.parametrize("index", range(4))
def test_every_exporter_finds_what_is_wrong_with_any_miniserver(tmp_path: Path, index: int) -> None:
    text = FLEET.replace('password = "hunter2"', 'password_file = "absent"')
    text += f"prot = 81\n{MINISERVER.replace('192.168.1.77', 'other.test')}"
    paths = [
        finding.partition(": ")[0]
        for finding in find_all(tmp_path, text, {"LOXONE_SHARD": str(index)})
    ]
    assert [
        "miniservers[0].password_file",
        "miniservers[1].password_file",
        "miniservers[1].prot",
        "miniservers[2].name",
    ] == paths


def test_passwords_of_other_exporters_are_not_kept(tmp_path: Path) -> None:
    text = FLEET.replace("hunter2", "of home", 1).replace("hunter2", "of villa")
    loaded = load_text(tmp_path, text, {"LOXONE_SHARD": "0"})
    assert ["of villa"] == [one.password.reveal() for one in loaded.config.miniservers]


def test_each_exporter_is_a_client_of_its_own(tmp_path: Path) -> None:
    """And stays the same one, however many there are."""
    told = {}
    for index, count in ((0, 1), (0, 3), (3, 4), (3, 5)):
        text = FLEET.replace("3", str(count), 1)
        loaded = load_text(tmp_path, text, {"LOXONE_SHARD": str(index)})
        told[index, count] = {one.client_id for one in loaded.config.miniservers}
    own, other = {"loxone-exporter"}, {"loxone-exporter shard 3"}
    assert {(0, 1): own, (0, 3): own, (3, 4): other, (3, 5): other} == told


def test_a_name_from_the_environment_decides_too(tmp_path: Path) -> None:
    environ = {"LOXONE_SHARD": "0", "LOXONE_NAME": "mill"}
    assert ["mill", "villa"] == taken(load_text(tmp_path, FLEET, environ))
