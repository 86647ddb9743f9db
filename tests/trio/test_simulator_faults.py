"""Each lasting fault as it shows on the wire; those of answers and logins are tested elsewhere."""

from __future__ import annotations

import importlib
import json
import math
import re
import ssl

import pytest
import trio
from attrs import evolve, fields
from trio.testing import memory_stream_pair, wait_all_tasks_blocked
from wsproto.events import CloseConnection, RejectConnection

from loxone_exporter.loxone.header import Header
from loxone_exporter.loxone.tables import decode_texts, decode_values, decode_weather
from loxone_exporter.loxone.uuids import StateUuid
from loxone_exporter.simulator.faults import Faults, all_faults
from loxone_exporter.simulator.messages import Messages
from loxone_exporter.simulator.miniserver import Profile, SimulatedMiniserver
from loxone_exporter.simulator.orders import begin, carry_out, describe_all, parse_order
from loxone_exporter.simulator.structure_faults import spoil_json, spoil_structure
from support.memory_network import STRUCTURE
from support.raw_client import RawClient, Received, connect, get, open_session, request
from support.small_house import COLOR, NOTE, SWITCH, TEMPERATURE, SmallHouse


SUBSCRIBE = "jdev/sps/enablebinstatusupdate"
STRUCTURE_BYTES = json.dumps(STRUCTURE).encode()


@pytest.fixture
def miniserver() -> SimulatedMiniserver:
    return SimulatedMiniserver(SmallHouse(), profile=Profile(key_bits=1024))


async def receive(client: RawClient) -> Received:
    message = await client.receive()
    assert isinstance(message, Received), message
    return message


async def subscribe(client: RawClient, messages: int = 5) -> list[Received]:
    """Subscribe, and read so many messages: usually the answer and four tables."""
    await client.send(SUBSCRIBE)
    return [await receive(client) for _ in range(messages)]


def table(messages: list[Received], identifier: int) -> bytes:
    """The payload of the last message of a kind."""
    payload = next(m.payload for m in reversed(messages) if m.header.identifier == identifier)
    assert isinstance(payload, bytes)
    return payload


def values_of(messages: list[Received]) -> dict[StateUuid, float]:
    return dict(decode_values(table(messages, 2)))


def texts_of(messages: list[Received]) -> dict[StateUuid, str]:
    return dict(decode_texts(table(messages, 3)))


async def read_for(stream: trio.abc.Stream, seconds: float) -> bytes:
    """All that comes within so many seconds."""
    data = bytearray()
    with trio.move_on_after(seconds):
        while more := bytes(await stream.receive_some()):
            data += more
    return bytes(data)


# All traffic.


async def test_half_open_connections_stay_open_and_nothing_gets_through(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    client = await open_session(miniserver, nursery)
    await subscribe(client)
    recorded = len(miniserver.received)
    miniserver.faults.half_open = True
    await client.send("keepalive")
    await miniserver.publish({SWITCH: 0.0})
    with trio.move_on_after(5000) as waiting:
        await client.next_event()
    assert waiting.cancelled_caught
    assert recorded == len(miniserver.received)
    assert not miniserver.sessions  # the device itself hung up, of which the client learns nothing
    await client.stream.aclose()


async def test_new_connections_are_half_open_as_well(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    miniserver.faults.half_open = True
    stream = connect(miniserver, nursery)
    with trio.move_on_after(1000) as waiting:
        await request(stream, "jdev/cfg/api")
    assert waiting.cancelled_caught
    miniserver.faults.half_open = False
    with trio.move_on_after(1000) as waiting:  # what was lost stays lost
        await request(stream, "jdev/cfg/api")
    assert waiting.cancelled_caught
    assert not miniserver.received
    assert (await get(miniserver, "jdev/cfg/api")).status == 200
    await stream.aclose()


async def test_dribbling_takes_its_time_with_every_byte(
    miniserver: SimulatedMiniserver, autojump_clock: trio.abc.Clock
) -> None:
    miniserver.faults.dribble = 2.0
    began = trio.current_time()
    response = await get(miniserver, "jdev/cfg/api")
    taken = trio.current_time() - began
    assert response.status == 200
    assert len(response.body) / 2 < taken < (len(response.body) + 300) / 2


async def test_a_dribbling_session_is_not_taken_for_stuck(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    client = await open_session(miniserver, nursery)
    miniserver.faults.dribble = 10.0
    began = trio.current_time()
    messages = await subscribe(client)
    assert 21.5 == values_of(messages)[TEMPERATURE]
    assert trio.current_time() - began > 20


async def test_dribbling_that_ends_midway_is_over_at_once(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    client = await open_session(miniserver, nursery)
    miniserver.faults.dribble = 10.0
    await client.send("data/LoxAPP3.json")
    await trio.sleep(5)
    miniserver.faults.dribble = None
    began = trio.current_time()
    structure = await receive(client)
    assert structure.payload == miniserver.house.structure.decode()
    assert trio.current_time() - began <= 0.1  # the piece under way


async def test_answers_come_late(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    client = await open_session(miniserver, nursery)
    miniserver.faults.answer_delay = 3.0
    for ask in (client.ask("jdev/cfg/version"), client.ask("keepalive")):
        began = trio.current_time()
        await ask
        assert trio.current_time() - began == pytest.approx(3)
    began = trio.current_time()
    assert (await get(miniserver, "jdev/cfg/api")).status == 200
    assert trio.current_time() - began == pytest.approx(3)


async def test_mute_from_the_command_line_means_from_the_start(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    begin(miniserver.faults, parse_order("mute-after"))
    with trio.move_on_after(100) as waiting:
        await request(connect(miniserver, nursery), "jdev/cfg/api")
    assert waiting.cancelled_caught


# HTTP.


@pytest.mark.parametrize("target", ["jdev/cfg/apiKey", "ws/rfc6455"])
async def test_redirects_keep_the_path(miniserver: SimulatedMiniserver, target: str) -> None:
    miniserver.faults.redirect = "https://192-0-2-10.504f94d0e0de.dyndns.loxonecloud.com/"
    response = await get(miniserver, target, headers={"Upgrade": "websocket"})
    assert response.status == 302
    assert f"{miniserver.faults.redirect}{target}" == response.headers["location"]
    assert [target] == [command.text for command in miniserver.received]


async def test_the_redirect_reaches_who_opens_a_websocket(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    miniserver.faults.redirect = "https://192.0.2.10"
    client = await RawClient.open(connect(miniserver, nursery))
    assert isinstance(client.opening, RejectConnection)
    assert client.opening.status_code == 302


async def test_everybody_is_locked_out(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    miniserver.faults.locked_out = 108
    response = await get(miniserver, "jdev/cfg/api")
    assert response.status == 403
    assert b"<remaining>108</remaining>" in response.body
    closed = await (await RawClient.open(connect(miniserver, nursery))).closing()
    assert closed.code == 4003
    assert closed.reason.endswith("(108)")


async def test_a_lock_out_is_counted_down_and_over_at_the_stated_time(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    nursery.start_soon(miniserver.live)
    nursery.start_soon(carry_out, miniserver, parse_order("locked-out=20@10"))
    await trio.sleep(15)
    page = (await get(miniserver, "jdev/cfg/api")).body.decode()
    stated = int(page.partition("<remaining>")[2].partition("<")[0])
    assert stated in {15, 16}  # it is seen to begin within a second
    await trio.sleep(stated - 1)
    assert (await get(miniserver, "jdev/cfg/api")).status == 403
    await trio.sleep(1)
    assert (await get(miniserver, "jdev/cfg/api")).status == 200
    assert miniserver.faults.locked_out is None


async def test_no_event_slot_is_free(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    client = await open_session(miniserver, nursery)
    miniserver.faults.no_event_slots = True
    assert b"'hasEventSlots':false" in (await get(miniserver, "jdev/cfg/api")).body
    await client.send(SUBSCRIBE)
    assert (await client.closing()).code == 4008


async def test_the_devices_clock_is_wrong(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    right = SimulatedMiniserver(SmallHouse(), profile=miniserver.profile, now=lambda: 1_800_000_000)
    client = await open_session(right, nursery)
    first = (await client.ask("jdev/sys/time")).value
    right.faults.clock_offset = -3600.0
    second = (await client.ask("jdev/sys/time")).value
    assert (int(first[:2]) - 1) % 24 == int(second[:2])
    (token,) = right.tokens.values()
    assert 1_800_000_000 + 28 * 86400 - 1230768000 == token.valid_until


async def test_the_limit_of_connections(nursery: trio.Nursery) -> None:
    profile = Profile(key_bits=1024, http_connections=2)
    miniserver = SimulatedMiniserver(SmallHouse(), profile=profile)
    sessions = [await open_session(miniserver, nursery) for _ in range(3)]  # these do not count
    streams = [connect(miniserver, nursery) for _ in range(3)]
    await wait_all_tasks_blocked()
    refused = await request(streams[0], "jdev/cfg/api")
    assert b"<errorcode>901</errorcode>" in refused.body
    await streams[1].aclose()
    await wait_all_tasks_blocked()
    assert (await request(streams[2], "jdev/cfg/api")).status == 200
    assert 3 == len(sessions) == len(miniserver.sessions)


async def test_by_tls_there_is_no_redirect_and_half_open_is_the_same(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    pytest.importorskip("trustme")
    tls = importlib.import_module("loxone_exporter.simulator.tls")
    certificate = tls.make_certificate(miniserver.profile.serial)
    ours, theirs = memory_stream_pair()
    nursery.start_soon(miniserver.handle_tls, theirs, certificate)
    context = ssl.create_default_context(cadata=certificate.authority_pem.decode())
    name = f"192-0-2-10.{miniserver.profile.serial.lower()}.dyndns.loxonecloud.com"
    client = trio.SSLStream(ours, context, server_hostname=name, https_compatible=True)
    miniserver.faults.redirect = "https://192.0.2.10"
    assert (await request(client, "jdev/cfg/api")).status == 200
    miniserver.faults.half_open = True
    with trio.move_on_after(1000) as waiting:
        await request(client, "jdev/cfg/api")
    assert waiting.cancelled_caught
    await ours.aclose()


async def test_a_tls_client_that_trusts_nobody_is_left(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    pytest.importorskip("trustme")
    tls = importlib.import_module("loxone_exporter.simulator.tls")
    ours, theirs = memory_stream_pair()
    nursery.start_soon(
        miniserver.handle_tls, theirs, tls.make_certificate(miniserver.profile.serial)
    )
    client = trio.SSLStream(ours, ssl.create_default_context(), server_hostname="x")
    with pytest.raises(trio.BrokenResourceError):
        await client.do_handshake()
    await ours.aclose()
    await wait_all_tasks_blocked()
    assert (await get(miniserver, "jdev/cfg/api")).status == 200


async def test_there_is_no_tls_without_a_certificate(miniserver: SimulatedMiniserver) -> None:
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listener:
        with pytest.RaisesGroup(pytest.RaisesExc(ValueError, match="certificate")):
            await miniserver.serve([], tls_listeners=[listener])


# Logins.


@pytest.mark.parametrize("code", [4005, 4006, 4007])
async def test_a_login_is_answered_by_closing(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery, code: int
) -> None:
    client = await RawClient.open(connect(miniserver, nursery))
    miniserver.faults.close_login = code
    await client.send("jdev/sys/getjwt/0/demo/4/x/y")
    assert code == (await client.closing()).code


async def test_a_close_for_a_ban_says_for_how_long(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    client = await open_session(miniserver, nursery)
    miniserver.faults.close_subscription = 4003
    await client.send(SUBSCRIBE)
    closed = await client.closing()
    assert (4003, True) == (closed.code, closed.reason.endswith("(300)"))


@pytest.mark.parametrize("code", [4004, 4005, 4006, 4007, 4008])
async def test_a_subscription_is_answered_by_closing(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery, code: int
) -> None:
    client = await open_session(miniserver, nursery)
    miniserver.faults.close_subscription = code
    await client.send(SUBSCRIBE)
    assert code == (await client.closing()).code


async def test_a_disabled_user_is_told_so_and_closed(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    miniserver.faults.user_disabled = True
    client = await RawClient.open(connect(miniserver, nursery))
    assert (await client.log_in(miniserver)).code == 423
    assert (await client.closing()).code == 4006
    assert not miniserver.tokens


async def test_sessions_of_a_user_who_gets_disabled_are_closed(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    nursery.start_soon(miniserver.live)
    client = await open_session(miniserver, nursery)
    miniserver.faults.user_disabled = True
    assert (await client.closing()).code == 4006


async def test_quirk_13_sealed_answers_lack_their_end(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    client = await open_session(miniserver, nursery)
    whole = await client.ask_sealed("jdev/cfg/version")
    miniserver.faults.sealed_cut = True
    cut = await client.ask_sealed("jdev/cfg/version")
    assert isinstance(whole.payload, str)
    assert isinstance(cut.payload, str)
    assert len(cut.payload) < len(whole.payload)
    assert whole.payload.startswith(cut.payload)


# The structure file.


def spoilt(**faults: bool) -> bytes:
    return spoil_structure(STRUCTURE_BYTES, Faults(**faults))  # type: ignore[arg-type]  # switches only


def test_without_faults_the_structure_file_is_not_touched() -> None:
    assert spoil_structure(STRUCTURE_BYTES, Faults()) is STRUCTURE_BYTES


def test_quirk_5_the_structure_file_is_cut() -> None:
    assert STRUCTURE_BYTES.startswith(spoilt(truncated_structure=True))
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        json.loads(spoilt(truncated_structure=True))


async def test_quirk_6_the_structure_file_is_no_utf8_in_a_text_frame(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    miniserver.house.structure = STRUCTURE_BYTES
    client = await open_session(miniserver, nursery)
    miniserver.faults.invalid_utf8_structure = True
    await client.send("data/LoxAPP3.json")
    with trio.fail_after(5):
        event = await client.next_event()
        while not isinstance(event, CloseConnection):
            event = await client.next_event()
    assert event.code == 1007  # so says the client's library
    await client.stream.aclose()
    assert b'"Temperatur\xff' in spoil_structure(STRUCTURE_BYTES, miniserver.faults)


def test_quirk_7_a_byte_order_mark_begins_the_structure_file() -> None:
    assert b"\xef\xbb\xbf" + STRUCTURE_BYTES == spoilt(structure_bom=True)


def test_quirk_20_the_structure_file_says_less() -> None:
    document = {**STRUCTURE, "softwareVersion": [16, 0, 6, 10]}
    faults = Faults(missing_software_version=True)
    changed = json.loads(spoil_structure(json.dumps(document).encode(), faults))
    assert "softwareVersion" not in changed
    assert "serialNr" not in changed["msInfo"]


def test_quirk_23_states_are_shared_and_in_lists() -> None:
    controls = json.dumps(
        {"controls": {name: {"type": "Switch", "states": {"active": name}} for name in "ab"}}
    ).encode()
    shared = json.loads(spoil_structure(controls, Faults(shared_states=True)))["controls"]
    assert shared["a"]["states"] == shared["b"]["states"]
    lists = json.loads(spoil_structure(controls, Faults(state_lists=True)))["controls"]
    assert lists["b"]["states"] == {"active": ["b"]}


def test_quirk_3_control_characters_stand_raw_in_the_structure_file() -> None:
    content = spoilt(control_characters=True)
    assert b"Temperatur\n\t" in content
    with pytest.raises(ValueError, match="control character"):
        json.loads(content)
    assert json.loads(content, strict=False)["lastModified"] == STRUCTURE["lastModified"]


@pytest.mark.parametrize("content", [b"no JSON", b"[1]", b'{"controls": 5}'])
def test_what_is_no_structure_file_can_be_spoilt_as_well(content: bytes) -> None:
    everything = Faults(
        control_characters=True, shared_states=True, state_lists=True, invalid_utf8_structure=True
    )
    assert spoil_structure(content, everything)


async def test_only_an_estimate_precedes_the_structure_file(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    client = await open_session(miniserver, nursery)
    miniserver.faults.estimate_without_exact = True
    await client.send("data/LoxAPP3.json")
    header = await client.next_message()
    content = await client.next_message()
    size = len(miniserver.house.structure)
    assert header == b"\x03\x01\x80\x00" + size.to_bytes(4, "little")
    assert miniserver.house.structure.decode() == content


# Messages.


async def test_further_flags_are_set_in_headers(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    client = await open_session(miniserver, nursery)
    miniserver.faults.header_flags = 0x01
    await client.send("keepalive")
    assert await client.next_message() == b"\x03\x06\x01\x00\x00\x00\x00\x00"


async def test_unknown_identifiers_come_before_answers_and_tables(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    client = await open_session(miniserver, nursery)
    miniserver.faults.unknown_identifier = True
    messages = await subscribe(client, messages=10)
    assert [9, 0, 9, 2, 9, 3, 9, 4, 9, 7] == [message.header.identifier for message in messages]


async def test_quirk_11_a_file_that_nobody_asked_for_follows_keepalives(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    client = await open_session(miniserver, nursery)
    miniserver.faults.gzip_after_keepalive = True
    assert (await client.ask("keepalive")).header.identifier == 6
    file = await receive(client)
    assert [Header(1, 7000)] == file.headers
    assert isinstance(file.payload, bytes)
    assert (7000, b"\x1f\x8b\x08") == (len(file.payload), file.payload[:3])


async def test_garbage_comes_between_messages(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    nursery.start_soon(miniserver.live)
    client = await open_session(miniserver, nursery)
    miniserver.faults.garbage_frames = True
    frames = [await client.next_message() for _ in range(6)]
    assert [bytes, str, bytes, str, bytes, str] == [type(frame) for frame in frames]
    assert len(set(frames)) == 6


async def test_a_message_that_no_client_can_want_is_begun(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    client = await open_session(miniserver, nursery)
    miniserver.faults.oversize_frame = True
    await subscribe(client)
    assert await client.next_message() == b"\x03\x01\x00\x00\x00\x00\x00\x40"
    begun = await read_for(client.stream, 1)
    assert begun.startswith(b"\x82\x7f\x00\x00\x00\x00\x40\x00\x00\x00")
    assert len(begun) < 100_000


# Events.


async def test_tables_come_before_the_answer(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    client = await open_session(miniserver, nursery)
    miniserver.faults.tables_before_answer = True
    messages = await subscribe(client)
    assert [2, 3, 4, 7, 0] == [message.header.identifier for message in messages]


async def test_quirk_9_empty_tables_come_first(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    client = await open_session(miniserver, nursery)
    miniserver.faults.empty_tables = True
    await client.send(SUBSCRIBE)
    await receive(client)
    assert await client.next_message() == b"\x03\x02\x00\x00\x00\x00\x00\x00"
    empty = await receive(client)
    assert (3, b"") == (empty.header.identifier, empty.payload)
    weather = await receive(client)
    assert isinstance(weather.payload, bytes)
    assert 48 == len(weather.payload)
    assert [(), ()] == [report.entries for report in decode_weather(weather.payload)]
    assert (await receive(client)).header.identifier == 2


async def test_unasked_texts_come_before_answers(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    client = await open_session(miniserver, nursery)
    miniserver.faults.unasked_texts = True
    await client.send("jdev/cfg/version")
    text, other, answer = [await receive(client) for _ in range(3)]
    assert [0, 0, 0] == [message.header.identifier for message in (text, other, answer)]
    assert "PRG start program" in str(text.payload)
    assert "dev/sps/io/Q2" in str(other.payload)
    assert "dev/cfg/version" in str(answer.payload)


async def test_a_flood_of_events(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    client = await open_session(miniserver, nursery)
    other = await open_session(miniserver, nursery)
    await subscribe(client)
    began = trio.current_time()
    miniserver.faults.flood = 2500.0
    nursery.start_soon(miniserver.live)
    tables = [table([await receive(client)], 2) for _ in range(99)]
    assert {25} == {len(events) // 24 for events in tables}
    assert 1.0 > trio.current_time() - began > 0.95
    assert b"" == await read_for(other.stream, 1.5)


async def test_a_small_flood_comes_event_by_event(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery, autojump_clock: trio.abc.Clock
) -> None:
    client = await open_session(miniserver, nursery)
    await subscribe(client)
    began = trio.current_time()
    miniserver.faults.flood = 4.0
    nursery.start_soon(miniserver.live)
    events = [event for _ in range(3) for event in decode_values(table([await receive(client)], 2))]
    assert [uuid for uuid, _ in events] == [*miniserver.house.values, *miniserver.house.values][:3]
    assert trio.current_time() - began == pytest.approx(0.75)


async def test_nobody_listening_is_flooded(
    miniserver: SimulatedMiniserver,
    nursery: trio.Nursery,
    autojump_clock: trio.abc.Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await open_session(miniserver, nursery)
    monkeypatch.setattr(Messages, "flood", None)
    miniserver.faults.flood = 100.0
    nursery.start_soon(miniserver.live)
    await trio.sleep(5)


async def test_values_are_no_numbers(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    client = await open_session(miniserver, nursery)
    miniserver.faults.nan_values = True
    values = list(values_of(await subscribe(client)).values())
    assert math.isnan(values[0])
    assert math.inf == values[1]


async def test_quirk_6_text_states_are_no_utf8(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    client = await open_session(miniserver, nursery)
    miniserver.faults.invalid_utf8_text = True
    messages = await subscribe(client)
    assert b"hsv(42,76,77)\xff" in table(messages, 3)
    assert texts_of(messages)[COLOR].startswith("hsv(42,76,77)\ufffd")


async def test_quirk_8_texts_end_with_nuls_and_any_padding(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    client = await open_session(miniserver, nursery)
    miniserver.faults.trailing_nuls = True
    miniserver.faults.text_padding = b"\xaa"
    payload = table(await subscribe(client), 3)
    assert b"hsv(42,76,77)\0\0\xaa" in payload
    assert len(payload) % 4 == 0


async def test_quirk_1_texts_are_json_inside_json(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    client = await open_session(miniserver, nursery)
    miniserver.faults.double_encoded_texts = True
    assert {COLOR: '"hsv(42,76,77)"', NOTE: '""'} == texts_of(await subscribe(client))


async def test_quirk_3_control_characters_stand_raw_in_texts(
    miniserver: SimulatedMiniserver, nursery: trio.Nursery
) -> None:
    client = await open_session(miniserver, nursery)
    miniserver.house.texts = {COLOR: "plain", NOTE: '{"title": ["Fenster", 1]}'}
    miniserver.faults.control_characters = True
    expected = {COLOR: "plain\n\t", NOTE: '{"title":["Fenster\n\t",1]}'}
    assert expected == texts_of(await subscribe(client))
    assert spoil_json("5") == "5\n\t"


# The command line.


SAMPLES = {
    "dribble": "1000",
    "answer-delay": "0.1",
    "answer-with": "garbage",
    "redirect": "https://192.0.2.10",
    "https-status": "2",
    "clock-offset": "-60",
    "login-code": "423",
    "token-code": "477",
    "close-login": "4005",
    "close-subscription": "4004",
    "public-key-form": "labelled",
    "codes": "numbers",
    "text-padding": "2900ff",
}


def test_every_fault_is_listed() -> None:
    lines = "\n".join(describe_all())
    for attribute in fields(Faults):
        assert f"\n  {attribute.name.replace('_', '-')}" in lines
    for needs_value in SAMPLES:
        assert f"  {needs_value}=" in lines


@pytest.mark.parametrize("name", sorted(all_faults()))
async def test_whatever_goes_wrong_others_are_served_afterwards(
    miniserver: SimulatedMiniserver, name: str, autojump_clock: trio.abc.Clock
) -> None:
    text = f"{name}={SAMPLES[name]}" if name in SAMPLES else name
    miniserver.house.structure = STRUCTURE_BYTES
    async with trio.open_nursery() as nursery:
        nursery.start_soon(miniserver.live)
        client = await open_session(miniserver, nursery)
        order = parse_order(text)
        assert order.is_at_once
        begin(miniserver.faults, order)
        attribute = order.subject.name.replace("-", "_")
        assert getattr(Faults(), attribute) != getattr(miniserver.faults, attribute)
        for command in ("keepalive", "data/LoxAPP3.json", SUBSCRIBE, "jdev/sys/getkey2/demo"):
            await client.send(command)
        await read_for(client.stream, 5)
        stream = connect(miniserver, nursery)
        await stream.send_all(b"GET /jdev/cfg/apiKey HTTP/1.1\r\nHost: x\r\n\r\n")
        await read_for(stream, 5)
        setattr(miniserver.faults, attribute, getattr(Faults(), attribute))
        assert (await get(miniserver, "jdev/cfg/api")).status == 200
        await client.stream.aclose()
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("dribble=abc", "dribble: the value must be a number, not 'abc'"),
        ("dribble=0", "dribble: the value must be from 0.1 to 1000000000, not '0'"),
        ("flood=1e30", "flood: the value must be from 1 to 100000, not '1e30'"),
        ("flood=inf", "flood: the value must be from 1 to 100000, not 'inf'"),
        ("answer-delay=1e9", "answer-delay: the value must be from 0.001 to 86400, not '1e9'"),
        ("clock-offset=1e9", "the value must be from -315360000 to 315360000, not '1e9'"),
        ("mute-after=9999999", "the value must be a whole number from 0 to 1000000"),
        ("locked-out=0", "the value must be a whole number from 1 to 86400, not '0'"),
        ("reboot=1e300", "reboot: the value must be from 0.1 to 86400, not '1e300'"),
        ("serial@30", "serial cannot begin or end later: the certificate says the same"),
        ("certificate-expired@0-30", "certificate-expired cannot begin or end later"),
        ("booting@30-20", "booting must end after it has begun: @30-20"),
        ("reboot@30-60", "reboot happens again and again: @SECONDS says how often"),
        ("drop@1e-9", "what follows @ must be from 0.1 to 100000000 seconds, not '1e-9'"),
        ("dribble=nan", "dribble: the value must be a number, not 'nan'"),
        ("dribble", "dribble needs a value: dribble=RATE"),
        ("half_opn", "there is no fault 'half_opn'; did you mean half-open?"),
        ("xyz", "there is no fault 'xyz'; see --list-faults"),
        ("half-open=yes", "half-open: it is on or off; leave the value away, or write on or off"),
        ("codes=roman", "the value must be one of recorded, strings, numbers, not 'roman'"),
        ("login-code=-1", "the value must be a whole number from 100 to 999, not '-1'"),
        ("close=1", "close: the value must be a whole number from 1000 to 4999, not '1'"),
        ("text-padding=xx", "the value must be bytes in hexadecimal, as 2900ff, not 'xx'"),
        ("redirect=ftp://x", "the value must be a URL with http or https, not 'ftp://x'"),
        (
            "redirect=http://a b",
            "the value must be a URL without blanks and umlauts, not 'http://a b'",
        ),
        ("serial=12", "serial: the value must be twelve hexadecimal digits, not '12'"),
        ("reboot@soon", "what follows @ must be seconds, as 30 or 30-60, not 'soon'"),
        ("reboot@-5", "what follows @ must be from 0.1 to 100000000 seconds, not '-5'"),
        ("text-padding=", "the value must be bytes in hexadecimal, as 2900ff, not ''"),
        ("redirect=https:///x", "the value must be a URL with http or https"),
        ("", "there is no fault ''"),
    ],
)
def test_wrong_orders_are_explained(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)):
        parse_order(text)


def test_orders() -> None:
    assert parse_order("serial=504f94d0e0de").value == "504F94D0E0DE"
    assert parse_order("half-open=off").value is False
    assert parse_order("redirect=https://u@192.0.2.10").value == "https://u@192.0.2.10"
    assert parse_order("redirect=https://192.0.2.10@30").seconds == 30.0
    late = parse_order("redirect=https://u@192.0.2.10@30-60.5")
    assert ("https://u@192.0.2.10", 30.0, 60.5) == (late.value, late.seconds, late.until)
    assert parse_order("half-open@0-30").is_at_once
    assert not parse_order("half-open@0-30").is_for_good
    assert parse_order("reboot").seconds == 60.0
    reboot = parse_order("reboot=5@20")
    assert (5.0, 20.0, False) == (reboot.value, reboot.seconds, reboot.is_at_once)
    assert not parse_order("half-open@30").is_at_once


def test_faults_can_be_compared() -> None:
    assert Faults() == evolve(Faults(booting=True), booting=False)
