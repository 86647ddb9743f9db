"""How long to wait before the next attempt."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from typing import Final

from attrs import define, field, frozen

from loxone_exporter.errors import (
    BadTextError,
    BootingError,
    BusyError,
    IdentityError,
    InsecureLoginError,
    LockedOutError,
    OutOfServiceError,
    RejectedError,
    SessionError,
    TlsError,
    TokenExpiredError,
    UpdatingError,
    UserDisabledError,
)


STABLE_AFTER: Final = 60.0
"""Seconds that a session must have lasted for the delays to start small again."""

_LOCKED_OUT_AT_LEAST = 60.0
_LOCKED_OUT_UNSTATED = 600.0
_LOCKED_OUT_AT_MOST = 86_400.0
"""A day: whatever states more than that is out of its mind."""
_STRETCHED = 1.2
"""What chance can make of a delay; it takes nothing away."""
_MAX_DOUBLINGS = 16
"""Beyond that the maximum has long been reached; without a bound the power would overflow."""


@frozen
class Pace:
    """Delays in seconds that double from failure to failure, with chance as a part of each.

    Attributes:
        initial: After the first failure.
        maximum: No delay is longer, but for chance.
    """

    initial: float
    maximum: float

    def delay(self, times: int, chance: random.Random) -> float:
        """Seconds to wait after so many failures in a row."""
        doubled = self.initial * 2.0 ** min(times - 1, _MAX_DOUBLINGS)
        return min(doubled, self.maximum) * chance.uniform(1.0, _STRETCHED)


_TROUBLE: Final = Pace(1.0, 30.0)

_PACES: Final[Mapping[type[SessionError], Pace]] = {
    BootingError: Pace(5.0, 30.0),
    OutOfServiceError: Pace(5.0, 30.0),
    UpdatingError: Pace(60.0, 60.0),
    BusyError: Pace(60.0, 600.0),
    BadTextError: Pace(5.0, 3600.0),
    TlsError: Pace(30.0, 600.0),
    TokenExpiredError: Pace(1.0, 600.0),
    IdentityError: Pace(300.0, 3600.0),
    InsecureLoginError: Pace(300.0, 3600.0),
    UserDisabledError: Pace(3600.0, 3600.0),
    RejectedError: Pace(300.0, 3600.0),
}
"""What is not here, a bug of ours included, is trouble on the network, or as good as that."""


@define
class Backoff:
    """The delays of one Miniserver (protocol reference, sections 3.8 and 7).

    Network trouble: doubling from 1 s to 30 s. A wrong password: five minutes doubling to an hour,
    for a Miniserver locks an address out that keeps trying, and with it the owner's own app. What
    takes a Miniserver its time, such as an update, is given that time. Chance has a part in each
    delay, so that many Miniservers behind one switch do not come back in step; a lock-out of stated
    length is waited for in full.
    """

    _random: random.Random = field(factory=random.Random, repr=False)
    _failures: Counter[Pace] = field(factory=Counter)

    def after_stable_session(self) -> None:
        """Start small again."""
        self._failures.clear()

    def delay(self, failure: SessionError | None) -> float:
        """Seconds to wait after a failure; None stands for a bug of ours."""
        if isinstance(failure, LockedOutError):
            stated = failure.remaining
            pause = _LOCKED_OUT_UNSTATED if stated is None else min(stated, _LOCKED_OUT_AT_MOST)
            return max(pause, _LOCKED_OUT_AT_LEAST) * self._random.uniform(1.0, 1.1)
        # The nearest of the failure's classes; the tree is small.
        pace = next((_PACES[kind] for kind in type(failure).__mro__ if kind in _PACES), _TROUBLE)
        self._failures[pace] += 1
        return pace.delay(self._failures[pace], self._random)
