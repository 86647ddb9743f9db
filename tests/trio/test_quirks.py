"""What real clients had to handle: each quirk of the protocol reference's section 9, by its number.

Most are shown by a whole exporter and a simulated Miniserver that has the quirk.
"""

from __future__ import annotations

import base64
import json
import xml.etree.ElementTree as ET
from functools import partial
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from loxone_exporter.errors import FailureReason, ProtocolError
from loxone_exporter.loxone.commands import CommandCipher, key_exchange
from loxone_exporter.loxone.crypto import PrivateKey, PublicKey, SessionKey
from loxone_exporter.loxone.decoding import decode_json
from loxone_exporter.loxone.header import Identifier
from loxone_exporter.loxone.messages import Message, MessageAssembler
from loxone_exporter.loxone.replies import parse_device, parse_reply
from loxone_exporter.loxone.uuids import format_uuid
from loxone_exporter.simulator.encryption import Encryption, parse_encrypted, parse_key_exchange
from loxone_exporter.simulator.house import PlayedHouse
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.simulator.profile import Profile
from loxone_exporter.simulator.profiles import PROFILES
from loxone_exporter.simulator.tls import make_certificate
from loxone_exporter.state import ConnectionState, MiniserverState, Security
from support.exporters import (
    Exporter,
    add_miniserver,
    not_on_the_list,
    sent,
    wait_for,
    wait_until_connected,
)
from support.memory_network import (
    LIGHT,
    PASSWORD,
    STRUCTURE,
    TEMPERATURE,
    MemoryNetwork,
    small_house,
)
from support.raw_client import Response, get


MODIFICATIONS = "10000000-0000-000f-ffff00000000000f"
VALUES = {TEMPERATURE: 20.5, LIGHT: 1.0}


def house_of(**changes: Any) -> PlayedHouse:  # noqa: ANN401  # sections of a structure file
    """The small house with other sections."""
    return PlayedHouse.from_bytes(json.dumps({**STRUCTURE, **changes}).encode(), live=False)


def names(state: MiniserverState) -> list[str]:
    assert state.structure is not None
    return [control.name for control in state.structure.walk()]


async def connect(exporter: Exporter, miniserver: SimulatedMiniserver) -> MiniserverState:
    """A session in which a value has arrived, and nothing was wrong."""
    state = await exporter.connect()
    await miniserver.publish(VALUES)
    await trio.sleep(5)
    assert state.connected
    assert VALUES == state.values
    assert {} == state.link.failures
    assert 1 == state.link.sessions
    return state


async def test_quirk_01_single_quotes_and_json_within_texts(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    house.house.texts[LIGHT] = '[{"name": "Küche"}]'
    house.faults.double_encoded_texts = True
    api = json.loads((await get(house, "jdev/cfg/api")).body)["LL"]["value"]
    assert api.startswith("{'snr': '50:4F:94:D0:E0:DE'")
    state = await connect(exporter, house)
    assert state.link.device is not None
    assert "504F94D0E0DE" == state.link.device.serial
    # The exporter shows texts and does not look into them; the decoder does.
    inner = decode_json(state.texts[LIGHT])
    assert isinstance(inner, str)
    assert [{"name": "Küche"}] == decode_json(inner)


@pytest.mark.parametrize("codes", ["recorded", "strings", "numbers"])
@pytest.mark.parametrize("profile", ["gen1-8", "gen1-10.2", "gen1-16", "gen2-16"])
async def test_quirk_02_codes_and_controls_in_all_shapes(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    profile: str,
    codes: Any,  # noqa: ANN401  # one of three words
) -> None:
    miniserver = add_miniserver(network, profile=PROFILES[profile])
    miniserver.faults.codes = codes
    state = await exporter.connect(tls="off")
    await trio.sleep(5)
    assert {} == state.link.failures
    assert miniserver.house.values == state.values


async def test_quirk_03_control_characters_within_texts(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    house.house.texts[LIGHT] = "on"
    house.faults.control_characters = True
    state = await connect(exporter, house)
    assert ["Temperatur\n\t", "Licht\n\t"] == names(state)
    assert {LIGHT: "on\n\t"} == state.texts


async def test_quirk_04_unescaped_quotes(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    house.faults.unescaped_quotes = True
    body = (await get(house, "jdev/cfg/api")).body
    with pytest.raises(ValueError, match="delimiter"):
        json.loads(body)
    await connect(exporter, house)


async def test_quirk_05_a_broken_structure_file_keeps_the_last_good_one(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    state = await connect(exporter, house)
    good = state.structure
    house.faults.truncated_structure = True
    house.replace_house(house_of(lastModified="2026-05-26 08:00:00", controls={}))
    await trio.sleep(400)
    assert 1 <= state.link.broken_structures
    assert state.connected
    assert good is state.structure
    assert VALUES == state.values
    house.faults.truncated_structure = False
    await trio.sleep(400)
    assert [] == names(state)
    assert {} == state.link.failures


async def test_quirk_05_a_first_structure_file_that_is_broken_is_asked_for_again(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    house.faults.truncated_structure = True
    state = exporter.start()
    await trio.sleep(600)
    assert ConnectionState.CONNECTED is not state.connection
    assert {FailureReason.PROTOCOL} == set(state.link.failures)
    house.faults.truncated_structure = False
    await wait_until_connected(state, within=600)


async def test_quirk_06_a_structure_file_that_is_no_utf8(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    house.faults.invalid_utf8_structure = True
    state = exporter.start()
    await wait_until_connected(state, within=600)
    assert {FailureReason.BAD_TEXT: 1} == state.link.failures
    assert "Temperatur\ufffd\ufffd\ufffd" == names(state)[0]
    assert [] == not_on_the_list(house)


async def test_quirk_06_a_text_that_is_no_utf8(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    house.house.texts[LIGHT] = "on"
    house.faults.invalid_utf8_text = True
    state = await connect(exporter, house)
    assert {LIGHT: "on\ufffd\ufffd\ufffd"} == state.texts


async def test_quirk_07_byte_order_marks(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    house.faults.structure_bom = True
    state = await connect(exporter, house)
    assert ["Temperatur", "Licht"] == names(state)
    # The exporter does not read these two; what it would have to read is the same.
    for path in ("data/status", "dev/fsget/log/def.log"):
        body = (await get_as_admin(house, path)).body
        assert body.startswith(b"\xef\xbb\xbf")
        assert not body.decode("utf-8-sig").startswith("\ufeff")
    assert {"a": 1} == decode_json(b'\xef\xbb\xbf{"a": 1}')


async def get_as_admin(miniserver: SimulatedMiniserver, path: str) -> Response:
    credentials = base64.b64encode(f"exporter:{PASSWORD}".encode()).decode()
    response = await get(miniserver, path, headers={"Authorization": f"Basic {credentials}"})
    assert 200 == response.status
    miniserver.strangers.clear()  # it was not the exporter who asked
    return response


@pytest.mark.parametrize("padding", [b"\0", b"))", b"\xff\xfe\xfd"])
async def test_quirk_08_padding_of_texts(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver, padding: bytes
) -> None:
    house.house.texts.update({LIGHT: "", TEMPERATURE: "warm °C"})
    house.faults.text_padding = padding
    house.faults.trailing_nuls = True
    state = await connect(exporter, house)
    assert {LIGHT: "", TEMPERATURE: "warm °C"} == state.texts
    assert 0 == state.undecodable_messages


@pytest.mark.parametrize("without_exact", [False, True])
async def test_quirk_09_estimates_and_empty_tables(
    autojump_clock: MockClock,
    exporter: Exporter,
    house: SimulatedMiniserver,
    *,
    without_exact: bool,
) -> None:
    assert house.profile.structure_estimated
    house.faults.estimate_without_exact = without_exact
    house.faults.empty_tables = True
    state = await connect(exporter, house)
    assert 0 == state.undecodable_messages


@pytest.mark.parametrize("flags", [0x01, 0x7F])
async def test_quirk_10_other_flags_are_no_estimates(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver, flags: int
) -> None:
    house.faults.header_flags = flags
    state = await connect(exporter, house)
    assert 0 == state.undecodable_messages
    # To the byte: what follows such a header is its payload, even if it looks like a keepalive.
    exact = bytes([3, Identifier.FILE, flags, 0, 8, 0, 0, 0])
    keepalive = bytes.fromhex("0306000000000000")
    assert [Message(Identifier.FILE, keepalive, 8)] == feed(exact, keepalive)
    # What is repeated is an estimate, and the exact header after it counts alone.
    estimate = bytes([3, Identifier.FILE, flags | 0x80, 0, 9, 0, 0, 0])
    assert [Message(Identifier.FILE, keepalive, 8)] == feed(estimate, estimate, exact, keepalive)


def feed(*frames: bytes) -> list[Message]:
    assembler = MessageAssembler()
    return [message for frame in frames if (message := assembler.feed(frame)) is not None]


async def test_quirk_11_late_keepalives_and_files_between_them(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    state = await connect(exporter, house)
    house.faults.gzip_after_keepalive = True
    house.faults.answer_delay = 12.0
    await trio.sleep(1000)
    assert state.connected
    assert {} == state.link.failures
    assert 1 == state.link.sessions
    assert 10 < len(sent(house, "keepalive"))


@pytest.mark.parametrize("form", [None, "labelled", "certificate"])
async def test_quirk_12_public_key_in_whatever_wrapping(
    autojump_clock: MockClock,
    exporter: Exporter,
    house: SimulatedMiniserver,
    form: Any,  # noqa: ANN401  # one of three words
) -> None:
    house.faults.public_key_form = form
    value = json.loads((await get(house, "jdev/sys/getPublicKey")).body)["LL"]["value"]
    assert "\n" not in value
    assert ("CERTIFICATE" in value) is (form != "labelled")
    await connect(exporter, house)


@pytest.mark.parametrize("user", ["exporte", "exporter", "e", "exporter-of-the-house"])
async def test_quirk_13_padding_and_truncated_sealed_answers(
    autojump_clock: MockClock, exporter: Exporter, network: MemoryNetwork, user: str
) -> None:
    # By `fenc` some answers came without their end; this exporter does not seal answers.
    miniserver = add_miniserver(network, username=user)
    miniserver.faults.sealed_cut = True
    state = await exporter.connect(username=user)
    assert {} == state.link.failures


def test_quirk_13_commands_of_every_length_can_be_opened() -> None:
    private_key = PrivateKey.generate(1024)
    key = SessionKey.generate()
    encryption = Encryption(private_key, strict=True)
    exchanged = PublicKey.parse(private_key.public_text).encrypt(key.exchange_text)
    encryption.exchange(parse_key_exchange(key_exchange(exchanged)))
    cipher = CommandCipher(key)
    for length in range(1, 100):
        sealed = cipher.encrypt("x" * length)
        assert "/" not in sealed.removeprefix("jdev/sys/enc/")
        assert "x" * length == encryption.open(parse_encrypted(sealed).cipher)


@pytest.mark.parametrize("profile", ["gen1-8", "gen1-10.2", "gen1-16"])
@pytest.mark.parametrize(
    ("user", "password"),
    [
        ("müller", "pä€ss"),
        ("a/b?c d#e:f", "a/b?c d#e:f%20"),
        ("100 %", "%"),
        ("日本", "🔑"),
    ],
)
async def test_quirk_14_names_and_passwords_of_any_characters(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    profile: str,
    user: str,
    password: str,
) -> None:
    miniserver = add_miniserver(
        network, profile=PROFILES[profile], username=user, password=password
    )
    state = await exporter.connect(username=user, password=password)
    assert {} == state.link.failures
    assert [] == not_on_the_list(miniserver)
    await exporter.end()
    assert {} == dict(miniserver.tokens)


async def test_quirk_15_a_wrong_password_is_not_repeated_until_the_ban(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    state = exporter.start(password="wrong")
    await trio.sleep(3600)
    assert {FailureReason.REJECTED} == set(state.link.failures)
    # At 0, 5, 15 and 35 minutes.
    assert 4 >= len(sent(house, "getjwt"))


async def test_quirk_15_a_token_from_before_the_change_of_the_password(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    state = await connect(exporter, house)
    await house.change_user()
    await wait_for(state, ConnectionState.BACKOFF)
    assert {FailureReason.USER_CHANGED: 1} == state.link.failures
    await wait_until_connected(state)
    house.forget_tokens()
    await wait_for(state, ConnectionState.BACKOFF)
    await wait_until_connected(state)
    assert FailureReason.REJECTED not in state.link.failures
    assert 1 == len(house.tokens)


async def test_quirk_16_a_redirection_to_the_name_in_the_certificate(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    tmp_path: Any,  # noqa: ANN401  # a path
) -> None:
    profile = PROFILES["gen2-16"]
    certificate = make_certificate(profile.serial)
    miniserver = add_miniserver(network, profile=profile)
    network.tls_hosts["home.test"] = partial(miniserver.handle_tls, certificate=certificate)
    name = f"192-0-2-10.{profile.serial.lower()}.dyndns.loxonecloud.com"
    miniserver.faults.redirect = f"https://{name}/"
    ca_file = tmp_path / "ca.pem"
    ca_file.write_bytes(certificate.authority_pem)
    state = await exporter.connect(tls_ca_file=ca_file)
    assert Security.VERIFIED is state.link.security
    assert {"home.test"} == {host for host, _ in network.connections}
    assert 1 == network.ports().count(80)
    assert {} == state.link.failures


@pytest.mark.parametrize("bare", [False, True])
@pytest.mark.parametrize("generation", [1, 2])
async def test_quirk_17_what_only_some_devices_and_users_are_told(
    autojump_clock: MockClock,
    exporter: Exporter,
    network: MemoryNetwork,
    generation: Any,  # noqa: ANN401  # one of two numbers
    *,
    bare: bool,
) -> None:
    # The exporter asks for nothing of the kind but the time, which is for admins only.
    ordinary = Profile(key_bits=1024, generation=generation, bare_counters=bare, admin=False)
    miniserver = add_miniserver(network, profile=ordinary)
    state = await connect(exporter, miniserver)
    assert 1 == len(sent(miniserver, "jdev/sys/date"))
    assert state.link.clock_offset is None

    admin = add_miniserver(
        network,
        "other",
        Profile(key_bits=1024, generation=generation, bare_counters=bare),
    )
    value = parse_reply((await get_as_admin(admin, "jdev/sys/ints")).body).value
    assert value == ("24651853" if generation == 1 else 24651853 if bare else "")


@pytest.mark.parametrize("profile", ["gen1-8", "gen1-12", "gen1-16", "gen2-12", "gen2-16"])
async def test_quirk_17_the_layouts_of_the_status(autojump_clock: MockClock, profile: str) -> None:
    # Not read by the exporter yet: so that who reads it has it to read.
    miniserver = SimulatedMiniserver(
        small_house(), username="exporter", password=PASSWORD, profile=PROFILES[profile]
    )
    body = (await get_as_admin(miniserver, "data/status")).body
    root = ET.fromstring(body.decode("utf-8-sig"))  # noqa: S314  # the simulator's own
    is_new = miniserver.profile.knows((13, 1))
    assert is_new is (root.find(".//Link") is not None)
    element = root.find("Miniserver")
    assert element is not None
    assert ("true" if is_new else None) == element.get("Offline")
    assert root.findall(".//TreeDevice")


async def test_quirk_18_answers_that_are_no_json(autojump_clock: MockClock) -> None:
    # The temperature is not read by the exporter yet; it must not take it for something else.
    miniserver = SimulatedMiniserver(
        small_house(), username="exporter", password=PASSWORD, profile=PROFILES["gen2-16"]
    )
    body = (await get_as_admin(miniserver, "jdev/sys/temperature")).body
    assert body == b"Cpu Temperature: 53 C. STM32 Cpu Temperature: 34 C"
    with pytest.raises(ProtocolError):
        parse_reply(body)
    chain = (await get(miniserver, "jdev/sys/getcertificate")).body.decode()
    assert chain.startswith("-----BEGIN CERTIFICATE-----")
    public_key = parse_reply((await get(miniserver, "jdev/sys/getPublicKey")).body).value
    assert PublicKey.parse(str(public_key)) == PublicKey.parse(chain)


@pytest.mark.parametrize("last_modified", ["2026-05-25 18:00:00", "31.12.2025 24:61", "Küche +2"])
async def test_quirk_19_dates_of_the_structure_are_texts(
    autojump_clock: MockClock, exporter: Exporter, network: MemoryNetwork, last_modified: str
) -> None:
    miniserver = add_miniserver(network, house=house_of(lastModified=last_modified))
    state = await connect(exporter, miniserver)
    for _ in range(2):
        await miniserver.drop_sessions()
        await wait_for(state, ConnectionState.BACKOFF)
        await wait_until_connected(state)
    await trio.sleep(700)
    assert 1 == len(sent(miniserver, "data/LoxAPP3.json"))
    # An earlier date is another one, too.
    miniserver.replace_house(house_of(lastModified="2009-01-01 00:00:00", controls={}))
    await trio.sleep(400)
    assert 2 == len(sent(miniserver, "data/LoxAPP3.json"))
    assert [] == names(state)


async def test_quirk_20_missing_fields(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    house.faults.missing_software_version = True
    state = await connect(exporter, house)
    assert state.link.device is not None
    assert (16, 0, 6, 10) == state.link.device.firmware
    device = parse_device("{'snr': '50:4F:94:D0:E0:DE'}")
    assert () == device.firmware


async def test_quirk_21_an_answer_of_zero(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    # What counts is the states that arrive.
    house.faults.scalar_value_zero = True
    await connect(exporter, house)


@pytest.mark.parametrize("code", [None, 1000, 1001, 1006, 4004, 4999])
async def test_quirk_22_the_end_of_a_session_is_noticed(
    autojump_clock: MockClock,
    exporter: Exporter,
    house: SimulatedMiniserver,
    code: int | None,
) -> None:
    state = await connect(exporter, house)
    await house.drop_sessions(code if code != 1006 else None)
    await wait_for(state, ConnectionState.BACKOFF, within=5)
    await wait_until_connected(state)


async def test_quirk_22_garbage_does_not_end_the_reader(
    autojump_clock: MockClock,
    exporter: Exporter,
    house: SimulatedMiniserver,
    nursery: trio.Nursery,
) -> None:
    nursery.start_soon(house.live)
    state = await connect(exporter, house)
    house.faults.garbage_frames = True
    await trio.sleep(10)
    house.faults.garbage_frames = False
    await house.publish({LIGHT: 0.0})
    await house.publish({LIGHT: 0.25})
    await trio.sleep(1)
    assert 0.25 == state.values[LIGHT]
    assert 0 < state.undecodable_messages
    assert 1 == state.link.sessions


async def test_quirk_22_no_storm_of_reconnects(
    autojump_clock: MockClock, exporter: Exporter, network: MemoryNetwork
) -> None:
    async def hang_up(stream: trio.abc.Stream) -> None:
        await stream.aclose()

    network.hosts["home.test"] = hang_up
    exporter.start()
    await trio.sleep(3600)
    assert 250 > len(network.attempts("home.test"))


async def test_quirk_22_one_key_exchange_for_each_connection(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    state = await connect(exporter, house)
    for _ in range(3):
        await house.drop_sessions()
        await wait_for(state, ConnectionState.BACKOFF)
        await wait_until_connected(state)
    assert 4 == state.link.sessions
    assert 4 == len(sent(house, "keyexchange"))


async def test_quirk_23_shared_states_lists_and_parts(
    autojump_clock: MockClock, exporter: Exporter, network: MemoryNetwork
) -> None:
    light = STRUCTURE["controls"]["20000000-0000-0002-ffff000000000002"]  # type: ignore[index]  # JSON
    part_key = "20000000-0000-0004-ffff000000000004/AI1"
    part = {"name": "Teil", "type": "Dimmer", "states": {"position": format_uuid(TEMPERATURE)}}
    controls = {
        "20000000-0000-0002-ffff000000000002": light,
        "20000000-0000-0003-ffff000000000003": {
            **light,
            "name": "Dasselbe",
            "states": {"active": "10000000-0000-0003-ffff000000000003"},
        },
        "20000000-0000-0004-ffff000000000004": {"name": "Ganzes", "subControls": {part_key: part}},
    }
    miniserver = add_miniserver(network, house=house_of(controls=controls))
    miniserver.faults.shared_states = True
    miniserver.faults.state_lists = True
    state = await connect(exporter, miniserver)
    assert state.structure is not None
    first, second, whole, inner = state.structure.walk()
    assert ["active[0]"] == [it.name for it in first.states]
    assert first.states == second.states
    assert (LIGHT, "active") == (first.states[0].uuid, first.states[0].base_name)
    assert (part_key, "Teil", ()) == (inner.key, inner.name, whole.states)
    assert 20.5 == state.values[inner.states[0].uuid]


async def test_quirk_24_an_upload_brings_new_uuids(
    autojump_clock: MockClock, exporter: Exporter, house: SimulatedMiniserver
) -> None:
    state = await connect(exporter, house)
    for seconds in (1, 2):
        uuid = f"10000000-0000-0001-ffff{seconds:012x}"
        controls = {"20000000-0000-0001-ffff000000000001": {"states": {"value": uuid}}}
        new = house_of(lastModified=f"2026-05-25 18:00:0{seconds}", controls=controls)
        house.replace_house(new, upload=True)
        await wait_for(state, ConnectionState.BACKOFF)
        await wait_until_connected(state, within=600)
        await trio.sleep(1)
        assert new.values == state.values
        assert [uuid] == [format_uuid(known) for known in state.values]
    assert {FailureReason.OUT_OF_SERVICE: 2} == state.link.failures


async def test_quirk_24_a_change_under_the_same_date_brings_new_uuids(
    autojump_clock: MockClock, exporter: Exporter, network: MemoryNetwork
) -> None:
    states = {"modifications": MODIFICATIONS}
    miniserver = add_miniserver(network, house=house_of(globalStates=states))
    state = await exporter.connect()
    uuid = "10000000-0000-0009-ffff000000000009"
    controls = {"20000000-0000-0001-ffff000000000001": {"states": {"value": uuid}}}
    new = house_of(controls=controls, globalStates=states)
    await miniserver.modify_structure(new, keep_last_modified=True)
    await trio.sleep(20)
    assert state.connected
    assert new.values == state.values
    assert 1 == state.link.sessions


def test_every_quirk_has_a_test() -> None:
    numbers = {name.split("_")[2] for name in globals() if name.startswith("test_quirk_")}
    assert {f"{number:02}" for number in range(1, 25)} == numbers
