from __future__ import annotations

import math
import weakref

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from loxone_exporter.errors import FailureReason, RemainderError
from loxone_exporter.loxone.structure import Control, Structure
from loxone_exporter.loxone.tables import (
    Daytimer,
    DaytimerEntry,
    Weather,
    WeatherEntry,
    decode_values,
    encode_values,
)
from loxone_exporter.loxone.uuids import StateUuid
from loxone_exporter.state import (
    ConnectionState,
    EventCounts,
    Failure,
    LinkState,
    MiniserverState,
    Security,
)
from support.collected import change_structure
from support.steps import do
from support.strategies import look_alikes
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
    assert ({}, {}) == (state.shown.daytimers, state.shown.weather)
    assert state.connected_since is None


def test_nothing_is_known_of_a_new_link() -> None:
    link = LinkState()
    assert (None, None) == (link.device, link.security)
    assert (None, None) == (link.certificate_not_after, link.token_valid_until)
    assert (None, None) == (link.login_retry, link.clock_offset)
    assert (0, 0) == (link.sessions, link.broken_structures)
    assert link.last_failure is None
    assert dict.fromkeys(FailureReason, 0) == {
        reason: link.failures[reason] for reason in FailureReason
    }
    assert 0 == link.structure_changes.total()


def test_it_is_known_since_when_events_arrive_or_do_not() -> None:
    now = 1000.0
    state = MiniserverState(name="home", now=lambda: now)
    assert now == state.since
    now = 1001.0
    state.connection = ConnectionState.CONNECTING
    state.connection = ConnectionState.BACKOFF
    assert 1000.0 == state.since
    now = 1002.0
    state.connection = ConnectionState.CONNECTED
    now = 1003.0
    state.connection = ConnectionState.CONNECTED
    assert 1002.0 == state.since
    state.connection = ConnectionState.DISCONNECTED
    assert 1003.0 == state.since
    now = 1004.0
    state.connection = ConnectionState.BACKOFF
    assert 1003.0 == state.since


def test_of_a_failure_that_says_much_only_the_beginning_is_kept() -> None:
    failure = Failure(FailureReason.PROTOCOL, "x" * 5000, 1.0, 2.0)
    assert "x" * 1000 == failure.text


def test_each_miniserver_has_a_link_of_its_own() -> None:
    home, barn = MiniserverState(name="home"), MiniserverState(name="barn")
    home.link.failures[FailureReason.TLS] += 1
    home.link.security = Security.PINNED
    assert 0 == barn.link.failures[FailureReason.TLS]
    assert barn.link.security is None


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
async def test_new_structure_forgets_what_is_gone() -> None:
    state = state_of_house()
    change_structure(state, HOUSE)
    state.apply_values([(uuid(1), 21.5), (uuid(3), 1.0)])
    state.apply_texts([(uuid(2), "on")])
    smaller = structure(control(3), control(4))
    change_structure(state, smaller)
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


def test_values_before_a_remainder_are_an_update() -> None:
    state = state_of_house()
    with pytest.raises(RemainderError):
        state.apply_values(decode_values(encode_values([(uuid(1), 21.5)]) + bytes(5)))
    assert {uuid(1): 21.5} == state.values
    assert 1767225600.0 == state.last_update


def test_events_are_counted_by_kind_and_those_of_strangers_besides() -> None:
    state, own, stranger = state_of_house(), uuid(1), uuid(9)
    state.apply_values([(own, 1.0), (stranger, 2.0), (own, math.nan), (uuid(3), 4.0)])
    state.apply_texts([(own, "on"), (stranger, "off"), (stranger, "on")])
    state.apply_daytimers([Daytimer(own, 0.0), Daytimer(stranger, 0.0)])
    state.apply_weather([Weather(stranger, 0), Weather(own, 0), Weather(own, 0)])
    assert EventCounts(values=4, texts=3, daytimers=2, weather=3, unknown=5) == state.events


def test_events_count_during_a_dump_before_the_structure_and_before_a_remainder() -> None:
    state = MiniserverState(name="home")
    state.apply_values([(uuid(1), 1.0)])
    assert EventCounts(values=1, unknown=1) == state.events
    state.replace_structure(HOUSE)
    state.begin_dump()
    table = encode_values([(uuid(1), 1.0), (uuid(3), 2.0)])
    with pytest.raises(RemainderError):
        state.apply_values(decode_values(table + bytes(5)))
    assert EventCounts(values=3, unknown=1) == state.events


@given(
    tables=st.lists(
        st.lists(st.tuples(st.sampled_from([uuid(n) for n in range(5)]), st.floats()), max_size=20),
        max_size=5,
    )
)
def test_every_event_is_counted(tables: list[list[tuple[StateUuid, float]]]) -> None:
    state = state_of_house()
    for table in tables:
        state.apply_values(decode_values(encode_values(table)))
    events = [uuid for table in tables for uuid, _ in table]
    strangers = [uuid for uuid in events if uuid not in HOUSE.state_uuids()]
    assert (len(events), len(strangers)) == (state.events.values, state.events.unknown)


async def test_bytes_are_counted(mock_clock: MockClock) -> None:
    state = state_of_house()
    for size in (1, 65536):
        state.mark_received(size)
    assert 65537 == state.link.received_bytes


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


# Change detection.
def test_first_structure_changes_nothing() -> None:
    state = MiniserverState(name="home")
    assert state.replace_structure(HOUSE) is None
    assert 0 == state.link.structure_changes.total()


def test_same_structure_again_changes_nothing() -> None:
    state = state_of_house()
    changes = state.replace_structure(structure(*HOUSE.controls))
    assert changes is not None
    assert not changes
    assert 0 == state.link.structure_changes.total()


def test_changes_are_told_and_counted() -> None:
    state = state_of_house()
    parts = (control("part", "Part"),)
    new = structure(control(1, "Light"), control(4, parts=parts))
    changes = state.replace_structure(new)
    assert changes is not None
    assert [HOUSE.controls[1]] == list(changes.removed)
    assert [new.controls[1], *parts] == list(changes.added)
    assert [(HOUSE.controls[0], new.controls[0])] == list(changes.renamed)
    assert {"added": 2, "removed": 1, "renamed": 1} == state.link.structure_changes
    state.replace_structure(HOUSE)
    assert {"added": 3, "removed": 3, "renamed": 2} == state.link.structure_changes


@pytest.mark.parametrize(
    "renamed",
    [control(1, room="other"), control(1, category="other"), control(1, type_="other")],
)
def test_other_labels_are_another_name(renamed: Control) -> None:
    state = MiniserverState(name="home")
    state.replace_structure(structure(control(1)))
    state.replace_structure(structure(renamed))
    assert {"added": 0, "removed": 0, "renamed": 1} == state.link.structure_changes


def test_other_states_are_no_other_name() -> None:
    state = MiniserverState(name="home")
    state.replace_structure(structure(control(1)))
    assert not state.replace_structure(structure(control(1, states={"position": 7})))


@given(houses=st.lists(look_alikes, min_size=2, max_size=4))
def test_what_came_and_went_adds_up(houses: list[Structure]) -> None:
    state = MiniserverState(name="home")
    for house in houses:
        state.replace_structure(house)
    first, last = ({part.key for part in house.walk()} for house in (houses[0], houses[-1]))
    counts = state.link.structure_changes
    assert len(last) - len(first) == counts["added"] - counts["removed"]


# Schedules and weather.
def schedule(number: int, default: float = 0.0) -> Daytimer:
    return Daytimer(uuid(number), default, (DaytimerEntry(0, 60, 120, 0, 1.0),))


def report(number: int, last_update: int = 0) -> Weather:
    entry = WeatherEntry(0, 1, 180, 0, 50, 21.5, 21.0, 11.0, 0.0, 3.0, 1013.0)
    return Weather(uuid(number), last_update, (entry,))


def test_schedules_of_known_states_are_kept() -> None:
    state = state_of_house()
    state.apply_daytimers([schedule(1), schedule(9)])
    assert {uuid(1): schedule(1)} == state.shown.daytimers
    state.apply_daytimers([schedule(1, default=5.0), schedule(3)])
    assert {uuid(1): schedule(1, default=5.0), uuid(3): schedule(3)} == state.shown.daytimers
    state.apply_daytimers([])
    assert 2 == len(state.shown.daytimers)


def test_weather_of_known_states_is_kept() -> None:
    state = MiniserverState(name="home")
    weather_states = {"actual": uuid(7), "forecast": uuid(8)}
    state.replace_structure(Structure("", (), weather_states=weather_states))
    state.apply_weather([report(7), report(9)])
    state.apply_weather([report(7, last_update=60), report(8)])
    assert {uuid(7): report(7, last_update=60), uuid(8): report(8)} == state.shown.weather


def test_before_the_structure_no_schedule_is_kept_either() -> None:
    state = MiniserverState(name="home")
    state.apply_daytimers([schedule(1)])
    state.apply_weather([report(1)])
    assert ({}, {}) == (state.shown.daytimers, state.shown.weather)


def test_schedules_and_weather_are_no_values() -> None:
    state = state_of_house()
    state.apply_daytimers([schedule(1)])
    state.apply_weather([report(3)])
    assert ({}, {}) == (state.values, state.texts)
    assert state.last_update is None


async def test_new_structure_forgets_schedules_that_are_gone() -> None:
    state = state_of_house()
    change_structure(state, HOUSE)
    state.apply_daytimers([schedule(1), schedule(3)])
    state.apply_weather([report(1), report(3)])
    change_structure(state, structure(control(3)))
    assert ({uuid(3): schedule(3)}, {uuid(3): report(3)}) == (
        state.shown.daytimers,
        state.shown.weather,
    )


async def test_everything_is_filed_under_the_objects_of_the_structure() -> None:
    state = state_of_house()
    change_structure(state, HOUSE)
    # Equal to those of the structure, and not the same.
    copies = [StateUuid(bytes(bytearray(uuid(number)))) for number in (1, 2, 3)]
    state.apply_values([(copies[0], 1.0)])
    state.apply_texts([(copies[1], "on")])
    state.apply_daytimers([Daytimer(copies[0], 0.0)])
    state.apply_weather([Weather(copies[2], 0)])
    for house in (HOUSE, structure(*(control(number) for number in (1, 2, 3)))):
        change_structure(state, house)
        own = {id(known) for known in house.state_uuids()}
        filed = [*state.values, *state.texts, *state.shown.daytimers, *state.shown.weather]
        assert [uuid(1), uuid(2), uuid(1), uuid(3)] == filed
        assert own >= set(map(id, filed))


# Sessions.
def sessions(state: MiniserverState) -> tuple[float | None, int]:
    return state.connected_since, state.link.sessions


async def test_session_counts_once_however_often_it_subscribes(mock_clock: MockClock) -> None:
    state = state_of_house()
    state.begin_session()
    state.begin_dump()
    assert (None, 0) == sessions(state)
    mock_clock.jump(10.0)
    began = trio.current_time()
    state.end_dump()
    assert (began, 1) == sessions(state)
    mock_clock.jump(10.0)
    state.begin_dump()
    state.end_dump()
    assert (began, 1) == sessions(state)
    state.begin_session()
    assert (None, 1) == sessions(state)
    state.begin_dump()
    state.end_dump()
    assert (trio.current_time(), 2) == sessions(state)


async def test_attempt_without_events_is_no_session() -> None:
    state = state_of_house()
    for _ in range(3):
        state.begin_session()
        state.begin_dump()
    assert (None, 0) == sessions(state)


async def test_what_an_ended_session_began_to_collect_is_dropped() -> None:
    state = state_of_house()
    state.apply_values([(uuid(1), 1.0), (uuid(3), 3.0)])
    state.begin_session()
    state.begin_dump()
    state.apply_values([(uuid(1), 5.0)])
    collected = weakref.ref(state._arriving)
    state.end_session()
    assert collected() is None
    assert {uuid(1): 1.0, uuid(3): 3.0} == state.values


def is_discovered(state: MiniserverState) -> bool:
    return state.structure is not None


async def test_a_structure_is_taken_over_with_the_last_step() -> None:
    state = MiniserverState(name="home", counted_states=lambda house: house.state_uuids())
    house = structure(*(control(n, states={"a": 10 * n}) for n in range(1, 300)))
    steps = state.replace_structure_in_steps(house)
    for _ in range(4):
        next(steps)
    assert not is_discovered(state)
    # Meanwhile, the owner wants less to be counted.
    state.count(lambda house: list(house.state_uuids())[:7])
    assert do(steps).result is None
    assert house == state.structure
    assert 7 == len(state.activities.by_uuid)


async def test_dump_is_shown_whole() -> None:
    state = state_of_house()
    state.apply_values([(uuid(1), 1.0), (uuid(3), 3.0)])
    state.apply_texts([(uuid(2), "old")])
    state.begin_dump()
    state.apply_values([(uuid(1), 5.0), (uuid(9), 9.0)])
    state.apply_texts([(uuid(2), "new")])
    assert ({uuid(1): 1.0, uuid(3): 3.0}, {uuid(2): "old"}) == (state.values, state.texts)
    state.end_dump()
    assert ({uuid(1): 5.0}, {uuid(2): "new"}) == (state.values, state.texts)
    state.apply_values([(uuid(3), 6.0)])
    assert {uuid(1): 5.0, uuid(3): 6.0} == state.values


async def test_a_second_dump_of_a_session_need_not_be_complete() -> None:
    state = state_of_house()
    state.begin_session()
    state.begin_dump()
    state.apply_values([(uuid(1), 1.0), (uuid(3), 3.0)])
    state.end_dump()
    state.begin_dump()
    state.apply_values([(uuid(3), 4.0)])
    assert {uuid(1): 1.0, uuid(3): 3.0} == state.values
    state.end_dump()
    assert {uuid(1): 1.0, uuid(3): 4.0} == state.values


async def test_schedules_and_weather_are_part_of_the_dump() -> None:
    state = state_of_house()
    state.apply_daytimers([schedule(1), schedule(3)])
    state.apply_weather([report(3)])
    state.begin_dump()
    state.apply_daytimers([schedule(1, default=5.0)])
    assert {uuid(1): schedule(1), uuid(3): schedule(3)} == state.shown.daytimers
    state.end_dump()
    assert {uuid(1): schedule(1, default=5.0)} == state.shown.daytimers
    assert {} == state.shown.weather


async def test_a_later_structure_is_shown_with_its_states() -> None:
    state = state_of_house()
    change_structure(state, HOUSE)
    state.apply_values([(uuid(1), 1.0), (uuid(3), 3.0)])
    smaller = structure(control(3), control(4))
    state.replace_structure(smaller)
    # What still arrives belongs to what is shown.
    state.apply_values([(uuid(1), 2.0), (uuid(4), 4.0)])
    assert (HOUSE, {uuid(1): 2.0, uuid(3): 3.0}) == (state.structure, state.values)
    state.begin_dump()
    state.apply_values([(uuid(1), 5.0), (uuid(4), 6.0)])
    assert (HOUSE, {uuid(1): 2.0, uuid(3): 3.0}) == (state.structure, state.values)
    state.end_dump()
    assert (smaller, {uuid(3): 3.0, uuid(4): 6.0}) == (state.structure, state.values)
    assert 1 == state.link.sessions


async def test_a_structure_without_its_states_waits_for_another_session() -> None:
    state = state_of_house()
    change_structure(state, HOUSE)
    state.apply_values([(uuid(1), 1.0), (uuid(3), 3.0)])
    smaller = structure(control(3), control(4))
    state.replace_structure(smaller)
    for _ in range(2):
        state.begin_session()
        state.begin_dump()
        state.apply_values([(uuid(3), 7.0), (uuid(4), 7.0)])
        assert (HOUSE, {uuid(1): 1.0, uuid(3): 3.0}) == (state.structure, state.values)
    state.begin_session()
    state.begin_dump()
    state.apply_values([(uuid(4), 8.0)])
    state.end_dump()
    assert (smaller, {uuid(4): 8.0}) == (state.structure, state.values)


async def test_a_structure_amid_a_dump_is_shown_after_the_next_one() -> None:
    state = state_of_house()
    state.begin_dump()
    state.apply_values([(uuid(1), 5.0), (uuid(3), 6.0)])
    smaller = structure(control(3))
    state.replace_structure(smaller)
    state.end_dump()
    assert (HOUSE, {uuid(1): 5.0, uuid(3): 6.0}) == (state.structure, state.values)
    state.begin_dump()
    state.end_dump()
    assert (smaller, {uuid(3): 6.0}) == (state.structure, state.values)


async def test_of_two_structures_before_a_dump_the_last_one_counts() -> None:
    state = state_of_house()
    change_structure(state, HOUSE)
    last = structure(control(5))
    assert state.replace_structure(structure(control(4)))
    changes = state.replace_structure(last)
    assert changes is not None
    assert ([uuid(4)], [uuid(5)]) == (
        [part.states[0].uuid for part in changes.removed],
        [part.states[0].uuid for part in changes.added],
    )
    state.begin_dump()
    state.apply_values([(uuid(4), 4.0), (uuid(5), 5.0)])
    state.end_dump()
    assert (last, {uuid(5): 5.0}) == (state.structure, state.values)


BEGIN_SESSION, BEGIN_DUMP, END_DUMP = "a new session", "a dump begins", "a dump ends"

Step = str | tuple[int, float] | Structure
steps = st.one_of(
    st.sampled_from([BEGIN_SESSION, BEGIN_DUMP, END_DUMP]),
    st.tuples(st.integers(1, 4), st.floats(0, 9)),
    st.frozensets(st.integers(1, 4)).map(lambda numbers: structure(*map(control, numbers))),
)


def take(state: MiniserverState, step: Step) -> None:
    match step:
        case tuple((number, value)):
            state.apply_values([(uuid(number), value)])
            state.apply_texts([(uuid(number), str(value))])
        case Structure():
            state.replace_structure(step)
        case "a new session":
            state.begin_session()
        case "a dump begins":
            state.begin_dump()
        case _:
            state.end_dump()


@given(history=st.lists(steps, max_size=30))
def test_nothing_but_the_end_of_a_dump_replaces_what_is_shown(history: list[Step]) -> None:
    async def live() -> None:
        state = state_of_house()
        is_dumping = False
        for step in history:
            before = (state.structure, dict(state.values), dict(state.texts))
            take(state, step)
            if step == BEGIN_DUMP:
                is_dumping = True
            elif step == END_DUMP:
                is_dumping = False
            elif is_dumping or not isinstance(step, tuple):
                assert before == (state.structure, state.values, state.texts)
            # Values of other states than those of the structure beside them would be a half.
            assert state.structure is not None
            assert state.structure.state_uuids() >= state.values.keys() | state.texts.keys()

    trio.run(live)


def counted(house: Structure) -> list[StateUuid]:
    return [state.uuid for each in house.controls for state in each.states]


async def test_who_counts_from_now_on_begins_with_what_is_known(mock_clock: MockClock) -> None:
    state = MiniserverState(name="home")
    state.replace_structure(structure(control(1), control(2)))
    state.begin_dump()
    state.apply_values([(uuid(1), 1.0)])
    state.end_dump()
    state.connection = ConnectionState.CONNECTED
    state.count(counted)
    mock_clock.jump(10)
    activity = state.activities.by_uuid[uuid(1)]
    assert (True, 10.0) == (activity.is_on, activity.seconds_on(state.observed_until()))
    assert state.activities.by_uuid[uuid(2)].since is None


async def test_counting_anew_during_a_dump_loses_nothing_of_it(mock_clock: MockClock) -> None:
    state = MiniserverState(name="home", counted_states=counted)
    state.replace_structure(structure(control(1)))
    state.begin_dump()
    state.end_dump()
    state.replace_structure(structure(control(1), control(2)))
    state.begin_dump()
    state.apply_values([(uuid(2), 1.0)])
    state.count(counted)
    state.end_dump()
    assert state.activities.by_uuid[uuid(2)].is_on
