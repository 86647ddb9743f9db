from __future__ import annotations

import math

import pytest
import trio
from trio.testing import lockstep_stream_pair, memory_stream_pair, wait_all_tasks_blocked
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    RejectConnection,
    TextMessage,
)

from loxone_exporter.loxone.header import Header
from loxone_exporter.loxone.tables import (
    decode_daytimers,
    decode_texts,
    decode_values,
    decode_weather,
)
from loxone_exporter.loxone.uuids import StateUuid
from loxone_exporter.simulator.connection import TEXT_FRAME, frame
from loxone_exporter.simulator.miniserver import Profile, SimulatedMiniserver
from support.raw_client import Closed, RawClient, Received, connect, get, open_session
from support.small_house import COLOR, NOTE, SWITCH, TEMPERATURE, SmallHouse


SUBSCRIBE = "jdev/sps/enablebinstatusupdate"
SUBSCRIBED = '{"LL": { "control": "dev/sps/enablebinstatusupdate", "value": "1", "Code": "200"}}'


def simulate(profile: Profile | None = None) -> SimulatedMiniserver:
    return SimulatedMiniserver(SmallHouse(), profile=profile or Profile(key_bits=1024))


@pytest.fixture
def miniserver() -> SimulatedMiniserver:
    return simulate()


@pytest.fixture
async def client(miniserver: SimulatedMiniserver, nursery: trio.Nursery) -> RawClient:
    return await open_session(miniserver, nursery)


async def receive(client: RawClient) -> Received:
    message = await client.receive()
    assert isinstance(message, Received), message
    return message


async def receive_table(client: RawClient, identifier: int) -> bytes:
    message = await receive(client)
    assert isinstance(message.payload, bytes)
    assert [Header(identifier, len(message.payload))] == message.headers
    return message.payload


async def receive_values(client: RawClient) -> dict[StateUuid, float]:
    return dict(decode_values(await receive_table(client, 2)))


async def subscribe(client: RawClient) -> None:
    """Subscribe, and read the answer and the four full tables."""
    await client.send(SUBSCRIBE)
    for _ in range(5):
        await receive(client)


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ((), None),
        (("remotecontrol",), "remotecontrol"),
        (("chat", "remotecontrol"), "remotecontrol"),
        (("chat",), None),
    ],
)
async def test_the_subprotocol_is_echoed_when_offered(
    miniserver: SimulatedMiniserver,
    nursery: trio.Nursery,
    offered: tuple[str, ...],
    chosen: str | None,
) -> None:
    client = await RawClient.open(connect(miniserver, nursery), subprotocols=offered)
    assert client.opening == AcceptConnection(subprotocol=chosen)


@pytest.mark.parametrize("target", ["/ws/rfc6455?_=123", "/WS/RFC6455"])
async def test_the_path_of_the_websocket(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery, target: str
) -> None:
    client = await RawClient.open(connect(miniserver, nursery), target=target)
    assert isinstance(client.opening, AcceptConnection)


async def test_there_is_no_websocket_elsewhere(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    client = await RawClient.open(connect(miniserver, nursery), target="/ws")
    assert isinstance(client.opening, RejectConnection)
    assert client.opening.status_code == 404
    assert not miniserver.sessions


async def test_there_is_no_websocket_while_booting(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    miniserver.faults.booting = True
    client = await RawClient.open(connect(miniserver, nursery))
    assert isinstance(client.opening, RejectConnection)
    assert client.opening.status_code == 503


async def test_a_command_may_come_with_the_upgrade_request(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    stream = connect(miniserver, nursery)
    masked = bytes([0x81, 0x80 | 15, 0, 0, 0, 0]) + b"jdev/sys/getkey"
    await stream.send_all(
        b"GET /ws/rfc6455 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" + masked
    )
    received = b""
    while b"Code" not in received:
        received += bytes(await stream.receive_some())
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in received
    assert b"Sec-WebSocket-Extensions" not in received


async def test_the_structure_file_comes_after_an_estimate(
    client: RawClient, miniserver: SimulatedMiniserver
) -> None:
    answer = await client.ask("data/LoxAPP3.json")
    length = len(miniserver.house.structure)
    assert answer.headers == [Header(1, length + length // 16, estimated=True), Header(1, length)]
    assert answer.payload == miniserver.house.structure.decode()


async def test_the_structure_file_can_come_otherwise(nursery: trio.Nursery) -> None:
    miniserver = simulate(
        Profile(
            key_bits=1024,
            structure_identifier=0,
            structure_binary=True,
            structure_estimated=False,
        )
    )
    client = await open_session(miniserver, nursery)
    answer = await client.ask("data/LoxAPP3.json")
    assert answer.headers == [Header(0, len(miniserver.house.structure))]
    assert answer.payload == miniserver.house.structure


async def test_the_structure_file_may_be_asked_for_by_enc_but_not_by_fenc(
    client: RawClient, miniserver: SimulatedMiniserver
) -> None:
    answer = await client.ask_encrypted("data/LoxAPP3.json")
    assert answer.payload == miniserver.house.structure.decode()
    assert (await client.ask_sealed("data/LoxAPP3.json")).code == 400


@pytest.mark.parametrize("length", [10, 125, 126, 65535, 65536, 200_000])
async def test_a_structure_file_of_any_size_arrives_whole(
    client: RawClient, miniserver: SimulatedMiniserver, length: int
) -> None:
    miniserver.house.structure = b"x" * length
    assert (await client.ask("data/LoxAPP3.json")).payload == "x" * length


async def test_a_structure_file_that_is_no_utf8_is_sent_as_it_is(
    client: RawClient, miniserver: SimulatedMiniserver
) -> None:
    miniserver.house.structure = b'{"a": "\xff"}'
    await client.send("data/LoxAPP3.json")
    received = b""
    while not received.endswith(b"}"):
        received += bytes(await client.stream.receive_some())
    assert received.endswith(b'\x81\x0a{"a": "\xff"}')


async def test_subscribing_answers_first_and_then_sends_all_tables(
    client: RawClient, miniserver: SimulatedMiniserver
) -> None:
    house = miniserver.house
    answer = await client.ask(SUBSCRIBE)
    assert answer.payload == SUBSCRIBED
    assert house.values == await receive_values(client)
    texts = await receive_table(client, 3)
    assert house.texts == dict(decode_texts(texts))
    assert b"hsv(42,76,77)\x29\x29\x00" in texts  # real padding is not zeroed either
    assert house.daytimers == list(decode_daytimers(await receive_table(client, 4)))
    assert house.weather == list(decode_weather(await receive_table(client, 7)))


async def test_a_house_without_states_has_no_tables(
    client: RawClient, miniserver: SimulatedMiniserver
) -> None:
    house = miniserver.house
    house.values, house.texts, house.daytimers, house.weather = {}, {}, [], []
    assert (await client.ask(SUBSCRIBE)).payload == SUBSCRIBED
    assert (await client.ask("keepalive")).header.identifier == 6


async def test_the_tables_can_come_before_the_answer(nursery: trio.Nursery) -> None:
    miniserver = simulate(Profile(key_bits=1024, tables_before_answer=True))
    client = await open_session(miniserver, nursery)
    await client.send(SUBSCRIBE)
    identifiers = [(await receive(client)).header.identifier for _ in range(5)]
    assert identifiers == [2, 3, 4, 7, 0]


async def test_full_tables_come_in_batches(nursery: trio.Nursery) -> None:
    miniserver = simulate(Profile(key_bits=1024, values_per_table=1))
    client = await open_session(miniserver, nursery)
    await client.send(SUBSCRIBE)
    identifiers = [(await receive(client)).header.identifier for _ in range(7)]
    assert identifiers == [0, 2, 2, 3, 3, 4, 7]


async def test_subscribing_encrypted(client: RawClient) -> None:
    assert (await client.ask_encrypted(SUBSCRIBE)).value == "1"
    assert (await receive(client)).header.identifier == 2


async def test_subscribing_again_sends_the_tables_again(client: RawClient) -> None:
    await subscribe(client)
    await subscribe(client)


async def test_values_that_are_no_numbers_are_sent(
    client: RawClient, miniserver: SimulatedMiniserver
) -> None:
    await subscribe(client)
    await miniserver.publish({SWITCH: math.nan})
    assert math.isnan((await receive_values(client))[SWITCH])


async def test_publishing_sets_and_sends(
    client: RawClient, miniserver: SimulatedMiniserver
) -> None:
    await subscribe(client)
    await miniserver.publish({SWITCH: 0.0}, {NOTE: "Küche 21.5°"})
    assert await receive_values(client) == {SWITCH: 0.0}
    assert dict(decode_texts(await receive_table(client, 3))) == {NOTE: "Küche 21.5°"}
    assert miniserver.house.values == {TEMPERATURE: 21.5, SWITCH: 0.0}
    assert miniserver.house.texts == {COLOR: "hsv(42,76,77)", NOTE: "Küche 21.5°"}


async def test_only_who_has_subscribed_gets_events(
    client: RawClient, miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    other = await open_session(miniserver, nursery)
    await subscribe(other)
    await miniserver.publish({SWITCH: 0.0})
    assert (await client.ask("keepalive")).header.identifier == 6
    assert await receive_values(other) == {SWITCH: 0.0}


async def test_the_house_lives_second_by_second(
    client: RawClient,
    miniserver: SimulatedMiniserver,
    nursery: trio.Nursery,
    autojump_clock: trio.abc.Clock,
) -> None:
    await subscribe(client)
    nursery.start_soon(miniserver.live)
    began = trio.current_time()
    for second in (1, 2, 3):
        assert await receive_values(client) == {TEMPERATURE: 21.5 + second}
        assert trio.current_time() - began == pytest.approx(second)


async def test_another_house_is_seen_at_once(
    client: RawClient, miniserver: SimulatedMiniserver
) -> None:
    house = SmallHouse()
    house.last_modified = "2026-06-01 00:00:00"
    house.structure = b"{}"
    miniserver.replace_house(house)
    assert (await client.ask("jdev/sps/LoxAPPversion3")).value == "2026-06-01 00:00:00"
    assert (await client.ask("data/LoxAPP3.json")).payload == "{}"


async def test_keepalive_is_answered_by_a_bare_header(client: RawClient) -> None:
    await client.send("keepalive")
    assert await client.next_message() == bytes.fromhex("0306000000000000")


async def test_scalars_over_the_websocket(client: RawClient) -> None:
    answer = await client.ask("jdev/cfg/version")
    assert answer.payload == (
        '{"LL": { "control": "dev/cfg/version", "value": "16.0.6.10", "Code": "200"}}'
    )
    assert "hasEventSlots" in (await client.ask("jdev/cfg/api")).value
    xml = '<LL control="dev/cfg/version" value="16.0.6.10" Code="200"/>'
    assert (await client.ask("dev/cfg/version")).payload == xml


async def test_what_is_no_answer_comes_as_text(nursery: trio.Nursery) -> None:
    client = await open_session(simulate(Profile(key_bits=1024, generation=2)), nursery)
    answer = await client.ask("jdev/sys/temperature")
    assert answer.payload == "Cpu Temperature: 53 C. STM32 Cpu Temperature: 34 C"


async def test_an_unknown_command_is_answered_404(client: RawClient) -> None:
    assert (await client.ask("jdev/no/such")).code == 404
    assert (await client.ask("hello")).code == 404


async def test_the_public_key_is_not_to_be_had_over_the_websocket(client: RawClient) -> None:
    assert (await client.ask("jdev/sys/getPublicKey")).code == 400


async def test_codes_as_numbers(nursery: trio.Nursery) -> None:
    client = await open_session(simulate(Profile(key_bits=1024, codes="numbers")), nursery)
    assert (await client.ask("jdev/cfg/version")).ll["Code"] == 200


async def test_fragmented_commands_are_understood(client: RawClient) -> None:
    await client.transmit(TextMessage(data="jdev/cfg", message_finished=False))
    await client.transmit(TextMessage(data="/ver", message_finished=False))
    await client.transmit(TextMessage(data="sion"))
    assert (await receive(client)).value == "16.0.6.10"


async def test_pings_are_answered(client: RawClient) -> None:
    await client.transmit(Ping(payload=b"there?"))
    pong = await client.next_event()
    assert getattr(pong, "payload", None) == b"there?"


async def test_binary_messages_are_ignored(client: RawClient) -> None:
    await client.transmit(BytesMessage(data=b"jdev/cfg/version"))
    assert (await client.ask("keepalive")).header.identifier == 6


async def test_a_message_that_is_too_long_ends_the_connection(client: RawClient) -> None:
    await client.send("x" * 65537)
    assert (await client.closing()).code == 1009


async def test_a_message_that_is_too_long_in_pieces_ends_the_connection(
    client: RawClient,
) -> None:
    for _ in range(65):
        await client.transmit(TextMessage(data="x" * 1024, message_finished=False))
    assert (await client.closing()).code == 1009


async def test_invalid_text_ends_the_connection(client: RawClient) -> None:
    await client.stream.send_all(bytes([0x81, 0x81, 0, 0, 0, 0, 0xFF]))
    assert (await client.closing()).code == 1007


async def test_unmasked_frames_end_the_connection(client: RawClient) -> None:
    await client.stream.send_all(bytes([0x81, 0x01, 0x61]))
    assert (await client.closing()).code == 1002


async def test_a_clients_close_is_answered(
    client: RawClient, miniserver: SimulatedMiniserver
) -> None:
    await client.transmit(CloseConnection(code=1000, reason="bye"))
    assert await client.closing() == Closed(1000, "bye")
    assert await client.stream.receive_some() == b""
    assert not miniserver.sessions


async def test_a_client_that_vanishes_is_forgotten(
    client: RawClient, miniserver: SimulatedMiniserver
) -> None:
    await client.stream.aclose()
    await wait_all_tasks_blocked()
    assert not miniserver.sessions


async def test_who_does_not_log_in_within_ten_seconds_is_closed(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    client = await open_session(miniserver, nursery, logged_in=False)
    began = trio.current_time()
    await trio.sleep(9)
    assert (await client.ask("jdev/sys/getkey")).code == 200
    answer = await receive(client)
    assert answer.code == 420
    assert answer.header.identifier == 0
    assert trio.current_time() - began == pytest.approx(10)
    assert (await client.closing()).code == 1000


async def test_a_silent_client_is_closed_after_five_minutes(
    client: RawClient, autojump_clock: trio.abc.Clock
) -> None:
    await trio.sleep(299)
    assert (await client.ask("keepalive")).header.identifier == 6
    began = trio.current_time()
    assert (await client.closing()).code == 1001
    assert trio.current_time() - began == pytest.approx(300)


async def test_sending_to_a_client_does_not_count_as_its_life_sign(
    client: RawClient,
    miniserver: SimulatedMiniserver,
    nursery: trio.Nursery,
    autojump_clock: trio.abc.Clock,
) -> None:
    await subscribe(client)
    nursery.start_soon(miniserver.live)
    messages = 0
    while isinstance(message := await client.receive(), Received):
        messages += 1
    assert message.code == 1001
    assert messages == pytest.approx(300, abs=1)


async def test_a_closed_connection_does_not_wait_long_for_the_client(
    client: RawClient, miniserver: SimulatedMiniserver, autojump_clock: trio.abc.Clock
) -> None:
    began = trio.current_time()
    await miniserver.drop_sessions(4004, "user changed")
    assert not miniserver.sessions
    await client.send("keepalive")
    assert await client.closing() == Closed(4004, "user changed")
    assert await client.stream.receive_some() == b""
    assert trio.current_time() - began == pytest.approx(2)


async def test_a_closed_connection_ends_with_the_clients_answer(
    client: RawClient, miniserver: SimulatedMiniserver, autojump_clock: trio.abc.Clock
) -> None:
    began = trio.current_time()
    await miniserver.drop_sessions(4005)
    closed = await client.next_event()
    assert isinstance(closed, CloseConnection)
    await client.transmit(closed.response())
    assert await client.stream.receive_some() == b""
    assert trio.current_time() == pytest.approx(began)


async def test_closing_twice_sends_one_close(
    client: RawClient, miniserver: SimulatedMiniserver
) -> None:
    (session,) = miniserver.sessions
    session.close(4004, "first")
    session.close(4005, "second")
    assert await client.closing() == Closed(4004, "first")


async def test_a_login_deadline_does_not_disturb_a_closing_connection(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    client = await open_session(miniserver, nursery, logged_in=False)
    await trio.sleep(9)
    await miniserver.drop_sessions(4004)
    assert await client.closing() == Closed(4004, "")
    assert await client.stream.receive_some() == b""


async def test_sessions_can_break_off(client: RawClient, miniserver: SimulatedMiniserver) -> None:
    await miniserver.drop_sessions()
    assert await client.closing() == Closed(None, "")
    assert not miniserver.sessions


async def test_a_restart_is_announced(client: RawClient, miniserver: SimulatedMiniserver) -> None:
    await miniserver.restart()
    assert await client.next_message() == bytes.fromhex("0305000000000000")
    assert await client.closing() == Closed(1000, "normally closed")


async def test_without_a_free_slot_there_are_no_events(nursery: trio.Nursery) -> None:
    miniserver = simulate(Profile(key_bits=1024, event_slots=1))
    first, second = [await open_session(miniserver, nursery) for _ in range(2)]
    assert b"'hasEventSlots':true" in (await get(miniserver, "jdev/cfg/api")).body
    await subscribe(first)
    assert b"'hasEventSlots':false" in (await get(miniserver, "jdev/cfg/api")).body
    await second.send(SUBSCRIBE)
    assert (await second.closing()).code == 4008
    await subscribe(first)
    await first.stream.aclose()
    await wait_all_tasks_blocked()
    await subscribe(await open_session(miniserver, nursery))


async def test_thirty_one_clients_can_have_events(nursery: trio.Nursery) -> None:
    miniserver = simulate()
    for _ in range(31):
        await subscribe(await open_session(miniserver, nursery))
    last = await open_session(miniserver, nursery)
    await last.send(SUBSCRIBE)
    assert (await last.closing()).code == 4008


async def test_a_mute_device_sends_nothing_at_all(
    client: RawClient,
    miniserver: SimulatedMiniserver,
    nursery: trio.Nursery,
    autojump_clock: trio.abc.Clock,
) -> None:
    await subscribe(client)
    nursery.start_soon(miniserver.live)
    miniserver.faults.mute_after = len(miniserver.received) + 1
    assert (await client.ask("keepalive")).header.identifier == 6
    await client.send("keepalive")
    await client.transmit(Ping())
    with trio.move_on_after(1000) as waiting:
        await client.receive()
    assert waiting.cancelled_caught


async def test_headers_can_announce_a_wrong_length(
    client: RawClient, miniserver: SimulatedMiniserver
) -> None:
    miniserver.faults.length_mismatch = True
    answer = await client.ask(SUBSCRIBE)
    assert isinstance(answer.payload, str)
    assert answer.header.length == len(answer.payload) + 1
    table = await receive(client)
    assert isinstance(table.payload, bytes)
    assert table.header.length == len(table.payload) + 1


async def test_a_client_that_stops_reading_delays_nobody_and_is_dropped(
    client: RawClient,
    miniserver: SimulatedMiniserver,
    nursery: trio.Nursery,
    autojump_clock: trio.abc.Clock,
) -> None:
    ours, theirs = lockstep_stream_pair()
    nursery.start_soon(miniserver.handle, theirs)
    stuck = await RawClient.open(ours)
    await stuck.log_in(miniserver)
    await subscribe(client)
    await subscribe(stuck)
    assert len(miniserver.sessions) == 2
    nursery.start_soon(miniserver.live)
    began = trio.current_time()
    for second in range(1, 13):
        assert await receive_values(client) == {TEMPERATURE: 21.5 + second}
        assert trio.current_time() - began == pytest.approx(second)
        assert len(miniserver.sessions) == (2 if second <= 10 else 1)


async def test_a_client_for_whom_too_much_waits_is_dropped(
    nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    miniserver = simulate(Profile(key_bits=1024, outgoing_limit=1000))
    ours, theirs = lockstep_stream_pair()
    nursery.start_soon(miniserver.handle, theirs)
    stuck = await RawClient.open(ours)
    await stuck.log_in(miniserver)
    await subscribe(stuck)
    for _ in range(40):
        await miniserver.publish({SWITCH: 0.0})
    assert not miniserver.sessions
    assert len(await stuck.stream.receive_some()) == 10  # a header that was on its way
    assert await stuck.stream.receive_some() == b""


async def test_one_message_may_be_larger_than_what_may_wait(nursery: trio.Nursery) -> None:
    miniserver = simulate(Profile(key_bits=1024, outgoing_limit=1000))
    miniserver.house.structure = b"x" * 100_000
    client = await open_session(miniserver, nursery)
    (session,) = miniserver.sessions
    await wait_all_tasks_blocked()
    session.send([frame(TEXT_FRAME, miniserver.house.structure)])
    assert await client.next_message() == "x" * 100_000


async def test_a_client_that_closes_while_it_is_sent_to(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    ours, theirs = memory_stream_pair()
    nursery.start_soon(miniserver.handle, theirs)
    client = await RawClient.open(ours)
    await client.log_in(miniserver)
    await subscribe(client)
    assert ours.receive_stream is not None
    ours.receive_stream.close()
    await miniserver.publish({SWITCH: 0.0})
    await wait_all_tasks_blocked()
    assert not miniserver.sessions


async def test_a_command_right_before_the_clients_close_is_obeyed(
    client: RawClient, miniserver: SimulatedMiniserver
) -> None:
    (token,) = miniserver.tokens
    kill = client.websocket.send(TextMessage(data=f"jdev/sys/killtoken/{token}/demo"))
    close = client.websocket.send(CloseConnection(code=1000))
    await client.stream.send_all(kill + close)
    assert (await receive(client)).value == "1"
    assert (await client.closing()).code == 1000
    assert not miniserver.tokens


async def test_commands_after_the_miniservers_close_are_not_obeyed(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    client = await open_session(miniserver, nursery)
    await subscribe(client)
    await miniserver.drop_sessions(4004)
    recorded = len(miniserver.received)
    await client.send("jdev/cfg/version")
    await client.send("x" * 70_000)
    await wait_all_tasks_blocked()
    assert recorded == len(miniserver.received)


async def test_a_connection_that_breaks_is_forgotten(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    ours, theirs = memory_stream_pair()
    nursery.start_soon(miniserver.handle, theirs)
    await (await RawClient.open(ours)).log_in(miniserver)
    await theirs.aclose()
    await wait_all_tasks_blocked()
    assert not miniserver.sessions


async def test_answers_that_are_no_utf_8(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    client = await open_session(miniserver, nursery)
    miniserver.faults.invalid_utf8_answer = True
    await client.send("jdev/cfg/version")
    assert isinstance(await client.next_message(), bytes)  # the header
    closed = await client.next_message()
    assert isinstance(closed, Closed)
    assert 1007 == closed.code  # by the client's own library, as it has to be


async def test_a_ban_by_close_code_is_as_long_as_bans_are(nursery: trio.Nursery) -> None:
    profile = Profile(key_bits=1024, ban_life=77.0)
    miniserver = SimulatedMiniserver(SmallHouse(), profile=profile)
    client = await open_session(miniserver, nursery)
    miniserver.close_sessions(4003)
    closed = await client.closing()
    assert closed.code == 4003
    assert closed.reason.endswith("(77)")
