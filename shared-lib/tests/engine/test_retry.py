"""A job that ended without success is queued again by its owner: the same job, whose attempts go on counting."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from reelwork.domain.account import Account
from reelwork.domain.errors import InsufficientTier, InvalidState, JobNotFound
from reelwork.domain.ids import AssetId, new_job_id
from reelwork.domain.job import Job, Retention, Status
from reelwork.domain.lane import LaneTerms
from reelwork.domain.retry import AttemptFailure
from reelwork.domain.tier import Tier
from reelwork.engine.cancel import cancel
from reelwork.engine.finish import complete, fail
from reelwork.engine.retry import retry
from testkit.invariants import check_history
from testkit.world import World, an_output

USED = timedelta(milliseconds=5)
FATAL = AttemptFailure(code="generation_failed", message="No.", retryable=False)
PASSING = AttemptFailure(code="out_of_resources", message="Full.", retryable=True, retry_after=0.0)


async def owner_of(world: World, lane: LaneTerms) -> Account:
    found = await world.stores.accounts.get(lane.account_id)
    assert found is not None
    return found


async def again(world: World, lane: LaneTerms, job: Job, mark: str | None = None) -> Job:
    return await retry(world.engine, world.opener, await owner_of(world, lane), job.id, mark=mark)


async def failed(world: World, lane: LaneTerms) -> Job:
    job = await world.submit(lane)
    await fail(world.engine, await world.run(), FATAL, used=USED)
    return job


async def test_a_failed_job_runs_again_under_its_id_and_its_attempts_go_on_counting(world: World) -> None:
    lane = await world.joined()
    job = await failed(world, lane)

    queued = await again(world, lane, job)
    await complete(world.engine, await world.run(), [an_output()], used=USED)

    done = await world.read(job)
    assert (queued.status, queued.error, queued.completed_at, queued.attempt) == (Status.QUEUED, None, None, 1)
    assert (done.status, done.attempt, done.max_attempts) == (Status.COMPLETED, 2, 4)
    assert [one.outcome for one in done.attempts] == ["failed", "completed"]
    assert [event.type for event in done.events][2:4] == ["job.failed", "job.retried"]


async def test_each_round_has_as_many_attempts_as_the_first(world: World) -> None:
    lane = await world.joined()
    job = await world.submit(lane, max_attempts=2)

    for round_ in range(1, 4):
        await fail(world.engine, await world.run(), PASSING, used=USED)
        await fail(world.engine, await world.run(), PASSING, used=USED)
        ended = await world.read(job)
        assert (ended.status, ended.attempt, ended.max_attempts) == (Status.FAILED, 2 * round_, 2 * round_)
        await again(world, lane, job)

    check_history(await world.raw(job.id))


async def test_a_round_that_ended_early_leaves_no_attempts_to_the_next(world: World) -> None:
    lane = await world.joined()
    job = await failed(world, lane)
    await again(world, lane, job)
    await fail(world.engine, await world.run(), FATAL, used=USED)

    assert (await again(world, lane, job)).max_attempts == 5


async def test_a_cancelled_job_can_be_cancelled_once_more(world: World) -> None:
    lane = await world.joined()
    job = await world.submit(lane)
    await cancel(world.engine, job.account_id, job.id, by="owner")

    queued = await again(world, lane, job)
    cancelled = await cancel(world.engine, job.account_id, job.id, by="owner")

    assert (queued.status, queued.cancel) == (Status.QUEUED, None)
    assert cancelled.status is Status.CANCELLED


async def test_an_expired_job_loses_its_deadline_and_may_be_given_another(world: World) -> None:
    lane, past = await world.joined(), datetime.now(UTC) - timedelta(hours=1)
    jobs = [await world.submit(lane, deadline_at=past) for _ in range(2)]
    await world.reconciler.run_once()

    free = await again(world, lane, jobs[0])
    bound = await retry(
        world.engine, world.opener, await owner_of(world, lane), jobs[1].id, deadline=timedelta(hours=1)
    )

    assert free.deadline_at is None
    assert bound.deadline_at is not None
    assert bound.queued_at is not None
    assert bound.deadline_at - bound.queued_at == timedelta(hours=1)


async def test_it_goes_behind_the_jobs_that_wait(world: World) -> None:
    lane = await world.joined()
    job = await failed(world, lane)
    waiting = await world.submit(lane)

    await again(world, lane, job)

    assert [(await world.run()).id for _ in range(2)] == [waiting.id, job.id]


@pytest.mark.parametrize("state", ["queued", "processing", "completed"])
async def test_what_did_not_end_without_success_cannot_be_retried(world: World, state: str) -> None:
    lane = await world.joined()
    job = await world.submit(lane)
    if state != "queued":
        running = await world.run()
        if state == "completed":
            await complete(world.engine, running, [], used=USED)
    before = await world.raw(job.id)

    with pytest.raises(InvalidState, match=f"The job is {state}"):
        await again(world, lane, job)

    assert await world.raw(job.id) == before


async def test_a_job_without_data_cannot_be_retried(world: World) -> None:
    lane = await world.joined()
    job = await failed(world, lane)
    await world.database["jobs"].update_one({"_id": job.id}, {"$set": {"data_removed": True}})

    with pytest.raises(InvalidState, match="removed"):
        await again(world, lane, job)


async def test_a_job_whose_inputs_were_removed_by_their_retention_cannot_be_retried(world: World) -> None:
    lane = await world.joined()
    keep = Retention(input_seconds=0)
    job = await world.submit(lane, input_assets=(AssetId("asset_gone"),), retention=keep)
    await fail(world.engine, await world.run(), FATAL, used=USED)
    await world.sweeper.sweep(datetime.now(UTC) + timedelta(minutes=1))

    with pytest.raises(InvalidState, match="removed"):
        await again(world, lane, job)


async def test_nobody_retries_what_is_unknown_or_anothers(world: World) -> None:
    lane, other = await world.joined(), await world.joined()
    job = await failed(world, lane)

    with pytest.raises(JobNotFound):
        await again(world, other, job)
    with pytest.raises(JobNotFound):
        await retry(world.engine, world.opener, await owner_of(world, lane), new_job_id())


async def test_a_plan_without_jobs_retries_none(world: World) -> None:
    lane = await world.joined()
    job = await failed(world, lane)
    free = Account(id=job.account_id, name="fallen", tier=Tier.FREE, created_at=datetime.now(UTC))

    with pytest.raises(InsufficientTier):
        await retry(world.engine, world.opener, free, job.id)


async def test_of_two_retries_at_once_one_wins_unless_they_are_the_same_request(world: World) -> None:
    lane = await world.joined()
    job = await failed(world, lane)

    answers = await asyncio.gather(*(again(world, lane, job, mark) for mark in "aab"), return_exceptions=True)

    won = [answer for answer in answers if isinstance(answer, Job)]
    assert {answer.version for answer in won} == {won[0].version}
    assert len(won) == (1 if isinstance(answers[2], Job) else 2)
    assert [event.type for event in (await world.read(job)).events].count("job.retried") == 1


async def test_a_lane_is_told_of_what_was_queued_again(world: World) -> None:
    lane = await world.joined()
    job = await failed(world, lane)
    await world.claim()  # finds the lane empty

    await again(world, lane, job)
    await world.reconciler.run_once()  # does what the opener of a running gateway would

    assert (await world.run()).id == job.id
