"""What operators see: pools that are held, what waits and runs, accounts as a directory."""

from datetime import UTC, datetime, timedelta

import pytest

from reelwork.domain.account import Account
from reelwork.domain.ids import new_account_id
from reelwork.domain.job import Status
from reelwork.domain.tier import Tier
from reelwork.store.directory import AccountFilter
from reelwork.store.job_filter import JobFilter
from testkit.world import POOL, World, new_job, terms


async def joined(world: World, *names: str, tier: Tier = Tier.PRO, suspended: bool = False) -> list[Account]:
    now = datetime.now(UTC)
    since = now if suspended else None
    accounts = [
        Account(id=new_account_id(), name=name, tier=tier, created_at=now, suspended_at=since) for name in names
    ]
    return [await world.stores.accounts.add(account) for account in accounts]


async def test_a_pool_is_held_from_the_first_order_until_it_is_let_go_on(world: World) -> None:
    pools = world.stores.pools

    since = await pools.order(POOL, held=True)

    assert await pools.order(POOL, held=True) == since
    assert await pools.held() == {POOL: since}
    assert await pools.is_held(POOL)
    assert not await pools.is_held("gpu")
    assert await pools.order(POOL, held=False) is None
    assert not await pools.is_held(POOL)


async def test_the_backlog_counts_what_waits_in_each_lane_and_since_when(world: World) -> None:
    mine, theirs, idle = terms(), terms(pool="gpu"), terms()
    later = datetime.now(UTC) + timedelta(hours=1)
    await world.stores.jobs.insert(
        new_job(mine, order=2000.0),
        new_job(mine, order=1000.0),
        new_job(mine, not_before=later),
        new_job(theirs, not_before=later),
        new_job(idle, status=Status.COMPLETED),
    )

    found = {lane.lane: lane for lane in await world.stores.overview.backlog()}

    assert found.keys() == {mine.id, theirs.id}
    one, other = found[mine.id], found[theirs.id]
    assert (one.pool, one.account_id, one.queued, one.delayed) == (POOL, mine.account_id, 2, 1)
    assert one.oldest == datetime.fromtimestamp(1000, UTC)
    assert (other.pool, other.queued, other.delayed, other.oldest) == ("gpu", 0, 1, None)


async def test_jobs_of_all_accounts_are_read_newest_first(world: World) -> None:
    jobs = [new_job(terms()) for _ in range(3)]
    await world.stores.jobs.insert(*jobs)
    overview, ids = world.stores.overview, sorted((job.id for job in jobs), reverse=True)

    everything = await overview.jobs(JobFilter(), account=None, before=None, limit=10)
    assert [job.id for job in everything] == ids
    older = await overview.jobs(JobFilter(), account=None, before=ids[0], limit=1)
    assert [job.id for job in older] == ids[1:2]
    own = await overview.jobs(JobFilter(statuses=[Status.QUEUED]), account=jobs[0].account_id, before=None, limit=10)
    assert [job.id for job in own] == [jobs[0].id]


async def test_running_jobs_and_those_that_come_first_are_known(world: World) -> None:
    mine = await world.joined()
    jobs = [await world.submit(mine) for _ in range(3)]
    running = await world.run()

    assert [job.id for job in await world.stores.overview.running()] == [running.id]
    assert [job.id for job in await world.stores.overview.heads([mine.id], most=1)] == [jobs[1].id]
    assert len(await world.stores.pools.places(POOL)) == 1


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (AccountFilter(), ["d", "ab", "aa"]),
        (AccountFilter(tiers=[Tier.FREE]), ["d"]),
        (AccountFilter(tiers=[Tier.FREE, Tier.PRO]), ["d", "ab", "aa"]),
        (AccountFilter(suspended=True), ["ab"]),
        (AccountFilter(suspended=False), ["d", "aa"]),
        (AccountFilter(name_prefix="a"), ["ab", "aa"]),
        (AccountFilter(name_prefix="a."), []),
    ],
)
async def test_accounts_are_found_by_what_they_are(world: World, where: AccountFilter, expected: list[str]) -> None:
    await joined(world, "aa")
    await joined(world, "ab", suspended=True)
    await joined(world, "d", tier=Tier.FREE)

    found = await world.stores.directory.page(where, before=None, limit=10)

    assert [account.name for account in found] == expected


async def test_an_account_is_known_by_its_name(world: World) -> None:
    (studio,) = await joined(world, "studio")

    assert await world.stores.directory.named("studio") == studio
    assert await world.stores.directory.named("nobody") is None
    assert await world.stores.directory.names({studio.id, new_account_id()}) == {studio.id: "studio"}


async def test_a_pulse_that_is_over_need_not_be_waited_for(world: World) -> None:
    hour = timedelta(hours=1)
    assert await world.stores.pulses.take("work", every=hour)
    assert not await world.stores.pulses.take("work", every=hour)

    await world.stores.pulses.over("work")

    assert await world.stores.pulses.take("work", every=hour)
