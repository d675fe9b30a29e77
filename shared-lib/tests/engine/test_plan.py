"""An operator changes what an account is entitled to: the next claim goes by it, whoever still knows the old plan."""

import asyncio
from dataclasses import replace

import pytest

from reelwork.domain.account import Account
from reelwork.domain.errors import AccountNotFound, InvalidState
from reelwork.domain.ids import AccountId, new_account_id
from reelwork.domain.job import Status
from reelwork.domain.lane import LaneTerms, lane_of
from reelwork.domain.tier import PLANS, Tier
from reelwork.engine import plan
from reelwork.engine.accounts import Changed
from reelwork.engine.finish import complete
from reelwork.engine.wake import PATIENCE
from reelwork.store.plans import AccountTerms
from testkit.world import POOL, World, an_output, new_job

PRO, DEVELOPER = PLANS[Tier.PRO], PLANS[Tier.DEVELOPER]


async def moved(world: World, account: AccountId, tier: Tier) -> Changed:
    return await plan.change(world.engine, account, lambda terms: replace(terms, tier=tier))


async def suspended(world: World, account: AccountId, *, yes: bool = True) -> Changed:
    return await plan.change(world.engine, account, lambda terms: replace(terms, suspended=yes))


async def account_of(world: World, lane: LaneTerms) -> Account:
    account = await world.stores.accounts.get(lane.account_id)
    assert account is not None
    return account


async def queued(world: World, lane: LaneTerms, count: int) -> None:
    """So many waiting jobs, stored in one write."""
    await world.stores.jobs.insert(*(new_job(lane) for _ in range(count)))
    await world.stores.lanes.open(lane)


async def started(world: World) -> list[AccountId]:
    """Whose jobs start until nothing more may."""
    found = []
    while (job := await world.claim()) is not None:
        found.append(job.account_id)
    return found


async def test_a_higher_tier_takes_effect_at_the_next_claim_while_100_jobs_wait(world: World) -> None:
    mine = await world.joined(Tier.DEVELOPER)
    await queued(world, mine, 100)
    assert len(await started(world)) == DEVELOPER.concurrent_jobs
    tickets = await world.tickets()

    await moved(world, mine.account_id, Tier.PRO)

    assert await world.tickets() > tickets
    assert len(await started(world)) == PRO.concurrent_jobs - DEVELOPER.concurrent_jobs


async def test_a_higher_weight_takes_effect_at_the_next_claim(world: World) -> None:
    mine, other = await world.joined(Tier.DEVELOPER), await world.joined(Tier.ENTERPRISE)
    for lane in (mine, other):
        await queued(world, lane, 40)
    await moved(world, other.account_id, Tier.DEVELOPER)
    await plan.change(world.engine, other.account_id, lambda terms: replace(terms, tier=Tier.ENTERPRISE, weight=1))

    await moved(world, mine.account_id, Tier.ENTERPRISE)  # ten to one

    first = [(await world.run()).account_id for _ in range(22)]
    assert first.count(mine.account_id) == 20


async def test_a_lower_tier_lets_run_what_runs_and_starts_no_more_than_it_allows(world: World) -> None:
    mine = await world.joined(Tier.PRO)
    await queued(world, mine, 30)
    running = [await world.run() for _ in range(PRO.concurrent_jobs)]

    await moved(world, mine.account_id, Tier.DEVELOPER)
    for job in running[: PRO.concurrent_jobs - DEVELOPER.concurrent_jobs]:
        assert await world.claim() is None
        await complete(world.engine, job, [an_output()], used=PATIENCE)

    assert await world.claim() is None
    await complete(world.engine, running[-1], [an_output()], used=PATIENCE)
    assert len(await started(world)) == 1


async def test_a_tier_without_jobs_ends_what_runs_and_starts_nothing_more(world: World) -> None:
    mine = await world.joined(Tier.DEVELOPER)
    await queued(world, mine, 5)
    running = await world.run()

    changed = await moved(world, mine.account_id, Tier.FREE)
    await complete(world.engine, running, [an_output()], used=PATIENCE)

    assert changed.starting == 0
    assert (await world.read(running)).status is Status.COMPLETED
    assert await world.claim() is None
    await world.reconciler.run_once()
    assert await world.claim() is None


@pytest.mark.parametrize("is_open", [True, False])
async def test_whoever_still_knows_the_old_plan_does_not_set_the_lane_back(world: World, is_open: bool) -> None:
    mine = await world.joined(Tier.ENTERPRISE)
    old = lane_of(await account_of(world, mine), POOL, world.engine.rules.plans)
    if is_open:
        await queued(world, mine, 5)

    await moved(world, mine.account_id, Tier.DEVELOPER)
    await world.stores.jobs.insert(*(new_job(old) for _ in range(5)))
    await world.stores.lanes.open(old)

    lane = await world.lane(mine.id)
    assert (lane["weight"], lane["limit"]) == (DEVELOPER.weight, DEVELOPER.concurrent_jobs)
    assert len(await started(world)) == DEVELOPER.concurrent_jobs


async def test_a_late_change_loses_to_a_newer_one(world: World) -> None:
    mine = await world.joined(Tier.DEVELOPER)
    first = (await moved(world, mine.account_id, Tier.ENTERPRISE)).after
    await moved(world, mine.account_id, Tier.PRO)

    await world.stores.plans.follow(lane_of(first, POOL, world.engine.rules.plans))  # was away for a while

    assert (await world.lane(mine.id))["weight"] == PRO.weight


async def test_a_suspended_account_starts_nothing_in_any_pool_until_it_is_let_go_on(world: World) -> None:
    mine = await world.joined(Tier.PRO)
    await queued(world, mine, 3)
    gpu = lane_of(await account_of(world, mine), "gpu", world.engine.rules.plans)  # known from before

    account = (await suspended(world, mine.account_id)).after
    await queued(world, gpu, 1)

    assert account.suspended_at is not None
    assert await world.claim() is None
    assert await world.claim(pool="gpu") is None
    await suspended(world, mine.account_id, yes=False)
    assert len(await started(world)) == 3
    assert await world.claim(pool="gpu") is not None


async def test_time_without_places_is_not_saved_up(world: World) -> None:
    mine, other = await world.joined(), await world.joined()
    await queued(world, mine, 1)
    await queued(world, other, 1)
    await suspended(world, mine.account_id)
    await world.database["lanes"].update_one({"_id": other.id}, {"$set": {"vstart": 500.0}})

    await suspended(world, mine.account_id, yes=False)

    assert (await world.lane(mine.id))["vstart"] == 500.0


async def test_what_a_lane_is_ahead_is_measured_by_its_new_weight(world: World) -> None:
    mine, other = await world.joined(Tier.DEVELOPER), await world.joined(Tier.DEVELOPER)
    for lane in (mine, other):
        await queued(world, lane, 1)
    await world.database["lanes"].update_one({"_id": mine.id}, {"$set": {"vstart": 20.0}})
    await world.database["lanes"].update_one({"_id": other.id}, {"$set": {"vstart": 10.0}})

    await moved(world, mine.account_id, Tier.ENTERPRISE)

    assert (await world.lane(mine.id))["vstart"] == 11.0


async def test_a_change_that_a_crash_cut_short_is_followed_by_the_reconciler(world: World) -> None:
    mine = await world.joined(Tier.DEVELOPER)
    await queued(world, mine, 20)
    seen = await account_of(world, mine)
    wanted = replace(AccountTerms.of(seen), tier=Tier.PRO)
    await world.stores.plans.change(seen, wanted)  # and then the process died

    assert (await world.reconciler.run_once())["plans"] == 1

    assert len(await started(world)) == PRO.concurrent_jobs
    assert (await world.reconciler.run_once())["plans"] == 0


async def test_what_is_so_already_changes_nothing(world: World) -> None:
    mine = await world.joined(Tier.PRO)

    changed = await moved(world, mine.account_id, Tier.PRO)

    assert not changed.is_change
    assert changed.after.plan_version == 0


async def test_of_changes_at_the_same_time_none_is_lost(world: World) -> None:
    mine = await world.joined(Tier.DEVELOPER)

    await asyncio.gather(
        moved(world, mine.account_id, Tier.PRO),
        suspended(world, mine.account_id),
        plan.change(world.engine, mine.account_id, lambda terms: replace(terms, weight=7)),
    )

    account, lane = await account_of(world, mine), await world.lane(mine.id)
    assert (account.tier, account.weight, account.suspended_at is not None) == (Tier.PRO, 7, True)
    assert (account.plan_version, lane["weight"], lane["limit"]) == (3, 7, 0)


async def test_an_account_from_before_there_were_versions_can_be_changed(world: World) -> None:
    mine = await world.joined(Tier.DEVELOPER)
    await queued(world, mine, 20)
    await world.database["accounts"].update_many({}, {"$unset": {"plan_version": "", "weight": "", "suspended_at": ""}})
    await world.database["lanes"].update_many({}, {"$unset": {"plan_version": ""}})

    await moved(world, mine.account_id, Tier.PRO)

    assert len(await started(world)) == PRO.concurrent_jobs


async def test_an_unknown_account_and_a_name_that_is_taken_are_refused(world: World) -> None:
    mine, other = await world.joined(), await world.joined()

    with pytest.raises(AccountNotFound):
        await moved(world, new_account_id(), Tier.PRO)
    with pytest.raises(InvalidState):
        await plan.change(world.engine, mine.account_id, lambda terms: replace(terms, name=other.account_id))
