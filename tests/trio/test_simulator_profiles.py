"""What each of the devices that can be played knows and answers."""

from __future__ import annotations

import json
import textwrap
from typing import Any

import pytest
import trio
from attrs import evolve

from loxone_exporter.loxone.crypto import hash_token
from loxone_exporter.simulator.house import PlayedHouse
from loxone_exporter.simulator.miniserver import Profile, SimulatedMiniserver
from loxone_exporter.simulator.profiles import PROFILES
from support.raw_client import RawClient, connect, get, open_session
from support.small_house import SmallHouse


BASIC = {"Authorization": "Basic ZGVtbzpkZW1v"}
STRUCTURE = json.dumps(
    {
        "msInfo": {
            "serialNr": "504F94D0E0DE",
            "msName": "Süd",
            "miniserverType": 3,
            "currentUser": {"name": "demo", "isAdmin": None},
        },
        "controls": {},
    }
).encode()
NEW_LOGINS = [name for name in PROFILES if name != "gen1-8"]


def simulate(name: str) -> SimulatedMiniserver:
    return SimulatedMiniserver(SmallHouse(), profile=PROFILES[name])


async def value_of(miniserver: SimulatedMiniserver, command: str) -> str:
    response = await get(miniserver, command, headers=BASIC)
    value: str = json.loads(response.body)["LL"]["value"]
    return value


async def structure_of(miniserver: SimulatedMiniserver) -> dict[str, Any]:
    response = await get(miniserver, "data/LoxAPP3.json", headers=BASIC)
    document: dict[str, Any] = json.loads(response.body)
    return document


async def members_of(miniserver: SimulatedMiniserver, command: str) -> dict[str, Any]:
    value = json.loads((await get(miniserver, command)).body)["LL"]["value"]
    members: dict[str, Any] = json.loads(value.replace("'", '"'))
    return members


@pytest.mark.parametrize("name", PROFILES)
async def test_apikey_tells_who_has_tls(name: str) -> None:
    members = await members_of(simulate(name), "jdev/cfg/apiKey")
    expected = None if name.startswith("gen1") else 1
    assert expected == members.get("httpsStatus")
    assert ("local" in members) == (not name.endswith(("-8", "-10.2")))


@pytest.mark.parametrize("name", PROFILES)
async def test_api_tells_of_slots_since_10_3(name: str) -> None:
    members = await members_of(simulate(name), "jdev/cfg/api")
    assert ("hasEventSlots" in members) == (not name.endswith(("-8", "-10.2")))


@pytest.mark.parametrize("name", NEW_LOGINS)
async def test_all_but_the_oldest_log_in_by_getjwt(name: str, nursery: trio.Nursery) -> None:
    miniserver = simulate(name)
    client = await open_session(miniserver, nursery)
    (token,) = miniserver.tokens
    assert token.count(".") == 2
    assert (await client.ask("jdev/cfg/version")).value == PROFILES[name].firmware


@pytest.mark.parametrize(
    ("name", "algorithm"), [("gen1-10.2", None), ("gen1-12", "SHA256"), ("gen2-16", "SHA256")]
)
async def test_the_firmware_decides_on_the_hash(name: str, algorithm: str | None) -> None:
    response = await get(simulate(name), "jdev/sys/getkey2/demo")
    assert algorithm == json.loads(response.body)["LL"]["value"].get("hashAlg")


async def test_the_oldest_logs_in_by_an_encrypted_hash_or_a_plain_one(
    nursery: trio.Nursery,
) -> None:
    miniserver = simulate("gen1-8")
    for command in ("getkey2/demo", "getjwt/a/b/4/c/d", "gettoken/a/b/4/c/d", "checktoken/a/b"):
        assert (await get(miniserver, f"jdev/sys/{command}")).status == 404
    plain = await RawClient.open(connect(miniserver, nursery))
    key = (await plain.ask("jdev/sys/getkey")).value
    digest = hash_token("demo:demo", key, "SHA1")
    assert (await plain.ask(f"authenticate/{digest}")).code == 200
    assert (await get(miniserver, "jdev/sys/getPublicKey")).status == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gen1-16", "24651853"),
        ("gen2-16", ""),
        ("compact-16", 24651853),
    ],
)
async def test_quirk_17_counters_are_texts_or_empty_or_bare_numbers(
    name: str, value: str | int
) -> None:
    response = await get(simulate(name), "jdev/sys/ints", headers=BASIC)
    assert json.loads(response.body)["LL"]["value"] == value


@pytest.mark.parametrize(
    ("name", "beginning"),
    [
        ("gen1-8", "SD performance read=851kB/s"),
        ("gen1-12", "SD Performance: Read: 540kB/s"),
        ("compact-16", "SD Performance: Read: 7598kB/s"),
    ],
)
async def test_the_card_test_in_three_layouts(name: str, beginning: str) -> None:
    response = await get(simulate(name), "jdev/sys/sdtest", headers=BASIC)
    assert json.loads(response.body)["LL"]["value"].startswith(beginning)


@pytest.mark.parametrize("name", PROFILES)
async def test_the_status_of_the_devices(name: str) -> None:
    response = await get(simulate(name), "data/status", headers=BASIC)
    assert response.headers["content-type"] == "text/xml"
    assert response.body.startswith(b"\xef\xbb\xbf<?xml")


@pytest.mark.parametrize(("name", "number"), [("gen1-16", 0), ("gen2-16", 2), ("compact-16", 4)])
async def test_the_structure_file_names_the_hardware(name: str, number: int) -> None:
    miniserver = SimulatedMiniserver(PlayedHouse(STRUCTURE), profile=PROFILES[name])
    document = await structure_of(miniserver)
    assert number == document["msInfo"]["miniserverType"]
    assert "Süd" == document["msInfo"]["msName"]
    assert [16, 1, 11, 6] == document["softwareVersion"]


@pytest.mark.parametrize("serial", [None, "504F94BADBAD"])
@pytest.mark.parametrize("name", PROFILES)
async def test_all_answers_are_those_of_one_device(name: str, serial: str | None) -> None:
    miniserver = SimulatedMiniserver(PlayedHouse(STRUCTURE), profile=PROFILES[name])
    miniserver.faults.serial = serial
    serial = serial or miniserver.profile.serial
    colons = ":".join(textwrap.wrap(serial, 2))
    for command in ("jdev/cfg/api", "jdev/cfg/apiKey"):
        assert colons == (await members_of(miniserver, command))["snr"]
    assert colons == await value_of(miniserver, "jdev/cfg/mac")
    assert colons.replace(":", "-") == await value_of(miniserver, "jdev/sys/mac")
    assert f"({serial}), " in await value_of(miniserver, "jdev/sps/enumdev")
    structure = await structure_of(miniserver)
    assert serial == structure["msInfo"]["serialNr"]
    firmware = ".".join(str(number) for number in structure["softwareVersion"])
    assert firmware == await value_of(miniserver, "jdev/cfg/version")
    status = (await get(miniserver, "data/status", headers=BASIC)).body.decode()
    assert f'MAC="{serial}"' in status
    assert f'Version="{firmware}"' in status
    assert f'Type="{structure["msInfo"]["miniserverType"]}"' in status
    log = (await get(miniserver, "dev/fsget/log/def.log", headers=BASIC)).body
    assert firmware.encode() in log


async def test_the_address_is_the_same_everywhere() -> None:
    profile = evolve(PROFILES["gen2-16"], address="192.0.2.99")
    miniserver = SimulatedMiniserver(SmallHouse(), profile=profile)
    assert "192.0.2.99" == await value_of(miniserver, "jdev/cfg/ip")
    assert "192.0.2.99" == (await members_of(miniserver, "jdev/cfg/apiKey"))["address"]


@pytest.mark.parametrize("admin", [True, False])
async def test_the_structure_file_says_whether_the_user_has_full_access(*, admin: bool) -> None:
    profile = evolve(PROFILES["gen1-12"], admin=admin)
    miniserver = SimulatedMiniserver(PlayedHouse(STRUCTURE), profile=profile)
    assert admin is (await structure_of(miniserver))["msInfo"]["currentUser"]["isAdmin"]


async def test_a_device_that_was_not_chosen_sends_the_file_as_it_is() -> None:
    miniserver = SimulatedMiniserver(PlayedHouse(STRUCTURE), profile=Profile(key_bits=1024))
    response = await get(miniserver, "data/LoxAPP3.json", headers=BASIC)
    assert STRUCTURE == response.body
    miniserver.faults.serial = "504F94BADBAD"
    fitted = await structure_of(miniserver)
    assert "504F94BADBAD" == fitted["msInfo"].pop("serialNr")
    document = json.loads(STRUCTURE)
    document["msInfo"].pop("serialNr")
    assert document == fitted


async def test_a_file_that_fits_keeps_its_bytes() -> None:
    miniserver = SimulatedMiniserver(PlayedHouse(STRUCTURE), profile=PROFILES["gen2-16"])
    content = (await get(miniserver, "data/LoxAPP3.json", headers=BASIC)).body
    spaced = json.dumps(json.loads(content), indent=3).encode()
    miniserver.replace_house(PlayedHouse(spaced))
    assert spaced == (await get(miniserver, "data/LoxAPP3.json", headers=BASIC)).body


async def test_a_structure_file_that_names_no_hardware_stays_as_it_is() -> None:
    miniserver = simulate("gen2-16")
    response = await get(miniserver, "data/LoxAPP3.json", headers=BASIC)
    assert miniserver.house.structure == response.body
