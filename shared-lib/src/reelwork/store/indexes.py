"""The indexes of every collection. Creating one that exists is a no-op, so every process may do it at start."""

import pymongo

from reelwork.store.accounts import Accounts
from reelwork.store.assets import Assets
from reelwork.store.batches import Batches
from reelwork.store.client import Database, ping
from reelwork.store.holds import Holds
from reelwork.store.idempotency import Idempotency
from reelwork.store.jobs import Jobs
from reelwork.store.lanes import Lanes
from reelwork.store.removals import Removals
from reelwork.store.uncounted import Uncounted
from reelwork.store.usage_log import UsageLog
from reelwork.store.workers import Workers

# A new index over many millions of jobs takes minutes; the bound of a single operation is far below.
BUILT_WITHIN_SECONDS = 3600


async def ensure_indexes(database: Database) -> None:
    """Raises StoreUnavailable at once while MongoDB is away: the long bound is for building, not for waiting."""
    await ping(database)
    with pymongo.timeout(BUILT_WITHIN_SECONDS):
        await _ensure_indexes(database)


async def _ensure_indexes(database: Database) -> None:
    await database["jobs"].create_indexes([*Jobs.INDEXES, *Removals.INDEXES, *Uncounted.INDEXES])
    await database["batches"].create_indexes(list(Batches.INDEXES))
    await database["lanes"].create_indexes(list(Lanes.INDEXES))
    await database["assets"].create_indexes(list(Assets.INDEXES))
    await database["accounts"].create_indexes(list(Accounts.ACCOUNT_INDEXES))
    await database["accounts"].create_indexes(list(Holds.ACCOUNT_INDEXES))
    await database["keys"].create_indexes(list(Accounts.KEY_INDEXES))
    await database["idempotency"].create_indexes(list(Idempotency.INDEXES))
    await database["usage_events"].create_indexes(list(UsageLog.INDEXES))
    await database["workers"].create_indexes(list(Workers.INDEXES))
