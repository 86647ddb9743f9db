"""Meters, inverters, wallboxes, and who manages them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import evolve

from loxone_exporter.metrics.catalog import codes
from loxone_exporter.metrics.catalog.entry import (
    BITS,
    CODE,
    DERIVED,
    MEASURED,
    PERSONAL_TEXT,
    SETTING,
    SWITCHABLE,
    TEXT,
    UNCLEAR,
    UNKNOWN,
    USELESS,
    Entry,
    Epoch,
    Kind,
    Names,
    bits,
    by_unit,
    by_variant,
    digital,
    formatted,
    named,
    named_by_owner,
    number,
    optional,
    revealing,
    seconds,
    time,
    untyped,
)
from loxone_exporter.metrics.quantities import Family
from loxone_exporter.metrics.quantities.energy import PERIODS
from loxone_exporter.units import CURRENCY


_PER_KWH = f"{CURRENCY}_per_kilowatt_hour"
_NO_PRICE = -1337


def _power(key: str) -> Entry:
    return formatted("actualFormat", families=by_unit({"watts": f"{key}_watts"}))


def _price(key: str, *absent: float) -> Entry:
    return number(f"{key}_{_PER_KWH}", "currency/kWh", *absent)


# Loxone Config gives each new meter this format, even one that counts litres.
_UNASKED_FORMAT = "%.3fkW"


def _meter_actual(key: str) -> Entry:
    entry = formatted("actualFormat", families={**MEASURED, **by_unit({"watts": f"{key}_watts"})})
    return evolve(entry, is_free=True, doubtful_format=_UNASKED_FORMAT, confirmed_by="totalFormat")


def _meter_total(energy: str, volume: str = "volume") -> Entry:
    families = by_unit(
        {
            "joules": f"{energy}_joules_total",
            "cubic_meters": f"{volume}_cubic_meters_total",
        }
    )
    return formatted("totalFormat", families=families)


def _meter_period(energy: str, period: str, volume: str = "volume") -> Entry:
    families = by_unit(
        {
            "joules": f"{energy}_{period}_joules",
            "cubic_meters": f"{volume}_{period}_cubic_meters",
        }
    )
    return optional(formatted("totalFormat", families=families), DERIVED)


_OF_FLOW = untyped(Kind.NUMBER, "a meter within an energy flow monitor sums up other meters")


def _meter() -> Mapping[str, Entry]:
    rows = {
        "actual": by_variant(
            _meter_actual("power"),
            flow=_OF_FLOW,
            bidirectional=_meter_actual("power_grid"),
            storage=_meter_actual("power_storage"),
        ),
        "total": by_variant(
            _meter_total("energy"),
            flow=_OF_FLOW,
            bidirectional=_meter_total("energy_import"),
            storage=_meter_total("energy_discharge"),
        ),
        "totalNeg": by_variant(
            _meter_total("energy_export", "volume_reverse"),
            flow=_OF_FLOW,
            storage=_meter_total("energy_charge", "volume_reverse"),
        ),
        "storage": formatted("storageFormat", families=_LEVEL),
    }
    for period in PERIODS:
        rows[f"total{period.capitalize()}"] = by_variant(
            _meter_period("energy", period),
            flow=_OF_FLOW,
            bidirectional=_meter_period("energy_import", period),
            storage=_meter_period("energy_discharge", period),
        )
        rows[f"totalNeg{period.capitalize()}"] = by_variant(
            _meter_period("energy_export", period, "volume_reverse"),
            flow=_OF_FLOW,
            storage=_meter_period("energy_charge", period, "volume_reverse"),
        )
    return rows


_LEVEL: Mapping[str, Family] = by_unit(
    {
        "ratio": "storage_charge_ratio",
        "joules": "energy_stored_joules",
        "cubic_meters": "volume_stored_cubic_meters",
    }
)

_NODE = untyped(Kind.NUMBER, "nobody knows what role this node has in the flow of energy")

_FORECAST = {
    "today": "energy_forecast_today_joules",
    "tomorrow": "energy_forecast_tomorrow_joules",
    "after": "energy_forecast_day_after_tomorrow_joules",
}

_LOADS = Names(detail="loads")

ENERGY: Final = {
    "CarCharger": {
        "status": named("wallbox_device_state", codes.WALLBOX_DEVICE_STATES),
        "charging": revealing(digital("wallbox_charging")),
        "connected": revealing(digital("wallbox_connected")),
        "chargingFinished": revealing(digital("wallbox_finished")),
        "power": revealing(number("wallbox_power_watts", "kW")),
        "energySession": revealing(number("wallbox_session_energy_joules", "kWh")),
        "limitMode": named("wallbox_limit_mode", codes.WALLBOX_LIMIT_MODES),
        "currentLimit": number("wallbox_power_limit_watts", "kW"),
        "minLimit": optional(number("wallbox_power_minimum_watts", "kW")),
        "maxLimit": optional(number("wallbox_power_maximum_watts", "kW")),
        "chargeDuration": revealing(seconds("wallbox_session")),
        "showLoadManagement": SWITCHABLE,
        "profiles": TEXT,
        "currentProfile": CODE,
    },
    "EFM": {
        "Ppwr": _power("power_flow_production"),
        "Gpwr": _power("power_flow_grid"),
        "Spwr": _power("power_flow_storage"),
        "Pre": _price("energy_price_export"),
        "Pri": _price("energy_price_import"),
        "CO2": number("co2_factor_grams_per_kilowatt_hour", "kg/kWh"),
        "selfConsumption": UNCLEAR,
        "actual#": by_variant(
            _NODE,
            grid=_power("power_flow_node_grid"),
            production=_power("power_flow_node_production"),
            storage=_power("power_flow_node_storage"),
            load=_power("power_flow_node_consumption"),
            group=_power("power_flow_node_group"),
        ),
    },
    "EnergyManager": {
        "currentPower": number("power_managed_watts", "kW"),
        "currentBat": number("storage_charge_reported_ratio", "%"),
        "loads": TEXT,
    },
    "EnergyManager2": {
        "Gpwr": number("power_flow_grid_watts", "kW"),
        "Spwr": number("power_flow_storage_watts", "kW"),
        "Ppwr": number("power_flow_production_watts", "kW"),
        "Ssoc": number("storage_charge_reported_ratio", "%"),
        "MinSoc": optional(number("storage_charge_target_ratio", "%")),
        "MaxSpwr": optional(number("power_storage_limit_watts", "kW")),
        "loads": TEXT,
    },
    "Fronius": {
        "prodCurr": number("power_production_watts", "kW"),
        "prodCurrDay": number("energy_production_day_joules", "kWh"),
        "prodCurrMonth": number("energy_production_month_joules", "kWh"),
        "prodCurrYear": number("energy_production_year_joules", "kWh"),
        "prodTotal": number("energy_production_joules_total", "kWh"),
        "consCurr": number("power_consumption_watts", "kW"),
        "consCurrDay": number("energy_consumption_day_joules", "kWh"),
        "consTotal": number("energy_consumption_joules_total", "kWh"),
        "deliveryDay": number("energy_export_day_joules", "kWh"),
        "gridCurr": number("power_flow_grid_watts", "kW"),
        "batteryCurr": number("power_flow_storage_watts", "kW"),
        "stateOfCharge": number("storage_charge_reported_ratio", "%"),
        "earningsDay": number(f"earnings_day_{CURRENCY}", "currency"),
        "earningsMonth": number(f"earnings_month_{CURRENCY}", "currency"),
        "earningsYear": number(f"earnings_year_{CURRENCY}", "currency"),
        "earningsTotal": number(f"earnings_{CURRENCY}", "currency"),
        "priceDelivery": _price("energy_price_export"),
        "priceConsumption": _price("energy_price_import"),
        "co2Factor": number("co2_factor_grams_per_kilowatt_hour", "kg/kWh"),
        "generatorType": CODE,
        "mode": BITS,
        "online": digital("energy_monitor_online", is_inverted=True),
        "prodStatus": UNKNOWN,
        "prodError": UNKNOWN,
        "error": UNKNOWN,
    },
    "Hourcounter": {
        "total": number("operating_seconds_total", "s"),
        "remaining": seconds("maintenance_remaining"),
        "lastActivation": optional(time("last_activation", Epoch.LOXONE)),
        "overdue": digital("maintenance_due"),
        "overdueSince": seconds("maintenance_overdue"),
        "maintenanceInterval": optional(seconds("maintenance_interval")),
        # How the app shows the times; they are in seconds all the same.
        "stateUnit": CODE,
        "active": digital("in_operation"),
    },
    "LoadManager": {
        "currentPower": number("power_managed_watts", "kW"),
        "peakOverloadPower": number("power_peak_overload_watts", "kW"),
        "maxTp": optional(number("power_technical_limit_watts", "kW")),
        "maxPower": number("power_limit_watts", "kW"),
        "availablePower": number("power_available_watts", "kW"),
        "maxPowerExceeded": digital("power_limit_exceeded"),
        "lockedLoads": named_by_owner("load_locked", _LOADS, is_bits=True),
        "statusLoads": named_by_owner("load_active", _LOADS, is_bits=True),
    },
    "Meter": _meter(),
    "PowerUnit": {
        "outputPower": number("power_supply_watts", "kW"),
        "CP#": number("power_supply_output_watts", "kW"),
        "fuse": bits("power_supply_fuse_tripped", codes.POWER_SUPPLY_FUSES),
        "supplyTimeRemaining": time("supply_end", Epoch.UNIX),
        "batteryStateOfCharge": number("battery_charge_ratio", "%"),
        "deviceInfo": bits("power_supply_status", codes.POWER_SUPPLY_STATUS),
    },
    "PvProductionForecast": {
        **{state: evolve(number(key, "kWh"), needs="ready") for state, key in _FORECAST.items()},
        "period": optional(evolve(number("energy_forecast_period_joules", "kWh"), needs="ready")),
        "inputperiod": optional(number("forecast_period_seconds", "h")),
        "ready": digital("forecast_ready"),
        "timestamp": time("forecast_made", Epoch.LOXONE),
        "cycleFrom": USELESS,
        "cycleUntil": USELESS,
        "errorInfo": BITS,
    },
    "SpotPriceOptimizer": {
        "active": digital("optimizer_active"),
        "current": formatted("format", families=by_unit({_PER_KWH: f"energy_price_{_PER_KWH}"})),
        "demand": optional(number("optimizer_demand_seconds", "h")),
        "period": optional(number("optimizer_period_seconds", "h")),
        "minRuntime": SETTING,
        "manualMax": optional(
            formatted("format", families=by_unit({_PER_KWH: f"energy_price_limit_{_PER_KWH}"}))
        ),
        "forecastsTimestamp": USELESS,
        "cycleFrom": optional(time("optimizer_cycle_start", Epoch.LOXONE)),
        "cycleUntil": optional(time("optimizer_cycle_end", Epoch.LOXONE)),
    },
    "Wallbox2": {
        "actual": revealing(_power("wallbox_power")),
        "total": revealing(
            formatted("totalFormat", families=by_unit({"joules": "wallbox_energy_joules_total"}))
        ),
        "connected": revealing(digital("wallbox_connected")),
        "enabled": digital("wallbox_enabled"),
        "active": revealing(digital("wallbox_charging")),
        "loadshed": digital("wallbox_load_shed"),
        "phaseSwitching": digital("wallbox_phase_switching"),
        "mode": named("wallbox_mode", codes.WALLBOX_MODES),
        "limit": number("wallbox_power_limit_watts", "kW"),
        "modeUnplug": CODE,
        "session": PERSONAL_TEXT,
        "priority": optional(digital("wallbox_priority")),
        "pricePerHour": number(f"wallbox_price_{CURRENCY}_per_hour", "currency/h", _NO_PRICE),
        "pricePerkWh": _price("wallbox_energy_price", _NO_PRICE),
        "limitedBy": bits("wallbox_limited_by", codes.WALLBOX_LIMITS),
        "temporaryLimitation": named(
            "wallbox_temporary_limitation", codes.WALLBOX_TEMPORARY_LIMITATIONS
        ),
    },
    "WallboxManager": {
        "priceEco": _price("wallbox_manager_energy_price_eco", _NO_PRICE),
        "pricePrio": _price("wallbox_manager_energy_price_priority", _NO_PRICE),
        "priceHour": number(f"wallbox_manager_price_{CURRENCY}_per_hour", "currency/h", _NO_PRICE),
        "Peco": number("wallbox_manager_power_eco_limit_watts", "kW"),
        "Pmax": number("wallbox_manager_power_limit_watts", "kW"),
        "Cp": number("wallbox_manager_power_watts", "kW"),
        "Ap": number("wallbox_manager_power_assigned_watts", "kW"),
        "actual#": number("wallbox_manager_node_power_assigned_watts", "kW"),
        "limitedBy#": bits("wallbox_manager_limited_by", codes.WALLBOX_LIMITS),
    },
}
