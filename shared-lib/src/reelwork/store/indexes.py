"""The indexes of every collection. Creating one that exists is a no-op, so every process may do it at start."""

from reelwork.store.accounts import Accounts
from reelwork.store.assets import Assets
from reelwork.store.client import Database
from reelwork.store.holds import Holds
from reelwork.store.idempotency import Idempotency
from reelwork.store.jobs import Jobs
from reelwork.store.lanes import Lanes


async def ensure_indexes(database: Database) -> None:
    await database["jobs"].create_indexes(list(Jobs.INDEXES))
    await database["lanes"].create_indexes(list(Lanes.INDEXES))
    await database["assets"].create_indexes(list(Assets.INDEXES))
    await database["accounts"].create_indexes(list(Accounts.ACCOUNT_INDEXES))
    await database["accounts"].create_indexes(list(Holds.ACCOUNT_INDEXES))
    await database["keys"].create_indexes(list(Accounts.KEY_INDEXES))
    await database["idempotency"].create_indexes(list(Idempotency.INDEXES))
