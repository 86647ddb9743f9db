"""How long, by which seed, and with what."""

from __future__ import annotations

from random import Random
from typing import Final

from attrs import frozen


LONGEST_ROUND: Final = 600.0
"""Seconds after which everything rests, and is compared."""

_MINUTE: Final = 60.0


@frozen(kw_only=True)
class Plan:
    """What is to be done.

    Attributes:
        minutes: For how long things go wrong; a little more passes until all is well again.
        seed: Decides everything that is chance.
        reloads: Whether the configuration is rewritten.
        only: Titles of the ordeals to which Miniservers are put; all of them if empty.
        miniservers: Names of those that take part; all of them if empty.
    """

    minutes: float
    seed: int
    reloads: bool = True
    only: tuple[str, ...] = ()
    miniservers: tuple[str, ...] = ()

    def chance(self, who: str) -> Random:
        """The chance of one of those who take part; it does not depend on what others draw."""
        return Random(f"{self.seed}/{who}")  # noqa: S311  # a game, no cryptography

    @property
    def seconds(self) -> float:
        """The same time in seconds."""
        return self.minutes * _MINUTE

    @property
    def rounds(self) -> tuple[float, ...]:
        """When the rounds end, in seconds after the beginning of the first."""
        count = max(1, round(self.seconds / LONGEST_ROUND))
        return tuple(self.seconds * number / count for number in range(1, count + 1))

    @property
    def command(self) -> str:
        """What repeats it."""
        parts = [f"nox -s soak -- --minutes {self.minutes:g} --seed {self.seed}"]
        parts += [] if self.reloads else ["--no-reloads"]
        parts += [f"--miniservers {' '.join(self.miniservers)}"] if self.miniservers else []
        parts += [f"--only {' '.join(self.only)}"] if self.only else []
        return " ".join(parts)
