"""When to try again, and when to give up."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelwork.domain.job import Attempt, Event, Job, JobError, Status
from reelwork.domain.retry import (
    CAP_SECONDS,
    EXCUSED_FOR,
    LONGEST_WISH_SECONDS,
    AttemptFailure,
    Fail,
    RetryAfter,
    decide,
    judge,
)
from testkit.world import new_job, terms


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


BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
STORAGE = AttemptFailure(code="storage_unavailable", message="The storage did not answer.", retryable=True)
LOST = AttemptFailure(code="worker_lost", message="Gone.", retryable=True, retry_after=0.0)


def after(*codes: str, apart: timedelta = timedelta(minutes=1)) -> Job:
    """A job in the attempt that follows attempts which failed with these codes, one after the other."""
    attempts = [
        Attempt(
            n=n,
            worker="w",
            slot=f"slot-{n}",
            started_at=BEGAN + (n - 1) * apart,
            error=JobError(code=code, message="", retryable=True, attempt=n),
        )
        for n, code in enumerate(codes, start=1)
    ]
    present = len(codes) + 1
    started_at = BEGAN + len(codes) * apart
    attempts.append(Attempt(n=present, worker="w", slot=f"slot-{present}", started_at=started_at))
    return new_job(terms(), attempt=present, attempts=tuple(attempts), started_at=started_at, max_attempts=3)


def test_an_attempt_that_failed_for_our_own_storage_does_not_count() -> None:
    assert judge(after(*["storage_unavailable"] * 9), STORAGE) == RetryAfter(60.0)
    assert judge(after(*["storage_unavailable"] * 9, "worker_lost"), LOST) == RetryAfter(0.0)
    assert judge(after("worker_lost", "storage_unavailable", "worker_lost"), LOST) == Fail()
    assert judge(after("worker_lost", "worker_lost"), STORAGE) == RetryAfter(1.0)


def test_waiting_for_storage_grows_longer_from_its_first_failure_on() -> None:
    waits = [judge(after("worker_lost", *["storage_unavailable"] * count), STORAGE) for count in range(4)]

    assert waits == [RetryAfter(1.0), RetryAfter(2.0), RetryAfter(4.0), RetryAfter(8.0)]


def test_storage_that_stays_away_is_given_up_after_a_time_and_not_a_number() -> None:
    row = ["storage_unavailable"] * 4

    assert judge(after(*row, apart=EXCUSED_FOR / 4), STORAGE) == RetryAfter(16.0)
    assert judge(after(*row, apart=EXCUSED_FOR / 3), STORAGE) == Fail()
    assert judge(after(*row, "worker_lost", apart=EXCUSED_FOR / 3), STORAGE) == RetryAfter(1.0), "it was back"


def retried(job: Job, *, at: int, max_attempts: int) -> Job:
    """The same job, if its owner queued it again after this attempt."""
    again = Event(seq=2, at=BEGAN, type="job.retried", status=Status.QUEUED, attempt=at)
    return replace(job, events=(*job.events, again), max_attempts=max_attempts)


def test_attempts_that_did_not_count_give_a_job_that_is_queued_again_no_more_of_them() -> None:
    first_round = ["storage_unavailable"] * 2 + ["worker_lost"] * 3

    second = [after(*first_round, *["worker_lost"] * count) for count in range(3)]

    judged = [judge(retried(job, at=5, max_attempts=8), LOST) for job in second]
    assert judged == [RetryAfter(0.0), RetryAfter(0.0), Fail()]


def test_a_job_that_is_queued_again_is_given_its_time_for_the_storage_once_more() -> None:
    row = ["storage_unavailable"] * 4
    given_up = after(*row, apart=EXCUSED_FOR / 3)

    assert judge(retried(given_up, at=4, max_attempts=7), STORAGE) == RetryAfter(1.0)


AWAY = replace(failure(), elsewhere=True)


def asked(*models: str) -> Job:
    """A job with a fallback, in the attempt that asks the last of these models; all before it failed."""
    job = after(*["provider_unavailable"] * (len(models) - 1))
    attempts = tuple(replace(attempt, model=model) for attempt, model in zip(job.attempts, models, strict=True))
    return replace(job, model="a/first", fallbacks=("b/second",), attempts=attempts)


def test_a_job_goes_on_to_the_next_model_at_once_and_that_does_not_count() -> None:
    assert judge(asked("a/first"), AWAY) == RetryAfter(0.0)
    assert judge(asked("a/first", "b/second"), AWAY) == RetryAfter(1.0)


def test_a_job_whose_next_model_nobody_has_is_tried_again_by_the_usual_rules() -> None:
    judged = [judge(asked(*["a/first"] * count), AWAY) for count in (1, 2, 3, 4)]

    assert judged == [RetryAfter(0.0), RetryAfter(1.0), RetryAfter(2.0), Fail()]
