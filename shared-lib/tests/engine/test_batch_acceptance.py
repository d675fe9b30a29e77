"""A batch is accepted as a whole or not at all, wherever the process that accepts it dies."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reelwork.domain.asset import Asset, AssetState
from reelwork.domain.batch import Batch, BatchState
from reelwork.domain.errors import StoreUnavailable
from reelwork.domain.ids import new_batch_id
from reelwork.domain.job import Event, Job, Status
from reelwork.domain.lane import LaneTerms
from reelwork.engine.batches import CHUNK, LAST_WRITE, accept
from reelwork.engine.cancel import cancel
from reelwork.store.assets import NAMING
from reelwork.store.client import Database, MongoOptions
from testkit.services import fresh_database
from testkit.stage import Stage
from testkit.storage import Storeroom
from testkit.world import World, new_job

# Three chunks, the last one not full.
SIZE = 2 * CHUNK + 1
# begin, three inserts, commit, release, settle.
STEPS = 7
ACCEPTED_BEFORE = 5  # whoever dies before this step dies before the commit


def new_batch(lane: LaneTerms, size: int, **fields: Any) -> tuple[Batch, list[tuple[Job, LaneTerms]]]:
    """A batch as the gateway makes it. `fields` are a Job's own: their types are checked by its codec."""
    batch_id, now = new_batch_id(), datetime.now(UTC)
    waiting: dict[str, Any] = {"status": Status.PENDING, "queued_at": None, "batch_id": batch_id}
    begun = (Event(seq=1, at=now, type="job.pending", status=Status.PENDING, attempt=0),)
    jobs = [new_job(lane, **(waiting | {"events": begun} | fields)) for _ in range(size)]
    batch = Batch(id=batch_id, account_id=lane.account_id, job_ids=tuple(job.id for job in jobs), created_at=now)
    return batch, [(job, lane) for job in jobs]


@pytest.fixture(scope="module")
def opened_stage(mongo_url: str) -> Iterator[Stage]:
    with fresh_database(mongo_url) as name, Stage.open(mongo_url, name) as stage:
        yield stage


@pytest.fixture
def stage(opened_stage: Stage) -> Stage:
    opened_stage.do(opened_stage.world.clear())
    return opened_stage


async def lose_patience(database: Database) -> None:
    """Let whatever waits to be settled have waited long enough."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    await database["batches"].update_many({"settle_at": {"$type": "date"}}, {"$set": {"settle_at": past}})


async def statuses(database: Database) -> list[str]:
    return [job["status"] async for job in database["jobs"].find()]


@pytest.mark.parametrize("lives", range(STEPS + 1))
def test_wherever_the_gateway_dies_the_batch_is_whole_or_gone(stage: Stage, lives: int) -> None:
    world = stage.world
    lane = stage.do(world.joined())
    batch, jobs = new_batch(lane, SIZE)

    stage.try_to(accept(world.engine, world.opener, batch, jobs), lives)
    left = stage.do(statuses(world.database))
    claimed_early = stage.do(world.claim()) if lives < ACCEPTED_BEFORE else None
    stage.do(world.reconciler.run_once())
    while_it_may_live = stage.do(statuses(world.database))
    stage.do(lose_patience(world.database))
    stage.do(world.reconciler.run_once())

    assert stage.died == (lives < STEPS)
    assert claimed_early is None, "no job of a batch that is not accepted is ever claimed"
    assert len(while_it_may_live) == len(left), "a gateway that is slow is left its time"
    accepted = lives >= ACCEPTED_BEFORE
    assert stage.do(statuses(world.database)) == ["queued"] * (SIZE if accepted else 0)
    assert (stage.do(world.stores.batches.get(batch.account_id, batch.id)) is not None) == accepted
    stage.check()


@pytest.mark.parametrize("lives", [0, 1, 2])
def test_a_reconciler_that_dies_in_the_middle_is_followed_by_another(stage: Stage, lives: int) -> None:
    world = stage.world
    for dies in (ACCEPTED_BEFORE - 1, ACCEPTED_BEFORE):
        batch, jobs = new_batch(stage.do(world.joined()), 3)
        stage.try_to(accept(world.engine, world.opener, batch, jobs), dies - 2)  # one insert for three
    stage.do(lose_patience(world.database))

    stage.try_to(world.reconciler.run_once(), lives)
    for _ in range(2):
        stage.do(lose_patience(world.database))
        stage.do(world.reconciler.run_once())

    assert stage.do(statuses(world.database)) == ["queued"] * 3
    assert [one["state"] for one in stage.do(world.database["batches"].find().to_list())] == ["ready"]
    assert all("settle_at" not in one for one in stage.do(world.database["batches"].find().to_list()))


async def test_a_batch_that_was_withdrawn_meanwhile_is_refused_and_leaves_nothing(world: World) -> None:
    lane = await world.joined()
    batch, jobs = new_batch(lane, 3)

    class Slow(type(world.stores.jobs)):  # type: ignore[misc]  (a class that is only known here)
        async def insert(self, *jobs: Job) -> None:
            """So slow that the reconciler has given the batch up."""
            await lose_patience(world.database)
            await world.reconciler.run_once()
            await super().insert(*jobs)

    stores = replace(world.stores, jobs=Slow(world.database))
    with pytest.raises(StoreUnavailable):
        await accept(replace(world.engine, stores=stores), world.opener, batch, jobs)

    assert await statuses(world.database) == []
    assert await world.stores.batches.get(lane.account_id, batch.id) is None
    await lose_patience(world.database)
    await world.reconciler.run_once()
    assert await world.database["batches"].count_documents({}) == 0


async def test_a_batch_whose_check_took_too_long_is_refused_before_its_assets_could_go(world: World) -> None:
    lane = await world.joined()
    batch, jobs = new_batch(lane, 3)

    with pytest.raises(StoreUnavailable):
        await accept(world.engine, world.opener, batch, jobs, begun=time.monotonic() - LAST_WRITE.total_seconds())

    assert await statuses(world.database) == []
    assert LAST_WRITE + timedelta(seconds=MongoOptions(url="", database="").operation_timeout_seconds) < NAMING


async def test_of_two_batches_of_one_request_one_is_accepted(world: World) -> None:
    lane = await world.joined()
    both = [new_batch(lane, 3) for _ in range(2)]

    answers = [await accept(world.engine, world.opener, replace(batch, mark="req_1"), jobs) for batch, jobs in both]

    assert {answer.id for answer in answers} == {both[0][0].id}
    assert await statuses(world.database) == ["queued"] * 3
    await lose_patience(world.database)
    await world.reconciler.run_once()
    assert await world.database["batches"].count_documents({}) == 1


async def test_a_job_that_was_cancelled_before_its_batch_is_released_stays_cancelled(world: World) -> None:
    lane = await world.joined()
    batch, jobs = new_batch(lane, 3)
    await world.stores.batches.begin(batch, patience=timedelta(seconds=60))
    await world.stores.jobs.insert(*(job for job, _ in jobs))
    await cancel(world.engine, lane.account_id, jobs[1][0].id, by="owner")

    await world.stores.batches.commit(batch.id, patience=timedelta(0))
    await lose_patience(world.database)
    await world.reconciler.run_once()

    assert await _in_order(world, jobs) == [Status.QUEUED, Status.CANCELLED, Status.QUEUED]


async def test_the_jobs_of_a_batch_are_announced_as_many_as_they_are(world: World) -> None:
    lane = await world.joined()
    later = datetime.now(UTC) + timedelta(days=1)
    batch, jobs = new_batch(lane, 4)
    delayed = [(replace(job, not_before=later), lane) for job, _ in new_batch(lane, 2)[1]]
    counted: list[tuple[LaneTerms, int]] = []

    class Listening(type(world.opener)):  # type: ignore[misc]  (a class that is only known here)
        def announce(self, terms: LaneTerms, count: int = 1) -> None:
            counted.append((terms, count))

    await accept(world.engine, Listening(world.engine), batch, [*jobs, *delayed])

    assert counted == [(lane, 4)]


async def test_a_job_of_a_batch_that_may_not_start_yet_waits_after_its_release(world: World) -> None:
    lane = await world.joined()
    batch, jobs = new_batch(lane, 1, not_before=datetime.now(UTC) + timedelta(days=1))

    await accept(world.engine, world.opener, batch, jobs)

    assert await _in_order(world, jobs) == [Status.QUEUED]
    await world.stores.lanes.open(lane)
    assert await world.claim() is None


async def test_what_is_not_accepted_is_in_no_list(world: World) -> None:
    lane = await world.joined()
    batch, _ = new_batch(lane, 1)
    await world.stores.batches.begin(batch, patience=timedelta(seconds=60))

    assert await world.stores.batches.page(lane.account_id, before=None, limit=10) == []
    await world.stores.batches.commit(batch.id, patience=timedelta(seconds=60))
    shown = await world.stores.batches.page(lane.account_id, before=None, limit=10)

    assert [(one.id, one.state) for one in shown] == [(batch.id, BatchState.READY)]


async def answered_batch(storeroom: Storeroom) -> tuple[Job, Asset, Batch]:
    """A job with one output, and a batch that is being stored with a job that this output answered."""
    world = storeroom.world
    lane = await world.joined()
    source, asset = await storeroom.done(lane)
    ended = {"status": Status.COMPLETED, "completed_at": datetime.now(UTC)}
    batch, jobs = new_batch(lane, 1, outputs=source.outputs, source_job_id=source.id, **ended)
    await world.stores.batches.begin(batch, patience=timedelta(seconds=60))
    await world.stores.jobs.insert(*(job for job, _ in jobs))
    return source, asset, batch


async def test_outputs_that_only_a_withdrawn_batch_still_held_are_removed(storeroom: Storeroom) -> None:
    world = storeroom.world
    source, asset, batch = await answered_batch(storeroom)
    await world.eraser.erase(source.account_id, source.id)
    assert await storeroom.is_there(asset) == (AssetState.READY, True), "the batch's job still holds it"

    for _ in range(3):
        await lose_patience(world.database)
        await world.reconciler.run_once()

    assert await world.database["jobs"].count_documents({"batch_id": batch.id}) == 0
    assert await world.database["batches"].count_documents({}) == 0
    assert await storeroom.is_there(asset) == (None, False)


async def test_outputs_outlive_a_withdrawn_batch_that_was_answered_with_them(storeroom: Storeroom) -> None:
    world = storeroom.world
    _, asset, _ = await answered_batch(storeroom)

    for _ in range(3):
        await lose_patience(world.database)
        await world.reconciler.run_once()

    assert await statuses(world.database) == ["completed"], "the source's own"
    assert await storeroom.is_there(asset) == (AssetState.READY, True)


async def _in_order(world: World, jobs: Sequence[tuple[Job, LaneTerms]]) -> list[Status]:
    return [(await world.read(job)).status for job, _ in jobs]
