"""The Miniservers that are looked after right now, which a reload may change."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

import trio
from attrs import define, evolve, field, frozen

from loxone_exporter import logs
from loxone_exporter.config.model import Config, MiniserverConfig
from loxone_exporter.config.secret import Secret
from loxone_exporter.errors import FailureReason
from loxone_exporter.metrics.counted import counted_states
from loxone_exporter.miniserver.supervisor import supervise
from loxone_exporter.state import ConnectionState, MiniserverState
from loxone_exporter.stop import StopRequest


RESTART_DELAY: Final = 30.0
"""Seconds before a supervisor that has ended by a bug is started again."""

_logger = logging.getLogger(__name__)


@frozen
class Changes:
    """What another configuration changed about the Miniservers, by their names."""

    started: tuple[str, ...]
    restarted: tuple[str, ...]
    stopped: tuple[str, ...]
    kept: tuple[str, ...]

    def __str__(self) -> str:
        parts = (
            f"{what} {', '.join(names)}"
            for what, names in (
                ("started:", self.started),
                ("restarted:", self.restarted),
                ("stopped:", self.stopped),
            )
            if names
        )
        return "; ".join((*parts, f"{len(self.kept)} Miniserver(s) as before"))


@frozen(eq=False)
class _Member:
    """One Miniserver that is looked after."""

    config: MiniserverConfig
    state: MiniserverState
    stop: StopRequest
    ended: trio.Event = field(factory=trio.Event)


@define(eq=False)
class Fleet:
    """One supervisor for each configured Miniserver; nobody disturbs another.

    Args:
        nursery: Where the supervisors run.
        stop: Ends all of them, politely.
    """

    _nursery: trio.Nursery
    _stop: StopRequest
    _members: dict[str, _Member] = field(factory=dict)
    _farewells: dict[str, trio.Event] = field(factory=dict)

    @property
    def states(self) -> Sequence[MiniserverState]:
        """What is known of each, in the order of the configuration."""
        return [member.state for member in self._members.values()]

    def replace(self, config: Config) -> Changes:
        """Look after the Miniservers of a configuration.

        Those whose tables did not change keep their connection. Where a table changed, the session
        ends as at a stop, and the next one begins; what was known is kept, unless it is another
        Miniserver's now.
        """
        before, self._members = self._members, {}
        kept = []
        for miniserver in config.miniservers:
            present = before.get(miniserver.name)
            if present is not None and _terms(present.config) == _terms(miniserver):
                kept.append(miniserver.name)
                self._members[miniserver.name] = present
            else:
                self._members[miniserver.name] = self._new_member(miniserver, present)
        leaving = [member for member in before.values() if member not in self._members.values()]
        for member in leaving:
            member.stop.make()
            self._farewells[member.config.name] = member.ended
        counted = counted_states if config.metrics.activations else None
        for name, member in self._members.items():
            member.state.count(counted)
            if name not in kept:
                farewell = self._farewells.get(name)
                self._nursery.start_soon(_look_after, member, farewell, name=f"miniserver:{name}")
        return Changes(
            started=tuple(name for name in self._members if name not in before),
            restarted=tuple(n for n in self._members if n in before and n not in kept),
            stopped=tuple(name for name in before if name not in self._members),
            kept=tuple(kept),
        )

    def _new_member(self, config: MiniserverConfig, before: _Member | None) -> _Member:
        is_same = before is not None and _place(before.config) == _place(config)
        state = before.state if before and is_same else MiniserverState(name=config.name)
        return _Member(config, state, self._stop.part())


def _terms(miniserver: MiniserverConfig) -> MiniserverConfig:
    """What a session hangs on; another password in the same file is for the next login."""
    if miniserver.password_file is None:
        return miniserver
    return evolve(miniserver, password=Secret(""))


def _place(miniserver: MiniserverConfig) -> tuple[object, ...]:
    """What decides which Miniserver it is."""
    return miniserver.host, miniserver.port, miniserver.tls_port, miniserver.serial


async def _look_after(member: _Member, farewell: trio.Event | None) -> None:
    """Supervise a Miniserver until the stop, whatever becomes of its supervisor.

    Args:
        member: The Miniserver.
        farewell: Set once the supervisor of the same name before this one has ended.
    """
    logs.MINISERVER.set(member.config.name)
    if farewell is not None:
        await farewell.wait()
    while not member.stop.is_made():
        try:
            # A cancellation that leaks out of a session ends this nursery, and nothing beyond it.
            async with trio.open_nursery() as nursery:  # noqa: ASYNC112  # see above
                nursery.start_soon(supervise, member.config, member.state, member.stop)
        except* Exception:
            _logger.exception("a bug ended the supervisor")
        if not member.stop.is_made():
            _logger.critical(
                "the supervisor ended without having been asked to; starting it again in %g s",
                RESTART_DELAY,
            )
            member.state.link.failures[FailureReason.BUG] += 1
            member.state.connection = ConnectionState.BACKOFF
            with member.stop.interrupts():
                await trio.sleep(RESTART_DELAY)
    member.ended.set()
