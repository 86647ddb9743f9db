"""The technical heart of the demo house: electricity, heat pump, water."""

from __future__ import annotations

from collections.abc import Callable

from loxone_exporter.simulator.demo.blueprint import Control, Number
from loxone_exporter.simulator.demo.kit import UNLOCKED, Log, analog, contact, slider, tracker
from loxone_exporter.simulator.demo.machines import hour_counter, ventilation
from loxone_exporter.simulator.demo.metering import (
    energy_flow_monitor,
    energy_manager,
    energy_monitor,
    load_manager,
    meter,
    production_forecast,
    spot_price_optimizer,
)
from loxone_exporter.simulator.demo.places import AIR, CLIMATE, ENERGY, MACHINES, WATER, Room
from loxone_exporter.simulator.demo.rooms import GROUND, OUTSIDE, UPPER
from loxone_exporter.simulator.demo.world import World


def plant(world: World, wallbox: Control) -> list[Control]:
    """All controls of the plant; the wallbox stands in the garage and is one of the consumers."""
    return [*_electricity(world, wallbox), *_heat_pump(world), *_air_and_water(world)]


def _electricity(world: World, wallbox: Control) -> list[Control]:
    here = Room("Central")
    place = here / ENERGY
    meters = {
        "grid": meter(world, "Netz", place, "grid", kind="bidirectional"),
        "production": meter(world, "PV-Anlage", place, "production"),
        "storage": meter(world, "Hausspeicher", place, "storage", kind="storage"),
        "heat pump": meter(world, "Wärmepumpe", place, "heat pump"),
        GROUND: meter(world, "Erdgeschoß", place, GROUND),
        UPPER: meter(world, "Patro", place, UPPER),
        OUTSIDE: meter(world, "Garten & Garage", place, OUTSIDE),
    }
    return [
        *meters.values(),
        energy_flow_monitor(world, "Energiefluss", place, {**meters, "wallbox": wallbox}),
        energy_manager(world, "Energiemanager", place),
        energy_monitor(world, "Wechselrichter", place),
        spot_price_optimizer(world, "Spot Market", place),
        production_forecast(world, "PV-Prognose", place),
        load_manager(world, "Lastmanagement", place),
        _power_supply(world, here),
        contact(
            "Niedertarif",
            place,
            lambda: world.clock.between(22, 6),
            words=("Hochtarif", "Niedertarif"),
        ),
        analog(
            "Netzspannung L1",
            place,
            "%.1fV",
            world.noisy(lambda: 231.4, 0.6, 1),
            every=12,
            step=0.3,
        ),
        slider("Mindestreserve", place, "%.0f %%", lambda: 20.0, (5, 60, 5)),
    ]


def _power_supply(world: World, here: Room) -> Control:
    """The supply of the Miniserver itself, with battery backup."""

    def output(watts: float, every: float) -> Number:
        return Number(read=world.noisy(lambda: watts / 1000, 0.0006, 4), every=every)

    return Control(
        "Stromversorgung",
        "PowerUnit",
        *here / ENERGY,
        states={
            "jLocked": UNLOCKED,
            "outputPower": output(93, 20),
            "CP1": output(31, 40),
            "CP2": output(12, 40),
            "CP3": output(8, 40),
            "CP4": output(14, 40),
            "CP5": output(22, 40),
            "CP6": 0,
            "CP7": output(6, 40),
            "fuse": 0,
            "supplyTimeRemaining": 0,
            "batteryStateOfCharge": 100,
            "deviceInfo": 0,
        },
        details={
            "jLockable": True,
            "outputs": [{"id": n, "name": f"Linie {n}"} for n in range(1, 8)],
        },
        subcontrols=[
            ("tracker", tracker("Meldungen", (None, None), Log(world.clock, "Batterietest OK")))
        ],
    )


def _heat_pump(world: World) -> list[Control]:
    here = Room("Utility Room")
    energy = world.energy

    def flow() -> float:
        if not energy.heat_pump_running:
            return 24.0
        return 29.0 + 5 * world.rooms.heat_demand

    def buffer() -> float:
        return 48.0 - 4.0 * (world.clock.hour / 9 % 1)

    return [
        hour_counter(
            world,
            "Betriebsstunden Wärmepumpe",
            here / MACHINES,
            lambda: energy.heat_pump_running,
            hours=11_940,
            interval=2_000,
            due_in=312,
        ),
        contact(
            "Verdichter", here / CLIMATE, lambda: energy.heat_pump_running, words=("Aus", "Läuft")
        ),
        analog("Vorlauf", here / CLIMATE, "%.1f°", world.noisy(flow, 0.1, 1), every=15),
        analog("Teplá voda", here / CLIMATE, "%.1f °C", world.noisy(buffer, 0.05, 1), every=45),
        Control(
            "Warmwasser Soll",
            "LeftRightAnalog",
            *here / CLIMATE,
            states={"value": 48, "error": 0},
            details={"format": "%.0f °C", "min": 40, "max": 60, "step": 1},
        ),
        _heating_distributor(world, here, flow),
    ]


def _heating_distributor(world: World, here: Room, flow: Callable[[], float]) -> Control:
    """Of a type that nobody knows, with subcontrols of subcontrols of subcontrols."""
    pump = Control("Pumpe", "Switch", states={"active": Number(read=lambda: _running(world))})
    valve = Control(
        "Mischer",
        "Heatmixer",
        states={"tempTarget": 30, "tempActual": Number(read=world.noisy(flow, 0.1, 1), every=40)},
        subcontrols=[("P1", pump)],
    )
    circuit = Control(
        "Heizkreis Süd",
        "HeatingCircuit",
        states={"flowRate": Number(read=lambda: 640.0 * _running(world), every=10)},
        details={"format": "%.0fl/h"},
        subcontrols=[("M1", valve)],
    )
    return Control(
        "Heizkreisverteiler",
        "HeatingDistributor",
        *here / CLIMATE,
        states={
            "pressure": Number(read=world.noisy(lambda: 1.6, 0.01, 2), every=60),
            "note": "Füllstand OK",
        },
        details={"pressureFormat": "%.2fbar"},
        subcontrols=[("C1", circuit)],
    )


def _air_and_water(world: World) -> list[Control]:
    here = Room("Utility Room")
    return [
        ventilation(world, "Lüftung", here / AIR),
        hour_counter(
            world,
            "Filter Lüftung",
            here / AIR,
            lambda: True,
            hours=2_230,
            interval=2_200,
            due_in=-30,
        ),
        meter(world, "Hauswasser", here / WATER, "water", units=("%.0fl/h", "%.3fm³")),
    ]


def _running(world: World) -> float:
    return 1.0 if world.energy.heat_pump_running else 0.0
