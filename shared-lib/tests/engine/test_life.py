"""The life of a job: submitted, claimed, ended."""

from datetime import timedelta

import pytest

from reelwork.domain.job import Priority, Progress, Status
from reelwork.domain.retry import AttemptFailure
from reelwork.domain.tier import Tier
from reelwork.engine.claim import renew
from reelwork.engine.engine import claimed
from reelwork.engine.finish import Ending, complete, fail, hand_back
from testkit.world import World, an_output, new_job, terms

USED = timedelta(seconds=2)
PASSING = AttemptFailure(code="provider_unavailable", message="Busy.", retryable=True)
LASTING = AttemptFailure(code="invalid_input", message="Not a picture.", retryable=False)


async def test_a_submitted_job_is_claimed_and_completed(world: World) -> None:
    job = await world.submit(await world.joined())

    running = await world.run("w1")
    ending = await complete(world.engine, running, [an_output()], used=USED)

    done = await world.read(job)
    assert (running.id, ending, done.status) == (job.id, Ending.COMPLETED, Status.COMPLETED)
    assert (done.outputs, done.error, done.lease) == ((an_output(),), None, None)
    assert done.progress.fraction == 1.0


async def test_the_history_of_a_job_is_numbered_from_one_without_gaps(world: World) -> None:
    job = await world.submit(await world.joined())
    first = await world.run("w1")
    await fail(world.engine, first, PASSING, used=USED)
    await world.come_due()
    await world.reconciler.run_once()
    second = await world.run("w2")
    await complete(world.engine, second, [], used=USED)

    done = await world.read(job)

    told = [(event.seq, event.type, event.attempt) for event in done.events]
    assert told == [
        (1, "job.queued", 0),
        (2, "job.processing", 1),
        (3, "job.retrying", 1),
        (4, "job.processing", 2),
        (5, "job.completed", 2),
    ]
    assert [(one.n, one.worker, one.outcome) for one in done.attempts] == [(1, "w1", "failed"), (2, "w2", "completed")]


async def test_a_claim_where_nothing_waits_finds_nothing(world: World) -> None:
    assert await world.claim("w1") is None


async def test_a_claim_finds_no_job_of_another_pool(world: World) -> None:
    await world.submit(await world.joined(pool="gpu"))

    assert await world.claim("w1") is None
    assert await world.claim("w1", pool="gpu") is not None


async def test_a_job_is_claimed_once(world: World) -> None:
    await world.submit(await world.joined())

    first = await world.claim("w1")
    second = await world.claim("w2")

    assert first is not None
    assert second is None


async def test_jobs_of_a_lane_run_by_priority_then_in_their_order(world: World) -> None:
    lane = await world.joined(Tier.ENTERPRISE)
    late = await world.submit(lane, order=2.0)
    low = await world.submit(lane, order=0.0, priority=Priority.LOW)
    early = await world.submit(lane, order=1.0)
    high = await world.submit(lane, order=3.0, priority=Priority.HIGH)

    served = [await world.claim() for _ in range(4)]

    assert [job.id for job in served if job] == [high.id, early.id, late.id, low.id]


async def test_no_more_jobs_of_a_lane_run_than_its_limit(world: World) -> None:
    lane = terms(limit=2)
    for _ in range(3):
        await world.submit(lane)

    served = [await world.claim() for _ in range(3)]

    assert [job is not None for job in served] == [True, True, False]


async def test_a_freed_place_is_used_again(world: World) -> None:
    lane = terms(limit=1)
    await world.submit(lane)
    await world.submit(lane)
    first = await world.run()
    await complete(world.engine, first, [], used=USED)

    assert await world.claim() is not None


async def test_a_finished_job_frees_its_place_and_finishes_only_once(world: World) -> None:
    lane = await world.joined()
    job = await world.submit(lane)
    running = await world.run()
    await complete(world.engine, running, [an_output()], used=USED)

    again = await complete(world.engine, running, [an_output(1)], used=USED)

    done = await world.read(job)
    assert again is Ending.COMPLETED  # what is true, not what was asked
    assert done.outputs == (an_output(),)
    assert [event.type for event in done.events].count("job.completed") == 1
    assert (await world.lane(lane.id))["slots"] == []


async def test_a_failure_that_passes_is_retried_after_a_delay(world: World) -> None:
    job = await world.submit(await world.joined())
    running = await world.run()

    ending = await fail(world.engine, running, PASSING, used=USED)

    waiting = await world.read(job)
    assert (ending, waiting.status, waiting.attempt) == (Ending.RETRYING, Status.QUEUED, 1)
    assert waiting.not_before - waiting.queued_at == timedelta(seconds=1)
    assert await world.claim() is None
    assert not await world.reconciler.run_once()


async def test_a_retry_that_came_due_is_claimed_again(world: World) -> None:
    job = await world.submit(await world.joined())
    running = await world.run()
    await fail(world.engine, running, PASSING, used=USED)
    await world.claim()  # finds nothing: the lane goes idle
    await world.come_due()

    repaired = await world.reconciler.run_once()

    again = await world.run()
    assert (repaired["due"], repaired["lanes"]) == (1, 1)
    assert (again.id, again.attempt) == (job.id, 2)


async def test_delays_double_from_attempt_to_attempt(world: World) -> None:
    job = await world.submit(await world.joined(), max_attempts=4)
    delays = []
    for _ in range(3):
        running = await world.run()
        await fail(world.engine, running, PASSING, used=USED)
        waiting = await world.read(job)
        delays.append((waiting.not_before - waiting.queued_at).total_seconds())
        await world.come_due()
        await world.reconciler.run_once()

    assert delays == [1.0, 2.0, 4.0]


async def test_a_job_fails_for_good_when_its_attempts_are_used_up(world: World) -> None:
    job = await world.submit(await world.joined(), max_attempts=2)
    for _ in range(2):
        running = await world.run()
        ending = await fail(world.engine, running, PASSING, used=USED)
        await world.come_due()
        await world.reconciler.run_once()

    failed = await world.read(job)
    assert (ending, failed.status, failed.error.code) == (Ending.FAILED, Status.FAILED, "provider_unavailable")
    assert await world.claim() is None


async def test_a_storage_that_is_away_for_many_attempts_costs_no_job(world: World) -> None:
    away = AttemptFailure(code="storage_unavailable", message="The storage did not answer.", retryable=True)
    job = await world.submit(await world.joined(), max_attempts=2)
    for _ in range(5):
        assert await fail(world.engine, await world.run(), away, used=USED) is Ending.RETRYING
        await world.come_due()
        await world.reconciler.run_once()

    assert await complete(world.engine, await world.run(), [an_output()], used=USED) is Ending.COMPLETED

    assert (await world.read(job)).attempt == 6


async def test_a_failure_that_stays_is_not_retried(world: World) -> None:
    job = await world.submit(await world.joined())
    running = await world.run()

    ending = await fail(world.engine, running, LASTING, used=USED)

    failed = await world.read(job)
    assert (ending, failed.status, failed.attempt) == (Ending.FAILED, Status.FAILED, 1)
    assert failed.error.message == "Not a picture."


async def test_a_heartbeat_extends_the_lease_and_stores_progress(world: World) -> None:
    job = await world.submit(await world.joined())
    running = await world.run()
    await world.lapse(running)

    status = await renew(world.engine, claimed(running), Progress(fraction=0.5, stage="encoding", message="Half"))

    renewed = await world.read(job)
    assert status is Status.PROCESSING
    assert renewed.lease.expires_at > running.lease.expires_at - timedelta(seconds=1)
    assert (renewed.progress.fraction, renewed.progress.stage, renewed.progress.message) == (0.5, "encoding", "Half")
    assert renewed.progress.updated_at is not None
    assert renewed.version == running.version + 1


async def test_a_heartbeat_of_a_lost_attempt_is_told_so(world: World) -> None:
    await world.submit(await world.joined())
    lost = await world.run("w1")
    await world.lapse()
    await world.reconciler.run_once()
    again = await world.run("w2")

    assert await renew(world.engine, claimed(lost)) is None
    assert await renew(world.engine, claimed(again)) is Status.PROCESSING


async def test_a_worker_that_lost_its_lease_overwrites_nothing(world: World) -> None:
    job = await world.submit(await world.joined())
    lost = await world.run("w1")
    await world.lapse()
    await world.reconciler.run_once()
    again = await world.run("w2")
    before = await world.raw(job.id)

    endings = [
        await complete(world.engine, lost, [an_output()], used=USED),
        await fail(world.engine, lost, PASSING, used=USED),
        await fail(world.engine, lost, LASTING, used=USED),
    ]

    assert set(endings) == {Ending.LOST}
    assert await world.raw(job.id) == before
    assert await complete(world.engine, again, [an_output(7)], used=USED) is Ending.COMPLETED


async def test_a_job_that_is_handed_back_keeps_its_place_and_its_attempts(world: World) -> None:
    lane = await world.joined()
    first = await world.submit(lane, order=1.0)
    await world.submit(lane, order=2.0)
    running = await world.run()
    tickets = await world.tickets()

    await hand_back(world.engine, running)

    returned = await world.read(first)
    assert (returned.status, returned.attempt, returned.attempts, returned.lease) == (Status.QUEUED, 0, (), None)
    assert await world.tickets() == tickets + 1
    assert (await world.lane(lane.id))["slots"] == []
    again = await world.run()
    assert (again.id, again.attempt) == (first.id, 1)


async def test_a_job_that_is_handed_back_is_found_though_its_lane_went_idle_meanwhile(world: World) -> None:
    job = await world.submit(await world.joined())
    running = await world.run("w1")
    assert await world.claim("w2") is None

    await hand_back(world.engine, running)

    assert (await world.run("w2")).id == job.id


def test_a_job_that_is_not_running_has_no_fence() -> None:
    job = new_job(terms())

    with pytest.raises(ValueError, match=job.id):
        claimed(job)
