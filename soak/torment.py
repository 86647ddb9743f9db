"""Who puts Miniservers to their ordeals, and measures how soon the exporter is back."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Final

import trio
from attrs import define, field

from soak.faults import ORDEALS
from soak.journal import Journal
from soak.observations import Observations, Outage
from soak.ordeals import Ordeal
from soak.scraping import Lookout, Questions
from soak.sites import Site
from soak.truth import rows_of


PAUSES: Final = (1.0, 6.0)
"""The shortest and the longest time in seconds that a Miniserver is left alone, mostly."""

CALM: Final = 63.0
"""Seconds after which the exporter's pauses start small again, and some more."""

CALM_SHARE: Final = 0.15
"""How often it is left alone for as long as that."""

CORRECTION: Final = 302.0
"""Seconds after a rejected password was corrected until the next correction is tried at once, and
some more."""

SLOW: Final = 100.0
"""An ordeal with a longer bound is begun only where it ends within the round."""

_OVERTIME: Final = 60.0
"""Seconds beyond the bound for which a recovery is waited for, to know how late it is."""

_DROP: Final = next(ordeal for ordeal in ORDEALS if ordeal.title == "drop")


@define(eq=False)
class Tormentor:
    """Puts one Miniserver to one ordeal after the other."""

    _site: Site
    _deck: deque[Ordeal]
    _chance: Random
    _questions: Questions
    _lookout: Lookout
    _journal: Journal
    _seen: Observations
    _recovered_at: float = field(factory=trio.current_time)
    _corrected_at: float = -math.inf
    _was_calm: bool = False
    _last: str = "the beginning"
    _may_lose_tokens: bool = False

    async def run(self, until: float) -> None:
        """Go on until a time on trio's clock, and then until all is well again."""
        while True:
            pause = self._chance.uniform(*PAUSES)
            left = until - trio.current_time()
            if self._chance.random() < CALM_SHARE and left > CALM:
                pause = CALM
            if pause >= left:
                return
            await trio.sleep(pause)
            self._look_for_loose_tokens()
            ordeal = self._next(until)
            if ordeal is None:
                return
            if ordeal.needs_calm:
                await trio.sleep_until(self._recovered_at + CALM)
            await self._put_through(ordeal)
            if ordeal.refuses_tokens:
                # Before two tokens in a row were refused, the new one is used.
                await self._put_through(_DROP)

    def _next(self, until: float) -> Ordeal | None:
        """Take the next one that can be played now; the others keep their places."""
        for ordeal in self._deck:
            if self._fits(ordeal, until):
                self._deck.remove(ordeal)
                self._deck.append(ordeal)
                self._was_calm = ordeal.needs_calm
                return ordeal
        return None

    def _fits(self, ordeal: Ordeal, until: float) -> bool:
        """Whether an ordeal can be played now, and does not take too long."""
        begin = trio.current_time()
        if ordeal.needs_calm:
            begin = max(begin, self._recovered_at + CALM)
            if self._was_calm:
                return False
        if ordeal.corrects_password and begin < self._corrected_at + CORRECTION:
            return False
        end = begin + ordeal.lasts[1]
        bound = ordeal.bound_at(self._site).seconds
        return end <= until and (bound <= SLOW or end + bound <= until)

    async def _put_through(self, ordeal: Ordeal) -> None:
        """Put the Miniserver to an ordeal, and wait until the exporter is back."""
        site, journal = self._site, self._journal
        value, lasts = ordeal.draw(self._chance), self._chance.uniform(*ordeal.lasts)
        shown = "" if value is None or value is True else f" {value!r}"
        journal.note(site.name, f"{ordeal.title}{shown} for {lasts:.1f} s")
        began, site.ordeal, site.ordeals = journal.elapsed, ordeal.title, site.ordeals + 1
        if ordeal.changes_series:
            site.settled_since = math.inf
        await ordeal.happen(site, value, lasts)
        if ordeal.corrects_password:
            self._corrected_at = trio.current_time()

        returned, bound = journal.elapsed, ordeal.bound_at(site)
        await site.testify()
        recovered = await self._wait_until_back(bound.seconds + _OVERTIME)
        lost = self._count_lost_tokens()
        outage = Outage(
            site=site.name,
            ordeal=ordeal.title,
            began=began,
            returned=returned,
            recovered=recovered,
            bound=bound.seconds,
            why=bound.why,
            lost_tokens=lost,
            may_lose_tokens=ordeal.may_lose_tokens,
        )
        self._seen.outages.append(outage)
        journal.note(site.name, _tell(outage))
        self._recovered_at = trio.current_time()
        self._last, self._may_lose_tokens = ordeal.title, ordeal.may_lose_tokens
        if recovered is not None and math.isinf(site.settled_since):
            settle(site, self._questions)
        site.ordeal = ""

    async def _wait_until_back(self, seconds: float) -> float | None:
        with trio.move_on_after(seconds):
            await self._lookout.wait_for(self._site)
            return self._journal.elapsed
        return None

    def _look_for_loose_tokens(self) -> None:
        """Look some seconds after a recovery, when nothing of it can be under way any more."""
        lost = self._count_lost_tokens()
        if lost and not self._may_lose_tokens:
            self._seen.loose_tokens.append(f"{self._site.name}: after {self._last}")

    def _count_lost_tokens(self) -> int:
        """Count tokens that nobody uses, once; all tokens are secrets from now on."""
        site = self._site
        site.secrets |= site.miniserver.tokens.keys()
        if site.session is None:
            return 0  # it is being lost, or found, right now
        lost = site.loose_tokens()
        site.orphans += lost
        return len(lost)


def settle(site: Site, questions: Questions) -> None:
    """Note that what is shown of a Miniserver is its house as it is from now on."""
    questions.expect(site, sum(1 for _ in rows_of(site.house)))
    site.settled_since = trio.current_time()


def _tell(outage: Outage) -> str:
    told = "not back" if outage.took is None else f"back after {outage.took:.1f} s"
    if outage.is_late:
        told += f", and that is late: {outage.bound:g} s"
    if outage.lost_tokens:
        told += f"; tokens lost: {outage.lost_tokens}"
    return f"{outage.ordeal}: {told}"


def deal(
    ordeals: Iterable[Ordeal], sites: Sequence[Site], chance: Random
) -> Mapping[str, deque[Ordeal]]:
    """Deal ordeals out: each is at one Miniserver before any is at a second one.

    Returns:
        For each Miniserver, by name, all ordeals that suit it, in an order of its own.
    """
    shuffled = list(ordeals)
    chance.shuffle(shuffled)
    decks: dict[str, deque[Ordeal]] = {site.name: deque() for site in sites}
    for shift in range(len(sites)):
        for place, ordeal in enumerate(shuffled):
            site = sites[(place + shift) % len(sites)]
            if ordeal.suits(site):
                decks[site.name].append(ordeal)
    return decks
