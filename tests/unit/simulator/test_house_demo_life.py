from __future__ import annotations

import datetime as dt
import json
import math
from collections import Counter
from itertools import pairwise

import pytest
from attrs import define, field

from loxone_exporter.loxone.uuids import StateUuid, parse_uuid
from loxone_exporter.simulator.demo import DemoHouse


ZONE = dt.timezone(dt.timedelta(hours=1))
WINTER = dt.datetime(2026, 1, 21, 0, 0, tzinfo=ZONE)
SUMMER = dt.datetime(2026, 7, 18, 0, 0, tzinfo=ZONE)
STEP = 60.0
DAY_STEPS = 1440

SUPPLY = ("PV-Anlage", "Netz", "Hausspeicher")
PERIODS = ("Day", "Week", "Month", "Year")
CONSUMERS = ("Wärmepumpe", "Erdgeschoß", "Patro", "Garten & Garage", "Wallbox")


class SwitchingZone(dt.tzinfo):
    """A zone that switches to summer time at 01:00 UTC on 2026-03-29."""

    def utcoffset(self, local: dt.datetime | None) -> dt.timedelta:
        summer = local is not None and local.replace(tzinfo=None) >= dt.datetime(2026, 3, 29, 2)  # noqa: DTZ001  # wall time
        return dt.timedelta(hours=2 if summer else 1)

    def dst(self, local: dt.datetime | None) -> dt.timedelta:
        return self.utcoffset(local) - dt.timedelta(hours=1)

    def tzname(self, local: dt.datetime | None) -> str:
        return f"{self.utcoffset(local)}"


class States:
    """The states of a demo house by type and name of their control, as a client sees them."""

    def __init__(self, house: DemoHouse) -> None:
        self._house = house
        self._uuids: dict[tuple[str, str, str], StateUuid] = {}
        self._of_type: dict[tuple[str, str], list[StateUuid]] = {}
        for control in json.loads(house.structure)["controls"].values():
            for state, uuid in control.get("states", {}).items():
                if isinstance(uuid, str):
                    parsed = parse_uuid(uuid)
                    self._uuids[control["type"], control["name"], state] = parsed
                    self._of_type.setdefault((control["type"], state), []).append(parsed)

    def uuid(self, control_type: str, name: str, state: str) -> StateUuid:
        return self._uuids[control_type, name, state]

    def value(self, control_type: str, name: str, state: str) -> float:
        return self._house.values[self.uuid(control_type, name, state)]

    def of_type(self, control_type: str, state: str) -> list[StateUuid]:
        return self._of_type[control_type, state]

    def meter(self, name: str, state: str = "actual") -> float:
        return self.value("Wallbox2" if name == "Wallbox" else "Meter", name, state)


@define
class Day:
    """What a day in the house has shown."""

    house: DemoHouse
    states: States
    seen: dict[StateUuid, list[float]]
    events: int = 0
    imbalances: list[float] = field(factory=list)


@pytest.fixture(scope="module", params=[WINTER, SUMMER], ids=["winter", "summer"])
def day(request: pytest.FixtureRequest) -> Day:
    house = DemoHouse(now=request.param)
    states = States(house)
    day = Day(house, states, {uuid: [value] for uuid, value in house.values.items()})
    for _ in range(DAY_STEPS):
        changes = house.advance(STEP)
        day.events += len(changes.values) + len(changes.texts)
        for uuid, history in day.seen.items():
            history.append(house.values[uuid])
        supply = sum(states.meter(name) for name in SUPPLY)
        consumption = sum(states.meter(name) for name in CONSUMERS)
        day.imbalances.append(abs(supply - consumption))
    return day


def test_supply_and_consumption_balance_at_each_step(day: Day) -> None:
    assert DAY_STEPS == len(day.imbalances)
    assert max(day.imbalances) < 1e-9


def test_all_that_show_a_power_agree(day: Day) -> None:
    states, seen = day.states, day.seen

    def history(control_type: str, name: str, state: str) -> list[float]:
        return seen[states.uuid(control_type, name, state)]

    for name, flow, fronius in (
        ("PV-Anlage", "Ppwr", "prodCurr"),
        ("Netz", "Gpwr", "gridCurr"),
        ("Hausspeicher", "Spwr", "batteryCurr"),
    ):
        meter = history("Meter", name, "actual")
        assert meter == history("EFM", "Energiefluss", flow)
        assert meter == history("EnergyManager2", "Energiemanager", flow)
        assert meter == history("Fronius", "Wechselrichter", fronius)


def test_signs_are_those_of_the_catalog(day: Day) -> None:
    states, seen = day.states, day.seen
    production = seen[states.uuid("Meter", "PV-Anlage", "actual")]
    grid = seen[states.uuid("Meter", "Netz", "actual")]
    storage = seen[states.uuid("Meter", "Hausspeicher", "actual")]

    assert min(production) == 0
    assert max(production) > 0.3
    assert max(grid) > 0
    assert min(storage) < 0 < max(storage)
    charge = seen[states.uuid("Meter", "Hausspeicher", "storage")]
    charging = [
        after > before
        for power, (before, after) in zip(storage, pairwise(charge), strict=False)
        if power < -1
    ]
    assert charging
    assert sum(charging) > 0.9 * len(charging)


@pytest.mark.parametrize("name", [*SUPPLY, *CONSUMERS])
def test_totals_are_the_integral_of_the_power(day: Day, name: str) -> None:
    control_type = "Wallbox2" if name == "Wallbox" else "Meter"
    powers = day.seen[day.states.uuid(control_type, name, "actual")][:-1]
    forward = sum(max(power, 0.0) for power in powers) * STEP / 3600
    backward = sum(max(-power, 0.0) for power in powers) * STEP / 3600

    total = day.seen[day.states.uuid(control_type, name, "total")]
    assert total[-1] - total[0] == pytest.approx(forward, rel=1e-3, abs=1e-6)
    if name in {"Netz", "Hausspeicher"}:
        negative = day.seen[day.states.uuid("Meter", name, "totalNeg")]
        assert negative[-1] - negative[0] == pytest.approx(backward, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize(
    ("control_type", "state"),
    [
        ("Meter", "total"),
        ("Meter", "totalNeg"),
        ("Wallbox2", "total"),
        ("Hourcounter", "total"),
        ("Fronius", "prodTotal"),
    ],
)
def test_counters_never_fall(day: Day, control_type: str, state: str) -> None:
    for uuid in day.states.of_type(control_type, state):
        history = day.seen[uuid]
        assert all(before <= after for before, after in pairwise(history))


def test_water_is_counted_in_the_units_of_the_meter(day: Day) -> None:
    litres_per_hour = day.seen[day.states.uuid("Meter", "Hauswasser", "actual")][:-1]
    total = day.seen[day.states.uuid("Meter", "Hauswasser", "total")]

    used = sum(litres_per_hour) * STEP / 3600 / 1000
    assert used > 0
    assert total[-1] - total[0] == pytest.approx(used, rel=1e-3)


def test_rooms_stay_habitable(day: Day) -> None:
    for control_type in ("IRoomController", "IRoomControllerV2"):
        for uuid in day.states.of_type(control_type, "tempActual"):
            assert 13 < min(day.seen[uuid])
            assert max(day.seen[uuid]) < 29
    for uuid in day.states.of_type("IRoomControllerV2", "co2"):
        assert max(day.seen[uuid]) < 2_500


def test_the_day_is_lit_by_the_sun(day: Day) -> None:
    light = day.seen[day.states.uuid("InfoOnlyAnalog", "Helligkeit", "value")]
    production = day.seen[day.states.uuid("Meter", "PV-Anlage", "actual")]

    assert light[60] < 100 < light[13 * 60]
    assert 0 == production[60] < production[13 * 60]


def test_all_numbers_are_finite(day: Day) -> None:
    assert all(math.isfinite(value) for history in day.seen.values() for value in history)


def test_much_happens_in_a_day(day: Day) -> None:
    changed = sum(len(set(history)) > 1 for history in day.seen.values())

    assert changed > 350
    for control_type, state in (
        ("Jalousie", "position"),
        ("IRoomControllerV2", "activeMode"),
        ("LightControllerV2", "activeMoodsNum"),
        ("PresenceDetector", "active"),
        ("Alarm", "armed"),
        ("Intercom", "bell"),
    ):
        histories = [day.seen[uuid] for uuid in day.states.of_type(control_type, state)]
        assert any(len(set(history)) > 1 for history in histories), control_type


def test_push_buttons_go_up_and_down_again() -> None:
    house = DemoHouse(now=WINTER.replace(hour=18))
    buttons = States(house).of_type("Pushbutton", "active")
    edges: Counter[tuple[float, float]] = Counter()
    longest = 0
    held = dict.fromkeys(buttons, 0)
    for _ in range(3600):
        before = [house.values[uuid] for uuid in buttons]
        house.advance(1.0)
        for uuid, old in zip(buttons, before, strict=True):
            new = house.values[uuid]
            held[uuid] = held[uuid] + 1 if new else 0
            longest = max(longest, held[uuid])
            if old != new:
                edges[old, new] += 1

    assert {(0.0, 1.0), (1.0, 0.0)} == set(edges)
    assert 1 == longest


def test_only_what_changed_is_reported() -> None:
    house = DemoHouse(now=SUMMER.replace(hour=9))
    for _ in range(300):
        values, texts = dict(house.values), dict(house.texts)
        changes = house.advance(1.0)
        assert changes.values == {
            uuid: value for uuid, value in house.values.items() if value != values[uuid]
        }
        assert changes.texts == {
            uuid: text for uuid, text in house.texts.items() if text != texts[uuid]
        }


def test_a_blind_takes_its_time() -> None:
    house = DemoHouse(now=WINTER.replace(hour=16, minute=30))
    blind = States(house).uuid("Jalousie", "Jalousie Büro", "position")
    moving = []
    for _ in range(3600):
        before = house.values[blind]
        house.advance(1.0)
        if house.values[blind] != before:
            moving.append(abs(house.values[blind] - before))

    assert 20 <= len(moving) <= 80
    assert max(moving) < 0.05


@pytest.mark.parametrize("hour", [3, 8, 13, 19])
def test_the_house_talks_as_much_as_a_real_one(hour: int) -> None:
    house = DemoHouse(now=WINTER.replace(hour=hour))
    events = 0
    for _ in range(600):
        changes = house.advance(1.0)
        events += len(changes.values) + len(changes.texts)

    assert 5 <= events / 600 <= 25


def test_the_same_seed_gives_the_same_house() -> None:
    one, two, other = (DemoHouse(now=SUMMER, seed=seed) for seed in (3, 3, 4))
    for _ in range(300):
        assert one.advance(1.0) == two.advance(1.0)
        other.advance(1.0)

    assert one.values == two.values
    assert one.texts == two.texts
    assert one.weather == two.weather
    assert one.values != other.values


def test_no_time_no_change() -> None:
    house = DemoHouse(now=SUMMER)

    changes = house.advance(0.0)

    assert not changes.values
    assert not changes.texts


def test_the_weather_is_renewed_and_the_clock_goes_on() -> None:
    house = DemoHouse(now=SUMMER.replace(hour=23, minute=50))
    before = house.weather[0].last_update
    mode = parse_uuid(json.loads(house.structure)["globalStates"]["operatingMode"])
    saturday = house.values[mode]

    house.advance(1800.0)

    assert 1800 == house.weather[0].last_update - before
    assert (8.0, 9.0) == (saturday, house.values[mode])


def test_the_inverter_counts_what_the_meters_count(day: Day) -> None:
    states = day.states
    consumed = states.value("Fronius", "Wechselrichter", "consTotal")
    supplied = (
        states.meter("PV-Anlage", "total")
        + states.meter("Netz", "total")
        - states.meter("Netz", "totalNeg")
        + states.meter("Hausspeicher", "total")
        - states.meter("Hausspeicher", "totalNeg")
    )

    assert consumed == pytest.approx(supplied, abs=1e-6)


def test_sums_begin_anew_with_their_period() -> None:
    sunday = dt.datetime(2026, 5, 31, 23, 59, tzinfo=ZONE)
    house = DemoHouse(now=sunday)
    states = States(house)
    before = {period: states.meter("Erdgeschoß", f"total{period}") for period in PERIODS}

    house.advance(180.0)

    after = {period: states.meter("Erdgeschoß", f"total{period}") for period in PERIODS}
    assert after["Day"] == after["Week"] == after["Month"]
    assert 0 < after["Month"] < 0.1
    assert after["Year"] > before["Year"] > before["Month"] > before["Week"] > before["Day"]


def test_the_wall_clock_follows_summer_time() -> None:
    zone = SwitchingZone()
    house = DemoHouse(now=dt.datetime(2026, 3, 29, 1, 59, tzinfo=zone))

    house.advance(120.0)

    assert (3, 1) == (house.world.clock.local.hour, house.world.clock.local.minute)
