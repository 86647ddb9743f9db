from __future__ import annotations

import random

import pytest

from loxone_exporter.errors import (
    BadTextError,
    BootingError,
    BusyError,
    ConnectionLostError,
    IdentityError,
    InsecureLoginError,
    LockedOutError,
    LoginTimeoutError,
    MisbehaviourError,
    OutOfServiceError,
    RejectedError,
    SessionError,
    SilentError,
    TlsError,
    TokenExpiredError,
    UnreachableError,
    UpdatingError,
    UserChangedError,
    UserDisabledError,
)
from loxone_exporter.miniserver.backoff import STABLE_AFTER, Backoff, Pace


class Extreme(random.Random):
    """Draws an end of each range."""

    def __init__(self, *, upper: bool) -> None:
        super().__init__()
        self._upper = upper

    def uniform(self, a: float, b: float) -> float:
        return b if self._upper else a


def delays(failure: SessionError | None, times: int, *, upper: bool) -> list[float]:
    backoff = Backoff(random=Extreme(upper=upper))
    return [backoff.delay(failure) for _ in range(times)]


@pytest.mark.parametrize(
    "failure", [ConnectionLostError("lost"), UnreachableError("no route"), None], ids=str
)
def test_network_trouble_doubles_up_to_half_a_minute(failure: SessionError | None) -> None:
    assert [1, 2, 4, 8, 16, 30, 30] == delays(failure, 7, upper=False)
    assert [1.2, 2.4, 4.8, 9.6, 19.2, 36, 36] == delays(failure, 7, upper=True)


MINUTE, HOUR = 60, 3600

# What the delays are without chance.
ROWS = [
    (SilentError("mute"), [1, 2, 4, 8, 16, 30, 30]),
    (MisbehaviourError("nonsense"), [1, 2, 4, 8, 16, 30, 30]),
    (TokenExpiredError("477"), [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600]),
    (UserChangedError("4004", ourselves=False), [1, 2, 4, 8, 16, 30, 30]),
    (LoginTimeoutError("420"), [1, 2, 4, 8, 16, 30, 30]),
    (BootingError("503"), [5, 10, 20, 30, 30]),
    (OutOfServiceError("reboot"), [5, 10, 20, 30, 30]),
    (UpdatingError("firmware"), [MINUTE] * 3),
    (BusyError("no slot"), [MINUTE, 120, 240, 480, 600, 600]),
    (BadTextError("1007"), [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, HOUR, HOUR]),
    (TlsError("expired"), [30, 60, 120, 240, 480, 600, 600]),
    (IdentityError("another"), [300, 600, 1200, 2400, HOUR, HOUR]),
    (InsecureLoginError("plain"), [300, 600, 1200, 2400, HOUR, HOUR]),
    (RejectedError("wrong"), [300, 600, 1200, 2400, HOUR, HOUR]),
    (UserDisabledError("4006"), [HOUR, HOUR]),
]


@pytest.mark.parametrize(("failure", "expected"), ROWS, ids=[type(row[0]).__name__ for row in ROWS])
def test_each_failure_has_its_pace(failure: SessionError, expected: list[float]) -> None:
    times = len(expected)
    assert expected == delays(failure, times, upper=False)
    assert [1.2 * delay for delay in expected] == delays(failure, times, upper=True)


@pytest.mark.parametrize(
    ("remaining", "expected"), [(None, 600), (0, 60), (14, 60), (108, 108), (7200, 7200)]
)
def test_lock_out_is_waited_for_in_full(remaining: float | None, expected: float) -> None:
    failure = LockedOutError("locked out", remaining=remaining)
    assert [expected] * 3 == delays(failure, 3, upper=False)
    assert [pytest.approx(expected * 1.1)] * 3 == delays(failure, 3, upper=True)


def test_lock_outs_and_wrong_passwords_are_no_network_trouble() -> None:
    backoff = Backoff(random=Extreme(upper=True))
    for failure in (RejectedError("wrong"), LockedOutError("locked out")):
        backoff.delay(failure)
    assert 1.2 == backoff.delay(ConnectionLostError("lost"))


def test_network_trouble_makes_no_password_wrong() -> None:
    backoff = Backoff(random=Extreme(upper=False))
    for _ in range(5):
        backoff.delay(ConnectionLostError("lost"))
    assert 300 == backoff.delay(RejectedError("wrong"))


def test_stable_session_starts_small_again() -> None:
    backoff = Backoff(random=Extreme(upper=False))
    for _ in range(5):
        backoff.delay(ConnectionLostError("lost"))
        backoff.delay(RejectedError("wrong"))
    backoff.after_stable_session()
    assert 1 == backoff.delay(ConnectionLostError("lost"))
    assert 300 == backoff.delay(RejectedError("wrong"))
    assert 60 == STABLE_AFTER


def test_years_of_failures_do_not_overflow() -> None:
    assert 30 == Pace(1.0, 30.0).delay(10**9, Extreme(upper=False))
    assert 30 * 1.2 == Pace(1.0, 30.0).delay(10**9, Extreme(upper=True))


def test_miniservers_do_not_come_back_in_step() -> None:
    assert 1 < len({Backoff().delay(None) for _ in range(10)})


def test_a_lock_out_of_years_is_waited_for_a_day() -> None:
    delay = Backoff(random=random.Random(1)).delay(LockedOutError("", remaining=999_999_999))
    assert 86_400 <= delay <= 95_040
