"""The same seed, the same events: chance, clock and order of tasks in the hands of a case."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Awaitable, Callable, Iterator
from random import Random
from typing import Any, Final, TypeVar
from unittest import mock

import trio
from Crypto.PublicKey import RSA
from trio.testing import MockClock


EPOCH: Final = 1_780_000_000.0
"""Unix time at which simulated time begins."""

_KEY_SEED: Final = 1

Result = TypeVar("Result")


def _steady_bytes(size: int) -> bytes:
    """What pads and blinds RSA, which a key does anew now and then, and not each time."""
    return b"\x55" * size


@contextlib.contextmanager
def chance_of(seed: int) -> Iterator[None]:
    """Let keys, tokens and trio's order of tasks depend on the seed alone."""
    chance = Random(seed)
    scheduler = trio._core._run  # noqa: SLF001  # as hypothesis does it; there is no public way
    make_key = functools.partial(RSA.generate, randfunc=Random(_KEY_SEED).randbytes)
    scheduler._r.seed(seed)  # noqa: SLF001  # likewise
    with (
        mock.patch("secrets.token_bytes", chance.randbytes),
        mock.patch("Crypto.Random.get_random_bytes", _steady_bytes),
        mock.patch("Crypto.PublicKey.RSA.generate", make_key),
        mock.patch.object(scheduler, "_ALLOW_DETERMINISTIC_SCHEDULING", new=True),
    ):
        yield


def run_simulated(seed: int, work: Callable[..., Awaitable[Result]], *args: Any) -> Result:  # noqa: ANN401  # those of work
    """Run something in simulated time, in which a day passes as soon as nobody does anything."""
    clock = MockClock(autojump_threshold=0)

    def now() -> float:
        return EPOCH + clock.current_time()

    with chance_of(seed), mock.patch("time.time", now):
        return trio.run(work, *args, clock=clock)
