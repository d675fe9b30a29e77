"""Several very short jobs in one claim."""

import asyncio
from datetime import timedelta

import pytest

from reelwork.domain.ids import new_slot_id
from reelwork.domain.job import Status
from reelwork.domain.lane import LaneTerms
from reelwork.domain.tier import Tier
from reelwork.engine.claim import claim_batch
from testkit.world import LEASE, POOL, World, new_job


@pytest.fixture
async def queue(world: World) -> LaneTerms:
    lane = await world.joined(Tier.ENTERPRISE)
    for _ in range(96):
        await world.stores.jobs.insert(new_job(lane))
    return lane


async def test_whoever_finds_nothing_found_an_empty_queue(world: World, queue: LaneTerms) -> None:
    left_behind: list[int] = []

    async def taker() -> int:
        taken = 0
        while True:
            slots = [new_slot_id() for _ in range(4)]
            jobs = (await world.stores.attempts.take(queue.id, worker="w", slots=slots, lease=LEASE)).jobs
            if not jobs:
                left_behind.append(await world.database["jobs"].count_documents({"status": Status.QUEUED}))
                return taken
            taken += len(jobs)

    taken = await asyncio.gather(*(taker() for _ in range(8)))

    assert left_behind == [0] * 8
    assert sum(taken) == 96


async def test_jobs_taken_together_have_a_place_each_in_the_order_of_the_queue(world: World, queue: LaneTerms) -> None:
    slots = [new_slot_id() for _ in range(5)]

    jobs = (await world.stores.attempts.take(queue.id, worker="w", slots=slots, lease=LEASE)).jobs

    assert [job.lease.slot for job in jobs] == slots
    assert [job.order for job in jobs] == sorted(job.order for job in jobs)
    assert {(job.status, job.attempt) for job in jobs} == {(Status.PROCESSING, 1)}


async def test_a_claim_that_emptied_the_lane_leaves_it_idle_and_the_next_job_opens_it(world: World) -> None:
    lane = await world.joined(Tier.ENTERPRISE)
    for _ in range(3):
        await world.submit(lane)
    await world.learn(timedelta(milliseconds=5))

    taken = await claim_batch(world.engine, pool=POOL, worker="w", most=16)
    idle = await world.lane(lane.id)
    late = await world.submit(lane)

    assert (len(taken.jobs), taken.emptied, len(idle["slots"]), idle["active"]) == (3, True, 3, False)
    assert (await world.run()).id == late.id
