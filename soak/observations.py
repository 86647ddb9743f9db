"""What was seen; `verdicts.py` says what is wrong with it."""

from __future__ import annotations

from collections import Counter

from attrs import define, field, frozen


@frozen(kw_only=True)
class Outage:
    """How a Miniserver fared in an ordeal, and the exporter with it.

    All times are in seconds since the beginning.

    Attributes:
        site: The Miniserver.
        ordeal: What it was put to.
        began: When that began.
        returned: When it was over.
        recovered: When the exporter showed the house as it was; None where it did not.
        bound: Seconds from the return within which it has to.
        why: Why that is not the ordinary bound.
        lost_tokens: How many tokens were left behind in the Miniserver.
        may_lose_tokens: Whether that is the Miniserver's own doing.
    """

    site: str
    ordeal: str
    began: float
    returned: float
    recovered: float | None
    bound: float
    why: str = ""
    lost_tokens: int = 0
    may_lose_tokens: bool = False

    @property
    def took(self) -> float | None:
        """Seconds from the return to the recovery."""
        return None if self.recovered is None else self.recovered - self.returned

    @property
    def is_late(self) -> bool:
        """Whether the exporter was not back within the bound."""
        return self.took is None or self.took > self.bound


@frozen(kw_only=True)
class Reading:
    """What the kernel knows of the exporter's process at a moment.

    Attributes:
        time: In seconds since the beginning.
        resident: Resident memory in MB of 2^20 bytes.
        descriptors: How many files it has open, sockets included.
        sockets: How many sockets.
        threads: How many threads.
        cpu: CPU time that it has used, in seconds.
    """

    time: float
    resident: float
    descriptors: int
    sockets: int
    threads: int
    cpu: float


@frozen(kw_only=True)
class Rest:
    """A moment at which all was well, and nothing moved.

    Attributes:
        reading: What the kernel knows.
        tasks: How many tasks the exporter says that it has; None where it does not say.
        compared: How many values were compared with the houses.
        mistakes: What the exporter showed that was not so, or did not show.
        loose_tokens: How many tokens Miniservers had that no session used.
        sessions: How many sessions each Miniserver had, by name.
    """

    reading: Reading
    tasks: float | None
    compared: int
    mistakes: tuple[str, ...] = ()
    loose_tokens: int = 0
    sessions: dict[str, int] = field(factory=dict)


@frozen(kw_only=True)
class Reload:
    """A change of the configuration.

    Attributes:
        time: In seconds since the beginning.
        what: What was done.
        took: Seconds until the exporter showed that it had taken note; None where it did not.
        lost_sessions: Miniservers that had not changed, and lost their session.
    """

    time: float
    what: str
    took: float | None
    lost_sessions: tuple[str, ...] = ()


@frozen(kw_only=True)
class Departure:
    """A Miniserver that was taken out of the configuration.

    Attributes:
        site: Its name.
        left: What of it was left behind: connections, tokens, series.
    """

    site: str
    left: tuple[str, ...] = ()


@frozen(kw_only=True)
class Naming:
    """A change of names in the configuration.

    Attributes:
        what: Who is called what.
        wrong: What was not as it should be afterwards.
    """

    what: str
    wrong: tuple[str, ...] = ()


@frozen(kw_only=True)
class Withdrawal:
    """How long values were shown of a Miniserver that was gone.

    Attributes:
        site: The Miniserver.
        stale_after: For how many seconds they were to be shown.
        took: Seconds after which they were not shown any more; None where they still were.
        is_back: Whether they were shown again after its return.
    """

    site: str
    stale_after: float
    took: float | None
    is_back: bool


@frozen(kw_only=True)
class End:
    """How the exporter's process ended.

    Attributes:
        code: Its exit code; None where it had to be killed.
        seconds: From the signal to the end.
        connections: How many connections were left at each Miniserver a second later, where any.
        tokens: How many tokens were left in each, but for those that are known to be lost.
    """

    code: int | None
    seconds: float
    connections: dict[str, int] = field(factory=dict)
    tokens: dict[str, int] = field(factory=dict)


@define(kw_only=True)
class Observations:
    """All of it.

    Attributes:
        outages: How the Miniservers fared.
        left_out: Titles of ordeals for which there was no time.
        readings: Of the process, each second.
        rests: Moments of rest; the first one is before anything went wrong.
        scrapes: Seconds that each scrape took.
        unanswered: Scrapes that were not answered as they should be.
        unparseable: Scrapes that no Prometheus would accept.
        fallen: Counters that fell.
        halves: Scrapes that showed half a house.
        parsed: How many scrapes were read to the last line.
        probes: How many other questions were asked.
        odd_probes: Those that were not answered as they should be.
        hostilities: How often what was done to the HTTP server.
        reloads: Changes of the configuration.
        departures: Miniservers that were taken out of it.
        namings: Changes of names in it.
        withdrawals: How long values of Miniservers were shown that were gone.
        loose_tokens: Tokens that no session used some seconds after a recovery.
        strangers: What Miniservers were asked that is not on the closed list.
        commands: How many commands they received.
        bugs: Failures that the exporter counted as bugs of its own, by Miniserver.
        scrape_errors: Scrapes that lacked something because of a bug.
        log_lines: How many lines the exporter's log has.
        complaints: Lines of the log that should not be there.
        leaks: Where secrets were found.
        own_errors: What went wrong in the simulated Miniservers themselves.
        ended_early: How the exporter's process ended before it was asked to; empty where it did
            not.
        end: How it ended.
        lag: The most seconds that this process itself was late.
        exporter_lag: The most seconds that the exporter says it was late, rounded up to one of its
            buckets.
    """

    outages: list[Outage] = field(factory=list)
    left_out: list[str] = field(factory=list)
    readings: list[Reading] = field(factory=list)
    rests: list[Rest] = field(factory=list)
    scrapes: list[float] = field(factory=list)
    unanswered: list[str] = field(factory=list)
    unparseable: list[str] = field(factory=list)
    fallen: list[str] = field(factory=list)
    halves: list[str] = field(factory=list)
    parsed: int = 0
    probes: int = 0
    odd_probes: list[str] = field(factory=list)
    hostilities: Counter[str] = field(factory=Counter)
    reloads: list[Reload] = field(factory=list)
    departures: list[Departure] = field(factory=list)
    namings: list[Naming] = field(factory=list)
    withdrawals: list[Withdrawal] = field(factory=list)
    loose_tokens: list[str] = field(factory=list)
    strangers: list[str] = field(factory=list)
    commands: int = 0
    bugs: dict[str, float] = field(factory=dict)
    scrape_errors: float = 0.0
    log_lines: int = 0
    complaints: list[str] = field(factory=list)
    leaks: list[str] = field(factory=list)
    own_errors: list[str] = field(factory=list)
    ended_early: str = ""
    end: End | None = None
    lag: float = 0.0
    exporter_lag: float = 0.0
