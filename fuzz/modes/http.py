"""Clients of all sorts against the exporter's own web server, on real sockets."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, Final

import trio
from attrs import asdict, define, evolve, field

from fuzz.cases import Finding, Kind
from fuzz.client import HonestScraper, Script, Step, play
from fuzz.fronts import HOST, Front
from fuzz.house import Wing
from fuzz.mutations import cut_up, mutate
from fuzz.requests import draw_good, draw_odd
from fuzz.watch import MEBIBYTE, open_files, peak_memory, stacks, watching
from loxone_exporter.config.addresses import ListenAddress
from loxone_exporter.config.model import Config, MiniserverConfig
from loxone_exporter.config.secret import Secret
from loxone_exporter.loxone.structure import parse_structure
from loxone_exporter.state import ConnectionState, MiniserverState
from loxone_exporter.stop import StopRequest
from loxone_exporter.vitals import Vitals
from loxone_exporter.web.app import WebApp
from loxone_exporter.web.server import DRAIN, WebServer, bind


AT_A_TIME: Final = 16
"""Clients at the same time, beside the honest one."""

BUSY_DUE: Final = 1.0
"""Seconds of computing between two beats of another task."""

TIDY_DUE: Final = 10.0
"""Seconds after the last client within which nothing of them is left."""

MEMORY_DUE: Final = 48 * MEBIBYTE
"""Bytes that so many clients may take for a while."""

_BEAT: Final = 0.01
_SCRAPE_PAUSE: Final = 0.02
_REPEATED: Final = 6
"""How often a case is tried that is tried alone, all at the same time: some need company."""

_PAUSES: Final = (0.0, 0.0, 0.001, 0.005, 0.02)
_ENDS: Final[Sequence[Sequence[Step]]] = (
    ("eof",),
    ("eof",),
    ("silence", "eof"),
    ("silence",),
    (),
    ("reset",),
    ("silence", "reset"),
    ("eof", "reset"),
)


@define(eq=False)
class HttpMode:
    """See the module.

    Attributes:
        front: How the server is reached.
    """

    name: str = "http"
    what: str = "clients of all sorts against the web server, on real sockets"
    front: Front = field(factory=Front)
    share: float = 3.0
    batch: int = 64
    limit: float = 120.0

    def draw(self, chance: Random) -> Script:
        """Make up what a client does."""
        if chance.random() < 1 / 5:
            good = [draw_good(chance, self.front.login) for _ in range(chance.choice((1, 2, 6)))]
            data = b"".join(request.data for request in good)
            return Script(
                (*_in_pieces(data, chance), "answers", "eof"),
                tuple(request.method for request in good),
                tuple(request.status for request in good),
            )
        if chance.random() < 1 / 20:
            many = draw_good(chance).data * chance.choice((20, 60))
            return Script(("deaf", *_in_pieces(many, chance), 0.05, *chance.choice(_ENDS)))
        data = b"".join(draw_odd(chance) for _ in range(chance.choice((1, 1, 2, 3))))
        if chance.random() < 2 / 3:
            data = mutate(data, chance, [draw_odd(chance)])
        steps = (*_in_pieces(data, chance), *chance.choice(_ENDS))
        if not self.front.has_tls:
            return Script(steps)
        match chance.randrange(4):
            case 0:
                return Script(steps, is_raw=True)
            case 1:
                return Script(steps, spoiled_by=chance.randrange(2**32))
            case _:
                return Script(steps)

    def try_out(self, cases: Sequence[Script]) -> list[Finding]:
        """Let all clients come, some at a time."""
        scripts = list(cases) * (_REPEATED if len(cases) == 1 else 1)
        round_ = _Round(scripts, self.front)
        with watching() as watch, peak_memory() as peak:
            trio.run(round_.run)
        findings = [*round_.findings, *watch.findings(worst=logging.DEBUG)]
        if peak.bytes > MEMORY_DUE:
            title = f"{peak.bytes // MEBIBYTE} MiB for a few clients"
            findings.append(Finding(Kind.MEMORY, title))
        return findings

    def smaller(self, case: Script) -> Iterator[Script]:
        """The same with less to do, or less to send; good requests stay whole."""
        steps = list(case.steps)
        for place, step in enumerate(steps):
            if isinstance(step, float) or not case.methods:
                yield evolve(case, steps=(*steps[:place], *steps[place + 1 :]))
            if isinstance(step, bytes) and len(step) > 1 and not case.methods:
                middle = len(step) // 2
                for part in (step[:middle], step[middle:], step[:-1], step[1:]):
                    yield evolve(case, steps=(*steps[:place], part, *steps[place + 1 :]))

    def write(self, case: Script) -> Any:  # noqa: ANN401  # any JSON
        """A case as JSON; bytes as characters of the same numbers."""
        steps = [
            {"send": step.decode("latin-1")} if isinstance(step, bytes) else step
            for step in case.steps
        ]
        return {**asdict(case, recurse=False), "steps": steps}

    def read(self, document: Any) -> Script:  # noqa: ANN401  # any JSON
        """The other way round."""
        steps = [
            step["send"].encode("latin-1") if isinstance(step, dict) else step
            for step in document["steps"]
        ]
        fields = {
            **document,
            "steps": tuple(steps),
            "methods": tuple(document["methods"]),
            "statuses": tuple(document["statuses"]),
        }
        return Script(**fields)


def _in_pieces(data: bytes, chance: Random) -> Iterator[Step]:
    for piece in cut_up(data, chance, chance.choice((1, 1, 2, 3, 8))):
        yield piece
        if pause := chance.choice(_PAUSES):
            yield pause


def _settled_state() -> MiniserverState:
    """A Miniserver that is connected, with all its values."""
    wing = Wing((0, 40, 80))
    state = MiniserverState(name="home", connection=ConnectionState.CONNECTED, tried=True)
    state.replace_structure(parse_structure(wing.structure))
    state.apply_values(wing.values.items())
    state.apply_texts(wing.texts.items())
    return state


@define
class _Round:
    """A server from its start to its end, and those who come in between.

    Attributes:
        findings: What was wrong.
    """

    _scripts: Sequence[Script]
    _front: Front
    findings: list[Finding] = field(factory=list)

    async def run(self) -> None:
        """Serve, be scraped, be attacked, and be stopped."""
        miniserver = MiniserverConfig(
            name="home", host=HOST, username="exporter", password=Secret("invented")
        )
        stop, vitals = StopRequest(), Vitals()
        config = Config(web=self._front.web, miniservers=(miniserver,))
        app = WebApp.build(config, [_settled_state()], StopRequest(), vitals)
        tls = self._front.start_tls(vitals)
        sockets = bind([ListenAddress(HOST, 0)])
        port = sockets[0].getsockname()[1]
        async with trio.open_nursery() as nursery:
            await nursery.start(WebServer(app, sockets, vitals.clients, tls=tls).serve, stop)
            scraper = HonestScraper(port, self._front, b"\nloxone_control_value{")
            await scraper.scrape_once()
            tasks, files = await self._settled()
            with trio.CancelScope() as siege:
                async with trio.open_nursery() as beside:
                    beside.start_soon(scraper.scrape_for_ever, _SCRAPE_PAUSE)
                    beside.start_soon(self._beat)
                    await self._attack(port)
                    siege.cancel()
            await self._expect_nothing_left(tasks, files)
            await scraper.scrape_once()
            self.findings += scraper.findings
            stop.make()
            with trio.move_on_after(DRAIN + 4) as ending:
                while nursery.child_tasks:
                    await trio.sleep(_BEAT)
            if ending.cancelled_caught:
                self._find(Kind.HANG, "the server does not end")
                nursery.cancel_scope.cancel()

    async def _attack(self, port: int) -> None:
        limiter = trio.CapacityLimiter(AT_A_TIME)

        async def attack_once(script: Script) -> None:
            async with limiter:
                self.findings += await play(script, port, self._front)

        async with trio.open_nursery() as attackers:
            for script in self._scripts:
                attackers.start_soon(attack_once, script)

    async def _beat(self) -> None:
        """Beat, as a session's task would, and see that nothing keeps it from doing so."""
        while True:
            before = time.thread_time()
            await trio.sleep(_BEAT)
            if time.thread_time() - before > BUSY_DUE:
                self._find(Kind.HANG, "other tasks do not get their turn")

    async def _settled(self) -> tuple[int, int]:
        """How many tasks and files there are, once there are not fewer any more."""
        before, now = (-1, -1), self._counted()
        while now != before:
            await trio.sleep(5 * _BEAT)
            before, now = now, self._counted()
        return now

    async def _expect_nothing_left(self, tasks: int, files: int) -> None:
        with trio.move_on_after(TIDY_DUE):
            while self._counted()[0] > tasks or self._counted()[1] > files:
                await trio.sleep(_BEAT)
            return
        more_tasks, more_files = self._counted()[0] - tasks, self._counted()[1] - files
        if more_tasks > 0:
            self._find(Kind.LEAK, f"{more_tasks} tasks are left behind", stacks())
        if more_files > 0:
            self._find(Kind.LEAK, f"{more_files} files are left open")

    def _counted(self) -> tuple[int, int]:
        return trio.lowlevel.current_statistics().tasks_living, open_files()

    def _find(self, kind: Kind, title: str, details: str = "") -> None:
        self.findings.append(Finding(kind, title, details))
