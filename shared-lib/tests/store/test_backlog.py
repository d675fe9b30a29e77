"""What the reconciler asks of the jobs."""

from datetime import UTC, datetime, timedelta

from reelwork.domain.job import Status
from testkit.world import LEASE, World, new_job, terms

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)


async def test_lapsed_leases_are_found_oldest_first_and_within_bounds(world: World) -> None:
    ids = []
    for number in range(4):
        job = new_job(terms())
        await world.stores.jobs.insert(job)
        await world.stores.attempts.take(job.lane, worker="w", slots=[f"s{number}"], lease=LEASE)
        ended = {"lease.expires_at": NOW - number * HOUR}
        await world.database["jobs"].update_one({"_id": job.id}, {"$set": ended})
        ids.append(job.id)
    await world.stores.jobs.cancel_running((await world.raw(ids[3]))["account_id"], ids[3], by="owner")

    found = await world.stores.backlog.lapsed(NOW, limit=2)

    assert [job.id for job in found] == [ids[3], ids[2]]
    assert [job.id for job in await world.stores.backlog.lapsed(NOW, limit=10)] == [ids[3], ids[2], ids[1]]


async def test_jobs_whose_delay_is_over_become_due_once(world: World) -> None:
    lane, other = terms(), terms()
    past = [new_job(one, not_before=NOW - HOUR) for one in (lane, other, lane)]
    future = new_job(lane, not_before=NOW + HOUR)
    cancelled = new_job(lane, not_before=NOW - HOUR, status=Status.CANCELLED)
    for job in (*past, future, cancelled):
        await world.stores.jobs.insert(job)

    first = await world.stores.backlog.make_due(NOW, limit=10)
    second = await world.stores.backlog.make_due(NOW, limit=10)

    assert (first, second) == (3, 0)
    assert [(await world.raw(job.id))["due"] for job in (*past, future, cancelled)] == [True] * 3 + [False] * 2
    assert (await world.read(past[0])).version == 2


async def test_no_more_jobs_become_due_at_once_than_asked_for(world: World) -> None:
    for _ in range(5):
        await world.stores.jobs.insert(new_job(terms(), not_before=NOW - HOUR))

    assert [await world.stores.backlog.make_due(NOW, limit=3) for _ in range(3)] == [3, 2, 0]


async def test_lanes_with_work_are_listed_page_by_page_each_once(world: World) -> None:
    lanes = [terms() for _ in range(5)]
    for lane in lanes * 2:
        await world.stores.jobs.insert(new_job(lane))
    await world.stores.jobs.insert(new_job(terms(), status=Status.COMPLETED))
    await world.stores.jobs.insert(new_job(terms(), not_before=NOW + HOUR))
    backlog, found, after = world.stores.backlog, [], ""

    while page := await backlog.lanes_with_work(after=after, limit=2):
        found += page
        after = page[-1][0]

    assert found == sorted((lane.id, lane.account_id, lane.pool) for lane in lanes)


async def test_claimable_jobs_are_counted_up_to_a_limit(world: World) -> None:
    lane, other = terms(), terms()
    for job in [new_job(lane) for _ in range(4)] + [new_job(other), new_job(lane, not_before=NOW + HOUR)]:
        await world.stores.jobs.insert(job)
    count = world.stores.backlog.count_claimable

    assert [await count([lane.id], limit=10), await count([lane.id, other.id], limit=10)] == [4, 5]
    assert [await count([lane.id], limit=2), await count([], limit=10)] == [2, 0]


async def test_slots_are_held_by_running_jobs_only(world: World) -> None:
    lane = terms()
    for _ in range(3):
        await world.stores.jobs.insert(new_job(lane))
    jobs = (await world.stores.attempts.take(lane.id, worker="w", slots=["s0", "s1", "s2"], lease=LEASE)).jobs
    await world.stores.jobs.cancel_running(lane.account_id, jobs[1].id, by="owner")
    await world.database["jobs"].update_one({"_id": jobs[2].id}, {"$set": {"status": Status.COMPLETED}})

    assert await world.stores.backlog.running_slots(["s0", "s1", "s2", "s3"]) == {"s0", "s1"}
    assert await world.stores.backlog.running_slots([]) == set()
