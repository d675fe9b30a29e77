"""All stores over one database."""

from dataclasses import dataclass
from typing import Self

from reelwork.store.accounts import Accounts
from reelwork.store.assets import Assets
from reelwork.store.attempts import Attempts
from reelwork.store.backlog import Backlog
from reelwork.store.batches import Batches
from reelwork.store.bulk import BulkChanges
from reelwork.store.client import Database
from reelwork.store.holds import Holds
from reelwork.store.idempotency import Idempotency
from reelwork.store.jobs import Jobs
from reelwork.store.lanes import Lanes
from reelwork.store.models import Models
from reelwork.store.pulse import Pulses
from reelwork.store.queue import Queue
from reelwork.store.removals import Removals
from reelwork.store.runtimes import Runtimes
from reelwork.store.selection import Selection
from reelwork.store.standings import Standings
from reelwork.store.uncounted import Uncounted
from reelwork.store.usage import UsageDays
from reelwork.store.usage_log import UsageLog
from reelwork.store.workers import Workers


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    database: Database
    jobs: Jobs
    attempts: Attempts
    backlog: Backlog
    removals: Removals
    batches: Batches
    bulk: BulkChanges
    selection: Selection
    lanes: Lanes
    assets: Assets
    accounts: Accounts
    models: Models
    pulses: Pulses
    idempotency: Idempotency
    queue: Queue
    holds: Holds
    runtimes: Runtimes
    standings: Standings
    uncounted: Uncounted
    usage: UsageDays
    usage_log: UsageLog
    workers: Workers

    @classmethod
    def of(cls, database: Database) -> Self:
        return cls(
            database=database,
            jobs=Jobs(database),
            attempts=Attempts(database),
            backlog=Backlog(database),
            removals=Removals(database),
            batches=Batches(database),
            bulk=BulkChanges(database),
            selection=Selection(database),
            lanes=Lanes(database),
            assets=Assets(database),
            accounts=Accounts(database),
            models=Models(database),
            pulses=Pulses(database),
            idempotency=Idempotency(database),
            queue=Queue(database),
            holds=Holds(database, Lanes(database)),
            runtimes=Runtimes(database),
            standings=Standings(database),
            uncounted=Uncounted(database),
            usage=UsageDays(database),
            usage_log=UsageLog(database),
            workers=Workers(database),
        )
