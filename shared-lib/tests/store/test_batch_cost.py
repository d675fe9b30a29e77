"""What the jobs of a batch cost together."""

from reelwork.domain.ids import KeyId, new_batch_id
from reelwork.domain.job import Bill, BillState
from reelwork.domain.price import Cost
from testkit.world import World, new_job, terms


def bill(amount: int, state: BillState, charged: int | None = None) -> Bill:
    key = KeyId("key_1")
    return Bill(round=1, hold="h", amount=amount, units=1, day="2026-11-21", key_id=key, state=state, charged=charged)


async def test_a_batch_costs_the_sum_of_its_own_bills(world: World) -> None:
    lane, batch = terms(), new_batch_id()
    bills = [
        bill(100, BillState.HELD),
        bill(20, BillState.SETTLED, charged=20),
        bill(3, BillState.SETTLED, charged=0),
        None,
    ]
    await world.stores.jobs.insert(*(new_job(lane, batch_id=batch, bill=one) for one in bills))
    await world.stores.jobs.insert(new_job(lane, batch_id=new_batch_id(), bill=bills[0]), new_job(lane, bill=bills[0]))

    cost = await world.stores.selection.cost(batch)

    assert cost == Cost(estimated=123, reserved=100, charged=20)


async def test_a_batch_without_bills_is_free(world: World) -> None:
    lane, batch = terms(), new_batch_id()
    await world.stores.jobs.insert(new_job(lane, batch_id=batch))

    assert await world.stores.selection.cost(batch) == Cost(charged=0)
