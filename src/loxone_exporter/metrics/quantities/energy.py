"""Families of energy: powers, what meters counted, prices.

A power that can go both ways is one gauge with a sign; an energy total is a counter for each
direction. What energy monitors and managers repeat of meters is in families of its own, so that a
sum over a family counts nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from loxone_exporter.metrics.quantities.family import Family, counters, gauges
from loxone_exporter.units import CURRENCY


PERIODS: Final[Mapping[str, str]] = {
    "day": "since midnight",
    "week": "since the week began",
    "month": "since the month began",
    "year": "since the year began",
}

_NODE = "loxone_energy_flow_node_info has the node's name."

_POWERS = gauges(
    "watts",
    {
        "power": "Measured power, of meters in their one direction. A main meter contains its "
        "sub-meters.",
        "power_target": "Power that somebody has set.",
        "power_grid": "Power from the grid, or over whatever else a meter counts both ways; import "
        "is positive, export negative.",
        "power_storage": "Power of an energy storage; discharging is positive, charging negative.",
        "power_storage_limit": "Greatest power of an energy storage.",
        "power_production": "Power that is produced, as an energy monitor (Fronius) has it.",
        "power_consumption": "Power that the house consumes, as an energy monitor (Fronius) "
        "computes it.",
        "power_flow_production": "Production as energy monitors and managers repeat it.",
        "power_flow_grid": "Power from the grid as energy monitors and managers repeat it; import "
        "is positive, export negative.",
        "power_flow_storage": "Power of the storage as energy monitors and managers repeat it; "
        "discharging is positive, charging negative.",
        "power_flow_node_grid": "Power of a grid node of an energy flow monitor; import is "
        f"positive, export negative. {_NODE}",
        "power_flow_node_production": f"Power of a producer in an energy flow monitor. {_NODE}",
        "power_flow_node_storage": "Power of a storage in an energy flow monitor; discharging is "
        f"positive, charging negative. {_NODE}",
        "power_flow_node_consumption": f"Power of a consumer in an energy flow monitor. {_NODE}",
        "power_flow_node_group": "Power of a group in an energy flow monitor, which contains other "
        f"nodes. {_NODE}",
        "power_managed": "Power that an energy or load manager supervises, which meters measure "
        "too.",
        "power_peak_overload": "Power that a load manager in its peak overload mode supervises.",
        "power_limit": "Greatest power that a load manager allows.",
        "power_technical_limit": "Greatest power that is technically possible.",
        "power_available": "Power that is left below the limit of a load manager.",
        "wallbox_power": "Power that charges a vehicle.",
        "wallbox_power_limit": "Greatest power that may charge a vehicle at a wallbox now.",
        "wallbox_power_minimum": "Least power that a wallbox can charge with.",
        "wallbox_power_maximum": "Greatest power that a wallbox can charge with.",
        "wallbox_manager_power": "Power of all wallboxes as their manager repeats it.",
        "wallbox_manager_power_limit": "Greatest power for all wallboxes of a manager.",
        "wallbox_manager_power_eco_limit": "Greatest power for all wallboxes of a manager in their "
        "eco mode.",
        "wallbox_manager_power_assigned": "Power that a wallbox manager assigns, used or not.",
        "wallbox_manager_node_power_assigned": "Power that a wallbox manager assigns to one of its "
        "nodes, contained in loxone_wallbox_manager_power_assigned_watts.",
        "power_supply": "Power of all outputs of a power supply.",
        "power_supply_output": "Power of one output of a power supply, contained in "
        "loxone_power_supply_watts.",
    },
)

_DIRECTIONS: Final[Mapping[str, str]] = {
    "energy": "Energy that a meter has counted in its one direction. A main meter contains its "
    "sub-meters.",
    "energy_import": "Energy that a meter which counts both ways has counted inwards: from the "
    "grid, if it is the one there.",
    "energy_export": "Energy that a meter which counts both ways has counted outwards: to the "
    "grid, if it is the one there.",
    "energy_discharge": "Energy that a storage of the house has given back.",
    "energy_charge": "Energy that a storage of the house has taken up; for vehicles see "
    "loxone_wallbox_energy_joules_total.",
    "energy_production": "Energy that was produced, as an energy monitor (Fronius) has it.",
    "energy_consumption": "Energy that the house has consumed, as an energy monitor (Fronius) "
    "computes it.",
    "wallbox_energy": "Energy that a wallbox has given to vehicles.",
}


_IN_PERIODS: Final[Mapping[str, Iterable[str]]] = {
    "energy": PERIODS,
    "energy_import": PERIODS,
    "energy_export": PERIODS,
    "energy_discharge": PERIODS,
    "energy_charge": PERIODS,
    "energy_production": ("day", "month", "year"),
    "energy_consumption": ("day",),
}
"""Sums that begin anew with each day, week, month or year."""


def _in_periods() -> list[Family]:
    texts = {}
    for quantity, periods in _IN_PERIODS.items():
        what, full_stop, more = _DIRECTIONS[quantity].partition(".")
        for period in periods:
            texts[f"{quantity}_{period}"] = f"{what}, {PERIODS[period]}{full_stop}{more}"
    return gauges("joules", texts)


_ENERGIES = [
    *counters("joules", _DIRECTIONS),
    *_in_periods(),
    *gauges(
        "joules",
        {
            "energy_stored": "Energy that a storage holds.",
            "energy_target": "Energy that somebody has set.",
            "wallbox_session_energy": "Energy of the present or latest charging session.",
            "energy_forecast_today": "Energy that photovoltaics are expected to produce today.",
            "energy_forecast_tomorrow": "Energy that photovoltaics are expected to produce "
            "tomorrow.",
            "energy_forecast_day_after_tomorrow": "Energy that photovoltaics are expected to "
            "produce the day after tomorrow.",
            "energy_forecast_period": "Energy that photovoltaics are expected to produce in the "
            "configured period.",
        },
    ),
]

_STORAGE = gauges(
    "ratio",
    {
        "storage_charge": "Charge of an energy storage of the house; 1 is full.",
        "storage_charge_reported": "Charge of an energy storage of the house as energy monitors "
        "and managers repeat it.",
        "storage_charge_target": "Charge of an energy storage that is aimed at or kept in reserve.",
    },
)

_ELECTRICITY = [
    *gauges("volts", {"voltage": "Voltage.", "voltage_target": "Voltage that somebody has set."}),
    *gauges("amperes", {"current": "Current.", "current_target": "Current that somebody has set."}),
    *gauges(
        "hertz",
        {
            "frequency": "Frequency.",
            "frequency_target": "Frequency that somebody has set.",
            "rotational_speed": "Revolutions in a second.",
            "rotational_speed_target": "Revolutions in a second that somebody has set.",
        },
    ),
    *gauges("voltamperes", {"apparent_power": "Apparent power."}),
    *gauges("vars", {"reactive_power": "Reactive power."}),
    *gauges("ohms", {"resistance": "Electrical resistance."}),
]

_MONEY = [
    *gauges(
        CURRENCY,
        {
            "money": "Amount of money.",
            "earnings_day": "Earnings since midnight, as an energy monitor has them.",
            "earnings_month": "Earnings since the month began, as an energy monitor has them.",
            "earnings_year": "Earnings since the year began, as an energy monitor has them.",
            "earnings": "Earnings since the beginning, as an energy monitor has them; they may "
            "fall.",
        },
    ),
    *gauges(
        f"{CURRENCY}_per_kilowatt_hour",
        {
            "energy_price": "Price of energy, as a tariff or a market has it now.",
            "energy_price_import": "Price of energy from the grid.",
            "energy_price_export": "Price for energy to the grid.",
            "energy_price_limit": "Price of energy up to which a price optimizer runs.",
            "energy_price_target": "Price of energy that somebody has set.",
            "wallbox_energy_price": "Price of energy at a wallbox; absent if it has none.",
            "wallbox_manager_energy_price_eco": "Price of energy at a manager's wallboxes in their "
            "eco mode; absent if it has none.",
            "wallbox_manager_energy_price_priority": "Price of energy at a manager's wallboxes "
            "with priority; absent if it has none.",
        },
    ),
    *gauges(
        f"{CURRENCY}_per_hour",
        {
            "wallbox_price": "Price of an hour at a wallbox; absent if it has none.",
            "wallbox_manager_price": "Price of an hour at a manager's wallboxes; absent if it has "
            "none.",
        },
    ),
    *gauges(
        "grams_per_kilowatt_hour",
        {"co2_factor": "Carbon dioxide that a kilowatt hour from the grid causes."},
    ),
]

ENERGY: Final = (
    *_POWERS,
    *_ENERGIES,
    *_STORAGE,
    *_ELECTRICITY,
    *_MONEY,
)
