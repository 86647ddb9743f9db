"""The upper floor of the demo house, room by room."""

from __future__ import annotations

from loxone_exporter.simulator.demo.blueprint import Control
from loxone_exporter.simulator.demo.climate import old_room_controller, room_controller
from loxone_exporter.simulator.demo.comfort import (
    alarm_clock,
    audio_zone,
    pushbutton,
    sauna,
    stair_light,
)
from loxone_exporter.simulator.demo.kit import (
    analog,
    contact,
    daytimer,
    switch,
    to_json,
    week,
)
from loxone_exporter.simulator.demo.lighting import Circuit, light_controller
from loxone_exporter.simulator.demo.places import (
    AIR,
    CLIMATE,
    LIGHT,
    MACHINES,
    MUSIC,
    SECURITY,
    SHADE,
    Room,
)
from loxone_exporter.simulator.demo.rooms import EAST, SOUTH, WEST
from loxone_exporter.simulator.demo.shading import blind, roof_window
from loxone_exporter.simulator.demo.world import World


_SLEPT_IN = week((5.5, 7.5), (7.0, 9.5))
_PLAYED_IN = week((6.0, 20.5), (7.0, 21.0))
_WASHED_IN = week((5.5, 8.0), (7.0, 22.5))
_WORDS = ("Zavřeno", "Otevřeno")


def upper_floor(world: World) -> list[Control]:
    """All controls of the upper floor."""
    return [
        *_bedroom(world),
        *_childrens_room(world),
        *_guest_room(world),
        *_bathroom(world),
        *_upper_hallway(world),
        *_wellness(world),
    ]


def _bedroom(world: World) -> list[Control]:
    here = Room("Ložnice")
    air = world.rooms["Ložnice"]
    return [
        light_controller(
            world,
            "Světla ložnice",
            here / LIGHT,
            Circuit("Strop", "Dimmer", 20),
            Circuit("Lampička", "Dimmer", 5),
            Circuit("Lampička", "Dimmer", 5),
        ),
        room_controller(world, here / CLIMATE, _SLEPT_IN),
        blind(world, "Žaluzie ložnice", here / SHADE, azimuth=EAST),
        contact("Okno ložnice", here / SECURITY, lambda: air.window_open, words=_WORDS),
        alarm_clock(world, "Budík", here / None, hour=6.25),
        audio_zone(world, "Rádio ložnice", here / MUSIC),
        pushbutton(world, "Gute Nacht", here / LIGHT, per_hour=2),
    ]


def _childrens_room(world: World) -> list[Control]:
    here = Room("Dětský pokoj")
    air = world.rooms["Dětský pokoj"]
    return [
        light_controller(
            world,
            "Světla dětský pokoj",
            here / LIGHT,
            Circuit("Strop", "Dimmer", 24),
            Circuit("Hvězdy", "ColorPickerV2", 7),
        ),
        room_controller(world, here / CLIMATE, _PLAYED_IN),
        blind(world, "Žaluzie jih", here / SHADE, azimuth=SOUTH),
        analog("Vlhkost", here / AIR, "%.0f %%", world.noisy(lambda: air.humidity, 0.4, 1)),
        switch("Noční lampička", here / LIGHT, lambda: air.people > air.awake),
    ]


def _guest_room(world: World) -> list[Control]:
    here = Room("Gästezimmer")
    return [
        old_room_controller(world, here / CLIMATE, week((16, 22), (8, 22))),
        blind(world, "Rollladen", here / SHADE, azimuth=WEST),
    ]


def _bathroom(world: World) -> list[Control]:
    here = Room("Koupelna")
    air = world.rooms["Koupelna"]
    heated = week((5.0, 7.5), (6.5, 10.0), 35.0)
    return [
        light_controller(
            world,
            "Světla koupelna",
            here / LIGHT,
            Circuit("Zrcadlo", "Dimmer", 12),
            Circuit("Sprcha", "Switch", 10),
        ),
        room_controller(world, here / CLIMATE, _WASHED_IN),
        analog("Vlhkost", here / AIR, "%.1f%%", world.noisy(lambda: air.humidity, 0.4, 1)),
        daytimer(
            "Topný žebřík",
            here / CLIMATE,
            world.clock,
            heated,
            {"analog": True, "format": "%.1f°"},
        ),
    ]


def _upper_hallway(world: World) -> list[Control]:
    here = Room("Upper Hallway")
    return [
        light_controller(world, "Licht Galerie", here / LIGHT, Circuit("Galerie", "Dimmer", 16)),
        stair_light(world, "Schodiště", here / LIGHT),
        roof_window(world, "Dachfenster", here / SHADE),
    ]


def _wellness(world: World) -> list[Control]:
    here = Room("Wellness")
    return [
        light_controller(
            world,
            "Licht Wellness",
            here / LIGHT,
            Circuit("Sternenhimmel", "ColorPickerV2", 14),
            Circuit("Decke", "Dimmer", 16),
        ),
        room_controller(world, here / CLIMATE, week((20.0, 22.5), (17.0, 22.0)), outdoor=False),
        sauna(world, "Sauna", here / MACHINES),
        Control(
            "Fernseher",
            "Remote",
            *here / MACHINES,
            states={
                "jLocked": to_json({"locked": 1, "reason": "Im Urlaub"}),
                "mode": 0,
                "timeout": 3000,
                "active": 0,
            },
            details={"jLockable": True, "modeList": {"1": {"name": "TV"}, "2": {"name": "Rádio"}}},
        ),
    ]
