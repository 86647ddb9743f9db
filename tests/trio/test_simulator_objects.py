from __future__ import annotations

import json

import pytest
import trio

from loxone_exporter.loxone.uuids import parse_uuid
from loxone_exporter.simulator.house import PlayedHouse
from loxone_exporter.simulator.miniserver import Profile, ReceivedCommand, SimulatedMiniserver
from support.raw_client import Response, get, open_session
from support.small_house import SmallHouse


BASIC = {"Authorization": "Basic ZGVtbzpkZW1v"}
CONTROL = "0f86a2fe-0378-3e08-ffffb2d4efc8b5b6"
PLAIN = "0f869a64-0200-0a9b-ffffd4c75dbaf53c"
NOTE = "158f5d9a-00b0-54fe-ffff8626c2663bec"
CENTRE = "158f5b29-0090-2f3c-ffff3ce43fa9aec5"
FIRST, SECOND, THIRD, FOURTH = (f"{number:08x}-0000-0000-ffff000000000000" for number in range(4))
STRUCTURE = {
    "lastModified": "2026-05-25 18:00:00",
    "controls": {
        CONTROL: {
            "name": "Temperatur Büro",
            "uuidAction": CONTROL,
            "details": {"format": "%.1f°C"},
            "states": {"actual": FIRST, "target": [SECOND]},
        },
        PLAIN: {"name": "Humidity 100%", "details": {"format": "%.0f%%"}, "states": {"x": THIRD}},
        NOTE: {"name": "Note", "states": {"text": FOURTH}},
        "empty": {"name": "Empty", "uuidAction": "empty"},
        "broken": [],
    },
    "messageCenter": {CENTRE: {"name": "Status", "uuidAction": CENTRE.upper()}},
}


def simulate(profile: Profile | None = None) -> SimulatedMiniserver:
    house = PlayedHouse(json.dumps(STRUCTURE).encode(), live=False)
    house.values = {parse_uuid(FIRST): 31.25, parse_uuid(SECOND): 20.0, parse_uuid(THIRD): 47.0}
    house.texts = {parse_uuid(FOURTH): "Grüße"}
    return SimulatedMiniserver(
        house, profile=profile or Profile(key_bits=1024), now=lambda: 1735689600.0
    )


@pytest.fixture
def miniserver() -> SimulatedMiniserver:
    return simulate()


async def read(miniserver: SimulatedMiniserver, target: str) -> Response:
    return await get(miniserver, f"jdev/sps/io/{target}", headers=BASIC)


@pytest.mark.parametrize(
    ("identifier", "value"),
    [
        (CONTROL, "31.2°C"),
        (CONTROL.upper(), "31.2°C"),
        ("Temperatur%20B%C3%BCro", "31.2°C"),
        ("temperatur%20b%c3%bcro", "31.2°C"),
        ("Humidity%20100%25", "47%"),
        (NOTE, "Grüße"),
        ("empty", ""),
    ],
)
async def test_objects_are_read_by_uuid_or_name_and_their_values_have_units(
    miniserver: SimulatedMiniserver, identifier: str, value: str
) -> None:
    response = await read(miniserver, identifier)
    assert response.status == 200
    assert value == json.loads(response.body)["LL"]["value"]


async def test_a_read_is_echoed_as_recorded(miniserver: SimulatedMiniserver) -> None:
    response = await read(miniserver, "Humidity%20100%25")
    assert response.body == (
        b'{"LL": { "control": "dev/sps/io/Humidity 100%", "value": "47%", "Code": "200"}}\r\n'
    )


async def test_a_number_without_a_format_is_plain() -> None:
    structure = {"controls": {"a": {"name": "Q2", "states": {"value": FIRST}}}}
    house = PlayedHouse(json.dumps(structure).encode(), live=False)
    house.values = {parse_uuid(FIRST): 0.0}
    response = await read(SimulatedMiniserver(house), "Q2")
    assert response.body == (
        b'{"LL": { "control": "dev/sps/io/Q2", "value": "0", "Code": "200"}}\r\n'
    )


async def test_all_states_stand_beside_the_first(miniserver: SimulatedMiniserver) -> None:
    answer = json.loads((await read(miniserver, f"{CONTROL}/all")).body)["LL"]
    assert answer["value"] == "31.2°C"
    assert answer["output0"] == {"name": "actual", "value": "31.2°C"}
    assert answer["output1"] == {"name": "target", "value": "20.0°C"}
    assert "output2" not in answer


@pytest.mark.parametrize("target", ["nobody", FIRST, "", f"{CONTROL}/getEntries/2", CENTRE])
async def test_what_is_no_object_is_not_found(miniserver: SimulatedMiniserver, target: str) -> None:
    assert (await read(miniserver, target)).status == 404


async def test_quirk_1_the_entries_of_a_message_centre_are_json_in_json(
    miniserver: SimulatedMiniserver,
) -> None:
    response = await read(miniserver, f"{CENTRE}/getEntries/2")
    value = json.loads(response.body)["LL"]["value"]
    assert isinstance(value, str)
    current, historic = json.loads(value)["entries"]
    assert current == {
        "isHistoric": False,
        "severity": 2,
        "timestamps": [1735686000],
        "roomUuid": "",
    }
    assert historic["isHistoric"] is True


async def test_message_centres_came_with_firmware_10() -> None:
    older = simulate(Profile(key_bits=1024, firmware="9.3.2.20"))
    assert (await read(older, f"{CENTRE}/getEntries/2")).status == 404


@pytest.mark.parametrize(
    "command",
    [
        f"jdev/sps/io/{CONTROL}/on",
        f"jdev/sps/io/{CONTROL}/setManualTemperature/22",
        f"jdev/sps/io/{CONTROL}/1",
        "jdev/sps/io/nobody/pulse",
        f"jdev/sps/ios/hash/{CONTROL}/on",
        "jdev/sys/reboot",
        "dev/sys/ntp",
    ],
)
async def test_whoever_operates_something_is_refused_and_on_record(
    miniserver: SimulatedMiniserver, command: str, nursery: trio.Nursery
) -> None:
    client = await open_session(miniserver, nursery)
    before = list(miniserver.house.values.items())
    if not command.startswith("dev/"):
        assert (await client.ask(command)).code == 403
        assert ReceivedCommand("websocket", command, encrypted=False) == miniserver.received[-1]
    response = await get(miniserver, command, headers=BASIC)
    assert response.status == 403
    assert b"<errorcode>403</errorcode>" in response.body
    assert ReceivedCommand("http", command, encrypted=False) == miniserver.received[-1]
    assert before == list(miniserver.house.values.items())


async def test_who_is_not_logged_in_cannot_read(miniserver: SimulatedMiniserver) -> None:
    assert (await get(miniserver, f"jdev/sps/io/{CONTROL}")).status == 401


async def test_a_house_whose_structure_is_odd_has_no_objects() -> None:
    for structure in (b"", b"[]", b'{"controls": []}', b"\xff"):
        house = SmallHouse()
        house.structure = structure
        miniserver = SimulatedMiniserver(house, profile=Profile(key_bits=1024, miniserver_type=2))
        assert (await read(miniserver, CONTROL)).status == 404
        served = await get(miniserver, "data/LoxAPP3.json", headers=BASIC)
        assert structure == served.body


@pytest.mark.parametrize("states", [[], {"a": "no uuid"}, {"a": []}])
async def test_an_object_whose_states_are_odd_has_no_value(states: object) -> None:
    house = SmallHouse()
    house.structure = json.dumps({"controls": {"x": {"states": states}}}).encode()
    response = await read(SimulatedMiniserver(house, profile=Profile(key_bits=1024)), "x")
    assert json.loads(response.body)["LL"]["value"] == ""
