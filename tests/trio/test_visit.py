"""One visit to each Miniserver: what is learned, and that nothing is left behind."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence

import pytest
import trio
import trio.testing
from attrs import evolve

from loxone_exporter.config.model import Config, MetricsConfig
from loxone_exporter.errors import FailureReason
from loxone_exporter.loxone.commands import derive_client_uuid
from loxone_exporter.miniserver.network import Address
from loxone_exporter.simulator.house import PlayedHouse
from loxone_exporter.state import ConnectionState, MiniserverState
from loxone_exporter.stop import StopRequest
from loxone_exporter.survey.check import check_all
from loxone_exporter.survey.houses import discover_all
from loxone_exporter.survey.report import left_out
from loxone_exporter.survey.shown import size_of
from loxone_exporter.survey.terminal import Progress
from loxone_exporter.survey.visit import LONGEST, visit_all
from support.exporters import DEVICE, add_miniserver, not_on_the_list, sent
from support.memory_network import STRUCTURE, MemoryNetwork, miniserver_config


async def test_a_visit_learns_structure_and_values_and_leaves_no_token(
    network: MemoryNetwork, autojump_clock: trio.testing.MockClock
) -> None:
    miniserver = add_miniserver(network)
    (visit,) = await visit_all([miniserver_config("home")], connect=network.connect)
    assert "" == visit.failure
    assert visit.state.structure is not None
    assert visit.state.values
    assert 1 == len(sent(miniserver, "getjwt"))
    assert 1 == len(sent(miniserver, "killtoken"))
    assert [] == list(miniserver.tokens)
    assert [] == not_on_the_list(miniserver)


async def test_each_failure_is_told_and_disturbs_no_other_visit(
    network: MemoryNetwork, autojump_clock: trio.testing.MockClock
) -> None:
    add_miniserver(network, "home")
    add_miniserver(network, "locked", password="another")
    configs = [miniserver_config(name) for name in ("gone", "home", "locked")]
    gone, home, locked = await visit_all(configs, connect=network.connect)
    assert ["gone", "home", "locked"] == [visit.state.name for visit in (gone, home, locked)]
    assert "" == home.failure
    assert "gone.test" in gone.failure
    assert "user or password" in locked.failure
    assert gone.state.structure is locked.state.structure is None


async def test_a_visit_is_another_client_than_the_exporter(
    network: MemoryNetwork, autojump_clock: trio.testing.MockClock
) -> None:
    miniserver, config = add_miniserver(network), miniserver_config("home")
    for purpose in ("discover", "check"):
        await visit_all([config], purpose=purpose, connect=network.connect)
    clients = [command.split("/")[6] for command in sent(miniserver, "jdev/sys/getjwt")]
    exporter = derive_client_uuid(DEVICE.serial, config.username, config.client_id)
    assert 3 == len({exporter, *clients})


async def test_a_miniserver_that_says_nothing_is_given_up(
    network: MemoryNetwork, autojump_clock: trio.testing.MockClock
) -> None:
    async def mute(stream: trio.abc.Stream) -> None:
        await trio.sleep_forever()

    network.hosts["mute.test"] = mute
    started = trio.current_time()
    (visit,) = await visit_all([miniserver_config("mute")], connect=network.connect)
    assert visit.failure
    assert trio.current_time() - started <= LONGEST


async def test_a_house_is_what_was_found_there(
    network: MemoryNetwork, autojump_clock: trio.testing.MockClock
) -> None:
    add_miniserver(network)
    config = Config(miniservers=(miniserver_config("home"), miniserver_config("gone")))
    home, gone = await discover_all(config, connect=network.connect)
    assert ("home", "") == (home.miniserver, home.failure)
    assert home.controls
    assert ("gone", ()) == (gone.miniserver, gone.controls)
    assert gone.failure


async def test_all_houses_share_the_limit_of_series(
    network: MemoryNetwork, autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    names = ("home", "barn")
    for name in names:
        add_miniserver(network, name)
    config = Config(miniservers=tuple(map(miniserver_config, names)))
    (visit, _) = await visit_all(config.miniservers, connect=network.connect)
    size = size_of(visit.state, config)
    for limit in (2 * size, 2 * size - 1, size):
        limited = evolve(config, metrics=MetricsConfig(max_series=limit))
        home, barn = await discover_all(limited, connect=network.connect)
        assert [] == list(left_out(home))
        cut = [state.is_cut for control in barn.controls for state in control.states]
        assert {2 * size: 0, 2 * size - 1: 1, size: len(cut)}[limit] == sum(cut)
        assert bool(sum(cut)) == ("of barn" in caplog.text)
        assert "of home" not in caplog.text


async def test_a_visit_notes_what_is_to_be_seen_only_meanwhile(
    network: MemoryNetwork, autojump_clock: trio.testing.MockClock
) -> None:
    add_miniserver(network)
    add_miniserver(network, "plain", evolve(DEVICE, admin=False))
    home, plain = await visit_all(
        [miniserver_config("home"), miniserver_config("plain")], connect=network.connect
    )
    assert {Address("home.test", 80): None} == home.sight.reached
    assert home.sight.is_complete
    assert home.sight.token is not None
    assert home.sight.token.valid_until is not None
    assert (False, True) == (home.sight.is_token_left, home.sight.is_told_time)
    assert (False, False) == (plain.sight.is_token_left, plain.sight.is_told_time)


async def test_a_failure_keeps_its_reason_and_what_was_seen_before(
    network: MemoryNetwork, autojump_clock: trio.testing.MockClock
) -> None:
    house = add_miniserver(network, password="another")
    (visit,) = await visit_all([miniserver_config("home")], connect=network.connect)
    assert visit.error is not None
    assert FailureReason.REJECTED is visit.error.reason
    assert visit.state.link.device is not None
    assert not visit.sight.is_complete
    assert not visit.sight.is_token_left
    assert 1 == len(sent(house, "getjwt"))


async def test_a_token_that_could_not_be_killed_is_noted(
    network: MemoryNetwork, autojump_clock: trio.testing.MockClock
) -> None:
    house = add_miniserver(network)

    async def mute_in_the_end(states: Sequence[MiniserverState]) -> None:
        while not sent(house, "jdev/sys/time"):
            await trio.sleep(0.001)
        house.faults.half_open = True

    network.latency = 0.01
    (visit,) = await visit_all(
        [miniserver_config("home")], connect=network.connect, watch=mute_in_the_end
    )
    assert visit.sight.is_token_left


@pytest.mark.parametrize(
    "connection",
    [
        ConnectionState.CONNECTING,
        ConnectionState.AUTHENTICATING,
        ConnectionState.DISCOVERING,
        ConnectionState.SUBSCRIBING,
    ],
)
async def test_a_visit_can_be_ended_early_and_leaves_no_token(
    network: MemoryNetwork, autojump_clock: trio.testing.MockClock, connection: ConnectionState
) -> None:
    house, stop = add_miniserver(network), StopRequest()
    network.latency = 0.05

    async def interrupt(states: Sequence[MiniserverState]) -> None:
        (state,) = states
        while state.connection is not connection:
            await trio.sleep(0.001)
        stop.make()

    started = trio.current_time()
    (visit,) = await visit_all(
        [miniserver_config("home")], connect=network.connect, stop=stop, watch=interrupt
    )
    assert trio.current_time() - started < 3
    assert ConnectionState.DISCONNECTED is visit.state.connection
    assert not visit.sight.is_complete or connection is ConnectionState.SUBSCRIBING
    assert {} == dict(house.tokens)


async def test_a_token_that_was_asked_for_is_waited_for_and_killed(
    network: MemoryNetwork, autojump_clock: trio.testing.MockClock
) -> None:
    house, stop = add_miniserver(network), StopRequest()
    network.latency = 0.2

    async def interrupt(states: Sequence[MiniserverState]) -> None:
        while not sent(house, "jdev/sys/getjwt"):
            await trio.sleep(0.001)
        assert 1 == len(house.tokens)
        stop.make()

    await visit_all(
        [miniserver_config("home")], connect=network.connect, stop=stop, watch=interrupt
    )
    assert {} == dict(house.tokens)


async def test_a_check_keeps_the_warnings_of_each_miniserver_apart(
    network: MemoryNetwork, autojump_clock: trio.testing.MockClock
) -> None:
    odd = json.loads(json.dumps(STRUCTURE))
    odd["controls"]["broken"] = "no object"
    house = PlayedHouse.from_bytes(json.dumps(odd).encode(), live=False)
    add_miniserver(network, "odd", house=house)
    add_miniserver(network, "home")
    config = Config(miniservers=(miniserver_config("home"), miniserver_config("odd")))
    warnings = [
        [fact.text for fact in checked.facts if fact.subject == "warning"]
        for checked in await check_all(config, connect=network.connect)
    ]
    assert [[], ["structure file: control 'broken' is no object; left out"]] == warnings


async def test_progress_is_shown_in_a_line_that_vanishes(
    network: MemoryNetwork, autojump_clock: trio.testing.MockClock
) -> None:
    add_miniserver(network)
    network.latency = 0.2
    screen = io.StringIO()
    await visit_all(
        [miniserver_config("home"), miniserver_config("gone")],
        connect=network.connect,
        watch=Progress(screen).show,
    )
    first, *others, last = screen.getvalue().split("\r\x1b[K")[1:]
    assert first.startswith("0 of 2 Miniservers; 'home'")
    assert "" == last
    steps = list(dict.fromkeys(others))
    assert [
        "1 of 2 Miniservers; 'home' connecting",
        "1 of 2 Miniservers; 'home' logging in",
        "1 of 2 Miniservers; 'home' reading the structure",
        "1 of 2 Miniservers; 'home' receiving states",
    ] == steps
