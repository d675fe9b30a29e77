"""The indexes of every collection. Creating one that exists is a no-op, so every process may do it at start."""

import pymongo

from reelwork.store.accounts import Accounts
from reelwork.store.assets import Assets
from reelwork.store.audit import AuditLog
from reelwork.store.balances import Balances
from reelwork.store.batches import Batches
from reelwork.store.books import Books
from reelwork.store.calls import Calls
from reelwork.store.client import Database, ping
from reelwork.store.deliveries import Deliveries
from reelwork.store.directory import Directory
from reelwork.store.holds import Holds
from reelwork.store.idempotency import Idempotency
from reelwork.store.jobs import Jobs
from reelwork.store.keys import Keys
from reelwork.store.lanes import Lanes
from reelwork.store.ledger import Ledger
from reelwork.store.models import Models
from reelwork.store.orphans import Orphans
from reelwork.store.plans import AccountPlans
from reelwork.store.removals import Removals
from reelwork.store.series import SavedSeries
from reelwork.store.signing_keys import SigningKeys
from reelwork.store.stream_tickets import StreamTickets
from reelwork.store.uncounted import Uncounted
from reelwork.store.untold import Untold
from reelwork.store.uploads import Uploads
from reelwork.store.usage_log import UsageLog
from reelwork.store.webhooks import Webhooks
from reelwork.store.workers import Workers

# A new index over many millions of jobs takes minutes; the bound of a single operation is far below.
BUILT_WITHIN_SECONDS = 3600


async def ensure_indexes(database: Database) -> None:
    """Raises StoreUnavailable at once while MongoDB is away: the long bound is for building, not for waiting."""
    await ping(database)
    with pymongo.timeout(BUILT_WITHIN_SECONDS):
        await _ensure_indexes(database)


async def _ensure_indexes(database: Database) -> None:
    of_jobs = [
        *(*Jobs.INDEXES, *Removals.INDEXES, *Books.JOB_INDEXES),
        *(*Uncounted.INDEXES, *Calls.INDEXES, *Untold.INDEXES),
    ]
    await database["jobs"].create_indexes(of_jobs)
    await database["batches"].create_indexes(list(Batches.INDEXES))
    await database["lanes"].create_indexes([*Lanes.INDEXES, *Orphans.INDEXES])
    await database["assets"].create_indexes(list(Assets.INDEXES))
    await database["uploads"].create_indexes(list(Uploads.INDEXES))
    await database["accounts"].create_indexes(list(Accounts.ACCOUNT_INDEXES))
    await database["accounts"].create_indexes(list(Holds.ACCOUNT_INDEXES))
    await database["accounts"].create_indexes([*AccountPlans.ACCOUNT_INDEXES, *Directory.ACCOUNT_INDEXES])
    await database["keys"].create_indexes(list(Accounts.KEY_INDEXES))
    await database["audit"].create_indexes(list(AuditLog.INDEXES))
    await database["keys"].create_indexes(list(Keys.INDEXES))
    await database["signing_keys"].create_indexes(list(SigningKeys.INDEXES))
    await database["stream_tickets"].create_indexes(list(StreamTickets.INDEXES))
    await database["idempotency"].create_indexes(list(Idempotency.INDEXES))
    await database["balances"].create_indexes(list(Balances.INDEXES))
    await database["ledger"].create_indexes(list(Ledger.INDEXES))
    await database["usage_events"].create_indexes(list(UsageLog.INDEXES))
    await database["webhooks"].create_indexes(list(Webhooks.INDEXES))
    await database["deliveries"].create_indexes(list(Deliveries.INDEXES))
    await database["models"].create_indexes(list(Models.INDEXES))
    await database["workers"].create_indexes(list(Workers.INDEXES))
    await database["series"].create_indexes(list(SavedSeries.INDEXES))
    await database["series_points"].create_indexes(list(SavedSeries.POINT_INDEXES))
