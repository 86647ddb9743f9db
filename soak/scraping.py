"""Who asks the exporter: those who watch it, those who scrape, and those who mean no good."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from random import Random
from typing import Final

import trio
from attrs import define, field

from benchmarks.scraper import HEADERS, HOST, Answer, Headers
from soak.clients import FAILURES, Client, client, explain
from soak.exposition import PLAIN_VALUE, Ledger, Scrape, read_scrape
from soak.houses import WITNESS_TYPE, Evidence
from soak.observations import Observations
from soak.packets import PACKETS
from soak.plan import Plan
from soak.sites import Site
from soak.truth import rows_of


METRICS: Final = "/metrics"
VALUES_ONLY: Final = f"{METRICS}?name[]={PLAIN_VALUE}"
TARGETS: Final = (METRICS, METRICS, VALUES_ONLY, f"{METRICS}?name[]=loxone_exporter_connected")

FORMS: Final[Mapping[str, Headers]] = {
    "as Prometheus": HEADERS,
    "text": (("Accept", "text/plain"),),
    "text, compressed": (("Accept", "text/plain;version=0.0.4"), ("Accept-Encoding", "gzip")),
    "OpenMetrics": (("Accept", "application/openmetrics-text; version=1.0.0"),),
    "anything": (("Accept", "*/*"), ("Accept-Encoding", "br, gzip;q=0.5, *;q=0")),
    "nothing said": (),
    "nonsense": (("Accept", "text/plain;version=abc, ;q=x,,"), ("Accept-Encoding", ";;q=")),
}
"""Headers of scrapes."""

PROBES: Final[Mapping[tuple[str, str], frozenset[int]]] = {
    ("GET", "/"): frozenset({200}),
    ("GET", "/healthz"): frozenset({200, 503}),
    ("GET", "/livez"): frozenset({200}),
    ("GET", "/-/healthy"): frozenset({200}),
    ("GET", "/readyz"): frozenset({200}),
    ("GET", "/-/ready"): frozenset({200}),
    ("HEAD", "/livez"): frozenset({200}),
    ("HEAD", METRICS): frozenset({200}),
    ("POST", METRICS): frozenset({405}),
    ("DELETE", "/livez"): frozenset({405}),
    ("GET", "/-/reload"): frozenset({405}),
    ("GET", "/openapi.json"): frozenset({200}),
    ("GET", "/metrics?miniserver=nobody"): frozenset({404}),
    ("GET", "/nowhere"): frozenset({404}),
    ("GET", "/metrics/../etc"): frozenset({404}),
}
"""Questions, and the statuses that may answer them."""

PERIOD: Final = 5.0
"""Seconds between two scrapes of who asks as Prometheus does."""

_LOOK: Final = 0.5
_CROWD: Final = 20
"""How many hostile clients come at a time, at most; more would fill the server, which is not what
this is about."""
_UNREAD: Final = 5
_SMALL_BUFFER: Final = 2048
_READ_SIZE: Final = 2**16


@define(eq=False)
class Questions:
    """Asks the exporter, and notes what is wrong with the answers.

    Attributes:
        port: The exporter's.
        last: The scrape that was read last.
    """

    port: int
    _sites: Mapping[str, Site]
    _seen: Observations
    last: Scrape = field(factory=Scrape, init=False)
    _counts: dict[str, int] = field(factory=dict, init=False)
    _reading: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(1), init=False)

    async def scrape(
        self, asker: Client, headers: Headers = HEADERS, target: str = METRICS
    ) -> Answer | None:
        """Scrape once; what came, or None where that was nothing good."""
        began = trio.current_time()
        try:
            answer = await asker.ask(target, headers=headers)
        except FAILURES as error:
            await asker.aclose()
            self._seen.unanswered.append(explain(error))
            return None
        if answer.status != 200:  # noqa: PLR2004  # as everywhere
            self._seen.unanswered.append(f"status {answer.status}")
            return None
        self._seen.scrapes.append(trio.current_time() - began)
        return answer

    async def read(
        self, answer: Answer, began: float, ledger: Ledger | None = None
    ) -> Scrape | None:
        """Read a scrape, and look at it; None where it cannot be read.

        Args:
            answer: The scrape.
            began: When it was asked for.
            ledger: The counters that the asker saw last.
        """
        try:
            scrape = await trio.to_thread.run_sync(read_scrape, answer, limiter=self._reading)
        except ValueError as error:
            self._seen.unparseable.append(f"{answer.content_type}: {error}")
            return None
        self._seen.parsed += 1
        self.last = scrape
        if ledger is not None:
            self._seen.fallen += ledger.enter(scrape.counters, began, self._since)
        for name, site in self._sites.items():
            self._compare_size(site, len(scrape.values.get(name, ())), began)
        return scrape

    def expect(self, site: Site, count: int) -> None:
        """Note how many values the house of a Miniserver has."""
        self._counts[site.name] = count

    def _since(self, miniserver: str, name: str) -> float:
        """From when on counters of a Miniserver go on from where they were."""
        site = self._sites.get(miniserver)
        if site is None:
            return 0.0
        is_own = name.startswith("loxone_exporter_")
        return site.present_since if is_own else max(site.present_since, site.settled_since)

    def _compare_size(self, site: Site, shown: int, began: float) -> None:
        expected = self._counts.get(site.name)
        is_settled = max(site.settled_since, site.present_since) <= began
        if is_settled and expected is not None and shown not in {0, expected}:
            self._seen.halves.append(f"{site.name}: {shown} of {expected} values ({site.ordeal})")


@define(eq=False)
class Lookout:
    """Looks out for what witnesses say, in one scrape after the other."""

    _questions: Questions
    _awaited: dict[str, tuple[bytes, int, trio.Event]] = field(factory=dict, init=False)

    async def run(self) -> None:
        """Scrape while somebody waits, for ever."""
        async with client(self._questions.port) as asker:
            while True:
                await trio.sleep(_LOOK)
                if self._awaited:
                    await self._look(asker)

    async def _look(self, asker: Client) -> None:
        answer = await self._questions.scrape(asker, FORMS["text"], VALUES_ONLY)
        if answer is None:
            return
        for site, (line, count, event) in list(self._awaited.items()):
            if line in answer.body and answer.body.count(f'miniserver="{site}"'.encode()) == count:
                event.set()

    async def wait_for(self, site: Site) -> None:
        """Wait until a scrape shows what a witness says now, and as many values as there are."""
        event = trio.Event()
        label = site.label
        line = evidence_line(label, site.house.evidence)
        self._awaited[label] = line, sum(1 for _ in rows_of(site.house)), event
        try:
            await event.wait()
        finally:
            del self._awaited[label]


def evidence_line(site: str, evidence: Evidence) -> bytes:
    """The line of a scrape that shows it."""
    return (
        f'\nloxone_control_value{{category="",miniserver="{site}",name="{evidence.name}",room="",'
        f'subcontrol="value",type="{WITNESS_TYPE}"}} {evidence.value}\n'
    ).encode()


@define(eq=False)
class Crowd:
    """All who ask, each with a chance of their own."""

    _questions: Questions
    _plan: Plan
    _seen: Observations

    async def run(self, when: str) -> None:
        """Ask, until cancelled.

        Args:
            when: Decides, with the seed, what is chance.
        """
        everybody: Mapping[str, Callable[[Random], Awaitable[None]]] = {
            "prometheus": self._be_prometheus,
            "scraper": self._scrape_oddly,
            "probe": self._probe,
            "attacker": self._attack,
            "stalled": self._stall,
            "idle": self._idle,
        }
        async with trio.open_nursery() as nursery:
            for who, work in everybody.items():
                nursery.start_soon(work, self._plan.chance(f"{who} {when}"), name=who)

    async def _be_prometheus(self, _chance: Random) -> None:
        """Scrape as Prometheus does, over one connection."""
        async with client(self._questions.port) as asker:
            await self._scrape_for_ever(asker, lambda: (PERIOD, HEADERS, METRICS))

    async def _scrape_oddly(self, chance: Random) -> None:
        """Scrape in any form, and mostly over new connections."""
        forms = list(FORMS.values())
        async with client(self._questions.port) as asker:

            def draw() -> tuple[float, Headers, str]:
                return chance.uniform(1, 6), chance.choice(forms), chance.choice(TARGETS)

            await self._scrape_for_ever(asker, draw, lambda: chance.random() < 2 / 3)

    async def _scrape_for_ever(
        self,
        asker: Client,
        draw: Callable[[], tuple[float, Headers, str]],
        is_through: Callable[[], bool] = lambda: False,
    ) -> None:
        ledger = Ledger()
        while True:
            pause, headers, target = draw()
            await trio.sleep(pause)
            began = trio.current_time()
            answer = await self._questions.scrape(asker, headers, target)
            if answer is not None:
                await self._questions.read(answer, began, ledger)
            if is_through():
                await asker.aclose()

    async def _probe(self, chance: Random) -> None:
        questions = list(PROBES.items())
        async with client(self._questions.port) as asker:
            while True:
                await trio.sleep(chance.uniform(0.5, 3))
                (method, target), statuses = chance.choice(questions)
                self._seen.probes += 1
                try:
                    answer = await asker.ask(target, method=method, headers=())
                except FAILURES as error:
                    await asker.aclose()
                    self._seen.odd_probes.append(f"{method} {target}: {explain(error)}")
                    continue
                if answer.status not in statuses:
                    self._seen.odd_probes.append(f"{method} {target}: status {answer.status}")

    async def _attack(self, chance: Random) -> None:
        packets = list(PACKETS.items())
        while True:
            await trio.sleep(chance.uniform(1, 8))
            name, packet = chance.choice(packets)
            count = chance.choice((1, 1, 1, _CROWD))
            self._seen.hostilities[f"packet: {name}"] += count
            async with trio.open_nursery() as nursery:
                for _ in range(count):
                    nursery.start_soon(self._send, packet, chance.uniform(0, 5))

    async def _send(self, packet: bytes, patience: float) -> None:
        """Send a packet, and read the answer for a while."""

        async def talk(stream: trio.SocketStream) -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(partial(self._read_all, stream))
                await stream.send_all(packet)

        await self._with_connection(talk, patience)

    async def _read_all(self, stream: trio.SocketStream) -> None:
        while await stream.receive_some(_READ_SIZE):
            pass

    async def _stall(self, chance: Random) -> None:
        """Ask for a lot and read nothing of it, a few at a time."""

        async def talk(stream: trio.SocketStream) -> None:
            await stream.send_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * _UNREAD)
            await trio.sleep_forever()

        await self._come_and_go(chance, "stalled reader", talk, 5, 50)

    async def _idle(self, chance: Random) -> None:
        """Connect, and say nothing."""

        async def talk(_stream: trio.SocketStream) -> None:
            await trio.sleep_forever()

        await self._come_and_go(chance, "idle connection", talk, 1, 100)

    async def _come_and_go(
        self,
        chance: Random,
        name: str,
        talk: Callable[[trio.SocketStream], Awaitable[None]],
        shortest: float,
        longest: float,
    ) -> None:
        async with trio.open_nursery() as nursery:
            while True:
                await trio.sleep(chance.uniform(5, 20))
                for _ in range(chance.randint(1, 4)):
                    self._seen.hostilities[name] += 1
                    stay = chance.uniform(shortest, longest)
                    nursery.start_soon(self._with_connection, talk, stay)

    async def _with_connection(
        self, talk: Callable[[trio.SocketStream], Awaitable[None]], stay: float
    ) -> None:
        """Have a connection with a small receive buffer, for so long at most."""
        with trio.move_on_after(stay):
            opened = trio.socket.socket()
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER)
            async with trio.SocketStream(opened) as stream:
                try:
                    await opened.connect((HOST, self._questions.port))
                    await talk(stream)
                except* (OSError, trio.BrokenResourceError):
                    pass  # the server has had enough of it
