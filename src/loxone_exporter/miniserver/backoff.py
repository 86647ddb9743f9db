"""How long to wait before the next attempt."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Final

from attrs import define, field

from loxone_exporter.errors import (
    BootingError,
    BusyError,
    LockedOutError,
    OutOfServiceError,
    RejectedError,
    SessionError,
    UpdatingError,
)


STABLE_AFTER: Final = 60.0
"""Seconds that a session must have lasted for the delays to start small again."""

_INITIAL = 1.0
_MAXIMUM = 30.0
_LOCKED_OUT_AT_LEAST = 60.0
_LOCKED_OUT_UNSTATED = 600.0
_LOCKED_OUT_AT_MOST = 86_400.0
"""A day: whatever states more than that is out of its mind."""
_REJECTED_INITIAL = 300.0
_REJECTED_MAXIMUM = 3600.0
_AT_LEAST: Final[Mapping[type[SessionError], float]] = {
    BootingError: 5.0,
    OutOfServiceError: 5.0,
    UpdatingError: 60.0,
    BusyError: 60.0,
}
_MAX_DOUBLINGS = 16
"""Beyond that the maximum has long been reached; without a bound the power would overflow."""


@define
class Backoff:
    """The delays of one Miniserver (protocol reference, sections 3.8 and 7).

    Network trouble: doubling from 1 s to 30 s. A wrong password: five minutes doubling to an hour,
    for a Miniserver locks an address out that keeps trying, and with it the owner's own app. What
    takes a Miniserver its time, such as an update, is given at least that time. Chance has a part
    in each delay, so that many Miniservers behind one switch do not come back in step; a lock-out
    of stated length is waited for in full.
    """

    _random: random.Random = field(factory=random.Random, repr=False)
    _failures: int = 0
    _rejections: int = 0

    def after_stable_session(self) -> None:
        """Start small again."""
        self._failures = self._rejections = 0

    def delay(self, failure: SessionError | None) -> float:
        """Seconds to wait after a failure; None stands for a bug of ours."""
        if isinstance(failure, LockedOutError):
            stated = failure.remaining
            pause = _LOCKED_OUT_UNSTATED if stated is None else min(stated, _LOCKED_OUT_AT_MOST)
            return max(pause, _LOCKED_OUT_AT_LEAST) * self._random.uniform(1.0, 1.1)
        if isinstance(failure, RejectedError):
            self._rejections += 1
            longest = _doubled(_REJECTED_INITIAL, self._rejections, _REJECTED_MAXIMUM)
            return longest * self._random.uniform(1.0, 1.1)
        self._failures += 1
        longest = _doubled(_INITIAL, self._failures, _MAXIMUM)
        delay = longest * self._random.uniform(0.5, 1.0)
        for kind, at_least in _AT_LEAST.items():
            if isinstance(failure, kind):
                delay = max(delay, at_least * self._random.uniform(1.0, 1.5))
        return delay


def _doubled(initial: float, times: int, maximum: float) -> float:
    return min(initial * 2.0 ** min(times - 1, _MAX_DOUBLINGS), maximum)
