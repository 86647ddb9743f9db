"""Who rewrites the configuration, well and badly, and sees what comes of it."""

from __future__ import annotations

import datetime as dt
import math
import os
import re
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import Random
from typing import Any, Final, TypeAlias

import trio
from attrs import define, field, frozen

from soak.clients import Client, client
from soak.configuration import ConfigFile
from soak.journal import Journal
from soak.observations import Departure, Observations, Reload
from soak.ordeals import Ordeal
from soak.scraping import FORMS, METRICS, Questions
from soak.sites import Site


TITLES: Final = ("configuration=removed", "configuration=client-id")
"""What is done to the configuration of single Miniservers."""

PAUSES: Final = (10.0, 40.0)
"""The shortest and the longest time in seconds between two changes."""

FAREWELL: Final = 15.0
"""Seconds after which nothing of a Miniserver may be left that was taken out."""

_PATIENCE: Final = 60.0
"""Seconds for which a change is waited for, to know how late it is noticed."""

_LOOK: Final = 0.5
_AFTERWARDS: Final = 1.0
_LAST_ERROR: Final = dt.timedelta(seconds=10)
"""For so long after a bad file was mended, the log may still speak of it."""

_STATE: Final = re.compile(
    rb"^loxone_exporter_config_last_reload_(successful|success_timestamp_seconds) (\S+)$",
    re.MULTILINE,
)

_STATE_TARGET: Final = (
    f"{METRICS}?name[]=loxone_exporter_config_last_reload_successful"
    "&name[]=loxone_exporter_config_last_reload_success_timestamp_seconds"
)

_OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "stale_after": ('"5m"', '"4m"', '"never"'),
    "text_values": ("false", "true"),
    "optional_quantities": ("false", "true"),
    "weather_forecast": ("false", "true"),
}
"""Of `[metrics]`, with values that change nothing about the plain ones."""

Spoil: TypeAlias = Callable[[bytes], bytes | None]
"""Makes a bad file of a good one; None for none at all."""

_SPOILS: Final[Mapping[str, Spoil]] = {
    "empty": lambda _good: b"",
    "gone": lambda _good: None,
    "no TOML": lambda good: good + b"[web\n",
    "cut off": lambda good: good[: len(good) * 2 // 3].rpartition(b'"')[0],
    "no UTF-8": lambda good: good + b"# \xff\xfe\n",
    "an unknown key": lambda good: good + b'colour = "red"\n',
    "a name twice": lambda good: good + good[good.index(b"[[miniservers]]") :],
    "no password file": lambda good: good.replace(b".password", b".nowhere", 1),
    "a wrong type": lambda good: good.replace(b"lifecycle = true", b'lifecycle = "yes"'),
}


@frozen
class _State:
    """What the exporter says of its configuration.

    Attributes:
        is_current: Whether the one in use is the last one that was read.
        since: When that was read, in Unix time.
    """

    is_current: bool
    since: float


IsNoticed: TypeAlias = Callable[[_State, _State], bool]
"""Whether a change shows, from what was said before and what is said now."""


def _is_newer(before: _State, now: _State) -> bool:
    return now.is_current and now.since > before.since


@define(eq=False)
class Administrator:
    """Rewrites the configuration, one change at a time.

    Attributes:
        pid: The exporter's process, once it runs.
        options: Those of `[metrics]`, as TOML.
    """

    pid: int = field(init=False, default=0)
    _file: ConfigFile
    _head: str
    _sites: Mapping[str, Site]
    _questions: Questions
    _journal: Journal
    _seen: Observations
    _absent: set[str] = field(factory=set)
    options: dict[str, str] = field(factory=dict)
    _comments: int = 0
    _turn: trio.Lock = field(factory=trio.Lock)
    _bad_times: list[tuple[dt.datetime, dt.datetime]] = field(factory=list)

    def write(self) -> bytes:
        """The configuration as it is to be."""
        options = (f"{name} = {value}" for name, value in self.options.items())
        tables = (site.toml for name, site in self._sites.items() if name not in self._absent)
        comment = f"# version {self._comments}"
        return "\n".join((comment, self._head, "[metrics]", *options, "", *tables)).encode()

    def is_expected(self, entry: Mapping[str, Any]) -> bool:
        """Whether an error in the log tells of a bad file that was there at the time."""
        time = dt.datetime.fromisoformat(entry["time"])
        is_about_it = entry["message"].startswith("configuration not reloaded")
        return is_about_it and any(begin <= time <= end for begin, end in self._bad_times)

    async def rewrite(self, what: str, chance: Random) -> None:
        """Write the configuration anew, and wait until the exporter has noticed.

        Args:
            what: What is new in it.
            chance: Decides how it is written.
        """
        async with self._turn:
            self._comments += 1
            await self._apply(what, chance)

    # By itself.

    async def run(self, chance: Random, until: float) -> None:
        """Change something now and then, until a time on trio's clock.

        Args:
            chance: Decides what.
            until: When to end.
        """
        changes = (self._touch, self._set_option, self._ask_again, self._spoil, self._spoil)
        while True:
            pause = chance.uniform(*PAUSES)
            if trio.current_time() + pause >= until:
                return
            await trio.sleep(pause)
            async with self._turn:
                await chance.choice(changes)(chance)

    async def _touch(self, chance: Random) -> None:
        """Change nothing but a comment."""
        self._comments += 1
        await self._apply("a comment", chance)

    async def _set_option(self, chance: Random) -> None:
        name = chance.choice(list(_OPTIONS))
        self.options[name] = chance.choice(_OPTIONS[name])
        self._comments += 1
        await self._apply(f"{name} = {self.options[name]}", chance)

    async def _ask_again(self, chance: Random) -> None:
        """Ask for the same once more."""

        async def ask() -> None:
            if chance.random() < 1 / 2:
                os.kill(self.pid, signal.SIGHUP)
                return
            async with client(self._questions.port) as asker:
                answer = await asker.ask("/-/reload", method="POST", headers=())
                if answer.status != 200:  # noqa: PLR2004  # as everywhere
                    self._seen.odd_probes.append(f"POST /-/reload: status {answer.status}")

        await self._change("nothing, on request", ask)

    async def _spoil(self, chance: Random) -> None:
        """Put a bad file there for a while, and then a good one again."""
        what, spoil = chance.choice(list(_SPOILS.items()))
        began = dt.datetime.now(dt.UTC)
        bad = spoil(self.write())
        await self._change(
            f"a bad file: {what}",
            lambda: self._put(bad, chance),
            is_noticed=lambda _before, now: not now.is_current,
        )
        await trio.sleep(chance.uniform(0, 10))
        await self._apply("a good file", chance)
        self._bad_times.append((began, dt.datetime.now(dt.UTC) + _LAST_ERROR))

    # As ordeals.

    def ordeals(self) -> tuple[Ordeal, ...]:
        """What it does to single Miniservers; their titles are `TITLES`."""
        removed, client_id = (title.split("=") for title in TITLES)
        return (
            Ordeal(
                name=removed[0],
                variant=removed[1],
                happen=self._remove,
                draw=_draw_seed,
                lasts=(1, 20),
                suits=self._is_dispensable,
            ),
            Ordeal(
                name=client_id[0],
                variant=client_id[1],
                happen=self._change_client,
                draw=_draw_seed,
            ),
        )

    def _is_dispensable(self, site: Site) -> bool:
        """Whether a Miniserver can be taken out; a configuration has at least one."""
        return site.name != next(iter(self._sites))

    async def _remove(self, site: Site, seed: int, seconds: float) -> None:
        """Take a Miniserver out for a while, and see that nothing of it is left."""
        chance = Random(seed)  # noqa: S311  # a game, no cryptography
        async with self._turn:
            self._absent.add(site.name)
            site.present_since = math.inf
            await self._apply(f"{site.name} removed", chance)
        left: Sequence[str] = ()
        async with client(self._questions.port) as asker:
            with trio.move_on_after(FAREWELL):
                while left := await self._what_is_left(site, asker):
                    await trio.sleep(_LOOK)
        self._seen.departures.append(Departure(site=site.name, left=tuple(left)))
        await trio.sleep(seconds)
        async with self._turn:
            self._absent.discard(site.name)
            await self._apply(f"{site.name} added", chance)
        site.present_since = trio.current_time()

    async def _what_is_left(self, site: Site, asker: Client) -> Sequence[str]:
        answer = await self._questions.scrape(asker, FORMS["text"])
        left = []
        if answer is None or f'miniserver="{site.name}"'.encode() in answer.body:
            left.append("series")
        if site.miniserver.connections:
            left.append(f"connections: {site.miniserver.connections}")
        if site.loose_tokens() or site.session is not None:
            left.append("a token")
        return left

    async def _change_client(self, site: Site, seed: int, _seconds: float) -> None:
        """Give the exporter another identity at a Miniserver."""
        chance = Random(seed)  # noqa: S311  # a game, no cryptography
        async with self._turn:
            site.client_id = f"soak-{chance.getrandbits(16):04x}"
            await self._apply(f"{site.name} with another client_id", chance)

    # How it is done.

    async def _apply(self, what: str, chance: Random) -> None:
        text = self.write()
        await self._change(what, lambda: self._put(text, chance))

    async def _put(self, text: bytes | None, chance: Random) -> None:
        """Put a file there in one way or another, and perhaps say so."""
        if text is None:
            self._file.remove()
        elif chance.random() < 1 / 2:
            self._file.swap(text)
        else:
            self._file.overwrite(text)
        await trio.sleep(chance.choice((0, 0, chance.uniform(0, 3))))
        if chance.random() < 1 / 3:
            os.kill(self.pid, signal.SIGHUP)

    async def _change(
        self, what: str, act: Callable[[], Awaitable[None]], is_noticed: IsNoticed = _is_newer
    ) -> None:
        """Change something, and note when the exporter has noticed, and what that cost."""
        undisturbed = {
            site: (site.ordeals, site.session)
            for site in self._sites.values()
            if not site.ordeal and site.session is not None
        }
        began, took = self._journal.elapsed, None
        self._journal.note("administrator", what)
        async with client(self._questions.port) as asker:
            before = await self._look(asker)
            await act()
            with trio.move_on_after(_PATIENCE):
                while not is_noticed(before, await self._look(asker)):
                    await trio.sleep(_LOOK)
                took = self._journal.elapsed - began
        await trio.sleep(_AFTERWARDS)
        lost = tuple(
            site.name
            for site, (ordeals, session) in undisturbed.items()
            if site.ordeals == ordeals and site.session is not session
        )
        reload = Reload(time=began, what=what, took=took, lost_sessions=lost)
        self._seen.reloads.append(reload)
        told = "not noticed" if took is None else f"noticed after {took:.1f} s"
        self._journal.note("administrator", f"{what}: {told}{' LOST ' if lost else ''}{lost or ''}")

    async def _look(self, asker: Client) -> _State:
        """Ask until there is an answer."""
        while True:
            answer = await self._questions.scrape(asker, FORMS["text"], _STATE_TARGET)
            if answer is not None:
                found = {name: float(value) for name, value in _STATE.findall(answer.body)}
                return _State(bool(found[b"successful"]), found[b"success_timestamp_seconds"])
            await trio.sleep(_LOOK)


def _draw_seed(chance: Random) -> int:
    return chance.getrandbits(32)
