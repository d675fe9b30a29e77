"""Every question that is asked while jobs run is answered by an index. MongoDB's own profiler says so, about the real
queries of a real pass, on a database in which most jobs have ended."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pymongo
import pytest

from reelwork.domain.ids import new_account_id, new_asset_id, new_job_id
from reelwork.domain.job import Status
from reelwork.domain.lane import LaneTerms
from reelwork.engine.cancel import cancel
from reelwork.engine.claim import claim_batch, renew
from reelwork.engine.engine import claimed
from reelwork.engine.finish import Finished, complete, complete_all
from reelwork.engine.reconcile import LOOKED_AT_FOR_TICKETS
from reelwork.engine.stranded import SURE_SECONDS, StrandedJobs
from reelwork.generator import ModelCard
from reelwork.store.assets import AssetFilter
from reelwork.store.client import Document, Driver, MongoOptions, open_database
from reelwork.store.indexes import ensure_indexes
from reelwork.store.job_filter import JobFilter
from reelwork.store.jobs import JOB_CODEC, Jobs
from testkit.models import Noop
from testkit.storage import an_asset
from testkit.world import POOL, World, an_output, hire, new_job, terms

USED = timedelta(milliseconds=5)
DAY = timedelta(days=1)
# Far more than any of these questions may look at, far fewer than the documents that there are.
FEW = 60
MOST_AT_ONCE = 16  # jobs that were found by their keys may be put in order in memory


@pytest.fixture
async def lanes(world: World) -> list[LaneTerms]:
    """Some lanes with work, among many that are idle and 600 jobs that have ended."""
    lanes, idle = [await world.joined() for _ in range(4)], [terms() for _ in range(100)]
    past = datetime.now(UTC) - DAY
    ended = [new_job(lane, status=Status.COMPLETED, deadline_at=past) for lane in idle + lanes * 125]
    late = [new_job(lane, deadline_at=past) for lane in lanes]
    waiting = [new_job(lane) for lane in lanes * 5]
    delayed = [new_job(lane, not_before=datetime.now(UTC) + days * DAY) for lane in lanes for days in (-1, 1)]
    documents = [JOB_CODEC.encode(job) | {"due": job.not_before is None} for job in ended + waiting + delayed + late]
    await world.database["jobs"].insert_many(documents)
    for lane in idle + lanes:
        await world.stores.lanes.open(lane)
    await world.database["lanes"].update_many({"_id": {"$in": [lane.id for lane in idle]}}, {"$set": {"active": False}})
    return lanes


@pytest.fixture
async def profiled(world: World, lanes: list[LaneTerms]) -> AsyncIterator[World]:
    await world.database.command("profile", 2)
    yield world
    await world.database.command("profile", 0)
    await world.database["system.profile"].drop()


@asynccontextmanager
async def unseen(world: World) -> AsyncIterator[None]:
    """What the test does itself is not looked at."""
    await world.database.command("profile", 0)
    yield
    await world.database.command("profile", 2)


async def asked(world: World) -> list[Document]:
    """What MongoDB did on our collections, and how."""
    await world.database.command("profile", 0)
    names = [f"{world.database.name}.{name}" for name in ("jobs", "lanes", "assets")]
    found = await world.database["system.profile"].find({"ns": {"$in": names}, "op": {"$ne": "insert"}}).to_list(None)
    assert found, "nothing was asked"
    return found


def expect_indexes(done: list[Document], *, few: int = FEW) -> None:
    for operation in done:
        told = {key: operation.get(key) for key in ("ns", "command", "planSummary", "docsExamined", "keysExamined")}
        assert "COLLSCAN" not in operation.get("planSummary", ""), told
        assert not operation.get("hasSortStage") or operation["docsExamined"] <= MOST_AT_ONCE, told
        assert operation.get("docsExamined", 0) <= few, told
        assert operation.get("keysExamined", 0) <= few, told


async def test_claiming_and_running_look_at_a_few_documents_by_index(profiled: World, lanes: list[LaneTerms]) -> None:
    engine = profiled.engine

    single = await profiled.run()
    await renew(engine, claimed(single))
    await complete(engine, single, [], used=USED)
    async with unseen(profiled):
        await profiled.database["lanes"].update_many({}, {"$set": {"estimate": 0.01}})
    many = (await claim_batch(engine, pool=POOL, worker="w", most=3)).jobs
    await complete_all(engine, [Finished(job=job, outputs=[], used=USED) for job in many])

    assert len(many) == 3
    expect_indexes(await asked(profiled), few=20)


async def test_what_usage_does_not_tell_yet_is_found_and_marked_by_index(
    profiled: World, lanes: list[LaneTerms]
) -> None:
    async with unseen(profiled):
        await profiled.stores.jobs.insert(*(new_job(lanes[0]) for _ in range(10)))

    found, after = await profiled.stores.uncounted.page(after=None, limit=5)
    rest, _ = await profiled.stores.uncounted.page(after=after, limit=50)
    await profiled.stores.uncounted.mark({history.id: 1 for history in found})

    assert (len(found), len(rest)) == (5, 5)
    expect_indexes(await asked(profiled), few=10)


async def test_a_ticket_for_nothing_costs_a_look_at_an_index(profiled: World) -> None:
    await profiled.claim(pool="gpu")

    expect_indexes(await asked(profiled), few=0)


@pytest.mark.parametrize("why", ["full", "paused"])
async def test_tickets_for_lanes_that_cannot_be_served_do_not_look_at_each_of_them_again(
    profiled: World, lanes: list[LaneTerms], why: str
) -> None:
    async with unseen(profiled):
        await profiled.database["lanes"].update_many({}, {"$set": {"active": True, why: True}})
        await profiled.claim()

    await profiled.claim()

    expect_indexes(await asked(profiled), few=1)


async def test_lanes_with_work_are_found_by_one_seek_each(profiled: World, lanes: list[LaneTerms]) -> None:
    await profiled.stores.backlog.lanes_with_work(after="", limit=10)

    (done,) = await asked(profiled)
    assert "DISTINCT_SCAN" in done["planSummary"]
    assert done["keysExamined"] <= 2 * len(lanes) + 2


async def test_a_pass_of_the_reconciler_looks_at_what_is_broken_by_index(
    profiled: World, lanes: list[LaneTerms]
) -> None:
    lost = [await profiled.run() for _ in range(3)]
    await cancel(profiled.engine, lost[0].account_id, lost[0].id, by="owner")
    async with unseen(profiled):
        await profiled.lapse()
        await profiled.age_slots()
        await profiled.database["lanes"].update_one({"_id": lanes[3].id}, {"$set": {"active": False}})

    repaired = await profiled.reconciler.run_once()

    assert {"leases", "deadlines", "due", "lanes"} <= set(repaired)
    expect_indexes(await asked(profiled))


async def test_the_search_for_stranded_jobs_asks_for_none_while_no_model_is_gone(
    profiled: World, lanes: list[LaneTerms]
) -> None:
    search = StrandedJobs(profiled.engine, clock=itertools.count(step=SURE_SECONDS).__next__)
    async with unseen(profiled):
        await profiled.stores.models.publish(ModelCard.of(Noop))

    for _ in range(2):
        await search.end(datetime.now(UTC))
    await profiled.lane(lanes[0].id)  # the profiler sees something in any case

    assert not [done for done in await asked(profiled) if done["ns"].endswith(".jobs")]


async def test_the_search_for_stranded_jobs_reads_of_others_only_what_tells_them_apart(
    profiled: World, lanes: list[LaneTerms]
) -> None:
    past = datetime.now(UTC) - 3 * DAY
    search = StrandedJobs(profiled.engine, clock=itertools.count(step=SURE_SECONDS).__next__)
    async with unseen(profiled):
        await profiled.database["jobs"].delete_many({})
        old = [new_job(lanes[0], input={"text": "x" * 10_000}, created_at=past, queued_at=past) for _ in range(20)]
        await profiled.stores.jobs.insert(*old)
        await profiled.stores.models.publish(ModelCard.of(Noop).model_copy(update={"name": "test/gone"}))
        await profiled.database["models"].update_one({}, {"$set": {"seen_at": past}})

    for _ in range(2):
        await search.end(datetime.now(UTC))

    done = await asked(profiled)
    expect_indexes(done)
    assert sum(operation["responseLength"] for operation in done) < 10_000


async def test_tickets_cost_a_bounded_look_where_no_worker_can_run_what_waits(
    profiled: World, lanes: list[LaneTerms]
) -> None:
    async with unseen(profiled):
        await hire(profiled, places=2)
        await profiled.stores.jobs.insert(*(new_job(lanes[0], model_version="2") for _ in range(1000)))

    await profiled.reconciler.run_once()

    expect_indexes(await asked(profiled), few=LOOKED_AT_FOR_TICKETS + 1)


async def test_pages_are_read_in_the_order_of_an_index(profiled: World, lanes: list[LaneTerms]) -> None:
    owner = lanes[0].account_id

    await profiled.stores.jobs.page(owner, JobFilter(), before=None, limit=20)
    await profiled.stores.jobs.page(owner, JobFilter(statuses=[Status.COMPLETED]), before=None, limit=20)
    await profiled.stores.jobs.page(owner, JobFilter(statuses=[Status.COMPLETED, Status.QUEUED]), before=None, limit=20)
    await profiled.stores.jobs.page(new_account_id(), JobFilter(tag="red"), before=None, limit=20)
    await profiled.stores.assets.page(owner, AssetFilter(), before=None, limit=20)

    expect_indexes(await asked(profiled))


async def test_what_operators_see_of_all_accounts_is_read_by_index(profiled: World, lanes: list[LaneTerms]) -> None:
    overview, active = profiled.stores.overview, [status for status in Status if not status.is_terminal]
    running = await profiled.run()

    assert len(await overview.jobs(JobFilter(statuses=active), account=None, before=None, limit=20)) == 20
    assert len(await overview.jobs(JobFilter(), account=None, before=None, limit=20)) == 20
    assert [job.id for job in await overview.running()] == [running.id]
    assert await profiled.stores.pools.places(POOL)

    expect_indexes(await asked(profiled))


async def test_the_backlog_is_counted_in_an_index_alone(profiled: World, lanes: list[LaneTerms]) -> None:
    await profiled.stores.overview.backlog()

    (counted,) = (done for done in await asked(profiled) if done["ns"].endswith(".jobs"))
    assert counted["docsExamined"] == 0, counted["planSummary"]


async def test_who_holds_what_and_what_is_due_is_known_by_index(profiled: World, lanes: list[LaneTerms]) -> None:
    owner, removals, picture = lanes[0].account_id, profiled.stores.removals, new_asset_id()
    maker = new_job(lanes[0], status=Status.COMPLETED, outputs=(an_output(asset=picture),), cache_key="k" * 64)
    sharer = replace(maker, id=new_job_id(), source_job_id=maker.id, input_assets=(picture,))
    async with unseen(profiled):
        await profiled.stores.jobs.insert(maker, sharer)
        await profiled.database["jobs"].update_one({"_id": maker.id}, {"$set": {"outputs_due_at": datetime.now(UTC)}})
    asset = an_asset(owner, id=picture, job_id=maker.id)

    assert await removals.is_held(asset)
    assert not await removals.is_held(replace(asset, id=new_asset_id()))
    assert not await removals.is_needed(picture)
    assert await profiled.stores.jobs.answer(owner, "k" * 64)
    assert await removals.due("outputs", datetime.now(UTC) + DAY, limit=50) == [maker.id]
    assert await removals.let_go("outputs", maker.id, datetime.now(UTC) + DAY)
    assert [left.job for left in await removals.unsettled(limit=50)] == [maker.id]
    assert await removals.known([maker.id, new_job_id()]) == {maker.id}

    expect_indexes(await asked(profiled), few=2)


async def test_jobs_that_have_ended_cost_the_queue_nothing(world: World, lanes: list[LaneTerms]) -> None:
    stats = world.database["jobs"].aggregate([{"$collStats": {"storageStats": {}}}])
    if not hasattr(stats, "__aiter__"):
        stats = await stats
    assert [one async for one in stats], "the collection is there"

    explained = await world.database.command(
        "explain",
        {"count": "jobs", "query": {"status": "queued", "due": True, "lane": {"$gt": ""}}, "hint": "queue"},
        verbosity="executionStats",
    )

    assert explained["executionStats"]["totalKeysExamined"] <= (5 + 1) * len(lanes) + 1


async def test_building_an_index_may_take_longer_than_an_operation(
    mongo_url: str, mongo_database: str, world: World, driver: Driver
) -> None:
    jobs = [{"lease": {"slot": str(number)}} for number in range(40_000)]
    async with open_database(MongoOptions(url=mongo_url, database=mongo_database, driver=driver)) as database:
        with pymongo.timeout(60):
            await database["jobs"].insert_many(jobs)
    hasty = MongoOptions(url=mongo_url, database=mongo_database, driver=driver, operation_timeout_seconds=0.2)

    async with open_database(hasty) as database:
        await ensure_indexes(database)
        made = await database["jobs"].index_information()

    assert {index.document["name"] for index in Jobs.INDEXES} <= set(made)


async def test_making_the_indexes_again_changes_nothing(world: World) -> None:
    before = await world.database["jobs"].index_information()

    await ensure_indexes(world.database)

    assert await world.database["jobs"].index_information() == before
