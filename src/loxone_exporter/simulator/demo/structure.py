"""The structure file of the demo house: its controls, and all that is around them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from loxone_exporter.simulator.demo.blueprint import (
    SERIAL,
    Control,
    Number,
    State,
    Text,
    control_uuid,
    make_uuid,
)
from loxone_exporter.simulator.demo.kit import WEEKDAYS
from loxone_exporter.simulator.demo.places import CATEGORIES
from loxone_exporter.simulator.demo.rooms import ROOMS
from loxone_exporter.simulator.demo.world import World


LAST_MODIFIED = "2026-03-14 15:09:26"

SOFTWARE_VERSION = [16, 0, 6, 10]

OPERATING_MODES = {
    "0": "Feiertag",
    "1": "Dovolená",
    "2": "Day off",
    **{str(number + 3): name for number, name in enumerate(WEEKDAYS)},
    "10": "Heating period",
    "11": "Cooling period",
    "-1": "Alarm",
    "-2": "Anwesenheitssimulation",
    "-3": "Noční klid",
    "-4": "Párty",
}

_MS_INFO = {
    "serialNr": SERIAL,
    "msName": "Demo House",
    "projectName": "Demo House Süd",
    "localUrl": "192.0.2.10",
    "remoteUrl": "",
    "hostname": "demo-house",
    "tempUnit": 0,
    "currency": "€",
    "squareMeasure": "m²",
    "location": "",
    "latitude": 0.0,
    "longitude": 0.0,
    "altitude": 0,
    "languageCode": "ENG",
    "heatPeriodStart": "10-01",
    "heatPeriodEnd": "04-30",
    "coolPeriodStart": "05-01",
    "coolPeriodEnd": "09-30",
    "catTitle": "Categories",
    "roomTitle": "Rooms",
    "miniserverType": 0,
}

_WEATHER_TYPES = {
    1: "Clear",
    2: "Mostly clear",
    3: "Partly cloudy",
    4: "Mostly cloudy",
    5: "Overcast",
    6: "Fog",
    10: "Light rain",
    11: "Rain",
    21: "Snow",
}

_WEATHER_FORMATS = {
    "relativeHumidity": "%.0f%%",
    "temperature": "%.1f°",
    "windSpeed": "%.0fkm/h",
    "precipitation": "%.1fmm",
    "barometricPressure": "%.0fhPa",
}

_WEATHER_FIELDS: tuple[tuple[int, str, str | None, str], ...] = (
    (1, "Temperature", "°C", "%.1f"),
    (2, "Dew point", "°C", "%.1f"),
    (3, "Relative humidity", None, "%.0f%%"),
    (4, "Wind speed", "km/h", "%.0f"),
    (5, "Wind direction", None, "%.0f"),
    (9, "Precipitation", "mm", "%.1f"),
    (10, "Weather type", None, "%.0f"),
    (11, "Barometric pressure", "hPa", "%.0f"),
)

_TIMES = {
    266: "Days since 2009",
    272: "Minutes past midnight",
    277: "Minutes until sunrise",
    278: "Minutes until sunset",
    285: "Elevation of the sun",
    286: "Direction of the sun",
}


class OtherSections:
    """The states that belong to the house and to none of its controls.

    Attributes:
        global_states: As `globalStates` has them.
        weather_actual: The actual weather; it comes in a weather table.
        weather_forecast: The forecast; likewise.
        message_center: As the one entry of `messageCenter` has them.
        autopilot: As the one entry of `autopilot` has them.
    """

    def __init__(self, world: World) -> None:
        """Connect them to the house."""
        clock, weather = world.clock, world.weather
        self.global_states: dict[str, State] = {
            "operatingMode": Number(read=lambda: clock.operating_mode),
            "sunrise": Number(read=lambda: weather.sun_time(rising=True), every=60),
            "sunset": Number(read=lambda: weather.sun_time(rising=False), every=60),
            "pastTasks": State("[]"),
            "plannedTasks": State("[]"),
            "notifications": State(0),
            "modifications": State(0),
            "favColorSequences": State("[]"),
            "favColors": State("[]"),
            "miniserverTime": Text(read=lambda: _utc_offset(world), every=60),
            "liveSearch": State("{}"),
            "userSettings": State("{}"),
            "userSettingsTs": State(0),
            "cloudservice": State(0),
            "trustVersion": State(0),
            "propsVersion": State(0),
            "hasInternet": State(1),
        }
        self.weather_actual = State()
        self.weather_forecast = State()
        self.message_center = {"changed": State(round(clock.unix))}
        self.autopilot = {"changed": State(0), "history": State("")}
        for name, state in self._named():
            state.uuid = make_uuid("Miniserver", name)

    def states(self) -> Iterator[State]:
        """All of them but the weather."""
        yield from self.global_states.values()
        yield from self.message_center.values()
        yield from self.autopilot.values()

    def _named(self) -> Iterator[tuple[str, State]]:
        yield from self.global_states.items()
        yield "weather actual", self.weather_actual
        yield "weather forecast", self.weather_forecast
        for section, states in (
            ("message center", self.message_center),
            ("autopilot", self.autopilot),
        ):
            for name, state in states.items():
                yield f"{section} {name}", state


def write_structure(controls: Sequence[Control], other: OtherSections) -> bytes:
    """Write `LoxAPP3.json`; all controls and states need to have their UUIDs."""
    document = {
        "lastModified": LAST_MODIFIED,
        "softwareVersion": SOFTWARE_VERSION,
        "msInfo": {**_MS_INFO, "currentUser": _current_user()},
        "globalStates": other.global_states,
        "operatingModes": OPERATING_MODES,
        "rooms": _rooms(),
        "cats": _categories(),
        "controls": {control.uuid: _control(control) for control in controls},
        "weatherServer": _weather_server(other),
        "times": {
            str(key): {"id": key, "name": name, "analog": True} for key, name in _TIMES.items()
        },
        "caller": {},
        "mailer": {},
        "autopilot": _section("Automatic rules", other.autopilot),
        "messageCenter": _section("System status", other.message_center),
        "mediaServer": {},
    }
    return json.dumps(document, ensure_ascii=False, indent="\t", default=_uuid_of).encode()


def _uuid_of(thing: object) -> str:
    """Whatever in the document is a control or a state is written as its UUID."""
    if isinstance(thing, State | Control) and thing.uuid:
        return thing.uuid
    raise TypeError(f"{thing!r} has no place in a structure file")


def _control(control: Control) -> dict[str, Any]:
    written: dict[str, Any] = {
        "name": control.name,
        "type": control.type,
        "uuidAction": control.uuid,
    }
    if control.room is not None:
        written["room"] = control_uuid("room", control.room)
    if control.category is not None:
        written["cat"] = control_uuid("category", control.category)
    written |= {"defaultRating": 0, "isFavorite": False, "isSecured": False, "restrictions": 0}
    if control.details is not None:
        written["details"] = control.details
    if control.states:
        written["states"] = control.states
    if control.subcontrols:
        written["subControls"] = {child.uuid: _control(child) for _, child in control.subcontrols}
    return {**written, **control.more}


def _rooms() -> dict[str, Any]:
    return {
        (uuid := control_uuid("room", room.name)): {
            "uuid": uuid,
            "name": room.name,
            "image": f"IconsFilled/{room.icon}.svg",
            "defaultRating": 0,
            "isFavorite": False,
            "type": 2,
            "color": "#69C350",
        }
        for room in ROOMS
    }


def _categories() -> dict[str, Any]:
    return {
        (uuid := control_uuid("category", category.name)): {
            "uuid": uuid,
            "name": category.name,
            "image": f"IconsFilled/{category.icon}.svg",
            "defaultRating": 0,
            "isFavorite": False,
            "type": category.type,
            "color": category.color,
        }
        for category in CATEGORIES
    }


def _weather_server(other: OtherSections) -> dict[str, Any]:
    fields = {}
    for key, name, unit, format_ in _WEATHER_FIELDS:
        fields[str(key)] = {"id": key, "name": name, "analog": True, "format": format_}
        if unit is not None:
            fields[str(key)]["unit"] = unit
    return {
        "states": {"actual": other.weather_actual, "forecast": other.weather_forecast},
        "format": _WEATHER_FORMATS,
        "weatherTypeTexts": {str(key): text for key, text in _WEATHER_TYPES.items()},
        "weatherFieldTypes": fields,
    }


def _section(name: str, states: Mapping[str, State]) -> dict[str, Any]:
    uuid = control_uuid("section", name)
    return {uuid: {"name": name, "uuidAction": uuid, "states": states}}


def _current_user() -> dict[str, Any]:
    return {
        "name": "demo",
        "uuid": control_uuid("user", "demo"),
        "isAdmin": False,
        "changePassword": False,
        "userRights": 1030,
    }


def _utc_offset(world: World) -> str:
    local = world.clock.local
    offset = f"{local:%z}"
    return f"{world.clock.stamp[:11]}00:00:00 {offset[:3]}:{offset[3:5]}:00"
