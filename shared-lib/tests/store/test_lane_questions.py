"""What the reconciler asks about lanes: which are open, which may be served now."""

from datetime import UTC, datetime, timedelta

from reelwork.domain.ids import lane_id
from reelwork.store.orphans import LONG_AGO
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


async def test_old_places_are_found_page_by_page_each_once_and_then_from_the_beginning(world: World) -> None:
    begin, lanes = datetime(2026, 1, 1, tzinfo=UTC), [terms() for _ in range(5)]
    for number, lane in enumerate(lanes):
        await world.stores.lanes.open(lane)
        slots = [
            {"id": f"{number}.{second}", "at": begin + timedelta(seconds=second), "charge": 1.0}
            for second in (9 - number, 20 + number)
        ]
        await world.database["lanes"].update_one({"_id": lane.id}, {"$set": {"slots": slots}})

    found, after, pages = [], LONG_AGO, 0
    while pages == 0 or after != LONG_AGO:
        page = await world.stores.orphans.before(begin + timedelta(seconds=21), after=after, limit=2)
        found, after, pages = [*found, *page.places], page.next_after, pages + 1

    assert {slot for _, slot in found} == {"0.9", "0.20", "1.8", "2.7", "3.6", "4.5"}
    assert 3 <= pages <= 5
