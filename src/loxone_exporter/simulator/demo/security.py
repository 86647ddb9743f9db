"""What watches over the demo house: presence, alarms, the door, windows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from loxone_exporter.simulator.demo.blueprint import Control, Number, Text
from loxone_exporter.simulator.demo.clock import HOUR
from loxone_exporter.simulator.demo.comfort import Button, pushbutton_states
from loxone_exporter.simulator.demo.kit import UNLOCKED, Log, Place, on, to_json, tracker
from loxone_exporter.simulator.demo.world import World


class Motion:
    """A motion detector: active while somebody is there, and a little longer.

    Attributes:
        active: Whether it sees somebody.
        since: When that began, in seconds since 2009.
        log: What its tracker shows.
    """

    def __init__(self, world: World, room: str, hold: float) -> None:
        """Mount it in a room."""
        self._world = world
        self._room = room
        self._left = 0.0
        self.hold = hold
        self.active = False
        self.since = world.clock.since_2009
        self.log = Log(world.clock, "Start: Bewegungsmelder")

    def advance(self, seconds: float) -> None:
        """Look."""
        self._left -= seconds
        if self._world.people.awake.get(self._room, 0):
            self._left = self.hold
        active = self._left > 0
        if active and not self.active:
            self.since = self._world.clock.since_2009
            self.log.add(f"Bewegung: {self._room}")
        self.active = active


def presence_detector(world: World, name: str, place: Place, *, hold: float = 120.0) -> Control:
    """A presence detector with its tracker; `hold` is its overrun time in seconds."""
    device = Motion(world, place[0] or "", hold)
    return Control(
        name,
        "PresenceDetector",
        *place,
        states={
            "jLocked": UNLOCKED,
            "active": on(lambda: device.active),
            "locked": 0,
            "events": 0,
            "time": hold,
            "activeSince": Number(read=lambda: device.since),
            "infoText": "",
        },
        details={"jLockable": True, "parameterConnections": 0},
        subcontrols=[("sensors", tracker("sensors", (None, None), device.log))],
        devices=[device],
    )


class Watch:
    """The burglar alarm: armed when nobody is at home, and at night without the motion detectors.

    Attributes:
        armed: Whether it watches.
        countdown: Seconds until it will be armed.
        armed_at: When that will be, in Unix seconds; 0 when it is armed or off.
    """

    delay = 30.0

    def __init__(self, world: World) -> None:
        """Connect it to doors and detectors."""
        self._world = world
        self.countdown = 0.0
        self.armed_at = 0.0
        self.armed = self._wanted()
        self.log = Log(world.clock, "Central: system start")

    def advance(self, seconds: float) -> None:
        """Arm or disarm."""
        wanted = self._wanted()
        if not wanted:
            self.armed, self.countdown, self.armed_at = False, 0.0, 0.0
        elif not self.armed:
            if not self.armed_at:
                self.armed_at = round(self._world.clock.unix) + self.delay
                self.countdown = self.delay
            self.countdown = max(0.0, self.countdown - seconds)
            if not self.countdown:
                self.armed, self.armed_at = True, 0.0
                self.log.add("Central: Scharf")

    @property
    def at_night(self) -> bool:
        """Whether people sleep inside, so that motion is no alarm."""
        return self._world.people.all_asleep

    def _wanted(self) -> bool:
        return not self._world.people.at_home or self.at_night


def alarm(world: World, name: str, place: Place) -> Control:
    """The burglar alarm; its state `sensors` is the same as its tracker's `entries`."""
    device = Watch(world)
    entries = Text(read=device.log.text, every=2.0)
    return Control(
        name,
        "Alarm",
        *place,
        states={
            "jLocked": UNLOCKED,
            "armed": on(lambda: device.armed),
            "disabledMove": on(lambda: device.at_night),
            "level": 0,
            "nextLevel": 1,
            "nextLevelAt": 0,
            "nextLevelDelay": 0,
            "nextLevelDelayTotal": 20,
            "armedAt": Number(read=lambda: device.armed_at),
            "armedDelay": Number(read=lambda: round(device.countdown)),
            "armedDelayTotal": device.delay,
            "sensors": entries,
            "startTime": "",
            "events": 0,
        },
        details={"jLockable": True, "alert": True, "presenceConnected": False},
        subcontrols=[("sensors", tracker("sensors", (None, None), entries))],
        devices=[device],
    )


def smoke_alarm(world: World, name: str, place: Place) -> Control:
    """Smoke and water alarm, which has never had anything to report."""
    entries = Text(read=Log(world.clock, "Garage: test").text, every=60.0)
    return Control(
        name,
        "SmokeAlarm",
        *place,
        states={
            "jLocked": UNLOCKED,
            "level": 0,
            "nextLevel": 1,
            "nextLevelDelay": 0,
            "nextLevelDelayTotal": 15,
            "acousticAlarm": 0,
            "testAlarm": 0,
            "alarmCause": 0,
            "startTime": "",
            "timeServiceMode": 0,
            "areAlarmSignalsOff": 0,
            "sensors": entries,
        },
        details={"jLockable": True, "hasAcousticAlarm": True, "availableAlarms": 3},
        subcontrols=[("sensors", tracker("sensors", (None, None), entries))],
    )


class Doorbell:
    """Somebody rings a few times a day, for a moment.

    Attributes:
        ringing: Whether it rings.
        rings: The wall times of the last rings, latest first.
    """

    def __init__(self, world: World, per_hour: float) -> None:
        """Mount it at the door."""
        self._world = world
        self._per_hour = per_hour
        self.ringing = False
        self.rings: list[str] = []

    def advance(self, seconds: float) -> None:
        """Ring, or fall silent."""
        if self.ringing:
            self.ringing = False
        elif self._world.clock.between(8, 21) and self._world.happens(
            seconds, per_hour=self._per_hour
        ):
            self.ringing = True
            self.rings = [f"{self._world.clock.local:%Y%m%d%H%M%S}", *self.rings][:8]


def intercom(world: World, name: str, place: Place) -> Control:
    """The door station, with two buttons of its own."""
    bell = Doorbell(world, per_hour=0.8)
    light = Button(world, "Hallway", per_hour=0.6)
    opener = Button(world, "Hallway", per_hour=1.0)
    return Control(
        name,
        "Intercom",
        *place,
        states={
            "jLocked": UNLOCKED,
            "bell": on(lambda: bell.ringing),
            "lastBellEvents": Text(read=lambda: "|".join(bell.rings)),
            "lastBellTimestamp": Text(read=lambda: bell.rings[0] if bell.rings else ""),
            "version": "2.4.1.7",
        },
        details={
            "jLockable": True,
            "deviceType": 0,
            "lastBellEventImages": False,
            "videoInfo": {},
            "audioInfo": {},
            "outputs": [{"id": 0, "name": "Türöffner"}, {"id": 1, "name": "Licht"}],
        },
        more={"securedDetails": True},
        subcontrols=[
            ("1", Control("Türöffner", "Pushbutton", states=pushbutton_states(opener))),
            ("2", Control("Licht", "Pushbutton", states=pushbutton_states(light))),
        ],
        devices=[bell, opener, light],
    )


class Keypad:
    """The keypad beside the door; somebody uses it when people come home.

    Attributes:
        used: When it was last used, in Unix milliseconds; 0 is never.
        count: How often it was used.
    """

    def __init__(self, world: World) -> None:
        """Mount it."""
        self._world = world
        self._at_home = world.people.at_home
        self.used = 0.0
        self.count = 0

    def advance(self, seconds: float) -> None:
        """See who comes."""
        del seconds
        at_home = self._world.people.at_home
        if at_home > self._at_home:
            self.used = round(self._world.clock.unix) * 1000.0
            self.count += 1
        self._at_home = at_home

    def last(self, secret: str) -> str:
        """A made-up secret or person, different for each use."""
        return f"{secret} {self.count}" if self.count else ""


def keypad(world: World, name: str, place: Place) -> Control:
    """A keypad with NFC. It knows secrets and persons, none of which may ever become a metric."""
    device = Keypad(world)
    return Control(
        name,
        "NfcCodeTouch",
        *place,
        states={
            "jLocked": UNLOCKED,
            "historyDate": Number(read=lambda: device.used),
            "codeDate": round(world.clock.unix - 40 * 24 * HOUR) * 1000,
            "deviceState": 0,
            "nfcLearnResult": to_json({"id": "04 DE 30 5E C2 E7 00", "name": "demo tag"}),
            "keyPadAuthType": 1,
            "events": Number(read=lambda: device.count),
            "lastid": Text(read=lambda: device.last("demo id")),
            "lastuser": Text(read=lambda: device.last("demo user")),
            "lasttag": Text(read=lambda: device.last("demo tag")),
            "lastcode": Text(read=lambda: device.last("demo code")),
        },
        details={"jLockable": True, "accessOutputs": {"1": "Haustür"}, "place": "Vchod"},
        devices=[device],
    )


def window_monitor(name: str, place: Place, windows: Sequence[Control]) -> Control:
    """All window contacts in one: 1 closed, 4 open (control catalog, WindowMonitor)."""
    contacts = [state for window in windows for _, state in window.named_states()]

    def opened() -> list[bool]:
        return [isinstance(state, Number) and bool(state.read()) for state in contacts]

    return Control(
        name,
        "WindowMonitor",
        *place,
        states={
            "numOpen": Number(read=lambda: sum(opened())),
            "numClosed": Number(read=lambda: len(contacts) - sum(opened())),
            "numTilted": 0,
            "numOffline": 0,
            "numLocked": 0,
            "numUnlocked": 0,
            "windowStates": Text(
                read=lambda: ",".join("4" if is_open else "1" for is_open in opened())
            ),
        },
        details={
            "jLockable": False,
            "windows": [
                {"name": window.name, "installPlace": "", "uuid": window, "room": window.room}
                for window in windows
            ],
        },
    )


def status_monitor(
    name: str, place: Place, inputs: Sequence[tuple[str, Callable[[], object]]]
) -> Control:
    """How many of some inputs are fine: status 0 is fine, 1 is not; 255 is not connected."""

    def bad() -> list[bool]:
        return [bool(read()) for _, read in inputs]

    return Control(
        name,
        "StatusMonitor",
        *place,
        states={
            "numState0": Number(read=lambda: len(inputs) - sum(bad())),
            "numState1": Number(read=lambda: sum(bad())),
            "numDef": 0,
            "inputStates": Text(
                read=lambda: ",".join([*("1" if wrong else "0" for wrong in bad()), "255"])
            ),
        },
        details={
            "status": [
                {"id": 0, "name": "V pořádku", "color": "#69C350"},
                {"id": 1, "name": "Störung", "color": "#E73246"},
            ],
            "inputs": [{"name": label, "installPlace": ""} for label, _ in inputs],
        },
    )


def mail_box(world: World, name: str, place: Place) -> Control:
    """A parcel box: the post comes before noon and is taken in the afternoon."""
    clock = world.clock
    return Control(
        name,
        "MailBox",
        *place,
        states={
            "jLocked": UNLOCKED,
            "notificationsDisabledInput": 0,
            "packetReceived": on(lambda: clock.weekday % 2 == 0 and clock.between(11.2, 17.1)),
            "mailReceived": on(lambda: not clock.weekend and clock.between(10.4, 17.1)),
            "disableEndTime": 0,
        },
        details={"jLockable": True},
        subcontrols=[("tracker", tracker("Einwürfe", (None, None), Log(clock, "Paketbox bereit")))],
    )
