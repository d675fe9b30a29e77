"""What the reconciler repairs, and what it leaves alone."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from reelwork.domain.ids import new_slot_id
from reelwork.domain.job import Status
from reelwork.domain.tier import PLANS, Tier
from reelwork.engine.cancel import cancel
from reelwork.engine.claim import claim, renew
from reelwork.engine.engine import Rules, claimed
from reelwork.engine.finish import Ending, complete
from reelwork.engine.reconcile import Reconciler
from reelwork.engine.sweep import Sweeper
from testkit.world import LEASE, POOL, World, an_output, new_job, open_world

USED = timedelta(seconds=1)
LIMIT = PLANS[Tier.DEVELOPER].concurrent_jobs


async def test_nothing_is_repaired_where_nothing_is_broken(world: World) -> None:
    lane = await world.joined()
    await world.submit(lane)
    await world.submit(lane)
    await complete(world.engine, await world.run(), [], used=USED)
    job = await world.run()
    before = await world.raw(job.id)

    assert not await world.reconciler.run_once()
    assert await world.raw(job.id) == before


async def test_whoever_stops_it_may_close_the_stores(world: World) -> None:
    begun = asyncio.Event()

    class Slow(Sweeper):
        ended = False

        async def sweep(self, now: datetime) -> int:
            del now
            begun.set()
            try:
                await asyncio.sleep(3600)
            finally:
                self.ended = True
            return 0

    sweeper = Slow(world.stores, world.objects)
    running = asyncio.create_task(Reconciler(world.engine, sweeper).run())
    await asyncio.wait_for(begun.wait(), 30)

    running.cancel()
    await asyncio.wait({running})

    assert sweeper.ended


async def test_the_job_of_a_lost_worker_runs_again(world: World) -> None:
    lane = await world.joined()
    await world.submit(lane)
    lost = await world.run("w1")
    await world.lapse()

    repaired = await world.reconciler.run_once()

    again = await world.run("w2")
    assert repaired["leases"] == 1
    assert (again.id, again.attempt, again.attempts[0].outcome) == (lost.id, 2, "lost")
    assert [slot["id"] for slot in (await world.lane(lane.id))["slots"]] == [again.lease.slot]


async def test_a_job_that_loses_all_its_workers_fails(world: World) -> None:
    job = await world.submit(await world.joined(), max_attempts=3)
    for _ in range(3):
        await world.run()
        await world.lapse()
        await world.reconciler.run_once()

    failed = await world.read(job)
    assert (failed.status, failed.attempt, failed.error.code) == (Status.FAILED, 3, "worker_lost")
    assert await world.claim() is None


async def test_a_lease_that_is_renewed_in_time_is_left_alone(world: World) -> None:
    await world.submit(await world.joined())
    job = await world.run()
    await world.lapse()
    await renew(world.engine, claimed(job))

    assert not await world.reconciler.run_once()
    assert await complete(world.engine, job, [], used=USED) is Ending.COMPLETED


async def test_the_lease_is_as_long_as_the_rules_say(mongo_url: str, mongo_database: str) -> None:
    async with open_world(mongo_url, mongo_database, rules=Rules(lease=timedelta(hours=2))) as world:
        await world.submit(await world.joined())

        job = await world.run()

    assert job.lease.expires_at - job.started_at == timedelta(hours=2)


async def test_a_job_that_was_stored_but_never_announced_is_found(world: World) -> None:
    job = new_job(await world.joined())
    await world.stores.jobs.insert(job)

    repaired = await world.reconciler.run_once()

    assert (repaired["lanes"], repaired["tickets"]) == (1, 1)
    assert (await world.run()).id == job.id


async def test_a_lane_that_is_opened_again_has_the_terms_of_its_account(world: World) -> None:
    lane = await world.joined(Tier.PRO)
    await world.stores.jobs.insert(new_job(lane))

    await world.reconciler.run_once()

    stored = await world.lane(lane.id)
    assert (stored["weight"], stored["limit"]) == (PLANS[Tier.PRO].weight, PLANS[Tier.PRO].concurrent_jobs)


async def test_lanes_without_an_account_do_not_hinder_the_others(world: World) -> None:
    lane = await world.joined()
    orphaned = new_job(lane, account_id="acct_0", lane="cpu:acct_0")
    await world.stores.jobs.insert(orphaned)
    await world.stores.jobs.insert(new_job(lane))

    await world.reconciler.run_once()

    assert await world.claim() is not None


async def test_the_place_of_a_worker_that_died_between_two_steps_is_freed(world: World) -> None:
    lane = await world.joined()
    await world.submit(lane)
    before = await world.lane(lane.id)
    await world.stores.lanes.reserve(POOL, new_slot_id())
    await world.age_slots()

    repaired = await world.reconciler.run_once()

    after = await world.lane(lane.id)
    assert repaired["slots"] == 1
    assert (after["slots"], after["full"], after["vstart"]) == ([], False, before["vstart"])


async def test_the_place_of_a_worker_that_died_after_the_end_of_its_job_is_freed(world: World) -> None:
    lane = await world.joined()
    for _ in range(LIMIT + 1):
        await world.submit(lane)
    held = [await world.run() for _ in range(LIMIT)]
    await world.stores.attempts.complete(claimed(held[0]), [])  # and dies before it frees its place
    assert await world.claim() is None
    await world.age_slots()

    await world.reconciler.run_once()

    assert len((await world.lane(lane.id))["slots"]) == LIMIT - 1
    assert await world.claim() is not None


async def test_a_young_place_is_left_alone(world: World) -> None:
    await world.submit(await world.joined())
    await world.stores.lanes.reserve(POOL, new_slot_id())
    await world.age_slots(LEASE / 2)

    assert not await world.reconciler.run_once()


async def test_the_places_of_long_jobs_are_left_alone(world: World) -> None:
    lane = await world.joined()
    await world.submit(lane)
    await world.run()
    await world.age_slots()

    assert not await world.reconciler.run_once()
    assert len((await world.lane(lane.id))["slots"]) == 1


async def test_whoever_slept_between_the_two_steps_of_a_claim_runs_nothing(world: World) -> None:
    lane = await world.joined()
    job = await world.submit(lane)
    asleep = replace(world.engine, rules=Rules(lease=timedelta(microseconds=1)))  # any claim takes longer than that

    claimed_late = await claim(asleep, pool=POOL, worker="sleepy")

    assert claimed_late is None
    assert (await world.lane(lane.id))["slots"] == []
    assert ((await world.read(job)).status, (await world.run()).attempt) == (Status.QUEUED, 1)


@pytest.mark.parametrize("rounds", [3])
async def test_two_reconcilers_at_once_do_no_harm(world: World, rounds: int) -> None:
    lane = await world.joined()
    second = Reconciler(world.engine, world.sweeper)
    jobs = [await world.submit(lane) for _ in range(LIMIT)]
    await cancel(world.engine, lane.account_id, jobs[-1].id, by="owner")
    for _ in range(rounds):
        while await world.claim() is not None:
            pass
        await world.stores.lanes.reserve(POOL, new_slot_id())
        await world.lapse()
        await world.age_slots()
        await asyncio.gather(world.reconciler.run_once(), second.run_once())

    ended = [await world.read(job) for job in jobs]

    assert [job.status for job in ended] == [Status.FAILED, Status.FAILED, Status.CANCELLED]
    assert [len(job.attempts) for job in ended] == [rounds, rounds, 0]
    for job in ended:
        assert [event.seq for event in job.events] == list(range(1, len(job.events) + 1))
    stored = await world.lane(lane.id)
    assert (stored["slots"], stored["full"]) == ([], False)


async def test_a_step_that_fails_does_not_keep_the_others_from_their_work(world: World) -> None:
    lane = await world.joined()
    await world.submit(lane)
    spoilt = await world.run()
    await world.lapse()
    await world.database["jobs"].update_one({"_id": spoilt.id}, {"$set": {"events": "not a list"}})
    waiting = new_job(await world.joined())
    await world.stores.jobs.insert(waiting)

    await world.reconciler.run_once()

    assert (await world.run()).id == waiting.id


async def test_outputs_of_a_completed_job_are_not_touched_by_repairs(world: World) -> None:
    job = await world.submit(await world.joined())
    await complete(world.engine, await world.run(), [an_output()], used=USED)
    await world.lapse()
    await world.age_slots()

    for _ in range(3):
        await world.reconciler.run_once()

    assert (await world.read(job)).outputs == (an_output(),)
