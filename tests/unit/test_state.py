from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from loxone_exporter.loxone.uuids import StateUuid
from loxone_exporter.state import ConnectionState, MiniserverState
from support.structures import control, structure, uuid


HOUSE = structure(control(1, states={"value": 1, "text": 2}), control(3))


def state_of_house(now: float = 1767225600.0) -> MiniserverState:
    state = MiniserverState(name="home", now=lambda: now)
    state.replace_structure(HOUSE)
    return state


def test_nothing_is_known_at_first() -> None:
    state = MiniserverState(name="home")
    assert not state.connected
    assert not state.tried
    assert (None, None) == (state.last_update, state.last_received)
    assert ({}, {}) == (state.values, state.texts)


def test_values_of_known_states_are_kept() -> None:
    state = state_of_house()
    state.apply_values([(uuid(1), 21.5), (uuid(9), 1.0), (uuid(3), -0.0)])
    state.apply_values([(uuid(1), 22.0)])
    assert {uuid(1): 22.0, uuid(3): 0.0} == state.values
    assert 1767225600.0 == state.last_update


def test_before_the_structure_nothing_is_kept() -> None:
    state = MiniserverState(name="home")
    state.apply_values([(uuid(1), 21.5)])
    state.apply_texts([(uuid(2), "on")])
    assert ({}, {}) == (state.values, state.texts)


# Section 5.4 of the protocol reference: nothing forbids them.
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_dropped_and_counted(value: float) -> None:
    state = state_of_house()
    state.apply_values([(uuid(1), 21.5), (uuid(3), 1.0)])
    state.apply_values([(uuid(1), value), (uuid(9), value)])
    # Neither the number of before nor none at all would be true.
    assert {uuid(3): 1.0} == state.values
    assert 1 == state.non_finite_values
    state.apply_values([(uuid(1), 20.0)])
    assert {uuid(1): 20.0, uuid(3): 1.0} == state.values


def test_texts_of_known_states_are_kept() -> None:
    state = state_of_house()
    state.apply_texts([(uuid(2), "on"), (uuid(9), "off")])
    state.apply_texts([(uuid(2), "")])
    assert {uuid(2): ""} == state.texts
    assert 1767225600.0 == state.last_update


def test_long_texts_are_cut_off() -> None:
    state = state_of_house()
    state.apply_texts([(uuid(2), "ü" * 1_000_000)])
    assert "ü" * 4096 == state.texts[uuid(2)]


# Quirk 24.
def test_new_structure_forgets_what_is_gone() -> None:
    state = state_of_house()
    state.apply_values([(uuid(1), 21.5), (uuid(3), 1.0)])
    state.apply_texts([(uuid(2), "on")])
    smaller = structure(control(3), control(4))
    state.replace_structure(smaller)
    assert smaller is state.structure
    assert ({uuid(3): 1.0}, {}) == (state.values, state.texts)
    state.apply_values([(uuid(1), 5.0), (uuid(4), 6.0)])
    assert {uuid(3): 1.0, uuid(4): 6.0} == state.values


@given(
    values=st.lists(st.tuples(st.sampled_from([uuid(n) for n in range(5)]), st.floats())),
)
def test_values_are_finite_and_known(values: list[tuple[StateUuid, float]]) -> None:
    state = state_of_house()
    state.apply_values(values)
    assert all(map(math.isfinite, state.values.values()))
    assert HOUSE.state_uuids() >= state.values.keys()


async def test_silence_since_the_last_byte(mock_clock: MockClock) -> None:
    state = state_of_house()
    assert math.inf == state.silence()
    state.mark_received()
    assert 1767225600.0 == state.last_received
    assert state.last_update is None
    mock_clock.jump(40.0)
    assert 40.0 == state.silence()
    state.mark_received()
    assert 0.0 == state.silence()


async def test_connected_state_is_fresh_however_quiet(mock_clock: MockClock) -> None:
    state = state_of_house()
    state.connection = ConnectionState.CONNECTED
    assert state.connected
    mock_clock.jump(1e6)
    assert state.is_fresh(0.0)


async def test_state_is_fresh_for_a_while_after_the_connection(mock_clock: MockClock) -> None:
    state = state_of_house()
    state.connection = ConnectionState.CONNECTED
    state.mark_received()
    state.connection = ConnectionState.BACKOFF
    mock_clock.jump(299.0)
    assert state.is_fresh(300.0)
    assert not state.is_fresh(299.0)
    assert not state.is_fresh(0.0)
    mock_clock.jump(1e9)
    assert state.is_fresh(math.inf)


async def test_bytes_of_a_failing_login_keep_nothing_fresh(mock_clock: MockClock) -> None:
    state = state_of_house()
    state.connection = ConnectionState.CONNECTED
    state.mark_received()
    for _ in range(4):
        state.connection = ConnectionState.AUTHENTICATING
        mock_clock.jump(100.0)
        state.mark_received()
    assert 0.0 == state.silence()
    assert not state.is_fresh(300.0)


@pytest.mark.parametrize("stale_after", [0.0, 300.0, math.inf])
async def test_what_was_never_connected_is_not_fresh(stale_after: float) -> None:
    state = state_of_house()
    state.mark_received()
    assert not state.is_fresh(stale_after)
