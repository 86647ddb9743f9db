"""All houses together: which one is offline, since when, and where is something to be done?"""

from __future__ import annotations

from typing import Final

from dashboards import frame, looks
from dashboards.exporter import (
    CONNECTION_STATE,
    CONNECTION_STATES,
    EACH,
    failures,
    latest,
)
from dashboards.frame import Page, Section
from dashboards.looks import state_names
from dashboards.panels import Query, bars, columns, lines, stat, timeline
from dashboards.promql import (
    BY_HOUSE,
    counted,
    firing,
    firing_anywhere,
    grid_power,
    house,
    job,
    production_power,
)
from dashboards.tables import Column, table


_NO_MINISERVER: Final = "no Miniserver is configured"
_CONNECTED: Final = house("loxone:miniserver_connected")
_CRITICAL: Final = firing_anywhere(severity="critical")
_OTHER: Final = firing_anywhere('severity!="critical"')
_NOT_CONNECTED: Final = house("loxone_exporter_connection_state", 'state!="connected"')
_THAT_HOUSE: Final = (
    "${job:queryparam}&var-miniserver=${__value.text:percentencode}&${__url_time_range}"
)
_TO_HOUSE: Final = ("Show this house", f"/d/loxone-house?{_THAT_HOUSE}")
_TO_LINK: Final = ("Link of this house", f"/d/loxone-exporter?{_THAT_HOUSE}")

_STATE_OF_OFFLINE: Final = (
    f"(max by ({BY_HOUSE}, state) ({_NOT_CONNECTED} == 1) and on ({BY_HOUSE}) {_CONNECTED} == 0)"
)
_LAST_RECEIVED: Final = latest("loxone_exporter_last_received_timestamp_seconds")

_FIRST: Final = [
    stat("Houses", Query(f"count({_CONNECTED})"), none=_NO_MINISERVER),
    stat(
        "Not connected",
        Query(f"sum(1 - {_CONNECTED})"),
        none=_NO_MINISERVER,
        description="See LoxoneMiniserverUnreachable and LoxoneFleetUnreachable in docs/alerts.md.",
        steps=looks.TROUBLE,
        names={0: ("none", looks.GOOD)},
    ),
    stat(
        "Availability in 24 hours",
        Query(f"avg({house('loxone:miniserver_availability:ratio1d')})"),
        none=_NO_MINISERVER,
        description="The mean of all houses; those of the time in which the exporter itself was"
        " away do not count.",
        unit="percentunit",
        decimals=2,
        steps=looks.AVAILABILITY,
    ),
    stat(
        "Critical alerts",
        Query(f"count({_CRITICAL}) or vector(0)"),
        none="none",
        steps=looks.TROUBLE,
        names={0: ("none", looks.GOOD)},
    ),
    stat(
        "Other alerts",
        Query(f"count({_OTHER}) or vector(0)"),
        none="none",
        steps=looks.WORTH_A_LOOK,
        names={0: ("none", looks.GOOD)},
    ),
    stat(
        "Connected, by job",
        Query(job("loxone:fleet_connected:ratio"), "{{job}}"),
        none=_NO_MINISERVER,
        description="The part of the houses of each job.",
        unit="percentunit",
        decimals=0,
        steps=((None, looks.BAD), (0.5, looks.WARNING), (1, looks.GOOD)),
    ),
]

_OFFLINE: Final = [
    table(
        "Houses that are not connected",
        {"miniserver": "House", "state": "State"},
        Column("Now", _STATE_OF_OFFLINE, names={1: ("not connected", looks.BAD)}),
        Column(
            "Last byte",
            f"{_LAST_RECEIVED} * 1000 * on ({BY_HOUSE}) group_right () {_STATE_OF_OFFLINE}",
            unit="dateTimeFromNow",
        ),
        none="all are connected",
        description="Since when is told by the last byte that came; there is none if the exporter"
        " was started after that. rejected: LoxoneLoginRejected, locked_out:"
        " LoxoneMiniserverLockedOut in docs/alerts.md.",
        sort=("Last byte", False),
        label_links={"House": _TO_LINK},
        height=8,
    ),
    table(
        "Alerts that call now",
        {
            "miniserver": "House",
            "instance": "Exporter",
            "alertname": "Alert",
            "severity": "Severity",
        },
        Column(
            "How many",
            f"count by ({BY_HOUSE}, instance, alertname, severity) ({firing_anywhere()})",
            steps=looks.TROUBLE,
        ),
        none="no alerts",
        description="What to do about each is in docs/alerts.md.",
        sort=("Severity", False),
        label_links={"House": _TO_HOUSE},
        height=8,
    ),
    timeline(
        "Connections",
        Query(CONNECTION_STATE, "{{miniserver}}"),
        none=_NO_MINISERVER,
        names=state_names(CONNECTION_STATES),
        width=16,
        height=10,
    ),
    columns(
        "Why connections ended",
        Query(failures("reason"), "{{reason}}"),
        none="none ended in this time",
        description="Of all houses together, in the time of each column, five minutes or more. Each"
        " reason has its remedy in docs/troubleshooting.md.",
        decimals=0,
        step=EACH,
        width=8,
        height=10,
    ),
]

_HOUSES: Final = [
    table(
        "All houses",
        {"miniserver": "House"},
        Column("Connected", _CONNECTED, names=looks.CONNECTED),
        Column(
            "24 hours",
            house("loxone:miniserver_availability:ratio1d"),
            unit="percentunit",
            decimals=2,
            steps=looks.AVAILABILITY,
        ),
        Column(
            "30 days",
            house("loxone:miniserver_availability:ratio30d"),
            unit="percentunit",
            decimals=2,
            steps=looks.AVAILABILITY,
        ),
        Column("Alerts", f"count by ({BY_HOUSE}) ({firing()})", steps=looks.TROUBLE),
        Column(
            "Coldest against target",
            f"max by ({BY_HOUSE}) ({house('loxone:room_temperature_missing_celsius')})",
            unit="celsius",
            decimals=1,
            steps=looks.MISSING,
        ),
        Column(
            "Windows open",
            f"sum by ({BY_HOUSE}) ({house('loxone:room_window_open')})",
            steps=looks.WORTH_A_LOOK,
        ),
        Column("From the grid", grid_power(), unit="watt", decimals=1),
        Column("Production", production_power(), unit="watt", decimals=1),
        Column(
            "Clock ahead",
            latest("loxone_miniserver_clock_offset_seconds"),
            unit="s",
            decimals=1,
            steps=((None, looks.BAD), (-60, looks.GOOD), (60, looks.BAD)),
        ),
        Column("Series", latest("loxone_exporter_series"), decimals=0),
        none=_NO_MINISERVER,
        description="A click on a name shows the house.",
        sort=("Connected", False),
        label_links={"House": _TO_HOUSE},
        by_page=True,
        width=24,
        height=12,
    ),
    table(
        "Devices",
        {
            "miniserver": "House",
            "project": "Project",
            "model": "Model",
            "firmware": "Firmware",
            "serial": "Serial number",
        },
        Column(
            "Structure file of",
            f"max by ({BY_HOUSE}, project, model, firmware, serial)"
            f" ({house('loxone_miniserver_info')}) * on ({BY_HOUSE}) group_left ()"
            f" {latest('loxone_miniserver_structure_timestamp_seconds')} * 1000",
            unit="dateTimeAsIso",
        ),
        none="no Miniserver has told who it is",
        description="When somebody last saved from Loxone Config is the time of the structure"
        " file.",
        label_links={"House": _TO_HOUSE},
    ),
    bars(
        "Firmware",
        Query(
            f"sort_desc(count by (firmware) (max by ({BY_HOUSE}, firmware)"
            f" ({house('loxone_miniserver_info')})))",
            "{{firmware}}",
        ),
        none="no Miniserver has told who it is",
        description="How many houses have each.",
        width=6,
        height=9,
    ),
    bars(
        "Most series",
        Query(f"sort_desc(topk(20, {latest('loxone_exporter_series')}))", "{{miniserver}}"),
        none=_NO_MINISERVER,
        description="Which houses take how much room in Prometheus: the first 20.",
        decimals=0,
        width=6,
        height=9,
    ),
]

_OVER_TIME: Final = [
    lines(
        "Houses that are connected",
        Query(f"sum({_CONNECTED})", "connected"),
        Query(f"count({_CONNECTED})", "in all"),
        none=_NO_MINISERVER,
        low=0,
    ),
    bars(
        "From the grid in the time shown",
        Query(f"sort_desc(topk(20, {counted('import')}))", "{{miniserver}}"),
        none="no house has a meter of the grid",
        description="By house: the first 20.",
        unit="kwatth",
        decimals=0,
        width=12,
        height=9,
    ),
    lines(
        "Busiest houses",
        Query(
            f"topk(10, sum by ({BY_HOUSE})"
            f" (rate({house('loxone_exporter_events_total')}[$__rate_interval])))",
            "{{miniserver}}",
        ),
        none=_NO_MINISERVER,
        description="Events in a second: at each time the first 10.",
        unit="eps",
        low=0,
    ),
    lines(
        "Slowest houses",
        Query(
            f"topk(10, histogram_quantile(0.9, sum by ({BY_HOUSE}, le) (rate("
            f"{house('loxone_exporter_keepalive_round_trip_seconds_bucket')}"
            "[$__rate_interval])))) >= 0",
            "{{miniserver}}",
        ),
        none="no keepalive was answered in this time",
        description="Answers to keepalives: 90 % take no longer. See LoxoneMiniserverSlow in"
        " docs/alerts.md.",
        unit="s",
        low=0,
        step="2m",
    ),
]

_CONFIGURED: Final = f"max by (job) ({job('loxone_exporter_miniservers_configured')})"
_SHARDS: Final = f"max by (job) ({job('loxone_exporter_shards')})"
_LOOKED_AFTER: Final = job("loxone_exporter_connected")

_EXPORTERS: Final = [
    table(
        "Exporters",
        {"job": "Job", "instance": "Exporter"},
        Column(
            "Answers",
            f"max by (job, instance) ({job('up')})",
            names={0: ("no", looks.BAD), 1: ("yes", looks.GOOD)},
        ),
        Column("Houses", f"max by (job, instance) ({job('loxone_exporter_miniservers')})"),
        Column("Connected", f"sum by (job, instance) ({_LOOKED_AFTER})"),
        Column(
            "Memory",
            f"max by (job, instance) ({job('process_resident_memory_bytes')})",
            unit="decbytes",
            decimals=1,
        ),
        Column(
            "Scrape",
            f"max by (job, instance) ({job('loxone_exporter_scrape_duration_seconds')})",
            unit="s",
            steps=((None, looks.GOOD), (0.2, looks.WARNING), (1, looks.BAD)),
        ),
        none="no exporter answers",
        description="See LoxoneExporterDown in docs/alerts.md. Several may share a configuration:"
        " docs/prometheus.md.",
        sort=("Houses", True),
        width=16,
        height=8,
    ),
    stat(
        "Houses that no exporter looks after",
        Query(
            f"{_CONFIGURED} - (count by (job) (count by (job, miniserver) ({_LOOKED_AFTER}))"
            f" or 0 * {_CONFIGURED})",
            "{{job}}",
        ),
        none="no exporter answers",
        description="See LoxoneMiniserversUnattended in docs/alerts.md.",
        steps=looks.TROUBLE,
        names={0: ("none", looks.GOOD)},
        height=8,
    ),
    stat(
        "Houses that two exporters look after",
        Query(
            f"count by (job) (count by (job, miniserver)"
            f" ({_LOOKED_AFTER} and on (job) {_SHARDS} > 1) > 1) or 0 * {_SHARDS}",
            "{{job}}",
        ),
        none="no exporter answers",
        description="Of those that share a configuration. See LoxoneMiniserversTakenTwice in"
        " docs/alerts.md.",
        steps=looks.WORTH_A_LOOK,
        names={0: ("none", looks.GOOD)},
        height=8,
    ),
]

PAGE: Final = Page(
    uid="loxone-fleet",
    title="Loxone: fleet",
    description="All houses: which is offline, since when, and where something is to be done.",
    sections=[
        Section("", _FIRST),
        Section("What is to be done?", _OFFLINE),
        Section("Houses", _HOUSES),
        Section("Over time", _OVER_TIME),
        Section("Exporters", _EXPORTERS),
    ],
    several_houses=True,
    annotations=[frame.reboots()],
)
