"""Buttons, music, alarm clocks, garden and sauna of the demo house."""

from __future__ import annotations

from attrs import frozen

from loxone_exporter.simulator.demo.blueprint import Control, Described, Number
from loxone_exporter.simulator.demo.clock import HOUR, LOXONE_EPOCH, MINUTE
from loxone_exporter.simulator.demo.kit import UNLOCKED, Log, Place, on, to_json, tracker
from loxone_exporter.simulator.demo.world import World


class Button:
    """A push button that somebody in a room presses now and then.

    Attributes:
        pressed: Whether it is down: from one step of time to the next.
    """

    def __init__(self, world: World, room: str, per_hour: float) -> None:
        """Mount it.

        Args:
            world: Where the people are.
            room: Who is there may press it; an empty name stands for the whole house.
            per_hour: How often that happens, while somebody is there.
        """
        self._world = world
        self._room = room
        self._per_hour = per_hour
        self.pressed = False

    def advance(self, seconds: float) -> None:
        """Press or let go."""
        people = self._world.people
        somebody = people.awake.get(self._room, 0) if self._room else len(people.awake)
        self.pressed = (
            not self.pressed
            and bool(somebody)
            and self._world.happens(seconds, per_hour=self._per_hour)
        )


def pushbutton_states(button: Button) -> dict[str, Described]:
    """The states of a push button."""
    return {"active": on(lambda: button.pressed)}


def pushbutton(
    world: World, name: str, place: Place, *, per_hour: float = 3.0, twin: str = ""
) -> Control:
    """A push button: 1 for a moment, then 0 again."""
    room = place[0] or ""
    device = Button(world, room if room in world.rooms.all else "", per_hour)
    return Control(
        name,
        "Pushbutton",
        *place,
        states=pushbutton_states(device),
        details={"jLockable": False, "type": 71},
        devices=[device],
        twin=twin,
    )


class StairLight:
    """A light that goes off by itself.

    Attributes:
        left: Seconds until it goes off; 0 is off.
    """

    total = 180.0

    def __init__(self, world: World, room: str) -> None:
        """Mount it."""
        self._world = world
        self._room = room
        self.left = 0.0

    def advance(self, seconds: float) -> None:
        """Count down; whoever passes starts it again, if it is dark."""
        self.left = max(0.0, self.left - seconds)
        if not self.left and self._world.weather.now.dark:
            somebody = self._world.people.awake.get(self._room, 0)
            self.left = self.total if somebody else 0.0


def stair_light(world: World, name: str, place: Place) -> Control:
    """A stairwell switch that counts down."""
    device = StairLight(world, place[0] or "")
    return Control(
        name,
        "TimedSwitch",
        *place,
        states={
            "jLocked": UNLOCKED,
            "deactivationDelay": Number(read=lambda: round(device.left)),
            "deactivationDelayTotal": device.total,
        },
        details={"jLockable": True, "isStairwayLs": True},
        devices=[device],
    )


class Music:
    """The music of a zone: it plays while somebody listens.

    Attributes:
        playing: Whether it plays.
        volume: Percent.
    """

    def __init__(self, world: World, room: str) -> None:
        """Mount the speakers."""
        self._world = world
        self._room = room
        self._pause = 0.0
        self.playing = False
        self.volume = 18.0

    def advance(self, seconds: float) -> None:
        """Start, stop, turn the volume."""
        world = self._world
        self._pause -= seconds
        listeners = world.people.awake.get(self._room, 0)
        if self._pause <= 0:
            self._pause = world.chance.uniform(4 * MINUTE, 20 * MINUTE)
            self.playing = bool(listeners) and world.chance.random() < _LIKES_MUSIC
        if self.playing and world.happens(seconds, per_hour=12):
            self.volume = float(world.chance.randrange(8, 42, 2))


_LIKES_MUSIC = 0.7


def audio_zone(world: World, name: str, place: Place) -> Control:
    """A zone of the audio server."""
    device = Music(world, place[0] or "")
    return Control(
        name,
        "AudioZoneV2",
        *place,
        states={
            "jLocked": UNLOCKED,
            "serverState": 2,
            "playState": Number(read=lambda: 2 if device.playing else 0),
            "clientState": 2,
            "power": on(lambda: device.playing),
            "volume": Number(read=lambda: device.volume),
            "maxVolume": 80,
            "volumeStep": 2,
            "defaultVolume": 18,
            "alarmVolume": 30,
            "bellVolume": 40,
            "buzzerVolume": 25,
            "ttsVolume": 35,
            "isLocked": 0,
            "bluetooth": 0,
        },
        details={"jLockable": True, "playerid": 4, "clientType": 1},
        devices=[device],
    )


def alarm_clock(world: World, name: str, place: Place, *, hour: float) -> Control:
    """An alarm clock that rings at the same hour every day, for five minutes."""
    clock = world.clock
    ring = 5 * MINUTE

    def rings() -> bool:
        return clock.between(hour, hour + ring / HOUR)

    entries = {
        "1": {"name": "Všední den", "isActive": True, "alarmTime": hour * HOUR, "modes": [3, 4, 5]}
    }
    return Control(
        name,
        "AlarmClock",
        *place,
        states={
            "jLocked": UNLOCKED,
            "isEnabled": 1,
            "isAlarmActive": on(rings),
            "confirmationNeeded": 0,
            "entryList": to_json(entries),
            "currentEntry": Number(read=lambda: 1 if rings() else -1),
            "nextEntry": 1,
            "nextEntryMode": Number(read=lambda: clock.operating_mode),
            "nextEntryTime": Number(
                read=lambda: round(clock.next_at(hour) / MINUTE) * MINUTE - LOXONE_EPOCH
            ),
            "ringingTime": 0,
            "ringDuration": ring,
            "prepareDuration": 900,
            "snoozeTime": 0,
            "snoozeDuration": 480,
            "deviceState": 0,
            "deviceSettings": to_json({"beepUsed": True, "brightInactive": 5, "brightActive": 60}),
            "wakeAlarmSoundSettings": to_json({"sound": 2, "volume": 30, "isSloping": True}),
        },
        details={"jLockable": True, "hasNightLight": False},
    )


@frozen
class Zone:
    """One zone of the irrigation: its name, minutes of water, and litres per hour."""

    name: str
    minutes: float
    flow: float


class Sprinklers:
    """The irrigation: one zone after the other, early in the morning of dry, warm days.

    Attributes:
        zone: Which zone is on; -1 is none.
        flow: Litres per hour.
        rain_seconds: How long it has rained today.
    """

    starts = 5.0

    def __init__(self, world: World, zones: tuple[Zone, ...]) -> None:
        """Lay the pipes."""
        self._world = world
        self._zones = zones
        self._day = world.clock.day
        self.zone = -1
        self.rain_seconds = 0.0
        self.log = Log(world.clock, "Zahrada: start")
        world.energy.extra_water.append(lambda: self.flow)

    def advance(self, seconds: float) -> None:
        """Open and close the valves."""
        if self._world.weather.now.rain:
            self.rain_seconds += seconds
        if self._world.clock.day != self._day:
            self._day = self._world.clock.day
            self.rain_seconds = 0.0
        zone = self._due()
        if zone != self.zone and zone >= 0:
            self.log.add(f"Zahrada: {self._zones[zone].name}")
        self.zone = zone

    @property
    def flow(self) -> float:
        """What it draws, in litres per hour."""
        return self._zones[self.zone].flow if self.zone >= 0 else 0.0

    def _due(self) -> int:
        weather = self._world.weather
        if weather.average < _GROWING or weather.now.rain:
            return -1
        minutes = (self._world.clock.hour - self.starts) * 60
        for place, zone in enumerate(self._zones):
            if 0 <= minutes < zone.minutes:
                return place
            minutes -= zone.minutes
        return -1


_GROWING = 11.0


def irrigation(world: World, name: str, place: Place, *zones: Zone) -> Control:
    """The irrigation of the garden."""
    device = Sprinklers(world, zones)
    listed = [
        {"id": n, "name": zone.name, "duration": zone.minutes * MINUTE, "setByLogic": False}
        for n, zone in enumerate(zones)
    ]
    return Control(
        name,
        "Irrigation",
        *place,
        states={
            "jLocked": UNLOCKED,
            "rainActive": on(lambda: world.weather.now.rain),
            "expectedPrecipitation": Number(
                read=lambda: round(world.weather.at(world.clock.unix + 6 * HOUR).rain * 4, 1),
                every=900,
            ),
            "maxExpectedPrecipitation": 4,
            "currentZone": Number(read=lambda: device.zone),
            "zones": to_json(listed),
            "rainTime": Number(read=lambda: round(device.rain_seconds), every=60),
        },
        details={"jLockable": True, "isSecured": False},
        subcontrols=[("activities", tracker("activities", (None, None), device.log))],
        devices=[device],
    )


class SaunaOven:
    """The sauna: on some evenings of the week.

    Attributes:
        active: Whether it is in use.
        heating: Whether its oven is on.
        temperature: Of the air under the ceiling, in °C.
        left: Seconds until it switches itself off.
    """

    target = 82.0
    watts = 7_500.0
    hours = (19.0, 21.5)

    def __init__(self, world: World, room: str) -> None:
        """Build it."""
        self._world = world
        self._room = world.rooms[room]
        self.active = False
        self.heating = False
        self.temperature = self._room.temperature
        self.left = 0.0
        world.energy.extra_loads[self._room.plan.floor].append(
            lambda: self.watts if self.heating else 0.0
        )

    def advance(self, seconds: float) -> None:
        """Heat up, hold, cool down."""
        clock = self._world.clock
        self.active = clock.weekday in _SAUNA_DAYS and clock.between(*self.hours)
        self.left = (self.hours[1] - clock.hour) * HOUR if self.active else 0.0
        warm = self.target + (1.0 if self.heating else -1.0)
        self.heating = self.active and self.temperature < warm
        hours = seconds / HOUR
        loss = (self.temperature - self._room.temperature) * min(1.0, 0.9 * hours)
        self.temperature += (150.0 * hours if self.heating else 0.0) - loss


_SAUNA_DAYS = (2, 5, 6)


def sauna(world: World, name: str, place: Place) -> Control:
    """A sauna with evaporator."""
    device = SaunaOven(world, place[0] or "")
    room = world.rooms[place[0] or ""]
    return Control(
        name,
        "Sauna",
        *place,
        states={
            "active": on(lambda: device.active),
            "power": on(lambda: device.heating),
            "tempActual": Number(read=world.noisy(lambda: device.temperature, 0.05, 1), every=15),
            "tempBench": Number(
                read=world.noisy(lambda: 0.7 * device.temperature + 6, 0.05, 1), every=15
            ),
            "tempTarget": device.target,
            "fan": on(lambda: device.active),
            "drying": 0,
            "doorClosed": 1,
            "presence": on(lambda: device.active and room.awake),
            "error": 0,
            "saunaError": 0,
            "timer": Number(read=lambda: round(device.left), every=1),
            "timerTotal": (device.hours[1] - device.hours[0]) * HOUR,
            "lessWater": 0,
            "humidityActual": Number(
                read=world.noisy(lambda: 12.0 if device.active else room.humidity, 0.2, 1), every=30
            ),
            "humidityTarget": 15,
            "mode": Number(read=lambda: 3 if device.active else 0),
            "vaporPower": 0,
            "tempAndHumidity": 0,
        },
        details={"hasVaporizer": True, "hasDoorSensor": True},
        devices=[device],
    )
