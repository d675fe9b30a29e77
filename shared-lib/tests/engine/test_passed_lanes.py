"""Lanes that a worker passes over, since it has none of their models: they hold up nobody, and lose nothing but time
that nobody could have given them."""

from collections import Counter
from datetime import timedelta

import pytest

from reelwork.domain.ids import LaneId
from reelwork.domain.job import Job
from reelwork.domain.lane import LaneTerms
from reelwork.domain.worker import ModelOffered
from reelwork.engine.claim import claim_batch
from reelwork.engine.finish import complete
from reelwork.engine.lacking import ASK_SECONDS, REMEMBERED_SECONDS, Lacking
from reelwork.generator import ModelCard
from testkit.models import Noop
from testkit.world import POOL, World, new_job, terms

NEWER = ModelOffered(name="testkit/noop", version="2")
USED = timedelta(seconds=10)


async def queue(world: World, lane: LaneTerms, count: int = 1, **fields: object) -> None:
    """Jobs as they lie there, without the tickets."""
    await world.stores.jobs.insert(*(new_job(lane, **fields) for _ in range(count)))
    await world.stores.lanes.open(lane)


async def claimed(world: World, lacking: Lacking | None = None) -> Job | None:
    taken = await claim_batch(world.engine, pool=POOL, worker="w", most=1, lacking=lacking)
    return taken.jobs[0] if taken.jobs else None


async def served(world: World, times: int, lacking: Lacking | None = None) -> list[LaneId]:
    """Claim and run so many jobs of ten seconds each, one after the other; whose they were."""
    lanes = []
    for _ in range(times):
        job = await claimed(world, lacking)
        assert job is not None, "there is a job that it could run"
        await complete(world.engine, job, [], used=USED)
        lanes.append(job.lane)
    return lanes


async def commands(world: World) -> int:
    """How many operations MongoDB has done in this database since profiling began."""
    return int(await world.database["system.profile"].count_documents({"ns": {"$not": {"$regex": "system"}}}))


async def test_a_lane_is_served_behind_many_that_the_worker_can_do_nothing_for(world: World) -> None:
    for _ in range(70):
        await queue(world, terms(), model_version="2")
    runnable = terms()
    await queue(world, runnable)

    job = await claimed(world, Lacking([NEWER]))

    assert job is not None
    assert job.lane == runnable.id


async def test_a_lane_that_comes_back_gets_no_saved_up_time_beside_one_that_nobody_can_run(world: World) -> None:
    stuck, busy, returning = terms(), terms(), terms()
    old = Lacking([NEWER])
    await queue(world, stuck, model_version="2")
    await queue(world, busy, 20)
    await served(world, 10, old)

    await queue(world, returning, 10)
    shares = Counter(await served(world, 8, old))

    assert shares[returning.id] <= 5, "half of them, and the one that it came for"
    assert shares[busy.id] >= 3


async def test_a_lane_that_was_passed_over_is_next_for_a_worker_that_can_run_it_and_then_shares(world: World) -> None:
    passed, busy = terms(), terms()
    await queue(world, passed, 10, model_version="2")
    await queue(world, busy, 20)
    await served(world, 10, Lacking([NEWER]))

    order = await served(world, 8)

    assert order[0] == passed.id
    assert Counter(order)[busy.id] >= 3, "it has no more than the one job behind that it was passed over for"


@pytest.mark.parametrize("weights", [(1, 1), (3, 1), (1, 3)])
async def test_lanes_that_were_passed_over_together_keep_their_shares_of_the_worker_that_runs_them(
    world: World, weights: tuple[int, int]
) -> None:
    first, second = (terms(weight=weight) for weight in weights)
    busy, old = terms(), Lacking([NEWER])
    for lane in (first, second):
        await queue(world, lane, 12, model_version="2")
    await queue(world, busy, 60)

    new: Counter[LaneId] = Counter()
    for _ in range(8):
        await served(world, 5, old)
        new.update(await served(world, 1))

    shares = Counter({first.id: weights[0], second.id: weights[1]})
    assert {lane: count * sum(weights) / 8 for lane, count in new.items()} == pytest.approx(shares)


async def test_a_lane_that_stands_level_with_others_is_not_overtaken_by_all_of_them_again_and_again(
    world: World,
) -> None:
    """As many as there are, all of them start at the same moment: whoever was there first goes first."""
    others = [terms() for _ in range(4)]
    passed, old = terms(), Lacking([NEWER])
    for lane in others:
        await queue(world, lane, 10)
    await queue(world, passed, 10, model_version="2")

    new = []
    for _ in range(10):
        await served(world, 1, old)
        new += await served(world, 1)

    assert new.count(passed.id) >= 3, "of twenty jobs of five lanes four are its own"


async def test_a_lane_is_not_tried_again_at_every_claim(world: World) -> None:
    for _ in range(10):
        await queue(world, terms(), model_version="2")
    await queue(world, terms(), 2)
    old = Lacking([NEWER])
    await world.database.command("profile", 2)
    try:
        await claimed(world, old)
        walked = await commands(world)
        await claimed(world, old)
        again = await commands(world) - walked
    finally:
        await world.database.command("profile", 0)
        await world.database.drop_collection("system.profile")

    assert walked >= 3 * 10, "each is looked into once"
    assert again <= 8


async def test_a_passed_lane_that_gets_a_job_for_this_worker_is_served_at_once(world: World) -> None:
    lane, old = terms(), Lacking([NEWER])
    await queue(world, lane, model_version="2")
    assert await claimed(world, old) is None

    await queue(world, lane)
    job = await claimed(world, old)

    assert job is not None
    assert job.model_version == "1"


async def test_a_job_that_comes_due_in_a_passed_lane_is_found_after_a_while(world: World) -> None:
    """Nobody opens the lane anew for it, so only time tells."""
    now = [0.0]
    lane, old = terms(), Lacking([NEWER], clock=lambda: now[0])
    await queue(world, lane, model_version="2")
    assert await claimed(world, old) is None

    await world.stores.jobs.insert(new_job(lane))
    assert await claimed(world, old) is None
    now[0] += REMEMBERED_SECONDS
    job = await claimed(world, old)

    assert job is not None
    assert job.model_version == "1"


async def test_a_model_that_goes_away_leaves_its_jobs_to_those_that_may_stand_in(world: World) -> None:
    now, newer = [0.0], ModelCard.of(Noop).model_copy(update={"version": NEWER.version})
    lane, old = terms(), Lacking([NEWER], stand_ins=["testkit/spare"], clock=lambda: now[0])
    await world.stores.models.publish(newer)
    await queue(world, lane, model_version="2")
    await queue(world, lane, model_version="2", fallbacks=("testkit/spare",))
    assert await claimed(world, old) is None, "a worker with its own model lives"

    await world.database["models"].update_many({}, [{"$set": {"seen_at": {"$subtract": ["$$NOW", 60_000]}}}])
    now[0] += ASK_SECONDS
    job = await claimed(world, old)

    assert job is not None
    assert job.fallbacks == ("testkit/spare",)
    assert await claimed(world, old) is None, "the other job names no model that this worker has"
    await world.stores.models.publish(newer)
    await queue(world, lane, model_version="2", fallbacks=("testkit/spare",))
    now[0] += ASK_SECONDS
    assert await claimed(world, old) is None, "it is back"


async def test_a_lane_that_once_swallowed_a_ticket_does_not_have_it_handed_round(world: World) -> None:
    """Whoever gives places back wakes another worker, since somebody may have found it full: not again and again."""
    lane, old = terms(limit=1), Lacking([NEWER])
    await queue(world, lane, model_version="2")
    await world.database["lanes"].update_many({}, {"$set": {"starved": True}})
    world.broker.publish(POOL)

    looks = 0
    while await world.tickets() and looks < 10:
        await world.broker.take(POOL)
        assert await claimed(world, old) is None
        looks += 1

    assert looks == 2


async def test_a_claim_keeps_its_job_when_the_passed_lanes_could_not_be_moved(world: World) -> None:
    """The next claim moves them; a job that was taken and then not run would cost it an attempt."""
    stuck, busy, old = terms(), terms(), Lacking([NEWER])
    await queue(world, stuck, model_version="2")
    await queue(world, busy, 5)
    await served(world, 1, old)
    stays = {"$or": [{"_id": {"$ne": stuck.id}}, {"vstart": {"$lt": 5.0}}]}
    await world.database.command("collMod", "lanes", validator=stays)
    try:
        job = await claimed(world, old)
    finally:
        await world.database.command("collMod", "lanes", validator={})

    assert job is not None
    assert job.lane == busy.id
    assert (await world.lane(stuck.id))["vstart"] < 5.0
    await claimed(world, old)
    assert (await world.lane(stuck.id))["vstart"] > 5.0
