"""Lanes: places, charges, order, and who is woken."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reelwork.domain.ids import new_slot_id
from reelwork.domain.lane import BATCH_SECONDS, ESTIMATE_GAIN, FIRST_ESTIMATE_SECONDS, LaneTerms
from testkit.world import POOL, World, terms

OLD = timedelta(seconds=30)


async def opened(world: World, **fields: int) -> LaneTerms:
    lane = terms(**fields)
    await world.stores.lanes.open(lane)
    return lane


async def put(world: World, lane: LaneTerms, **fields: object) -> None:
    await world.database["lanes"].update_one({"_id": lane.id}, {"$set": fields})


async def reserved(world: World, *, most: int = 1):
    found = await world.stores.lanes.reserve(POOL, new_slot_id(), most=most)
    assert found is not None, "no lane may be served"
    return found


async def test_a_new_lane_is_open_and_empty(world: World) -> None:
    lane = terms(weight=5, limit=2)

    estimate = await world.stores.lanes.open(lane)

    stored = await world.lane(lane.id)
    assert estimate == stored["estimate"] == FIRST_ESTIMATE_SECONDS
    assert (stored["pool"], stored["account_id"]) == (lane.pool, lane.account_id)
    assert (stored["weight"], stored["limit"], stored["slots"]) == (5, 2, [])
    assert (stored["active"], stored["full"], stored["paused"], stored["starved"]) == (True, False, False, False)


async def test_a_lane_that_is_opened_by_many_at_once_is_one_lane(world: World) -> None:
    lane = terms()

    await asyncio.gather(*(world.stores.lanes.open(lane) for _ in range(20)))

    assert (await world.lane(lane.id))["epoch"] == 20


async def test_places_are_given_in_order_of_virtual_start(world: World) -> None:
    lanes = [await opened(world) for _ in range(3)]
    for lane, vstart in zip(lanes, (3.5, 1.0, 2.5), strict=True):
        await put(world, lane, vstart=vstart)

    served = [(await reserved(world)).lane for _ in range(3)]

    assert served == [lanes[1].id, lanes[1].id, lanes[2].id]  # at 1, at 1 and the charge of one second, at 2.5


async def test_a_place_is_charged_by_estimate_and_weight(world: World) -> None:
    lane = await opened(world, weight=4)
    await put(world, lane, vstart=10.0, estimate=6.0)

    reservation = await reserved(world)

    stored = await world.lane(lane.id)
    assert (stored["vstart"], stored["last_start"]) == (11.5, 10.0)
    assert [(slot["id"], slot["charge"]) for slot in stored["slots"]] == [(reservation.slots[0], 1.5)]
    assert (reservation.lane, reservation.epoch) == (lane.id, stored["epoch"])


async def test_the_charge_is_corrected_by_what_was_really_used(world: World) -> None:
    lane = await opened(world, weight=4)
    await put(world, lane, vstart=10.0, estimate=6.0)
    reservation = await reserved(world)

    await world.stores.lanes.release(lane.id, reservation.slots, used=timedelta(seconds=20))

    stored = await world.lane(lane.id)
    assert (stored["slots"], stored["vstart"]) == ([], 10.0 + 20 / 4)
    assert stored["estimate"] == pytest.approx(6.0 + ESTIMATE_GAIN * (20 - 6.0))


async def test_an_unused_place_costs_nothing_and_teaches_nothing(world: World) -> None:
    lane = await opened(world)
    before = await world.lane(lane.id)
    reservation = await reserved(world)

    await world.stores.lanes.release(lane.id, reservation.slots, used=None)

    after = await world.lane(lane.id)
    assert after == before | {"last_start": after["last_start"]}


async def test_a_place_is_freed_once(world: World) -> None:
    lane = await opened(world)
    reservation = await reserved(world)
    await world.stores.lanes.release(lane.id, reservation.slots, used=timedelta(seconds=5))
    before = await world.lane(lane.id)

    woken = await world.stores.lanes.release(lane.id, reservation.slots, used=timedelta(seconds=5))

    assert woken is False
    assert await world.lane(lane.id) == before


async def test_no_more_places_are_given_than_the_limit_even_to_many_at_once(world: World) -> None:
    lane = await opened(world, limit=3)

    answers = await asyncio.gather(*(world.stores.lanes.reserve(POOL, new_slot_id()) for _ in range(12)))

    stored = await world.lane(lane.id)
    assert sum(answer is not None for answer in answers) == len(stored["slots"]) == 3
    assert stored["full"] is True


async def test_a_lane_of_nobody_is_never_served(world: World) -> None:
    await opened(world, limit=0)

    assert await world.stores.lanes.reserve(POOL, new_slot_id()) is None


@pytest.mark.parametrize(
    ("estimate", "limit", "most", "given"),
    [
        (BATCH_SECONDS / 5, 100, 16, 5),
        (BATCH_SECONDS / 5, 3, 16, 3),
        (BATCH_SECONDS / 5, 100, 2, 2),
        (BATCH_SECONDS * 2, 100, 16, 1),
        (0.0, 100, 16, 16),
    ],
)
async def test_only_very_short_jobs_are_given_several_places_at_once(
    world: World, estimate: float, limit: int, most: int, given: int
) -> None:
    lane = await opened(world, limit=limit)
    await put(world, lane, estimate=estimate)

    reservation = await reserved(world, most=most)

    stored = await world.lane(lane.id)
    assert len(reservation.slots) == len(set(reservation.slots)) == len(stored["slots"]) == given
    assert stored["vstart"] == pytest.approx(estimate * given)


async def test_places_that_were_taken_together_are_freed_and_settled_together(world: World) -> None:
    lane = await opened(world, weight=2)
    await put(world, lane, vstart=1.0, estimate=0.05)
    reservation = await reserved(world, most=4)

    await world.stores.lanes.release(lane.id, reservation.slots, used=timedelta(seconds=0.4))

    stored = await world.lane(lane.id)
    assert (stored["slots"], stored["vstart"]) == ([], pytest.approx(1.0 + 0.4 / 2))
    assert 0.05 < stored["estimate"] < 0.1


@pytest.mark.parametrize(
    ("full", "swallowed", "woken"), [(True, True, True), (True, False, False), (False, True, False)]
)
async def test_whoever_frees_a_place_wakes_a_worker_if_a_ticket_was_swallowed(
    world: World, full: bool, swallowed: bool, woken: bool
) -> None:
    lane = await opened(world, limit=1 if full else 2)
    reservation = await reserved(world)
    if swallowed:
        other = await world.stores.lanes.reserve(POOL, new_slot_id())
        assert (other is None) == full

    assert await world.stores.lanes.release(lane.id, reservation.slots, used=None) is woken


async def test_a_lane_that_returns_starts_at_the_time_of_those_that_are_served(world: World) -> None:
    busy, back = await opened(world), await opened(world)
    await put(world, back, active=False, vstart=3.0)
    await put(world, busy, vstart=50.0)

    await world.stores.lanes.open(back)

    assert (await world.lane(back.id))["vstart"] == 50.0


async def test_a_lane_that_returns_to_an_idle_pool_starts_where_the_last_one_was_served(world: World) -> None:
    last, back = await opened(world), await opened(world)
    await put(world, last, active=False, vstart=90.0, last_start=70.0)
    await put(world, back, active=False, vstart=3.0)

    await world.stores.lanes.open(back)

    assert (await world.lane(back.id))["vstart"] == 70.0


async def test_debts_are_not_forgiven_by_being_idle(world: World) -> None:
    busy, back = await opened(world), await opened(world)
    await put(world, back, active=False, vstart=80.0)
    await put(world, busy, vstart=50.0)

    await world.stores.lanes.open(back)

    assert (await world.lane(back.id))["vstart"] == 80.0


async def test_pools_keep_their_own_time(world: World) -> None:
    cpu = await opened(world)
    await put(world, cpu, vstart=50.0, last_start=50.0)
    gpu = terms(pool="gpu")

    await world.stores.lanes.open(gpu)

    assert (await world.lane(gpu.id))["vstart"] == 0.0


async def test_new_terms_count_at_once_and_change_nothing_else(world: World) -> None:
    lane = await opened(world, limit=1)
    await reserved(world)
    await put(world, lane, vstart=7.0)

    await world.stores.lanes.open(replace(lane, limit=2, weight=10))

    stored = await world.lane(lane.id)
    assert (stored["limit"], stored["weight"], stored["full"], stored["vstart"]) == (2, 10, False, 7.0)
    assert len(stored["slots"]) == 1


async def test_a_lowered_limit_stops_new_jobs_until_enough_have_ended(world: World) -> None:
    lane = await opened(world, limit=3)
    held = [await reserved(world) for _ in range(3)]
    await world.stores.lanes.open(replace(lane, limit=1))

    await world.stores.lanes.release(lane.id, held[0].slots, used=None)
    still = (await world.lane(lane.id))["full"]
    for reservation in held[1:]:
        await world.stores.lanes.release(lane.id, reservation.slots, used=None)

    assert (still, (await world.lane(lane.id))["full"]) == (True, False)


async def test_only_old_places_are_dropped_and_their_charge_returned(world: World) -> None:
    lane = await opened(world)
    before = await world.lane(lane.id)
    old = await reserved(world)
    await world.age_slots(OLD * 2)
    young = await reserved(world)
    orphans = world.stores.orphans

    candidates = await orphans.before(datetime.now(UTC) - OLD)
    dropped = [await orphans.drop(lane.id, slot, older_than=OLD) for slot in (*old.slots, *young.slots, "unknown")]

    after = await world.lane(lane.id)
    assert candidates.places == ((lane.id, old.slots[0]),)
    assert dropped == [True, False, False]
    assert [slot["id"] for slot in after["slots"]] == list(young.slots)
    assert after["vstart"] == before["vstart"] + FIRST_ESTIMATE_SECONDS
