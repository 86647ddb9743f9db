"""What tells about people: the classes that can be switched off, and what is never there."""

from __future__ import annotations

import json

import pytest

from loxone_exporter.config.model import FilterConfig, PrivacyClass
from loxone_exporter.loxone.structure import Structure, parse_structure
from loxone_exporter.metrics.catalog import CATALOG
from loxone_exporter.metrics.privacy import REVEALED, TYPES
from support.collected import configure, connected, scrape
from support.houses import house_of
from support.scrapes import Scrape
from support.structures import control, key, structure


async def without(*classes: PrivacyClass, house: Structure | None = None) -> Scrape:
    values = dict.fromkeys(range(1, 20), 1.0)
    config = configure(filter_=FilterConfig(exclude_classes=classes))
    return await scrape([connected(house or HOUSE, values=values)], config)


HOUSE = structure(
    control(1, "Detector", type_="PresenceDetector", states={"active": 1}),
    control(2, "Alarm", type_="Alarm", states={"armed": 2, "level": 3}),
    control(3, "Charger", type_="Wallbox2", states={"connected": 4, "limit": 5}),
    control(4, "Room", type_="IRoomControllerV2", states={"co2": 6, "tempActual": 7}),
    control(5, "Bell", type_="Intercom", states={"bell": 8}),
    control(6, "Meter", type_="Meter", states={"actual": 9}),
)


def shown(found: Scrape) -> set[str]:
    return {
        f"{sample.labels['name']}.{sample.labels['subcontrol']}"
        for sample in found.samples("loxone_control_value")
    }


EVERYTHING = {
    "Detector.active",
    "Alarm.armed",
    "Alarm.level",
    "Charger.connected",
    "Charger.limit",
    "Room.co2",
    "Room.tempActual",
    "Bell.bell",
    "Meter.actual",
}


async def test_by_default_the_classes_are_there() -> None:
    assert shown(await without()) == EVERYTHING


async def test_presence_can_be_switched_off() -> None:
    found = await without("presence")
    gone = {"Detector.active", "Alarm.armed", "Charger.connected", "Room.co2", "Bell.bell"}
    assert shown(found) == EVERYTHING - gone
    assert "co2" not in found.body
    assert "Detector" not in found.body


async def test_alarms_can_be_switched_off() -> None:
    found = await without("alarm")
    assert shown(found) == EVERYTHING - {"Alarm.armed", "Alarm.level"}
    assert [] == found.samples("loxone_alarm_level")


async def test_several_classes_can_be_switched_off() -> None:
    assert shown(await without("alarm", "presence", "secured")) == {
        "Charger.limit",
        "Room.tempActual",
        "Meter.actual",
    }


async def test_what_a_password_protects_can_be_switched_off_with_its_parts() -> None:
    document = {
        "controls": {
            key(1): {
                "name": "Safe",
                "type": "Switch",
                "isSecured": True,
                "states": {"active": key(1)},
                "subControls": {
                    f"{key(1)}/x": {"name": "Part", "type": "Switch", "states": {"active": key(2)}}
                },
            },
            key(3): {
                "name": "Open",
                "type": "Switch",
                "isSecured": False,
                "states": {"active": key(3)},
            },
        }
    }
    house = parse_structure(json.dumps(document))
    assert {"Open.active"} == shown(await without("secured", house=house))
    assert {"Open.active", "Safe.active", "Safe.Part/active"} == shown(
        await without("alarm", house=house)
    )


async def test_a_switch_among_lights_is_a_lamp() -> None:
    lamp = house_of("Switch", ("active",), category_type="lights")
    assert set() == shown(await without("presence", house=lamp))
    heater = house_of("Switch", ("active",), category_type="undefined")
    assert {"Thing.active"} == shown(await without("presence", house=heater))


@pytest.mark.parametrize("name", TYPES)
def test_types_of_a_class_are_types_of_the_catalog(name: PrivacyClass) -> None:
    assert TYPES[name] <= CATALOG.keys()
    assert REVEALED[name]


async def test_a_private_number_is_so_under_its_second_name() -> None:
    house = structure(
        control(1, "Code", type_="NfcCodeTouch", states={"lastcode": 1}),
        control(2, "Shared", type_="Slider", states={"value": 1}),
        control(3, "Name", type_="Slider", states={"value": 2}),
    )
    assert {"Name.value"} == shown(await without(house=house))


async def test_a_class_is_left_out_under_each_of_its_names() -> None:
    house = structure(
        control(1, "Detector", type_="PresenceDetector", states={"active": 1}),
        control(2, "Armed", type_="Alarm", states={"armed": 2}),
        control(3, "Copy", type_="InfoOnlyDigital", states={"active": 1}),
        control(4, "Other copy", type_="InfoOnlyDigital", states={"active": 2}),
        control(5, "Heater", type_="Switch", states={"active": 3}),
    )
    assert {"Heater.active"} == shown(await without("presence", "alarm", house=house))
    assert {"Detector.active", "Copy.active", "Heater.active"} == shown(
        await without("alarm", house=house)
    )


async def test_where_a_house_is_whether_somebody_is_there_its_operating_mode_tells() -> None:
    document = {"controls": {}, "globalStates": {"operatingMode": key(1), "sunrise": key(2)}}
    house = parse_structure(json.dumps(document))
    assert [] != (await without(house=house)).samples("loxone_miniserver_operating_mode")
    found = await without("presence", house=house)
    assert [] == found.samples("loxone_miniserver_operating_mode")
    assert 60.0 == found.value("loxone_miniserver_sunrise_seconds")


async def test_a_secret_text_names_no_moods() -> None:
    house = structure(
        control(1, "Input", type_="TextInput", states={"text": 9}),
        control(2, "Light", type_="LightControllerV2", states={"activeMoodsNum": 1, "moodList": 9}),
    )
    state = connected(house, values={1: 5.0}, texts={9: '[{"id": 5, "name": "SECRET"}]'})
    assert "SECRET" not in (await scrape([state], configure({"text_values": True}))).body


async def test_no_schedule_tells_the_operating_mode_of_a_house_that_hides_it() -> None:
    controls = {
        key(number): {
            "name": type_,
            "type": type_,
            "states": {"mode": key(number), "needsActivation": key(10 + number)},
        }
        for number, type_ in enumerate(("Daytimer", "IRCDaytimer", "IRCV2Daytimer"), start=1)
    }
    controls[key(4)] = {"name": "Copy", "type": "InfoOnlyAnalog", "states": {"value": key(5)}}
    document = {"controls": controls, "globalStates": {"operatingMode": key(5)}}
    house = parse_structure(json.dumps(document))
    assert {"Daytimer.mode", "IRCDaytimer.mode", "Copy.value"} < shown(await without(house=house))
    left = shown(await without("presence", house=house))
    assert not {state for state in left if state.endswith(("mode", "value"))}
    assert len(left) == 3


async def test_what_charges_a_car_is_left_out_with_presence() -> None:
    states = {"actual": 1, "total": 2, "active": 3, "connected": 4, "limit": 5}
    house = structure(control(1, "Charger", type_="Wallbox2", states=states))
    assert {"Charger.limit"} == shown(await without("presence", house=house))
