"""The way to the Miniservers, and the exporter itself: is anything near its limits?"""

from __future__ import annotations

from typing import Final

from dashboards import frame, looks
from dashboards.frame import Page, Section
from dashboards.looks import state_names
from dashboards.panels import Query, columns, lines, stat, timeline
from dashboards.promql import BY_HOUSE, codes, firing_anywhere, house, job
from dashboards.tables import Column, table


CONNECTION_STATES: Final = {
    "disconnected": looks.OFF,
    "connecting": "light-blue",
    "authenticating": "light-blue",
    "discovering": "light-blue",
    "subscribing": "light-blue",
    "connected": looks.GOOD,
    "backoff": looks.WARNING,
    "rejected": looks.BAD,
    "locked_out": "dark-red",
}
CONNECTION_STATE: Final = codes(
    "loxone_exporter_connection_state", CONNECTION_STATES, by=f"{BY_HOUSE}, instance"
)
SILENT_FOR: Final = (
    f"time() - max by ({BY_HOUSE}) ({house('loxone_exporter_last_received_timestamp_seconds')})"
)

EACH: Final = "5m"
"""The least time of a column of events: far more than that between two scrapes."""

_NO_EXPORTER: Final = "no exporter answers"
_NO_MINISERVER: Final = "no Miniserver is configured"
_NORMAL: Final = "What is normal, and what to do if it is not, is in docs/operations.md."


def events(counter: str, by: str) -> str:
    """How often something was counted in the time of each column, in whole numbers.

    `$__rate_interval` is that time and one scrape more, if the columns are of the step `EACH`: so
    each event is in one column, and none is between two of them.

    Args:
        counter: Its series.
        by: What is told apart.
    """
    return f"round(sum by ({by}) (increase({counter}[$__rate_interval])))"


def failures(by: str) -> str:
    """How often connections ended, likewise; without what did not happen."""
    return events(house("loxone_exporter_connection_failures_total"), by) + " > 0"


def latest(name: str) -> str:
    """A gauge of each Miniserver; of two exporters that see it, the greater one."""
    return f"max by ({BY_HOUSE}) ({house(name)})"


def grown(name: str) -> str:
    """How much a counter of each Miniserver has grown in the time shown."""
    return f"sum by ({BY_HOUSE}) (increase({house(name)}[$__range]))"


def quantile(which: float, histogram: str, by: str) -> str:
    """A quantile of a histogram over time.

    Args:
        which: From 0 to 1.
        histogram: Its buckets, chosen by labels.
        by: What is told apart.
    """
    return f"histogram_quantile({which}, sum by ({by}, le) (rate({histogram}[$__rate_interval])))"


_FIRST: Final = [
    stat(
        "Exporters",
        Query(job("up"), "{{instance}}"),
        none="Prometheus knows of none",
        description="See LoxoneExporterDown and LoxoneExporterCertificateExpiring in"
        " docs/alerts.md. A click leads to its own page.",
        names={0: ("no answer", looks.BAD), 1: ("answers", looks.GOOD)},
        links={"The exporter's own page": "http://${__field.labels.instance}/"},
    ),
    stat(
        "Miniservers connected",
        Query(f"sum({house('loxone:miniserver_connected')})", "connected"),
        Query(f"count({house('loxone:miniserver_connected')})", "in all"),
        none=_NO_MINISERVER,
        description="See LoxoneMiniserverUnreachable in docs/alerts.md.",
        steps=((None, looks.BAD), (1, looks.GOOD)),
    ),
    stat(
        "Configuration",
        Query(
            f"min by (job, instance) ({job('loxone_exporter_config_last_reload_successful')})",
            "{{instance}}",
        ),
        none=_NO_EXPORTER,
        description="See LoxoneConfigurationNotReloaded in docs/alerts.md.",
        names={0: ("has mistakes", looks.BAD), 1: ("is in use", looks.GOOD)},
    ),
    stat(
        "Memory",
        Query(job("process_resident_memory_bytes"), "{{instance}}"),
        none=_NO_EXPORTER,
        description="Some 45 MB with one house of 300 controls, and 2 MB for each further one.",
        unit="decbytes",
        decimals=1,
        steps=((None, looks.GOOD), (100e6, looks.WARNING)),
    ),
    stat(
        "Scrape",
        Query(job("loxone_exporter_scrape_duration_seconds"), "{{instance}}"),
        none=_NO_EXPORTER,
        description="How long the latest scrape took. " + _NORMAL,
        unit="s",
        steps=((None, looks.GOOD), (0.2, looks.WARNING), (1, looks.BAD)),
    ),
    stat(
        "Version",
        Query(job("loxone_exporter_build_info"), "{{version}}"),
        none=_NO_EXPORTER,
        only_name=True,
        steps=((None, looks.NOTE),),
    ),
]

_LINK: Final = [
    table(
        "Miniservers",
        {"miniserver": "Miniserver"},
        Column("Connected", house("loxone:miniserver_connected"), names=looks.CONNECTED),
        Column("Last byte", SILENT_FOR, unit="s", steps=((None, looks.GOOD), (60, looks.BAD))),
        Column(
            "Last 24 hours",
            house("loxone:miniserver_availability:ratio1d"),
            unit="percentunit",
            decimals=2,
            steps=looks.AVAILABILITY,
        ),
        Column(
            "Last 30 days",
            house("loxone:miniserver_availability:ratio30d"),
            unit="percentunit",
            decimals=2,
            steps=looks.AVAILABILITY,
        ),
        Column("Connections", grown("loxone_exporter_sessions_total"), decimals=0),
        Column(
            "Reboots",
            grown("loxone_exporter_out_of_service_total"),
            decimals=0,
            steps=looks.WORTH_A_LOOK,
        ),
        Column(
            "Clock ahead",
            latest("loxone_miniserver_clock_offset_seconds"),
            unit="s",
            decimals=1,
            steps=((None, looks.BAD), (-60, looks.GOOD), (60, looks.BAD)),
        ),
        Column(
            "Token valid for",
            f"{latest('loxone_exporter_token_valid_until_timestamp_seconds')} - time()",
            unit="s",
            steps=((None, looks.WARNING), (86400, looks.GOOD)),
        ),
        Column(
            "Certificate valid for",
            f"{latest('loxone_exporter_tls_certificate_not_after_timestamp_seconds')} - time()",
            unit="s",
            steps=((None, looks.BAD), (7 * 86400, looks.GOOD)),
        ),
        none=_NO_MINISERVER,
        description="Connections and reboots are those of the time shown. See LoxoneRebootLoop,"
        " LoxoneConnectionUnstable, LoxoneClockDrift and LoxoneCertificateExpiring in"
        " docs/alerts.md.",
        sort=("Connected", False),
        width=24,
        height=8,
    ),
    timeline(
        "Connection",
        Query(CONNECTION_STATE, "{{miniserver}}"),
        none=_NO_MINISERVER,
        description="rejected: LoxoneLoginRejected, locked out: LoxoneMiniserverLockedOut in"
        " docs/alerts.md.",
        names=state_names(CONNECTION_STATES),
    ),
    columns(
        "Why connections ended",
        Query(failures(f"{BY_HOUSE}, reason"), "{{miniserver}}: {{reason}}"),
        none="none ended in this time",
        description="In the time of each column, five minutes or more. Each reason has its remedy"
        " in docs/troubleshooting.md.",
        decimals=0,
        step=EACH,
    ),
    lines(
        "Answers to keepalives",
        Query(
            quantile(0.9, house("loxone_exporter_keepalive_round_trip_seconds_bucket"), BY_HOUSE),
            "{{miniserver}}",
        ),
        none="no keepalive was answered in this time",
        description="90 % take no longer than that. See LoxoneMiniserverSlow in docs/alerts.md.",
        unit="s",
        low=0,
        step="2m",
    ),
    lines(
        "Seconds since the last byte",
        Query(SILENT_FOR, "{{miniserver}}"),
        none="nothing has come from any Miniserver yet",
        description="A keepalive comes twice in a minute. See LoxoneNothingReceived in"
        " docs/alerts.md.",
        unit="s",
        low=0,
        steps=((None, looks.GOOD), (60, looks.BAD)),
        steps_in_lines=True,
    ),
]

_TRAFFIC: Final = [
    lines(
        "Events in a second",
        Query(
            f"sum by ({BY_HOUSE}) ("
            f"rate({house('loxone_exporter_events_total')}[$__rate_interval]))",
            "{{miniserver}}",
        ),
        none=_NO_MINISERVER,
        description="States that Miniservers told. " + _NORMAL,
        unit="eps",
        low=0,
    ),
    lines(
        "Received",
        Query(
            f"sum by ({BY_HOUSE}) ("
            f"rate({house('loxone_exporter_received_bytes_total')}[$__rate_interval]))",
            "{{miniserver}}",
        ),
        none=_NO_MINISERVER,
        unit="Bps",
        low=0,
    ),
    lines(
        "Series",
        Query(latest("loxone_exporter_series"), "{{miniserver}}"),
        Query(f"sum by (job, instance) ({house('loxone_exporter_excess_series')})", "left out"),
        none=_NO_MINISERVER,
        description="What is left out is beyond `[metrics] max_series`. See"
        " LoxoneSeriesLimitReached in docs/alerts.md.",
        low=0,
    ),
    lines(
        "Controls",
        Query(latest("loxone_exporter_controls_discovered"), "{{miniserver}}: in the house"),
        Query(latest("loxone_exporter_controls_exported"), "{{miniserver}}: with values"),
        none=_NO_MINISERVER,
        description="See LoxoneNothingExported in docs/alerts.md.",
        low=0,
    ),
    table(
        "Oddities",
        {"miniserver": "Miniserver"},
        Column("Unknown states", latest("loxone_exporter_unknown_states")),
        Column("Unknown codes", latest("loxone_exporter_unknown_codes")),
        Column("Renamed controls", latest("loxone_exporter_controls_renamed")),
        Column("Duplicate series", latest("loxone_exporter_duplicate_series")),
        Column("Structure problems", latest("loxone_exporter_structure_problems")),
        Column("Not finite", grown("loxone_exporter_non_finite_values_total"), decimals=0),
        Column("Not readable", grown("loxone_exporter_undecodable_messages_total"), decimals=0),
        Column("Structure changes", grown("loxone_exporter_structure_changes_total"), decimals=0),
        none=_NO_MINISERVER,
        description=_NORMAL,
        width=24,
        height=7,
    ),
]

_PROCESS: Final = [
    lines(
        "Event loop: how late",
        Query(
            quantile(0.5, job("loxone_exporter_event_loop_lag_seconds_bucket"), "job, instance"),
            "{{instance}}: half",
        ),
        Query(
            quantile(0.99, job("loxone_exporter_event_loop_lag_seconds_bucket"), "job, instance"),
            "{{instance}}: 99 %",
        ),
        none=_NO_EXPORTER,
        description="See LoxoneExporterOverloaded in docs/alerts.md.",
        unit="s",
        low=0,
        steps=((None, looks.GOOD), (0.1, looks.BAD)),
        steps_in_lines=True,
    ),
    lines(
        "CPU",
        Query(f"rate({job('process_cpu_seconds_total')}[$__rate_interval])", "{{instance}}"),
        none=_NO_EXPORTER,
        description="Of one core.",
        unit="percentunit",
        low=0,
    ),
    lines(
        "Memory",
        Query(job("process_resident_memory_bytes"), "{{instance}}"),
        none=_NO_EXPORTER,
        unit="decbytes",
        low=0,
    ),
    lines(
        "Scrapes",
        Query(job("loxone_exporter_scrape_duration_seconds"), "{{instance}}: in the exporter"),
        Query(job("scrape_duration_seconds"), "{{instance}}: as Prometheus sees it"),
        none=_NO_EXPORTER,
        description="See LoxoneScrapeErrors in docs/alerts.md for scrapes that lack something.",
        unit="s",
        low=0,
    ),
    lines(
        "Connections and tasks",
        Query(job("loxone_exporter_connections"), "{{instance}}: HTTP connections"),
        Query(job("loxone_exporter_tasks"), "{{instance}}: tasks"),
        none=_NO_EXPORTER,
        description="`[web] max_connections` are allowed, 128 by default. See"
        " LoxoneConnectionsRefused in docs/alerts.md.",
        low=0,
    ),
    columns(
        "Clients that were sent away",
        Query(
            events(job("loxone_exporter_connections_refused_total"), "job, instance"),
            "{{instance}}: refused",
        ),
        Query(
            events(job("loxone_exporter_connections_cut_off_total"), "job, instance, reason"),
            "{{instance}}: {{reason}}",
        ),
        none=_NO_EXPORTER,
        description="In the time of each column, five minutes or more. What the reasons mean is in"
        " docs/operations.md.",
        decimals=0,
        step=EACH,
    ),
    lines(
        "Open files",
        Query(
            f"{job('process_open_fds')} / {job('process_max_fds')}",
            "{{instance}}",
        ),
        none=_NO_EXPORTER,
        description="The part of those that the system allows.",
        unit="percentunit",
        low=0,
        steps=((None, looks.GOOD), (0.8, looks.BAD)),
        steps_in_lines=True,
    ),
    lines(
        "Messages that wait",
        Query(latest("loxone_exporter_queued_messages"), "{{miniserver}}"),
        none=_NO_MINISERVER,
        description="5 at most. If it is above 0 for long, the exporter needs more CPU.",
        low=0,
    ),
]

PAGE: Final = Page(
    uid="loxone-exporter",
    title="Loxone: link and exporter",
    description="Connections to the Miniservers, what comes over them, and the exporter itself.",
    sections=[
        Section("", _FIRST),
        Section("The way to the Miniservers", _LINK),
        Section("What comes from them", _TRAFFIC),
        Section("The exporter", _PROCESS),
    ],
    since="now-6h",
    several_houses=True,
    annotations=[frame.reboots(), frame.connections(), frame.alerts(firing_anywhere())],
)
