from __future__ import annotations

import gc
import weakref

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from loxone_exporter.stop import StopRequest


async def test_request_ends_the_blocks_under_it(autojump_clock: MockClock) -> None:
    stop = StopRequest()
    ended = []

    async def wait(number: int) -> None:
        with stop.interrupts() as scope:
            await trio.sleep(60)
        assert scope.cancelled_caught
        ended.append(number)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait, 1)
        nursery.start_soon(wait, 2)
        await wait_all_tasks_blocked()
        assert not stop.is_made()
        assert [] == ended
        stop.make()
        assert stop.is_made()
    assert [1, 2] == sorted(ended)


async def test_request_ends_blocks_to_come(autojump_clock: MockClock) -> None:
    stop = StopRequest()
    stop.make()
    with stop.interrupts() as scope:
        await trio.sleep(60)
    assert scope.cancelled_caught
    assert 0 == trio.current_time()


async def test_request_leaves_everything_else_alone(autojump_clock: MockClock) -> None:
    stop = StopRequest()
    with stop.interrupts():
        stop.make()
    await trio.sleep(1)
    assert stop.is_made()


async def test_request_does_not_reach_a_shielded_farewell(autojump_clock: MockClock) -> None:
    stop = StopRequest()
    said = False
    with stop.interrupts():
        stop.make()
        with trio.move_on_after(5, shield=True):
            await trio.sleep(1)
            said = True
        await trio.sleep(60)
    assert said


async def test_request_can_be_made_twice() -> None:
    stop = StopRequest()
    stop.make()
    stop.make()
    assert stop.is_made()


async def test_blocks_that_are_over_are_forgotten() -> None:
    stop = StopRequest()
    scope = stop.interrupts()
    with scope:
        pass
    forgotten = weakref.ref(scope)
    del scope
    gc.collect()
    assert forgotten() is None
    stop.make()


async def test_requests_are_independent(autojump_clock: MockClock) -> None:
    one, other = StopRequest(), StopRequest()
    one.make()
    with other.interrupts() as scope:
        await trio.sleep(1)
    assert not scope.cancelled_caught


def test_a_part_ends_together_with_the_whole() -> None:
    whole = StopRequest()
    part, of_part = whole.part(), whole.part().part()
    whole.make()
    assert part.is_made()
    assert of_part.is_made()
    assert whole.part().is_made()


def test_a_part_ends_before_the_whole() -> None:
    whole = StopRequest()
    part = whole.part()
    part.make()
    assert not whole.is_made()
    assert not whole.part().is_made()


async def test_a_part_that_is_over_leaves_nothing_behind() -> None:
    whole = StopRequest()
    part = weakref.ref(whole.part())
    gc.collect()
    assert part() is None
