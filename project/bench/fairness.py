"""Fairness on real workers: who gets how much of the slots, how soon a single job starts, whether any slot idles.

All times are the database's, read from the attempts of the jobs themselves.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2 as httpx
from pymongo import MongoClient

from bench.tables import Table
from gateway.account import new_key
from reelwork.domain.tier import PLANS, Tier
from reelwork.store.accounts import Accounts
from reelwork.store.client import MongoOptions, open_database
from reelwork.store.indexes import ensure_indexes
from run.children import gateway_process, worker_process
from run.servers import Mongod, RabbitMQ, SeaweedFS
from run.servers.ports import free_port
from testkit.stack import UNHURRIED

DATABASE = "bench_fairness"
SLOTS = 8
WINDOW = timedelta(seconds=90)
WARM_UP = timedelta(seconds=10)
IDLE_WINDOW = timedelta(seconds=15)
# Above an eighth of a second, so that jobs are claimed one by one: the slot-seconds of a job are then its own.
LENGTHS = {Tier.ENTERPRISE: 0.2, Tier.PRO: 0.4, Tier.DEVELOPER: 0.6}
BACKLOG = 10_000
SINGLES = 20
AT_ONCE = 16
PATIENCE_SECONDS = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """One running Reelwork. `keys`: of one account of each tier."""

    url: str
    keys: dict[Tier, str]
    mongo: MongoClient[dict[str, Any]]

    @property
    def jobs(self) -> Any:
        """The collection; `Any`: pymongo's synchronous one."""
        return self.mongo[DATABASE]["jobs"]

    def account(self, tier: Tier) -> str:
        return str(self.mongo[DATABASE]["accounts"].find_one({"name": tier})["_id"])  # type: ignore[index]

    @asynccontextmanager
    async def caller(self, tier: Tier) -> AsyncIterator[httpx.AsyncClient]:
        limits = httpx.Limits(max_connections=AT_ONCE)
        async with httpx.AsyncClient(headers={"X-API-Key": self.keys[tier]}, timeout=60, limits=limits) as client:
            yield client

    async def submit(self, tier: Tier, count: int, *, seconds: float) -> str:
        """So many jobs of that length; the id of the last one."""
        body = {"model": "testkit/noop", "input": {"seconds": seconds, "size_bytes": 1}}
        left, last = iter(range(count)), ""

        async def submitter(client: httpx.AsyncClient) -> None:
            nonlocal last
            for _ in left:
                answer = await client.post(f"{self.url}/v1/jobs", json=body)
                last = answer.raise_for_status().json()["id"]

        async with self.caller(tier) as client:
            await asyncio.gather(*(submitter(client) for _ in range(min(AT_ONCE, count))))
        return last

    def clear(self) -> None:
        """Forget all jobs that wait, so that the next measurement begins with nothing; those that run end soon."""
        self.jobs.delete_many({"status": "queued"})

    async def quiet(self) -> None:
        """Until nothing runs."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.jobs.count_documents({"status": {"$in": ["queued", "processing"]}}, limit=1):
                await asyncio.sleep(0.1)


@contextmanager
def running_bench(folder: Path) -> Iterator[Bench]:
    """A gateway and a worker with SLOTS processes, on servers of their own."""
    with ExitStack() as stack:
        mongod = stack.enter_context(Mongod(folder / "mongod"))
        rabbitmq = stack.enter_context(RabbitMQ(folder / "rabbitmq"))
        s3 = stack.enter_context(SeaweedFS(folder / "s3"))
        os.environ.update(
            {
                "PYTHONPATH": str(Path(__file__).resolve().parent.parent),
                "REELWORK_MONGO_URL": mongod.url,
                "REELWORK_MONGO_DATABASE": DATABASE,
                "REELWORK_BROKER_URL": rabbitmq.url,
                "REELWORK_S3_ENDPOINT_URL": s3.endpoint_url,
                "REELWORK_S3_ACCESS_KEY": s3.keys.name,
                "REELWORK_S3_SECRET_KEY": s3.keys.secret,
                "REELWORK_MODEL_MODULES": "testkit.models",
                "REELWORK_CONCURRENCY": str(SLOTS),
                "REELWORK_LOG_LEVEL": "warning",
                "REELWORK_TIERS": UNHURRIED,
            }
        )
        keys = asyncio.run(_keys(mongod.url))
        port = free_port()
        stack.enter_context(gateway_process(port, folder / "gateway.log"))
        stack.enter_context(worker_process(folder / "worker.log"))
        client = stack.enter_context(MongoClient[dict[str, Any]](mongod.url, tz_aware=True))
        yield Bench(url=f"http://127.0.0.1:{port}", keys=keys, mongo=client)


async def _keys(url: str) -> dict[Tier, str]:
    async with open_database(MongoOptions(url=url, database=DATABASE)) as database:
        await ensure_indexes(database)
        return {tier: await new_key(Accounts(database), name=tier, tier=tier) for tier in LENGTHS}


async def measure(bench: Bench) -> list[Table]:
    """All tables of this file."""
    await _warm_up(bench)
    return [await _shares(bench), await _singles(bench), await _idle(bench)]


async def _warm_up(bench: Bench) -> None:
    """Until a worker has told its models, and every process of it has run something."""
    async with asyncio.timeout(PATIENCE_SECONDS), bench.caller(Tier.PRO) as client:
        while not (await client.get(f"{bench.url}/v1/models")).json()["items"]:
            await asyncio.sleep(0.2)
    for tier, seconds in LENGTHS.items():
        await bench.submit(tier, 2 * SLOTS, seconds=seconds)
    await bench.quiet()


async def _shares(bench: Bench) -> Table:
    """Three accounts with more work than there is time for."""
    weights = {tier: PLANS[tier].weight for tier in LENGTHS}
    ideal = {tier: weight / sum(weights.values()) for tier, weight in weights.items()}
    seconds = (WINDOW + WARM_UP).total_seconds() + 15
    for tier in reversed(LENGTHS):  # the light one first: it must not be alone in the window either way
        await bench.submit(tier, int(SLOTS * seconds * ideal[tier] * 1.3 / LENGTHS[tier]) + 20, seconds=LENGTHS[tier])
    begin = _server_time(bench) + WARM_UP
    await asyncio.sleep((WARM_UP + WINDOW).total_seconds() + 1)
    used = {tier: _slot_seconds(bench, tier, begin, begin + WINDOW) for tier in LENGTHS}
    left = {
        tier: bench.jobs.count_documents({"account_id": bench.account(tier), "status": "queued"}) for tier in LENGTHS
    }
    assert all(left.values()), f"an account ran out of work: {left}"
    bench.clear()
    await bench.quiet()
    total = sum(used.values())
    rows = [
        [tier, str(weights[tier]), f"{LENGTHS[tier]} s", f"{ideal[tier]:.2%}", f"{share:.2%}", f"{off:+.1%}"]
        for tier, share, off in ((tier, used[tier] / total, used[tier] / total / ideal[tier] - 1) for tier in LENGTHS)
    ]
    note = (
        f"Three accounts that always have work, one worker with {SLOTS} slots, {WINDOW.total_seconds():.0f} s. "
        f"Share: of the seconds that jobs held slots. Slots in use: {total / (SLOTS * WINDOW.total_seconds()):.1%}."
    )
    columns = ["account", "weight", "job length", "ideal share", "share", "off by"]
    return Table(title="Fair shares", note=note, columns=columns, rows=rows)


async def _singles(bench: Bench) -> Table:
    """Single jobs of a light account, each behind the whole backlog of a heavy one."""
    rows = []
    for seconds in (0.2, 0.0):
        await bench.submit(Tier.ENTERPRISE, BACKLOG, seconds=seconds)
        waited, overtook = [], []
        for _ in range(SINGLES):
            if bench.jobs.count_documents({"status": "queued"}) < BACKLOG // 10:
                break
            job = await _ended(bench, await bench.submit(Tier.DEVELOPER, 1, seconds=0.2))
            waited.append((job["started_at"] - job["created_at"]).total_seconds())
            between = {"$gt": job["created_at"], "$lt": job["started_at"]}
            overtook.append(bench.jobs.count_documents({"started_at": between}))
        queued = bench.jobs.count_documents({"status": "queued"})
        bench.clear()
        await bench.quiet()
        most, longest = max(overtook, default=0), max(waited, default=0.0)
        rows.append([f"{seconds} s", str(len(waited)), str(most), f"{longest:.2f} s", f"{queued:,}"])
    note = (
        f"An enterprise account has {BACKLOG:,} jobs queued; a developer account submits one job, waits until it has "
        "ended, and submits the next. Overtaken: jobs that started between its submit and its start."
    )
    columns = ["heavy account's jobs", "single jobs", "overtaken, most", "waited, longest", "still queued at the end"]
    return Table(title="A single job behind ten thousand", note=note, columns=columns, rows=rows)


async def _idle(bench: Bench) -> Table:
    """Only one account has work."""
    rows = []
    for tier in (Tier.DEVELOPER, Tier.PRO):
        seconds, slots = LENGTHS[tier], min(SLOTS, PLANS[tier].concurrent_jobs)
        await bench.submit(tier, int(slots * (IDLE_WINDOW.total_seconds() + 8) / seconds), seconds=seconds)
        begin = _server_time(bench) + timedelta(seconds=2)
        await asyncio.sleep(IDLE_WINDOW.total_seconds() + 3)
        used = _slot_seconds(bench, tier, begin, begin + IDLE_WINDOW)
        bench.clear()
        await bench.quiet()
        share = used / (slots * IDLE_WINDOW.total_seconds())
        rows.append([f"{tier} alone", str(PLANS[tier].weight), f"{slots} of {SLOTS}", f"{share:.1%}"])
    note = (
        f"Only one account has work, for {IDLE_WINDOW.total_seconds():.0f} s: it gets every slot that its limit allows."
    )
    columns = ["account", "weight", "slots it may use", "in use"]
    return Table(title="Idle capacity", note=note, columns=columns, rows=rows)


async def _ended(bench: Bench, job_id: str) -> Any:
    """The job's document, once it has ended."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (job := bench.jobs.find_one({"_id": job_id, "status": "completed"})) is None:
            await asyncio.sleep(0.02)
    return job


def _slot_seconds(bench: Bench, tier: Tier, begin: datetime, end: datetime) -> float:
    """How long jobs of this account held slots between the moments."""
    ran = {"account_id": bench.account(tier), "attempts.started_at": {"$lt": end}}
    found = bench.jobs.find(ran, {"attempts": 1})
    return sum(_overlap(attempt, begin, end) for job in found for attempt in job["attempts"])


def _overlap(attempt: dict[str, Any], begin: datetime, end: datetime) -> float:
    held: timedelta = min(attempt["ended_at"] or end, end) - max(attempt["started_at"], begin)
    return max(0.0, held.total_seconds())


def _server_time(bench: Bench) -> datetime:
    told: datetime = bench.mongo.admin.command("hello")["localTime"]
    return told.replace(tzinfo=UTC)
