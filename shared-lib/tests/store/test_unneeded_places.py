"""Lanes: what happens to places that nobody needed."""

from dataclasses import replace

import pytest

from reelwork.domain.ids import new_slot_id
from reelwork.domain.lane import LaneTerms, Reservation
from testkit.world import POOL, World, terms


async def opened(world: World, *, limit: int = 2, estimate: float = 0.01) -> LaneTerms:
    lane = terms(limit=limit)
    await world.stores.lanes.open(lane)
    await world.database["lanes"].update_one({"_id": lane.id}, {"$set": {"estimate": estimate}})
    return lane


async def reserved(world: World, *, most: int = 1) -> Reservation:
    found = await world.stores.lanes.reserve(POOL, new_slot_id(), most=most)
    assert found is not None, "no lane may be served"
    return found


async def test_a_lane_goes_idle_when_nothing_was_queued(world: World) -> None:
    lane = await opened(world)
    before = await world.lane(lane.id)

    reservation = await reserved(world)
    await world.stores.lanes.give_back(reservation, reservation.slots, emptied=True)

    after = await world.lane(lane.id)
    assert (after["active"], after["slots"], after["vstart"]) == (False, [], before["vstart"])
    assert await world.stores.lanes.reserve(POOL, new_slot_id()) is None


async def test_a_lane_that_was_emptied_goes_idle_while_its_jobs_run(world: World) -> None:
    lane = await opened(world, limit=3)
    reservation = await reserved(world, most=3)

    woken = await world.stores.lanes.give_back(reservation, reservation.slots[1:], emptied=True)

    after = await world.lane(lane.id)
    assert ([slot["id"] for slot in after["slots"]], after["active"], woken) == ([reservation.slots[0]], False, False)


@pytest.mark.parametrize("meanwhile", [True, False])
async def test_a_ticket_that_met_places_nobody_needed_comes_back(world: World, meanwhile: bool) -> None:
    lane = await opened(world, limit=3)
    reservation = await reserved(world, most=3)
    if meanwhile:
        await world.stores.lanes.open(lane)
    assert await world.stores.lanes.reserve(POOL, new_slot_id()) is None

    woken = await world.stores.lanes.give_back(reservation, reservation.slots[1:], emptied=True)

    assert woken is meanwhile
    assert (await world.lane(lane.id))["active"] is meanwhile


async def test_a_lane_that_was_opened_meanwhile_does_not_go_idle(world: World) -> None:
    lane = await opened(world)
    reservation = await reserved(world)
    await world.stores.lanes.open(lane)

    await world.stores.lanes.give_back(reservation, reservation.slots, emptied=True)

    after = await world.lane(lane.id)
    assert (after["active"], after["slots"]) == (True, [])


async def test_what_was_given_back_or_dropped_is_not_given_back_again(world: World) -> None:
    lane = await opened(world)
    reservation = await reserved(world)
    await world.stores.lanes.give_back(reservation, reservation.slots, emptied=True)
    await world.stores.lanes.open(lane)
    before = await world.lane(lane.id)

    await world.stores.lanes.give_back(replace(reservation, epoch=before["epoch"]), reservation.slots, emptied=True)

    assert await world.lane(lane.id) == before
