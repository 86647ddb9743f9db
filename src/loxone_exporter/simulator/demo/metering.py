"""Meters of the demo house, and the controls that show what the meters show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from loxone_exporter.simulator.demo.blueprint import (
    Control,
    Described,
    Number,
    Text,
    control_uuid,
)
from loxone_exporter.simulator.demo.clock import HOUR
from loxone_exporter.simulator.demo.energy import (
    APPLIANCES,
    BATTERY_WATTS,
    CONSUMERS,
    MINIMUM_CHARGE,
    Energy,
    Register,
)
from loxone_exporter.simulator.demo.kit import UNLOCKED, Place, on, to_json
from loxone_exporter.simulator.demo.world import World


PERIODS = ("Day", "Week", "Month", "Year")

_TOTALS_EVERY = 20.0
_SUMS_EVERY = 60.0
_EXPORT_PRICE = 0.082
_CO2_FACTOR = 0.38
_NO_PRICE = -1337.0
"""What the Miniserver sends for a price that is not known (control catalog, section 4)."""


def meter(
    world: World,
    name: str,
    place: Place,
    register: str,
    *,
    kind: str = "unidirectional",
    units: tuple[str, str] = ("%.3fkW", "%.1fkWh"),
    sums: bool = True,
) -> Control:
    """A meter in the app.

    Args:
        world: Where the meter hangs.
        name: As in the app.
        place: Room and category.
        register: Its name among the registers of the house.
        kind: `unidirectional`, `bidirectional`, or `storage`.
        units: The formats of the actual value and of the totals.
        sums: Whether it shows the sums of the day, the week and so on.
    """
    device = world.energy.registers[register]
    states: dict[str, Described] = {
        "jLocked": UNLOCKED,
        "actual": Number(read=lambda: device.actual),
        "total": Number(read=lambda: device.total, every=_TOTALS_EVERY),
    }
    directions = [("total", False)]
    if kind != "unidirectional":
        directions.append(("totalNeg", True))
        states["totalNeg"] = Number(read=lambda: device.negative, every=_TOTALS_EVERY)
    details: dict[str, Any] = {
        "jLockable": True,
        "type": kind,
        "displayType": 0,
        "actualFormat": units[0],
        "totalFormat": units[1],
        "powerName": "Leistung",
    }
    if kind == "storage":
        states["storage"] = Number(read=lambda: round(world.energy.charge, 2), every=10)
        details |= {"storageFormat": "%.0f%%", "storageMax": 100}
    if sums:
        for direction, negative in directions:
            for period in PERIODS:
                states[f"{direction}{period}"] = _sum(device, period, negative=negative)
    return Control(name, "Meter", *place, states=states, details=details)


def energy_flow_monitor(
    world: World, name: str, place: Place, meters: dict[str, Control]
) -> Control:
    """The energy flow monitor over all meters.

    Args:
        world: Where the energy flows.
        name: As in the app.
        place: Room and category.
        meters: The meters by the name of their register: those of supply and of consumers.
    """
    energy = world.energy
    nodes = []
    states: dict[str, Described] = {
        "jLocked": UNLOCKED,
        "Ppwr": _power(energy, "production"),
        "Gpwr": _power(energy, "grid"),
        "Spwr": _power(energy, "storage"),
        "Pre": _EXPORT_PRICE,
        "Pri": Number(read=lambda: energy.price),
        "CO2": _CO2_FACTOR,
        "selfConsumption": Number(read=lambda: _self_consumption(energy)),
    }
    for number, (register, control) in enumerate(meters.items()):
        state = states[f"actual{number}"] = _power(energy, register)
        nodes.append(
            {
                "nodeType": _NODE_TYPES.get(register, "Load"),
                "title": control.name,
                "icon": "IconsFilled/flash-1.svg",
                "uuid": control_uuid("EFM node", register),
                "ctrlUuid": control,
                "actualEfmState": state,
                "nodes": [],
            }
        )
    return Control(
        name,
        "EFM",
        *place,
        states=states,
        details={
            "jLockable": True,
            "actualFormat": "%.3fkW",
            "totalFormat": "%.1fkWh",
            "storageFormat": "%.0f%%",
            "nodes": nodes,
        },
        more={"isFavorite": True},
    )


_NODE_TYPES = {"grid": "Grid", "storage": "Storage", "production": "Production"}


def energy_manager(world: World, name: str, place: Place) -> Control:
    """The energy manager, which would switch loads on where energy is left over."""
    energy = world.energy

    def loads() -> str:
        surplus = -energy.watts("grid")
        return to_json(
            [
                {"prio": prio, "id": prio, "name": load, "pwr": kw, "active": surplus > kw * 1000}
                for prio, (load, kw) in enumerate((("Boiler-Heizstab", 2.0), ("Bazén", 0.8)))
            ]
        )

    return Control(
        name,
        "EnergyManager2",
        *place,
        states={
            "jLocked": UNLOCKED,
            "Gpwr": _power(energy, "grid"),
            "Spwr": _power(energy, "storage"),
            "Ppwr": _power(energy, "production"),
            "Ssoc": Number(read=lambda: round(energy.charge, 2), every=10),
            "MinSoc": MINIMUM_CHARGE,
            "MaxSpwr": BATTERY_WATTS / 1000,
            "loads": _text(loads),
        },
        details={"jLockable": True, "hasSpwr": True, "hasSsoc": True},
    )


def energy_monitor(world: World, name: str, place: Place) -> Control:
    """The monitor of an inverter; its `online` is inverted: 0 is online."""
    energy = world.energy
    production, grid = energy.registers["production"], energy.registers["grid"]

    def earned(kwh: float) -> float:
        return round(kwh * _EXPORT_PRICE, 4)

    def consumed(period: str | None = None) -> float:
        registers = [energy.registers[name] for name in CONSUMERS]
        return sum(r.sum(period) if period else r.total for r in registers)

    return Control(
        name,
        "Fronius",
        *place,
        states={
            "prodCurr": _power(energy, "production"),
            "prodCurrDay": _sum(production, "Day"),
            "prodCurrMonth": _sum(production, "Month"),
            "prodCurrYear": _sum(production, "Year"),
            "prodTotal": Number(read=lambda: production.total, every=_TOTALS_EVERY),
            "consCurr": Number(read=lambda: energy.consumption),
            "consCurrDay": Number(read=lambda: consumed("Day"), every=_SUMS_EVERY),
            "consTotal": Number(read=consumed, every=_SUMS_EVERY),
            "deliveryDay": _sum(grid, "Day", negative=True),
            "earningsDay": Number(read=lambda: earned(grid.sum("Day", negative=True)), every=60),
            "earningsMonth": Number(
                read=lambda: earned(grid.sum("Month", negative=True)), every=60
            ),
            "earningsYear": Number(read=lambda: earned(grid.sum("Year", negative=True)), every=60),
            "earningsTotal": Number(read=lambda: earned(grid.negative), every=60),
            "gridCurr": _power(energy, "grid"),
            "batteryCurr": _power(energy, "storage"),
            "stateOfCharge": Number(read=lambda: round(energy.charge, 2), every=10),
            "priceDelivery": _EXPORT_PRICE,
            "priceConsumption": Number(read=lambda: energy.price),
            "co2Factor": _CO2_FACTOR,
            "generatorType": 1,
            "mode": 7,
            "online": 0,
            "prodStatus": 0,
            "prodError": 0,
            "error": 0,
        },
    )


def spot_price_optimizer(world: World, name: str, place: Place) -> Control:
    """The optimizer that waits for a cheap hour."""
    energy, clock = world.energy, world.clock
    threshold = 0.225

    def hour_began() -> float:
        return clock.since_2009 - clock.since_2009 % HOUR

    return Control(
        name,
        "SpotPriceOptimizer",
        *place,
        states={
            "jLocked": UNLOCKED,
            "active": on(lambda: energy.price < threshold),
            "current": Number(read=lambda: energy.price),
            "demand": 3,
            "period": 24,
            "minRuntime": 1,
            "manualMax": threshold,
            "forecastsTimestamp": Number(read=hour_began),
            "cycleFrom": Number(read=hour_began),
            "cycleUntil": Number(read=lambda: hour_began() + HOUR),
        },
        details={"jLockable": True, "format": "%.3f€/kWh"},
    )


def production_forecast(world: World, name: str, place: Place) -> Control:
    """What the sun will probably bring."""
    clock = world.clock

    def expected(days: int) -> float:
        noon = world.weather.at(clock.unix + days * 24 * HOUR + (13 - clock.hour) * HOUR)
        return round(noon.radiation * 0.062, 1)

    return Control(
        name,
        "PvProductionForecast",
        *place,
        states={
            "today": Number(read=lambda: expected(0), every=900),
            "tomorrow": Number(read=lambda: expected(1), every=900),
            "after": Number(read=lambda: expected(2), every=900),
            "period": Number(read=lambda: round(expected(0) / 3, 1), every=900),
            "inputperiod": 6,
            "ready": 1,
            "timestamp": Number(read=lambda: clock.since_2009 // 900 * 900),
            "cycleFrom": Number(read=lambda: clock.since_2009 // 3600 * 3600),
            "cycleUntil": Number(read=lambda: clock.since_2009 // 3600 * 3600 + HOUR),
            "errorInfo": 0,
        },
        details={"format": "%.1fkWh"},
    )


def load_manager(world: World, name: str, place: Place) -> Control:
    """The manager that keeps the house below the power of its mains connection."""
    energy, clock = world.energy, world.clock
    limit = 11.0
    machines = list(APPLIANCES.values())[:3]

    def active() -> float:
        return sum(1 << n for n, machine in enumerate(machines) if machine.running(clock))

    def drawn() -> float:
        return max(0.0, energy.registers["grid"].actual)

    return Control(
        name,
        "LoadManager",
        *place,
        states={
            "jLocked": UNLOCKED,
            "currentPower": Number(read=drawn),
            "peakOverloadPower": Number(read=drawn),
            "maxPower": limit,
            "maxTp": 14.5,
            "availablePower": Number(read=lambda: limit - drawn()),
            "maxPowerExceeded": on(lambda: drawn() > limit),
            "lockedLoads": 0,
            "statusLoads": Number(read=active),
        },
        details={
            "jLockable": True,
            "mode": 0,
            "loads": [
                {"id": n, "name": machine.name, "power": machine.watts[0] / 1000, "hasStatus": True}
                for n, machine in enumerate(machines)
            ],
        },
    )


def wallbox(world: World, name: str, place: Place) -> Control:
    """A wallbox whose sessions nobody pays for."""
    energy = world.energy
    register = energy.registers["wallbox"]

    def session() -> str:
        car = energy.car
        if not car.connected:
            return "{}"
        return to_json({"connect": round(car.since), "energy": round(car.session, 2), "user": ""})

    return Control(
        name,
        "Wallbox2",
        *place,
        states={
            "jLocked": UNLOCKED,
            "actual": Number(read=lambda: register.actual),
            "total": Number(read=lambda: register.total, every=_TOTALS_EVERY),
            "connected": on(lambda: energy.car.connected),
            "enabled": 1,
            "active": on(lambda: energy.car.charging),
            "loadshed": 0,
            "phaseSwitching": 0,
            "mode": 2,
            "limit": 7.2,
            "modeUnplug": 0,
            "session": _text(session),
            "priority": 0,
            "pricePerHour": _NO_PRICE,
            "pricePerkWh": Number(read=lambda: energy.price),
            "limitedBy": on(lambda: energy.car.connected and not energy.car.charging),
            "temporaryLimitation": 0,
        },
        details={"jLockable": True, "actualFormat": "%.3fkW", "totalFormat": "%.1fkWh"},
        subcontrols=[("tracker", Control("Ladungen", "Tracker", states={"entries": ""}))],
    )


def _power(energy: Energy, register: str) -> Number:
    device = energy.registers[register]
    return Number(read=lambda: device.actual)


def _sum(register: Register, period: str, *, negative: bool = False) -> Number:
    return Number(read=lambda: register.sum(period, negative=negative), every=_SUMS_EVERY)


def _self_consumption(energy: Energy) -> float:
    return min(energy.registers["production"].actual, energy.consumption)


def _text(read: Callable[[], str]) -> Text:
    return Text(read=read, every=30)
