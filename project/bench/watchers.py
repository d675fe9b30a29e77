"""A thousand event streams on one gateway: what each costs in memory, and how fast a change reaches all of them."""

import asyncio
import json
import random
import resource
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from bench.processes import MIB, cpu_seconds, resident_bytes
from bench.stations import DATABASE, Station, running_station
from bench.tables import Table, milliseconds
from reelwork.broker.base import Notice
from reelwork.broker.rabbitmq import RabbitMQBroker
from reelwork.domain.ids import AccountId, JobId
from reelwork.domain.job import Job
from reelwork.domain.lane import LaneTerms
from reelwork.domain.tier import PLANS, Tier
from reelwork.engine.claim import claim
from reelwork.engine.engine import Engine, Rules
from reelwork.engine.finish import complete
from reelwork.store.client import MongoOptions, open_database
from reelwork.store.stores import Stores
from testkit.world import POOL, new_job, terms

STREAMS = 1_000
AT_ONCE = 16
IDLE_SECONDS = 6.0
ROUNDS = 10
CHANGES = 200
PAUSE_SECONDS = 0.01
TICKET_POOL = "remote"  # where nothing else happens
TICKETS, TICKET_PORTIONS = 500, 10
PATIENCE_SECONDS = 120.0
FILES = 4 * STREAMS
PROGRESS = {"fraction": 0.5, "stage": "", "message": "Half", "step": 1, "steps": 2}


@dataclass(slots=True)
class Follower:
    """One watcher: how many progress events it has had, and when it heard of each change, in Unix time."""

    job: JobId
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    progress: int = 0
    changes: list[tuple[datetime, float]] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Measured:
    first: float = 0.0
    again: float = 0.0
    idle_cpu: float = 0.0
    ticket_rate: float = 0.0
    rates: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)


def measure() -> list[Table]:
    """About a minute. Raises the limit on open files of this process and of the gateway, its child."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES if hard == resource.RLIM_INFINITY else min(FILES, hard), hard))
    with running_station(streams_per_account=2 * STREAMS, stream_seconds=3600) as station:
        return [_table(asyncio.run(_measure(station)))]


async def _measure(station: Station) -> Measured:
    options = MongoOptions(url=station.mongo_url, database=DATABASE)
    async with open_database(options) as database, RabbitMQBroker.open(station.broker_url) as broker:
        engine, measured = Engine(stores=Stores.of(database), broker=broker, rules=Rules()), Measured()
        account = await database["accounts"].find_one({"name": "bench"})
        assert account is not None
        jobs = await _queued(engine, terms(account["_id"], limit=PLANS[Tier.ENTERPRISE].concurrent_jobs))
        async with _following(station, jobs[:AT_ONCE]):  # whatever the first ones load is there for good
            pass
        before = resident_bytes(station.pid)
        async with _following(station, jobs):
            measured.first = (resident_bytes(station.pid) - before) / STREAMS
            worked = cpu_seconds(station.pid)
            await asyncio.sleep(IDLE_SECONDS)
            measured.idle_cpu = (cpu_seconds(station.pid) - worked) / IDLE_SECONDS
        async with _following(station, jobs) as followers:
            measured.again = (resident_bytes(station.pid) - before) / STREAMS
            for _ in range(ROUNDS):
                measured.rates.append(await _fan_out(engine, followers))
            measured.latencies = await _changes(engine, followers)
        measured.ticket_rate = await _tickets(broker)
        return measured


async def _tickets(broker: RabbitMQBroker) -> float:
    """Tickets a second from hand-over until the queue holds them, in portions that the broker's own buffer takes."""
    before = await broker.depth(TICKET_POOL) or 0
    begun = time.perf_counter()
    for sent in range(TICKETS, TICKET_PORTIONS * TICKETS + 1, TICKETS):
        broker.publish(TICKET_POOL, TICKETS)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await broker.depth(TICKET_POOL) or 0) < before + sent:
                await asyncio.sleep(0.002)
    return TICKET_PORTIONS * TICKETS / (time.perf_counter() - begun)


async def _queued(engine: Engine, lane: LaneTerms) -> list[Job]:
    jobs = [new_job(lane) for _ in range(STREAMS)]
    await engine.stores.jobs.insert(*jobs)
    await engine.stores.lanes.open(lane)
    return jobs


@asynccontextmanager
async def _following(station: Station, jobs: Sequence[Job]) -> AsyncIterator[list[Follower]]:
    """Everyone's stream is open and has told its snapshot; at the end all are closed."""
    followers, gate = [Follower(job.id) for job in jobs], asyncio.Semaphore(AT_ONCE)
    tasks = [asyncio.create_task(_follow(station, follower, gate)) for follower in followers]
    async with asyncio.timeout(PATIENCE_SECONDS):
        for task, follower in zip(tasks, followers, strict=True):
            ready = asyncio.create_task(follower.ready.wait())
            await asyncio.wait({ready, task}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()
    await asyncio.sleep(1)
    try:
        yield followers
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _follow(station: Station, follower: Follower, gate: asyncio.Semaphore) -> None:
    """HTTP by hand: a client that costs more than the gateway would measure itself."""
    address = urlsplit(station.url)
    async with gate:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        request = f"GET /v1/jobs/{follower.job}/events HTTP/1.1\r\nHost: bench\r\nX-API-Key: {station.key}\r\n\r\n"
        writer.write(request.encode())
        if b" 200 " not in (status := await reader.readline()):
            raise RuntimeError(f"The gateway did not open a stream: {status + await reader.read(4096)!r}")
        while not (await reader.readline()).startswith(b"event: snapshot"):
            pass
        follower.ready.set()
    try:
        event = b"snapshot"
        while line := await reader.readline():
            if line.startswith(b"event: "):
                event = line[7:].strip()
            elif line.startswith(b"data: "):
                _note(follower, event, line[6:])
    finally:
        writer.close()


def _note(follower: Follower, event: bytes, data: bytes) -> None:
    if event == b"progress":
        follower.progress += 1
    elif event.startswith(b"job.") and event != b"job.queued":
        follower.changes.append((datetime.fromisoformat(json.loads(data)["at"]), time.time()))


async def _fan_out(engine: Engine, followers: Sequence[Follower]) -> float:
    """One progress report of every job, all at once; events a second until everybody has his."""
    account, wanted = await _account(engine, followers[0].job), followers[0].progress + 1
    begun = time.perf_counter()
    for follower in followers:
        engine.broker.announce(Notice(kind="progress", account_id=account, job_id=follower.job, data=PROGRESS))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while any(follower.progress < wanted for follower in followers):
            await asyncio.sleep(0.002)
    return len(followers) / (time.perf_counter() - begun)


async def _account(engine: Engine, job: JobId) -> AccountId:
    found = await engine.stores.database["jobs"].find_one({"_id": job}, {"account_id": 1})
    assert found is not None
    return AccountId(found["account_id"])


async def _changes(engine: Engine, followers: Sequence[Follower]) -> list[float]:
    """Jobs start and end, one after the other; seconds from the database's time of each to its watcher."""
    pause = random.Random(7)
    for _ in range(CHANGES):
        job = await claim(engine, pool=POOL, worker="bench")
        assert job is not None
        await asyncio.sleep(pause.random() * PAUSE_SECONDS)
        await complete(engine, job, [], used=timedelta(seconds=1))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while sum(len(follower.changes) for follower in followers) < 2 * CHANGES:
            await asyncio.sleep(0.01)
    return [heard - at.timestamp() for follower in followers for at, heard in follower.changes]


def _table(measured: Measured) -> Table:
    points = statistics.quantiles(measured.latencies, n=100)
    return Table(
        title=f"{STREAMS:,} watchers on one gateway",
        note="Server-sent events of as many jobs, one gateway process, RabbitMQ, the watchers in one process on "
        f"the same cores. Progress: {ROUNDS} rounds of one report of every job at once, median. Latency: {2 * CHANGES} "
        "starts and ends of jobs, from the database's time of the change to the watcher that reads it, while all the "
        "others are open. The second thousand comes after the first has gone: what it adds is what those leave behind.",
        columns=("", "measured"),
        rows=[
            ("memory for each watcher", f"{measured.first / 1024:.0f} kB"),
            ("the same, for the second thousand", f"{measured.again / 1024:.0f} kB"),
            ("all of the first thousand", f"{measured.first * STREAMS / MIB:.0f} MiB"),
            ("gateway's work while nothing happens", f"{measured.idle_cpu:.0%} of a core"),
            ("progress events fanned out", f"{statistics.median(measured.rates):.0f}/s"),
            ("change to watcher, p50", milliseconds(points[49])),
            ("change to watcher, p99", milliseconds(points[98])),
            ("beside that: tickets, one publisher, one queue", f"{measured.ticket_rate:.0f}/s"),
        ],
    )
