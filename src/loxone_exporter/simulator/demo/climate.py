"""Heating, cooling and air of the demo house."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from loxone_exporter.loxone.tables import DaytimerEntry
from loxone_exporter.simulator.demo.blueprint import Control, Number, Schedule, State, Text
from loxone_exporter.simulator.demo.clock import HOUR
from loxone_exporter.simulator.demo.kit import (
    UNLOCKED,
    Place,
    mode_list,
    on,
    scheduled,
    to_json,
)
from loxone_exporter.simulator.demo.world import World


ECO, COMFORT = 0, 1
"""Temperature modes: the values of a room controller's schedule."""

_ECO_OFFSET = 2.0
_HEATING_BELOW = 16.0
_WINDOW_OPEN = 2
_NO_VALUE = -1000.0
"""What the Miniserver sends for an outdoor temperature that it does not have."""

_SENSOR_SECONDS = 20.0
_LOOK_SECONDS = 10.0
_SURPLUS = -2_500


class RoomControl:
    """The controller of one room's temperature, whatever its generation.

    Attributes:
        room: The room it controls.
        mode: Whether the schedule asks for comfort (1) or economy (0).
        target: What it aims at, in °C.
    """

    def __init__(self, world: World, name: str, entries: tuple[DaytimerEntry, ...]) -> None:
        """Connect it to a room of the house."""
        self._world = world
        self._entries = entries
        self.room = world.rooms[name]
        self.temperature = Number(
            read=world.noisy(lambda: self.room.temperature, 0.02, 2), every=_SENSOR_SECONDS
        )
        self.mode = COMFORT
        self.target = self.room.plan.comfort
        self._look = 0.0
        self.advance(0.0)

    def advance(self, seconds: float) -> None:
        """Follow the schedule."""
        self._look -= seconds
        if self._look > 0:
            return
        self._look = _LOOK_SECONDS
        self.mode = int(scheduled(self._world.clock, self._entries, ECO))
        comfort = self.room.plan.comfort
        self.target = comfort if self.mode == COMFORT else comfort - _ECO_OFFSET
        self.room.target = self.target

    @property
    def preparing(self) -> bool:
        """Whether it heats up."""
        return self.target - self.room.temperature > 0.8 * _ECO_OFFSET

    @property
    def cooling(self) -> bool:
        """Whether it is summer to the controller."""
        return self._world.weather.average > _HEATING_BELOW


def room_controller(
    world: World,
    place: Place,
    entries: tuple[DaytimerEntry, ...],
    *,
    air_sensor: bool = True,
    outdoor: bool = True,
) -> Control:
    """A room controller of the present generation with its schedule.

    Args:
        world: Where the room is.
        place: Room and category.
        entries: When it shall be comfortable.
        air_sensor: Whether a sensor for CO2 and humidity is connected; without, both are 0.
        outdoor: Whether it knows the outdoor temperature.
    """
    name = place[0] or ""
    device = RoomControl(world, name, entries)
    room = device.room
    weather = world.weather
    active_mode = Number(read=lambda: device.mode)
    modes = State(mode_list())
    outdoor_now = world.noisy(lambda: weather.now.temperature, 0.03, 1)
    return Control(
        f"Raumregler {name}",
        "IRoomControllerV2",
        *place,
        states={
            "jLocked": UNLOCKED,
            "tempActual": device.temperature,
            "tempTarget": Number(read=lambda: device.target),
            "comfortTemperature": room.plan.comfort,
            "comfortTemperatureCool": room.cool_above,
            "comfortTolerance": 0.5,
            "absentMinOffset": _ECO_OFFSET,
            "absentMaxOffset": 3,
            "comfortTemperatureOffset": 0,
            "excessEnergyTempOffset": 1,
            "frostProtectTemperature": 7,
            "heatProtectTemperature": 32,
            "shadingCoolTemp": 23.5,
            "shadingHeatTemp": 24.5,
            "actualOutdoorTemp": (
                Number(read=outdoor_now, every=120, step=0.1) if outdoor else _NO_VALUE
            ),
            "averageOutdoorTemp": (
                Number(read=lambda: round(weather.average, 3), every=600) if outdoor else _NO_VALUE
            ),
            "activeMode": active_mode,
            "operatingMode": 0,
            "currentMode": Number(read=lambda: 2 if device.cooling else 1, every=60),
            "overrideReason": Number(read=lambda: _WINDOW_OPEN if room.window_open else 0),
            "prepareState": on(lambda: device.preparing),
            "overrideEntries": "[]",
            "openWindow": on(lambda: room.window_open),
            "temperatureBoundaryInfo": 1,
            "capabilities": 7,
            "shadingOut": on(lambda: room.shade > 0),
            "co2": _air(world.noisy(lambda: room.co2, 4, 0), connected=air_sensor),
            "humidityActual": _air(
                world.noisy(lambda: room.humidity, 0.3, 1), connected=air_sensor
            ),
            "useOutdoor": 1 if outdoor else 0,
            "modeList": modes,
        },
        details={
            "jLockable": True,
            "format": "%.1f°",
            "connectedInputs": 0,
            "singleComfortTemperature": False,
            "timerModes": [
                {"id": COMFORT, "name": "Komfort", "description": "Comfort"},
                {"id": ECO, "name": "Útlum", "description": "Economy"},
                {"id": 2, "name": "Gebäudeschutz", "description": "Building protection"},
            ],
        },
        subcontrols=[
            (
                "",
                Control(
                    "Heating and Cooling",
                    "IRCV2Daytimer",
                    states={
                        "entriesAndDefaultValue": Schedule(default=ECO, entries=entries),
                        "mode": Number(read=lambda: world.clock.operating_mode, every=60),
                        "modeList": modes,
                        "value": active_mode,
                        "needsActivation": 0,
                    },
                    details={"analog": True, "format": "%.1f°"},
                ),
            )
        ],
        devices=[device],
    )


def old_room_controller(world: World, place: Place, entries: tuple[DaytimerEntry, ...]) -> Control:
    """A room controller of the first generation: seven temperatures, two schedules."""
    name = place[0] or ""
    device = RoomControl(world, name, entries)
    room = device.room
    heating, cooling = Number(read=lambda: device.mode), State(2)
    return Control(
        f"Regler {name}",
        "IRoomController",
        *place,
        states={
            "tempActual": device.temperature,
            "tempTarget": Number(read=lambda: device.target),
            "error": 0,
            "mode": Number(read=lambda: 4 if device.cooling else 3),
            "serviceMode": 0,
            "currHeatTempIx": heating,
            "currCoolTempIx": cooling,
            "override": 0,
            "overrideTotal": 0,
            "isPreparing": on(lambda: device.preparing),
            "valveHeat": Number(read=lambda: _percent(room.valve), every=_SENSOR_SECONDS),
            "valveCool": Number(read=lambda: _percent(-room.valve), every=_SENSOR_SECONDS),
            "openWindow": on(lambda: room.window_open),
            "stop": 0,
            "movement": on(lambda: room.awake),
            "manualMode": 0,
            "temperatures": [
                State(degrees)
                for degrees in (_ECO_OFFSET, room.plan.comfort, room.cool_above, 14, 31, 1.5, -1.5)
            ],
        },
        details={
            "restrictedToMode": 0,
            "format": "%.1f°",
            "temperatures": {str(n): {"isAbsolute": n in {1, 2, 3, 4}} for n in range(7)},
        },
        subcontrols=[
            ("", _old_schedule("Heating", world, Schedule(entries=entries), heating)),
            ("", _old_schedule("Cooling", world, Schedule(default=2), cooling)),
        ],
        devices=[device],
    )


def climate_controller(
    world: World, name: str, place: Place, members: Sequence[Control]
) -> Control:
    """The controller of the heat pump over the controllers of the rooms."""
    demand = world.rooms

    def requests() -> str:
        return to_json(
            [
                {"uuid": control.uuid, "demand": _sign(demand[str(control.room)].valve)}
                for control in members
            ]
        )

    return Control(
        name,
        "ClimateController",
        *place,
        states={
            "controls": Text(read=requests, every=60),
            "currentMode": Number(read=lambda: _mode(demand.heat_demand), every=60),
            "autoMode": 0,
            "currentAutomatic": 1,
            "temperatureBoundaryInfo": 1,
            "heatingTempBoundary": _HEATING_BELOW,
            "coolingTempBoundary": 20,
            "actualOutdoorTemp": Number(
                read=world.noisy(lambda: world.weather.now.temperature, 0.03, 1),
                every=120,
                step=0.1,
            ),
            "averageOutdoorTemp": Number(read=lambda: round(world.weather.average, 3), every=600),
            "overwriteReason": 0,
            "infoText": "",
            "serviceMode": 0,
            "nextMaintenance": round(world.clock.unix // HOUR * HOUR) + 90 * 24 * HOUR,
            "ventilation": Number(read=lambda: world.rooms.ventilation, every=60),
            "excessEnergy": on(lambda: world.energy.watts("grid") < _SURPLUS),
            "standbyReason": Number(read=lambda: 0 if world.energy.heat_pump_running else 1),
        },
        details={"jLockable": True, "controls": [{"uuid": control} for control in members]},
    )


def _old_schedule(name: str, world: World, entries: Schedule, value: State) -> Control:
    return Control(
        name,
        "IRCDaytimer",
        states={
            "entriesAndDefaultValue": entries,
            "mode": Number(read=lambda: world.clock.operating_mode, every=60),
            "modeList": mode_list(),
            "value": value,
        },
        details={"analog": True, "format": "%.1f°"},
    )


def _air(read: Callable[[], float], *, connected: bool) -> State:
    return Number(read=read, every=_SENSOR_SECONDS) if connected else State(0)


def _percent(ratio: float) -> float:
    return round(max(0.0, ratio) * 100)


def _sign(valve: float) -> int:
    return (valve > 0) - (valve < 0)


def _mode(demand: float) -> int:
    return 1 if demand > 0 else 2 if demand < 0 else 0
