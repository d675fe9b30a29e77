"""Jobs that a provider works on: asked once in an attempt, whoever dies when, and fenced turn by turn."""

from datetime import UTC, datetime, timedelta

import pytest

from reelwork.domain.job import Job, JobError, Progress, Status
from reelwork.domain.remote import MOST_LOST
from reelwork.domain.retry import AttemptFailure
from reelwork.engine.calls import begin_call, end_unattended, put_off, ring, take_up
from reelwork.engine.cancel import cancel
from reelwork.engine.claim import renew
from reelwork.engine.engine import claimed
from reelwork.engine.finish import Ending, complete, fail, hand_back, stop
from testkit.world import LEASE, POOL, World, an_output, terms

SOON = timedelta()
LATER = timedelta(minutes=1)
USED = timedelta(seconds=1)
MODEL = "acme/elsewhere"
BUSY = AttemptFailure(code="provider_unavailable", message="Busy.", retryable=True)


async def asked(world: World, **fields: object) -> Job:
    """A claimed job whose provider is just being asked."""
    await world.submit(terms(), **fields)
    begun = await begin_call(world.engine, await world.run(), model=MODEL)
    assert begun is not None
    return begun


async def waiting(world: World, delay: timedelta = LATER, **fields: object) -> Job:
    """A job that its provider has accepted; nobody has it."""
    job = await asked(world, **fields)
    assert await put_off(world.engine, job, delay, handle="task-1")
    return await world.read(job)


async def due(world: World, job: Job) -> None:
    """Let the next look at it be due."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    await world.database["jobs"].update_one({"_id": job.id}, {"$set": {"remote.due_at": past}})


async def next_turn(world: World, worker: str, *, pool: str = POOL, model: str = MODEL) -> Job | None:
    """What a worker with this model would look after now."""
    return await take_up(world.engine, pool=pool, worker=worker, models=[model])


async def taken(world: World, worker: str = "w2") -> Job:
    job = await next_turn(world, worker)
    assert job is not None
    return job


async def test_the_handle_is_there_before_anybody_waits_and_the_worker_is_free(world: World):
    job = await waiting(world)

    assert job.status is Status.PROCESSING
    assert job.call is not None
    assert job.call.handle == "task-1"
    assert job.lease is not None
    assert job.lease.expires_at is None
    assert (await world.lane(job.lane))["slots"][0]["id"] == job.lease.slot


async def test_a_provider_is_asked_once_in_an_attempt(world: World):
    job = await asked(world)

    assert await begin_call(world.engine, job, model=MODEL) is None


async def test_nothing_is_asked_for_a_job_that_is_being_cancelled(world: World):
    await world.submit(terms())
    job = await world.run()
    await cancel(world.engine, job.account_id, job.id, by="owner")

    assert await begin_call(world.engine, job, model=MODEL) is None


async def test_only_due_jobs_are_taken_up_each_by_one_worker_the_longest_due_first(world: World):
    first, second = await waiting(world), await waiting(world)
    await waiting(world)
    for job in (second, first):
        await due(world, job)
        assert await next_turn(world, "w3", model="acme/another") is None  # who has not the model leaves it to others
        assert (await taken(world)).id == job.id
    assert await next_turn(world, "w3") is None
    assert await next_turn(world, "w3", pool="gpu") is None


async def test_a_turn_that_is_over_can_change_nothing(world: World):
    first = await asked(world)
    await put_off(world.engine, first, SOON, handle="task-1")
    second = await taken(world)
    await put_off(world.engine, second, SOON)
    third = await taken(world, "w3")
    before = await world.raw(first.id)

    for late in (first, second):
        assert await renew(world.engine, claimed(late)) is None
        assert not await put_off(world.engine, late, SOON)
        assert await complete(world.engine, late, [an_output()], used=USED) is Ending.LOST
        assert await fail(world.engine, late, BUSY, used=USED) is Ending.LOST
        await hand_back(world.engine, late)

    assert await world.raw(first.id) == before
    assert await complete(world.engine, third, [an_output()], used=USED) is Ending.COMPLETED
    assert (await world.lane(first.lane))["slots"] == []


async def test_a_turn_that_comes_late_is_not_told_that_the_result_of_another_one_is_its_own(world: World):
    job = await asked(world)
    await put_off(world.engine, job, SOON, handle="task-1")
    await complete(world.engine, await taken(world), [an_output()], used=USED)

    assert await complete(world.engine, job, [an_output()], used=USED) is Ending.LOST


async def test_what_a_provider_was_asked_is_not_handed_back_as_if_it_had_never_run(world: World):
    job = await asked(world)

    await hand_back(world.engine, job)

    assert (await world.read(job)).status is Status.PROCESSING


@pytest.mark.parametrize("handle", [None, "task-1"])
async def test_another_worker_goes_on_with_the_same_attempt_when_one_is_lost(world: World, handle: str | None):
    job = await asked(world)
    if handle is not None:
        await put_off(world.engine, job, SOON, handle=handle)
        job = await taken(world)
    await world.lapse(job)

    await world.reconciler.run_once()

    after = await world.read(job)
    assert (after.status, after.attempt) == (Status.PROCESSING, 1)
    assert after.call is not None
    assert (after.call.handle, after.call.lost) == (handle, 1)
    assert (await next_turn(world, "w2") is None) == (handle is None)  # it may still come
    await due(world, job)
    assert (await taken(world)).call == (await world.read(job)).call


async def test_a_worker_lost_before_it_asked_anybody_costs_an_attempt_as_ever(world: World):
    await world.submit(terms())
    job = await world.run()
    await world.lapse(job)

    await world.reconciler.run_once()

    after = await world.read(job)
    assert (after.status, after.error and after.error.code) == (Status.QUEUED, "worker_lost")
    again = await world.run()
    assert again.call is None
    assert await begin_call(world.engine, again, model=MODEL)


async def test_a_call_that_workers_die_of_is_given_up_and_not_paid_again(world: World):
    job = await asked(world)
    await put_off(world.engine, job, SOON, handle="task-1")
    for _ in range(MOST_LOST + 1):
        await world.lapse(await taken(world))
        await world.reconciler.run_once()

    after = await world.read(job)
    assert (after.status, after.attempt) == (Status.FAILED, 1)
    assert after.error is not None
    assert (after.error.code, after.error.retryable) == ("worker_lost", False)
    assert (await world.lane(job.lane))["slots"] == []


async def test_a_worker_that_comes_late_with_the_handle_still_stores_it(world: World):
    job = await asked(world)
    await world.lapse(job)
    await world.reconciler.run_once()
    assert job.call is not None
    calls = world.stores.calls

    assert await calls.keep(claimed(job), job.call.token, "task-1")
    assert not await calls.keep(claimed(job), job.call.token, "task-2")

    after = await world.read(job)
    assert after.call is not None
    assert after.call.handle == "task-1"


async def test_a_waiting_job_that_is_cancelled_is_due_at_once_and_ends_cancelled(world: World):
    job = await waiting(world, timedelta(hours=1))

    moved = await cancel(world.engine, job.account_id, job.id, by="owner")

    assert moved.status is Status.CANCELLING
    turn = await taken(world)
    assert (turn.status, turn.call and turn.call.handle) == (Status.CANCELLING, "task-1")
    assert await stop(world.engine, turn, used=USED) is Ending.CANCELLED
    assert await next_turn(world, "w3") is None


async def test_a_cancel_in_mid_turn_makes_the_next_one_due_at_once(world: World):
    job = await asked(world)
    await cancel(world.engine, job.account_id, job.id, by="owner")

    await put_off(world.engine, job, timedelta(hours=1), handle="task-1")

    assert (await taken(world)).id == job.id


async def test_cancelling_a_job_that_asked_nobody_leaves_no_trace_of_a_call(world: World):
    await world.submit(terms())
    job = await world.run()

    await cancel(world.engine, job.account_id, job.id, by="owner")

    assert not (await world.raw(job.id)).get("remote")


async def test_the_wait_ends_with_the_deadline(world: World):
    deadline = datetime.now(UTC) + timedelta(seconds=30)
    job = await waiting(world, timedelta(hours=1), deadline_at=deadline)

    assert job.call is not None
    assert job.call.due_at is not None
    assert abs(job.call.due_at - deadline) < timedelta(milliseconds=2)


@pytest.mark.parametrize("cancelled", [True, False])
async def test_without_any_worker_a_job_ends_as_it_must_all_the_same(world: World, cancelled: bool):
    job = await waiting(world, deadline_at=datetime.now(UTC) + timedelta(hours=1))
    if cancelled:
        await cancel(world.engine, job.account_id, job.id, by="owner")
    past = datetime.now(UTC) - 3 * LEASE
    overdue = {"remote.due_at": past} if cancelled else {"remote.due_at": past, "deadline_at": past}
    await world.database["jobs"].update_one({"_id": job.id}, {"$set": overdue})

    assert await end_unattended(world.engine, datetime.now(UTC)) == 1

    after = await world.read(job)
    assert after.status is (Status.CANCELLED if cancelled else Status.FAILED)
    assert (await world.lane(job.lane))["slots"] == []


async def test_due_jobs_have_tickets_and_no_more_than_that(world: World):
    for job in [await waiting(world) for _ in range(2)]:
        await due(world, job)
    already = await world.tickets()

    rung = await ring(world.engine, datetime.now(UTC))

    assert already + rung >= 2
    assert await ring(world.engine, datetime.now(UTC)) == 0


async def test_progress_is_told_with_the_wait_and_faults_count_in_a_row(world: World):
    job = await asked(world)
    await put_off(world.engine, job, SOON, handle="t", progress=Progress(fraction=0.4, stage="generating"))
    first = await world.read(job)
    await put_off(world.engine, await taken(world), SOON, fault=True)
    await put_off(world.engine, await taken(world), SOON, fault=True)
    second = await world.read(job)
    await put_off(world.engine, await taken(world), SOON)

    assert (first.progress.fraction, first.progress.stage) == (0.4, "generating")
    assert first.progress.updated_at is not None
    assert first.version > job.version
    assert second.call is not None
    assert second.call.faults == 2
    assert (third := await world.read(job)).call is not None
    assert third.call.faults == 0


async def test_a_retried_job_asks_anew(world: World):
    job = await asked(world)
    await fail(world.engine, job, BUSY, used=USED)
    await world.come_due()
    await world.reconciler.run_once()

    again = await world.run()

    assert again.attempt == 2
    assert again.call is None
    assert await begin_call(world.engine, again, model="acme/other") is not None


async def test_a_failure_in_a_turn_is_recorded_with_its_attempt(world: World):
    job = await asked(world)
    await put_off(world.engine, job, SOON, handle="t")
    turn = await taken(world)
    error = AttemptFailure(code="content_policy_violation", message="No.", retryable=False)

    assert await fail(world.engine, turn, error, used=USED) is Ending.FAILED
    assert await fail(world.engine, turn, error, used=USED) is Ending.FAILED  # said twice

    after = await world.read(job)
    assert after.attempts[0].error == JobError(
        code="content_policy_violation", message="No.", retryable=False, attempt=1
    )
    assert after.lease is None
