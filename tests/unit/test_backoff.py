from __future__ import annotations

import random

import pytest

from loxone_exporter.errors import (
    BootingError,
    BusyError,
    ConnectionLostError,
    LockedOutError,
    OutOfServiceError,
    RejectedError,
    SessionError,
    UnreachableError,
    UpdatingError,
)
from loxone_exporter.miniserver.backoff import STABLE_AFTER, Backoff


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
    assert [1, 2, 4, 8, 16, 30, 30] == delays(failure, 7, upper=True)
    assert [0.5, 1, 2, 4, 8, 15, 15] == delays(failure, 7, upper=False)


def test_wrong_password_waits_from_five_minutes_to_an_hour() -> None:
    failure = RejectedError("user or password is wrong")
    assert [300, 600, 1200, 2400, 3600, 3600] == delays(failure, 6, upper=False)
    assert max(delays(failure, 6, upper=True)) == pytest.approx(3960)


@pytest.mark.parametrize("failure", [BootingError("booting"), OutOfServiceError("reboot")], ids=str)
def test_booting_miniserver_is_probed_gently(failure: SessionError) -> None:
    assert [5, 5, 5, 5, 8, 15] == delays(failure, 6, upper=False)
    assert [7.5, 7.5, 7.5, 8, 16, 30] == delays(failure, 6, upper=True)


@pytest.mark.parametrize("failure", [BusyError("no slot"), UpdatingError("firmware")], ids=str)
def test_what_takes_minutes_is_waited_for(failure: SessionError) -> None:
    assert [60] * 6 == delays(failure, 6, upper=False)
    assert [90] * 6 == delays(failure, 6, upper=True)


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
    assert 1 == backoff.delay(ConnectionLostError("lost"))


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
    assert 0.5 == backoff.delay(ConnectionLostError("lost"))
    assert 300 == backoff.delay(RejectedError("wrong"))
    assert 60 == STABLE_AFTER


def test_years_of_failures_do_not_overflow() -> None:
    backoff = Backoff(random=Extreme(upper=True), failures=10**9, rejections=10**9)
    assert 30 == backoff.delay(None)
    assert backoff.delay(RejectedError("wrong")) == pytest.approx(3960)


def test_miniservers_do_not_come_back_in_step() -> None:
    assert 1 < len({Backoff().delay(None) for _ in range(10)})


def test_a_lock_out_of_years_is_waited_for_a_day() -> None:
    delay = Backoff(random=random.Random(1)).delay(LockedOutError("", remaining=999_999_999))
    assert 86_400 <= delay <= 95_040
