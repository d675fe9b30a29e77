"""All stores over one database."""

from dataclasses import dataclass
from typing import Self

from reelwork.store.accounts import Accounts
from reelwork.store.assets import Assets
from reelwork.store.attempts import Attempts
from reelwork.store.audit import AuditLog
from reelwork.store.backlog import Backlog
from reelwork.store.balances import Balances
from reelwork.store.batches import Batches
from reelwork.store.books import Books
from reelwork.store.bulk import BulkChanges
from reelwork.store.calls import Calls
from reelwork.store.circuits import Circuits
from reelwork.store.client import Database
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
from reelwork.store.overview import Overview
from reelwork.store.plans import AccountPlans
from reelwork.store.pools import Pools
from reelwork.store.pulse import Pulses
from reelwork.store.queue import Queue
from reelwork.store.removals import Removals
from reelwork.store.runtimes import Runtimes
from reelwork.store.selection import Selection
from reelwork.store.series import SavedSeries
from reelwork.store.signing_keys import SigningKeys
from reelwork.store.standings import Standings
from reelwork.store.statistics import Statistics
from reelwork.store.stream_tickets import StreamTickets
from reelwork.store.uncounted import Uncounted
from reelwork.store.untold import Untold
from reelwork.store.uploads import Uploads
from reelwork.store.usage import UsageDays
from reelwork.store.usage_log import UsageLog
from reelwork.store.webhooks import Webhooks
from reelwork.store.workers import Workers


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    database: Database
    jobs: Jobs
    attempts: Attempts
    calls: Calls
    circuits: Circuits
    backlog: Backlog
    removals: Removals
    batches: Batches
    bulk: BulkChanges
    selection: Selection
    lanes: Lanes
    orphans: Orphans
    assets: Assets
    uploads: Uploads
    accounts: Accounts
    audit: AuditLog
    keys: Keys
    signing_keys: SigningKeys
    stream_tickets: StreamTickets
    models: Models
    pulses: Pulses
    idempotency: Idempotency
    queue: Queue
    holds: Holds
    plans: AccountPlans
    directory: Directory
    overview: Overview
    pools: Pools
    runtimes: Runtimes
    standings: Standings
    statistics: Statistics
    uncounted: Uncounted
    usage: UsageDays
    usage_log: UsageLog
    workers: Workers
    balances: Balances
    books: Books
    ledger: Ledger
    untold: Untold
    webhooks: Webhooks
    deliveries: Deliveries
    series: SavedSeries

    @classmethod
    def of(cls, database: Database) -> Self:
        return cls(
            database=database,
            jobs=Jobs(database),
            attempts=Attempts(database),
            calls=Calls(database),
            circuits=Circuits(database),
            backlog=Backlog(database),
            removals=Removals(database),
            batches=Batches(database),
            bulk=BulkChanges(database),
            selection=Selection(database),
            lanes=Lanes(database),
            orphans=Orphans(database),
            assets=Assets(database),
            uploads=Uploads(database),
            accounts=Accounts(database),
            audit=AuditLog(database),
            keys=Keys(database),
            signing_keys=SigningKeys(database),
            stream_tickets=StreamTickets(database),
            models=Models(database),
            pulses=Pulses(database),
            idempotency=Idempotency(database),
            queue=Queue(database),
            holds=Holds(database, Lanes(database)),
            plans=AccountPlans(database, Lanes(database)),
            directory=Directory(database),
            overview=Overview(database),
            pools=Pools(database),
            runtimes=Runtimes(database),
            standings=Standings(database),
            statistics=Statistics(database),
            uncounted=Uncounted(database),
            usage=UsageDays(database),
            usage_log=UsageLog(database),
            workers=Workers(database),
            balances=Balances(database),
            books=Books(database),
            ledger=Ledger(database),
            untold=Untold(database),
            webhooks=Webhooks(database),
            deliveries=Deliveries(database),
            series=SavedSeries(database),
        )
