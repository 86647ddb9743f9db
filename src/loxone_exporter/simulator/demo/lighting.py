"""Lighting of the demo house: lights that follow the people, and the controllers that show them."""

from __future__ import annotations

from attrs import frozen

from loxone_exporter.simulator.demo.blueprint import Control, Number, State, Text
from loxone_exporter.simulator.demo.kit import UNLOCKED, Place, on, to_json
from loxone_exporter.simulator.demo.rooms import OUTSIDE
from loxone_exporter.simulator.demo.world import World


OFF, BRIGHT, COSY, NIGHT, ALL_ON = 778, 1, 2, 3, 777
"""The ids of the moods; 778 and 777 are the Miniserver's own."""

MOODS = {BRIGHT: "Hell", COSY: "Gemütlich", NIGHT: "Noční světlo", ALL_ON: "All on", OFF: "Off"}

_LEVELS = {OFF: 0.0, BRIGHT: 90.0, COSY: 40.0, NIGHT: 8.0, ALL_ON: 100.0}
_SECONDS_AFTER_LEAVING = 75.0
_DIMMED_PER_HOUR = 6.0
_HUES = (28, 205, 142, 318)


@frozen
class Circuit:
    """One output of a lighting controller.

    Attributes:
        name: As in the app.
        type: `Dimmer`, `Switch` or `ColorPickerV2`.
        watts: At full brightness.
    """

    name: str
    type: str
    watts: float


class Lights:
    """The lights of a room: on while somebody awake is there and it is dark.

    Attributes:
        mood: The id of the active mood.
        levels: The brightness of each circuit, in percent.
    """

    def __init__(self, world: World, room: str, circuits: tuple[Circuit, ...]) -> None:
        """Screw the bulbs in.

        Args:
            world: Where the people are.
            room: Whose lights they are.
            circuits: The outputs.
        """
        self._world = world
        self._room = room
        self._circuits = circuits
        self._windowless = room in world.rooms.all and world.rooms[room].plan.window is None
        self._linger = 0.0
        self._trim = [0.0] * len(circuits)
        self.mood = OFF
        self.levels = [0.0] * len(circuits)
        self.advance(0.0)

    def advance(self, seconds: float) -> None:
        """Let people switch their lights."""
        world = self._world
        self._linger -= seconds
        if world.people.awake.get(self._room, 0):
            self._linger = _SECONDS_AFTER_LEAVING
        if self._linger > 0 and (self._windowless or world.weather.now.dark):
            self._set(self._wanted())
            if world.happens(seconds, per_hour=_DIMMED_PER_HOUR):
                place = world.chance.randrange(len(self._trim))
                self._trim[place] = world.chance.choice((-15.0, -10.0, -5.0, 0.0, 5.0))
                self._shine()
        else:
            self._set(OFF)

    def color(self, place: int) -> str:
        """The colour of a circuit, in the notation of colour pickers."""
        level = round(self.levels[place])
        if self.mood == COSY:
            return f"hsv({_HUES[place % len(_HUES)]},65,{level})"
        return f"temp({level},{2700 if self.mood == NIGHT else 4000})"

    @property
    def watts(self) -> float:
        """What the lights consume."""
        return sum(
            circuit.watts * level / 100
            for circuit, level in zip(self._circuits, self.levels, strict=True)
        )

    def _wanted(self) -> int:
        clock = self._world.clock
        if clock.between(23.0, 5.5):
            return NIGHT
        return COSY if clock.between(20.0, 23.0) else BRIGHT

    def _set(self, mood: int) -> None:
        if mood != self.mood:
            self.mood = mood
            self._trim = [0.0] * len(self._trim)
            self._shine()

    def _shine(self) -> None:
        level = _LEVELS[self.mood]
        for place, circuit in enumerate(self._circuits):
            if circuit.type == "Switch":
                self.levels[place] = 100.0 if self.mood in {BRIGHT, ALL_ON} else 0.0
            elif level:
                self.levels[place] = min(100.0, max(1.0, level + self._trim[place]))
            else:
                self.levels[place] = 0.0
        if self._room in self._world.rooms.all:
            self._world.rooms[self._room].light_watts = self.watts


def light_controller(
    world: World, name: str, place: Place, *circuits: Circuit, light_room: str = ""
) -> Control:
    """A lighting controller of the present generation with its circuits.

    Args:
        world: Where the people are.
        name: As in the app.
        place: Room and category.
        circuits: The outputs, in the order AI1, AI2 and so on.
        light_room: Where the lights are, if elsewhere than where the control is listed.
    """
    lights = Lights(world, light_room or place[0] or "", circuits)
    limits = {"min": State(0), "max": State(100), "step": State(1)}
    children = [
        (
            "masterValue",
            Control(
                "Master Brightness",
                "Dimmer",
                states={"position": Number(read=lambda: max(lights.levels)), **limits},
            ),
        )
    ]
    if any(circuit.type == "ColorPickerV2" for circuit in circuits):
        children.append(("masterColor", _color_picker("Master Color", lights, 0)))
    for number, circuit in enumerate(circuits):
        children.append((f"AI{number + 1}", _output(lights, number, circuit, limits)))
    if place[0] not in world.rooms.all:
        world.energy.extra_loads[OUTSIDE].append(lambda: lights.watts)
    return Control(
        name,
        "LightControllerV2",
        *place,
        states={
            "jLocked": UNLOCKED,
            "activeMoods": Text(read=lambda: f"[{lights.mood}]"),
            "activeMoodsNum": Number(read=lambda: lights.mood),
            "moodList": to_json([{"id": key, "name": mood} for key, mood in MOODS.items()]),
            "favoriteMoods": to_json([BRIGHT, COSY]),
            "additionalMoods": to_json([NIGHT]),
            "circuitNames": to_json({f"AI{n + 1}": c.name for n, c in enumerate(circuits)}),
            "daylightConfig": to_json({"from": 360, "until": 1320, "mode": 0, "type": 0}),
            "presence": 5,
        },
        details={"jLockable": True, "controlHistory": True, "hasHistory": 20, "movementScene": 1},
        subcontrols=children,
        devices=[lights],
    )


def old_light_controller(world: World, name: str, place: Place, *circuits: Circuit) -> Control:
    """A lighting controller of the first generation, with scenes for moods."""
    lights = Lights(world, place[0] or "", circuits)
    scenes = {OFF: 0, BRIGHT: 1, COSY: 2, NIGHT: 3, ALL_ON: 9}
    limits = {"min": State(0), "max": State(100), "step": State(5)}
    children = [
        (f"AI{number + 1}", _old_output(lights, number, circuit, limits))
        for number, circuit in enumerate(circuits)
    ]
    return Control(
        name,
        "LightController",
        *place,
        states={
            "activeScene": Number(read=lambda: scenes[lights.mood]),
            "sceneList": '1="Hell",2="Gemütlich",3="Noční světlo"',
        },
        details={"movementScene": 1},
        subcontrols=children,
        devices=[lights],
    )


def _output(lights: Lights, number: int, circuit: Circuit, limits: dict[str, State]) -> Control:
    if circuit.type == "ColorPickerV2":
        return _color_picker(circuit.name, lights, number)
    if circuit.type == "Switch":
        return Control(circuit.name, "Switch", states={"active": on(lambda: lights.levels[number])})
    return Control(
        circuit.name,
        "Dimmer",
        states={"position": Number(read=lambda: lights.levels[number]), **limits},
    )


def _color_picker(name: str, lights: Lights, number: int) -> Control:
    return Control(
        name,
        "ColorPickerV2",
        states={
            "color": Text(read=lambda: lights.color(number)),
            "sequence": to_json({"interval": 60, "type": 0, "mode": 4, "colors": []}),
            "sequenceColorIdx": -1,
        },
        details={"pickerType": "Rgb"},
    )


def _old_output(lights: Lights, number: int, circuit: Circuit, limits: dict[str, State]) -> Control:
    if circuit.type != "ColorPickerV2":
        return _output(lights, number, circuit, limits)
    return Control(
        circuit.name,
        "Colorpicker",
        states={"color": Text(read=lambda: lights.color(number)), "favorites": "[]"},
    )
