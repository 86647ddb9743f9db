"""`check --connect`: what one login to each Miniserver shows, in words."""

from __future__ import annotations

import contextlib
import logging
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import trio
from attrs import frozen

from loxone_exporter import logs
from loxone_exporter.config.model import Config
from loxone_exporter.miniserver.network import Connect, connect_tcp
from loxone_exporter.stop import StopRequest
from loxone_exporter.survey.connection import describe_visit
from loxone_exporter.survey.facts import Fact
from loxone_exporter.survey.interruption import interruptible
from loxone_exporter.survey.terminal import Progress
from loxone_exporter.survey.visit import Visit, Watch, visit_all


@frozen
class Checked:
    """A Miniserver that was tried.

    Attributes:
        visit: How that went.
        facts: All that was learned.
    """

    visit: Visit
    facts: tuple[Fact, ...]

    @property
    def heading(self) -> str:
        """What stands above the facts."""
        return f"Miniserver {self.visit.state.name!r}"


def try_all(
    config: Config, *, purpose: str = "check", progress: Progress | None = None
) -> list[Checked]:
    """`check_all` in an event loop of its own, until it is done or a signal comes.

    Args:
        config: Whom to visit, and what to export.
        purpose: What the logins are for.
        progress: Shows how they get on; None where nobody watches.

    Raises:
        StoppedError: There was a signal.
    """
    watch = None if progress is None else progress.show

    async def check(stop: StopRequest) -> list[Checked]:
        return await check_all(config, purpose=purpose, stop=stop, watch=watch)

    return trio.run(interruptible, check)


async def check_all(
    config: Config,
    *,
    purpose: str = "check",
    connect: Connect = connect_tcp,
    stop: StopRequest | None = None,
    watch: Watch | None = None,
) -> list[Checked]:
    """Log in once to each Miniserver, to all at the same time, and say what there is to know.

    Args:
        config: Whom to visit, and what to export.
        purpose: What the logins are for.
        connect: Opens connections; tests have one of their own.
        stop: Ends it early.
        watch: Runs meanwhile.
    """
    with _collected_warnings() as warnings:
        visits = await visit_all(
            config.miniservers, purpose=purpose, connect=connect, stop=stop, watch=watch
        )
    now = time.time()
    checked = []
    for miniserver, visit in zip(config.miniservers, visits, strict=True):
        about = warnings.get(miniserver.name, ())
        facts = describe_visit(visit, miniserver, config, now=now, warnings=about)
        checked.append(Checked(visit, tuple(facts)))
    return checked


@contextlib.contextmanager
def _collected_warnings() -> Iterator[Mapping[str | None, Sequence[str]]]:
    """Keep what is logged as a warning meanwhile, by the Miniserver that it is about."""
    handler = _WarningKeeper()
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield handler.warnings
    finally:
        root.removeHandler(handler)


class _WarningKeeper(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.warnings: defaultdict[str | None, list[str]] = defaultdict(list)

    def emit(self, record: logging.LogRecord) -> None:
        self.warnings[logs.MINISERVER.get()].append(record.getMessage())
