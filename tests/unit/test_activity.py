from __future__ import annotations

import math
from collections.abc import Awaitable, Callable

import pytest
import trio
from attrs import define
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from loxone_exporter.activity import Activities, Activity
from loxone_exporter.loxone.structure import Structure
from loxone_exporter.loxone.uuids import StateUuid
from loxone_exporter.state import ConnectionState, MiniserverState
from support.collected import change_structure
from support.structures import control, structure, uuid


HOUSE = structure(control(1), control(2), control(3, states={"value": 3}))


def watched(house: Structure) -> list[StateUuid]:
    """All states but those of the name `value`."""
    return [state.uuid for part in house.walk() for state in part.states if state.name != "value"]


def session(state: MiniserverState, *dump: tuple[int, float]) -> None:
    """Let a session begin that tells these values first."""
    state.begin_session()
    state.begin_dump()
    tell(state, *dump)
    state.end_dump()
    state.connection = ConnectionState.CONNECTED


def connected(*dump: tuple[int, float]) -> MiniserverState:
    state = MiniserverState(name="home", counted_states=watched)
    state.replace_structure(HOUSE)
    session(state, *dump)
    return state


def tell(state: MiniserverState, *values: tuple[int, float]) -> None:
    """Let bytes arrive that tell some values."""
    state.mark_received()
    state.apply_values((uuid(number), value) for number, value in values)


def lose(state: MiniserverState) -> None:
    state.connection = ConnectionState.BACKOFF


def counted(state: MiniserverState, number: int = 1, *, on: bool = True) -> tuple[float, float]:
    """How often a state came on, and for how long it was; or went off, likewise."""
    activity = state.activities.by_uuid[uuid(number)]
    until = state.observed_until()
    if on:
        return activity.rises, activity.seconds_on(until)
    return activity.falls, activity.seconds_off(until)


async def test_each_edge_of_a_table_counts_in_order() -> None:
    state = connected((1, 0.0))
    tell(state, (1, 1.0), (1, 0.0), (1, 1.0), (1, 0.0))
    assert (2, 2) == (counted(state)[0], counted(state, on=False)[0])
    tell(state, (1, 1.0), (2, 1.0), (1, 1.0), (1, -2.5))
    assert (3, 2) == (counted(state)[0], counted(state, on=False)[0])


async def test_anything_but_0_is_on(mock_clock: MockClock) -> None:
    state = connected((1, 0.0))
    tell(state, (1, 180.0))
    for left in (120.0, 60.0, -1.0):
        mock_clock.jump(60.0)
        tell(state, (1, left))
    assert (1, 180.0) == counted(state)
    tell(state, (1, -0.0))
    mock_clock.jump(60.0)
    assert (1, 180.0) == counted(state)


async def test_time_runs_at_the_moment_of_a_scrape(mock_clock: MockClock) -> None:
    state = connected((1, 0.0))
    mock_clock.jump(10.0)
    tell(state, (1, 1.0))
    mock_clock.jump(2.5)
    assert (1, 2.5) == counted(state)
    assert (0, 10.0) == counted(state, on=False)
    mock_clock.jump(2.5)
    tell(state, (1, 0.0))
    mock_clock.jump(100.0)
    assert (1, 5.0) == counted(state)
    assert (1, 110.0) == counted(state, on=False)


async def test_first_value_after_a_connection_is_no_edge(mock_clock: MockClock) -> None:
    state = connected((1, 1.0))
    mock_clock.jump(5.0)
    assert (0, 5.0) == counted(state)
    tell(state, (1, 0.0))
    lose(state)
    mock_clock.jump(100.0)
    session(state, (1, 1.0))
    mock_clock.jump(3.0)
    # Off before and on now: nobody saw it come on, and it is on from the dump on.
    assert (0, 8.0) == counted(state)
    assert (1, 0.0) == counted(state, on=False)
    tell(state, (1, 0.0), (1, 1.0))
    assert (1, 8.0) == counted(state)


async def test_a_change_amid_the_dump_is_an_edge() -> None:
    state = connected((1, 0.0), (1, 1.0))
    assert 1 == counted(state)[0]


async def test_a_second_dump_of_a_session_is_no_gap(mock_clock: MockClock) -> None:
    state = connected((1, 0.0), (2, 1.0))
    mock_clock.jump(10.0)
    state.begin_dump()
    tell(state, (1, 1.0), (2, 1.0))
    assert (1, 0.0) == counted(state)
    state.end_dump()
    mock_clock.jump(10.0)
    assert (1, 10.0) == counted(state)
    assert (0, 20.0) == counted(state, 2)


async def test_no_time_is_counted_while_disconnected(mock_clock: MockClock) -> None:
    state = connected((1, 1.0))
    mock_clock.jump(10.0)
    state.mark_received()
    mock_clock.jump(15.0)
    lose(state)
    # Since the last byte, nobody knows.
    assert (0, 10.0) == counted(state)
    for _ in range(3):
        state.begin_session()
        mock_clock.jump(30.0)
        assert (0, 10.0) == counted(state)
    session(state, (1, 1.0))
    mock_clock.jump(5.0)
    assert (0, 15.0) == counted(state)


async def test_what_was_told_before_the_loss_was_noticed_stands(mock_clock: MockClock) -> None:
    state = connected((1, 1.0))
    mock_clock.jump(10.0)
    assert (0, 10.0) == counted(state)
    lose(state)
    assert (0, 10.0) == counted(state)
    session(state, (1, 1.0))
    assert (0, 10.0) == counted(state)


async def test_a_session_that_fails_before_its_dump_is_complete_adds_no_time(
    mock_clock: MockClock,
) -> None:
    state = connected((1, 1.0))
    mock_clock.jump(10.0)
    state.mark_received()
    lose(state)
    for _ in range(2):
        state.begin_session()
        state.begin_dump()
        tell(state, (1, 1.0), (2, 0.0))
        mock_clock.jump(20.0)
        assert (0, 10.0) == counted(state)
    session(state, (1, 1.0), (2, 1.0))
    assert (0, 10.0) == counted(state)
    assert (0, 0.0) == counted(state, 2)


async def test_a_state_that_a_dump_leaves_out_keeps_its_counts(mock_clock: MockClock) -> None:
    state = connected((1, 0.0))
    tell(state, (1, 1.0))
    mock_clock.jump(4.0)
    state.mark_received()
    lose(state)
    session(state)
    mock_clock.jump(4.0)
    assert (1, 4.0) == counted(state)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
async def test_what_is_no_number_is_no_change(value: float, mock_clock: MockClock) -> None:
    state = connected((1, 1.0), (2, value))
    mock_clock.jump(3.0)
    tell(state, (1, value))
    mock_clock.jump(3.0)
    tell(state, (1, 1.0))
    assert (0, 6.0) == counted(state)
    assert state.activities.by_uuid[uuid(2)].since is None
    tell(state, (2, 1.0))
    assert (0, 0.0) == counted(state, 2)
    assert state.activities.by_uuid[uuid(2)].since is not None


async def test_structure_change_keeps_what_is_still_there(mock_clock: MockClock) -> None:
    state = connected((1, 0.0), (2, 0.0))
    tell(state, (1, 1.0), (2, 1.0))
    mock_clock.jump(5.0)
    change_structure(state, structure(control(1, "Renamed"), control(4)))
    assert {uuid(1), uuid(4)} == state.activities.by_uuid.keys()
    assert (1, 5.0) == counted(state)
    mock_clock.jump(5.0)
    tell(state, (1, 0.0), (4, 1.0))
    assert (1, 10.0) == counted(state)
    assert (0, 0.0) == counted(state, 4)
    # What came back is counted anew.
    change_structure(state, HOUSE)
    tell(state, (2, 1.0))
    assert (0, 0.0) == counted(state, 2)


async def test_only_what_is_watched_is_counted() -> None:
    state = connected((3, 0.0), (9, 0.0))
    tell(state, (3, 1.0), (9, 1.0))
    assert {uuid(1), uuid(2)} == state.activities.by_uuid.keys()
    assert {uuid(3): 1.0} == state.values


async def test_counts_are_filed_under_the_objects_of_the_structure() -> None:
    copies = [StateUuid(bytes(bytearray(uuid(1))))]
    state = MiniserverState(name="home", counted_states=lambda _: copies)
    state.replace_structure(HOUSE)
    (filed,) = state.activities.by_uuid
    assert filed is next(iter(HOUSE.state_uuids()))


def test_nothing_is_counted_unless_asked_for() -> None:
    state = MiniserverState(name="home")
    state.replace_structure(HOUSE)
    state.apply_values([(uuid(1), 1.0)])
    assert {} == state.activities.by_uuid


def test_a_state_that_was_never_seen_did_nothing() -> None:
    activities = Activities().going_on_with([uuid(1)])
    activities.pause(100.0)
    activity = activities.by_uuid[uuid(1)]
    assert activity.since is None
    assert (0, 0.0) == (activity.rises, activity.seconds_on(200.0))


def test_a_moment_before_the_last_change_takes_nothing_back() -> None:
    activity = Activity()
    activity.change(is_on=True, now=10.0)
    activity.change(is_on=False, now=20.0)
    activity.change(is_on=True, now=30.0)
    assert 10.0 == activity.seconds_on(25.0)
    activity.pause(25.0)
    assert 10.0 == activity.seconds_on(99.0)


# A simple model: every second of a history, looked at afterwards.
SILENT, LOST = "silent", "lost"
seconds = st.one_of(
    st.lists(st.sampled_from([0.0, 1.0, 2.0, math.nan]), max_size=4),
    st.sampled_from([SILENT, LOST]),
)


@define
class Model:
    """What should be counted of one state, told second by second.

    Attributes:
        edges: How often it came on.
        seconds: How long it was on, up to the last byte.
    """

    edges: int = 0
    seconds: int = 0
    _last: float | None = None
    _since_last_byte: int = 0

    def hear(self, values: list[float]) -> None:
        """Bytes arrived, with these values."""
        self.seconds += self._since_last_byte
        self._since_last_byte = 0
        for value in values:
            if not math.isnan(value):
                self.edges += self._last == 0 and value != 0
                self._last = value

    def lose(self) -> None:
        """The connection was lost; since the last byte nobody knows."""
        self._last, self._since_last_byte = None, 0

    def let_a_second_pass(self) -> None:
        self._since_last_byte += bool(self._last)


def play(test: Callable[[MockClock], Awaitable[None]]) -> None:
    """Run an example on a clock of its own."""
    clock = MockClock()
    trio.run(test, clock, clock=clock)


@given(history=st.lists(seconds, max_size=30))
def test_counts_are_those_of_a_simple_model(history: list[list[float] | str]) -> None:
    async def test(clock: MockClock) -> None:
        await trio.lowlevel.checkpoint()
        state, model = connected(), Model()
        for second in history:
            if isinstance(second, list):
                tell(state, *((1, value) for value in second))
                model.hear(second)
            elif second == LOST:
                lose(state)
                model.lose()
                session(state)
            clock.jump(1.0)
            model.let_a_second_pass()
        # What passed since the last byte is not counted.
        lose(state)
        assert (model.edges, model.seconds) == counted(state)

    play(test)


@given(history=st.lists(seconds, max_size=30), on=st.booleans())
def test_counts_never_fall_however_often_they_are_asked_for(
    history: list[list[float] | str], *, on: bool
) -> None:
    async def test(clock: MockClock) -> None:
        await trio.lowlevel.checkpoint()
        state, started, before = connected(), trio.current_time(), (0.0, 0.0)
        for second in history:
            if isinstance(second, list):
                tell(state, *((1, value) for value in second))
            elif second == LOST:
                lose(state)
            elif not state.connected:
                session(state)
            clock.jump(1.0)
            now = counted(state, on=on)
            assert before[0] <= now[0]
            assert before[1] <= now[1] <= trio.current_time() - started
            before = now

    play(test)
