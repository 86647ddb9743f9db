from __future__ import annotations

import itertools
from collections.abc import Sequence

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
    budget.excuse(310)
    assert 60 == budget.wait(WRONG, 310)
    budget.spend(WRONG, 370)
    assert 600 == budget.wait(WRONG, 370)


def test_a_password_that_nobody_judged_was_not_tried() -> None:
    budget = LoginBudget()
    budget.spend(WRONG, 0)
    budget.withdraw()
    assert 0 == budget.wait(WRONG, 0)
    budget.spend(WRONG, 0)
    assert 300 == budget.wait(WRONG, 0)


def test_excuses_grow_to_the_pause_of_a_password_that_may_be_wrong() -> None:
    budget, now, waits = LoginBudget(), 0.0, []
    for _ in range(40):
        budget.spend(WRONG, now)
        budget.excuse(now)
        waits.append(budget.wait(WRONG, now))
        now += waits[-1]
    assert [60, 120, 240, 300, 300] == waits[:5]
    assert {300} == set(waits[3:])
    # They make no password wrong, and one that is accepted ends them.
    budget.spend(WRONG, now)
    budget.accept()
    budget.spend(WRONG, now)
    budget.excuse(now)
    assert 60 == budget.wait(WRONG, now)


def test_the_pause_begins_with_the_answer() -> None:
    budget = LoginBudget()
    budget.spend(WRONG, 0)
    assert 300 == budget.wait(WRONG, 0)  # however it ends
    budget.reject(10)
    assert 300 == budget.wait(WRONG, 10)
    assert 0 == budget.wait(OTHER, 10)


def test_an_attempt_that_was_left_open_counts_like_a_rejected_one() -> None:
    budget, waits = LoginBudget(), []
    for now in (0, 310, 1000):
        budget.spend(WRONG, now)
        budget.leave_open(now + 5)
        waits.append(budget.wait(WRONG, now + 5))
    assert [300, 600, 1200] == waits


def accepted_before() -> LoginBudget:
    budget = LoginBudget()
    budget.spend(WRONG, 0)
    budget.accept()
    return budget


def test_an_attempt_with_a_good_password_that_was_left_open_may_be_repeated_in_a_minute() -> None:
    budget = accepted_before()
    budget.spend(WRONG, 10)
    budget.leave_open(25)
    assert 60 == budget.wait(WRONG, 25)
    budget.spend(WRONG, 85)
    budget.reject(85)
    assert 300 == budget.wait(WRONG, 85)
    # It was good once, and is not known to be any more.
    budget.spend(WRONG, 385)
    budget.leave_open(385)
    assert 600 == budget.wait(WRONG, 385)


def test_a_password_is_not_good_for_ever() -> None:
    budget = accepted_before()
    budget.doubt()
    budget.spend(WRONG, 10)
    budget.leave_open(10)
    assert 300 == budget.wait(WRONG, 10)


def test_another_password_than_the_good_one_is_none() -> None:
    budget = accepted_before()
    budget.spend(OTHER, 10)
    budget.leave_open(10)
    assert 300 == budget.wait(OTHER, 10)
    budget.spend(WRONG, 20)
    budget.leave_open(20)
    assert 300 <= budget.wait(WRONG, 20)


def test_another_password_is_tried_at_once_but_not_one_after_the_other() -> None:
    budget = LoginBudget()
    budget.spend(WRONG, 0)
    assert 0 == budget.wait(OTHER, 5)
    budget.spend(OTHER, 5)
    assert 300 == budget.wait(OTHER, 5)
    assert 300 == budget.wait(THIRD, 5)
    assert 0 == budget.wait(THIRD, 305)


def test_a_correction_after_the_pause_is_an_attempt_like_any_other() -> None:
    budget = LoginBudget()
    budget.spend(WRONG, 0)
    budget.spend(OTHER, 300)
    assert 0 == budget.wait(THIRD, 310)


def attempts_with(passwords: Sequence[Secret], seconds: int) -> list[float]:
    """When passwords are tried that are taken in turn, each for half a minute."""
    budget, attempts = LoginBudget(), []
    for now in range(seconds):
        password = passwords[now // 30 % len(passwords)]
        if budget.wait(password, now) <= 0:
            budget.spend(password, now)
            attempts.append(float(now))
    return attempts


@pytest.mark.parametrize("number", [2, 3, 8])
def test_going_back_to_a_password_that_was_rejected_is_no_correction(number: int) -> None:
    attempts = attempts_with([Secret(str(index)) for index in range(number)], 86_400)
    # Each is tried once, as a correction; after that they share the pauses of a single one.
    pauses = [later - earlier for earlier, later in itertools.pairwise(attempts)]
    assert min(pauses[2 * number + 4 :]) >= 3600
    assert len(attempts) <= 24 + 2 * number + 4


def test_passwords_that_are_always_others_are_tried_every_five_minutes_but_for_one() -> None:
    attempts = attempts_with([Secret(str(index)) for index in range(3000)], 86_400)
    for earlier, later in zip(attempts, attempts[2:], strict=False):
        assert later - earlier >= 300


def test_an_excuse_for_a_correction_makes_no_good_password_of_the_one_before() -> None:
    budget = LoginBudget()
    budget.spend(WRONG, 0)
    budget.spend(OTHER, 5)
    budget.excuse(5)
    assert 295 == budget.wait(WRONG, 5)
    assert 60 == budget.wait(OTHER, 5)
    assert 60 == budget.wait(THIRD, 5)


def test_an_accepted_password_is_not_held_for_a_rejected_one() -> None:
    budget = LoginBudget()
    budget.spend(WRONG, 0)
    budget.spend(WRONG, 300)
    budget.accept()
    budget.spend(OTHER, 310)
    assert 0 == budget.wait(WRONG, 320)


@pytest.mark.parametrize("password", [WRONG, OTHER], ids=["the same", "another"])
def test_no_password_is_shown(password: Secret) -> None:
    budget = accepted_before()
    budget.spend(password, 0)
    assert password.reveal() not in repr(budget)
    budget.accept()
    assert password.reveal() not in repr(budget)
