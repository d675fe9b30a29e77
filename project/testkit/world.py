"""An engine over a real database, and what a test does to it: submit, take jobs, let time pass, look.

Time passes by writing the database: leases, slots and delays are data there, so no test has to sleep.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from pymongo.read_concern import ReadConcern

from reelwork.broker.inprocess import InProcessBroker
from reelwork.domain.account import Account
from reelwork.domain.ids import AccountId, AssetId, JobId, LaneId, lane_id, new_account_id, new_job_id
from reelwork.domain.job import Event, Job, Output, Priority, Status
from reelwork.domain.lane import LaneTerms, terms_for
from reelwork.domain.tier import Tier
from reelwork.engine.claim import claim
from reelwork.engine.engine import Engine, Rules
from reelwork.engine.erase import Eraser
from reelwork.engine.intake import Intake
from reelwork.engine.reconcile import Reconciler
from reelwork.engine.reserving import Reservations
from reelwork.engine.submit import LaneOpener, submit
from reelwork.engine.sweep import Sweeper
from reelwork.objects.s3 import ObjectStore, S3Options
from reelwork.runtime.tasks import running
from reelwork.store.client import Database, Document, Driver, MongoOptions, open_database
from reelwork.store.indexes import ensure_indexes
from reelwork.store.stores import Stores
from testkit.emptying import COLLECTIONS, empty
from testkit.services import Bucket

POOL = "cpu"
DEADLINE_SECONDS = 20
LEASE = timedelta(seconds=30)
# Nothing listens there, and nothing has to: a world without a bucket keeps no objects.
NO_BUCKET = S3Options(
    endpoint_url="http://127.0.0.1:9",
    public_endpoint_url="http://127.0.0.1:9",
    region="us-east-1",
    bucket="none",
    access_key="none",
    secret_key="none",
)


def terms(account: AccountId | None = None, *, weight: int = 1, limit: int = 10, pool: str = POOL) -> LaneTerms:
    """Any entitlement in a pool, of an account that is stored nowhere; see `World.joined` for one that is."""
    owner = account or new_account_id()
    return LaneTerms(id=lane_id(pool, owner), pool=pool, account_id=owner, weight=weight, limit=limit)


def new_job(of: LaneTerms, **fields: Any) -> Job:
    """A job as the gateway stores it. `fields` are a Job's own: their types are checked by its codec."""
    now, job_id = datetime.now(UTC), new_job_id()
    defaults: dict[str, Any] = {
        "id": job_id,
        "account_id": of.account_id,
        "lane": of.id,
        "pool": of.pool,
        "model": "testkit/noop",
        "model_version": "1",
        "status": Status.QUEUED,
        "input": {},
        "seed": 7,
        "priority": Priority.NORMAL,
        "order": time.time(),
        "max_attempts": 3,
        "created_at": now,
        "queued_at": now,
        "events": (Event(seq=1, at=now, type="job.queued", status=Status.QUEUED, attempt=0),),
    }
    return Job(**(defaults | fields))


def an_output(index: int = 0, *, asset: AssetId | None = None) -> Output:
    """Metadata of a result; no bytes stand behind it."""
    return Output(
        index=index,
        asset_id=asset or AssetId("asset_01"),
        name="noop.txt",
        role="primary",
        content_type="text/plain",
        size_bytes=64,
        sha256="0" * 64,
    )


def options_of(bucket: Bucket) -> S3Options:
    """How to open an object store on a test's bucket."""
    return S3Options(
        endpoint_url=bucket.endpoint_url,
        public_endpoint_url=bucket.endpoint_url,
        region=bucket.region,
        bucket=bucket.name,
        access_key=bucket.access_key,
        secret_key=bucket.secret_key,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One engine and everything under it."""

    database: Database
    stores: Stores
    broker: InProcessBroker
    engine: Engine
    intake: Intake
    opener: LaneOpener
    objects: ObjectStore
    sweeper: Sweeper
    eraser: Eraser
    reconciler: Reconciler
    reservations: Reservations

    @classmethod
    def over(
        cls, database: Database, objects: ObjectStore, *, rules: Rules | None = None, stores: Stores | None = None
    ) -> Self:
        """A world on an open database."""
        stores, broker = stores or Stores.of(database), InProcessBroker()
        engine = Engine(stores=stores, broker=broker, rules=rules or Rules(lease=LEASE))
        sweeper = Sweeper(stores, objects)
        return cls(
            database=database,
            stores=stores,
            broker=broker,
            engine=engine,
            intake=Intake(stores.jobs),
            opener=LaneOpener(engine),
            objects=objects,
            sweeper=sweeper,
            eraser=Eraser(stores, objects),
            reconciler=Reconciler(engine, sweeper),
            reservations=Reservations(stores),
        )

    async def joined(self, tier: Tier = Tier.DEVELOPER, *, pool: str = POOL) -> LaneTerms:
        """The lane of a new account: the account is stored, the lane is not open yet."""
        now, owner = datetime.now(UTC), new_account_id()
        await self.stores.accounts.add(Account(id=owner, name=owner, tier=tier, created_at=now))
        return terms_for(owner, tier, pool)

    async def submit(self, of: LaneTerms, **fields: Any) -> Job:
        """Submit a job, and wait until its lane is open and its ticket lies in the queue. `fields`: see new_job."""
        job = new_job(of, **fields)
        waiting = await self.tickets(of.pool)
        async with running(self.intake.run), running(self.opener.run), asyncio.timeout(DEADLINE_SECONDS):
            await submit(self.intake, self.opener, job, of)
            while await self.tickets(of.pool) <= waiting:  # noqa: ASYNC110  (a queue's length has no event)
                await asyncio.sleep(0.001)
        return job

    async def claim(self, worker: str = "w", *, pool: str = POOL) -> Job | None:
        """What a worker that got a ticket would run."""
        return await claim(self.engine, pool=pool, worker=worker)

    async def run(self, worker: str = "w", *, pool: str = POOL) -> Job:
        """The same, where there must be a job. Raises AssertionError if there is none."""
        found = await self.claim(worker, pool=pool)
        assert found is not None, "there is no job to claim"
        return found

    async def tickets(self, pool: str = POOL) -> int:
        """How many tickets wait."""
        return await self.broker.depth(pool) or 0

    async def read(self, job: Job) -> Job:
        """The job as it is now. Raises AssertionError if it is gone."""
        found = await self.stores.jobs.get(job.account_id, job.id)
        assert found is not None, f"{job.id} is gone"
        return found

    async def raw(self, job: JobId) -> Document:
        """The stored document of a job. Raises AssertionError if it is gone."""
        found = await self.database["jobs"].find_one({"_id": job})
        assert found is not None, f"{job} is gone"
        return found

    async def lane(self, lane: LaneId) -> Document:
        """The stored lane, as the last write left it. Raises AssertionError if there is none."""
        lanes = self.database.get_collection("lanes", read_concern=ReadConcern("local"))
        found = await lanes.find_one({"_id": lane})
        assert found is not None, f"there is no lane {lane}"
        return found

    async def lanes(self) -> list[Document]:
        """All stored lanes, as the last writes left them."""
        return await self.database.get_collection("lanes", read_concern=ReadConcern("local")).find().to_list()

    async def lapse(self, *jobs: Job) -> None:
        """Let the leases of these running jobs have ended; all leases without any."""
        which: Document = {"_id": {"$in": [job.id for job in jobs]}} if jobs else {}
        ended = {"lease.expires_at": datetime.now(UTC) - timedelta(hours=1)}
        await self.database["jobs"].update_many(which | {"lease": {"$ne": None}}, {"$set": ended})

    async def age_slots(self, by: timedelta = LEASE * 2) -> None:
        """Let every place in every lane have been taken earlier."""
        earlier = {"$mergeObjects": ["$$this", {"at": {"$subtract": ["$$this.at", by.total_seconds() * 1000]}}]}
        aged = {"$map": {"input": "$slots", "in": earlier}}
        await self.database["lanes"].update_many({"slots": {"$ne": []}}, [{"$set": {"slots": aged}}])

    async def come_due(self) -> None:
        """Let every delay have passed."""
        past = datetime.now(UTC) - timedelta(seconds=1)
        await self.database["jobs"].update_many({"not_before": {"$ne": None}}, {"$set": {"not_before": past}})

    async def learn(self, length: timedelta) -> None:
        """Let every open lane have learnt that its jobs take so long."""
        await self.database["lanes"].update_many({}, {"$set": {"estimate": length.total_seconds()}})

    async def clear(self, collections: Sequence[str] = COLLECTIONS) -> None:
        """Empty the database, or these collections of it; indexes stay."""
        await empty(self.database, collections)


async def hire(
    world: World, *, places: int, models: tuple[str, ...] = ("testkit/noop",), age: float = 0.0, drain: bool = False
) -> None:
    """Let the list of workers have this one worker in it, last heard of so many seconds ago."""
    card = {"pool": POOL, "concurrency": places, "models": [{"name": name, "version": "1"} for name in models]}
    ahead = timedelta(minutes=5)  # no test is so slow that the worker falls silent meanwhile
    seen = {"seen_at": datetime.now(UTC) + ahead - timedelta(seconds=age)}
    entry = {"card": card, "gone": False, "drain": drain, "stopping": False, "processes": []} | seen
    await world.database["workers"].replace_one({"_id": "worker_1"}, entry, upsert=True)


@asynccontextmanager
async def open_world(
    url: str,
    database: str,
    *,
    bucket: Bucket | None = None,
    driver: Driver = "pymongo",
    rules: Rules | None = None,
) -> AsyncIterator[World]:
    """A world of one's own, on the running event loop."""
    options = MongoOptions(url=url, database=database, driver=driver)
    async with (
        open_database(options) as opened,
        ObjectStore.open(options_of(bucket) if bucket else NO_BUCKET) as objects,
    ):
        if bucket is not None:
            await objects.ensure_bucket()
        await ensure_indexes(opened)
        yield World.over(opened, objects, rules=rules)
