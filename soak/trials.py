"""What is tried at the end of each round, when all is well: other names, and an earlier end."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Final

import trio
from attrs import define

from soak.administrator import Administrator
from soak.clients import client
from soak.journal import Journal
from soak.observations import Naming, Observations, Withdrawal
from soak.scraping import FORMS, VALUES_ONLY, Lookout, Questions
from soak.sites import Site


RENAMED: Final = "configuration=renamed"
SWAPPED: Final = "configuration=swapped"
STALE: Final = "configuration=stale-after"

TITLES: Final = (RENAMED, SWAPPED, STALE)

STALE_AFTER: Final = 10.0
"""Seconds; the configuration has them as `[metrics] stale_after`."""

_OTHER_NAME: Final = "renamed"
_PATIENCE: Final = 60.0
_AWAY: Final = 4 * STALE_AFTER
_LOOK: Final = 0.2


@define(eq=False)
class Trials:
    """Tries one thing after the other; nothing else happens to the Miniservers meanwhile."""

    _titles: Sequence[str]
    _sites: Mapping[str, Site]
    _administrator: Administrator
    _questions: Questions
    _lookout: Lookout
    _journal: Journal
    _seen: Observations

    async def run(self, chance: Random) -> None:
        """Do all that was asked for.

        Args:
            chance: Decides which Miniservers are concerned.
        """
        sites = chance.sample(list(self._sites.values()), len(self._sites))
        if RENAMED in self._titles:
            with _disturbed(RENAMED, sites[:1]):
                await self._call({sites[0]: _OTHER_NAME}, chance)
                await self._call({sites[0]: sites[0].name}, chance)
        if SWAPPED in self._titles and len(sites) > 1:
            first, second = sites[:2]
            with _disturbed(SWAPPED, sites[:2]):
                await self._call({first: second.name, second: first.name}, chance)
                await self._call({first: first.name, second: second.name}, chance)
        if STALE in self._titles:
            with _disturbed(STALE, sites[:1]):
                await self._withdraw(sites[0], chance)

    async def _call(self, names: Mapping[Site, str], chance: Random) -> None:
        """Change names in the configuration, and see that everybody is shown under the new one."""
        what = ", ".join(f"{site.label} is {name}" for site, name in names.items())
        gone = {site.label for site in names} - set(names.values())
        for number, (site, name) in enumerate(names.items(), 1):
            site.label = name
            for _ in range(number):  # no two of them say the same
                await site.testify()
        await self._administrator.rewrite(what, chance)
        wrong = list(await self._wait_until_all_are_shown(names))
        async with client(self._questions.port) as asker:
            answer = await self._questions.scrape(asker, FORMS["text"])
        if answer is None:
            wrong.append("no scrape")
        else:
            wrong += (f"series of {name}" for name in gone if _label(name) in answer.body)
        for site in names:
            site.secrets |= site.miniserver.tokens.keys()
            if len(site.miniserver.sessions) > 1:
                wrong.append(f"{len(site.miniserver.sessions)} sessions of {site.label}")
            if site.loose_tokens():
                wrong.append(f"tokens of {site.label}")
        self._seen.namings.append(Naming(what=what, wrong=tuple(wrong)))
        self._journal.note("trial", f"{what}: {', '.join(wrong) or 'well'}")

    async def _wait_until_all_are_shown(self, sites: Mapping[Site, str]) -> Iterator[str]:
        missing = {site.label for site in sites}

        async def wait_for(site: Site) -> None:
            await self._lookout.wait_for(site)
            missing.discard(site.label)

        with trio.move_on_after(_PATIENCE):
            async with trio.open_nursery() as nursery:
                for site in sites:
                    nursery.start_soon(wait_for, site)
        return (f"{label} is not shown" for label in missing)

    async def _withdraw(self, site: Site, chance: Random) -> None:
        """Have values withdrawn soon, and a Miniserver go away."""
        options = self._administrator.options
        before = options.get("stale_after")
        options["stale_after"] = f'"{STALE_AFTER:g}s"'
        await self._administrator.rewrite(f"stale_after = {STALE_AFTER:g} s", chance)
        await site.testify()
        await self._lookout.wait_for(site)
        site.faults.booting = True
        await site.drop()
        took = await self._time_until_nothing_is_shown(site)
        site.faults.booting = False
        await site.testify()
        returned = await self._wait_until_all_are_shown({site: site.label})
        withdrawal = Withdrawal(
            site=site.name, stale_after=STALE_AFTER, took=took, is_back=not list(returned)
        )
        self._seen.withdrawals.append(withdrawal)
        self._journal.note("trial", f"{site.name} withdrawn after {took} s")
        options.pop("stale_after")
        if before is not None:
            options["stale_after"] = before
        await self._administrator.rewrite("stale_after as before", chance)

    async def _time_until_nothing_is_shown(self, site: Site) -> float | None:
        began = trio.current_time()
        async with client(self._questions.port) as asker:
            with trio.move_on_after(_AWAY):
                while True:
                    asked = trio.current_time()
                    answer = await self._questions.scrape(asker, FORMS["text"], VALUES_ONLY)
                    if answer is not None and _label(site.label) not in answer.body:
                        return asked - began
                    await trio.sleep(_LOOK)
        return None


def _label(miniserver: str) -> bytes:
    return f'miniserver="{miniserver}"'.encode()


@contextlib.contextmanager
def _disturbed(title: str, sites: Sequence[Site]) -> Iterator[None]:
    """Expect nothing of some Miniservers for a while."""
    for site in sites:
        site.ordeal, site.ordeals, site.present_since = title, site.ordeals + 1, math.inf
    try:
        yield
    finally:
        for site in sites:
            site.ordeal, site.label, site.present_since = "", site.name, trio.current_time()
