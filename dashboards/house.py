"""The house at a glance: what its owner looks at in the morning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from grafana_foundation_sdk.builders import stat as stats

from dashboards import frame, looks
from dashboards.frame import Page, Section
from dashboards.looks import state_names
from dashboards.panels import Query, bars, lines, stat, timeline
from dashboards.promql import (
    BY_CONTROL,
    BY_HOUSE,
    BY_ROOM,
    BY_STATE,
    codes,
    consumers,
    consumption_power,
    firing,
    grid_power,
    house,
    names,
    once,
    production_power,
    storage_charge,
    storage_power,
)
from dashboards.shared import (
    OUTDOOR,
    TO_CLIMATE,
    TO_ENERGY,
    TO_LINK,
    rooms,
    today_and_yesterday,
    windows,
)
from dashboards.tables import Column, table


_WINDOWS: Final = house("", names("loxone_windows_open", "loxone_windows_tilted"))
_OPEN: Final = (
    f"sum by ({BY_HOUSE}) ({once(_WINDOWS)})"
    f" or sum by ({BY_HOUSE}) ({house('loxone:room_window_open')})"
)
_SWITCHED_LIGHTS: Final = once(house("loxone_switch_active", 'subcontrol=~".+/active"'))
_LIGHTS_ON: Final = (
    f"sum by ({BY_HOUSE})"
    f" (({once(house('loxone_light_level_ratio'))} > bool 0) or {_SWITCHED_LIGHTS})"
)
_MODE: Final = (
    f"({house('loxone_miniserver_operating_mode')} == 1) * on (job, instance, miniserver, state)"
    f" group_left (title) {house('loxone_miniserver_operating_mode_title_info')}"
)

_BURGLAR_LEVELS: Final = {
    "none": looks.GOOD,
    "silent": looks.WARNING,
    **dict.fromkeys(("acoustic", "optical", "internal", "external", "remote"), looks.BAD),
}
_SMOKE_LEVELS: Final = {
    "none": looks.GOOD,
    "pre_alarm": looks.WARNING,
    "main_alarm": looks.BAD,
}


def _now() -> Iterator[stats.Panel]:
    yield stat(
        "Miniserver",
        Query(house("loxone:miniserver_connected")),
        none="nothing is known of it",
        description="Whether its events arrive. What to do if not: LoxoneMiniserverUnreachable in"
        " docs/alerts.md.",
        names=looks.CONNECTED,
        links=TO_LINK,
    )
    yield stat(
        "Windows and doors open",
        Query(_OPEN),
        none="no sensors of windows here",
        description="As window monitors count them, or else rooms with an open window.",
        steps=looks.WORTH_A_LOOK,
        names={0: ("all closed", looks.GOOD)},
    )
    yield stat(
        "Alerts",
        Query(f"sum by ({BY_HOUSE}) ({firing()}) or {house('loxone:miniserver_connected')} * 0"),
        none="nothing is known of it",
        description="Those of deploy/prometheus that call now; docs/alerts.md says what to do.",
        steps=looks.TROUBLE,
        names={0: ("none", looks.GOOD)},
    )
    yield stat(
        "Rooms too cold",
        Query(f"sum by ({BY_HOUSE}) ({house('loxone:room_temperature_missing_celsius')} > bool 1)"),
        none="no room controllers here",
        description="More than 1 °C below the target of their room controllers.",
        steps=looks.WORTH_A_LOOK,
        names={0: ("none", looks.GOOD)},
        links=TO_CLIMATE,
    )
    yield stat(
        "Lights on",
        Query(_LIGHTS_ON),
        none="no lighting controllers here",
        description="Dimmers that are not at 0, and switches of lighting controllers.",
        steps=((None, looks.QUIET), (1, looks.LIGHT)),
        names={0: ("all off", looks.QUIET)},
    )
    yield stat(
        "Operating mode",
        Query(_MODE, "{{title}}"),
        none="not told to this user",
        only_name=True,
        description="That of the whole house, by its name in Loxone Config.",
        steps=((None, looks.NOTE),),
    )


def _numbers() -> Iterator[stats.Panel]:
    yield stat(
        "Outside",
        Query(OUTDOOR),
        none="no outdoor temperature here",
        description="Of the weather service, or else as room controllers have it.",
        unit="celsius",
        decimals=1,
        steps=((None, looks.NOTE), (15, looks.GOOD), (26, looks.WARNING), (32, looks.BAD)),
    )
    yield stat(
        "Inside",
        Query(f"avg by ({BY_HOUSE}) ({house('loxone:room_temperature_celsius')})"),
        none="no room controllers here",
        description="The mean of all rooms that have a room controller.",
        unit="celsius",
        decimals=1,
        steps=looks.TEMPERATURE,
        links=TO_CLIMATE,
    )
    yield stat(
        "From the grid now",
        Query(grid_power()),
        none="no meter of the grid here",
        description="Negative: into the grid.",
        unit="watt",
        steps=((None, looks.GOOD), (1, looks.QUIET), (5000, looks.WARNING)),
        links=TO_ENERGY,
    )
    yield stat(
        "Production now",
        Query(production_power()),
        none="no energy monitor here",
        description="What the sun gives, as an energy monitor or manager has it.",
        unit="watt",
        steps=((None, looks.QUIET), (10, looks.GOOD)),
        links=TO_ENERGY,
    )
    yield stat(
        "Consumption now",
        Query(consumption_power()),
        none="no energy monitor here",
        description="What the house takes, whether from the grid, the sun or the storage.",
        unit="watt",
        steps=((None, looks.QUIET), (5000, looks.WARNING)),
        links=TO_ENERGY,
    )
    yield stat(
        "Storage",
        Query(storage_charge(), "{{name}}"),
        none="no storage here",
        unit="percentunit",
        decimals=0,
        steps=looks.CHARGE,
        links=TO_ENERGY,
    )


_FIRST: Final = [
    *_now(),
    *_numbers(),
    *today_and_yesterday("From the grid", "import", "no meter of the grid here"),
    *today_and_yesterday("Used", "consumption", "no energy monitor here"),
    *today_and_yesterday("Produced", "production", "no energy monitor here"),
]

_OPENINGS: Final = [
    windows(),
    bars(
        "Blinds",
        Query(house("loxone_shading_position_ratio"), "{{room}}: {{name}}"),
        none="no blinds here",
        description="0 % is up, 100 % is down.",
        unit="percentunit",
        high=1,
        height=9,
    ),
    bars(
        "Gates and roof windows",
        Query(house("loxone_opening_ratio"), "{{room}}: {{name}}"),
        none="no gates or motor windows here",
        unit="percentunit",
        high=1,
        height=9,
        steps=((None, looks.GOOD), (0.01, looks.WARNING)),
    ),
]


_ROOMS: Final = [
    rooms(),
    lines(
        "Temperatures",
        Query(house("loxone:room_temperature_celsius"), "{{room}}"),
        Query(OUTDOOR, "outside"),
        none="no room controllers here",
        unit="celsius",
        decimals=1,
        height=12,
    ),
]

_POWER: Final = [
    lines(
        "Power",
        Query(production_power(), "production"),
        Query(grid_power(), "from the grid"),
        Query(storage_power(), "from the storage"),
        Query(consumption_power(), "consumption"),
        none="no energy monitor or meter of the grid here",
        description="Negative: into the grid, into the storage.",
        unit="watt",
        width=16,
    ),
    bars(
        "Where it goes now",
        Query(f"sort_desc({consumers()})", "{{node}}"),
        none="no meters here",
        description="The consumers of the energy flow monitor. In a house without one, each"
        " meter: a main meter contains others, and producers count, too.",
        unit="watt",
        width=8,
        height=9,
    ),
]

_PEOPLE: Final = [
    timeline(
        "Presence",
        Query(
            f"max by ({BY_ROOM}) ({house('loxone_presence_active')})",
            "{{room}}",
        ),
        none="no presence detectors here, or the exporter leaves them out",
        description="`[filter] exclude_classes` leaves out what tells who is at home.",
        names={0: ("nobody", looks.OFF), 1: ("somebody", looks.NOTE)},
    ),
    timeline(
        "Lights by room",
        Query(
            f"max by ({BY_ROOM}) (({house('loxone_light_level_ratio')} > bool 0)"
            f" or {_SWITCHED_LIGHTS})",
            "{{room}}",
        ),
        none="no lighting controllers here",
        names=looks.ON_OR_OFF,
    ),
]

_ALARMS: Final = [
    timeline(
        "Smoke and water alarms",
        Query(codes("loxone_smoke_alarm_level", _SMOKE_LEVELS), "{{name}}"),
        none="no smoke or water alarm here",
        description="See LoxoneSmokeOrWaterAlarm in docs/alerts.md. This is no substitute for the"
        " alarm itself.",
        names=state_names(_SMOKE_LEVELS),
        width=8,
        height=4,
    ),
    timeline(
        "Burglar alarms",
        Query(codes("loxone_alarm_level", _BURGLAR_LEVELS), "{{name}}"),
        none="no burglar alarm here",
        names=state_names(_BURGLAR_LEVELS),
        width=8,
        height=4,
    ),
    timeline(
        "Armed",
        Query(house("loxone_alarm_armed"), "{{name}}"),
        none="no burglar alarm here",
        names={0: ("disarmed", looks.OFF), 1: ("armed", looks.NOTE)},
        width=8,
        height=4,
    ),
    table(
        "Alerts that call now",
        {"alertname": "Alert", "severity": "Severity", "room": "Room", "name": "Control"},
        Column(
            "Calls",
            f"sum by ({BY_HOUSE}, alertname, severity, room, name) ({firing()})",
            names={1: ("now", looks.BAD)},
        ),
        none="no alerts",
        description="What to do about each is in docs/alerts.md, and in the annotation `runbook`"
        " that Alertmanager sends.",
        width=24,
        height=6,
    ),
]

_SWITCHES: Final = house(
    "", names("loxone_digital_active", "loxone_switch_active"), subcontrol="active"
)

_DEVICES: Final = [
    bars(
        "Hours until maintenance",
        Query(f"{house('loxone_maintenance_remaining_seconds')} / 3600", "{{name}}"),
        none="no maintenance counters here",
        description="Hours of operation that are left.",
        unit="h",
        decimals=0,
        steps=((None, looks.BAD), (24, looks.WARNING), (168, looks.GOOD)),
        width=8,
    ),
    bars(
        "Batteries of devices",
        Query(house("loxone_battery_charge_ratio"), "{{room}}: {{name}}"),
        none="no devices with a battery here",
        unit="percentunit",
        high=1,
        steps=looks.CHARGE,
        width=8,
    ),
    bars(
        "Window sensors offline",
        Query(house("loxone_windows_offline"), "{{name}}"),
        none="no window monitor here",
        description="See LoxoneWindowSensorsOffline in docs/alerts.md.",
        steps=looks.TROUBLE,
        width=8,
    ),
    lines(
        "Water and gas by meter, in each hour",
        Query(
            f"sum by ({BY_CONTROL}) ("
            + once(f"increase({house('loxone_volume_cubic_meters_total')}[1h])")
            + ") * 1000",
            "{{name}}",
        ),
        none="no meters of water or gas here",
        unit="litre",
        decimals=0,
    ),
    lines(
        "Soil moisture and fill levels",
        Query(
            house("", names("loxone_soil_moisture_ratio", "loxone_fill_level_ratio")), "{{name}}"
        ),
        none="no sensors of soil or tanks here",
        unit="percentunit",
        low=0,
    ),
    timeline(
        "Switches and digital states",
        Query(
            f"max by ({BY_STATE}) ({_SWITCHES})",
            "{{room}}: {{name}}",
        ),
        none="no switches or digital states here",
        names=looks.ON_OR_OFF,
        width=24,
        height=12,
    ),
]

PAGE: Final = Page(
    uid="loxone-house",
    title="Loxone: house",
    description="A house at a glance: what is open, what is on, how warm it is, what it takes.",
    sections=[
        Section("", _FIRST),
        Section("Is anything open?", _OPENINGS),
        Section("Rooms", _ROOMS),
        Section("Power", _POWER),
        Section("Who is there, what is on?", _PEOPLE),
        Section("Alarms and alerts", _ALARMS),
        Section("Devices, water, garden", _DEVICES, is_collapsed=True),
    ],
    annotations=[frame.alerts(), frame.reboots()],
)
