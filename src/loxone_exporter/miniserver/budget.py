"""How often a password may be tried: a Miniserver bans who tries wrong ones (section 3.8)."""

from __future__ import annotations

import math
from collections import deque
from typing import Final

from attrs import define, evolve, field, frozen

from loxone_exporter.config.secret import Secret


BETWEEN_ATTEMPTS: Final = 300.0
"""Seconds after a password that was not accepted; they double with each further one."""

LONGEST_WAIT: Final = 3600.0

AFTER_EXCUSE: Final = 60.0
"""Seconds after an attempt whose failure had another reason than the password; they double with
each further one before a password is accepted."""

LONGEST_EXCUSE: Final = BETWEEN_ATTEMPTS
"""Seconds to which they grow: what gets on in the end is not to wait for long."""

_MAX_DOUBLINGS = 16
_PASSWORDS_KEPT = 8


@frozen
class _Account:
    """How things stand.

    Attributes:
        attempts: How many there were with the present password that are not known to be good.
        next: When a password that was tried before may be tried again.
        corrected: When one was last tried earlier than that, for it was another one.
        known_good: The password that was accepted last; None where that is long ago, for another
            one was tried since, or it was rejected.
    """

    attempts: int = 0
    next: float = -math.inf
    corrected: float = -math.inf
    known_good: Secret | None = field(default=None, repr=False)


@define
class LoginBudget:
    """Counts attempts with a password of which it is not known that the Miniserver accepted them.

    Each attempt is spent before it is made, and told how it ended: accepted, rejected, excused, or
    open. One that was left open counts like a rejected one, for the Miniserver may have counted it,
    unless the password was good the last time.

    A password that was not tried before may be tried at once, for somebody has corrected it; but
    only one within `BETWEEN_ATTEMPTS`. To go back to an earlier one is no correction.
    """

    _account: _Account = _Account()
    _before: _Account = _Account()
    _pause_until: float = -math.inf
    _last: float = -math.inf
    _excuses: int = 0
    _tried: Secret | None = field(default=None, repr=False)
    _not_accepted: deque[Secret] = field(
        factory=lambda: deque[Secret](maxlen=_PASSWORDS_KEPT), repr=False
    )

    def spend(self, password: Secret, now: float) -> None:
        """Note that a password is about to be tried; at worst, it is the wrong one."""
        before = self._account
        attempts = before.attempts if password in self._not_accepted else 0
        pause = BETWEEN_ATTEMPTS * 2.0 ** min(attempts, _MAX_DOUBLINGS)
        self._before, self._tried, self._last = before, password, now
        self._account = _Account(
            attempts + 1,
            now + min(pause, LONGEST_WAIT),
            now if now < before.next else before.corrected,
        )
        self._forget(password)
        self._not_accepted.append(password)

    def accept(self) -> None:
        """Note that the password was the right one."""
        self._account = _Account(corrected=self._account.corrected, known_good=self._tried)
        self._excuses = 0
        self._forget(self._tried)

    def reject(self, now: float) -> None:
        """Note that the password was not accepted: the pause begins with the answer."""
        self._account = evolve(self._account, next=self._account.next + now - self._last)

    def withdraw(self) -> None:
        """Note that there was nobody to judge the password: it was no attempt."""
        if self._account.attempts == 1:
            self._forget(self._tried)
        self._account = self._before

    def excuse(self, now: float) -> None:
        """Note that the attempt failed for another reason than the password."""
        self.withdraw()
        pause = AFTER_EXCUSE * 2.0 ** min(self._excuses, _MAX_DOUBLINGS)
        self._pause_until = now + min(pause, LONGEST_EXCUSE)
        self._excuses += 1

    def leave_open(self, now: float) -> None:
        """Note that there is no answer: the password may have been judged or not."""
        if self._before.known_good == self._tried:
            self.excuse(now)
        else:
            self.reject(now)

    def doubt(self) -> None:
        """Note that the password may not be good any more."""
        self._account = evolve(self._account, known_good=None)

    def wait(self, password: Secret, now: float) -> float:
        """Seconds until this password may be tried."""
        due = self._account.next
        if password not in self._not_accepted:
            due = min(due, self._account.corrected + BETWEEN_ATTEMPTS)
        return max(due - now, self._pause_until - now, 0.0)

    def _forget(self, password: Secret | None) -> None:
        if password is not None and password in self._not_accepted:
            self._not_accepted.remove(password)
