"""All of it together: the exporter, the Miniservers, and everybody around them."""

from __future__ import annotations

import contextlib
import logging
import signal
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, TypeAlias

import trio
from attrs import define, evolve, field

from benchmarks import process
from soak import resources
from soak.administrator import Administrator
from soak.clients import FAILURES, Client, client
from soak.configuration import ConfigFile
from soak.exposition import largest_in
from soak.faults import ORDEALS
from soak.incidents import INCIDENTS
from soak.journal import Journal
from soak.log import read_log
from soak.observations import End, Observations, Rest
from soak.ordeals import Ordeal
from soak.plan import Plan
from soak.scraping import FORMS, Crowd, Lookout, Questions
from soak.sites import PLACES, Site, free_ports
from soak.torment import Tormentor, deal, settle
from soak.trials import TITLES, Trials
from soak.truth import mistakes, rows_of


TASKS: Final = "loxone_exporter_tasks"
LAG: Final = "loxone_exporter_event_loop_lag_seconds"
SCRAPE_ERRORS: Final = ("loxone_exporter_scrape_errors_total", ())

Tell: TypeAlias = Callable[[str], None]
"""Says something to who watches."""

_POLL: Final = 0.3
_BEGINNING: Final = 30.0
_SETTLING: Final = 20.0
_EVENTS_UNDER_WAY: Final = 0.5
_KILLED_AFTER: Final = 20.0
_AFTERWARDS: Final = 0.5
_MISTAKES_KEPT: Final = 20
_PROGRESS: Final = 60.0

_HEAD: Final = """
[web]
listen = ["127.0.0.1:{port}"]
lifecycle = true
"""


@contextlib.contextmanager
def _collected_errors(errors: list[str]) -> Iterator[None]:
    """Collect what the simulated Miniservers complain about, and nothing else that they say."""
    logger = logging.getLogger("loxone_exporter.simulator")
    handler, level = _OwnErrors(errors), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.ERROR)
    logger.propagate = False
    try:
        yield
    finally:
        logger.propagate = True
        logger.setLevel(level)
        logger.removeHandler(handler)


class _OwnErrors(logging.Handler):
    """Keeps records as lines."""

    def __init__(self, kept: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._kept = kept

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        error = f": {record.exc_info[1]!r}" if record.exc_info else ""
        self._kept.append(f"{record.name}: {record.getMessage()}{error}")


@define(eq=False)
class Stage:
    """One soak.

    Attributes:
        seen: What is observed.
    """

    _plan: Plan
    _folder: Path
    _journal: Journal
    _tell: Tell
    _port: int
    _sites: Mapping[str, Site]
    _config: ConfigFile
    seen: Observations = field(factory=Observations)
    _decks: Mapping[str, deque[Ordeal]] = field(init=False)
    _questions: Questions = field(init=False)
    _lookout: Lookout = field(init=False)
    _administrator: Administrator = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._questions = Questions(self._port, self._sites, self.seen)
        self._lookout = Lookout(self._questions)
        self._administrator = Administrator(
            self._config,
            _HEAD.format(port=self._port),
            self._sites,
            self._questions,
            self._journal,
            self.seen,
        )
        sites = list(self._sites.values())
        self._decks = deal(self._ordeals(), sites, self._plan.chance("deck"))

    @classmethod
    def build(cls, plan: Plan, folder: Path, journal: Journal, tell: Tell) -> Stage:
        """Build it; nothing runs yet."""
        ports = free_ports(plan.chance("ports"))
        port = next(ports)
        sites = {
            name: Site.build(name, number, ports, folder)
            for number, name in enumerate(PLACES, 1)
            if name in (plan.miniservers or PLACES)
        }
        return cls(plan, folder, journal, tell, port, sites, ConfigFile(folder / "config"))

    async def run(self) -> None:
        """Do everything; what was seen is in `seen`."""
        self._config.folder.mkdir()
        self._config.swap(self._administrator.write())
        log = self._folder / "exporter.log"
        with _collected_errors(self.seen.own_errors):
            async with trio.open_nursery() as simulators:
                for site in self._sites.values():
                    await simulators.start(site.serve)
                async with process.running(self._config.path, log) as exporter:
                    self._administrator.pid = exporter.pid
                    await self._play(exporter)
                    end = await self._stop(exporter)
                await trio.sleep(_AFTERWARDS)
                self.seen.end = self._look_at_what_is_left(end)
                simulators.cancel_scope.cancel(reason="the exporter has ended")
        resources.write(self.seen.readings, self._folder / "process.csv")
        self._read_log(log)

    def _ordeals(self) -> list[Ordeal]:
        everything = [*ORDEALS, *INCIDENTS]
        if self._plan.reloads:
            everything += self._administrator.ordeals()
        if not self._plan.only:
            return everything
        return [ordeal for ordeal in everything if ordeal.title in self._plan.only]

    # While it runs.

    async def _play(self, exporter: trio.Process) -> None:
        """Let everything go wrong, round by round, until the exporter is to be stopped."""
        async with trio.open_nursery() as background:
            background.start_soon(self._notice_end, exporter, background.cancel_scope)
            background.start_soon(self._lookout.run)
            background.start_soon(resources.Watch(exporter.pid, self._journal, self.seen).run)
            background.start_soon(self._tell_of_progress)
            await self._begin()
            await self._rest(exporter.pid)
            await self._play_rounds(exporter.pid)
            background.cancel_scope.cancel(reason="all rounds are over")

    async def _notice_end(self, exporter: trio.Process, play: trio.CancelScope) -> None:
        code = await exporter.wait()
        self.seen.ended_early = f"exit code {code} after {self._journal.elapsed:.0f} s"
        self._journal.note("soak", f"the exporter ended: {self.seen.ended_early}")
        play.cancel(reason="the exporter has ended")

    async def _begin(self) -> None:
        """Wait until every house is shown."""
        with trio.move_on_after(_BEGINNING):
            while not await self._is_there():
                await trio.sleep(_POLL)
            async with trio.open_nursery() as nursery:
                for site in self._sites.values():
                    nursery.start_soon(self._lookout.wait_for, site)
        for site in self._sites.values():
            site.present_since = trio.current_time()
            settle(site, self._questions)

    async def _is_there(self) -> bool:
        async with client(self._port) as asker:
            try:
                await asker.ask("/livez")
            except FAILURES:
                return False
            return True

    async def _play_rounds(self, pid: int) -> None:
        began = trio.current_time()
        tormentors = [
            Tormentor(
                site,
                self._decks[name],
                self._plan.chance(name),
                self._questions,
                self._lookout,
                self._journal,
                self.seen,
            )
            for name, site in self._sites.items()
        ]
        for end in self._plan.rounds:
            async with trio.open_nursery() as others:
                crowd = Crowd(self._questions, self._plan, self.seen)
                others.start_soon(crowd.run, f"until {end:g}")
                async with trio.open_nursery() as torments:
                    for tormentor in tormentors:
                        torments.start_soon(tormentor.run, began + end)
                    if self._plan.reloads:
                        chance = self._plan.chance(f"administrator until {end:g}")
                        torments.start_soon(self._administrator.run, chance, began + end)
                if self._plan.reloads:
                    await self._trials().run(self._plan.chance(f"trials until {end:g}"))
                others.cancel_scope.cancel(reason="the round is over")
            await self._rest(pid)
        played = {outage.ordeal for outage in self.seen.outages}
        titles = {ordeal.title for deck in self._decks.values() for ordeal in deck}
        self.seen.left_out = sorted(titles - played)

    def _trials(self) -> Trials:
        titles = [title for title in TITLES if title in (self._plan.only or TITLES)]
        return Trials(
            titles,
            self._sites,
            self._administrator,
            self._questions,
            self._lookout,
            self._journal,
            self.seen,
        )

    async def _rest(self, pid: int) -> None:
        """Let nothing move, and compare everything."""
        self._journal.note("soak", "rest")
        for site in self._sites.values():
            site.house.is_frozen = True
        await trio.sleep(_EVENTS_UNDER_WAY)
        async with client(self._port) as asker:
            rest = await self._look(asker, pid)
            with trio.move_on_after(_SETTLING):
                while rest is None or rest.mistakes or self._has_more(rest):
                    await trio.sleep(_POLL)
                    rest = await self._look(asker, pid) or rest
        if rest is not None:
            self.seen.rests.append(rest)
        for site in self._sites.values():
            site.house.is_frozen = False

    def _has_more(self, rest: Rest) -> bool:
        """Whether the process uses more than at the first rest, as it may for a moment."""
        return any(
            rest.reading.descriptors > first.reading.descriptors
            or (rest.tasks or 0.0) > (first.tasks or 0.0)
            for first in self.seen.rests[:1]
        )

    async def _look(self, asker: Client, pid: int) -> Rest | None:
        began = trio.current_time()
        answer = await self._questions.scrape(asker, FORMS["text"])
        scrape = await self._questions.read(answer, began) if answer is not None else None
        reading = resources.read(pid, self._journal.elapsed)
        if answer is None or scrape is None or reading is None:
            return None
        wrong: list[str] = []
        compared = 0
        sessions = {}
        for name, site in self._sites.items():
            shown = scrape.values.get(name, [])
            compared += len(shown)
            wrong += (f"{name}: {what}" for what in mistakes(rows_of(site.house), shown))
            sessions[name] = len(site.miniserver.sessions)
            site.secrets |= site.miniserver.tokens.keys()
            if any(secret.encode() in answer.body for secret in site.secrets):
                self.seen.leaks.append(f"a secret of {name} in a scrape")
        self.seen.bugs = dict(scrape.bugs)
        self.seen.exporter_lag = largest_in(LAG, scrape.counters.get("", {}))
        self.seen.scrape_errors = scrape.counters.get("", {}).get(SCRAPE_ERRORS, 0.0)
        return Rest(
            reading=reading,
            tasks=scrape.gauges.get(TASKS),
            compared=compared,
            mistakes=tuple(wrong[:_MISTAKES_KEPT]),
            loose_tokens=sum(len(site.loose_tokens()) for site in self._sites.values()),
            sessions=sessions,
        )

    async def _tell_of_progress(self) -> None:
        while True:
            await trio.sleep(_PROGRESS)
            seen = self.seen
            memory = f"{seen.readings[-1].resident:.1f} MB" if seen.readings else "no reading"
            late = sum(outage.is_late for outage in seen.outages)
            self._tell(
                f"{self._journal.elapsed / 60:.0f} min: {len(seen.outages)} outages, {late} late; "
                f"{len(seen.scrapes)} scrapes; {memory}"
            )

    # In the end.

    async def _stop(self, exporter: trio.Process) -> End:
        began = trio.current_time()
        if exporter.returncode is None:
            self._journal.note("soak", "SIGTERM")
            exporter.send_signal(signal.SIGTERM)
        code: int | None = None
        with trio.move_on_after(_KILLED_AFTER):
            code = await exporter.wait()
        if code is None:
            exporter.kill()
        return End(code=code, seconds=trio.current_time() - began)

    def _look_at_what_is_left(self, end: End) -> End:
        sites = self._sites.values()
        for site in sites:
            self.seen.commands += site.miniserver.received_in_all
            asked = (*site.miniserver.strangers, *site.strangers)
            self.seen.strangers += (f"{site.name}: {command}" for command in asked)
        return evolve(
            end,
            connections={site.name: n for site in sites if (n := site.miniserver.connections)},
            tokens={site.name: n for site in sites if (n := len(site.loose_tokens()))},
        )

    def _read_log(self, path: Path) -> None:
        secrets = {secret for site in self._sites.values() for secret in site.secrets}
        log = read_log(path, secrets, is_expected=self._administrator.is_expected)
        self.seen.log_lines = log.lines
        self.seen.complaints += log.complaints
        self.seen.leaks += log.leaks
