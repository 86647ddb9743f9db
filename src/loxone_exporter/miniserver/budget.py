"""How often a password may be tried: a Miniserver bans who tries wrong ones (section 3.8)."""

from __future__ import annotations

import math
from typing import Final

from attrs import define, field

from loxone_exporter.config.secret import Secret


BETWEEN_ATTEMPTS: Final = 300.0
"""Seconds after a password that was not accepted; they double with each further one."""

LONGEST_WAIT: Final = 3600.0

AFTER_EXCUSE: Final = 60.0
"""Seconds after an attempt whose failure had another reason than the password."""

_MAX_DOUBLINGS = 16


@define
class LoginBudget:
    """Counts attempts with a password of which it is not known that the Miniserver accepted them.

    An attempt that was not answered counts like a rejected one: the Miniserver may have counted
    it. A password that is not the last one that was tried may be tried at once, for somebody has
    corrected it; but not a second one within the minute.
    """

    _attempts: int = 0
    _tried: Secret | None = field(default=None, repr=False)
    _last: float = -math.inf
    _next: float = -math.inf
    _corrected: float = -math.inf

    def spend(self, password: Secret, now: float) -> None:
        """Note that a password is about to be tried; at worst, it is the wrong one."""
        if password != self._tried:
            if self._attempts:
                self._corrected = now
            self._attempts, self._tried = 0, password
        pause = BETWEEN_ATTEMPTS * 2.0 ** min(self._attempts, _MAX_DOUBLINGS)
        self._attempts += 1
        self._last, self._next = now, now + min(pause, LONGEST_WAIT)

    def accept(self) -> None:
        """Note that the password was the right one."""
        self._attempts = 0
        self._next = -math.inf

    def excuse(self) -> None:
        """Note that the attempt failed for another reason than the password."""
        self._attempts = max(self._attempts - 1, 0)
        self._next = self._last + AFTER_EXCUSE

    def wait(self, password: Secret, now: float) -> float:
        """Seconds until this password may be tried."""
        due = self._next if password == self._tried else self._corrected + AFTER_EXCUSE
        return max(due - now, 0.0)
