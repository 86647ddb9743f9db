"""What is outside the walls of the demo house: garden, garage, weather station."""

from __future__ import annotations

from loxone_exporter.simulator.demo.blueprint import Control, Number
from loxone_exporter.simulator.demo.comfort import Zone, irrigation
from loxone_exporter.simulator.demo.kit import analog, contact, daytimer, week
from loxone_exporter.simulator.demo.lighting import Circuit, light_controller, old_light_controller
from loxone_exporter.simulator.demo.metering import meter, wallbox
from loxone_exporter.simulator.demo.places import (
    ACCESS,
    CLIMATE,
    ENERGY,
    LIGHT,
    MACHINES,
    SHADE,
    WATER,
    WEATHER,
    Room,
)
from loxone_exporter.simulator.demo.rooms import SOUTH
from loxone_exporter.simulator.demo.security import mail_box
from loxone_exporter.simulator.demo.shading import blind, gate
from loxone_exporter.simulator.demo.world import World


def outside(world: World) -> list[Control]:
    """All controls outside."""
    return [*_garden(world), *_garage(world), *_weather_station(world)]


def _garden(world: World) -> list[Control]:
    here = Room("Garten")
    return [
        light_controller(
            world,
            "Licht Terrasse",
            here / LIGHT,
            Circuit("Wand", "Dimmer", 30),
            Circuit("Zahrada", "Switch", 40),
        ),
        blind(world, "Markise", here / SHADE, room="Living Room", azimuth=SOUTH, at_night=False),
        irrigation(
            world,
            "Zavlažování",
            here / WATER,
            Zone("Rasen", 20, 1150),
            Zone("Záhon", 12, 640),
            Zone("Hochbeet", 6, 240),
        ),
        meter(
            world,
            "Gartenwasser",
            here / WATER,
            "garden water",
            units=("%.1fL/h", "%.1fL"),
            sums=False,
        ),
        analog(
            "Soil Moisture",
            here / WATER,
            "<v.0> %",
            world.noisy(lambda: 38 - 0.5 * world.weather.average, 0.3, 0),
            every=300,
        ),
        daytimer(
            "Teichpumpe",
            here / WATER,
            world.clock,
            week((9, 21), (8, 22)),
            {"analog": False, "text": {"on": "Läuft", "off": "Steht"}},
        ),
        mail_box(world, "Paketbox", here / ACCESS),
    ]


def _garage(world: World) -> list[Control]:
    here = Room("Garage")
    air = world.rooms["Garage"]
    energy = world.energy
    return [
        old_light_controller(
            world,
            "Licht Garage",
            here / LIGHT,
            Circuit("Decke", "Dimmer", 44),
            Circuit("Werkbank", "Switch", 18),
            Circuit("Ambiente", "ColorPickerV2", 6),
        ),
        gate(world, "Garagentor", here / ACCESS, seconds=16, trigger=lambda: energy.car.connected),
        wallbox(world, "Wallbox", here / ENERGY),
        analog(
            "Teplota garáž",
            here / CLIMATE,
            "%.2f °C",
            world.noisy(lambda: air.temperature, 0.01, 2),
            every=45,
        ),
    ]


def _weather_station(world: World) -> list[Control]:
    here = Room("Garten")
    weather = world.weather
    noisy = world.noisy
    return [
        analog(
            "Außentemperatur",
            here / WEATHER,
            "%.1f°",
            noisy(lambda: weather.now.temperature, 0.03, 1),
            every=20,
        ),
        analog(
            "Vlhkost vzduchu", here / WEATHER, "%.0f%%", noisy(lambda: weather.now.humidity, 0.3, 0)
        ),
        analog(
            "Wind", here / WEATHER, "%.1fkm/h", noisy(lambda: weather.now.wind, 0.4, 1), every=3
        ),
        analog(
            "Windrichtung",
            here / WEATHER,
            "%.0f°",
            noisy(lambda: weather.now.wind_direction, 4, 0),
            every=15,
        ),
        analog(
            "Helligkeit", here / WEATHER, "%.0f Lx", noisy(lambda: weather.now.lux, 3, 0), every=6
        ),
        analog(
            "Luftdruck",
            here / WEATHER,
            "%.1fhPa",
            noisy(lambda: weather.now.pressure, 0.05, 1),
            every=120,
        ),
        analog(
            "Niederschlag",
            here / WEATHER,
            "<v.1> mm/h",
            lambda: round(weather.now.rain, 1),
            every=60,
        ),
        contact("Déšť", here / WEATHER, lambda: weather.now.rain, words=("Sucho", "Prší")),
        analog(
            "Taupunkt", here / WEATHER, "<v.1>°", lambda: round(weather.now.dew_point, 1), every=120
        ),
        Control(
            "Frostwächter",
            "UpDownAnalog",
            *here / MACHINES,
            states={"value": Number(read=lambda: 3.0), "error": 0},
            details={"format": "%.1f °C", "min": 0, "max": 8, "step": 0.5},
        ),
    ]
