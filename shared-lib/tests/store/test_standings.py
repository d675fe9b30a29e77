"""A pool as it is told to owners; and the conditions of the scheduler, held to the words that explain them."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from reelwork.domain.ids import new_job_id
from reelwork.domain.job import Priority, Status
from reelwork.domain.waiting import LaneView, claimable, servable
from reelwork.store.queue import Place
from reelwork.store.runtimes import KEPT
from testkit.world import POOL, World, new_job, terms


@pytest.mark.parametrize(("active", "full", "paused"), list(itertools.product([True, False], repeat=3)))
async def test_a_lane_is_served_exactly_if_it_is_explained_as_servable(
    world: World, active: bool, full: bool, paused: bool
) -> None:
    lane = terms(limit=1)
    await world.stores.lanes.open(lane)
    if full:
        await world.stores.lanes.reserve(POOL, "claim")
    await world.database["lanes"].update_one({"_id": lane.id}, {"$set": {"active": active, "paused": paused}})
    standing = (await world.stores.standings.lanes([lane.id]))[lane.id]

    reserved = await world.stores.lanes.reserve(POOL, "another claim")

    assert (standing.active, standing.paused, len(standing.places)) == (active, paused, int(full))
    view = LaneView(active=standing.active, paused=standing.paused, running=len(standing.places), limit=standing.limit)
    assert servable(view) == (reserved is not None)


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("due", [True, False])
@pytest.mark.parametrize("hours", [None, 1, -1])
async def test_a_job_is_taken_exactly_if_it_is_explained_as_claimable(
    world: World, status: Status, due: bool, hours: int | None
) -> None:
    now = datetime.now(UTC)
    job = new_job(terms(), deadline_at=now + timedelta(hours=hours) if hours is not None else None)
    await world.stores.jobs.insert(job)
    await world.database["jobs"].update_one({"_id": job.id}, {"$set": {"status": status.value, "due": due}})
    stored = await world.read(job)

    taken = await world.stores.attempts.take(job.lane, worker="w", slots=["s"], lease=timedelta(seconds=9))

    assert claimable(stored, now) == bool(taken.jobs)


async def test_the_jobs_ahead_are_those_that_are_taken_first(world: World) -> None:
    lane = terms()
    order = [(Priority.HIGH, 5.0), (Priority.NORMAL, 1.0), (Priority.NORMAL, 2.0), (Priority.LOW, 0.0)]
    jobs = [new_job(lane, priority=priority, order=at) for priority, at in order]
    delayed = new_job(lane, priority=Priority.HIGH, order=0.0, not_before=datetime.now(UTC) + timedelta(hours=1))
    await world.stores.jobs.insert(*reversed(jobs), delayed, new_job(terms()))

    ahead = [await world.stores.queue.ahead(lane.id, Place(priority=job.priority, order=job.order)) for job in jobs]

    assert ahead == [0, 1, 2, 3]
    assert await world.stores.standings.queued([lane.id]) == {lane.id: 4}
    assert await world.stores.standings.queued([lane.id], due=False) == {lane.id: 1}
    assert await world.stores.standings.queued([terms().id]) == {}
    heads = await world.stores.standings.heads(lane.id, most=2)
    assert [head.model for head in heads] == ["testkit/noop"] * 2


async def test_a_pool_shows_its_open_lanes_in_their_order_and_those_that_only_run_something(world: World) -> None:
    later, first, resting, idle = lanes = [terms() for _ in range(4)]
    for lane in (*lanes, terms(pool="gpu")):
        await world.stores.lanes.open(lane)
    place = {"id": "s", "at": datetime.now(UTC), "charge": 1.0}
    for lane, fields in (
        (later, {"vstart": 9.0}),
        (resting, {"active": False, "slots": [place]}),
        (idle, {"active": False}),
    ):
        await world.database["lanes"].update_one({"_id": lane.id}, {"$set": fields})

    found = await world.stores.standings.pool(POOL, most=10)

    assert [lane.id for lane in found] == [first.id, later.id, resting.id]
    assert [taken.id for taken in found[2].places] == ["s"]


async def test_what_runs_in_a_place_is_known_by_its_lease(world: World) -> None:
    lane = terms()
    await world.stores.jobs.insert(new_job(lane, input={"seconds": 3}))
    await world.stores.attempts.take(lane.id, worker="w", slots=["s"], lease=timedelta(seconds=9))

    under = await world.stores.standings.under(["s", "nobody's"])

    assert {place: task.input for place, task in under.items()} == {"s": {"seconds": 3}}


async def test_runs_are_remembered_by_model_and_size_and_the_oldest_forgotten(world: World) -> None:
    runtimes = world.stores.runtimes
    await runtimes.add({("a/b", 3): [1.0, 2.0], ("a/b", -2): [5.0], ("c/d", 0): [9.0]})
    await runtimes.add({("a/b", 3): [float(length) for length in range(KEPT)]})
    await runtimes.add({})

    found = await runtimes.of(["a/b", "c/d", "unknown/one"])

    assert found == {"a/b": {3: [float(length) for length in range(KEPT)], -2: [5.0]}, "c/d": {0: [9.0]}}


def a_worker(pool: str = POOL, *, concurrency: int = 2, age: float = 0.0, **fields: bool) -> dict[str, object]:
    """An entry of the list of workers."""
    card = {"pool": pool, "concurrency": concurrency, "models": [{"name": "testkit/noop", "version": "1"}]}
    seen = datetime.now(UTC) - timedelta(seconds=age)
    return {"card": card, "seen_at": seen, "gone": False, "drain": False, "stopping": False, "processes": []} | fields


async def test_the_crew_are_the_workers_that_live_and_take_jobs(world: World) -> None:
    silent = {"age": 60.0}
    await world.database["workers"].insert_many(
        [
            a_worker(),
            a_worker(concurrency=3),
            a_worker("gpu"),
            a_worker(gone=True),
            a_worker(drain=True),
            a_worker(stopping=True),
            a_worker(**silent),
        ]
    )

    crew = await world.stores.standings.crew(POOL, running=[new_job_id() for _ in range(4)])

    assert (crew.view.workers, crew.view.places, crew.view.running) == (2, 5, 4)
    assert crew.models == {"testkit/noop@1"}
    await world.database["workers"].delete_many({})


async def test_a_pool_without_workers_has_no_crew(world: World) -> None:
    vouched = {"_id": "testkit/noop", "pool": POOL, "seen_at": datetime.now(UTC)}
    await world.database["models"].insert_one(vouched)

    crew = await world.stores.standings.crew(POOL, running=[new_job_id()])

    assert (crew.view.places, crew.models) == (0, frozenset())
