"""Panels that several dashboards have; each gets its own, for a panel has its place in one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from grafana_foundation_sdk.builders import stat as stats
from grafana_foundation_sdk.builders import statetimeline
from grafana_foundation_sdk.builders import table as tables

from dashboards import looks
from dashboards.looks import state_names
from dashboards.panels import Query, stat, timeline
from dashboards.promql import BY_HOUSE, codes, counted, house
from dashboards.tables import Column, table


_THE_HOUSE: Final = "${job:queryparam}&${miniserver:queryparam}"

TO_ROOM: Final = (
    "Show this room",
    f"/d/loxone-room?{_THE_HOUSE}&var-room=${{__value.text:percentencode}}&${{__url_time_range}}",
)
TO_CLIMATE: Final = {"Climate of all rooms": f"/d/loxone-climate?{_THE_HOUSE}"}
TO_ENERGY: Final = {"Energy of the house": f"/d/loxone-energy?{_THE_HOUSE}"}
TO_LINK: Final = {"Link and exporter": f"/d/loxone-exporter?{_THE_HOUSE}"}

OUTDOOR: Final = (
    f"avg by ({BY_HOUSE}) ({house('loxone_weather_temperature_celsius')})"
    f" or avg by ({BY_HOUSE}) ({house('loxone_temperature_outdoor_celsius')})"
)


# Room controllers of the second generation, and of the first, whose numbers begin with ten.
_ROOM_MODES: Final = {
    "economy": "green",
    "comfort": "orange",
    "building_protection": "blue",
    "manual": "purple",
    "off": looks.OFF,
    "custom": "yellow",
}
_FIRST_GENERATION_MODES: Final = {
    "automatic": "green",
    "automatic_currently_heating": "orange",
    "automatic_currently_cooling": "light-blue",
    "automatic_heating": "dark-orange",
    "automatic_cooling": "blue",
    "manual_heating": "red",
    "manual_cooling": "purple",
}
_TEN: Final = 10


def room_controllers(where: Callable[..., str] = house) -> statetimeline.Panel:
    """The temperature mode of room controllers of both generations over time."""
    return timeline(
        "Room controllers",
        Query(codes("loxone_room_active_mode", _ROOM_MODES, where=where), "{{room}}: {{name}}"),
        Query(
            codes("loxone_room_controller_mode", _FIRST_GENERATION_MODES, first=_TEN, where=where),
            "{{room}}: {{name}}",
        ),
        none="no room controllers here",
        description="The temperature mode that each one has; those of the first generation tell"
        " whether they heat or cool.",
        names={
            **state_names(_ROOM_MODES),
            **state_names(_FIRST_GENERATION_MODES, first=_TEN),
        },
    )


def windows() -> statetimeline.Panel:
    """Windows over time, by room."""
    return timeline(
        "Windows by room",
        Query(house("loxone:room_window_open"), "{{room}}"),
        none="no room controller knows of a window here",
        description="As the room controllers have it.",
        names=looks.OPEN_OR_CLOSED,
    )


def rooms() -> tables.Panel:
    """The climate of all rooms now."""
    return table(
        "Rooms",
        {"room": "Room"},
        Column(
            "Temperature",
            house("loxone:room_temperature_celsius"),
            unit="celsius",
            decimals=1,
            steps=looks.TEMPERATURE,
        ),
        Column(
            "Target", house("loxone:room_temperature_target_celsius"), unit="celsius", decimals=1
        ),
        Column(
            "Missing",
            house("loxone:room_temperature_missing_celsius"),
            unit="celsius",
            decimals=1,
            steps=looks.MISSING,
            is_filled=True,
        ),
        Column(
            "Humidity",
            house("loxone:room_humidity_ratio"),
            unit="percentunit",
            decimals=0,
            steps=looks.HUMIDITY,
        ),
        Column("CO₂", house("loxone:room_co2_ppm"), unit="ppm", decimals=0, steps=looks.CO2),
        Column("Window", house("loxone:room_window_open"), names=looks.OPEN_OR_CLOSED),
        none="no room controllers here",
        description="Room by room; a click on its name shows it. Missing is how much colder it is"
        " than its target.",
        sort=("Missing", True),
        label_links={"Room": TO_ROOM},
        height=12,
    )


def today_and_yesterday(title: str, flow: str, none: str) -> Iterator[stats.Panel]:
    """Two panels: what was counted today, and yesterday up to the same time."""
    for when, shift in (("today", ""), ("yesterday until now", "1d")):
        panel = stat(
            f"{title} {when}",
            Query(counted(flow)),
            none=none,
            description="By the largest meter of this kind, which contains the others."
            " Before two minutes after midnight there is nothing yet.",
            unit="kwatth",
            decimals=1,
            since="now/d",
            links=TO_ENERGY,
        )
        yield panel.time_shift(shift) if shift else panel
