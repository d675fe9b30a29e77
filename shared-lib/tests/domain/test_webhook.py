from datetime import timedelta

import pytest

from reelwork.domain.webhook import (
    DEFAULT_EVENTS,
    LONGEST_WAIT,
    MEANINGS,
    WAITS,
    Again,
    Dead,
    Delivered,
    EventType,
    judge,
    told_as,
)


def verdict(status: int | None, tries: int = 1, *, asked: timedelta | None = None, chance: float = 0.0):
    return judge(status, tries, asked=asked, chance=chance)


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_is_a_delivery(status: int):
    assert verdict(status) == Delivered()


@pytest.mark.parametrize("status", [None, 301, 302, 308, 408, 409, 425, 429, 500, 502, 503, 599])
def test_what_may_pass_is_tried_again(status: int | None):
    assert verdict(status) == Again(timedelta(seconds=5))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 422])
def test_what_the_receiver_will_never_take_is_given_up_at_once(status: int):
    assert verdict(status) == Dead()


def test_a_receiver_that_is_gone_says_so_for_good():
    assert verdict(410) == Dead(gone=True)


def test_the_waits_are_those_of_the_standard_and_end_after_the_tenth_try():
    waits = [verdict(500, tries) for tries in range(1, len(WAITS) + 1)]

    seconds = [wait.wait.total_seconds() for wait in waits[:-1]]
    assert seconds == [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
    assert waits[-1] == Dead()


def test_jitter_makes_waits_longer_by_a_fifth_at_most():
    assert verdict(500, 2, chance=0.5) == Again(timedelta(seconds=330))
    assert verdict(500, 2, chance=1.0) == Again(timedelta(seconds=360))


def test_the_receiver_may_ask_for_a_longer_wait_up_to_a_day_and_never_for_a_shorter_one():
    assert verdict(429, asked=timedelta(seconds=60)) == Again(timedelta(seconds=60))
    assert verdict(429, 2, asked=timedelta(seconds=1)) == Again(timedelta(seconds=300))
    assert verdict(503, asked=timedelta(days=900)).wait <= LONGEST_WAIT * 1.2


def test_every_event_has_a_meaning_and_is_an_event_of_a_job_or_a_batch():
    assert MEANINGS.keys() == set(EventType)
    assert set(DEFAULT_EVENTS) <= set(EventType)
    assert told_as("job.retried") is EventType.JOB_QUEUED
    assert told_as("job.completed") is EventType.JOB_COMPLETED
    assert told_as("job.cancelling") is None
