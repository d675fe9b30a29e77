"""When to try again, and when to give up."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelwork.domain.retry import CAP_SECONDS, LONGEST_WISH_SECONDS, AttemptFailure, Fail, RetryAfter, decide


def failure(*, retryable: bool = True, retry_after: float | None = None) -> AttemptFailure:
    return AttemptFailure(code="provider_unavailable", message="Busy.", retryable=retryable, retry_after=retry_after)


@pytest.mark.parametrize(
    ("attempt", "seconds"), [(1, 1.0), (2, 2.0), (3, 4.0), (6, 32.0), (7, 60.0), (8, 60.0), (1000, 60.0), (5000, 60.0)]
)
def test_delays_double_up_to_a_minute(attempt: int, seconds: float) -> None:
    assert decide(failure(), attempt=attempt, max_attempts=9999) == RetryAfter(seconds)


def test_what_cannot_succeed_is_not_tried_again() -> None:
    assert decide(failure(retryable=False, retry_after=5.0), attempt=1, max_attempts=3) == Fail()


@pytest.mark.parametrize(("attempt", "max_attempts"), [(3, 3), (4, 3), (1, 1), (1, 0)])
def test_attempts_are_used_up_some_time(attempt: int, max_attempts: int) -> None:
    assert decide(failure(retry_after=1.0), attempt=attempt, max_attempts=max_attempts) == Fail()


@pytest.mark.parametrize(
    ("wish", "seconds"),
    [
        (0.0, 0.0),
        (7.5, 7.5),
        (-3.0, 0.0),
        (LONGEST_WISH_SECONDS, LONGEST_WISH_SECONDS),
        (1e9, LONGEST_WISH_SECONDS),
        (math.inf, LONGEST_WISH_SECONDS),
        (-math.inf, 0.0),
        (math.nan, 0.0),
    ],
)
def test_the_failing_sides_own_wish_counts_within_reason(wish: float, seconds: float) -> None:
    assert decide(failure(retry_after=wish), attempt=1, max_attempts=3) == RetryAfter(seconds)


@given(
    retryable=st.booleans(),
    wish=st.none() | st.floats(),
    attempt=st.integers(1, 10_000),
    max_attempts=st.integers(0, 10_000),
)
def test_every_delay_is_one_that_ends(retryable: bool, wish: float | None, attempt: int, max_attempts: int) -> None:
    match decide(failure(retryable=retryable, retry_after=wish), attempt=attempt, max_attempts=max_attempts):
        case RetryAfter(seconds=seconds):
            assert retryable
            assert 0 <= seconds <= max(CAP_SECONDS, LONGEST_WISH_SECONDS)
        case Fail():
            assert not retryable or attempt >= max_attempts
