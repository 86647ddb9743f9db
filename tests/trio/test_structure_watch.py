"""The structure file: fetched when it is needed, and followed while it changes."""

from __future__ import annotations

import copy
import itertools
import json
import logging
from typing import Any

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from loxone_exporter.errors import FailureReason
from loxone_exporter.loxone.uuids import format_uuid, parse_uuid
from loxone_exporter.miniserver.structure_watch import POLL_INTERVAL, REST, SETTLING
from loxone_exporter.simulator import commands, http_requests
from loxone_exporter.simulator.answers import Answer, ban_page
from loxone_exporter.simulator.connection import HttpRequest, HttpResponse
from loxone_exporter.simulator.device import Device
from loxone_exporter.simulator.house import PlayedHouse
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.simulator.profiles import PROFILES
from loxone_exporter.simulator.session import Session
from loxone_exporter.state import ConnectionState, MiniserverState
from support.exporters import (
    Exporter,
    add_miniserver,
    not_on_the_list,
    sent,
    wait_for,
    wait_until_connected,
)
from support.memory_network import LIGHT, STRUCTURE, TEMPERATURE, MemoryNetwork


MODIFICATIONS = parse_uuid("40000000-0000-0001-ffff000000000001")
FILE = "data/LoxAPP3.json"
SUBSCRIPTION = "jdev/sps/enablebinstatusupdate"


def houses(number: int, *, light: bool = True, version: str | None = None) -> PlayedHouse:
    """A house as somebody has renamed it so many times; without its light, perhaps."""
    document: dict[str, Any] = copy.deepcopy(STRUCTURE)
    document["lastModified"] = version or f"2026-05-25 18:00:{number:02d}"
    document["globalStates"] = {"modifications": format_uuid(MODIFICATIONS)}
    temperature, lamp = document["controls"]
    document["controls"][temperature]["name"] = f"Temperatur {number}"
    if not light:
        del document["controls"][lamp]
    house = PlayedHouse.from_bytes(json.dumps(document).encode(), live=False)
    del house.values[MODIFICATIONS]  # it is a text
    house.texts[MODIFICATIONS] = ""
    return house


@pytest.fixture
def changing(network: MemoryNetwork) -> SimulatedMiniserver:
    return add_miniserver(network, house=houses(0))


def names(state: MiniserverState) -> list[str]:
    return [] if state.structure is None else [control.name for control in state.structure.walk()]


async def reconnect(house: SimulatedMiniserver, state: MiniserverState) -> None:
    await house.drop_sessions()
    await wait_for(state, ConnectionState.BACKOFF)
    await wait_until_connected(state)


async def test_an_unchanged_file_is_not_fetched_again(
    autojump_clock: MockClock, exporter: Exporter, changing: SimulatedMiniserver
) -> None:
    state = await exporter.connect()
    for _ in range(3):
        await reconnect(changing, state)
    await trio.sleep(3 * POLL_INTERVAL)
    assert 1 == len(sent(changing, FILE))
    assert 4 == len(sent(changing, SUBSCRIPTION))
    # Before and after all states come, and then once in a while.
    assert 4 + 4 + 3 == len(sent(changing, "LoxAPPversion3"))


async def test_a_file_that_changed_meanwhile_is_fetched(
    autojump_clock: MockClock,
    exporter: Exporter,
    changing: SimulatedMiniserver,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    state = await exporter.connect()
    changing.replace_house(houses(1, light=False))
    await reconnect(changing, state)
    assert 2 == len(sent(changing, FILE))
    assert ["Temperatur 1"] == names(state)
    assert {TEMPERATURE} <= state.values.keys()
    assert LIGHT not in state.values
    assert {"added": 0, "removed": 1, "renamed": 1} == dict(state.link.structure_changes)
    assert "structure changed: 0 controls added, 1 removed, 1 renamed" in caplog.text
    assert "renamed: InfoOnlyAnalog 'Temperatur 0' (Küche / Klima) is now" in caplog.text
    assert "removed: Switch 'Licht' (Küche / Klima)" in caplog.text


async def test_an_uploaded_program_is_fetched_although_its_version_is_the_same(
    autojump_clock: MockClock, exporter: Exporter, changing: SimulatedMiniserver
) -> None:
    state = await exporter.connect()
    changing.replace_house(houses(1, version=changing.house.last_modified), upload=True)
    await wait_for(state, ConnectionState.BACKOFF)
    await wait_until_connected(state)
    assert {FailureReason.OUT_OF_SERVICE: 1} == state.link.failures
    assert ["Temperatur 1", "Licht"] == names(state)


@pytest.mark.parametrize("keep_last_modified", [True, False])
async def test_a_modification_is_followed_within_the_session(
    autojump_clock: MockClock,
    exporter: Exporter,
    changing: SimulatedMiniserver,
    *,
    keep_last_modified: bool,
) -> None:
    state = await exporter.connect()
    await trio.sleep(1)
    new = houses(1, light=False)
    new.values[TEMPERATURE] = -4.5
    await changing.modify_structure(new, keep_last_modified=keep_last_modified)
    await trio.sleep(SETTLING + 0.1)
    assert ["Temperatur 1"] == names(state)
    assert -4.5 == state.values[TEMPERATURE]
    assert (1, {}) == (state.link.sessions, dict(state.link.failures))
    assert 2 == len(sent(changing, SUBSCRIPTION))
    # The answer to the second subscription is no modification.
    await trio.sleep(REST + 2 * SETTLING)
    assert 2 == len(sent(changing, FILE))
    assert [] == not_on_the_list(changing)


async def test_a_modification_that_is_told_as_a_number_is_followed(
    autojump_clock: MockClock, exporter: Exporter, changing: SimulatedMiniserver
) -> None:
    state = await exporter.connect()
    changing.replace_house(houses(1))
    await changing.publish({MODIFICATIONS: 5.0})
    await trio.sleep(SETTLING + 0.1)
    assert ["Temperatur 1", "Licht"] == names(state)


@pytest.mark.parametrize(
    "told", [{"texts": {MODIFICATIONS: "x"}}, {"values": {MODIFICATIONS: 5.0}}]
)
async def test_a_modification_before_the_remainder_of_a_table_is_followed(
    autojump_clock: MockClock,
    exporter: Exporter,
    changing: SimulatedMiniserver,
    told: dict[str, Any],
) -> None:
    state = await exporter.connect()
    changing.faults.table_remainder = 3
    changing.replace_house(houses(1))
    await changing.publish(**told)
    await trio.sleep(SETTLING + 0.1)
    assert ["Temperatur 1", "Licht"] == names(state)


@pytest.mark.parametrize("keep_last_modified", [True, False])
@pytest.mark.parametrize("subscription", [1, 2])
async def test_a_modification_while_the_states_come_is_followed_soon(
    autojump_clock: MockClock,
    exporter: Exporter,
    changing: SimulatedMiniserver,
    monkeypatch: pytest.MonkeyPatch,
    subscription: int,
    *,
    keep_last_modified: bool,
) -> None:
    """At the start, or after another change."""
    if subscription == 2:
        state = await exporter.connect()
        modify_during_the_next_dump(monkeypatch, changing, keep_last_modified=keep_last_modified)
        await changing.modify_structure(houses(1), keep_last_modified=keep_last_modified)
    else:
        modify_during_the_next_dump(monkeypatch, changing, keep_last_modified=keep_last_modified)
        state = await exporter.connect()
    await trio.sleep(REST + 2 * SETTLING + 1)
    assert ["Temperatur 5"] == names(state)
    assert TEMPERATURE in state.values
    # The next states are those of the file in use.
    files = len(sent(changing, FILE))
    await trio.sleep(2 * POLL_INTERVAL)
    assert subscription + 1 == files == len(sent(changing, FILE))
    assert 1 == state.link.sessions


def modify_during_the_next_dump(
    monkeypatch: pytest.MonkeyPatch, miniserver: SimulatedMiniserver, *, keep_last_modified: bool
) -> None:
    """Have the structure modified right after the initial tables that are sent next."""
    subscribe = Session._subscribe

    def subscribe_and_modify(session: Session, *command: Any) -> None:  # noqa: ANN401  # as there
        subscribe(session, *command)
        monkeypatch.setattr(Session, "_subscribe", subscribe)
        # The states are not complete yet: what that is known by is asked for after them.
        trio.lowlevel.spawn_system_task(modify)

    async def modify() -> None:
        new = houses(5, light=False)
        await miniserver.modify_structure(new, keep_last_modified=keep_last_modified)

    monkeypatch.setattr(Session, "_subscribe", subscribe_and_modify)


async def test_a_modification_while_nobody_was_connected_is_noticed_by_what_is_told(
    autojump_clock: MockClock, exporter: Exporter, changing: SimulatedMiniserver
) -> None:
    """Although the version stays: the state says something else than before."""
    state = await exporter.connect()
    await changing.modify_structure(houses(1), keep_last_modified=True)
    await trio.sleep(REST + SETTLING + 1)
    await changing.drop_sessions()
    await changing.modify_structure(houses(2), keep_last_modified=True)
    await wait_for(state, ConnectionState.BACKOFF)
    await wait_until_connected(state)
    await trio.sleep(2 * SETTLING)
    assert ["Temperatur 2", "Licht"] == names(state)


async def test_a_miniserver_that_tells_of_a_modification_with_all_states_is_no_storm(
    autojump_clock: MockClock,
    exporter: Exporter,
    changing: SimulatedMiniserver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begin_dump, number = MiniserverState.begin_dump, itertools.count()

    def begin(state: MiniserverState) -> None:
        begin_dump(state)
        changing.house.texts[MODIFICATIONS] = f"subscription {next(number)}"

    monkeypatch.setattr(MiniserverState, "begin_dump", begin)
    state = await exporter.connect()
    await changing.modify_structure(houses(1))
    await trio.sleep(10 * POLL_INTERVAL)
    assert ["Temperatur 1", "Licht"] == names(state)
    assert len(sent(changing, FILE)) <= 3
    assert len(sent(changing, SUBSCRIPTION)) <= 3


async def test_many_modifications_cost_one_file_in_a_while(
    autojump_clock: MockClock, exporter: Exporter, changing: SimulatedMiniserver
) -> None:
    state = await exporter.connect()
    for number in range(1, 100):
        await changing.modify_structure(houses(number))
        await trio.sleep(1)
    await trio.sleep(REST + SETTLING + 1)
    assert ["Temperatur 99", "Licht"] == names(state)
    assert 4 <= len(sent(changing, FILE)) <= 6


async def test_many_modifications_of_a_broken_file_are_no_storm_either(
    autojump_clock: MockClock, exporter: Exporter, changing: SimulatedMiniserver
) -> None:
    state = await exporter.connect()
    changing.faults.truncated_structure = True
    for number in range(1, 100):
        await changing.modify_structure(houses(number))
        await trio.sleep(1)
    assert 4 <= len(sent(changing, FILE)) <= 6
    assert ["Temperatur 0", "Licht"] == names(state)
    assert state.connected
    changing.faults.truncated_structure = False
    await trio.sleep(POLL_INTERVAL + REST)
    assert ["Temperatur 99", "Licht"] == names(state)


async def test_a_change_that_nobody_announced_is_found_by_asking(
    autojump_clock: MockClock, exporter: Exporter, changing: SimulatedMiniserver
) -> None:
    state = await exporter.connect()
    changing.replace_house(houses(1))
    await trio.sleep(POLL_INTERVAL + 1)
    assert ["Temperatur 1", "Licht"] == names(state)
    assert 1 == state.link.sessions


async def test_a_miniserver_that_tells_no_version_is_not_asked_for_the_file_again_and_again(
    autojump_clock: MockClock,
    exporter: Exporter,
    changing: SimulatedMiniserver,
) -> None:
    changing.faults.missing_value = True
    # The subscription's answer has no value either, which is as good as any.
    state = await exporter.connect()
    await trio.sleep(3 * POLL_INTERVAL)
    assert 1 == len(sent(changing, FILE))
    await reconnect(changing, state)
    assert 2 == len(sent(changing, FILE))


async def test_the_structure_is_shown_old_or_new(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    changing: SimulatedMiniserver,
) -> None:
    state = await exporter.connect()
    await trio.sleep(1)
    network.latency = 0.2
    await reconnect(changing, state)
    old = names(state)
    await changing.modify_structure(houses(1, light=False))
    seen: list[list[str]] = []
    for _ in range(200):
        await trio.sleep(0.05)
        assert state.structure is not None
        assert state.values.keys() <= state.structure.state_uuids()
        assert TEMPERATURE in state.values
        if not seen or names(state) != seen[-1]:
            seen.append(names(state))
    assert [old, ["Temperatur 1"]] == seen


async def test_a_broken_first_file_is_a_failure(
    autojump_clock: MockClock, exporter: Exporter, changing: SimulatedMiniserver
) -> None:
    changing.faults.truncated_structure = True
    state = exporter.start()
    await trio.sleep(60)
    assert {FailureReason.PROTOCOL} == set(state.link.failures)
    assert state.link.broken_structures == state.link.failures.total()
    assert 1 == len(changing.tokens)
    changing.faults.truncated_structure = False
    await wait_until_connected(state)


async def test_a_later_broken_file_leaves_the_last_good_one_in_use(
    autojump_clock: MockClock,
    exporter: Exporter,
    changing: SimulatedMiniserver,
    caplog: pytest.LogCaptureFixture,
) -> None:
    state = await exporter.connect()
    changing.faults.truncated_structure = True
    changing.replace_house(houses(1))
    await reconnect(changing, state)
    assert ["Temperatur 0", "Licht"] == names(state)
    assert changing.house.values == dict(state.values)
    assert 1 == state.link.broken_structures
    assert "the last good one stays in use" in caplog.text
    changing.faults.truncated_structure = False
    await trio.sleep(REST + POLL_INTERVAL + 1)
    assert ["Temperatur 1", "Licht"] == names(state)


async def test_a_file_that_is_no_utf8_is_read_over_http(
    autojump_clock: MockClock, exporter: Exporter, changing: SimulatedMiniserver
) -> None:
    changing.faults.invalid_utf8_structure = True
    state = await exporter.connect()
    assert {FailureReason.BAD_TEXT: 1} == state.link.failures
    assert [FILE, f"{FILE}?"] == [text[: len(FILE) + 1] for text in sent(changing, FILE)]
    assert any("\ufffd" in name for name in names(state))
    assert 1 == len(sent(changing, "getjwt"))
    # The next one comes by the same way, and costs no session.
    changing.replace_house(houses(1))
    await trio.sleep(POLL_INTERVAL + 1)
    assert any("Temperatur 1" in name for name in names(state))
    assert {FailureReason.BAD_TEXT: 1} == state.link.failures
    await exporter.end()
    assert {} == dict(changing.tokens)
    assert [] == not_on_the_list(changing)


@pytest.mark.parametrize("path", [FILE, "jdev/sys/getkey"])
@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_a_file_that_is_not_to_be_had_in_any_way_is_asked_for_ever_more_rarely(
    autojump_clock: MockClock,
    exporter: Exporter,
    changing: SimulatedMiniserver,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    path: str,
) -> None:
    answer_over_http(monkeypatch, http_requests.error(status), path)
    changing.faults.invalid_utf8_structure = True
    state = exporter.start()
    await trio.sleep(3600)
    assert {FailureReason.BAD_TEXT} == set(state.link.failures)
    assert 8 <= state.link.failures.total() <= 11
    over_http = len(sent(changing, f"{FILE}?"))
    assert over_http <= (len(sent(changing, FILE)) + 1) // 2
    assert 1 == len(changing.tokens)


@pytest.mark.parametrize(
    "answered",
    [
        http_requests.error(404),
        HttpResponse(200, b"<html>no file</html>", "text/html"),
        HttpResponse(200, http_requests.error(401).body, "text/html"),
        HttpResponse(200, b'{"LL": {"control": "", "value": "", "Code": "404"}}', "text/plain"),
        HttpResponse(200, b'{"LL": {"control": "", "value": "", "Code": "200"}}', "text/plain"),
        HttpResponse(200, b'{"LL": 5}', "text/plain"),
    ],
    ids=range(6),
)
async def test_a_later_file_that_is_not_to_be_had_in_any_way_is_not_asked_for_again(
    autojump_clock: MockClock,
    exporter: Exporter,
    changing: SimulatedMiniserver,
    monkeypatch: pytest.MonkeyPatch,
    answered: HttpResponse,
) -> None:
    answer_over_http(monkeypatch, answered, FILE)
    state = await exporter.connect()
    changing.faults.invalid_utf8_structure = True
    changing.replace_house(houses(1))
    await trio.sleep(POLL_INTERVAL + 10)
    await wait_until_connected(state)
    await trio.sleep(5 * POLL_INTERVAL)
    assert state.connected
    assert {FailureReason.BAD_TEXT: 1} == state.link.failures
    assert 1 == len(sent(changing, f"{FILE}?"))
    assert 3 == len(sent(changing, FILE))
    assert ["Temperatur 0", "Licht"] == names(state)
    # Until there is another one.
    changing.faults.invalid_utf8_structure = False
    changing.replace_house(houses(2))
    await trio.sleep(POLL_INTERVAL + 10)
    assert ["Temperatur 2", "Licht"] == names(state)


async def test_another_text_that_is_no_utf8_costs_no_structure(
    autojump_clock: MockClock, exporter: Exporter, changing: SimulatedMiniserver
) -> None:
    state = await exporter.connect()
    delays = []
    for _ in range(4):
        await changing.drop_sessions(1007)
        await wait_for(state, ConnectionState.BACKOFF)
        began = trio.current_time()
        await wait_until_connected(state)
        delays.append(trio.current_time() - began)
    for pause, expected in zip(delays, (5, 10, 20, 40), strict=True):
        assert expected <= pause <= 1.2 * expected + 0.2
    assert 1 == len(sent(changing, FILE))
    assert {FailureReason.BAD_TEXT: 4} == state.link.failures


async def test_without_a_token_there_is_no_other_way(
    autojump_clock: MockClock, exporter: Exporter, network: MemoryNetwork
) -> None:
    house = add_miniserver(network, profile=PROFILES["gen1-8"])
    house.faults.invalid_utf8_structure = True
    state = exporter.start()
    await trio.sleep(600)
    assert {FailureReason.BAD_TEXT} == set(state.link.failures)
    assert [] == sent(house, f"{FILE}?")


def answer_over_http(monkeypatch: pytest.MonkeyPatch, answered: HttpResponse, path: str) -> None:
    """Answer requests for this path over HTTP in this way."""
    respond = http_requests.respond

    def answer(device: Device, request: HttpRequest, address: str) -> HttpResponse:
        response = respond(device, request, address)
        return answered if path in request.target else response

    monkeypatch.setattr(http_requests, "respond", answer)


PASSING = {
    "booting": (http_requests.error(503), FailureReason.BOOTING),
    "booting, in a page": (
        HttpResponse(200, http_requests.error(503).body, "text/html"),
        FailureReason.BOOTING,
    ),
    "booting, in an answer": (
        HttpResponse(200, b'{"LL": {"control": "", "value": "", "Code": "503"}}', "text/plain"),
        FailureReason.BOOTING,
    ),
    "no connection left": (http_requests.error(901), FailureReason.BUSY),
    "locked out": (
        HttpResponse(403, ban_page("192.0.2.1", 70), "text/html"),
        FailureReason.LOCKED_OUT,
    ),
    "an error": (http_requests.error(500), FailureReason.PROTOCOL),
}
"""Answers that say nothing of the file, and what they are called."""


@pytest.mark.parametrize("path", [FILE, "jdev/sys/getkey"])
@pytest.mark.parametrize("passing", PASSING)
async def test_a_first_file_that_is_not_to_be_had_over_http_yet_is_waited_for(
    autojump_clock: MockClock,
    exporter: Exporter,
    changing: SimulatedMiniserver,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    passing: str,
) -> None:
    answered, reason = PASSING[passing]
    changing.faults.invalid_utf8_structure = True
    with monkeypatch.context() as patch:
        answer_over_http(patch, answered, path)
        state = exporter.start()
        await trio.sleep(300)
        assert {FailureReason.BAD_TEXT, reason} == set(state.link.failures)
        assert 1 == state.link.failures[FailureReason.BAD_TEXT]
        assert 0 == state.link.broken_structures
    await wait_until_connected(state, within=700)
    assert any("\ufffd" in name for name in names(state))
    assert 1 == len(changing.tokens)


@pytest.mark.parametrize("path", [FILE, "jdev/sys/getkey"])
@pytest.mark.parametrize("passing", PASSING)
async def test_a_later_file_that_is_not_to_be_had_over_http_yet_is_asked_for_again(
    autojump_clock: MockClock,
    exporter: Exporter,
    changing: SimulatedMiniserver,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    passing: str,
) -> None:
    state = await exporter.connect()
    changing.faults.invalid_utf8_structure = True
    changing.replace_house(houses(1))
    with monkeypatch.context() as patch:
        answer_over_http(patch, PASSING[passing][0], path)
        await trio.sleep(POLL_INTERVAL + 10)
        await wait_until_connected(state)
        await trio.sleep(2 * POLL_INTERVAL)
        assert ["Temperatur 0", "Licht"] == names(state)
    # The session has nothing to do with it, and what is true of the old file is still shown.
    assert state.connected
    assert {FailureReason.BAD_TEXT: 1} == state.link.failures
    assert changing.house.values == state.values
    await trio.sleep(POLL_INTERVAL + REST)
    assert any("Temperatur 1" in name for name in names(state))
    assert 2 == state.link.sessions


async def test_a_connection_that_breaks_under_a_file_over_http_costs_no_file(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    changing: SimulatedMiniserver,
) -> None:
    state = await exporter.connect()
    handle, connections = network.hosts["home.test"], itertools.count(1)

    async def hang_up_at_the_third(stream: trio.abc.Stream) -> None:
        await (stream.aclose() if next(connections) == 3 else handle(stream))

    # For the first questions, for the WebSocket, and for the file.
    network.hosts["home.test"] = hang_up_at_the_third
    changing.faults.invalid_utf8_structure = True
    changing.replace_house(houses(1))
    await trio.sleep(POLL_INTERVAL + 10)
    await wait_until_connected(state)
    assert {FailureReason.BAD_TEXT: 1} == state.link.failures
    assert ["Temperatur 0", "Licht"] == names(state)
    await trio.sleep(POLL_INTERVAL + REST)
    assert any("Temperatur 1" in name for name in names(state))


async def test_a_user_who_is_not_told_the_version_stays_connected(
    autojump_clock: MockClock,
    exporter: Exporter,
    house: SimulatedMiniserver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = "sps/loxappversion3"
    refused = evolve(commands._COMMANDS[name], run=lambda *_: Answer(code=401))
    monkeypatch.setitem(commands._COMMANDS, name, refused)
    state = await exporter.connect()
    await trio.sleep(10 * POLL_INTERVAL)
    assert state.connected
    assert 1 == state.link.sessions
    assert 1 == len(sent(house, "LoxAPPversion3"))
    assert 1 == len(house.tokens)
