"""What the reconciler asks about lanes: which are open, which may be served now."""

from reelwork.domain.ids import lane_id
from testkit.world import POOL, World, terms


async def test_lanes_tell_which_of_them_are_open_and_ready(world: World) -> None:
    ready, idle, full, paused = lanes = [terms(limit=1) for _ in range(4)]
    for lane in (*lanes, terms(pool="gpu")):
        await world.stores.lanes.open(lane)
    for lane, fields in ((idle, {"active": False}), (full, {"full": True}), (paused, {"paused": True})):
        await world.database["lanes"].update_one({"_id": lane.id}, {"$set": fields})
    asked = [*(lane.id for lane in lanes), lane_id(POOL, terms().account_id)]

    inactive = await world.stores.lanes.inactive(asked)
    served = await world.stores.lanes.ready_lanes(POOL, among=asked)
    pools = await world.stores.lanes.ready_pools()

    assert inactive == [idle.id, asked[-1]]
    assert served == [ready.id]
    assert sorted(pools) == ["cpu", "gpu"]
