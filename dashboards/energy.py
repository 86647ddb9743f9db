"""Energy: where power comes from and goes to, and what was used each day."""

from __future__ import annotations

from typing import Final

from dashboards import frame, looks
from dashboards.frame import Page, Section
from dashboards.looks import state_names
from dashboards.panels import Query, bars, columns, days, lines, stat, timeline
from dashboards.promql import (
    BY_CONTROL,
    BY_HOUSE,
    codes,
    consumers,
    consumption_power,
    counted,
    grid_power,
    house,
    names,
    not_measured,
    production_power,
    storage_charge,
    storage_power,
)
from dashboards.shared import today_and_yesterday
from dashboards.tables import Column, table


_NO_GRID: Final = "no meter of the grid here"
_NO_MONITOR: Final = "no energy monitor here"
_NO_METERS: Final = "no meters here"
_NO_STORAGE: Final = "no storage here"
_NO_WALLBOX: Final = "no wallbox here"

_METERS: Final = house("loxone_power_watts", type="Meter")

# Prices have their currency in the name, which becomes a label here.
_PRICES: Final = house("", names("loxone_energy_price_import_[a-z]+_per_kilowatt_hour"))
_PRICE: Final = (
    f"max by ({BY_HOUSE}, currency) (label_replace({_PRICES},"
    ' "currency", "$1", "__name__", "loxone_energy_price_import_([a-z]+)_per_kilowatt_hour"))'
)
_COST: Final = f"{_PRICE} * on ({BY_HOUSE}) group_left () {counted('import')}"

_SELF_SUFFICIENCY: Final = f"1 - clamp_min({grid_power()}, 0) / clamp_min({consumption_power()}, 1)"

_WALLBOX_LIMITS: Final = {
    "none": looks.GOOD,
    "blocked": looks.BAD,
    "reduced": looks.WARNING,
    "above_limit": looks.BAD,
}

_FIRST: Final = [
    stat(
        "Consumption now",
        Query(consumption_power()),
        none=_NO_MONITOR,
        description="What the house takes, whether from the grid, the sun or the storage.",
        unit="watt",
        steps=((None, looks.QUIET), (5000, looks.WARNING)),
    ),
    stat(
        "From the grid now",
        Query(grid_power()),
        none=_NO_GRID,
        description="Negative: into the grid.",
        unit="watt",
        steps=((None, looks.GOOD), (1, looks.QUIET), (5000, looks.WARNING)),
    ),
    stat(
        "Production now",
        Query(production_power()),
        none=_NO_MONITOR,
        description="See LoxoneNoProductionAtNoon in docs/alerts.md.",
        unit="watt",
        steps=((None, looks.QUIET), (10, looks.GOOD)),
    ),
    stat(
        "From the storage now",
        Query(storage_power()),
        none=_NO_STORAGE,
        description="Negative: it is being charged.",
        unit="watt",
    ),
    stat(
        "Own supply now",
        Query(_SELF_SUFFICIENCY),
        none=_NO_MONITOR,
        description="The part of the consumption that does not come from the grid.",
        unit="percentunit",
        decimals=0,
        steps=((None, looks.QUIET), (0.5, looks.GOOD)),
    ),
    stat(
        "Price now",
        Query(_PRICE, "{{currency}} for 1 kWh"),
        none="no price here",
        with_name=True,
        description="Of a kWh from the grid, as an energy monitor has it.",
        decimals=3,
    ),
]

_DAYS: Final = [
    *today_and_yesterday("From the grid", "import", _NO_GRID),
    *today_and_yesterday("Used", "consumption", _NO_MONITOR),
    *today_and_yesterday("Produced", "production", _NO_MONITOR),
    *today_and_yesterday("Into the grid", "export", _NO_GRID),
    stat(
        "From the grid this month",
        Query(counted("import")),
        none=_NO_GRID,
        unit="kwatth",
        decimals=0,
        since="now/M",
    ),
    stat(
        "From the grid last month",
        Query(counted("import")),
        none="nothing is known of last month",
        description="Needs a Prometheus that keeps it: `--storage.tsdb.retention.time=400d`.",
        unit="kwatth",
        decimals=0,
        since="now/M",
        shift="1M/M",
    ),
    stat(
        "Cost today",
        Query(_COST, "{{currency}}"),
        none="no price here",
        with_name=True,
        description="What came from the grid today, at the present price.",
        decimals=2,
        since="now/d",
    ),
    stat(
        "Forecast of production today",
        Query(f"{house('loxone_energy_forecast_today_joules')} / 3.6e6"),
        none="no forecast here",
        description="By the block for forecasts of photovoltaics.",
        unit="kwatth",
        decimals=1,
    ),
    days(
        "Each day",
        Query(
            f"max by ({BY_HOUSE}, flow) ("
            + house("loxone:energy_kwh:increase1d", 'flow=~"import|export|production|consumption"')
            + " offset -1d)",
            "{{flow}}",
        ),
        none="no meters, or none for a day yet",
        description="Whole days; today is not over. By the largest meter of each kind.",
        unit="kwatth",
        decimals=1,
        since="30d",
    ),
]

_POWER: Final = [
    lines(
        "Where it comes from",
        Query(production_power(), "sun"),
        Query(storage_power(), "storage"),
        Query(grid_power(), "grid"),
        none=_NO_MONITOR,
        description="One upon the other, this is what the house takes. Negative is what goes into"
        " the storage and the grid.",
        unit="watt",
        stacked=True,
    ),
    lines(
        "Where it goes",
        Query(consumers(), "{{node}}"),
        Query(not_measured(), "not measured"),
        none=_NO_METERS,
        description="Consumers by their names in the energy flow monitor, and what none of their"
        " meters measures. In a house without one, each meter: a main meter contains others.",
        unit="watt",
        stacked=True,
    ),
    bars(
        "Consumers now",
        Query(f"sort_desc({consumers()})", "{{node}}"),
        none=_NO_METERS,
        unit="watt",
        width=12,
    ),
    bars(
        "Meters now",
        Query(f"sort_desc({_METERS})", "{{name}}"),
        none=_NO_METERS,
        description="A main meter contains others; producers count, too.",
        unit="watt",
        width=12,
    ),
]

_EACH_HOUR: Final = house("loxone:energy_kwh:increase1h", 'flow=~"measured|wallbox"')

_ALL_METERS: Final = [
    table(
        "What each meter has counted",
        {"name": "Meter", "room": "Room", "flow": "Counts"},
        *(
            Column(
                heading,
                f"sum by ({BY_CONTROL}, flow) ({house(series)})",
                unit="kwatth",
                decimals=1,
            )
            for heading, series in (
                ("Last hour", "loxone:energy_kwh:increase1h"),
                ("Last 24 hours", "loxone:energy_kwh:increase1d"),
                ("Last 30 days", "loxone:energy_kwh:increase30d"),
                ("Reading", "loxone:energy_kwh:reading"),
            )
        ),
        none="no meters of energy here",
        description="Import and export are the two directions of a meter at the grid; measured is"
        " one that counts in one direction. See LoxoneMeterStuck in docs/alerts.md.",
        sort=("Last 24 hours", True),
        width=24,
    ),
    columns(
        "Each hour by meter",
        Query(
            f"sum by ({BY_CONTROL}) ({_EACH_HOUR})",
            "{{name}}",
        ),
        none="no meters here that count in one direction",
        description="One upon the other, although a main meter contains others and producers"
        " count, too: a click on names in the legend leaves just those.",
        unit="kwatth",
        decimals=2,
        step="1h",
        width=24,
    ),
]

_STORAGE: Final = [
    lines(
        "Storage",
        Query(storage_charge(), "{{name}}"),
        none=_NO_STORAGE,
        unit="percentunit",
        decimals=0,
        low=0,
        high=1,
    ),
    lines(
        "Vehicles",
        Query(house("loxone_wallbox_power_watts"), "{{name}}"),
        Query(house("loxone_wallbox_power_limit_watts"), "{{name}}: limit"),
        none=_NO_WALLBOX,
        unit="watt",
        low=0,
    ),
    timeline(
        "A vehicle is connected",
        Query(house("loxone_wallbox_connected"), "{{name}}"),
        none=_NO_WALLBOX,
        names=looks.YES_OR_NO,
        width=8,
        height=5,
    ),
    timeline(
        "It is charged",
        Query(house("loxone_wallbox_charging"), "{{name}}"),
        none=_NO_WALLBOX,
        names=looks.YES_OR_NO,
        width=8,
        height=5,
    ),
    timeline(
        "Limited by the grid's operator",
        Query(codes("loxone_wallbox_temporary_limitation", _WALLBOX_LIMITS), "{{name}}"),
        none="no wallbox of the second generation here",
        names=state_names(_WALLBOX_LIMITS),
        width=8,
        height=5,
    ),
]

_GRID: Final = [
    lines(
        "Price",
        Query(_PRICE, "{{currency}} for 1 kWh"),
        none="no price here",
        decimals=3,
    ),
    lines(
        "Carbon dioxide of the grid",
        Query(
            f"max by ({BY_HOUSE}) ({house('loxone_co2_factor_grams_per_kilowatt_hour')})",
            "for 1 kWh",
        ),
        none="no energy monitor here that knows of it",
        unit="massg",
        low=0,
    ),
    lines(
        "Load management",
        Query(house("loxone_power_managed_watts"), "{{name}}"),
        Query(house("loxone_power_limit_watts"), "{{name}}: limit"),
        none="no load manager here",
        unit="watt",
        low=0,
    ),
    lines(
        "Voltage",
        Query(house("loxone_voltage_volts"), "{{name}}"),
        none="no sensors of voltage here",
        unit="volt",
        decimals=1,
    ),
]

PAGE: Final = Page(
    uid="loxone-energy",
    title="Loxone: energy",
    description="Power now, energy by day and meter, storage, vehicles, prices.",
    sections=[
        Section("", _FIRST),
        Section("Today, yesterday, and before", _DAYS),
        Section("Power", _POWER),
        Section("Meters", _ALL_METERS),
        Section("Storage and vehicles", _STORAGE),
        Section("Grid", _GRID, is_collapsed=True),
    ],
    annotations=[frame.alerts()],
)
