"""Whoever has just stored a job may run it at once: in its lane's limits, and once, wherever a process dies."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from reelwork.domain.ids import AssetId
from reelwork.domain.job import Job, Status
from reelwork.domain.lane import LaneTerms
from reelwork.engine.claim import claim_this
from reelwork.engine.finish import Ending, complete
from testkit.services import fresh_database
from testkit.stage import Stage
from testkit.world import POOL, World, an_output, new_job, terms

# Operations of a claim and an ending, at most: each of them is the one before which the process dies.
STEPS = 20
SECOND = timedelta(seconds=1)


async def stored(world: World, of: LaneTerms, **fields: object) -> Job:
    """A job that nobody has been told of."""
    job = new_job(of, **fields)
    await world.stores.jobs.insert(job)
    return job


async def taken(world: World, job: Job, of: LaneTerms) -> Job | None:
    return await claim_this(world.engine, job, of, worker="gateway")


async def test_it_goes_before_what_waits_in_its_lane_and_has_a_place_there(world: World):
    mine = terms(limit=2)
    await world.submit(mine)
    job = await stored(world, mine)

    claimed = await taken(world, job, mine)

    assert (claimed.id, claimed.status, claimed.lease.worker) == (job.id, Status.PROCESSING, "gateway")
    assert [slot["id"] for slot in (await world.lane(mine.id))["slots"]] == [claimed.lease.slot]


async def test_its_place_is_free_again_when_it_has_ended(world: World):
    mine = terms(limit=1)
    claimed = await taken(world, await stored(world, mine), mine)

    assert await complete(world.engine, claimed, [an_output()], used=SECOND) is Ending.COMPLETED

    assert (await world.lane(mine.id))["slots"] == []
    assert await world.claim() is None


async def test_a_full_lane_takes_no_more(world: World):
    mine = terms(limit=1)
    await world.submit(mine)
    await world.run()

    assert await taken(world, await stored(world, mine), mine) is None


async def test_other_lanes_are_left_alone(world: World):
    others, mine = terms(), terms(limit=1)
    await world.submit(others)

    await taken(world, await stored(world, mine), mine)

    assert (await world.lane(others.id))["slots"] == []


async def test_a_pool_that_is_held_lets_none_pass(world: World):
    mine = terms()
    await world.stores.pools.order(POOL, held=True)

    assert await taken(world, await stored(world, mine), mine) is None


async def test_what_a_worker_has_taken_is_left_to_it_and_no_place_is_kept(world: World):
    mine = terms()
    job = await world.submit(mine)
    await world.run()
    waiting = await world.submit(mine)

    assert await taken(world, job, mine) is None

    lane = await world.lane(mine.id)
    assert (len(lane["slots"]), lane["active"]) == (1, True)
    assert (await world.run()).id == waiting.id


async def finished(world: World, job: Job) -> None:
    """Its output is told from another attempt's by its slot."""
    await complete(world.engine, job, [an_output(asset=AssetId(job.lease.slot))], used=SECOND)


@pytest.fixture(scope="module")
def stage(mongo_url: str) -> Iterator[Stage]:
    with fresh_database(mongo_url) as name, Stage.open(mongo_url, name) as opened:
        yield opened


def test_wherever_the_process_dies_the_job_is_run_once_in_the_end(stage: Stage) -> None:
    for lives in range(STEPS):
        if not _dies_and_is_repaired(stage, lives):
            return
    raise AssertionError(f"a short job takes more than {STEPS} operations")


def _dies_and_is_repaired(stage: Stage, lives: int) -> bool:
    world = stage.world
    stage.do(world.clear())
    mine = stage.do(world.joined())
    job = stage.do(stored(world, mine))

    async def run() -> None:
        claimed = await taken(world, job, mine)
        assert claimed is not None
        await finished(world, claimed)

    stage.try_to(run(), lives)
    died = stage.died
    stage.do(world.lapse())
    stage.do(world.age_slots())
    for _ in range(3):  # what one pass finds out another one acts on
        stage.do(world.reconciler.run_once())
        stage.do(world.come_due())
    found = stage.do(world.claim())
    if found is not None:
        stage.do(finished(world, found))

    ended = stage.do(world.read(job))
    assert (ended.status, len(ended.outputs)) == (Status.COMPLETED, 1)
    assert stage.do(world.claim()) is None
    stage.check()
    return died
