"""One room, with all that is in it."""

from __future__ import annotations

from typing import Final

from dashboards import frame, looks
from dashboards.frame import Page, Section
from dashboards.panels import Query, bars, lines, stat, timeline
from dashboards.promql import BY_CONTROL, BY_ROOM, BY_STATE, HOUSE, names, once, room
from dashboards.shared import room_controllers
from dashboards.tables import Column, table


_SWITCHES: Final = room("", names("loxone_switch_active", "loxone_digital_active"))


def _named_by_part(series: str, state: str) -> str:
    """Series of sub-controls with the name of each in the label `part`: `Spots`."""
    return f'label_replace({series}, "part", "$1", "subcontrol", "(.+)/{state}")'


def _grown(name: str) -> str:
    """How much a counter of each state has grown in the time shown."""
    return f"sum by ({BY_STATE}, type) ({once(f'increase({room(name)}[$__range])')})"


_FIRST: Final = [
    stat(
        "Temperature",
        Query(room("loxone:room_temperature_celsius")),
        none="no room controller here",
        unit="celsius",
        decimals=1,
        steps=looks.TEMPERATURE,
    ),
    stat(
        "Target",
        Query(room("loxone:room_temperature_target_celsius")),
        none="no room controller here",
        unit="celsius",
        decimals=1,
    ),
    stat(
        "Humidity",
        Query(room("loxone:room_humidity_ratio")),
        none="no humidity sensor here",
        unit="percentunit",
        decimals=0,
        steps=looks.HUMIDITY,
    ),
    stat(
        "CO₂",
        Query(room("loxone:room_co2_ppm")),
        none="no CO₂ sensor here",
        unit="ppm",
        decimals=0,
        steps=looks.CO2,
    ),
    stat(
        "Window",
        Query(room("loxone:room_window_open")),
        none="no room controller knows of a window here",
        names=looks.OPEN_OR_CLOSED,
    ),
    stat(
        "Presence",
        Query(f"max by ({BY_ROOM}) ({room('loxone_presence_active')})"),
        none="no presence detector here",
        names={0: ("nobody", looks.QUIET), 1: ("somebody", looks.NOTE)},
    ),
]

_CLIMATE: Final = [
    lines(
        "Temperature",
        Query(room("loxone:room_temperature_celsius"), "temperature"),
        Query(room("loxone:room_temperature_target_celsius"), "target"),
        Query(room("loxone_temperature_celsius", 'type!~"IRoomController.*"'), "{{name}}"),
        none="no temperatures here",
        description="Of the room controllers, and of other sensors in this room.",
        unit="celsius",
        decimals=1,
    ),
    lines(
        "Humidity",
        Query(room("loxone_humidity_ratio"), "{{name}}"),
        none="no humidity sensor here",
        unit="percentunit",
        decimals=0,
        steps=looks.HUMIDITY,
        steps_in_lines=True,
    ),
    lines(
        "CO₂",
        Query(room("loxone_co2_ppm"), "{{name}}"),
        none="no CO₂ sensor here",
        unit="ppm",
        decimals=0,
        steps=looks.CO2,
        steps_in_lines=True,
    ),
    room_controllers(where=room),
]

_LIGHT: Final = [
    stat(
        "Mood",
        Query(f"{room('loxone_light_mood')} == 1", "{{state}}"),
        none="no lighting controller here",
        only_name=True,
        description="Of each lighting controller, by its name in Loxone Config.",
        steps=((None, looks.LIGHT),),
        height=8,
    ),
    bars(
        "Lights",
        Query(_named_by_part(room("loxone_light_level_ratio"), "position"), "{{name}} {{part}}"),
        none="no dimmers here",
        unit="percentunit",
        high=1,
        steps=((None, looks.LIGHT),),
        width=10,
    ),
    bars(
        "Blinds",
        Query(room("loxone_shading_position_ratio"), "{{name}}"),
        none="no blinds here",
        description="0 % is up, 100 % is down.",
        unit="percentunit",
        high=1,
        width=10,
    ),
    timeline(
        "On and off",
        Query(
            _named_by_part(f"max by ({BY_STATE}) ({_SWITCHES})", "active"),
            "{{name}} {{part}}",
        ),
        none="no switches or digital states here",
        names=looks.ON_OR_OFF,
    ),
    lines(
        "Brightness and volume",
        Query(room("loxone_illuminance_lux"), "{{name}} (lux)"),
        Query(f"{room('loxone_audio_volume_ratio')} * 100", "{{name}} (%)"),
        none="no sensor of brightness and no audio zone here",
        decimals=0,
        low=0,
    ),
]

_ENERGY: Final = [
    lines(
        "Power",
        Query(
            room("", names("loxone_power_watts", "loxone_wallbox_power_watts")),
            "{{name}}",
        ),
        none="nothing here measures power",
        unit="watt",
        low=0,
    ),
    bars(
        "Energy in the last 24 hours",
        Query(
            f"sort_desc(sum by ({BY_CONTROL}, flow) ({room('loxone:energy_kwh:increase1d')}))",
            "{{name}} ({{flow}})",
        ),
        none="no meters here",
        unit="kwatth",
        decimals=1,
        width=12,
        height=9,
    ),
]

_ALL: Final = [
    table(
        "How often, and for how long",
        {"name": "Control", "subcontrol": "State", "type": "Type"},
        Column(
            "Times",
            _grown("loxone_control_activations_total"),
            decimals=0,
        ),
        Column(
            "For",
            _grown("loxone_control_on_seconds_total"),
            unit="s",
        ),
        none="no digital states here, or `[metrics] activations` is off",
        description="Of each digital state, in the time shown: pushes of buttons between two"
        " scrapes, too.",
        sort=("Times", True),
        by_page=True,
    ),
    table(
        "All numbers of this room",
        {"name": "Control", "subcontrol": "State", "type": "Type", "category": "Category"},
        Column(
            "Value",
            f"max by ({BY_STATE}, type, category) ({room('loxone_control_value')})",
        ),
        none="no numbers here",
        description="As the Miniserver sends them, in whatever unit.",
        by_page=True,
    ),
]

PAGE: Final = Page(
    uid="loxone-room",
    title="Loxone: room",
    description="One room with all that is in it: climate, light, blinds, energy, all numbers.",
    sections=[
        Section("", _FIRST),
        Section("Climate", _CLIMATE),
        Section("Light and shade", _LIGHT),
        Section("Energy", _ENERGY, is_collapsed=True),
        Section("Everything", _ALL),
    ],
    variables=[
        frame.choice(
            "room", "Room", f"label_values(loxone_control_info{{{HOUSE}}}, room)", regex="/.+/"
        )
    ],
    annotations=[frame.alerts()],
)
