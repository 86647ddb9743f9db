from __future__ import annotations

import itertools

import pytest

from loxone_exporter.config.secret import Secret
from loxone_exporter.miniserver.budget import LoginBudget


WRONG, OTHER, THIRD = Secret("wrong"), Secret("other"), Secret("third")


def test_a_first_attempt_is_free() -> None:
    assert 0 == LoginBudget().wait(WRONG, 0)


def test_waits_double_from_five_minutes_to_an_hour() -> None:
    budget, now, waits = LoginBudget(), 0.0, []
    for _ in range(40):
        budget.spend(WRONG, now)
        waits.append(budget.wait(WRONG, now))
        now += waits[-1]
        assert 0 == budget.wait(WRONG, now)
    assert [300, 600, 1200, 2400, 3600] == waits[:5]
    assert {3600} == set(waits[4:])


def test_a_wait_ends_as_time_passes() -> None:
    budget = LoginBudget()
    budget.spend(WRONG, 1000)
    assert 100 == budget.wait(WRONG, 1200)
    assert 0 == budget.wait(WRONG, 5000)


def test_an_accepted_password_may_be_used_again_at_once() -> None:
    budget = LoginBudget()
    for now in (0, 300):
        budget.spend(WRONG, now)
    budget.accept()
    assert 0 == budget.wait(WRONG, 300)
    budget.spend(WRONG, 301)
    assert 300 == budget.wait(WRONG, 301)


def test_an_excused_attempt_may_be_repeated_in_a_minute_and_does_not_count() -> None:
    budget = LoginBudget()
    budget.spend(WRONG, 0)
    budget.spend(WRONG, 300)
    budget.excuse()
    assert 60 == budget.wait(WRONG, 300)
    budget.spend(WRONG, 360)
    assert 600 == budget.wait(WRONG, 360)


def test_another_password_is_tried_at_once_but_not_one_after_the_other() -> None:
    budget = LoginBudget()
    budget.spend(WRONG, 0)
    assert 0 == budget.wait(OTHER, 5)
    budget.spend(OTHER, 5)
    assert 300 == budget.wait(OTHER, 5)
    assert 60 == budget.wait(THIRD, 5)
    assert 0 == budget.wait(THIRD, 65)


def test_a_password_that_changes_back_and_forth_is_tried_once_a_minute_at_most() -> None:
    budget, attempts, now = LoginBudget(), [], 0.0
    while now < 600:
        password = (WRONG, OTHER)[int(now // 5) % 2]
        if budget.wait(password, now) <= 0:
            budget.spend(password, now)
            attempts.append(now)
        now += 1
    assert min(b - a for a, b in itertools.pairwise(attempts[1:])) >= 60


@pytest.mark.parametrize("password", [WRONG, OTHER], ids=["the same", "another"])
def test_no_password_is_shown(password: Secret) -> None:
    budget = LoginBudget()
    budget.spend(password, 0)
    assert password.reveal() not in repr(budget)
