"""Whoever makes a job claimable publishes one ticket; nobody else does."""

from datetime import timedelta

import pytest

from reelwork.domain.job import Status
from reelwork.domain.retry import AttemptFailure
from reelwork.domain.tier import PLANS, Tier
from reelwork.domain.worker import ModelOffered
from reelwork.engine.cancel import cancel
from reelwork.engine.claim import claim_batch
from reelwork.engine.finish import complete, fail
from reelwork.engine.lacking import Lacking
from reelwork.engine.reconcile import LOOKED_AT_FOR_TICKETS, MAX_TICKETS
from reelwork.runtime.tasks import running
from testkit.world import POOL, World, hire, new_job

USED = timedelta(seconds=1)
PASSING = AttemptFailure(code="provider_unavailable", message="Busy.", retryable=True)
LIMIT = PLANS[Tier.DEVELOPER].concurrent_jobs


async def lose_tickets(world: World) -> int:
    """As a broker that lost its disk; how many there were."""
    lost = await world.tickets()
    for _ in range(lost):
        await world.broker.take("cpu")
    return lost


async def test_every_submitted_job_has_its_ticket(world: World) -> None:
    lane, other = await world.joined(), await world.joined()

    for of in (lane, other, lane):
        await world.submit(of)

    assert await world.tickets() == 3


async def test_the_end_of_a_job_needs_no_ticket_where_nobody_waited(world: World) -> None:
    lane = await world.joined()
    await world.submit(lane)
    await world.submit(lane)
    job = await world.run()
    await lose_tickets(world)

    await complete(world.engine, job, [], used=USED)

    assert await world.tickets() == 0


async def test_a_place_that_becomes_free_brings_back_a_swallowed_ticket(world: World) -> None:
    lane = await world.joined()
    for _ in range(LIMIT + 1):
        await world.submit(lane)
    held = [await world.run() for _ in range(LIMIT)]
    assert await world.claim() is None  # this worker's ticket is used up
    await lose_tickets(world)

    await complete(world.engine, held[0], [], used=USED)

    assert await world.tickets() == 1
    assert (await world.run()).attempt == 1


async def test_every_swallowed_ticket_of_a_full_lane_comes_back(world: World) -> None:
    lane = await world.joined()
    jobs = [await world.submit(lane) for _ in range(LIMIT * 3)]
    held = []
    for _ in range(await world.tickets()):
        await world.broker.take("cpu")
        held.append(await world.claim())
    done = 0

    while held := [job for job in held if job]:
        await complete(world.engine, held.pop(), [], used=USED)
        done += 1
        for _ in range(await world.tickets()):
            await world.broker.take("cpu")
            held.append(await world.claim())

    assert done == len(jobs)


async def test_a_retry_that_waits_has_no_ticket_and_one_that_is_due_has_one(world: World) -> None:
    await world.submit(await world.joined())
    await fail(world.engine, await world.run(), PASSING, used=USED)
    await lose_tickets(world)

    await world.reconciler.run_once()
    waiting = await world.tickets()
    await world.come_due()
    await world.reconciler.run_once()

    assert (waiting, await world.tickets()) == (0, 1)


async def test_a_lapsed_lease_brings_a_ticket(world: World) -> None:
    await world.submit(await world.joined())
    await world.run()
    await lose_tickets(world)
    await world.lapse()

    await world.reconciler.run_once()

    assert await world.tickets() == 1


async def test_lost_tickets_are_published_again(world: World) -> None:
    for lane in (await world.joined(), await world.joined()):
        await world.submit(lane)
    lost = await lose_tickets(world)

    repaired = await world.reconciler.run_once()

    assert (lost, repaired["tickets"], await world.tickets()) == (2, 2, 2)


async def test_workers_are_not_woken_again_and_again_for_a_job_that_none_of_them_can_run(world: World) -> None:
    await hire(world, places=2)
    await world.submit(await world.joined(), model_version="2")
    await lose_tickets(world)

    woken = 0
    for _ in range(5):
        await world.reconciler.run_once()
        woken += await lose_tickets(world)

    assert woken == 0


async def test_of_several_jobs_those_have_tickets_that_some_worker_can_run(world: World) -> None:
    await hire(world, places=2, models=("testkit/noop", "testkit/spare"))
    lane = await world.joined()
    for fields in ({}, {"model_version": "2"}, {"model_version": "2", "fallbacks": ("testkit/spare",)}):
        await world.submit(lane, **fields)
    await lose_tickets(world)

    await world.reconciler.run_once()

    assert await world.tickets() == 2


async def test_a_job_far_behind_many_that_no_worker_can_run_is_woken_for(world: World) -> None:
    await hire(world, places=2)
    lane = await world.joined()
    many = [new_job(lane, model_version="2") for _ in range(LOOKED_AT_FOR_TICKETS + 10)]
    await world.stores.jobs.insert(*many)
    job = await world.submit(lane)
    await lose_tickets(world)

    await world.reconciler.run_once()

    assert await world.tickets() == 1, "one look costs little, and nobody knows what is behind"
    lacking = Lacking([ModelOffered(name="testkit/noop", version="2")])
    taken = await claim_batch(world.engine, pool=POOL, worker="w", most=1, lacking=lacking)
    assert [each.id for each in taken.jobs] == [job.id]


async def test_one_ticket_that_waits_is_enough_where_nobody_knows_what_is_behind(world: World) -> None:
    await hire(world, places=2)
    lane = await world.joined()
    await world.stores.jobs.insert(*(new_job(lane, model_version="2") for _ in range(LOOKED_AT_FOR_TICKETS + 1)))
    await world.stores.lanes.open(lane)

    for _ in range(3):
        await world.reconciler.run_once()

    assert await world.tickets() == 1


async def test_where_no_worker_takes_jobs_tickets_wait_for_the_first_that_comes(world: World) -> None:
    await hire(world, places=2, drain=True)
    await world.submit(await world.joined(), model_version="2")
    await lose_tickets(world)

    await world.reconciler.run_once()

    assert await world.tickets() == 1


async def test_no_ticket_is_added_where_enough_wait(world: World) -> None:
    await world.submit(await world.joined())

    for _ in range(3):
        await world.reconciler.run_once()

    assert await world.tickets() == 1


async def test_nobody_is_woken_for_a_lane_that_may_not_be_served(world: World) -> None:
    full, paused = await world.joined(), await world.joined()
    for _ in range(LIMIT + 2):
        await world.submit(full)
    for _ in range(LIMIT):
        await world.run()
    await world.submit(paused)
    await world.database["lanes"].update_one({"_id": paused.id}, {"$set": {"paused": True}})
    await lose_tickets(world)

    repaired = await world.reconciler.run_once()

    assert (repaired["tickets"], await world.tickets()) == (0, 0)


async def test_a_long_backlog_is_ticketed_in_bounded_steps(world: World) -> None:
    lane = await world.joined(Tier.ENTERPRISE)
    for _ in range(MAX_TICKETS + 5):
        await world.submit(lane)
    await lose_tickets(world)

    await world.reconciler.run_once()

    assert await world.tickets() == MAX_TICKETS


async def test_a_cancelled_job_leaves_a_ticket_that_does_no_harm(world: World) -> None:
    lane = await world.joined()
    cancelled = await world.submit(lane)
    kept = await world.submit(lane)
    await cancel(world.engine, cancelled.account_id, cancelled.id, by="owner")

    served = [await world.claim() for _ in range(await world.tickets())]

    assert [job.id if job else None for job in served] == [kept.id, None]
    assert (await world.read(kept)).status is Status.PROCESSING


@pytest.mark.parametrize("burst", [1, 20])
async def test_jobs_submitted_while_the_opener_is_busy_are_all_announced(world: World, burst: int) -> None:
    lanes = [await world.joined() for _ in range(3)]
    async with running(world.opener.run):
        for lane in lanes * burst:
            world.opener.announce(lane)
        for _ in range(3 * burst):
            await world.broker.take("cpu")

    assert await world.tickets() == 0
