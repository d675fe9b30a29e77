"""Deadlines and scheduled starts: what is late never starts, what is early waits; the database's clock decides."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from reelwork.domain.job import Job, Status
from reelwork.domain.retry import AttemptFailure
from reelwork.engine.finish import Ending, complete, fail
from reelwork.engine.retry import retry
from reelwork.store.client import DatabaseClock
from testkit.world import World, an_output, new_job

HOUR = timedelta(hours=1)
USED = timedelta(milliseconds=5)
PASSING = AttemptFailure(code="provider_unavailable", message="Busy.", retryable=True)
AT_ONCE = AttemptFailure(code="out_of_resources", message="Full.", retryable=True, retry_after=0.0)


def now() -> datetime:
    return datetime.now(UTC)


async def miss(world: World, *jobs: Job) -> None:
    """Let the deadlines of these jobs have passed."""
    past = {"$set": {"deadline_at": now() - timedelta(seconds=1)}}
    await world.database["jobs"].update_many({"_id": {"$in": [job.id for job in jobs]}}, past)


async def test_a_job_past_its_deadline_is_passed_over_even_before_the_reconciler_looks(world: World) -> None:
    lane = await world.joined()
    await world.submit(lane, deadline_at=now() - HOUR)
    in_time = await world.submit(lane, deadline_at=now() + HOUR)
    without = await world.submit(lane)

    claimed = [await world.claim() for _ in range(3)]

    assert [job and job.id for job in claimed] == [in_time.id, without.id, None]


async def test_very_short_jobs_that_are_claimed_together_are_all_in_time(world: World) -> None:
    lane = await world.joined()
    jobs = [await world.submit(lane, deadline_at=now() + HOUR * (-1) ** n) for n in range(6)]
    slots = [f"s{n}" for n in range(6)]

    taken = await world.stores.attempts.take(lane.id, worker="w", slots=slots, lease=HOUR)

    assert {job.id for job in taken.jobs} == {job.id for job in jobs[::2]}


async def test_a_job_that_did_not_start_in_time_expires_and_never_runs(world: World) -> None:
    lane = await world.joined()
    job = await world.submit(lane, deadline_at=now() - HOUR)

    assert (await world.reconciler.run_once())["deadlines"] == 1

    expired = await world.read(job)
    assert (expired.status, expired.attempt) == (Status.EXPIRED, 0)
    assert expired.completed_at is not None
    assert expired.events[-1].type == "job.expired"
    assert await world.claim() is None
    assert "deadlines" not in await world.reconciler.run_once()


async def test_pending_and_scheduled_jobs_expire_too_and_others_do_not(world: World) -> None:
    lane, past = await world.joined(), now() - HOUR
    late = [
        new_job(lane, deadline_at=past, status=Status.PENDING),
        new_job(lane, deadline_at=past, not_before=now() + HOUR),
    ]
    others = [
        new_job(lane, deadline_at=now() + HOUR),
        new_job(lane),
        new_job(lane, deadline_at=past, status=Status.COMPLETED),
        new_job(lane, deadline_at=past, status=Status.CANCELLED),
    ]
    await world.stores.jobs.insert(*late, *others)

    await world.reconciler.run_once()

    assert [(await world.read(job)).status for job in late] == [Status.EXPIRED] * 2
    assert [(await world.read(job)).status for job in others] == [job.status for job in others]


async def test_watchers_are_told_that_a_job_expired(world: World) -> None:
    lane = await world.joined()
    job = await world.submit(lane, deadline_at=now() - HOUR)

    async with world.broker.watch(job.account_id, job.id) as notices:
        await world.reconciler.run_once()
        assert (await anext(notices)).kind == "changed"


async def test_a_retry_that_would_come_too_late_does_not_happen(world: World) -> None:
    lane = await world.joined()
    job = await world.submit(lane, deadline_at=now() + timedelta(seconds=0.9))
    running = await world.run()

    ending = await fail(world.engine, running, PASSING, used=USED)  # again after a second

    after = await world.read(job)
    assert ending is Ending.FAILED
    assert (after.status, after.error and after.error.code) == (Status.FAILED, "provider_unavailable")
    assert (await world.lane(lane.id))["slots"] == []


async def test_a_retry_in_time_happens(world: World) -> None:
    lane = await world.joined()
    await world.submit(lane, deadline_at=now() + HOUR)

    assert await fail(world.engine, await world.run(), PASSING, used=USED) is Ending.RETRYING


async def test_a_job_that_waits_for_its_retry_at_the_deadline_expires(world: World) -> None:
    lane = await world.joined()
    job = await world.submit(lane, deadline_at=now() + HOUR)
    await fail(world.engine, await world.run(), AT_ONCE, used=USED)
    await miss(world, job)

    await world.reconciler.run_once()

    after = await world.read(job)
    assert (after.status, after.attempt, after.error and after.error.code) == (Status.EXPIRED, 1, "out_of_resources")


async def test_when_the_worker_is_gone_the_lapsed_lease_decides(world: World) -> None:
    lane = await world.joined()
    late, early = [await world.submit(lane, deadline_at=now() + HOUR) for _ in range(2)]
    for _ in range(2):
        await world.run()
    await miss(world, late)

    await world.reconciler.run_once()
    before = [(await world.read(job)).status for job in (late, early)]
    await world.lapse()
    await world.reconciler.run_once()

    after, again = await world.read(late), await world.read(early)
    assert before == [Status.PROCESSING] * 2, "a worker that lives ends its job by itself"
    assert (after.status, after.error and after.error.code) == (Status.FAILED, "deadline_exceeded")
    assert [one.outcome for one in after.attempts] == ["lost"]
    assert (again.status, again.error and again.error.code) == (Status.QUEUED, "worker_lost")


async def test_a_result_that_is_there_counts_although_it_is_late(world: World) -> None:
    lane = await world.joined()
    job = await world.submit(lane, deadline_at=now() + HOUR)
    running = await world.run()
    await miss(world, job)

    assert await complete(world.engine, running, [an_output()], used=USED) is Ending.COMPLETED


async def test_a_scheduled_job_starts_when_its_time_has_come(world: World) -> None:
    lane = await world.joined()
    job = await world.submit(lane, not_before=now() + HOUR)

    early = await world.claim()
    await world.reconciler.run_once()
    still_early = await world.claim()
    await world.come_due()
    await world.reconciler.run_once()
    started = await world.run()

    assert (early, still_early) == (None, None)
    assert started.id == job.id


async def test_a_job_that_kills_every_worker_ends_after_its_attempts_as_lost(world: World) -> None:
    lane = await world.joined()
    job = await world.submit(lane)

    for _ in range(3):
        await world.run()
        await world.lapse()
        await world.reconciler.run_once()

    after = await world.read(job)
    assert (after.status, after.error and after.error.code) == (Status.FAILED, "worker_lost")
    assert [one.outcome for one in after.attempts] == ["lost"] * 3
    assert all(one.ended_at is not None for one in after.attempts)
    assert await world.claim() is None


async def test_a_lost_job_that_is_retried_gets_a_chance_of_as_many_attempts(world: World) -> None:
    lane = await world.joined()
    job = await world.submit(lane, max_attempts=1)
    await world.run()
    await world.lapse()
    await world.reconciler.run_once()
    owner = await world.stores.accounts.get(lane.account_id)
    assert owner is not None

    again = await retry(world.engine, world.opener, owner, job.id)

    assert (again.status, again.attempt, again.max_attempts) == (Status.QUEUED, 1, 2)


@pytest.mark.parametrize("skew", [-HOUR, HOUR])
async def test_the_clock_that_counts_is_the_databases(
    world: World, monkeypatch: pytest.MonkeyPatch, skew: timedelta
) -> None:
    shown = time.time
    clock = DatabaseClock(world.database)
    monkeypatch.setattr(time, "time", lambda: shown() + skew.total_seconds())

    told = [await clock.now() for _ in range(3)]

    assert told == sorted(told)
    real = datetime.fromtimestamp(shown(), UTC)  # mongod runs on this machine
    assert abs(told[0] - real) < timedelta(minutes=1)
