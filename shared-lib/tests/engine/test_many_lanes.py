"""Lanes that are active only by name do not hide the one that has work."""

from reelwork.domain.lane import LaneTerms
from testkit.world import POOL, World, new_job

IDLE = 55  # more than the tickets that one pass publishes


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
