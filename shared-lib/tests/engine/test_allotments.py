"""Places of a daily quota that are set aside: whoever submits one job after the other waits for no reservation."""

import asyncio
from dataclasses import replace

import pytest

from reelwork.domain.allotment import LIFE, MOST, largest
from reelwork.domain.errors import QuotaExceeded
from reelwork.domain.ids import new_job_id
from reelwork.domain.job import Bill, Job
from reelwork.domain.lane import LaneTerms
from reelwork.domain.ledger import day_of
from reelwork.engine.allotting import AFTERMATH, BACKGROUND, BRISK, Quota
from reelwork.engine.cancel import cancel
from reelwork.engine.finish import complete, fail
from reelwork.engine.reserving import Ask, Reservations
from reelwork.engine.retry import retry
from reelwork.engine.settling import settle
from reelwork.runtime.tasks import running
from reelwork.store.client import server_time
from testkit.books import read_books
from testkit.customer import FATAL, USED, age_outbox, check, kinds, owner_of, purse, submitted
from testkit.world import World

MANY = 10_000


class Steady:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


class Shop:
    """A gateway's reservations for one customer, on a clock of the test's own."""

    def __init__(self, world: World, lane: LaneTerms, *, quota: int = MANY) -> None:
        self.world, self.lane, self.jobs = world, lane, quota
        self.steady = Steady()
        self.reservations = Reservations(world.stores, steady=self.steady)
        self.purse = replace(purse(world, lane, quota=quota), reservations=self.reservations)

    async def bill(self) -> Bill:
        (bill,) = await self.purse.reserve(Ask(job_id=new_job_id(), price=0))
        assert bill is not None
        return bill

    async def submitted(self) -> Job:
        return await submitted(self.world, self.lane, self.purse)

    async def set_aside(self, size: int) -> bool:
        await self.world.stores.balances.begin(self.lane.account_id)
        return await self.reservations.allotments.set_aside(await self.quota(), size)

    async def quota(self) -> Quota:
        today = day_of(await server_time(self.world.database))
        return Quota(account_id=self.lane.account_id, day=today, jobs=self.jobs)

    async def counted(self) -> tuple[int, int]:
        """Of the day: what counts as used, and how much of that no job has taken."""
        balance = await self.world.stores.balances.now(self.lane.account_id)
        assert balance is not None
        ((day, used),) = balance.days.items()
        return used, await self.world.stores.books.idle_places(balance, day)

    async def settle(self) -> None:
        await settle(self.world.stores.books, self.lane.account_id, await server_time(self.world.database))


@pytest.fixture
async def shop(world: World) -> Shop:
    return Shop(world, await world.joined())


async def test_who_submits_briskly_finds_places_set_aside(shop: Shop):
    first, second = await shop.bill(), await shop.bill()
    await at_rest()

    third = await shop.bill()

    assert first.place is None
    assert second.place is None
    assert third.place == third.hold
    assert (third.units, third.amount) == (1, 0)


async def has_places(shop: Shop) -> bool:
    balance = await shop.world.stores.balances.now(shop.lane.account_id)
    return balance is not None and bool(balance.allotments)


async def test_who_submits_now_and_then_does_not(shop: Shop):
    for _ in range(4):
        assert (await shop.bill()).place is None
        shop.steady.pass_by(BRISK.total_seconds() + 1)

    assert not await has_places(shop)


async def test_places_are_renewed_before_they_run_out(shop: Shop):
    await shop.bill()
    await shop.bill()
    await at_rest()
    taken = []
    for _ in range(200):
        taken.append((await shop.bill()).place)
        await at_rest()

    assert None not in taken
    assert len(set(taken)) == len(taken), "each place is taken once"


async def at_rest() -> None:
    """Until nothing is being set aside in the background."""
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == BACKGROUND))


@pytest.mark.parametrize("how", ["completed", "failed", "cancelled"])
async def test_a_job_in_a_place_is_counted_if_it_completes(shop: Shop, how: str):
    await shop.set_aside(4)
    job = await shop.submitted()
    before = await shop.counted()

    if how == "cancelled":
        await cancel(shop.world.engine, job.account_id, job.id, by="owner")
    elif how == "failed":
        await fail(shop.world.engine, await shop.world.run(), FATAL, used=USED)
    else:
        await complete(shop.world.engine, await shop.world.run(), [], used=USED)
    await shop.settle()
    open_ = await shop.counted()
    await age_outbox(shop.world)
    await shop.settle()

    used = 1 if how == "completed" else 0
    assert before == (4, 3)
    assert open_ == (3 + used, 3)
    assert await shop.counted() == (used, 0)
    assert await kinds(shop.world, shop.lane) == ["reserve", "charge" if used else "release", "release"]
    await check(shop.world, settled=True)


async def test_an_allotment_that_is_used_up_is_closed_at_once(shop: Shop):
    await shop.set_aside(2)
    for _ in range(2):
        await shop.submitted()

    await shop.settle()

    assert await shop.counted() == (2, 0)
    assert not await has_places(shop)
    await check(shop.world)


async def test_idle_places_are_given_back_by_who_set_them_aside(shop: Shop):
    await shop.set_aside(4)
    await shop.submitted()
    shop.steady.pass_by((LIFE + AFTERMATH).total_seconds() + 1)

    async with running(shop.reservations.run):
        async with asyncio.timeout(30):
            while await has_places(shop):  # noqa: ASYNC110  (a database does not call)
                await asyncio.sleep(0.02)

    assert await shop.counted() == (1, 0)
    await check(shop.world)


async def test_no_place_is_taken_after_its_time_or_under_another_quota(shop: Shop):
    await shop.set_aside(4)

    shop.purse = replace(purse(shop.world, shop.lane, quota=MANY - 1), reservations=shop.reservations)
    other = await shop.bill()
    shop.purse = replace(purse(shop.world, shop.lane, quota=MANY), reservations=shop.reservations)
    shop.steady.pass_by(LIFE.total_seconds())
    late = await shop.bill()

    assert other.place is None
    assert late.place is None


async def test_what_costs_something_takes_no_place(shop: Shop):
    await shop.set_aside(4)

    refused = await shop.purse.refusals(Ask(job_id=new_job_id(), price=5))
    several = await shop.purse.reserve(*(Ask(job_id=new_job_id(), price=0) for _ in range(2)))

    assert [error.code for error in refused] == ["insufficient_credits"]
    assert [bill.place for bill in several if bill is not None] == [None, None]


async def test_near_its_end_a_quota_is_counted_job_by_job(world: World):
    shop = Shop(world, await world.joined(), quota=300)
    assert largest(300) > 0, "else it would show nothing"

    jobs = [await shop.submitted() for _ in range(300)]
    with pytest.raises(QuotaExceeded, match="300 jobs a day, and 300 of them are used"):
        await shop.submitted()

    in_places = [job.bill.place is not None for job in jobs if job.bill is not None]
    assert any(in_places[:200])
    assert not any(in_places[-60:]), "nobody is refused for places that lie idle"
    assert await shop.counted() == (300, 0)


async def test_a_place_that_no_job_needed_is_there_for_the_next(shop: Shop):
    await shop.set_aside(2)
    one, two = await shop.bill(), await shop.bill()

    await shop.purse.give_back(one)

    assert (await shop.bill()).place == one.place
    assert two.place != one.place


async def test_a_retry_leaves_its_first_place_taken(shop: Shop):
    await shop.set_aside(4)
    job = await shop.submitted()
    await fail(shop.world.engine, await shop.world.run(), FATAL, used=USED)
    await shop.settle()

    owner = await owner_of(shop.world, shop.lane)
    again = await retry(shop.world.engine, shop.world.opener, owner, job.id, purse=shop.purse)
    await age_outbox(shop.world)
    await shop.settle()
    await complete(shop.world.engine, await shop.world.run(), [], used=USED)
    await shop.settle()

    first, second = job.bill, again.bill
    assert first is not None
    assert second is not None
    assert second.place == first.place != second.hold
    assert await shop.counted() == (1, 0)
    await check(shop.world, settled=True)


@pytest.mark.parametrize(("quota", "most"), [(100, 0), (500, 7), (5_000, 78), (10_000_000, MOST)])
def test_an_allotment_is_a_small_part_of_the_quota(quota: int, most: int):
    assert largest(quota) == most


async def test_a_small_quota_is_never_set_aside(world: World):
    shop = Shop(world, await world.joined(), quota=20)

    assert not await shop.set_aside(4)


async def test_a_balance_from_before_there_were_allotments_is_settled_like_any_other(shop: Shop):
    await shop.submitted()
    await complete(shop.world.engine, await shop.world.run(), [], used=USED)
    await shop.world.database["balances"].update_one({}, {"$unset": {"allotments": ""}})

    await shop.settle()
    (settled,) = (await read_books(shop.world.database)).balances
    made = await shop.set_aside(4)

    assert (settled["outbox"], settled.get("open")) == ([], None)
    assert made
    assert await shop.counted() == (5, 4)
