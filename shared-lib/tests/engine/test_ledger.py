"""Money and quotas: reserved before a job is stored, charged or given back by what became of it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reelwork.domain.account import Account
from reelwork.domain.errors import (
    InsufficientCredits,
    InvalidInput,
    InvalidState,
    JobNotFound,
    QuotaExceeded,
    ReelworkError,
    SpendCapReached,
)
from reelwork.domain.ids import KeyId, new_job_id
from reelwork.domain.job import Bill, BillState, Job
from reelwork.domain.lane import LaneTerms
from reelwork.domain.ledger import Balance, Bounds
from reelwork.domain.retry import AttemptFailure
from reelwork.engine.bulk import ACTIONS, Bench, apply
from reelwork.engine.cancel import cancel
from reelwork.engine.finish import complete, fail
from reelwork.engine.grants import Grant, Refund, grant, refund
from reelwork.engine.reserving import Ask, Payer, Purse
from reelwork.engine.retry import retry
from reelwork.engine.submit import submit
from reelwork.runtime.tasks import running
from testkit.books import check_books, read_books
from testkit.world import World, new_job

KEY = KeyId("key_1")
USED = timedelta(milliseconds=10)
FATAL = AttemptFailure(code="generation_failed", message="No.", retryable=False)


def purse(
    world: World, of: LaneTerms, *, quota: int | None = None, cap: int | None = None, of_account: int | None = None
) -> Purse:
    bounds = Bounds(jobs_per_day=quota, account_cap=of_account, key_caps={KEY: cap} if cap is not None else {})
    return Purse(reservations=world.reservations, payer=Payer(account_id=of.account_id, key_id=KEY, bounds=bounds))


async def books(world: World, *, settled: bool = False) -> None:
    check_books(await read_books(world.database), settled=settled)


async def balance(world: World, of: LaneTerms) -> Balance:
    found = await world.stores.balances.now(of.account_id)
    assert found is not None
    return found


async def kinds(world: World, of: LaneTerms) -> list[str]:
    """The account's entries, oldest first."""
    found = await world.stores.ledger.page(of.account_id, before=None, limit=1000)
    return [entry.kind.value for entry in reversed(found)]


async def credit(world: World, of: LaneTerms, amount: int) -> None:
    await grant(world.stores, Grant(account_id=of.account_id, amount=amount, name=f"req_{amount}"))


async def submitted(world: World, of: LaneTerms, spends: Purse, *, price: int = 0) -> Job:
    job = new_job(of)
    async with running(world.intake.run):
        assert await submit(world.intake, world.opener, job, of, purse=spends, price=price)
    await world.stores.lanes.open(of)
    return await world.read(job)


async def owner_of(world: World, of: LaneTerms) -> Account:
    found = await world.stores.accounts.get(of.account_id)
    assert found is not None
    return found


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
    await books(world, settled=True)


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
    await books(world, settled=True)


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
    await books(world)


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
    await books(world)


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
    await books(world, settled=True)


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
    await books(world, settled=True)


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
    await books(world)


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
    await books(world, settled=True)


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
    await books(world)


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
    await books(world)


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
    await books(world)


async def test_credit_is_granted_once_by_one_order(world: World):
    lane = await world.joined()
    order = Grant(account_id=lane.account_id, amount=500, name="req_1", note="Thanks")

    first, *others = await asyncio.gather(*(grant(world.stores, order) for _ in range(4)))

    assert all(other == first for other in others)
    assert (await balance(world, lane)).available == 500
    await books(world, settled=True)


async def test_refunds_of_a_job_are_at_most_its_charge(world: World):
    lane = await world.joined()
    await credit(world, lane, 1_000)
    job = await submitted(world, lane, purse(world, lane), price=1_000)
    order = Refund(account_id=lane.account_id, job_id=job.id, name="req_2", amount=600)
    with pytest.raises(InvalidState):
        await refund(world.stores, order)
    await complete(world.engine, await world.run(), [], used=USED)

    first, same = await refund(world.stores, order), await refund(world.stores, order)
    with pytest.raises(InvalidInput):
        await refund(world.stores, replace(order, name="req_3"))
    rest = await refund(world.stores, replace(order, name="req_4", amount=None))
    with pytest.raises(InvalidState):
        await refund(world.stores, replace(order, name="req_5", amount=None))
    with pytest.raises(JobNotFound):
        await refund(world.stores, replace(order, job_id=new_job_id()))

    after = await balance(world, lane)
    assert first == same
    assert (first.amount, rest.amount) == (600, 400)
    assert (after.available, after.spent, after.keys[KEY]) == (1_000, 0, 0)
    assert await kinds(world, lane) == ["grant", "reserve", "charge", "refund", "refund"]
    await books(world, settled=True)


async def age_outbox(world: World) -> None:
    """Let everything in outboxes have been entered two minutes earlier."""
    earlier = {"$mergeObjects": ["$$this", {"at": {"$subtract": ["$$this.at", 120_000]}}]}
    aged = {"$map": {"input": "$outbox", "in": earlier}}
    await world.database["balances"].update_many({"open": True}, [{"$set": {"outbox": aged}}])
