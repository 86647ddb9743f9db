"""Sessions over real sockets, in real time: short ones, and what they leave behind."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from random import Random
from typing import Any, Final

import trio
from attrs import define, evolve, field, frozen

from fuzz.cases import Finding, Kind, exception_finding
from fuzz.house import Wing, number_of_controls
from fuzz.watch import open_files, watching
from fuzz.wire.scrambler import Change, ScrambledStream, Scrambler
from loxone_exporter.config.model import MiniserverConfig
from loxone_exporter.config.secret import Secret
from loxone_exporter.errors import SessionError, leaves
from loxone_exporter.miniserver.conversation import Conversation
from loxone_exporter.miniserver.memory import SessionMemory
from loxone_exporter.miniserver.network import connect_tcp
from loxone_exporter.miniserver.session import Sessions
from loxone_exporter.simulator.miniserver import SimulatedMiniserver
from loxone_exporter.simulator.profiles import PROFILES
from loxone_exporter.state import MiniserverState
from loxone_exporter.stop import StopRequest


HOST: Final = "127.0.0.1"
USERNAME = PASSWORD = "exporter"  # noqa: S105  # invented

SESSION: Final = 0.5
"""Seconds that a session may last before it is stopped."""

STOP_DUE: Final = 10.0
"""Seconds that a stop may take on a busy machine; in simulated time it is held to half of that."""

VISIT_DUE: Final = 20.0
"""Likewise, what an honest Miniserver may take to tell everything."""

TIDY_DUE: Final = 10.0
"""Likewise, until nothing is left of all that."""

_PROFILE: Final = "gen1-16"
_TICK: Final = 0.02


@frozen
class SocketsCase:
    """A session: what the house has, as places in the demo house, and what is done to its bytes."""

    controls: tuple[int, ...]
    changes: tuple[Change, ...]


@define(eq=False)
class SocketsMode:
    """See the module."""

    name: str = "sockets"
    what: str = "short sessions over real sockets"
    share: float = 1.0
    batch: int = 8
    limit: float = 120.0

    def draw(self, chance: Random) -> SocketsCase:
        """Make up a session."""
        controls = chance.sample(range(number_of_controls()), 2)
        count = 1 + min(int(chance.expovariate(0.8)), 6)
        return SocketsCase(tuple(controls), tuple(Change.draw(chance) for _ in range(count)))

    def try_out(self, cases: Sequence[SocketsCase]) -> list[Finding]:
        """Have the sessions, all at the same time."""
        with watching() as watch:
            findings = trio.run(_try_all, cases)
        return [*findings, *watch.findings(worst=logging.WARNING)]

    def smaller(self, case: SocketsCase) -> Iterator[SocketsCase]:
        """The same with a change less."""
        for place in range(len(case.changes)):
            yield evolve(case, changes=case.changes[:place] + case.changes[place + 1 :])

    def write(self, case: SocketsCase) -> Any:  # noqa: ANN401  # any JSON
        """A case as JSON."""
        return {"controls": case.controls, "changes": [change.write() for change in case.changes]}

    def read(self, document: Any) -> SocketsCase:  # noqa: ANN401  # any JSON
        """The other way round."""
        changes = tuple(Change(*change) for change in document["changes"])
        return SocketsCase(tuple(document["controls"]), changes)


async def _try_all(cases: Sequence[SocketsCase]) -> Sequence[Finding]:
    findings: list[Finding] = []
    await trio.to_thread.run_sync(int)  # the thread for names is there from now on
    tasks, files = _counted()
    async with trio.open_nursery() as nursery:
        for case in cases:
            nursery.start_soon(_Trial(case, findings).run)
    with trio.move_on_after(TIDY_DUE):
        while _counted()[0] > tasks or _counted()[1] > files:
            await trio.sleep(_TICK)
        return findings
    more_tasks, more_files = _counted()[0] - tasks, _counted()[1] - files
    return [*findings, Finding(Kind.LEAK, f"{more_tasks} tasks, {more_files} files left behind")]


def _counted() -> tuple[int, int]:
    return trio.lowlevel.current_statistics().tasks_living, open_files()


@define(eq=False)
class _Trial:
    _case: SocketsCase
    _findings: list[Finding]
    _scrambler: Scrambler = field(init=False)
    _wing: Wing = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._scrambler = Scrambler.of(self._case.changes)
        self._wing = Wing(self._case.controls)

    async def run(self) -> None:
        """Have a scrambled session, and an honest one."""
        profile = PROFILES[_PROFILE]
        miniserver = SimulatedMiniserver(
            self._wing, username=USERNAME, password=PASSWORD, profile=profile
        )
        (listener,) = await trio.open_tcp_listeners(0, host=HOST)
        async with trio.open_nursery() as nursery:
            handle = partial(self._handle, miniserver)
            nursery.start_soon(partial(trio.serve_listeners, handle, [listener]))
            config = MiniserverConfig(
                name="home",
                host=HOST,
                port=listener.socket.getsockname()[1],
                serial=profile.serial,
                tls="off",
                username=USERNAME,
                password=Secret(PASSWORD),
            )
            await self._have_session(config)
            self._scrambler.is_calm = True
            await self._have_visit(config)
            nursery.cancel_scope.cancel()

    async def _handle(self, miniserver: SimulatedMiniserver, stream: trio.SocketStream) -> None:
        scrambled = ScrambledStream(stream, self._scrambler)
        try:
            await miniserver.handle(scrambled)
            await scrambled.outlast_client()
        finally:
            await trio.aclose_forcefully(stream)

    async def _have_session(self, config: MiniserverConfig) -> None:
        stop, sessions = StopRequest(), self._sessions(config)
        ended = trio.Event()

        async def session() -> None:
            await self._expect_session_error(partial(sessions.run, config.password, stop))
            ended.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(session)
            with trio.move_on_after(SESSION):
                await ended.wait()
            stop.make()
            with trio.move_on_after(STOP_DUE) as stopping:
                await ended.wait()
            if stopping.cancelled_caught:
                self._find(Kind.HANG, "a stop takes longer than it may")
            nursery.cancel_scope.cancel()

    async def _have_visit(self, config: MiniserverConfig) -> None:
        sessions = self._sessions(config)
        with trio.move_on_after(VISIT_DUE) as visit:
            await self._expect_session_error(
                partial(sessions.visit, config.password, StopRequest(), _look_at_nothing)
            )
        state, wing = sessions.state, self._wing
        if visit.cancelled_caught:
            self._find(Kind.HANG, "an honest Miniserver takes longer than it may")
        elif state.values != wing.values or state.texts != wing.texts:
            self._find(Kind.LOST, "an honest Miniserver is not told the truth of")

    async def _expect_session_error(self, session: Callable[[], Awaitable[None]]) -> None:
        """Have a session, which may fail as sessions do, and in no other way."""
        try:
            await session()
        except* SessionError as group:
            for error in leaves(group, SessionError):
                str(error).encode()
        except* Exception as group:  # noqa: BLE001  # whatever is not foreseen is what is sought
            self._findings.append(exception_finding(Kind.BUG, group))

    def _sessions(self, config: MiniserverConfig) -> Sessions:
        return Sessions(config, MiniserverState(name="home"), SessionMemory(), connect_tcp)

    def _find(self, kind: Kind, title: str) -> None:
        self._findings.append(Finding(kind, title))


async def _look_at_nothing(_: Conversation) -> None:
    await trio.lowlevel.checkpoint()
