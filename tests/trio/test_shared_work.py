"""Costly answers are made one at a time, and once for all who wait for the same."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from loxone_exporter.web.sharing import SharedWork


class Kitchen:
    """Makes things, each in a second, and numbers them."""

    def __init__(self) -> None:
        self.work = SharedWork()
        self.made: list[str] = []
        self.at_work = 0
        self.fails = False

    async def ask(self, what: str, answers: list[str]) -> None:
        async def make() -> str:
            self.at_work += 1
            assert self.at_work == 1
            try:
                await trio.sleep(1)
            finally:
                self.at_work -= 1
            if self.fails:
                raise ZeroDivisionError("planted")
            self.made.append(f"{what}{len(self.made)}")
            return self.made[-1]

        answers.append(await self.work.do(what, make))


async def test_who_waits_for_the_same_gets_the_same(autojump_clock: MockClock) -> None:
    kitchen, tea, soup = Kitchen(), list[str](), list[str]()
    async with trio.open_nursery() as nursery:
        for _ in range(50):
            nursery.start_soon(kitchen.ask, "tea", tea)
            nursery.start_soon(kitchen.ask, "soup", soup)
    assert 2 == len(kitchen.made)
    assert 50 == len(tea) == len(soup)
    assert {*tea, *soup} == {*kitchen.made}


async def test_nobody_gets_what_is_older_than_the_question(autojump_clock: MockClock) -> None:
    kitchen, answers = Kitchen(), list[str]()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(kitchen.ask, "tea", answers)
        await trio.sleep(0.5)
        late = list[str]()
        nursery.start_soon(kitchen.ask, "tea", late)
        nursery.start_soon(kitchen.ask, "tea", late)
    assert ["tea0"] == answers
    assert ["tea1", "tea1"] == late
    await kitchen.ask("tea", late)
    assert "tea2" == late[-1]


async def test_who_leaves_leaves_the_work_to_the_next(autojump_clock: MockClock) -> None:
    kitchen, answers = Kitchen(), list[str]()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(kitchen.ask, "soup", [])
        await trio.sleep(0.5)
        with trio.move_on_after(1):
            async with trio.open_nursery() as leaving:
                leaving.start_soon(kitchen.ask, "tea", [])
                await trio.sleep(0.1)
                nursery.start_soon(kitchen.ask, "tea", answers)
                nursery.start_soon(kitchen.ask, "tea", answers)
        # The first of them was half done, and begins anew for those who stayed.
        assert [] == answers
    assert ["soup0", "tea1"] == kitchen.made
    assert ["tea1", "tea1"] == answers


async def test_a_failure_is_for_everybody_who_waits_and_nobody_else(
    autojump_clock: MockClock,
) -> None:
    kitchen, failures = Kitchen(), list[ZeroDivisionError]()

    async def expect_failure() -> None:
        with pytest.raises(ZeroDivisionError, match="planted") as caught:
            await kitchen.ask("tea", [])
        failures.append(caught.value)

    kitchen.fails = True
    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(expect_failure)
    assert 3 == len(failures)
    kitchen.fails, answers = False, list[str]()
    await kitchen.ask("tea", answers)
    assert ["tea0"] == answers


async def test_who_goes_before_it_is_done_leaves_nothing_behind(autojump_clock: MockClock) -> None:
    shared = SharedWork()

    async def make() -> int:
        await trio.sleep(10)
        return 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(shared.do, "first", make)
        await trio.sleep(1)
        with trio.move_on_after(1):
            async with trio.open_nursery() as waiting:
                for number in range(100):
                    waiting.start_soon(shared.do, number, make)
        assert {} == shared._to_do
