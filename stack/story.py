"""What happens: the Miniserver is killed, the owner is told, it comes back, the owner is told."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import trio
from attrs import define, field, frozen

from stack.files import Ports, write_files
from stack.programs import Programs, require_programs, wait_until
from stack.receiver import Notice, Receiver


MINISERVER: Final = "home"
EXPECTED: Final = "LoxoneMiniserverUnreachable"

_ALERT: Final = f'ALERTS{{alertname="{EXPECTED}", miniserver="{MINISERVER}", alertstate="%s"}}'
_CONNECTED: Final = f'loxone_exporter_connected{{miniserver="{MINISERVER}"}} == %d'


@frozen
class Moment:
    """Something that happened.

    Attributes:
        what: In words.
        at: When, by the monotonic clock.
    """

    what: str
    at: float


@define
class Story:
    """What happened, as far as it has.

    Attributes:
        receiver: Whom Alertmanager tells.
        moments: What happened, in order.
    """

    receiver: Receiver
    moments: list[Moment] = field(factory=list)
    _killed: float = math.inf

    async def play(self, folder: Path) -> None:
        """Start all programs, let the Miniserver go and come back, and end them.

        Args:
            folder: An empty one.

        Raises:
            StackError: Something did not happen; in a group.
        """
        require_programs()
        ports = Ports.choose()
        webhook = self.receiver.url
        write_files(folder, ports, miniserver=MINISERVER, webhook=webhook)
        async with trio.open_nursery() as nursery:
            programs = Programs(folder, ports, nursery)
            simulator = await programs.start_simulator()
            await programs.start_exporter()
            await programs.start_alertmanager()
            await programs.start_prometheus()
            self._tell("all programs run")
            await self._until(
                lambda: programs.ask(_CONNECTED % 1), "Prometheus sees the Miniserver connected"
            )
            simulator.kill()
            self._killed = time.monotonic()
            self._tell("the Miniserver is killed")
            await self._until(
                lambda: programs.ask(_CONNECTED % 0), "Prometheus sees that it is gone"
            )
            await self._until(lambda: programs.ask(_ALERT % "firing"), "the alert fires")
            await self._until(lambda: self._heard(is_resolved=False), "the owner is told")
            await programs.start_simulator()
            self._tell("the Miniserver is back")
            await self._until(
                lambda: programs.ask(_CONNECTED % 1), "Prometheus sees it connected again"
            )
            await self._until(
                lambda: self._heard(is_resolved=True), "the owner is told that it is over"
            )
            nursery.cancel_scope.cancel(reason="all has been told")

    def others(self) -> Sequence[Notice]:
        """What else the owner was told of this Miniserver, after it was killed."""
        return [
            notice
            for notice in self.receiver.notices
            if notice.at > self._killed
            and notice.miniserver == MINISERVER
            and notice.alert != EXPECTED
        ]

    async def _until(self, holds: Callable[[], Awaitable[bool]], what: str) -> None:
        await wait_until(holds, what)
        self._tell(what)

    async def _heard(self, *, is_resolved: bool) -> bool:
        await trio.lowlevel.checkpoint()
        return any(
            (notice.alert, notice.miniserver, notice.is_resolved)
            == (EXPECTED, MINISERVER, is_resolved)
            for notice in self.receiver.notices
        )

    def _tell(self, what: str) -> None:
        self.moments.append(Moment(what, time.monotonic()))


def format_table(story: Story) -> Iterator[str]:
    """What happened when, a line each: seconds from the start, and since the line before."""
    told = [
        Moment(f"  message: {_describe(notice)}", notice.at) for notice in story.receiver.notices
    ]
    moments = sorted((*story.moments, *told), key=lambda moment: moment.at)
    yield f"{'after':>9} {'since':>8}  what"
    before = start = moments[0].at if moments else 0.0
    for moment in moments:
        yield f"{moment.at - start:>7.1f} s {moment.at - before:>+6.1f} s  {moment.what}"
        before = moment.at


def _describe(notice: Notice) -> str:
    status = "resolved" if notice.is_resolved else "firing"
    return f"{notice.alert}, {status}: {notice.summary}"
