"""Machines of the demo house: ventilation, air conditioner, and counters of running time."""

from __future__ import annotations

from collections.abc import Callable

from loxone_exporter.simulator.demo.blueprint import Control, Number
from loxone_exporter.simulator.demo.clock import HOUR
from loxone_exporter.simulator.demo.kit import UNLOCKED, Place, on, to_json
from loxone_exporter.simulator.demo.world import World


class AirExchange:
    """The house ventilation: more when people are at home, most when the bathroom is damp.

    Attributes:
        speed: Percent.
        reason: A code of the control catalog: 0 basic, 1 increased, 4 stop.
    """

    def __init__(self, world: World) -> None:
        """Connect it to the rooms."""
        self._world = world
        self.speed = 30.0
        self.reason = 0

    def advance(self, seconds: float) -> None:
        """Follow people and humidity, slowly."""
        damp = self._world.rooms["Koupelna"].humidity > _DAMP
        self.reason = 1 if damp else 0
        wanted = 80.0 if damp else 45.0 if self._world.people.awake else 25.0
        change = 2.0 * seconds
        self.speed += max(-change, min(change, wanted - self.speed))
        self._world.rooms.ventilation = 0.2 + self.speed / 100


_DAMP = 62.0


def ventilation(world: World, name: str, place: Place) -> Control:
    """The house ventilation."""
    device = AirExchange(world)
    bath = world.rooms["Koupelna"]
    return Control(
        name,
        "Ventilation",
        *place,
        states={
            "jLocked": UNLOCKED,
            "speed": Number(read=lambda: round(device.speed, 1), every=2),
            "mode": 0,
            "ventReason": Number(read=lambda: device.reason),
            "temperatureSupport": 0,
            "activeTimerProfile": -2,
            "overwriteUntil": 0,
            "stoppedBy": "",
            "controlInfo": to_json({"level": 0, "title": "", "desc": ""}),
            "presenceMin": 30,
            "presenceMax": 80,
            "absenceMin": 15,
            "absenceMax": 60,
            "humidityIndoor": Number(read=world.noisy(lambda: bath.humidity, 0.3, 1), every=45),
            "presence": on(lambda: world.people.at_home),
            "frostTemp": 3,
            "humidityMax": _DAMP,
            "airQualityIndoor": Number(
                read=world.noisy(lambda: world.rooms["Living Room"].co2, 5, 0), every=60
            ),
            "airQualityMax": 1200,
            "temperatureIndoor": Number(
                read=world.noisy(lambda: bath.temperature, 0.05, 1), every=60
            ),
            "temperatureOutdoor": Number(
                read=world.noisy(lambda: world.weather.now.temperature, 0.03, 1), every=120
            ),
            "temperatureTarget": bath.plan.comfort,
        },
        details={
            "jLockable": True,
            "hasPresence": True,
            "modes": [{"id": 0, "name": "Automatik"}, {"id": 1, "name": "Stoßlüften"}],
        },
        devices=[device],
    )


def air_conditioner(world: World, name: str, place: Place) -> Control:
    """An air conditioner that runs when somebody is in a warm room."""
    room = world.rooms[place[0] or ""]

    def runs() -> bool:
        return bool(room.awake) and room.temperature > room.cool_above - 0.5

    return Control(
        name,
        "AcControl",
        *place,
        states={
            "jLocked": UNLOCKED,
            "status": on(runs),
            "mode": 3,
            "fan": Number(read=lambda: 3 if runs() else 1),
            "ventMode": 1,
            "targetTemperature": room.cool_above - 1,
            "temperature": Number(
                read=world.noisy(lambda: room.temperature, 0.02, 1), every=60, step=0.1
            ),
            "pauseUntil": 0,
            "pauseReason": Number(read=lambda: 2 if room.window_open else 0),
            "pauseTime": 1800,
            "operatingModes": to_json([{"id": 1, "name": "Auto"}, {"id": 3, "name": "Kühlen"}]),
            "fanspeeds": to_json([{"id": 1, "name": "Auto"}, {"id": 3, "name": "Střední"}]),
            "airflows": to_json([{"id": 1, "name": "Auto"}]),
            "override": "0",
            "silentMode": 0,
        },
        details={"jLockable": True, "connectedInputs": 0},
    )


class RunningTime:
    """A maintenance counter behind a machine.

    Attributes:
        total: Seconds that the machine has run.
        left: Seconds until maintenance is due; below 0 it is overdue.
        started: When the machine last started, in seconds since 2009.
    """

    def __init__(
        self,
        world: World,
        running: Callable[[], object],
        *,
        total: float,
        interval: float,
        left: float,
    ) -> None:
        """Connect it to a machine that has run for a while."""
        self._world = world
        self._running = running
        self.total = total
        self.interval = interval
        self.left = left
        self.started = world.clock.since_2009 - 3 * HOUR
        self.active = bool(running())

    def advance(self, seconds: float) -> None:
        """Count."""
        if self.active:
            self.total += seconds
            self.left -= seconds
        running = bool(self._running())
        if running and not self.active:
            self.started = self._world.clock.since_2009
        self.active = running


def hour_counter(
    world: World,
    name: str,
    place: Place,
    running: Callable[[], object],
    *,
    hours: float,
    interval: float,
    due_in: float,
) -> Control:
    """A maintenance counter.

    Args:
        world: Where the machine is.
        name: As in the app.
        place: Room and category.
        running: Whether the machine runs.
        hours: How long it has run so far.
        interval: The hours between two services.
        due_in: The hours left until the next one; below 0 it is overdue.
    """
    device = RunningTime(
        world, running, total=hours * HOUR, interval=interval * HOUR, left=due_in * HOUR
    )
    return Control(
        name,
        "Hourcounter",
        *place,
        states={
            "total": Number(read=lambda: round(device.total), every=10),
            "remaining": Number(read=lambda: max(0, round(device.left)), every=10),
            "lastActivation": Number(read=lambda: device.started),
            "overdue": on(lambda: device.left <= 0),
            "maintenanceInterval": device.interval,
            "stateUnit": 2,
            "active": on(lambda: device.active),
            "overdueSince": Number(read=lambda: max(0, -round(device.left)), every=10),
        },
        devices=[device],
    )
