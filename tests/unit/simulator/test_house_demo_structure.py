from __future__ import annotations

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from loxone_exporter.loxone.tables import decode_daytimers, encode_daytimers, encode_weather
from loxone_exporter.loxone.uuids import StateUuid, parse_uuid
from loxone_exporter.simulator.demo import DemoHouse
from loxone_exporter.simulator.demo.blueprint import Control, assign_uuids
from loxone_exporter.simulator.house import PlayedHouse
from loxone_exporter.simulator.profile import Profile


NOON = dt.datetime(2026, 3, 18, 12, 0, tzinfo=dt.timezone(dt.timedelta(hours=1)))
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{16}(/\w+)*")


@pytest.fixture(scope="module")
def house() -> DemoHouse:
    return DemoHouse(now=NOON)


@pytest.fixture(scope="module")
def document(house: DemoHouse) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(house.structure)
    return parsed


def walk(
    controls: dict[str, Any], depth: int = 0, parent: str = ""
) -> Iterator[tuple[int, str, str, dict[str, Any]]]:
    for key, control in controls.items():
        yield depth, parent, key, control
        yield from walk(control.get("subControls", {}), depth + 1, key)


def states_of(control: dict[str, Any]) -> Iterator[str]:
    for state in control.get("states", {}).values():
        yield from state if isinstance(state, list) else [state]


def test_the_house_has_the_promised_size(document: dict[str, Any]) -> None:
    controls = document["controls"]

    assert 15 == len(document["rooms"])
    assert 120 <= len(controls) <= 130
    assert len({control["type"] for control in controls.values()}) >= 25


def test_no_room_is_empty(document: dict[str, Any]) -> None:
    used = Counter(control.get("room") for control in document["controls"].values())

    assert not [uuid for uuid in document["rooms"] if not used[uuid]]


def test_all_references_resolve(document: dict[str, Any]) -> None:
    every = list(walk(document["controls"]))
    known = {key for _, _, key, _ in every} | {s for *_, c in every for s in states_of(c)}

    for _, parent, key, control in every:
        assert UUID.fullmatch(key), key
        assert key == control["uuidAction"]
        assert "/" not in key or key.rpartition("/")[0] == parent
        assert control.get("room") in {None, *document["rooms"]}
        assert control.get("cat") in {None, *document["cats"]}
        details = control.get("details", {})
        for member in details.get("controls", []):
            assert member["uuid"] in known, control["name"]
        for window in details.get("windows", []):
            assert window["uuid"] in known
        for node in details.get("nodes", []):
            assert node["ctrlUuid"] in known
            assert node["actualEfmState"] in states_of(control)


def test_controls_that_cannot_be_told_apart_are_refused() -> None:
    assign_uuids([Control("Rollo", "Jalousie"), Control("Rollo", "Jalousie", twin="2")])

    with pytest.raises(ValueError, match="Rollo"):
        assign_uuids([Control("Rollo", "Jalousie"), Control("Rollo", "Jalousie")])


def test_some_controls_lack_room_category_or_states(document: dict[str, Any]) -> None:
    controls = document["controls"].values()

    assert [control for control in controls if "room" not in control]
    assert [control for control in controls if "cat" not in control]
    assert {"Webpage", "UpDownDigital", "CentralJalousie", "CentralAudioZone"} <= {
        control["type"] for control in controls if "states" not in control
    }


def test_a_type_that_nobody_documents_is_there(document: dict[str, Any]) -> None:
    assert "QuantumToaster" in {control["type"] for control in document["controls"].values()}


def test_subcontrols_go_three_levels_down(document: dict[str, Any]) -> None:
    assert 3 == max(depth for depth, *_ in walk(document["controls"]))


def test_names_collide(document: dict[str, Any]) -> None:
    labels = Counter(
        (control["name"], control.get("room"), control.get("cat"), control["type"])
        for control in document["controls"].values()
    )
    children = Counter(
        (parent, c["name"]) for depth, parent, _, c in walk(document["controls"]) if depth
    )

    assert 2 <= sum(count > 1 for count in labels.values())
    assert 2 <= sum(count > 1 for count in children.values())


def test_states_are_shared_as_on_a_miniserver(document: dict[str, Any]) -> None:
    owners: dict[str, set[str]] = {}
    for _, _, _, control in walk(document["controls"]):
        for name, state in control.get("states", {}).items():
            if isinstance(state, str):
                owners.setdefault(state, set()).add(f"{control['type']}.{name}")

    shared = [names for names in owners.values() if len(names) > 1]
    assert {"IRoomControllerV2.activeMode", "IRCV2Daytimer.value"} in shared
    assert {"IRoomControllerV2.modeList", "IRCV2Daytimer.modeList"} in shared
    assert {"IRoomController.currHeatTempIx", "IRCDaytimer.value"} in shared
    assert {"Alarm.sensors", "Tracker.entries"} in shared


def test_dimmers_of_one_controller_share_their_limits(document: dict[str, Any]) -> None:
    limits: dict[str, set[str]] = {}
    for _, parent, _, control in walk(document["controls"]):
        if control["type"] == "Dimmer":
            limits.setdefault(parent, set()).add(control["states"]["max"])

    assert limits
    assert all(len(shared) == 1 for shared in limits.values())


def test_old_room_controllers_list_seven_temperatures(document: dict[str, Any]) -> None:
    lists = [
        control["states"]["temperatures"]
        for control in document["controls"].values()
        if control["type"] == "IRoomController"
    ]

    assert [7, 7] == [len(set(temperatures)) for temperatures in lists]


def test_names_are_not_ascii_everywhere(document: dict[str, Any]) -> None:
    names = [control["name"] for *_, control in walk(document["controls"])]

    assert sum(not name.isascii() for name in names) > 30
    assert {"Küche", "Gäste-WC", "Büro"} <= {room["name"] for room in document["rooms"].values()}


def test_formats_of_sensors_are_as_various_as_in_real_houses(document: dict[str, Any]) -> None:
    formats = {
        control["details"]["format"]
        for control in document["controls"].values()
        if control["type"] == "InfoOnlyAnalog"
    }

    expected = {"%.1f°", "%.2f °C", "%.0f%%", "%.0fppm", "%.0f Lx", "%.1fkm/h", "%.1fhPa", "<v.1>°"}
    assert expected <= formats


def test_the_other_sections_are_there(house: DemoHouse, document: dict[str, Any]) -> None:
    assert document["lastModified"] == house.last_modified
    assert Profile().serial == document["msInfo"]["serialNr"]
    assert Profile().firmware == ".".join(str(part) for part in document["softwareVersion"])
    assert "" == document["msInfo"]["location"]
    assert {"operatingMode", "sunrise", "sunset", "notifications"} <= set(document["globalStates"])
    assert {"actual", "forecast"} == set(document["weatherServer"]["states"])
    assert document["operatingModes"]
    assert document["messageCenter"]


def test_every_state_has_exactly_one_kind_of_value(
    house: DemoHouse, document: dict[str, Any]
) -> None:
    kinds: list[set[StateUuid]] = [
        set(house.values),
        set(house.texts),
        {daytimer.uuid for daytimer in house.daytimers},
        {weather.uuid for weather in house.weather},
    ]
    promised = set(PlayedHouse.from_bytes(house.structure).values)

    assert promised == set().union(*kinds)
    assert len(promised) == sum(len(kind) for kind in kinds)
    assert {parse_uuid(text) for text in document["weatherServer"]["states"].values()} == kinds[3]


def test_schedules_are_daytimers_and_lie_within_a_day(
    house: DemoHouse, document: dict[str, Any]
) -> None:
    promised = {
        parse_uuid(control["states"]["entriesAndDefaultValue"])
        for *_, control in walk(document["controls"])
        if "entriesAndDefaultValue" in control.get("states", {})
    }

    assert promised == {daytimer.uuid for daytimer in house.daytimers}
    for daytimer in house.daytimers:
        assert all(0 <= entry.start < entry.end <= 1440 for entry in daytimer.entries)
    assert house.daytimers == list(decode_daytimers(encode_daytimers(house.daytimers)))


def test_the_weather_can_be_sent(house: DemoHouse) -> None:
    actual, forecast = house.weather

    assert 1 == len(actual.entries)
    assert 48 == len(forecast.entries)
    assert 24 + 68 == len(encode_weather([actual]))


def test_json_states_hold_json(house: DemoHouse, document: dict[str, Any]) -> None:
    names = {"jLocked", "moodList", "loads", "controls", "entryList", "zones", "circuitNames"}
    texts = [
        house.texts[parse_uuid(state)]
        for *_, control in walk(document["controls"])
        for name, state in control.get("states", {}).items()
        if name in names
    ]

    parsed = [json.loads(text) for text in texts if text]
    assert {"locked": 1, "reason": "Im Urlaub"} in parsed
    assert len(parsed) > 20


def test_a_start_anywhere_gives_the_same_structure(house: DemoHouse) -> None:
    other = DemoHouse(now=NOON + dt.timedelta(days=99, hours=7), seed=5)

    assert house.structure == other.structure
    assert set(house.values) == set(other.values)
    assert set(house.texts) == set(other.texts)


def test_the_clock_of_the_house_needs_a_time_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        DemoHouse(now=NOON.replace(tzinfo=None))
