"""The ground floor of the demo house, room by room."""

from __future__ import annotations

from loxone_exporter.simulator.demo.blueprint import Control, Number
from loxone_exporter.simulator.demo.climate import old_room_controller, room_controller
from loxone_exporter.simulator.demo.comfort import audio_zone, pushbutton
from loxone_exporter.simulator.demo.energy import APPLIANCES
from loxone_exporter.simulator.demo.kit import UNLOCKED, analog, contact, switch, week
from loxone_exporter.simulator.demo.lighting import Circuit, light_controller
from loxone_exporter.simulator.demo.machines import air_conditioner
from loxone_exporter.simulator.demo.places import (
    ACCESS,
    AIR,
    CLIMATE,
    ENERGY,
    LIGHT,
    MACHINES,
    MUSIC,
    SECURITY,
    SHADE,
    WATER,
    Room,
)
from loxone_exporter.simulator.demo.rooms import SOUTH, WEST
from loxone_exporter.simulator.demo.security import presence_detector
from loxone_exporter.simulator.demo.shading import blind
from loxone_exporter.simulator.demo.world import World


_LIVED_IN = week((5.5, 22.5), (7.0, 23.5))
_WORKED_IN = week((7.0, 18.0), (10.0, 16.0))
_WORDS = ("Closed", "Open")


def ground_floor(world: World) -> list[Control]:
    """All controls of the ground floor."""
    return [
        *_living_room(world),
        *_kitchen(world),
        *_hallway(world),
        *_guest_toilet(world),
        *_office(world),
        *_utility_room(world),
    ]


def _living_room(world: World) -> list[Control]:
    here = Room("Living Room")
    air = world.rooms["Living Room"]
    return [
        light_controller(
            world,
            "Licht Wohnzimmer",
            here / LIGHT,
            Circuit("Spots", "Dimmer", 36),
            Circuit("Spots", "Dimmer", 24),  # the same name twice in one controller
            Circuit("Stehlampe", "Switch", 11),
            Circuit("LED-Stripe", "ColorPickerV2", 18),
        ),
        room_controller(world, here / CLIMATE, _LIVED_IN),
        blind(world, "Jalousie Süd", here / SHADE, azimuth=SOUTH),
        blind(world, "Jalousie Süd", here / SHADE, azimuth=SOUTH, twin="2"),
        blind(world, "Terrassentür", here / SHADE, azimuth=WEST),
        presence_detector(world, "Presence", here / SECURITY),
        contact("Fenster", here / SECURITY, lambda: air.window_open, words=_WORDS),
        contact("Fenster", here / SECURITY, lambda: False, words=_WORDS, twin="2"),
        analog("Humidity", here / AIR, "%.0f%%", world.noisy(lambda: air.humidity, 0.4, 1)),
        analog("CO₂", here / AIR, "%.0fppm", world.noisy(lambda: air.co2, 5, 0)),
        audio_zone(world, "Musik Wohnzimmer", here / MUSIC),
        pushbutton(world, "Alles aus", here / LIGHT, per_hour=4),
        switch("TV & Hi-Fi", here / ENERGY, lambda: air.awake),
        Control(
            "Kaminofen",
            "ValueSelector",
            *here / CLIMATE,
            states={
                "jLocked": UNLOCKED,
                "value": Number(read=lambda: 22.0 if air.awake else 19.5),
                "min": 16,
                "max": 26,
                "step": 0.5,
            },
            details={"jLockable": True, "format": "Soll: %.1f °C", "increaseOnly": False},
        ),
    ]


def _kitchen(world: World) -> list[Control]:
    here = Room("Küche")
    air = world.rooms["Küche"]
    clock = world.clock
    return [
        light_controller(
            world,
            "Licht Küche",
            here / LIGHT,
            Circuit("Esstisch", "Dimmer", 22),
            Circuit("Arbeitsplatte", "Dimmer", 16),
            Circuit("Sockel", "ColorPickerV2", 9),
        ),
        room_controller(world, here / CLIMATE, _LIVED_IN),
        contact("Fenster Küche", here / SECURITY, lambda: air.window_open, words=_WORDS),
        switch(
            "Geschirrspüler", here / MACHINES, lambda: APPLIANCES["Geschirrspüler"].running(clock)
        ),
        analog(
            "Geschirrspüler Leistung",
            here / MACHINES,
            "%.0fW",
            lambda: APPLIANCES["Geschirrspüler"].power(clock),
            every=10,
        ),
        contact("Wasserleck", here / WATER, lambda: False, words=("Trocken", "Nass")),
    ]


def _hallway(world: World) -> list[Control]:
    here = Room("Hallway")
    return [
        light_controller(
            world,
            "Licht Diele",
            here / LIGHT,
            Circuit("Vchod", "Dimmer", 14),
            Circuit("Garderobe", "Switch", 8),
        ),
        presence_detector(world, "Bewegung Diele", here / SECURITY, hold=60),
        contact(
            "Haustür",
            here / ACCESS,
            lambda: world.people.awake.get("Hallway", 0) and not world.clock.between(22, 6),
            words=_WORDS,
        ),
        pushbutton(world, "Leaving Home", here / ACCESS, per_hour=6),
    ]


def _guest_toilet(world: World) -> list[Control]:
    here = Room("Gäste-WC")
    return [
        light_controller(world, "Licht Gäste-WC", here / LIGHT, Circuit("Spiegel", "Dimmer", 9)),
        old_room_controller(world, here / CLIMATE, _LIVED_IN),
    ]


def _office(world: World) -> list[Control]:
    here = Room("Büro")
    air = world.rooms["Büro"]
    return [
        light_controller(
            world,
            "Licht Büro",
            here / LIGHT,
            Circuit("Schreibtisch", "Dimmer", 15),
            Circuit("Regál", "Dimmer", 12),
        ),
        room_controller(world, here / CLIMATE, _WORKED_IN),
        air_conditioner(world, "Klimagerät", here / CLIMATE),
        blind(world, "Jalousie Büro", here / SHADE, azimuth=WEST),
        presence_detector(world, "Präsenz Büro", here / SECURITY),
        contact("Fenster Büro", here / SECURITY, lambda: air.window_open, words=_WORDS),
        analog("CO₂ Büro", here / AIR, "%.0f PPM", world.noisy(lambda: air.co2, 5, 0)),
        switch("Počítač", here / ENERGY, lambda: air.awake),
    ]


def _utility_room(world: World) -> list[Control]:
    here = Room("Utility Room")
    clock = world.clock
    washer = APPLIANCES["Waschmaschine"]
    return [
        switch("Waschmaschine", here / MACHINES, lambda: washer.running(clock)),
    ]
