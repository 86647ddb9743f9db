"""What documentation and dashboards ask, answered by a Prometheus that scrapes the demo house.

Nothing changes in the house meanwhile but one meter, by a known amount, so that each answer is
known: it is computed from what was expected of the house by hand, and not from what the exporter
says.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import Final, TypeAlias

import pytest
import trio

from loxone_exporter.loxone.uuids import StateUuid, parse_uuid
from loxone_exporter.simulator.demo import DemoHouse
from loxone_exporter.simulator.house import Changes, House, PlayedHouse
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.simulator.profile import Profile
from support.documents import queries
from support.expectations import Expected, expected_states, numbers_sent
from support.grafana import FOLDER, load, targets
from support.processes import running_exporter, serve_on_loopback, write_toml
from support.prometheus import RunningPrometheus, rules_in_a_hurry, running_prometheus


pytestmark = pytest.mark.slow


Found: TypeAlias = list[tuple[Expected, float]]
Answer: TypeAlias = dict[str, float]


SENT: Final = "as sent"
"""Where the numbers are that have no family by their quantity."""


def shown(house: House) -> Mapping[str, Found]:
    """What each typed family is expected to show."""
    families: defaultdict[str, Found] = defaultdict(list)
    for state, sent in zip(expected_states(), numbers_sent(house), strict=True):
        value = state.value(sent) if state.family and not state.is_optional else None
        if value is not None:
            families[state.family.removeprefix("loxone_")].append((state, value))
        families[SENT].append((state, sent))
    return families


def by(label: str, found: Found) -> dict[str, list[float]]:
    values: defaultdict[str, list[float]] = defaultdict(list)
    for state, value in found:
        values[state.labels[label]].append(value)
    return dict(values)


def mean_by_room(found: Found) -> Answer:
    return {room: fmean(values) for room, values in by("room", found).items()}


def of_rooms(found: Found) -> Found:
    return [each for each in found if each[0].labels["type"].startswith("IRoomController")]


def by_name(found: Found, factor: float = 1.0) -> Answer:
    return {state.labels["name"]: value * factor for state, value in found}


def colder_than_wanted(families: Mapping[str, Found]) -> Answer:
    wanted = by_name(of_rooms(families["temperature_target_celsius"]))
    actual = by_name(of_rooms(families["temperature_celsius"]))
    return {name: wanted[name] - actual[name] for name in wanted if wanted[name] > actual[name]}


def hours_of_comfort(families: Mapping[str, Found]) -> Answer:
    """Of a house that stays as it is; the code of the comfort mode is 1."""
    modes = [each for each in families[SENT] if each[0].labels["subcontrol"] == "activeMode"]
    return {state.labels["name"]: 24.0 * (sent == 1) for state, sent in modes}


def total(families: Mapping[str, Found], *names: str) -> float:
    return sum(value for name in names for _, value in families[name])


NODES: Final = tuple(f"power_flow_node_{role}_watts" for role in ("production", "grid", "storage"))


def consumed(families: Mapping[str, Found]) -> float:
    return total(families, *NODES)


# The beginning of a documented query, and its answer by the name or room of each series.
ANSWERS: Final[Mapping[str, Callable[[Mapping[str, Found]], Answer]]] = {
    "avg by (miniserver, room) (loxone_temperature_celsius": lambda families: mean_by_room(
        of_rooms(families["temperature_celsius"])
    ),
    "loxone_temperature_target_celsius": colder_than_wanted,
    "sum by (miniserver) ({__name__": lambda families: {"": consumed(families)},
    "sum by (miniserver, room, name) (increase(loxone_control_activations_total": lambda _: {
        state.labels["name"]: 0.0
        for state in expected_states()
        if state.labels["type"] == "Pushbutton"
    },
    "loxone_storage_charge_ratio": lambda families: by_name(
        families["storage_charge_ratio"], factor=100
    ),
    "avg by (miniserver, room) (loxone_humidity_ratio": lambda families: {
        room: 100 * value for room, value in mean_by_room(families["humidity_ratio"]).items()
    },
    "sum by (miniserver) (loxone_windows_open": lambda families: {
        "": total(families, "windows_open")
    },
    "loxone_maintenance_remaining_seconds": lambda families: by_name(
        families["maintenance_remaining_seconds"], factor=1 / 3600
    ),
    "1 - sum by (miniserver)": lambda families: {
        "": 1 - max(total(families, "power_flow_node_grid_watts"), 0) / consumed(families)
    },
    "loxone_power_production_watts - ": lambda families: {
        "Wechselrichter": total(families, "power_production_watts")
        - total(families, "power_consumption_watts")
    },
    "sum by (miniserver, state) (loxone_lock_state": lambda _: {"visualisation": 1.0, "logic": 0.0},
    "avg_over_time(loxone_room_active_mode": hours_of_comfort,
    "(loxone_miniserver_operating_mode == 1)": lambda _: {"Saturday": 1.0},
}

COUNTED_KWH: Final = 3.0
"""What the meter Netz counts while Prometheus looks on."""

# Likewise, the least answer. Prometheus prolongs an increase towards both ends of its window, by no
# more than 1.6 of the time between two scrapes, of which it has seen at least four.
INCREASES: Final[Mapping[str, Callable[[Mapping[str, Found]], Answer]]] = {
    "increase(loxone_energy_import_joules_total[1d]": lambda _: {"Netz": COUNTED_KWH},
    "increase(loxone_energy_import_joules_total[1h]": lambda families: {
        "Netz": COUNTED_KWH
        * max(price for _, price in families["energy_price_import_eur_per_kilowatt_hour"])
    },
}
PROLONGED: Final = 1.5

REMAINDER: Final = "- sum by (miniserver) (loxone_power_flow_node_consumption_watts)"

# What owners would type besides.
OWN: Final[Mapping[str, Callable[[Mapping[str, Found]], Answer]]] = {
    "loxone_energy_import_joules_total / 3.6e6": lambda families: by_name(
        families["energy_import_joules_total"], factor=1 / 3.6e6
    ),
    'loxone_power_watts{type="Meter"}': lambda families: by_name(
        [each for each in families["power_watts"] if each[0].labels["type"] == "Meter"]
    ),
    'count(loxone_temperature_celsius{miniserver="demo"})': lambda families: {
        "": float(len(families["temperature_celsius"]))
    },
}


def lights_on(families: Mapping[str, Found]) -> int:
    """Those that are dimmed, and those that are switched by a lighting controller."""
    switched = [
        (state, value)
        for state, value in families["switch_active"]
        if state.labels["subcontrol"].endswith("/active")
    ]
    return sum(value > 0 for _, value in (*families["light_level_ratio"], *switched))


def too_cold(families: Mapping[str, Found]) -> Answer:
    """How much colder rooms are than their controllers want them."""
    wanted = mean_by_room(of_rooms(families["temperature_target_celsius"]))
    actual = mean_by_room(of_rooms(families["temperature_celsius"]))
    return {room: wanted[room] - actual[room] for room in wanted}


def only(which: Callable[..., str], answer: Answer) -> Answer:
    """The room in which it is coldest, or the like: `min` or `max`."""
    room = which(answer, key=answer.__getitem__)
    return {room: answer[room]}


def of_type(type_: str, found: Found) -> Answer:
    return {"": total({"": [it for it in found if it[0].labels["type"] == type_]}, "")}


# The demo's energy flow monitor, as its owner has set it up.
CONSUMERS: Final = ("Wärmepumpe", "Erdgeschoß", "Patro", "Garten & Garage", "Wallbox")

# What panels of dashboards show, by dashboard and title; what is recorded is taken into account.
PANELS: Final[Mapping[tuple[str, str], Callable[[Mapping[str, Found]], Answer]]] = {
    ("house", "Windows and doors open"): lambda families: {
        "": total(families, "windows_open", "windows_tilted")
    },
    ("house", "Lights on"): lambda families: {"": lights_on(families)},
    ("house", "Rooms too cold"): lambda families: {
        "": sum(missing > 1 for missing in too_cold(families).values())
    },
    ("house", "Inside"): lambda families: {
        "": fmean(mean_by_room(of_rooms(families["temperature_celsius"])).values())
    },
    ("house", "From the grid now"): lambda families: of_type(
        "EFM", families["power_flow_grid_watts"]
    ),
    ("house", "Production now"): lambda families: of_type(
        "EFM", families["power_flow_production_watts"]
    ),
    ("house", "Consumption now"): lambda families: {"": total(families, "power_consumption_watts")},
    ("house", "Storage"): lambda families: by_name(families["storage_charge_ratio"]),
    ("house", "Hours until maintenance"): lambda families: by_name(
        families["maintenance_remaining_seconds"], factor=1 / 3600
    ),
    ("climate", "Coldest room"): lambda families: only(
        min, mean_by_room(of_rooms(families["temperature_celsius"]))
    ),
    ("climate", "Farthest below its target"): lambda families: only(max, too_cold(families)),
    ("climate", "Worst air"): lambda families: only(
        max, mean_by_room(of_rooms(families["co2_ppm"]))
    ),
    ("energy", "From the storage now"): lambda families: of_type(
        "EFM", families["power_flow_storage_watts"]
    ),
    ("energy", "Own supply now"): lambda families: {
        "": 1
        - max(total(families, "power_flow_node_grid_watts"), 0)
        / total(families, "power_consumption_watts")
    },
    ("energy", "Price now"): lambda families: {
        "": max(price for _, price in families["energy_price_import_eur_per_kilowatt_hour"])
    },
    ("energy", "Consumers now"): lambda families: dict(
        zip(
            CONSUMERS,
            (power for _, power in families["power_flow_node_consumption_watts"]),
            strict=True,
        )
    ),
}


async def check_panels(prometheus: RunningPrometheus, families: Mapping[str, Found]) -> None:
    now = datetime.now(UTC)
    chosen = {"job": "loxone", "miniserver": "demo"}
    for (dashboard, title), expected in PANELS.items():
        shown_there = [
            target
            for target in targets(load(FOLDER / f"{dashboard}.json"))
            if target.panel["title"] == title
        ]
        (target,) = shown_there
        query, _, _ = target.filled_in(chosen, now, 1)
        assert approximately(expected(families)) == await ask(prometheus, query), (dashboard, title)


class CountingHouse(PlayedHouse):
    """The demo house, in which nothing changes but what is due."""

    due: Mapping[StateUuid, float] = {}

    def advance(self, seconds: float) -> Changes:  # noqa: ARG002  # as House has it
        """Do what is due."""
        changed, self.due = dict(self.due), {}
        self.values.update(changed)
        return Changes(changed, {})


# What is otherwise than in the demo at that time, so that there is something to see.
ALSO: Final = {
    ("WindowMonitor", "numOpen"): 2.0,
    ("WindowMonitor", "numTilted"): 1.0,
    ("IRoomController", "tempTarget"): 21.5,
    ("EFM", "Gpwr"): 0.64,
    ("EFM", "actual0"): 0.64,
    ("EFM", "actual7"): 0.5,
    ("EnergyManager2", "Gpwr"): 0.64,
    ("Fronius", "gridCurr"): 0.64,
    ("Fronius", "consCurr"): 2.474,
}


def have_something_to_see(house: House) -> None:
    for control in json.loads(house.structure)["controls"].values():
        for state, uuid in control.get("states", {}).items():
            if (control["type"], state) in ALSO:
                house.values[parse_uuid(uuid)] = ALSO[control["type"], state]


def imported(house: House) -> StateUuid:
    """What the meter of the grid has counted."""
    controls = json.loads(house.structure)["controls"].values()
    (meter,) = (each for each in controls if (each["type"], each["name"]) == ("Meter", "Netz"))
    return parse_uuid(meter["states"]["total"])


TELLING: Final = ("node", "name", "title", "room", "state")
"""Labels that tell what an answer is about, the more telling first."""


async def ask(prometheus: RunningPrometheus, query: str) -> Answer:
    """The value of each series by its name, or by what else tells of it."""
    answer: Answer = {}
    for series in await prometheus.query(query):
        labels = series["metric"]
        name = next((labels[it] for it in TELLING if labels.get(it)), "")
        assert name not in answer, f"{query}: {name} twice"
        answer[name] = float(series["value"][1])
    return answer


def approximately(expected: Answer) -> object:
    return pytest.approx(expected, rel=1e-9, abs=1e-9)


async def test_queries_of_documentation_and_dashboards_have_the_right_answers(
    nursery: trio.Nursery, tmp_path: Path
) -> None:
    demo = DemoHouse(now=datetime(2026, 3, 14, 12, tzinfo=UTC))
    house = CountingHouse(demo.structure)
    house.values = dict(demo.values)
    have_something_to_see(house)
    house.weather = list(demo.weather)
    house.texts = dict(demo.texts)
    miniserver = SimulatedMiniserver(
        house, username="demo", password="demo", profile=Profile(key_bits=1024)
    )
    port = await serve_on_loopback(miniserver, nursery)
    with_forecast = "[metrics]\nweather_forecast = true"
    config = write_toml(tmp_path / "demo.toml", {"demo": port}, extra=with_forecast)
    async with running_exporter(["run", "--config", str(config)]) as exporter:
        await exporter.wait_until_listening()
        rules = [rules_in_a_hurry(tmp_path)]
        async with running_prometheus(exporter.url, tmp_path, rule_files=rules) as prometheus:
            enough = "count_over_time(loxone_power_grid_watts[1m]) >= 4"
            with trio.fail_after(60):
                while not await prometheus.query(enough):
                    await trio.sleep(0.3)
                meter = imported(house)
                house.due = {meter: house.values[meter] + COUNTED_KWH}
                while not await prometheus.query(
                    "changes(loxone_energy_import_joules_total[1m]) > 0"
                ):
                    await trio.sleep(0.3)
            families = shown(house)
            await check_documented(prometheus, families)
            await check_panels(prometheus, families)
            for query, expected in OWN.items():
                assert approximately(expected(families)) == await ask(prometheus, query), query


async def check_documented(prometheus: RunningPrometheus, families: Mapping[str, Found]) -> None:
    unused = {*ANSWERS, *INCREASES}
    for query in queries():
        found = await ask(prometheus, query)
        assert found, query
        assert not any(map(math.isnan, found.values())), query
        if REMAINDER in query:
            rest = consumed(families) - total(families, "power_flow_node_consumption_watts")
            assert {"": rest} == approximately(found), query
            continue
        for begin in beginnings(query, ANSWERS):
            unused.discard(begin)
            assert approximately(ANSWERS[begin](families)) == found, query
        for begin in beginnings(query, INCREASES):
            unused.discard(begin)
            least = INCREASES[begin](families)
            assert least.keys() == found.keys(), query
            for name, increase in least.items():
                assert increase * (1 - 1e-9) <= found[name] <= increase * PROLONGED, query
    assert not unused


def beginnings(query: str, known: Iterable[str]) -> list[str]:
    return [begin for begin in known if query.startswith(begin)]
