"""Reboots, updates, structure changes, and what else happens to a Miniserver at one moment."""

from __future__ import annotations

import json
import socket

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from loxone_exporter.config.addresses import ListenAddress
from loxone_exporter.loxone.tables import decode_texts
from loxone_exporter.loxone.uuids import parse_uuid
from loxone_exporter.simulator.doors import Doors
from loxone_exporter.simulator.drills import DRILLS
from loxone_exporter.simulator.house import PlayedHouse
from loxone_exporter.simulator.miniserver import Profile, SimulatedMiniserver
from loxone_exporter.simulator.orders import carry_out, parse_order
from loxone_exporter.simulator.structure_changes import modifications_state, rename_a_control
from loxone_exporter.web.server import bind
from support.memory_network import STRUCTURE
from support.raw_client import RawClient, Received, connect, get, open_session, request
from support.small_house import SmallHouse


SUBSCRIBE = "jdev/sps/enablebinstatusupdate"
MODIFICATIONS = "10000000-0000-0009-ffff000000000009"


def house_with_modifications() -> PlayedHouse:
    document = {**STRUCTURE, "globalStates": {"modifications": MODIFICATIONS}}
    return PlayedHouse.from_bytes(json.dumps(document).encode(), live=False)


@pytest.fixture
def miniserver() -> SimulatedMiniserver:
    return SimulatedMiniserver(house_with_modifications(), profile=Profile(key_bits=1024))


async def subscribe(client: RawClient) -> None:
    """Subscribe, and read the answer and the table of values."""
    await client.send(SUBSCRIBE)
    for _ in range(2):
        assert isinstance(await client.receive(), Received)


async def end_of(client: RawClient) -> tuple[int | None, int | None]:
    """The identifier of the header before the close, if there is one, and the close code."""
    message = await client.receive()
    if isinstance(message, Received):
        return message.header.identifier, (await client.closing()).code
    return None, message.code


@pytest.mark.parametrize("keep_tokens", [True, False])
async def test_a_reboot(
    miniserver: SimulatedMiniserver,
    nursery: trio.Nursery,
    autojump_clock: trio.abc.Clock,
    keep_tokens: bool,  # noqa: FBT001  # as given
) -> None:
    client = await open_session(miniserver, nursery)
    idle = connect(miniserver, nursery)
    assert (await request(idle, "jdev/cfg/api")).status == 200
    began = trio.current_time()

    async def reboot() -> None:
        await miniserver.reboot(refused=2.0, booting=3.0, keep_tokens=keep_tokens)
        assert trio.current_time() - began == pytest.approx(5)

    nursery.start_soon(reboot)
    assert (5, 1000) == await end_of(client)
    refusing = [miniserver.is_refusing]
    assert await idle.receive_some() == b""
    refused = connect(miniserver, nursery)
    assert await refused.receive_some() == b""
    await trio.sleep_until(began + 2.5)
    refusing.append(miniserver.is_refusing)
    assert [True, False] == refusing
    assert (await get(miniserver, "jdev/cfg/api")).status == 503
    await trio.sleep_until(began + 5.5)
    assert (await get(miniserver, "jdev/cfg/api")).status == 200
    assert keep_tokens == bool(miniserver.tokens)
    assert not miniserver.faults.booting


async def test_outages_come_one_after_the_other(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    async with trio.open_nursery() as outages:
        outages.start_soon(miniserver.reboot)
        outages.start_soon(miniserver.update)
        await trio.sleep(6)
        assert (await get(miniserver, "jdev/cfg/api")).status == 503
    assert not miniserver.faults.booting
    assert (await get(miniserver, "jdev/cfg/api")).status == 200


async def test_a_reboot_refuses_at_real_sockets_and_comes_back_on_the_same_port() -> None:
    miniserver = SimulatedMiniserver(SmallHouse(), profile=Profile(key_bits=1024))
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
            address = listener.socket.getsockname()
            nursery.start_soon(miniserver.serve, [listener])
            async with await trio.open_tcp_stream(*address) as stream:
                assert (await request(stream, "jdev/cfg/api")).status == 200
                async with trio.open_nursery() as drill:
                    drill.start_soon(lambda: miniserver.reboot(refused=0.3, booting=0.3))
                    assert await stream.receive_some() == b""
                    with pytest.raises(OSError, match="connect"):
                        await trio.open_tcp_stream(*address)
                    assert await ask_until_there(address) == 503
            assert await ask_until_there(address) == 200
            nursery.cancel_scope.cancel()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_doors_wait_for_a_port_that_somebody_else_took(
    host: str, caplog: pytest.LogCaptureFixture
) -> None:
    miniserver = SimulatedMiniserver(SmallHouse(), profile=Profile(key_bits=1024))
    with trio.fail_after(10):
        try:
            (listener,) = await trio.open_tcp_listeners(0, host=host)
        except OSError:
            pytest.skip("this machine has no such address")
        address = listener.socket.getsockname()
        doors = Doors()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(doors.keep, listener, miniserver.handle, nursery)
            await trio.testing.wait_all_tasks_blocked()
            doors.close()
            await trio.testing.wait_all_tasks_blocked()
            other = trio.socket.socket(listener.socket.family)
            other.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_REUSEADDR, 1)
            await other.bind(address)
            other.listen()
            doors.open()
            await trio.testing.wait_all_tasks_blocked(0.01)
            assert "cannot listen" in caplog.text
            other.close()
            assert await ask_until_there(address[:2]) == 200
            nursery.cancel_scope.cancel()


async def test_after_a_reboot_ipv4_comes_in_by_a_dual_stack_socket_again() -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no such sockets")
    (opened,) = bind([ListenAddress(None, 0)])
    listener = trio.SocketListener(trio.socket.from_stdlib_socket(opened))
    port = opened.getsockname()[1]
    miniserver = SimulatedMiniserver(SmallHouse(), profile=Profile(key_bits=1024))
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(miniserver.serve, [listener])
            assert await ask_until_there(("127.0.0.1", port)) == 200
            await miniserver.reboot(refused=0.1, booting=0.0)
            assert await ask_until_there(("127.0.0.1", port)) == 200
            assert await ask_until_there(("::1", port)) == 200
            nursery.cancel_scope.cancel()


async def test_what_is_cut_off_is_reset_without_a_word_and_refused_for_a_while() -> None:
    miniserver = SimulatedMiniserver(SmallHouse(), profile=Profile(key_bits=1024))
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
            address = listener.socket.getsockname()
            nursery.start_soon(miniserver.serve, [listener])
            idle = await trio.open_tcp_stream(*address)
            assert (await request(idle, "jdev/cfg/api")).status == 200
            client = await RawClient.open(await trio.open_tcp_stream(*address))
            assert (2, 2) == (miniserver.connections, miniserver.connections_in_all)
            async with trio.open_nursery() as drill:
                drill.start_soon(lambda: miniserver.cut(refused=0.3))
                for stream in (idle, client.stream):
                    with pytest.raises(trio.BrokenResourceError) as broken:
                        await stream.receive_some()
                    assert isinstance(broken.value.__cause__, ConnectionResetError)
                    await stream.aclose()
                with pytest.raises(OSError, match="connect"):
                    await trio.open_tcp_stream(*address)
                assert (0, 2) == (miniserver.connections, miniserver.connections_in_all)
            assert await ask_until_there(address) == 200
            nursery.cancel_scope.cancel()


async def test_who_vanishes_leaves_dead_connections_behind(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    nursery.start_soon(miniserver.live)
    client = await open_session(miniserver, nursery)
    await client.ask("jdev/cfg/api")
    nursery.start_soon(lambda: miniserver.cut(refused=5.0, silent=True))
    await trio.sleep(2)
    await client.send("keepalive")
    refusing = [miniserver.is_refusing]
    await trio.sleep(4)
    assert [True, False] == [*refusing, miniserver.is_refusing]
    assert not miniserver.faults.half_open
    await client.send("keepalive")
    with trio.move_on_after(100) as waiting:
        await client.next_event()
    assert waiting.cancelled_caught
    assert (await get(miniserver, "jdev/cfg/api")).status == 200
    await client.stream.aclose()


async def ask_until_there(address: tuple[str, int]) -> int:
    while True:
        try:
            async with await trio.open_tcp_stream(*address) as stream:
                return (await request(stream, "jdev/cfg/api")).status
        except OSError:
            await trio.sleep(0.01)


async def test_an_update(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    client = await open_session(miniserver, nursery)
    nursery.start_soon(lambda: miniserver.update(booting=10.0, keep_tokens=False))
    assert (await client.closing()).code == 4007
    assert (await get(miniserver, "jdev/cfg/api")).status == 503
    await trio.sleep(11)
    assert (await get(miniserver, "jdev/cfg/api")).status == 200
    assert not miniserver.tokens


@pytest.mark.parametrize("upload", [True, False])
async def test_another_house(
    miniserver: SimulatedMiniserver,
    nursery: trio.Nursery,
    upload: bool,  # noqa: FBT001  # as given
) -> None:
    client = await open_session(miniserver, nursery)
    house = house_with_modifications()
    rename_a_control(house)
    miniserver.replace_house(house, upload=upload)
    if upload:
        assert (5, 1000) == await end_of(client)
        client = await open_session(miniserver, nursery)
    await client.send("data/LoxAPP3.json")
    message = await client.receive()
    assert isinstance(message, Received)
    assert isinstance(message.payload, str)
    assert "Temperatur (change 1)" in message.payload


@pytest.mark.parametrize("keep_last_modified", [True, False])
async def test_an_edit_by_the_api_fires_modifications(
    miniserver: SimulatedMiniserver,
    nursery: trio.Nursery,
    keep_last_modified: bool,  # noqa: FBT001  # as given
) -> None:
    client = await open_session(miniserver, nursery)
    await subscribe(client)
    before = miniserver.house.last_modified
    house = house_with_modifications()
    rename_a_control(house)
    await miniserver.modify_structure(house, keep_last_modified=keep_last_modified)
    message = await client.receive()
    assert isinstance(message, Received)
    assert isinstance(message.payload, bytes)
    ((uuid, text),) = decode_texts(message.payload)
    assert parse_uuid(MODIFICATIONS) == uuid
    assert text
    version = (await client.ask("jdev/sps/LoxAPPversion3")).value
    assert keep_last_modified == (before == version)
    assert version == json.loads(house.structure)["lastModified"]
    assert house is miniserver.house


def test_renaming_again_counts_on() -> None:
    house = house_with_modifications()
    rename_a_control(house)
    rename_a_control(house)
    first = next(iter(json.loads(house.structure)["controls"].values()))
    assert first["name"] == "Temperatur (change 2)"
    assert house.last_modified == "2026-05-25 18:00:02"


@pytest.mark.parametrize(
    "structure", [b"no JSON", b"[]", b'{"globalStates": {"modifications": 5}}']
)
def test_houses_without_what_could_change(structure: bytes) -> None:
    house = SmallHouse()
    house.structure, house.last_modified = structure, "yesterday"
    rename_a_control(house)
    assert modifications_state(house.structure) is None


async def test_the_user_is_changed(miniserver: SimulatedMiniserver, nursery: trio.Nursery) -> None:
    client = await open_session(miniserver, nursery)
    await miniserver.change_user(password="another")
    assert (await client.closing()).code == 4005
    assert not miniserver.tokens
    client = await RawClient.open(connect(miniserver, nursery))
    assert (await client.log_in(miniserver)).code == 401
    assert (await client.ask_for_token(password="another")).code == 200


async def test_another_user_is_changed(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    client = await open_session(miniserver, nursery)
    await miniserver.change_another_user()
    assert (await client.closing()).code == 4004
    assert len(miniserver.tokens) == 1


async def test_the_user_is_disabled(miniserver: SimulatedMiniserver, nursery: trio.Nursery) -> None:
    client = await open_session(miniserver, nursery)
    await miniserver.disable_user()
    assert (await client.closing()).code == 4006
    client = await RawClient.open(connect(miniserver, nursery))
    assert (await client.log_in(miniserver)).code == 423


@pytest.mark.parametrize(
    ("order", "end"),
    [
        ("close=4004", (None, 4004)),
        ("close", (None, 1000)),
        ("drop", (None, None)),
        ("reboot", (5, 1000)),
        ("reboot-without-tokens", (5, 1000)),
        ("update", (None, 4007)),
        ("structure-change", (5, 1000)),
        ("forget-tokens", (None, 1000)),
        ("user-changed", (None, 4005)),
    ],
)
async def test_drills_happen_again_and_again(
    miniserver: SimulatedMiniserver,
    nursery: trio.Nursery,
    autojump_clock: trio.abc.Clock,
    order: str,
    end: tuple[int | None, int | None],
) -> None:
    nursery.start_soon(carry_out, miniserver, parse_order(f"{order}@50"))
    for _ in range(2):
        client = await open_session(miniserver, nursery)
        began = trio.current_time()
        assert end == await end_of(client)
        assert trio.current_time() - began <= 50
        await trio.sleep(40)


async def test_an_edit_as_a_drill(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    client = await open_session(miniserver, nursery)
    await subscribe(client)
    nursery.start_soon(carry_out, miniserver, parse_order("structure-edit"))
    await wait_all_tasks_blocked()
    assert isinstance(await client.receive(), Received)
    assert trio.current_time() == pytest.approx(60, abs=1)
    assert "(change 1)" in miniserver.house.structure.decode()


async def test_a_fault_that_begins_later(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    nursery.start_soon(carry_out, miniserver, parse_order("booting@30"))
    assert (await get(miniserver, "jdev/cfg/api")).status == 200
    await trio.sleep(31)
    assert (await get(miniserver, "jdev/cfg/api")).status == 503


@pytest.mark.parametrize("order", ["booting@0-30", "booting@10-30"])
async def test_a_fault_that_ends(
    miniserver: SimulatedMiniserver,
    nursery: trio.Nursery,
    autojump_clock: trio.abc.Clock,
    order: str,
) -> None:
    nursery.start_soon(carry_out, miniserver, parse_order(order))
    await trio.sleep(29)
    assert (await get(miniserver, "jdev/cfg/api")).status == 503
    await trio.sleep(2)
    assert (await get(miniserver, "jdev/cfg/api")).status == 200


async def test_closing_for_a_ban_names_the_clients_own_address(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    client = await open_session(miniserver, nursery)
    nursery.start_soon(carry_out, miniserver, parse_order("close=4003"))
    assert miniserver.sessions[0].client.address in (await client.closing()).reason


def test_every_drill_has_a_value_of_its_own() -> None:
    assert all(drill.form.bare is not None for drill in DRILLS.values())
