"""Money and quotas: reserved before a job is stored, charged or given back by what became of it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reelwork.domain.errors import (
    InsufficientCredits,
    QuotaExceeded,
    ReelworkError,
    SpendCapReached,
)
from reelwork.domain.ids import new_job_id
from reelwork.domain.job import Bill, BillState
from reelwork.engine.cancel import cancel
from reelwork.engine.finish import complete, fail
from reelwork.engine.reserving import Ask
from reelwork.engine.submit import submit
from reelwork.runtime.tasks import running
from testkit.customer import FATAL, USED, age_outbox, balance, check, credit, kinds, purse, submitted
from testkit.world import World, new_job


async def test_a_job_that_completes_is_charged_what_was_reserved(world: World):
    lane = await world.joined()
    await credit(world, lane, 10_000)

    job = await submitted(world, lane, purse(world, lane, quota=5), price=4_000)
    before = await balance(world, lane)
    await complete(world.engine, await world.run(), [], used=USED)
    await world.reconciler.run_once()

    assert (before.available, before.reserved, before.spent) == (6_000, 4_000, 4_000)
    after, bill = await balance(world, lane), (await world.read(job)).bill
    assert (after.available, after.reserved, after.spent) == (6_000, 0, 4_000)
    assert bill is not None
    assert (bill.state, bill.charged, bill.round) == (BillState.SETTLED, 4_000, 1)
    assert list(after.days.values()) == [1]
    assert await kinds(world, lane) == ["grant", "reserve", "charge"]
    await check(world, settled=True)


@pytest.mark.parametrize("how", ["cancelled while waiting", "cancelled while running", "failed", "expired"])
async def test_a_job_that_does_not_complete_gives_everything_back(world: World, how: str):
    lane = await world.joined()
    await credit(world, lane, 10_000)
    job = await submitted(world, lane, purse(world, lane, quota=1), price=4_000)

    match how:
        case "cancelled while waiting":
            await cancel(world.engine, lane.account_id, job.id, by="owner")
        case "cancelled while running":
            run = await world.run()
            await cancel(world.engine, lane.account_id, job.id, by="owner")
            await complete(world.engine, run, [], used=USED)
        case "failed":
            await fail(world.engine, await world.run(), FATAL, used=USED)
        case _:
            past = datetime.now(UTC) - timedelta(seconds=1)
            await world.database["jobs"].update_one({"_id": job.id}, {"$set": {"deadline_at": past}})
            await world.reconciler.run_once()
    await world.reconciler.run_once()

    after, bill = await balance(world, lane), (await world.read(job)).bill
    assert (after.available, after.reserved, after.spent) == (10_000, 0, 0)
    assert list(after.days.values()) == [0]
    assert bill is not None
    assert bill.charged == 0
    assert await kinds(world, lane) == ["grant", "reserve", "release"]
    await check(world, settled=True)


@pytest.mark.parametrize(
    "case",
    [
        ({"quota": 3}, 0, QuotaExceeded, 3),
        ({"cap": 1_000}, 300, SpendCapReached, 3),
        ({"of_account": 900}, 300, SpendCapReached, 3),
        ({}, 2_500, InsufficientCredits, 4),
        ({"quota": 0}, 0, QuotaExceeded, 0),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
async def test_exactly_as_many_pass_as_fit(
    world: World, at_once: bool, case: tuple[dict[str, int], int, type[ReelworkError], int]
):
    bounds, price, refusal, passes = case
    lane = await world.joined()
    await credit(world, lane, 10_000)
    spends = purse(world, lane, **bounds)
    await spends.settle()  # so that it knows the time, and all of them arrive in order

    async def reserve() -> Bill | ReelworkError | None:
        try:
            return (await spends.reserve(Ask(job_id=new_job_id(), price=price)))[0]
        except ReelworkError as error:
            return error

    if at_once:
        answers: Sequence[object] = await asyncio.gather(*(reserve() for _ in range(20)))
    else:
        answers = [await reserve() for _ in range(20)]

    assert sum(isinstance(answer, Bill) for answer in answers) == passes
    assert sum(isinstance(answer, refusal) for answer in answers) == 20 - passes
    assert [isinstance(answer, Bill) for answer in answers] == [True] * passes + [False] * (20 - passes), "in order"
    await check(world)


async def test_a_refusal_tells_the_limit_and_what_is_used(world: World):
    lane = await world.joined()
    await credit(world, lane, 5_000)
    limited, capped = purse(world, lane, quota=2), purse(world, lane, cap=3_000)
    for _ in range(2):
        await limited.reserve(Ask(job_id=new_job_id(), price=1_000))

    with pytest.raises(QuotaExceeded, match="2 jobs a day, and 2 of them are used") as quota:
        await limited.reserve(Ask(job_id=new_job_id(), price=0))
    with pytest.raises(
        SpendCapReached, match=r"costs 1\.5000 USD; the key has spent 0\.2000 USD of its cap of 0\.3000"
    ):
        await capped.reserve(Ask(job_id=new_job_id(), price=15_000))
    with pytest.raises(InsufficientCredits, match=r"costs 0\.4000 USD; 0\.3000 USD are available"):
        await purse(world, lane).reserve(Ask(job_id=new_job_id(), price=4_000))

    assert 0 < (quota.value.retry_after_seconds or 0) <= 86_400


async def test_what_costs_nothing_and_counts_nowhere_is_entered_nowhere(world: World):
    lane = await world.joined()

    job = await submitted(world, lane, purse(world, lane, cap=10))

    assert job.bill is None
    assert await world.database["balances"].count_documents({}) == 0


async def test_a_job_that_was_stored_before_costs_nothing_twice(world: World):
    lane = await world.joined()
    await credit(world, lane, 10_000)
    spends = purse(world, lane, quota=5)
    job = await submitted(world, lane, spends, price=1_000)

    async with running(world.intake.run):
        again = await submit(world.intake, world.opener, new_job(lane, id=job.id), lane, purse=spends, price=1_000)

    after = await balance(world, lane)
    assert not again
    assert (after.available, after.reserved, list(after.days.values())) == (9_000, 1_000, [1])
    assert (await world.read(job)).bill == job.bill
    await check(world)


async def test_what_was_reserved_for_a_job_that_never_came_is_given_back_after_a_minute(world: World):
    lane = await world.joined()
    await credit(world, lane, 1_000)
    await purse(world, lane, quota=1).reserve(Ask(job_id=new_job_id(), price=1_000))

    await world.reconciler.run_once()
    early = await balance(world, lane)
    await age_outbox(world)
    await world.reconciler.run_once()

    late = await balance(world, lane)
    assert (early.available, early.reserved) == (0, 1_000)
    assert (late.available, late.reserved, list(late.days.values())) == (1_000, 0, [0])
    await check(world, settled=True)


async def test_what_was_reserved_twice_for_one_job_is_given_back_once(world: World):
    lane = await world.joined()
    await credit(world, lane, 2_000)
    spends, job = purse(world, lane, quota=2), new_job(lane)
    await spends.reserve(Ask(job_id=job.id, price=1_000))  # its gateway dies, and the request is sent again
    async with running(world.intake.run):
        await submit(world.intake, world.opener, job, lane, purse=spends, price=1_000)
    await world.stores.lanes.open(lane)

    await complete(world.engine, await world.run(), [], used=USED)
    await world.reconciler.run_once()
    await age_outbox(world)
    await world.reconciler.run_once()

    after = await balance(world, lane)
    assert (after.available, after.reserved, after.spent) == (1_000, 0, 1_000)
    await check(world, settled=True)


@pytest.mark.parametrize("spent_meanwhile", [False, True])
async def test_a_job_that_comes_after_all_is_charged_only_if_nothing_is_overdrawn(world: World, spent_meanwhile: bool):
    lane = await world.joined()
    await credit(world, lane, 1_000)
    job = new_job(lane)
    (bill,) = await purse(world, lane).reserve(Ask(job_id=job.id, price=1_000))
    await age_outbox(world)
    await world.reconciler.run_once()
    if spent_meanwhile:
        await purse(world, lane).reserve(Ask(job_id=new_job_id(), price=500))

    await world.stores.jobs.insert(replace(job, bill=bill))
    await world.stores.lanes.open(lane)
    await complete(world.engine, await world.run(), [], used=USED)
    await world.reconciler.run_once()

    after, settled = await balance(world, lane), (await world.read(job)).bill
    assert settled is not None
    assert (settled.state, settled.charged) == (BillState.SETTLED, 0 if spent_meanwhile else 1_000)
    assert after.available == (500 if spent_meanwhile else 0)
    await check(world)
