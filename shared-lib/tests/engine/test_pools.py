"""An operator holds a whole pool: nothing of anybody starts in it, whoever comes."""

import asyncio
from datetime import timedelta

import pytest

from reelwork.domain.job import Status
from reelwork.engine import pools, wake
from reelwork.engine.finish import complete
from reelwork.engine.pools import hold_pool, release_pool
from reelwork.store import pools as stored_pools
from reelwork.store.stores import Stores
from testkit.world import POOL, World, an_output, terms


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered is asked for again soon, and who holds a pool waits as long."""
    monkeypatch.setattr(stored_pools, "REMEMBERED", timedelta(seconds=0.05))
    monkeypatch.setattr(pools, "REMEMBERED", timedelta(seconds=0.05))


async def test_a_held_pool_starts_nothing_of_anybody_and_what_runs_goes_on(world: World) -> None:
    mine = await world.joined()
    for _ in range(2):
        await world.submit(mine)
    running = await world.run()

    held = await hold_pool(world.engine, POOL)
    await world.submit(await world.joined())  # an account that was not there before
    await complete(world.engine, running, [an_output()], used=timedelta(seconds=1))

    assert held.since is not None
    assert held.starting == 0
    assert (await world.read(running)).status is Status.COMPLETED
    assert await world.claim() is None


async def test_other_pools_go_on(world: World) -> None:
    await world.submit(terms(pool="gpu"))

    await hold_pool(world.engine, POOL)

    assert await world.claim(pool="gpu") is not None


async def test_a_pool_that_goes_on_wakes_workers_and_serves_its_lanes(world: World) -> None:
    mine = await world.joined()
    jobs = [await world.submit(mine) for _ in range(2)]
    await hold_pool(world.engine, POOL)
    tickets = await world.tickets()

    released = await release_pool(world.engine, POOL)

    assert released.since is None
    assert await world.tickets() == tickets + 2
    assert {(await world.run()).id for _ in jobs} == {job.id for job in jobs}


async def test_no_tickets_are_made_for_a_held_pool(world: World) -> None:
    await world.submit(await world.joined())
    await hold_pool(world.engine, POOL)
    while await world.tickets():
        await world.broker.take(POOL)

    await world.reconciler.run_once()

    assert await world.tickets() == 0


async def test_another_process_has_heard_of_it_when_the_hold_is_answered(world: World) -> None:
    """It claims all the time; of what it remembers nothing is older than the hold."""
    elsewhere = Stores.of(world.database).pools
    assert not await elsewhere.is_held(POOL)

    await hold_pool(world.engine, POOL)

    assert await elsewhere.is_held(POOL)


async def test_holding_twice_keeps_since_when(world: World) -> None:
    first, again = await hold_pool(world.engine, POOL), await hold_pool(world.engine, POOL)

    assert first.since == again.since
    assert (await world.stores.pools.held()).keys() == {POOL}


async def test_a_claim_that_never_ends_is_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wake, "PATIENCE", timedelta(seconds=0.1))
    await world.submit(await world.joined())
    assert await world.stores.lanes.reserve(POOL, "claim-of-a-worker-that-froze") is not None

    async with asyncio.timeout(10):
        held = await hold_pool(world.engine, POOL)

    assert held.starting == 1
