"""However many lanes there are: each is found, and none stands in the way of another."""

from datetime import UTC, datetime, timedelta
from typing import Any

from reelwork.domain.ids import LaneId
from reelwork.domain.job import Lease, Status
from reelwork.domain.lane import LaneTerms
from reelwork.store.jobs import JOB_CODEC
from testkit.world import LEASE, POOL, World, new_job, terms

IDLE = 55  # more than the tickets that one pass publishes
MANY = 250  # more than one pass looks at of anything that takes a write each


async def test_a_lost_ticket_is_made_up_for_behind_many_lanes_without_work(world: World) -> None:
    for _ in range(IDLE):
        await world.stores.lanes.open(await world.joined())  # and all of its jobs have ended since
    busy: LaneTerms = await world.joined()
    await world.database["lanes"].update_many({}, {"$set": {"vstart": -1.0}})
    for _ in range(2):
        await world.stores.jobs.insert(new_job(busy))
    await world.stores.lanes.open(busy)

    await world.reconciler.run_once()

    assert await world.tickets(POOL) == 2


async def test_an_orphan_place_is_freed_behind_many_jobs_that_run_for_long(world: World) -> None:
    now = datetime.now(UTC)
    orphan = (await written_lane(world, at=now - LEASE * 2, slot="orphan")).id
    for number in range(MANY):
        lane = await written_lane(world, at=now - LEASE * 10, slot=f"held{number}")
        lease = Lease(worker="w", slot=f"held{number}", expires_at=now + LEASE)
        await world.stores.jobs.insert(new_job(lane, status=Status.PROCESSING, attempt=1, lease=lease))

    for _ in range(3):
        await world.reconciler.run_once()

    lanes = {lane["_id"]: lane["slots"] for lane in await world.lanes()}
    assert lanes.pop(LaneId(orphan)) == []
    assert all(len(slots) == 1 for slots in lanes.values())


async def test_every_lane_that_nobody_opened_is_opened_in_one_pass(world: World) -> None:
    one = await world.joined()
    account = await world.database["accounts"].find_one({"_id": one.account_id})
    lanes = [terms() for _ in range(MANY)]
    await world.database["accounts"].insert_many(
        [{**account, "_id": lane.account_id, "name": lane.account_id} for lane in lanes]
    )
    await world.database["jobs"].insert_many([JOB_CODEC.encode(new_job(lane)) | {"due": True} for lane in lanes])

    await world.reconciler.run_once()

    assert {lane["_id"] for lane in await world.lanes() if lane["active"]} == {lane.id for lane in lanes}


async def written_lane(world: World, *, at: datetime, slot: str) -> LaneTerms:
    """A lane in which a place was taken at a moment."""
    lane = terms()
    await world.stores.lanes.open(lane)
    place: dict[str, Any] = {"id": slot, "at": at, "charge": 1.0}
    await world.database["lanes"].update_one({"_id": lane.id}, {"$set": {"slots": [place], "active": False}})
    return lane


async def test_a_thousand_jobs_come_due_in_one_pass(world: World) -> None:
    lane = await world.joined()
    past = datetime.now(UTC) - timedelta(hours=1)
    jobs = [JOB_CODEC.encode(new_job(lane, not_before=past)) | {"due": False} for _ in range(1000)]
    await world.database["jobs"].insert_many(jobs)

    repaired = await world.reconciler.run_once()

    assert repaired["due"] == 1000
