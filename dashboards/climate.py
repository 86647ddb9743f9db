"""Climate, room by room."""

from __future__ import annotations

from typing import Final

from dashboards import frame, looks
from dashboards.frame import Page, Section
from dashboards.looks import state_names
from dashboards.panels import Query, bars, lines, stat, timeline
from dashboards.promql import BY_CONTROL, BY_HOUSE, codes, house
from dashboards.shared import OUTDOOR, room_controllers, rooms, windows


_MISSING: Final = house("loxone:room_temperature_missing_celsius")
_TEMPERATURE: Final = house("loxone:room_temperature_celsius")
_NO_ROOMS: Final = "no room controllers here"

_PLANT_MODES: Final = {
    "no_requirement": looks.OFF,
    "heating": "orange",
    "cooling": "light-blue",
    "heating_boost": "red",
    "cooling_boost": "blue",
    "service": "purple",
    "external_heater": "dark-orange",
}

_FIRST: Final = [
    stat(
        "Outside",
        Query(OUTDOOR),
        none="no outdoor temperature here",
        unit="celsius",
        decimals=1,
        steps=((None, looks.NOTE), (15, looks.GOOD), (26, looks.WARNING), (32, looks.BAD)),
    ),
    stat(
        "Coldest room",
        Query(f"bottomk(1, {_TEMPERATURE})", "{{room}}"),
        none=_NO_ROOMS,
        with_name=True,
        description="Below 5 °C, LoxoneRoomFrost calls: see docs/alerts.md.",
        unit="celsius",
        decimals=1,
        steps=looks.TEMPERATURE,
    ),
    stat(
        "Warmest room",
        Query(f"topk(1, {_TEMPERATURE})", "{{room}}"),
        none=_NO_ROOMS,
        with_name=True,
        unit="celsius",
        decimals=1,
        steps=looks.TEMPERATURE,
    ),
    stat(
        "Farthest below its target",
        Query(f"topk(1, {_MISSING})", "{{room}}"),
        none=_NO_ROOMS,
        with_name=True,
        description="How much colder this room is than its target. See LoxoneRoomTooCold in"
        " docs/alerts.md.",
        unit="celsius",
        decimals=1,
        steps=looks.MISSING,
    ),
    stat(
        "Rooms with an open window",
        Query(f"sum by ({BY_HOUSE}) ({house('loxone:room_window_open')})"),
        none="no room controller knows of a window here",
        description="See LoxoneWindowOpenWhileHeating in docs/alerts.md.",
        steps=looks.WORTH_A_LOOK,
        names={0: ("none", looks.GOOD)},
    ),
    stat(
        "Worst air",
        Query(f"topk(1, {house('loxone:room_co2_ppm')})", "{{room}}"),
        none="no CO₂ sensors here",
        with_name=True,
        description="Above 1000 ppm it is time to open a window; above 1400 it is high time.",
        unit="ppm",
        decimals=0,
        steps=looks.CO2,
    ),
]

_TEMPERATURES: Final = [
    rooms(),
    lines(
        "Temperatures",
        Query(_TEMPERATURE, "{{room}}"),
        Query(OUTDOOR, "outside"),
        none=_NO_ROOMS,
        description="One that never changes: LoxoneTemperatureSensorFrozen in docs/alerts.md.",
        unit="celsius",
        decimals=1,
        height=12,
    ),
    lines(
        "Below the target",
        Query(_MISSING, "{{room}}"),
        none=_NO_ROOMS,
        description="How much colder each room is than its target; negative is warmer.",
        unit="celsius",
        decimals=1,
        steps=looks.MISSING,
        steps_in_lines=True,
    ),
    lines(
        "Targets",
        Query(house("loxone:room_temperature_target_celsius"), "{{room}}"),
        none=_NO_ROOMS,
        unit="celsius",
        decimals=1,
    ),
]

_AIR: Final = [
    lines(
        "Humidity",
        Query(house("loxone:room_humidity_ratio"), "{{room}}"),
        none="no humidity sensors here",
        description="30 to 60 % is good for people and walls; above 70 % there may be mould.",
        unit="percentunit",
        decimals=0,
        steps=looks.HUMIDITY,
        steps_in_lines=True,
    ),
    lines(
        "CO₂",
        Query(house("loxone:room_co2_ppm"), "{{room}}"),
        none="no CO₂ sensors here",
        unit="ppm",
        decimals=0,
        steps=looks.CO2,
        steps_in_lines=True,
    ),
    windows(),
    lines(
        "Ventilation",
        Query(house("loxone_fan_speed_ratio"), "{{room}}: {{name}}"),
        none="no ventilation here",
        unit="percentunit",
        decimals=0,
        low=0,
        high=1,
    ),
]

_CONTROLLERS: Final = [
    room_controllers(),
    bars(
        "Comfort in the time shown",
        Query(
            f"avg by ({BY_CONTROL}) (avg_over_time("
            f"{house('loxone_room_active_mode', state='comfort')}[$__range]))",
            "{{room}}",
        ),
        none="no room controllers of the second generation here",
        description="The part of the time in which a room was in its comfort mode.",
        unit="percentunit",
        decimals=0,
        high=1,
        width=12,
        height=9,
    ),
    timeline(
        "Heating and cooling",
        Query(codes("loxone_climate_mode", _PLANT_MODES), "{{name}}"),
        none="no climate controller here",
        description="What the climate controller asks of heat pump or boiler.",
        names=state_names(_PLANT_MODES),
        width=24,
        height=4,
    ),
]

_WEATHER: Final = [
    lines(
        "Outside",
        Query(house("loxone_weather_temperature_celsius"), "weather service"),
        Query(house("loxone_weather_perceived_temperature_celsius"), "perceived"),
        Query(house("loxone_weather_dew_point_celsius"), "dew point"),
        Query(
            f"avg by ({BY_HOUSE}) ({house('loxone_temperature_outdoor_celsius')})", "own sensors"
        ),
        none="no weather service and no sensors here",
        unit="celsius",
        decimals=1,
    ),
    lines(
        "Wind",
        Query(house("loxone_wind_speed_meters_per_second"), "{{name}}"),
        Query(house("loxone_weather_wind_speed_meters_per_second"), "weather service"),
        none="no weather service and no sensors here",
        unit="velocityms",
        decimals=1,
        low=0,
    ),
    lines(
        "Brightness",
        Query(house("loxone_illuminance_lux"), "{{room}}: {{name}}"),
        none="no sensors of brightness here",
        unit="lux",
        decimals=0,
        low=0,
    ),
    lines(
        "Rain",
        Query(
            f"{house('loxone_precipitation_rate_meters_per_second')} * 3.6e6",
            "{{name}}",
        ),
        none="no sensors of rain here",
        description="Millimetres in an hour.",
        unit="suffix: mm/h",
        decimals=1,
        low=0,
    ),
]

PAGE: Final = Page(
    uid="loxone-climate",
    title="Loxone: climate",
    description="Temperature against target, air and windows of each room, and the weather.",
    sections=[
        Section("", _FIRST),
        Section("Temperatures", _TEMPERATURES),
        Section("Air", _AIR),
        Section("Controllers", _CONTROLLERS),
        Section("Weather", _WEATHER),
    ],
    annotations=[frame.alerts()],
)
