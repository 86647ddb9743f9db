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
from loxone_exporter.miniserver.budget import LoginBudget
from loxone_exporter.miniserver.supervisor import supervise
from loxone_exporter.state import ConnectionState, MiniserverState
from loxone_exporter.stop import StopRequest


RESTART_DELAY: Final = 30.0
"""Seconds before a supervisor that has ended by a bug is started again."""

FAREWELL_DEADLINE: Final = 10.0
"""Seconds for which the supervisor before is waited for; its own stop takes half of that."""

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
    """One Miniserver that is looked after.

    Attributes:
        config: How it is reached, and as whom.
        state: What is known of it.
        stop: Ends the sessions with it, politely.
        budget: How often the password may be tried; it outlives supervisors, and the table that
            they go by.
        ended: Set when the last session has ended.
    """

    config: MiniserverConfig
    state: MiniserverState
    stop: StopRequest
    budget: LoginBudget = field(factory=LoginBudget)
    ended: trio.Event = field(factory=trio.Event)


@frozen(eq=False)
class _Leaver:
    """What has to be known of one that is not looked after any more until its last session ends.

    Nothing of what it said is among it, which may be megabytes.
    """

    config: MiniserverConfig
    ended: trio.Event


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
    _leaving: list[_Leaver] = field(factory=list)

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
        for miniserver in config.miniservers:
            present = before.get(miniserver.name)
            is_kept = present is not None and _terms(present.config) == _terms(miniserver)
            self._members[miniserver.name] = (
                present if present and is_kept else self._new_member(miniserver, present)
            )
        kept = [name for name, member in self._members.items() if before.get(name) is member]
        self._leaving = [leaver for leaver in self._leaving if not leaver.ended.is_set()]
        for name, member in before.items():
            if name not in kept:
                member.stop.make()
                self._leaving.append(_Leaver(member.config, member.ended))
        for name, member in self._members.items():
            if name not in kept:
                self._start(member)
        return Changes(
            started=tuple(name for name in self._members if name not in before),
            restarted=tuple(n for n in self._members if n in before and n not in kept),
            stopped=tuple(name for name in before if name not in self._members),
            kept=tuple(kept),
        )

    def count(self, config: Config) -> None:
        """Count what the states of all Miniservers do, as a configuration says."""
        counted = counted_states if config.metrics.activations else None
        for state in self.states:
            state.count(counted)

    def _new_member(self, config: MiniserverConfig, before: _Member | None) -> _Member:
        if before is None or _place(before.config) != _place(config):
            return _Member(config, MiniserverState(name=config.name), self._stop.part())
        return _Member(config, before.state, self._stop.part(), before.budget)

    def _start(self, member: _Member) -> None:
        # Under whatever name: a Miniserver should not see two sessions of ours.
        place = _place(member.config)
        farewells = [
            leaver.ended
            for leaver in self._leaving
            if leaver.config.name == member.config.name or _place(leaver.config) == place
        ]
        name = f"miniserver:{member.config.name}"
        self._nursery.start_soon(_look_after, member, farewells, name=name)


def _terms(miniserver: MiniserverConfig) -> MiniserverConfig:
    """What a session hangs on; another password in the same file is for the next login."""
    if miniserver.password_file is None:
        return miniserver
    return evolve(miniserver, password=Secret(""))


def _place(miniserver: MiniserverConfig) -> tuple[object, ...]:
    """What decides which Miniserver it is."""
    return miniserver.host, miniserver.port, miniserver.tls_port, miniserver.serial


async def _supervise(member: _Member) -> None:
    await supervise(member.config, member.state, member.stop, budget=member.budget)


async def _look_after(member: _Member, farewells: Sequence[trio.Event]) -> None:
    """Supervise a Miniserver until the stop, whatever becomes of its supervisor.

    Args:
        member: The Miniserver.
        farewells: Set once the supervisors before this one have ended.
    """
    logs.MINISERVER.set(member.config.name)
    with trio.move_on_after(FAREWELL_DEADLINE):
        for farewell in farewells:
            await farewell.wait()
    while not member.stop.is_made():
        try:
            # A cancellation that leaks out of a session ends this nursery, and nothing beyond it.
            async with trio.open_nursery() as nursery:  # noqa: ASYNC112  # see above
                nursery.start_soon(_supervise, member)
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
