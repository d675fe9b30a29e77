"""What is asked about batches is answered by an index, however many other jobs there are."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from reelwork.domain.ids import BatchId, new_batch_id
from reelwork.domain.job import Status
from reelwork.domain.lane import LaneTerms
from reelwork.store.client import Document
from reelwork.store.job_filter import JobFilter
from reelwork.store.jobs import JOB_CODEC
from testkit.world import World, new_job, terms

SIZE = 20
MOMENT = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def lane() -> LaneTerms:
    return terms()


@pytest.fixture
async def batches(world: World, lane: LaneTerms) -> list[BatchId]:
    """Three batches of twenty jobs, half of them ended, among 400 jobs of the same account."""
    ids = [new_batch_id() for _ in range(3)]
    jobs = [new_job(lane, status=Status.COMPLETED, completed_at=MOMENT) for _ in range(400)]
    for batch in ids:
        for number in range(SIZE):
            ended = number % 2 == 0
            moment = MOMENT + timedelta(seconds=number) if ended else None
            status = Status.COMPLETED if ended else Status.QUEUED
            jobs.append(new_job(lane, batch_id=batch, status=status, completed_at=moment))
    await world.database["jobs"].insert_many([JOB_CODEC.encode(job) | {"due": True} for job in jobs])
    return ids


async def profile(world: World) -> Sequence[Document]:
    await world.database.command("profile", 0)
    found: list[Document] = (
        await world.database["system.profile"].find({"ns": {"$regex": "(jobs|batches)$"}}).to_list(None)
    )
    await world.database["system.profile"].drop()
    return found


async def test_jobs_are_counted_without_being_read(world: World, batches: list[BatchId]) -> None:
    await world.database.command("profile", 2)

    tallies = await world.stores.selection.tallies(batches[:2])

    (asked,) = await profile(world)
    assert (asked["docsExamined"], asked["keysExamined"]) <= (0, 2 * SIZE + 2), asked["planSummary"]
    assert tallies.keys() == set(batches[:2])
    tally = tallies[batches[0]]
    assert tally.counts == {Status.COMPLETED: SIZE // 2, Status.QUEUED: SIZE // 2}
    assert tally.last_end == MOMENT + timedelta(seconds=SIZE - 2)


async def test_a_batchs_jobs_are_listed_and_found_by_its_index(
    world: World, lane: LaneTerms, batches: list[BatchId]
) -> None:
    await world.database.command("profile", 2)

    where = JobFilter(batch_id=batches[0])
    page = await world.stores.jobs.page(lane.account_id, where, before=None, limit=5)
    queued = JobFilter(batch_id=batches[0], statuses=[Status.QUEUED])
    found = await world.stores.selection.find(lane.account_id, queued, limit=1000)
    await world.stores.batches.release(batches[0])
    await world.stores.batches.page(lane.account_id, before=None, limit=20)
    await world.stores.batches.unsettled(MOMENT, limit=20)

    for asked in await profile(world):
        assert "COLLSCAN" not in asked["planSummary"], asked
        assert asked["keysExamined"] <= 2 * SIZE, asked["planSummary"]
    assert (len(page), len(found)) == (5, SIZE // 2)


async def test_jobs_are_selected_by_when_they_were_made(world: World, lane: LaneTerms) -> None:
    first = new_job(lane)
    await world.stores.jobs.insert(first)
    moment = first.created_at + timedelta(seconds=1)

    async def selected(**when: datetime) -> int:
        return len(await world.stores.selection.find(lane.account_id, JobFilter(**when), limit=10))

    assert await selected(created_before=moment) == 1
    assert await selected(created_after=moment) == 0
    assert await selected(created_after=moment - timedelta(seconds=2), created_before=moment) == 1
    assert await selected(created_before=datetime(1950, 1, 1, tzinfo=UTC)) == 0
    assert await selected(created_after=datetime.min.replace(tzinfo=UTC)) == 1
    assert await selected(created_before=datetime.max.replace(tzinfo=UTC)) == 1


async def test_a_job_is_as_old_as_its_moment_and_not_as_its_id(world: World, lane: LaneTerms) -> None:
    drawn_early = new_job(lane, created_at=datetime.now(UTC) + timedelta(hours=20))
    await world.stores.jobs.insert(drawn_early)

    found = await world.stores.selection.find(
        lane.account_id, JobFilter(created_after=drawn_early.created_at - timedelta(minutes=1)), limit=10
    )

    assert [job.id for job in found] == [drawn_early.id]
