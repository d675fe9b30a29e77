"""MongoDB that is away, frozen or back: one error for all of it, and never for long."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from reelwork.domain.errors import StoreUnavailable
from reelwork.domain.ids import new_account_id
from reelwork.domain.job import Progress
from reelwork.objects.s3 import ObjectStore
from reelwork.store.assets import AssetFilter
from reelwork.store.attempts import Claimed
from reelwork.store.client import Driver, MongoOptions, open_database, ping, server_time
from reelwork.store.indexes import ensure_indexes
from reelwork.store.job_filter import JobFilter
from testkit.services import UrlService
from testkit.world import LEASE, NO_BUCKET, POOL, World, new_job, terms

# Many times the operation timeout of these tests; nothing waits for ever.
BOUND_SECONDS = 30
FENCE = Claimed(job="job_0", attempt=1, slot="s")
LANE = terms()
OWNER = new_account_id()

CALLS: dict[str, Callable[[World], Awaitable[object]]] = {
    "ping": lambda world: ping(world.database),
    "server time": lambda world: server_time(world.database),
    "insert": lambda world: world.stores.jobs.insert(new_job(LANE)),
    "get": lambda world: world.stores.jobs.get(OWNER, "job_0"),
    "page": lambda world: world.stores.jobs.page(OWNER, JobFilter(), before=None, limit=1),
    "cancel": lambda world: world.stores.jobs.cancel_waiting(OWNER, "job_0", by="owner"),
    "take": lambda world: world.stores.attempts.take(LANE.id, worker="w", slots=["s"], lease=LEASE),
    "renew": lambda world: world.stores.attempts.renew(FENCE, lease=LEASE, progress=Progress()),
    "complete many": lambda world: world.stores.attempts.complete_many([(FENCE, [])]),
    "open": lambda world: world.stores.lanes.open(LANE),
    "reserve": lambda world: world.stores.lanes.reserve(POOL, "s"),
    "assets": lambda world: world.stores.assets.page(OWNER, AssetFilter(), before=None, limit=1),
    "held pools": lambda world: world.stores.pools.held(),
    "backlog": lambda world: world.stores.overview.backlog(),
    "follow a plan": lambda world: world.stores.plans.follow(LANE),
    "pulse": lambda world: world.stores.pulses.take("reconcile", every=LEASE),
    "reconcile": lambda world: world.reconciler.run_once(),
}


@pytest.fixture
async def world(own_mongod: UrlService, driver: Driver) -> AsyncIterator[World]:
    options = MongoOptions(url=own_mongod.url, database="shop", driver=driver, operation_timeout_seconds=2.0)
    async with open_database(options) as database, ObjectStore.open(NO_BUCKET) as objects:
        await ensure_indexes(database)
        yield World.over(database, objects)
        # The driver leaks a socket if it is closed while it tries to connect.
        own_mongod.start()
        await ping(database)


async def outcomes(world: World) -> dict[str, object]:
    """What becomes of every call, all at once: an error, or None."""

    async def attempt(call: Callable[[World], Awaitable[object]]) -> object:
        try:
            async with asyncio.timeout(BOUND_SECONDS):
                await call(world)
        except Exception as error:  # noqa: BLE001  (whatever it is, is what the test looks at)
            return type(error)
        return None

    ended = await asyncio.gather(*(attempt(call) for call in CALLS.values()))
    return dict(zip(CALLS, ended, strict=True))


async def is_away(world: World) -> None:
    """Until a signal to stop has reached the last thread of the server."""
    with contextlib.suppress(StoreUnavailable):
        while True:
            await ping(world.database)


@pytest.mark.slow
async def test_every_call_says_that_the_store_is_away_and_works_when_it_is_back(
    own_mongod: UrlService, world: World
) -> None:
    fine = dict.fromkeys(CALLS)
    assert await outcomes(world) == fine

    own_mongod.pause()
    await is_away(world)
    frozen = await outcomes(world)
    own_mongod.resume()
    thawed = await outcomes(world)
    own_mongod.kill()
    dead = await outcomes(world)
    own_mongod.start()
    back = await outcomes(world)

    assert (frozen, thawed) == (dict.fromkeys(CALLS, StoreUnavailable), fine)
    assert (dead, back) == (dict.fromkeys(CALLS, StoreUnavailable), fine)


async def test_opening_waits_for_nobody_and_the_error_names_the_cure_but_no_address(driver: Driver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"mongodb://127.0.0.1:{silent.getsockname()[1]}/?directConnection=true"
        options = MongoOptions(url=url, database="none", driver=driver, operation_timeout_seconds=0.5)
        async with open_database(options) as database:
            with pytest.raises(StoreUnavailable) as raised:
                await ping(database)

    assert raised.value.retry_after_seconds
    assert "again" in raised.value.hint
    assert "127.0.0.1" not in f"{raised.value.detail} {raised.value.hint}"
