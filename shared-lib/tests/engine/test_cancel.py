"""Cancelling at every moment of a job's life."""

from datetime import timedelta

import pytest

from reelwork.domain.errors import JobNotFound
from reelwork.domain.ids import new_account_id, new_job_id
from reelwork.domain.job import Job, Status
from reelwork.domain.retry import AttemptFailure
from reelwork.engine.cancel import cancel
from reelwork.engine.claim import renew
from reelwork.engine.engine import claimed
from reelwork.engine.finish import Ending, complete, fail, hand_back, stop
from testkit.world import World, an_output

USED = timedelta(seconds=2)
PASSING = AttemptFailure(code="provider_unavailable", message="Busy.", retryable=True)
LASTING = AttemptFailure(code="generation_failed", message="No.", retryable=False)


async def cancel_by_owner(world: World, job: Job) -> Job:
    return await cancel(world.engine, job.account_id, job.id, by="owner")


async def test_a_job_that_waits_is_cancelled_at_once_and_never_runs(world: World) -> None:
    job = await world.submit(await world.joined())

    answer = await cancel_by_owner(world, job)

    assert answer.status is Status.CANCELLED
    assert (answer.cancel.by, answer.cancel.confirmed_at) == ("owner", answer.completed_at)
    assert await world.claim() is None
    assert (await world.read(job)).attempt == 0


async def test_a_job_that_waits_for_its_retry_is_cancelled_and_never_runs_again(world: World) -> None:
    job = await world.submit(await world.joined())
    await fail(world.engine, await world.run(), PASSING, used=USED)

    await cancel_by_owner(world, job)

    await world.come_due()
    assert not await world.reconciler.run_once()
    assert await world.claim() is None
    assert (await world.read(job)).status is Status.CANCELLED


async def test_a_running_job_is_cancelled_when_its_worker_has_stopped(world: World) -> None:
    lane = await world.joined()
    job = await world.submit(lane)
    running = await world.run()

    asked = await cancel_by_owner(world, job)
    heard = await renew(world.engine, claimed(running))
    ending = await stop(world.engine, running, used=USED)

    done = await world.read(job)
    assert (asked.status, heard, ending) == (Status.CANCELLING, Status.CANCELLING, Ending.CANCELLED)
    assert (done.status, done.outputs, done.lease) == (Status.CANCELLED, (), None)
    assert done.cancel.requested_at <= done.cancel.confirmed_at
    assert (await world.lane(lane.id))["slots"] == []


async def test_a_job_that_ends_after_the_cancel_keeps_no_outputs(world: World) -> None:
    job = await world.submit(await world.joined())
    running = await world.run()
    await cancel_by_owner(world, job)

    ending = await complete(world.engine, running, [an_output()], used=USED)

    done = await world.read(job)
    assert (ending, done.status, done.outputs) == (Ending.CANCELLED, Status.CANCELLED, ())


async def test_a_cancelled_job_is_not_retried(world: World) -> None:
    job = await world.submit(await world.joined())
    running = await world.run()
    await cancel_by_owner(world, job)

    ending = await fail(world.engine, running, PASSING, used=USED)

    assert (ending, (await world.read(job)).status) == (Ending.CANCELLED, Status.CANCELLED)


@pytest.mark.parametrize("failure", [PASSING, LASTING])
async def test_whoever_cancelled_is_not_told_of_a_failure_afterwards(world: World, failure: AttemptFailure) -> None:
    job = await world.submit(await world.joined(), max_attempts=1)
    running = await world.run()
    await cancel_by_owner(world, job)

    ending = await fail(world.engine, running, failure, used=USED)

    done = await world.read(job)
    assert (ending, done.status, done.error) == (Ending.CANCELLED, Status.CANCELLED, None)


@pytest.mark.parametrize("max_attempts", [1, 3])
async def test_a_cancelled_job_whose_worker_is_lost_ends_cancelled(world: World, max_attempts: int) -> None:
    lane = await world.joined()
    job = await world.submit(lane, max_attempts=max_attempts)
    await world.run()
    await cancel_by_owner(world, job)
    await world.lapse()

    await world.reconciler.run_once()

    assert (await world.read(job)).status is Status.CANCELLED
    assert (await world.lane(lane.id))["slots"] == []


async def test_a_cancelled_job_that_is_handed_back_ends_cancelled(world: World) -> None:
    lane = await world.joined()
    job = await world.submit(lane)
    running = await world.run()
    await cancel_by_owner(world, job)

    await hand_back(world.engine, running)

    assert (await world.read(job)).status is Status.CANCELLED
    assert (await world.lane(lane.id))["slots"] == []


async def test_cancelling_twice_changes_nothing_more(world: World) -> None:
    job = await world.submit(await world.joined())
    running = await world.run()

    first = await cancel_by_owner(world, job)
    second = await cancel_by_owner(world, job)
    await stop(world.engine, running, used=USED)
    third = await cancel_by_owner(world, job)

    assert second == first
    assert (third.status, third.version) == (Status.CANCELLED, first.version + 1)


async def test_a_job_that_has_ended_is_not_cancelled(world: World) -> None:
    job = await world.submit(await world.joined())
    await complete(world.engine, await world.run(), [an_output()], used=USED)
    before = await world.raw(job.id)

    answer = await cancel_by_owner(world, job)

    assert (answer.status, answer.cancel) == (Status.COMPLETED, None)
    assert await world.raw(job.id) == before


async def test_nobody_cancels_what_is_not_there_or_not_theirs(world: World) -> None:
    job = await world.submit(await world.joined())

    for account, wanted in ((job.account_id, new_job_id()), (new_account_id(), job.id)):
        with pytest.raises(JobNotFound, match=wanted):
            await cancel(world.engine, account, wanted, by="owner")

    assert (await world.read(job)).status is Status.QUEUED
