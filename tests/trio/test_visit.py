"""One visit to each Miniserver: what is learned, and that nothing is left behind."""

from __future__ import annotations

import trio
import trio.testing
from attrs import evolve

from loxone_exporter.config.model import Config
from loxone_exporter.survey.houses import discover_all
from loxone_exporter.survey.visit import LONGEST, visit_all
from support.exporters import add_miniserver, not_on_the_list, sent
from support.memory_network import MemoryNetwork, miniserver_config


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
    miniserver = add_miniserver(network)
    config = miniserver_config("home")
    for client in (config, evolve(config, client_id="loxone-exporter discover")):
        await visit_all([client], connect=network.connect)
    first, second = (command.split("/")[6] for command in sent(miniserver, "jdev/sys/getjwt"))
    assert first != second


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
