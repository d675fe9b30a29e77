"""Many jobs at once: each is changed once, whoever else does the same at the same time."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from reelwork.domain.job import Job, JobError, Status
from reelwork.domain.lane import LaneTerms
from reelwork.domain.retry import AttemptFailure
from reelwork.engine.bulk import ACTIONS, Bench, apply
from reelwork.engine.cancel import cancel
from reelwork.engine.finish import complete, fail, hand_back
from reelwork.store.job_filter import JobFilter
from reelwork.store.queue import Place
from reelwork.store.selection import Candidate
from testkit.invariants import check_history
from testkit.world import World, new_job

FATAL = AttemptFailure(code="internal_error", message="No.", retryable=False)
USED = timedelta(seconds=1)


@pytest.fixture
async def lane(world: World) -> LaneTerms:
    return await world.joined()


@pytest.fixture
async def bench(world: World, lane: LaneTerms) -> Bench:
    account = await world.stores.accounts.get(lane.account_id)
    assert account is not None
    return Bench(engine=world.engine, opener=world.opener, eraser=world.eraser, account=account)


async def failed(world: World, lane: LaneTerms) -> Job:
    await world.submit(lane)
    job = await world.run()
    await fail(world.engine, job, FATAL, used=USED)
    return job


async def seen(world: World, bench: Bench) -> list[Candidate]:
    return await world.stores.selection.find(bench.account.id, JobFilter(), limit=100)


async def test_of_two_who_saw_the_same_failed_job_one_queues_it_again(
    world: World, lane: LaneTerms, bench: Bench
) -> None:
    job = await failed(world, lane)
    both = await seen(world, bench)

    changed = await asyncio.gather(*(apply(bench, ACTIONS["retry"], both) for _ in range(5)))

    assert sum(len(one) for one in changed) == 1
    assert (await world.read(job)).status is Status.QUEUED


async def test_many_that_are_queued_again_stand_in_line_as_they_were_submitted(
    world: World, lane: LaneTerms, bench: Bench
) -> None:
    jobs = [await failed(world, lane) for _ in range(4)]

    await apply(bench, ACTIONS["retry"], await seen(world, bench))

    again = [await world.read(job) for job in jobs]
    places = [Place(priority=job.priority, order=job.order) for job in again]
    assert [await world.stores.queue.ahead(lane.id, place) for place in places] == [0, 1, 2, 3]


async def test_one_request_queues_a_job_again_once_whenever_it_comes(
    world: World, lane: LaneTerms, bench: Bench
) -> None:
    await failed(world, lane)
    asking = replace(bench, mark="req_1")
    assert len(await apply(asking, ACTIONS["retry"], await seen(world, bench))) == 1
    await world.stores.lanes.open(lane)
    await fail(world.engine, await world.run(), FATAL, used=USED)

    await apply(asking, ACTIONS["retry"], await seen(world, bench))

    assert [job.status for job in await seen(world, bench)] == [Status.FAILED]


async def test_whoever_saw_a_job_before_it_failed_again_does_not_queue_it(
    world: World, lane: LaneTerms, bench: Bench
) -> None:
    job = await failed(world, lane)
    before = await seen(world, bench)
    await apply(bench, ACTIONS["retry"], before)
    await world.stores.lanes.open(lane)
    await fail(world.engine, await world.run(), FATAL, used=USED)

    assert await apply(bench, ACTIONS["retry"], before) == []

    now = await world.read(job)
    assert (now.status, now.attempt) == (Status.FAILED, 2)


async def test_a_retried_job_has_its_history_and_no_trace_of_its_end(
    world: World, lane: LaneTerms, bench: Bench
) -> None:
    job = await failed(world, lane)

    await apply(bench, ACTIONS["retry"], await seen(world, bench))

    again = await world.read(job)
    assert (again.error, again.completed_at, again.cancel, again.attempt) == (None, None, None, 1)
    check_history(await world.raw(job.id))
    await world.stores.lanes.open(lane)
    run = await world.run()
    await complete(world.engine, run, [], used=USED)
    types = [event.type for event in (await world.read(job)).events]
    assert types == ["job.queued", "job.processing", "job.failed", "job.retried", "job.processing", "job.completed"]
    check_history(await world.raw(job.id))


async def test_a_job_without_data_is_not_queued_again(world: World, lane: LaneTerms, bench: Bench) -> None:
    error = JobError(code="x", message="x", retryable=True, attempt=0)
    await world.stores.jobs.insert(new_job(lane, status=Status.FAILED, error=error, data_removed=True))

    (job,) = await seen(world, bench)

    assert not ACTIONS["retry"].can_change(job)
    assert await apply(bench, ACTIONS["retry"], [job]) == []


async def test_cancelling_many_leaves_what_has_ended(world: World, lane: LaneTerms, bench: Bench) -> None:
    ended = await failed(world, lane)
    running = await world.submit(lane)
    await world.run()
    waiting = await world.submit(lane)
    jobs = await seen(world, bench)
    await cancel(world.engine, lane.account_id, waiting.id, by="owner")

    changed = await apply(bench, ACTIONS["cancel"], [job for job in jobs if ACTIONS["cancel"].can_change(job)])

    assert set(changed) == {running.id, waiting.id}
    assert (await world.read(ended)).status is Status.FAILED
    assert (await world.read(running)).status is Status.CANCELLING


async def test_many_that_are_queued_again_are_announced_as_many_as_they_are(
    world: World, lane: LaneTerms, bench: Bench
) -> None:
    for _ in range(3):
        await failed(world, lane)
    counted: list[tuple[LaneTerms, int]] = []

    class Listening(type(world.opener)):  # type: ignore[misc]  (a class that is only known here)
        def announce(self, terms: LaneTerms, count: int = 1) -> None:
            counted.append((terms, count))

    listening = replace(bench, opener=Listening(world.engine))
    assert len(await apply(listening, ACTIONS["retry"], await seen(world, bench))) == 3

    assert counted == [(lane, 3)]


async def test_a_job_that_is_handed_back_while_many_are_cancelled_is_cancelled(
    world: World, lane: LaneTerms, bench: Bench
) -> None:
    await world.submit(lane)
    running = await world.run()
    jobs = await seen(world, bench)
    await hand_back(world.engine, running)

    assert await apply(bench, ACTIONS["cancel"], jobs) == [running.id]

    assert (await world.read(running)).status is Status.CANCELLED


async def test_another_accounts_jobs_are_not_found(world: World, lane: LaneTerms) -> None:
    stranger = await world.joined()
    mine, theirs = await world.submit(lane), await world.submit(stranger)

    found = await world.stores.selection.among(lane.account_id, [mine.id, theirs.id])

    assert [job.id for job in found] == [mine.id]


def test_a_filter_that_an_action_cannot_meet_finds_nothing() -> None:
    assert ACTIONS["cancel"].among(JobFilter(statuses=[Status.COMPLETED])) is None
