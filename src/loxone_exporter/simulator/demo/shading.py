"""Everything that a motor moves in the demo house: blinds, an awning, a roof window, gates."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from loxone_exporter.simulator.demo.blueprint import Control, Number, Text
from loxone_exporter.simulator.demo.clock import MINUTE
from loxone_exporter.simulator.demo.kit import UNLOCKED, Place, on
from loxone_exporter.simulator.demo.weather import facing
from loxone_exporter.simulator.demo.world import World


class Motor:
    """Something that moves between 0 and 1, and takes its time.

    Attributes:
        position: Where it is.
        target: Where it wants to be.
        direction: 1 towards 1, -1 towards 0, 0 at rest.
    """

    def __init__(self, seconds: float, position: float = 0.0) -> None:
        """Mount it.

        Args:
            seconds: How long the whole way takes.
            position: Where it is at first.
        """
        self._speed = 1 / seconds
        self.position = self.target = position
        self.direction = 0

    def advance(self, seconds: float) -> None:
        """Move on."""
        way = self.target - self.position
        reach = self._speed * seconds
        if abs(way) <= reach:
            self.position = self.target
            self.direction = 0
        else:
            self.direction = 1 if way > 0 else -1
            self.position += self.direction * reach


class Blind:
    """A blind with slats that keeps out the sun by day and the looks by night.

    Attributes:
        motor: 0 is up, 1 is down.
        slats: 0 horizontal to 1 vertical.
        automatic: Whether the sun moves it just now.
        safe: Whether a storm holds it up.
    """

    def __init__(self, world: World, room: str, azimuth: float, *, at_night: bool) -> None:
        """Hang it.

        Args:
            world: Where the sun shines.
            room: Which room it shades.
            azimuth: Which way its window faces, in degrees.
            at_night: Whether it comes down in the evening.
        """
        self._world = world
        self._room = world.rooms[room]
        self._azimuth = azimuth
        self._at_night = at_night
        self._decide = 0.0
        self.motor = Motor(seconds=32)
        self.slats = 0.0
        self.slats_target = 0.0
        self.automatic = False
        self.safe = False
        self._choose()
        self.motor.position = self.motor.target

    def advance(self, seconds: float) -> None:
        """Decide once in a while, and move."""
        self._decide -= seconds
        if self._decide <= 0:
            self._decide = self._world.chance.uniform(MINUTE, 3 * MINUTE)
            self._choose()
        self.motor.advance(seconds)
        if self.motor.direction:
            self.slats = 1.0 if self.motor.direction > 0 else 0.0
        else:
            self.slats = self.slats_target
        self._room.shade = 0.85 * self.motor.position

    @property
    def reason(self) -> str:
        """What holds it where it is, for people."""
        if self.safe:
            return "Sturmsicherung"
        return "Sonnenschutz" if self.automatic else ""

    def _choose(self) -> None:
        sky = self._world.weather.now
        self.safe = sky.wind > _STORM
        sun = facing(sky, self._azimuth)
        warm = self._room.temperature > _WARM
        self.automatic = sun > (_GLARE if self.automatic else 2 * _GLARE) and warm
        if self.safe:
            self._go(0.0, 0.0)
        elif self.automatic:
            self._go(0.8, 0.5)
        elif self._at_night and sky.elevation < _DUSK:
            self._go(1.0, 1.0)
        else:
            self._go(0.0, 0.0)

    def _go(self, position: float, slats: float) -> None:
        self.motor.target = position
        self.slats_target = slats


_STORM = 38.0
_GLARE = 110.0
_WARM = 21.8
_DUSK = -3.0


def blind(
    world: World,
    name: str,
    place: Place,
    *,
    room: str = "",
    azimuth: float,
    at_night: bool = True,
    twin: str = "",
) -> Control:
    """A blind in the app; `room` is the room that it shades, if it is listed elsewhere."""
    device = Blind(world, room or place[0] or "", azimuth, at_night=at_night)
    motor = device.motor
    return Control(
        name,
        "Jalousie",
        *place,
        states={
            "jLocked": UNLOCKED,
            "up": on(lambda: motor.direction < 0),
            "down": on(lambda: motor.direction > 0),
            "position": Number(read=lambda: round(motor.position, 4)),
            "shadePosition": Number(read=lambda: device.slats),
            "safetyActive": on(lambda: device.safe),
            "autoAllowed": 1,
            "autoActive": on(lambda: device.automatic),
            "locked": 0,
            "infoText": "",
            "autoInfoText": Text(read=lambda: device.reason),
            "autoState": Number(read=lambda: 1.0 if device.automatic else 0.0),
            "deviceState": 2,
            "targetPosition": Number(read=lambda: motor.target),
            "targetPositionLamelle": Number(read=lambda: device.slats_target),
            "adjustingEndPos": 0,
        },
        details={"jLockable": True, "isAutomatic": True, "animation": 0, "type": 348},
        devices=[device],
        twin=twin,
    )


class RoofWindow:
    """A roof window that opens when it is warm below and dry above."""

    def __init__(self, world: World, room: str) -> None:
        """Put it into the roof over a room."""
        self._world = world
        self._room = world.rooms[room]
        self.motor = Motor(seconds=45)

    def advance(self, seconds: float) -> None:
        """Decide, and move."""
        sky = self._world.weather.now
        warm = self._room.temperature > (_WARM if self.motor.target else _HOT)
        self.motor.target = 0.6 if warm and not sky.rain and sky.wind < _STORM else 0.0
        self.motor.advance(seconds)


_HOT = 23.5


def roof_window(world: World, name: str, place: Place) -> Control:
    """A window with a motor: 1 is open (control catalog, Window)."""
    device = RoofWindow(world, place[0] or "")
    motor = device.motor
    return Control(
        name,
        "Window",
        *place,
        states={
            "jLocked": UNLOCKED,
            "position": Number(read=lambda: round(motor.position, 4)),
            "targetPosition": Number(read=lambda: motor.target),
            "direction": Number(read=lambda: motor.direction),
            "lockedReason": Text(
                read=lambda: "Regen" if world.weather.now.rain else "", every=20.0
            ),
            "type": 1,
        },
        details={"jLockable": True, "type": 1},
        devices=[device],
    )


class Gate:
    """A gate that opens for somebody who passes, and closes behind them."""

    def __init__(self, world: World, seconds: float, trigger: Callable[[], object]) -> None:
        """Hang it.

        Args:
            world: Where the people are.
            seconds: How long it takes to open.
            trigger: When what it returns changes, somebody passes the gate.
        """
        self._world = world
        self._trigger = trigger
        self._seen = trigger()
        self._open = 0.0
        self.motor = Motor(seconds)

    def advance(self, seconds: float) -> None:
        """See who comes, and move."""
        now = self._trigger()
        if now != self._seen:
            self._seen = now
            self._open = self._world.chance.uniform(40, 90)
        self._open -= seconds
        self.motor.target = 1.0 if self._open > 0 else 0.0
        self.motor.advance(seconds)


def gate(
    world: World, name: str, place: Place, *, seconds: float, trigger: Callable[[], object]
) -> Control:
    """A gate or garage door: 1 is open (control catalog, Gate)."""
    device = Gate(world, seconds, trigger)
    motor = device.motor
    return Control(
        name,
        "Gate",
        *place,
        states={
            "jLocked": UNLOCKED,
            "position": Number(read=lambda: round(motor.position, 4)),
            "active": Number(read=lambda: motor.direction),
            "preventOpen": 0,
            "preventClose": 0,
        },
        details={"jLockable": True, "animation": 0},
        more={"isSecured": True},
        devices=[device],
    )


def central(
    name: str, kind: str, place: Place, members: Sequence[Control], *, with_states: bool = True
) -> Control:
    """A central control over others; those of old firmware had no states."""
    return Control(
        name,
        kind,
        *place,
        states={"events": 0} if with_states else {},
        details={
            "controls": [{"id": number, "uuid": control} for number, control in enumerate(members)]
        },
    )
