"""An owner holds the own queue: what runs goes on, nothing more starts, and nobody else notices."""

import asyncio
import random

import pytest

from reelwork.domain.account import Account
from reelwork.domain.ids import AccountId
from reelwork.domain.job import Status
from reelwork.domain.lane import lane_of
from reelwork.engine import hold, wake
from reelwork.engine.claim import claim_batch
from reelwork.engine.finish import complete
from testkit.world import POOL, World, an_output

POOLS = ("cpu", "gpu", "browser", "remote")


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for a claim that never ends."""
    monkeypatch.setattr(wake, "PATIENCE", wake.PATIENCE / 20)


async def test_a_held_queue_starts_nothing_and_others_are_served(world: World) -> None:
    mine, others = await world.joined(), await world.joined()
    await world.submit(mine)
    theirs = await world.submit(others)

    held = await hold.pause(world.engine, mine.account_id, POOLS)

    assert held.starting == 0
    assert held.account.held_pools.keys() == set(POOLS)
    assert (await world.run()).id == theirs.id
    assert await world.claim() is None


async def test_what_runs_goes_on_and_ends_while_the_queue_is_held(world: World) -> None:
    mine = await world.joined()
    for _ in range(2):
        await world.submit(mine)
    running = await world.run()

    held = await hold.pause(world.engine, mine.account_id, POOLS)
    await complete(world.engine, running, [an_output()], used=wake.PATIENCE)

    assert held.starting == 0
    assert (await world.read(running)).status is Status.COMPLETED
    assert await world.claim() is None


async def test_a_lane_that_is_opened_only_after_the_hold_is_held_too(world: World) -> None:
    mine = await world.joined()

    await hold.pause(world.engine, mine.account_id, POOLS)
    await world.submit(mine)  # whoever submits knows nothing of the hold: these terms are from before

    assert await world.claim() is None
    await world.reconciler.run_once()
    assert await world.claim() is None


async def test_a_lane_that_was_lost_is_rebuilt_as_held(world: World) -> None:
    mine = await world.joined()
    await world.submit(mine)
    await hold.pause(world.engine, mine.account_id, POOLS)
    await world.database["lanes"].delete_many({})

    await world.reconciler.run_once()

    assert (await world.lane(mine.id))["active"]
    assert await world.claim() is None


async def test_a_queue_that_goes_on_wakes_workers_and_runs_its_jobs(world: World) -> None:
    mine = await world.joined()
    jobs = [await world.submit(mine) for _ in range(2)]
    await hold.pause(world.engine, mine.account_id, POOLS)
    tickets = await world.tickets()

    account = await hold.resume(world.engine, mine.account_id, POOLS)

    assert account.held_pools == {}
    assert await world.tickets() > tickets
    assert {(await world.run()).id for _ in jobs} == {job.id for job in jobs}


async def test_one_pool_can_be_held_alone(world: World) -> None:
    mine = await world.joined()
    gpu = lane_of(await _account(world, mine.account_id), "gpu", world.engine.rules.plans)
    await world.submit(mine)
    await world.submit(gpu)

    await hold.pause(world.engine, mine.account_id, ["gpu"])

    assert await world.claim(pool="gpu") is None
    assert await world.claim() is not None


async def test_time_in_a_hold_is_not_saved_up(world: World) -> None:
    mine, others = await world.joined(), await world.joined()
    await world.submit(mine)
    await hold.pause(world.engine, mine.account_id, POOLS)
    await world.submit(others)
    await world.database["lanes"].update_one({"_id": others.id}, {"$set": {"vstart": 500.0}})

    await hold.resume(world.engine, mine.account_id, POOLS)

    assert (await world.lane(mine.id))["vstart"] == 500.0


async def test_holding_twice_keeps_since_when_and_a_late_order_loses_to_a_newer_one(world: World) -> None:
    mine = await world.joined()
    first = (await hold.pause(world.engine, mine.account_id, POOLS)).account
    again = (await hold.pause(world.engine, mine.account_id, POOLS)).account
    await hold.resume(world.engine, mine.account_id, POOLS)

    await world.stores.holds.follow(
        first, lane_of(first, POOL, world.engine.rules.plans)
    )  # a process that was away for a while

    assert again.held_pools == first.held_pools
    assert not (await world.lane(mine.id))["paused"]


async def test_an_order_that_a_crash_cut_short_is_followed_by_the_reconciler(world: World) -> None:
    mine = await world.joined()
    await world.submit(mine)
    await world.stores.holds.order(mine.account_id, POOLS, held=True)
    assert not (await world.lane(mine.id))["paused"]

    repaired = await world.reconciler.run_once()

    assert repaired["holds"] == 1
    assert await world.claim() is None
    assert not (await world.reconciler.run_once())["holds"]
    await world.stores.holds.order(mine.account_id, POOLS, held=False)
    await world.reconciler.run_once()
    assert await world.claim() is not None


async def test_a_claim_under_way_is_waited_for_and_counted_if_it_never_ends(world: World, patience: None) -> None:
    mine = await world.joined()
    await world.submit(mine)
    reservation = await world.stores.lanes.reserve(POOL, "claim-of-a-worker-that-froze")
    assert reservation is not None

    held = await hold.pause(world.engine, mine.account_id, POOLS)

    assert held.starting == 1


@pytest.mark.parametrize("seed", range(4))
async def test_no_job_starts_after_the_hold_was_answered_however_many_claim_at_once(
    world: World, seed: int, quiet: None
) -> None:
    chance, mine = random.Random(seed), await world.joined()  # noqa: S311  (no secret)
    for _ in range(30):
        await world.submit(mine)
    await world.database["lanes"].update_many({}, {"$set": {"limit": 1000, "estimate": chance.choice([0.01, 1.0])}})
    worked, answered = asyncio.Semaphore(0), asyncio.Event()

    async def worker(name: str) -> None:
        """Until it has found nothing ten times after the hold was answered."""
        tries = 0
        while tries < 10:
            tries += answered.is_set()
            for job in (await claim_batch(world.engine, pool=POOL, worker=name, most=3)).jobs:
                worked.release()
                await complete(world.engine, job, [an_output()], used=wake.PATIENCE / 100)

    workers = [asyncio.create_task(worker(f"w{number}")) for number in range(6)]
    for _ in range(chance.randrange(20)):
        await worked.acquire()

    held = await hold.pause(world.engine, mine.account_id, POOLS)
    begun = await _starts(world)
    answered.set()
    await asyncio.gather(*workers)

    assert held.starting == 0
    assert await _starts(world) == begun


async def _starts(world: World) -> int:
    """How often any job of the world was begun."""
    return sum(len(job["attempts"]) for job in await world.database["jobs"].find().to_list())


async def _account(world: World, account_id: AccountId) -> Account:
    account = await world.stores.accounts.get(account_id)
    assert account is not None
    return account
