"""Workers of one pool need not have the same models: what one of them lacks waits for another."""

import asyncio
from typing import Any

import pytest

from reelwork.domain.ids import LaneId
from reelwork.domain.job import Status
from reelwork.domain.worker import ModelOffered
from reelwork.engine.claim import claim_batch
from reelwork.engine.lacking import MOST_REMEMBERED_SECONDS, REMEMBERED_SECONDS, WALKS, Lacking, Walk
from reelwork.store.attempts import Taken
from testkit.world import POOL, World, terms

NEWER = ModelOffered(name="testkit/noop", version="2")


async def claimed(world: World, *, most: int = 1, lacking=(NEWER,)) -> list[str]:
    taken = await claim_batch(world.engine, pool=POOL, worker="w", most=most, lacking=Lacking(lacking))
    return [job.id for job in taken.jobs]


async def test_a_job_of_a_version_that_the_worker_lacks_does_not_hold_up_those_behind_it(world: World) -> None:
    lane = terms()
    newer = await world.submit(lane, model_version="2")
    older = await world.submit(lane)

    assert await claimed(world) == [older.id]
    assert await claimed(world) == []
    assert await claimed(world, lacking=()) == [newer.id]


async def test_a_lane_with_nothing_for_this_worker_does_not_hold_up_other_lanes(world: World) -> None:
    first, second = terms(), terms()
    newer = await world.submit(first, model_version="2")
    older = await world.submit(second)

    assert await claimed(world) == [older.id]
    assert await claimed(world) == []
    assert (await world.read(newer)).status is Status.QUEUED


async def test_a_lane_that_was_passed_over_keeps_its_place_and_its_time(world: World) -> None:
    newer = await world.submit(terms(), model_version="2")
    before = await world.lane(newer.lane)

    await claimed(world)

    after = await world.lane(newer.lane)
    assert (after["active"], after["slots"], after["vstart"]) == (True, [], before["vstart"])


async def test_several_short_jobs_at_once_leave_out_those_that_the_worker_lacks(world: World) -> None:
    lane = terms()
    versions = ["1", "2", "1", "2"]
    jobs = [await world.submit(lane, model_version=version) for version in versions]
    await world.database["lanes"].update_many({}, {"$set": {"estimate": 0.01}})

    assert await claimed(world, most=4) == [job.id for job in jobs[::2]]


async def test_a_lane_that_is_really_empty_goes_idle_all_the_same(world: World) -> None:
    older = await world.submit(terms())

    assert await claimed(world) == [older.id]
    assert await claimed(world) == []
    assert (await world.lane(older.lane))["active"] is False


async def test_a_walk_that_took_long_blinds_a_worker_for_a_bounded_time(world: World) -> None:
    newer = await world.submit(terms(), model_version="2")
    now = 0.0
    lacking = Lacking([NEWER], clock=lambda: now)
    lacking.remember(Walk({newer.lane: (await world.lane(newer.lane))["epoch"]}, seconds=30.0))

    assert await lacking.recall(world.stores) == {newer.lane}
    now = MOST_REMEMBERED_SECONDS
    assert await lacking.recall(world.stores) == set()


async def test_only_the_walk_over_passed_lanes_counts_and_not_what_serving_one_took(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed = await world.submit(terms(), model_version="2")
    served = await world.submit(terms())
    now = 0.0
    lacking = Lacking([NEWER], clock=lambda: now)
    take = world.stores.attempts.take

    async def slow(lane: LaneId, **how: Any) -> Taken:
        """MongoDB stalls where the job is taken that is served."""
        if lane == served.lane:
            await asyncio.sleep(REMEMBERED_SECONDS / WALKS * 1.5)
        return await take(lane, **how)

    monkeypatch.setattr(world.stores.attempts, "take", slow)
    taken = await claim_batch(world.engine, pool=POOL, worker="w", most=1, lacking=lacking)
    now = REMEMBERED_SECONDS

    assert [job.id for job in taken.jobs] == [served.id]
    assert lacking.lanes == {passed.lane}
    assert await lacking.recall(world.stores) == set()
