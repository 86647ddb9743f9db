"""One visit to each Miniserver: log in, learn its structure and its states, log out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import trio
from attrs import evolve, frozen

from loxone_exporter import logs
from loxone_exporter.config.model import MiniserverConfig
from loxone_exporter.errors import SessionError
from loxone_exporter.metrics.counted import counted_states
from loxone_exporter.miniserver.memory import SessionMemory
from loxone_exporter.miniserver.network import Connect, connect_tcp
from loxone_exporter.miniserver.session import Sessions
from loxone_exporter.miniserver.supervisor import most_telling
from loxone_exporter.state import MiniserverState


LONGEST: Final = 60.0
"""Seconds after which a visit is given up; a large house on an old Miniserver takes a few."""


@frozen
class Visit:
    """How a visit went.

    Attributes:
        state: What is known now.
        failure: Why nothing, or not everything, was learned; empty where all went well.
    """

    state: MiniserverState
    failure: str


async def visit_all(
    miniservers: Sequence[MiniserverConfig], *, connect: Connect = connect_tcp
) -> list[Visit]:
    """Visit Miniservers, all at the same time.

    Each is told another client than the exporter's, so that the token of an exporter that runs
    meanwhile stays as it is.

    Args:
        miniservers: Whom to visit.
        connect: Opens connections; tests have one of their own.
    """
    visits: dict[str, Visit] = {}

    async def visit(miniserver: MiniserverConfig) -> None:
        visits[miniserver.name] = await _visit(miniserver, connect)

    async with trio.open_nursery() as nursery:
        for miniserver in miniservers:
            nursery.start_soon(visit, miniserver)
    return [visits[miniserver.name] for miniserver in miniservers]


async def _visit(miniserver: MiniserverConfig, connect: Connect) -> Visit:
    logs.MINISERVER.set(miniserver.name)
    state = MiniserverState(name=miniserver.name, counted_states=counted_states)
    visitor = evolve(miniserver, client_id=f"{miniserver.client_id} discover")
    sessions = Sessions(visitor, state, SessionMemory(), connect)
    failure = ""
    try:
        with trio.fail_after(LONGEST):
            await sessions.visit(visitor.password)
    except* SessionError as group:
        failure = str(most_telling(group))
    except* trio.TooSlowError:
        failure = f"it took longer than {LONGEST:.0f} s"
    return Visit(state, failure)
