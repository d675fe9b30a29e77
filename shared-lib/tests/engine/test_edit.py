"""An owner changes jobs that are there: their labels, their place in the own queue, their earliest start."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from reelwork.domain.errors import InvalidInput, InvalidState, JobNotFound, VersionMismatch
from reelwork.domain.ids import JobId, new_account_id
from reelwork.domain.job import Job, Priority, Status
from reelwork.domain.lane import LaneTerms
from reelwork.engine.edit import Before, Edit, End, NotBefore, edit
from testkit.world import World


async def queue(world: World, of: LaneTerms, *priorities: Priority) -> list[Job]:
    """Jobs in a lane, in the order of their submission."""
    return [await world.submit(of, priority=priority) for priority in priorities]


async def change(world: World, job: Job, **wanted: object) -> Job:
    return await edit(world.engine, job.account_id, job.id, Edit(**wanted))  # type: ignore[arg-type]


async def order(world: World, lane: LaneTerms) -> list[JobId]:
    """Ids of the lane's waiting jobs as they would be claimed; nothing is claimed for it."""
    cursor = world.database["jobs"].find({"lane": lane.id, "status": "queued"})
    return [job["_id"] async for job in cursor.sort([("priority", -1), ("order", 1)])]


NORMAL = (Priority.NORMAL,) * 3


async def test_a_job_is_moved_to_the_front_to_the_end_and_before_another(world: World) -> None:
    lane = await world.joined()
    a, b, c = await queue(world, lane, *NORMAL)

    await change(world, c, to=End.FIRST)
    assert await order(world, lane) == [c.id, a.id, b.id]
    await change(world, c, to=End.LAST)
    assert await order(world, lane) == [a.id, b.id, c.id]
    await change(world, c, to=Before(b.id))
    assert await order(world, lane) == [a.id, c.id, b.id]
    await change(world, b, to=Before(a.id))

    assert await order(world, lane) == [b.id, a.id, c.id]
    assert [(await world.run()).id for _ in range(3)] == [b.id, a.id, c.id]


async def test_a_place_comes_with_its_priority(world: World) -> None:
    lane = await world.joined()
    high, normal, low = await queue(world, lane, Priority.HIGH, Priority.NORMAL, Priority.LOW)

    first = await change(world, low, to=End.FIRST)
    last = await change(world, high, to=End.LAST)

    assert first.priority is Priority.HIGH
    assert last.priority is Priority.NORMAL
    assert await order(world, lane) == [low.id, normal.id, high.id]
    assert (await change(world, high, to=Before(low.id))).priority is Priority.HIGH
    assert await order(world, lane) == [high.id, low.id, normal.id]


async def test_with_a_priority_a_place_is_the_end_of_that_part_of_the_queue(world: World) -> None:
    lane = await world.joined()
    high, normal, other, low = await queue(world, lane, Priority.HIGH, Priority.NORMAL, Priority.NORMAL, Priority.LOW)

    await change(world, low, priority=Priority.NORMAL, to=End.FIRST)

    assert await order(world, lane) == [high.id, low.id, normal.id, other.id]
    with pytest.raises(InvalidInput) as refused:
        await change(world, low, priority=Priority.NORMAL, to=Before(high.id))
    assert refused.value.errors[0].code == "other_priority"


async def test_a_priority_alone_keeps_the_order_of_submission(world: World) -> None:
    lane = await world.joined()
    a, b, c = await queue(world, lane, Priority.HIGH, Priority.NORMAL, Priority.HIGH)

    await change(world, b, priority=Priority.HIGH)

    assert await order(world, lane) == [a.id, b.id, c.id]


async def test_room_is_made_where_the_numbers_between_two_jobs_run_out(world: World) -> None:
    lane = await world.joined()
    a, b, c = await queue(world, lane, *NORMAL)
    await world.database["jobs"].update_many({}, {"$set": {"order": 1_700_000_000.0}})
    await world.database["jobs"].update_one({"_id": c.id}, {"$set": {"order": 1_700_000_001.0}})

    for _ in range(60):
        await change(world, a, to=Before(c.id))
        await change(world, b, to=Before(c.id))
        assert await order(world, lane) == [a.id, b.id, c.id]


async def test_moves_at_the_same_moment_are_all_done_and_others_keep_their_order(world: World) -> None:
    lane = await world.joined()
    still = await queue(world, lane, *NORMAL)
    moved = await queue(world, lane, *(Priority.NORMAL,) * 8)
    close = {"$set": {"order": 1_700_000_000.0}}  # no number fits between these
    await world.database["jobs"].update_many({"_id": {"$in": [job.id for job in still[:2]]}}, close)
    await world.database["jobs"].update_one({"_id": still[1].id}, {"$inc": {"order": 2.4e-7}})

    await asyncio.gather(*(change(world, job, to=Before(still[1].id)) for job in moved))

    found = await order(world, lane)
    assert found[0] == still[0].id
    assert set(found[1:9]) == {job.id for job in moved}
    assert found[9:] == [still[1].id, still[2].id]
    orders = [job["order"] for job in await world.database["jobs"].find().to_list()]
    assert len(set(orders)) == len(orders)


async def test_moving_touches_nobody_elses_queue_and_not_the_share(world: World) -> None:
    lane, other = await world.joined(), await world.joined()
    a, b = await queue(world, lane, *NORMAL[:2])
    (theirs,) = await queue(world, other, Priority.NORMAL)
    lanes, before = await world.lanes(), await world.read(theirs)

    for refused in (theirs.id, b.id, JobId("job_unknown")):
        with pytest.raises(InvalidInput) as error:
            await change(world, b, to=Before(refused))
        assert error.value.errors[0].pointer == "#/position/before"
    await change(world, b, to=End.FIRST, priority=Priority.HIGH)

    assert await world.lanes() == lanes
    assert await world.read(theirs) == before
    assert await order(world, lane) == [b.id, a.id]


async def test_only_a_job_that_waits_can_be_moved_but_labels_change_at_any_time(world: World) -> None:
    lane = await world.joined()
    await queue(world, lane, Priority.NORMAL)
    running = await world.run()

    for wanted in ({"to": End.FIRST}, {"priority": Priority.LOW}, {"not_before": NotBefore(None)}):
        with pytest.raises(InvalidState, match="processing"):
            await change(world, running, **wanted)
    changed = await change(world, running, tags=("a",), metadata={"k": "$v"})

    assert (changed.tags, changed.metadata) == (("a",), {"k": "$v"})
    assert (changed.status, changed.version) == (Status.PROCESSING, running.version + 1)
    assert changed.events == running.events


async def test_a_job_can_be_delayed_and_let_go(world: World) -> None:
    lane = await world.joined()
    (job,) = await queue(world, lane, Priority.NORMAL)
    later = datetime.now(UTC) + timedelta(hours=1)

    delayed = await change(world, job, not_before=NotBefore(later))
    assert (delayed.due, await world.claim()) == (False, None)
    past = await change(world, job, not_before=NotBefore(later - timedelta(days=1)))
    assert past.due
    await change(world, job, not_before=NotBefore(later))
    free = await change(world, job, not_before=NotBefore(None))

    assert (free.due, free.not_before) == (True, None)
    await world.stores.lanes.open(lane)
    assert (await world.run()).id == job.id


async def test_a_job_cannot_be_delayed_beyond_its_deadline(world: World) -> None:
    lane, deadline = await world.joined(), datetime.now(UTC) + timedelta(hours=1)
    job = await world.submit(lane, deadline_at=deadline)

    with pytest.raises(InvalidInput) as refused:
        await change(world, job, not_before=NotBefore(deadline + timedelta(seconds=1)))

    assert refused.value.errors[0].code == "after_deadline"
    assert (await world.read(job)).due


async def test_a_version_that_is_not_the_expected_one_is_not_touched(world: World) -> None:
    lane = await world.joined()
    (job,) = await queue(world, lane, Priority.NORMAL)
    await change(world, job, tags=("first",))

    with pytest.raises(VersionMismatch):
        await edit(
            world.engine,
            job.account_id,
            job.id,
            Edit(tags=("second",)),
            expected=lambda now: now.version == job.version,
        )

    assert (await world.read(job)).tags == ("first",)


async def test_of_edits_that_expect_the_same_version_one_is_done(world: World) -> None:
    lane = await world.joined()
    (job,) = await queue(world, lane, Priority.NORMAL)

    def attempt(tag: str):
        wanted = Edit(tags=(tag,))
        return edit(world.engine, job.account_id, job.id, wanted, expected=lambda now: now.version == job.version)

    answers = await asyncio.gather(*(attempt(tag) for tag in "abc"), return_exceptions=True)

    assert sorted(isinstance(answer, VersionMismatch) for answer in answers) == [False, True, True]
    assert (await world.read(job)).version == job.version + 1


async def test_an_edit_without_anything_in_it_changes_nothing(world: World) -> None:
    lane = await world.joined()
    (job,) = await queue(world, lane, Priority.NORMAL)

    assert (await change(world, job)).version == (await world.read(job)).version == job.version


async def test_somebody_elses_job_is_not_found(world: World) -> None:
    lane = await world.joined()
    (job,) = await queue(world, lane, Priority.NORMAL)

    with pytest.raises(JobNotFound):
        await edit(world.engine, new_account_id(), job.id, Edit(tags=()))
