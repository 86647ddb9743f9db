"""What belongs to the demo house as a whole: alarms, the door, central controls, odds and ends."""

from __future__ import annotations

from collections.abc import Sequence

from loxone_exporter.simulator.demo.blueprint import Control, Number
from loxone_exporter.simulator.demo.climate import climate_controller
from loxone_exporter.simulator.demo.comfort import pushbutton
from loxone_exporter.simulator.demo.kit import (
    UNLOCKED,
    Log,
    contact,
    info_text,
    status,
    tracker,
)
from loxone_exporter.simulator.demo.places import (
    ACCESS,
    CLIMATE,
    LIGHT,
    MACHINES,
    MUSIC,
    SECURITY,
    SHADE,
    WEATHER,
    Room,
)
from loxone_exporter.simulator.demo.security import (
    alarm,
    intercom,
    keypad,
    smoke_alarm,
    status_monitor,
    window_monitor,
)
from loxone_exporter.simulator.demo.shading import central
from loxone_exporter.simulator.demo.world import World


_HOME, _AWAY, _ASLEEP = 1, 2, 3


def whole_house(world: World, rooms: Sequence[Control]) -> list[Control]:
    """All controls of the whole house.

    Args:
        world: The house.
        rooms: The controls of the rooms, over which central controls rule.
    """
    return [
        *_central_controls(world, rooms),
        *_security(world, rooms),
        *_modes(world),
        *_odds_and_ends(world),
    ]


def _of_type(controls: Sequence[Control], *types: str) -> list[Control]:
    return [control for control in controls if control.type in types]


def _central_controls(world: World, rooms: Sequence[Control]) -> list[Control]:
    here = Room("Central")
    climate = _of_type(rooms, "IRoomController", "IRoomControllerV2")
    blinds = _of_type(rooms, "Jalousie")
    return [
        central(
            "Alle Lichter",
            "CentralLightController",
            here / LIGHT,
            _of_type(rooms, "LightControllerV2"),
        ),
        central("Alle Jalousien", "CentralJalousie", here / SHADE, blinds),
        # as firmware before 10 had them: without states
        central("Südseite", "CentralJalousie", here / SHADE, blinds[:3], with_states=False),
        central(
            "Hudba všude",
            "CentralAudioZone",
            here / MUSIC,
            _of_type(rooms, "AudioZoneV2"),
            with_states=False,
        ),
        climate_controller(world, "Klimazentrale", here / CLIMATE, climate),
    ]


def _security(world: World, rooms: Sequence[Control]) -> list[Control]:
    here = Room("Central")
    door = Room("Hallway")
    contacts = [
        control
        for control in _of_type(rooms, "InfoOnlyDigital")
        if control.name.startswith(("Fenster", "Okno"))
    ]
    return [
        alarm(world, "Einbruchalarm", here / SECURITY),
        smoke_alarm(world, "Rauch & Wasser", here / SECURITY),
        window_monitor("Fensterüberwachung", here / SECURITY, contacts),
        status_monitor(
            "Gerätestatus",
            here / SECURITY,
            [
                ("Wärmepumpe", lambda: False),
                ("Wechselrichter", lambda: False),
                ("Filter", lambda: True),
            ],
        ),
        intercom(world, "Türstation", door / ACCESS),
        keypad(world, "Klávesnice u dveří", door / ACCESS),
    ]


def _modes(world: World) -> list[Control]:
    here = Room("Central")
    people = world.people

    def mode() -> int:
        if not people.at_home:
            return _AWAY
        return _ASLEEP if people.all_asleep else _HOME

    words = {_HOME: "Zu Hause", _AWAY: "Pryč", _ASLEEP: "Schläft"}
    return [
        Control(
            "Hausmodus",
            "Radio",
            *here / MACHINES,
            states={"jLocked": UNLOCKED, "activeOutput": Number(read=mode)},
            details={
                "jLockable": True,
                "allOff": "Automatik",
                "outputs": {str(key): word for key, word in words.items()},
            },
        ),
        status("Hausstatus", here / MACHINES, lambda: f"Haus: {words[mode()]}"),
        pushbutton(world, "Alles zu", here / SHADE, per_hour=4),
    ]


def _odds_and_ends(world: World) -> list[Control]:
    """Controls of the kinds that real houses have too, and that an exporter has to bear."""
    here = Room("Central")
    nowhere = Room(None)
    weather = world.weather
    return [
        Control(
            "Wetterkarte",
            "Webpage",
            *here / WEATHER,
            details={
                "jLockable": False,
                "url": "http://192.0.2.80/karte",
                "urlHd": "",
                "image": "",
            },
        ),
        Control(
            "Rampe", "UpDownDigital", *here / MACHINES, details={"jLockable": False, "type": 71}
        ),
        Control(
            "Türcode Gäste",
            "TextInput",
            *here / ACCESS,
            states={"text": "made-up secret"},
        ),
        info_text(
            "Wetterbericht",
            nowhere / WEATHER,
            lambda: f"{round(weather.now.temperature)} Grad, {_rain_word(world)}",
        ),
        tracker(
            "Hauslogbuch", nowhere / MACHINES, Log(world.clock, "Systemstart", "Vše v pořádku")
        ),
        contact("Miniserver Überhitzung", nowhere / None, lambda: False),
        Control(
            "Laborgerät Ω",
            "QuantumToaster",
            *nowhere / MACHINES,
            states={
                "entanglement": Number(read=world.noisy(lambda: 0.5, 0.1, 3), every=20),
                "mood": "froh",
            },
            details={"format": "%.3f"},
        ),
    ]


def _rain_word(world: World) -> str:
    return "Regen" if world.weather.now.rain else "trocken"
