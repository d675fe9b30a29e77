"""Rounds of a job that its owner runs again, and what administrators add: each is paid and entered once."""

import asyncio
from dataclasses import replace

import pytest

from reelwork.domain.audit import THE_INSTALLATION
from reelwork.domain.errors import (
    InsufficientCredits,
    InvalidInput,
    InvalidState,
    JobNotFound,
    QuotaExceeded,
)
from reelwork.domain.ids import new_job_id
from reelwork.domain.job import Job, Status
from reelwork.engine.bulk import ACTIONS, AT_ONCE, Bench, apply
from reelwork.engine.cancel import cancel
from reelwork.engine.finish import complete, fail
from reelwork.engine.grants import Grant, Refund, grant, refund
from reelwork.engine.reserving import Ask
from reelwork.engine.retry import retry
from testkit.customer import FATAL, KEY, USED, balance, check, credit, kinds, owner_of, purse, submitted
from testkit.world import World, new_job


async def test_a_retry_reserves_anew_and_is_charged_once(world: World):
    lane = await world.joined()
    await credit(world, lane, 1_000)
    spends = purse(world, lane, quota=1)
    job = await submitted(world, lane, spends, price=1_000)
    await fail(world.engine, await world.run(), FATAL, used=USED)

    again = await retry(world.engine, world.opener, await owner_of(world, lane), job.id, purse=spends)
    await complete(world.engine, await world.run(), [], used=USED)
    await world.reconciler.run_once()

    assert again.bill is not None
    assert job.bill is not None
    assert (again.bill.round, again.bill.amount, again.bill.hold != job.bill.hold) == (2, 1_000, True)
    assert await kinds(world, lane) == ["grant", "reserve", "release", "reserve", "charge"]
    assert (await balance(world, lane)).available == 0
    await check(world, settled=True)


async def test_a_retry_that_cannot_be_paid_leaves_the_job_as_it_is(world: World):
    lane = await world.joined()
    await credit(world, lane, 1_000)
    spends = purse(world, lane)
    job = await submitted(world, lane, spends, price=1_000)
    await cancel(world.engine, lane.account_id, job.id, by="owner")
    await world.reconciler.run_once()
    await spends.reserve(Ask(job_id=new_job_id(), price=1))

    with pytest.raises(InsufficientCredits):
        await retry(world.engine, world.opener, await owner_of(world, lane), job.id, purse=spends)

    assert (await world.read(job)).status == "cancelled"
    await check(world)


async def test_of_several_retries_at_once_one_is_paid(world: World):
    lane = await world.joined()
    await credit(world, lane, 10_000)
    spends, owner = purse(world, lane), await owner_of(world, lane)
    job = await submitted(world, lane, spends, price=1_000)
    await cancel(world.engine, lane.account_id, job.id, by="owner")

    answers = await asyncio.gather(
        *(retry(world.engine, world.opener, owner, job.id, purse=spends) for _ in range(5)), return_exceptions=True
    )

    assert sum(isinstance(answer, Job) for answer in answers) == 1
    after = await balance(world, lane)
    assert (after.available, after.reserved) == (9_000, 1_000)
    await check(world)


async def test_bulk_retries_are_paid_together(world: World):
    lane = await world.joined()
    await credit(world, lane, 10_000)
    spends, owner = purse(world, lane, quota=3), await owner_of(world, lane)
    jobs = [await submitted(world, lane, spends, price=1_000) for _ in range(3)]
    for job in jobs:
        await cancel(world.engine, lane.account_id, job.id, by="owner")
    chosen = await world.stores.selection.among(lane.account_id, [job.id for job in jobs])
    bench = Bench(
        engine=world.engine, opener=world.opener, eraser=world.eraser, account=owner, mark="req_1", purse=spends
    )

    changed = await apply(bench, ACTIONS["retry"], chosen)
    again = await apply(bench, ACTIONS["retry"], chosen)

    after = await balance(world, lane)
    assert set(changed) == set(again) == {job.id for job in jobs}
    assert (after.available, after.reserved, list(after.days.values())) == (7_000, 3_000, [3])
    assert {job.bill.round for job in [await world.read(job) for job in jobs] if job.bill} == {2}
    await check(world)


async def test_credit_is_granted_once_by_one_order(world: World):
    lane = await world.joined()
    order = Grant(account_id=lane.account_id, amount=500, name="req_1", note="Thanks")

    first, *others = await asyncio.gather(*(grant(world.stores, order, by=THE_INSTALLATION) for _ in range(4)))

    assert all(other == first for other in others)
    assert (await balance(world, lane)).available == 500
    await check(world, settled=True)


async def test_refunds_of_a_job_are_at_most_its_charge(world: World):
    lane = await world.joined()
    await credit(world, lane, 1_000)
    job = await submitted(world, lane, purse(world, lane), price=1_000)
    order = Refund(account_id=lane.account_id, job_id=job.id, name="req_2", amount=600)
    with pytest.raises(InvalidState):
        await refund(world.stores, order, by=THE_INSTALLATION)
    await complete(world.engine, await world.run(), [], used=USED)

    first, same = (
        await refund(world.stores, order, by=THE_INSTALLATION),
        await refund(world.stores, order, by=THE_INSTALLATION),
    )
    with pytest.raises(InvalidInput):
        await refund(world.stores, replace(order, name="req_3"), by=THE_INSTALLATION)
    rest = await refund(world.stores, replace(order, name="req_4", amount=None), by=THE_INSTALLATION)
    with pytest.raises(InvalidState):
        await refund(world.stores, replace(order, name="req_5", amount=None), by=THE_INSTALLATION)
    with pytest.raises(JobNotFound):
        await refund(world.stores, replace(order, job_id=new_job_id()), by=THE_INSTALLATION)

    after = await balance(world, lane)
    assert first == same
    assert (first.amount, rest.amount) == (600, 400)
    assert (after.available, after.spent, after.keys[KEY]) == (1_000, 0, 0)
    assert await kinds(world, lane) == ["grant", "reserve", "charge", "refund", "refund"]
    await check(world, settled=True)


async def test_a_bulk_retry_that_runs_out_of_quota_says_what_it_changed(world: World):
    lane = await world.joined()
    spends, owner = purse(world, lane, quota=AT_ONCE + 10), await owner_of(world, lane)
    jobs = [new_job(lane) for _ in range(2 * AT_ONCE)]
    await world.stores.jobs.insert(*(replace(job, status=Status.FAILED) for job in jobs))
    chosen = await world.stores.selection.among(lane.account_id, [job.id for job in jobs])
    bench = Bench(engine=world.engine, opener=world.opener, eraser=world.eraser, account=owner, purse=spends)

    changed = await apply(bench, ACTIONS["retry"], chosen)

    assert len(changed) == AT_ONCE
    with pytest.raises(QuotaExceeded):
        await apply(bench, ACTIONS["retry"], [job for job in chosen if job.id not in changed])
    await check(world)
