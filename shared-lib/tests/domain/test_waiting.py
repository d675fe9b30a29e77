"""Why a job waits: every reason has a condition of its own."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelwork.domain.job import Cancellation, Job, JobError, Status
from reelwork.domain.waiting import LaneView, PoolView, Situation, claimable, doing, reasons, servable
from testkit.world import new_job, terms

NOW = datetime(2030, 1, 1, tzinfo=UTC)
FAILURE = JobError(code="provider_unavailable", message="Away.", retryable=True, attempt=1)

situations = st.builds(
    Situation,
    job=st.builds(
        lambda due, attempt, failed, deadline: new_job(
            terms(),
            due=due,
            deadline_at=deadline,
            not_before=None if due else NOW,
            attempt=attempt,
            error=FAILURE if failed else None,
        ),
        st.booleans(),
        st.integers(0, 2),
        st.booleans(),
        st.sampled_from([None, NOW, NOW + timedelta(seconds=1)]),
    ),
    now=st.just(NOW),
    lane=st.none()
    | st.builds(
        LaneView, active=st.booleans(), paused=st.booleans(), running=st.integers(0, 3), limit=st.integers(0, 3)
    ),
    held_since=st.none() | st.just(NOW),
    ahead=st.integers(0, 2),
    lanes_before=st.integers(0, 2),
    pool=st.builds(PoolView, workers=st.integers(0, 2), places=st.integers(0, 2), running=st.integers(0, 2)),
    model_offered=st.booleans(),
    suspended_since=st.none() | st.just(NOW),
    pool_held_since=st.none() | st.just(NOW),
)


def a_job(status: Status, **fields: object) -> Job:
    return new_job(terms(), status=status, **fields)


@given(situations)
def test_there_is_always_a_reason_and_none_is_given_twice(situation: Situation) -> None:
    codes = [reason.code for reason in reasons(situation)]

    assert codes
    assert len(codes) == len(set(codes))


@given(situations)
def test_a_job_is_next_exactly_if_nothing_that_the_scheduler_asks_for_is_missing(situation: Situation) -> None:
    codes = {reason.code for reason in reasons(situation)}

    may_start = (
        claimable(situation.job, situation.now)
        and situation.lane is not None
        and servable(situation.lane)
        and not situation.ahead
        and not situation.lanes_before
        and situation.pool.running < situation.pool.places
        and situation.model_offered
        and situation.pool_held_since is None
    )
    assert ("next" in codes) == may_start
    assert "next" not in codes or len(codes) == 1


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.QUEUED])
def test_a_job_that_does_not_wait_says_what_it_does_or_how_it_ended(status: Status) -> None:
    reason = doing(a_job(status, completed_at=NOW))

    assert reason.code == {Status.PROCESSING: "running"}.get(status, status.value)
    assert reason.message.endswith(".")


def test_a_failed_job_says_with_what_error_and_a_cancelled_one_by_whom() -> None:
    failed = doing(a_job(Status.FAILED, error=FAILURE, completed_at=NOW))
    cancelled = doing(a_job(Status.CANCELLED, cancel=Cancellation(requested_at=NOW, by="owner"), completed_at=NOW))

    assert (failed.message, failed.facts["error"], failed.since) == ("Away.", "provider_unavailable", NOW)
    assert cancelled.facts == {"by": "owner"}


def test_a_job_that_an_earlier_one_answered_names_it() -> None:
    answered = doing(a_job(Status.COMPLETED, source_job_id="job_x", completed_at=NOW))

    assert answered.facts == {"source_job_id": "job_x"}
    assert "earlier job answered" in answered.message


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (1, ["1 job in your own queue comes first.", "The only place of the workers in this pool is taken."]),
        (2, ["2 jobs in your own queue come first.", "All 2 places of the workers in this pool are taken."]),
    ],
)
def test_one_is_told_otherwise_than_many(number: int, words: list[str]) -> None:
    found = reasons(
        Situation(
            job=new_job(terms()),
            now=NOW,
            lane=LaneView(active=True, paused=False, running=0, limit=9),
            held_since=None,
            ahead=number,
            lanes_before=0,
            pool=PoolView(workers=1, places=number, running=number),
            model_offered=True,
        )
    )

    assert [reason.message for reason in found] == words


def test_a_job_that_waits_has_reasons_and_is_not_doing_anything() -> None:
    with pytest.raises(ValueError, match="waits"):
        doing(a_job(Status.QUEUED))


def test_a_delayed_job_says_until_when_and_whether_a_failure_is_the_cause() -> None:
    later = NOW + timedelta(hours=1)
    busy = PoolView(workers=1, places=1, running=1)
    lane = LaneView(active=True, paused=False, running=0, limit=1)

    def first(**fields: object) -> tuple[str, datetime | None]:
        job = new_job(terms(), due=False, not_before=later, **fields)
        found = reasons(
            Situation(
                job=job, now=NOW, lane=lane, held_since=None, ahead=0, lanes_before=0, pool=busy, model_offered=True
            )
        )
        assert len(found) == 1, "who is not in the line yet is not told what goes on in it"
        return found[0].code, found[0].until

    assert first() == ("not_before", later)
    assert first(attempt=1, error=FAILURE) == ("retry_backoff", later)


@pytest.mark.parametrize(
    ("limit", "suspended", "expected"),
    [
        (0, NOW, "account_suspended"),
        (0, None, "plan_without_jobs"),
        (3, None, "next"),
        (3, NOW, "next"),  # its lanes have not followed yet: it may still start
    ],
)
def test_a_lane_without_places_says_why_it_has_none(limit: int, suspended: datetime | None, expected: str) -> None:
    found = reasons(
        Situation(
            job=new_job(terms()),
            now=NOW,
            lane=LaneView(active=True, paused=False, running=0, limit=limit),
            held_since=None,
            ahead=0,
            lanes_before=0,
            pool=PoolView(workers=1, places=1, running=0),
            model_offered=True,
            suspended_since=suspended,
        )
    )

    assert [reason.code for reason in found] == [expected]
