"""Who is let in, and at what cost for others."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from functools import partial

import pytest
import trio
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from loxone_exporter.config.logins import cost
from loxone_exporter.web import authentication
from loxone_exporter.web.authentication import (
    MAX_PASSWORD,
    REMEMBERED_FAILURES,
    Authentication,
    Credentials,
)
from support.logins import NAME, PASSWORD, basic, hashed


HASH = hashed(PASSWORD)
HERE, ELSEWHERE = "192.0.2.1", "192.0.2.2"


@define(eq=False)
class Comparisons:
    """What was compared; while it is held up, a comparison does not end."""

    made: list[tuple[bytes, bytes]] = field(factory=list)
    may_go_on: threading.Event = field(factory=threading.Event)
    at_once: int = 0
    most_at_once: int = 0

    def hold_up(self) -> None:
        self.may_go_on.clear()

    def go_on(self) -> None:
        self.may_go_on.set()


@pytest.fixture
def comparisons(monkeypatch: pytest.MonkeyPatch) -> Iterator[Comparisons]:
    """The real ones, watched."""
    watched = Comparisons()
    compare = authentication._compare

    def watch(password: bytes, hash_: bytes) -> bool:
        watched.made.append((password, hash_))
        watched.at_once += 1
        watched.most_at_once = max(watched.most_at_once, watched.at_once)
        assert watched.may_go_on.wait(10)
        watched.at_once -= 1
        return compare(password, hash_)

    monkeypatch.setattr(authentication, "_compare", watch)
    watched.go_on()
    yield watched
    watched.go_on()


@pytest.fixture
def users() -> Authentication:
    return Authentication({NAME: HASH, "other": hashed("other", 5)})


def encoded(login: bytes) -> str:
    return "Basic " + base64.b64encode(login).decode()


@pytest.mark.parametrize(
    "header",
    [
        basic(),
        basic().replace("Basic", "bAsIc"),
        basic().replace("Basic ", "Basic   ") + " ",
        basic("other", "other"),
    ],
)
async def test_who_has_the_password_is_let_in(users: Authentication, header: str) -> None:
    for _ in range(2):
        assert await users.admits(header, HERE)


LONGEST = "x" * MAX_PASSWORD

BAD = [
    "",
    "Basic",
    "Basic ",
    "Basic =",
    "Basic " + "A" * 5,
    "Basic grüße",
    basic()[:-1] + "*",
    basic().replace("Basic ", "Basic *"),
    basic().replace("Basic", "Bearer"),
    basic().removeprefix("Basic "),
    f"{basic()},{basic()}",
    encoded(NAME.encode()),
    encoded(b":"),
    encoded(b"\xff:\xff"),
    encoded(NAME.encode() + b":" + PASSWORD.encode("latin-1")),
    basic(password=PASSWORD + "\0"),
    basic(password="\0"),
    basic(password=""),
    basic(password=PASSWORD.upper()),
    basic("other"),
    basic("nobody"),
    basic(NAME + "\0"),
    basic("longest", LONGEST + "y"),
    basic("longest", LONGEST * 100),
]


@pytest.mark.parametrize("header", BAD)
async def test_anybody_else_is_not(header: str) -> None:
    users = Authentication({NAME: HASH, "other": hashed("other"), "longest": hashed(LONGEST)})
    assert await users.admits(basic("longest", LONGEST), HERE)
    for _ in range(2):
        assert not await users.admits(header, HERE)


@given(st.text() | st.binary().map(encoded))
def test_no_header_is_a_failure(header: str) -> None:
    credentials = Credentials.parse(header)
    assert credentials is None or len(credentials.password) <= MAX_PASSWORD
    assert credentials is None or repr(credentials.password) not in repr(credentials)


def test_a_password_with_a_nul_is_none() -> None:
    """Where it is cut off, as libraries of C do, what stands behind it would not matter."""
    assert Credentials.parse(basic()) is not None
    assert Credentials.parse(basic(password=f"{PASSWORD}\0anything")) is None


async def test_nobody_is_let_in_whatever_a_comparison_says(
    users: Authentication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authentication, "_compare", lambda _password, _hash: True)
    assert not await users.admits(basic("nobody"), HERE)
    assert await users.admits(basic(), HERE)


async def test_what_was_found_out_is_remembered(
    users: Authentication, comparisons: Comparisons
) -> None:
    for _ in range(3):
        assert await users.admits(basic(), HERE)
        assert not await users.admits(basic(password="wrong"), ELSEWHERE)
        assert not await users.admits(basic("nobody"), HERE)
    assert 3 == len(comparisons.made)


async def test_only_digests_are_remembered_and_each_time_others(users: Authentication) -> None:
    other = Authentication({NAME: HASH})
    for each in (users, other):
        await each.admits(basic(), HERE)
        await each.admits(basic(password="wrong"), HERE)
    assert users._good.isdisjoint(other._good)
    assert users._bad.keys().isdisjoint(other._bad)
    kept = repr([users._good, list(users._bad), users])
    assert PASSWORD not in kept
    assert HASH.reveal() not in kept


async def test_names_and_passwords_do_not_run_into_each_other(comparisons: Comparisons) -> None:
    users = Authentication({"ab": hashed("c")})
    assert await users.admits(basic("ab", "c"), HERE)
    assert not await users.admits(basic("a", "bc"), HERE)


async def test_nobody_costs_as_much_as_the_costliest(
    users: Authentication, comparisons: Comparisons
) -> None:
    assert not await users.admits(basic("nobody"), HERE)
    (_, hash_), highest = comparisons.made[0], cost(users._hashes["other"])
    assert f"$2b${highest:02d}$".encode() == hash_[:7]
    assert hash_ != users._hashes["other"].reveal().encode()


async def test_who_is_known_never_waits(users: Authentication, comparisons: Comparisons) -> None:
    assert await users.admits(basic(), HERE)
    assert not await users.admits(basic(password="wrong"), HERE)
    comparisons.hold_up()
    async with trio.open_nursery() as nursery:
        for n in range(50):
            nursery.start_soon(users.admits, basic(password=f"guess {n}"), HERE)
        await wait_all_tasks_blocked(0.01)
        with trio.fail_after(1):
            assert await users.admits(basic(), HERE)
            assert not await users.admits(basic(password="wrong"), HERE)
        comparisons.go_on()
    assert 1 == comparisons.most_at_once
    assert 52 == len(comparisons.made)


async def test_addresses_take_turns(users: Authentication, comparisons: Comparisons) -> None:
    comparisons.hold_up()
    async with trio.open_nursery() as nursery:
        for n in range(20):
            nursery.start_soon(users.admits, basic(password=f"guess {n}"), HERE)
        await wait_all_tasks_blocked(0.01)
        nursery.start_soon(users.admits, basic(), ELSEWHERE)
        await wait_all_tasks_blocked(0.01)
        comparisons.go_on()
    passwords = [password for password, _ in comparisons.made]
    assert 21 == len(passwords)
    assert passwords.index(PASSWORD.encode()) <= 2


async def test_who_asks_for_the_same_shares_a_comparison(
    users: Authentication, comparisons: Comparisons
) -> None:
    answers: list[bool] = []

    async def ask() -> None:
        answers.append(await users.admits(basic(), HERE))

    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(ask)
    assert [True] * 10 == answers
    assert 1 == len(comparisons.made)


async def test_who_gives_up_leaves_nothing_behind(
    users: Authentication, comparisons: Comparisons
) -> None:
    comparisons.hold_up()
    async with trio.open_nursery() as nursery:
        for n in range(10):
            address = HERE if n % 2 else ELSEWHERE
            nursery.start_soon(partial(users.admits, basic(password=f"guess {n}"), address))
        await wait_all_tasks_blocked(0.01)
        nursery.cancel_scope.cancel()
    assert {} == users._turns
    # The thread goes on, and is the only one until it has ended.
    assert 1 == comparisons.at_once
    with trio.move_on_after(0.05):
        await users.admits(basic(), HERE)
    assert 1 == len(comparisons.made)
    comparisons.go_on()
    with trio.fail_after(5):
        assert await users.admits(basic(), HERE)
    assert 1 == comparisons.most_at_once


async def test_memory_is_bounded(users: Authentication, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await users.admits(basic(), HERE)
    compared: list[bytes] = []

    async def compare(credentials: Credentials) -> bool:
        await trio.lowlevel.checkpoint()
        compared.append(credentials.password)
        return False

    monkeypatch.setattr(Authentication, "_compare", lambda _, credentials: compare(credentials))
    guesses = [basic(password=f"guess {n}") for n in range(REMEMBERED_FAILURES + 10)]
    for header in guesses:
        assert not await users.admits(header, HERE)
    assert REMEMBERED_FAILURES == len(users._bad)
    assert {} == users._turns
    assert await users.admits(basic(), HERE)
    del compared[:]
    await users.admits(guesses[-1], HERE)
    assert [] == compared
    await users.admits(guesses[0], HERE)
    assert 1 == len(compared)
    # The oldest of them is kept as long as somebody tries it again.
    oldest = guesses[11]
    await users.admits(oldest, HERE)
    await users.admits(guesses[1], HERE)  # which takes the place of another one
    del compared[:]
    await users.admits(oldest, HERE)
    assert [] == compared
