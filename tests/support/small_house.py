"""A house small enough to be compared as a whole."""

from __future__ import annotations

from loxone_exporter.loxone.tables import Daytimer, DaytimerEntry, Weather, WeatherEntry
from loxone_exporter.loxone.uuids import StateUuid, parse_uuid
from loxone_exporter.simulator.house import Changes, House


TEMPERATURE = parse_uuid("0f86a2fe-0378-3e08-ffffb2d4efc8b5b6")
SWITCH = parse_uuid("0f869a64-0200-0a9b-ffffd4c75dbaf53c")
COLOR = parse_uuid("158f5d9a-00b0-54fe-ffff8626c2663bec")
NOTE = parse_uuid("158f5b29-0090-2f3c-ffff3ce43fa9aec5")
SCHEDULE = parse_uuid("aaaaaaaa-bbbb-cccc-dddddddddddddddd")
FORECAST = parse_uuid("11111111-2222-3333-4444444444444444")


class SmallHouse(House):
    """Two numbers, two texts, one schedule and one report; the temperature rises each second."""

    def __init__(self) -> None:
        self.structure = '{"lastModified": "2026-05-25 18:00:00", "Küche": 1}'.encode()
        self.last_modified = "2026-05-25 18:00:00"
        self.values = {TEMPERATURE: 21.5, SWITCH: 1.0}
        self.texts: dict[StateUuid, str] = {COLOR: "hsv(42,76,77)", NOTE: ""}
        self.daytimers = [Daytimer(SCHEDULE, 18.0, (DaytimerEntry(1, 360, 480, 0, 22.0),))]
        self.weather = [
            Weather(
                FORECAST,
                600000000,
                (WeatherEntry(1000, 1, 180, 500, 65, 22.5, 21.0, 15.0, 0.0, 5.5, 1013.25),),
            )
        ]

    def advance(self, seconds: float) -> Changes:
        self.values[TEMPERATURE] += seconds
        return Changes({TEMPERATURE: self.values[TEMPERATURE]}, {})
