"""The engine with few and with very many queued jobs and accounts: what a claim costs must not depend on them.

The queue is written in bulk, in the shape that the stores write; what is measured afterwards is the real engine. Each
job that ends is replaced outside of the clock, so that the queue stays as long as its case says.
"""

import asyncio
import gc
import itertools
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pymongo

from bench.processes import cpu_seconds
from bench.tables import Table, milliseconds, ratio
from reelwork.domain.ids import new_job_id
from reelwork.domain.lane import LaneTerms
from reelwork.engine.claim import claim_batch
from reelwork.engine.finish import Finished, complete, complete_all
from reelwork.store.indexes import ensure_indexes
from reelwork.store.jobs import JOB_CODEC
from run.servers import Mongod
from testkit.world import POOL, World, new_job, open_world, terms

QUEUES = (100, 10_000, 1_000_000)
QUICK_QUEUES = (100, 10_000, 100_000)
ACCOUNTS = (1, 100, 10_000)
SAMPLES = 400
BATCHES = 60
AT_ONCE = 16
PASSES = 5
CLAIMERS = 8
THROUGHPUT_JOBS = 1_600
CHUNK = 5_000
INDEXES_WITHIN_SECONDS = 600
LONG_SECONDS, SHORT_SECONDS = 30.0, 0.01
USED = timedelta(seconds=LONG_SECONDS)


@dataclass(slots=True, kw_only=True)
class Measured:
    """Seconds of one case: single jobs, jobs of a batch (each call divided by its jobs), passes of the reconciler."""

    queued: int
    accounts: int
    claim: list[float] = field(default_factory=list)
    complete: list[float] = field(default_factory=list)
    claim_each: list[float] = field(default_factory=list)
    complete_each: list[float] = field(default_factory=list)
    passes: list[float] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Load:
    """Claim and complete by many at once: what MongoDB did for each job."""

    way: str
    jobs: int
    seconds: float
    mongodcpu_seconds: float
    operations: int
    journal_bytes: int
    conflicts: int


def measure(*, queues: tuple[int, ...]) -> list[Table]:
    """All tables of this file. With a million jobs about ten minutes, a hundred thousand two."""
    with TemporaryDirectory(prefix="reelwork-bench-", ignore_cleanup_errors=True) as folder, Mongod(Path(folder)) as db:
        return asyncio.run(_measure(db, queues))


async def _measure(mongod: Mongod, queues: tuple[int, ...]) -> list[Table]:
    async with open_world(mongod.url, "bench_scale") as world:
        loads = [await _load(world, mongod, most) for most in (1, AT_ONCE)]
        cases = [await _case(world, queued, accounts) for accounts in ACCOUNTS for queued in queues]
    return [_cost_table(cases), _load_table(loads)]


async def _case(world: World, queued: int, accounts: int) -> Measured:
    lanes = await _fill(world, queued, accounts)
    case, names = Measured(queued=queued, accounts=accounts), {lane.id: lane for lane in lanes}
    for warm in (True, False):
        into = replace(case, claim=[], complete=[]) if warm else case
        await world.learn(timedelta(seconds=LONG_SECONDS))
        for _ in range(SAMPLES // 8 if warm else SAMPLES):
            await _one(world, into, names)
    await world.learn(timedelta(seconds=SHORT_SECONDS))
    for _ in range(BATCHES):
        await _several(world, case, names)
    for _ in range(PASSES):
        begun = time.perf_counter()
        await world.reconciler.run_once()
        case.passes.append(time.perf_counter() - begun)
    return case


async def _one(world: World, case: Measured, lanes: dict[Any, LaneTerms]) -> None:
    job = await _timed(world.run, case.claim)
    await _timed(lambda: complete(world.engine, job, [], used=USED), case.complete)
    await _refill(world, [lanes[job.lane]])


async def _several(world: World, case: Measured, lanes: dict[Any, LaneTerms]) -> None:
    claims, ends = [0.0], [0.0]
    taken = await _timed(lambda: claim_batch(world.engine, pool=POOL, worker="w", most=AT_ONCE), claims)
    jobs = taken.jobs
    done = [Finished(job=job, outputs=[], used=timedelta(seconds=SHORT_SECONDS)) for job in jobs]
    await _timed(lambda: complete_all(world.engine, done), ends)
    case.claim_each.append(claims[-1] / len(jobs))
    case.complete_each.append(ends[-1] / len(jobs))
    await _refill(world, [lanes[job.lane] for job in jobs])


async def _refill(world: World, lanes: list[LaneTerms]) -> None:
    await world.stores.jobs.insert(*(new_job(lane) for lane in lanes))
    await world.stores.lanes.open(lanes[0])


async def _timed(work: Callable[[], Awaitable[Any]], into: list[float]) -> Any:  # whatever the work answers
    begun = time.perf_counter()
    answer = await work()
    into.append(time.perf_counter() - begun)
    return answer


async def _fill(world: World, queued: int, accounts: int) -> list[LaneTerms]:
    """A fresh database with so many jobs, spread evenly; lanes that have none are idle."""
    for name in ("jobs", "lanes"):
        await world.database[name].drop()
    lanes = [terms(weight=(1, 5, 10)[number % 3], limit=100) for number in range(accounts)]
    await _write_lanes(world, lanes, with_work=min(queued, accounts))
    for chunk in _chunks(_documents(lanes, queued)):
        await world.database["jobs"].insert_many(chunk, ordered=False)
    with pymongo.timeout(INDEXES_WITHIN_SECONDS):
        await ensure_indexes(world.database)
    gc.collect()
    return lanes


async def _write_lanes(world: World, lanes: list[LaneTerms], *, with_work: int) -> None:
    """As `open` makes them: the first one by it, the others after its pattern, at tags within a second's work."""
    await world.stores.lanes.open(lanes[0])
    pattern, spread = await world.lane(lanes[0].id), random.Random(7)
    others = [
        pattern
        | {"_id": lane.id, "account_id": lane.account_id, "weight": lane.weight, "vstart": spread.random()}
        | {"active": number < with_work}
        for number, lane in enumerate(lanes[1:], 1)
    ]
    for chunk in _chunks(iter(others)):
        await world.database["lanes"].insert_many(chunk, ordered=False)


def _documents(lanes: list[LaneTerms], queued: int) -> Iterator[dict[str, Any]]:
    pattern = JOB_CODEC.encode(new_job(lanes[0])) | {"due": True}
    for number in range(queued):
        lane = lanes[number % len(lanes)]
        own = {"_id": new_job_id(), "account_id": lane.account_id, "lane": lane.id, "order": float(number)}
        yield pattern | own


def _chunks(documents: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while chunk := list(itertools.islice(documents, CHUNK)):
        yield chunk


async def _load(world: World, mongod: Mongod, most: int) -> Load:
    """Eight claimers over a hundred lanes, until a fixed number of jobs has ended."""
    await _fill(world, THROUGHPUT_JOBS + CLAIMERS * most, 100)
    await world.learn(timedelta(seconds=SHORT_SECONDS if most > 1 else LONG_SECONDS))
    left = itertools.count()

    async def claimer() -> None:
        while next(left) < THROUGHPUT_JOBS / most:
            jobs = (await claim_batch(world.engine, pool=POOL, worker="w", most=most)).jobs
            used = timedelta(seconds=SHORT_SECONDS if most > 1 else LONG_SECONDS)
            done = [Finished(job=job, outputs=[], used=used) for job in jobs]
            await (complete_all(world.engine, done) if most > 1 else complete(world.engine, jobs[0], [], used=used))

    before, cpu, begun = await _counters(world), cpu_seconds(mongod.pid), time.perf_counter()
    await asyncio.gather(*(claimer() for _ in range(CLAIMERS)))
    seconds, after = time.perf_counter() - begun, await _counters(world)
    return Load(
        way="one by one" if most == 1 else f"{most} at once",
        jobs=await world.database["jobs"].count_documents({"status": "completed"}),
        seconds=seconds,
        mongodcpu_seconds=cpu_seconds(mongod.pid) - cpu,
        operations=after[0] - before[0],
        journal_bytes=after[1] - before[1],
        conflicts=after[2] - before[2],
    )


async def _counters(world: World) -> tuple[int, int, int]:
    """Operations on documents, bytes written to the journal, and writes that met another, since mongod's start."""
    status = await world.database.command("serverStatus")
    operations = sum(status["opcounters"][kind] for kind in ("insert", "query", "update", "delete"))
    commands = status["metrics"]["commands"]["findAndModify"]["total"]
    journal = status["wiredTiger"]["log"]["log bytes written"]
    return int(operations) + int(commands), int(journal), int(status["metrics"]["operation"]["writeConflicts"])


def _cost_table(cases: list[Measured]) -> Table:
    fewest_to_most = {case.queued for case in cases}
    fewest = {case.accounts: case for case in cases if case.queued == min(fewest_to_most)}

    def p50_and_p99(pick: Callable[[Measured], list[float]], case: Measured) -> list[str]:
        middle, base = statistics.median(pick(case)), statistics.median(pick(fewest[case.accounts]))
        high = statistics.quantiles(pick(case), n=100)[98]
        return [f"{middle * 1000:.1f} / {high * 1000:.1f}", ratio(middle, base)]

    def each(pick: Callable[[Measured], list[float]], case: Measured) -> str:
        return f"{statistics.median(pick(case)) * 1000:.2f}"

    return Table(
        title=f"A claim among {min(fewest_to_most):,} and among {max(fewest_to_most):,} jobs",
        note="p50 / p99 in milliseconds of the real engine on a real mongod (cache 256 MB), one caller, "
        f"{SAMPLES} jobs a case; `to fewest`: the p50 to that of the shortest queue of as many accounts in this run. "
        f"`Each of {AT_ONCE}`: jobs of {SHORT_SECONDS * 1000:.0f} ms, claimed and completed {AT_ONCE} at once, "
        "milliseconds for each, p50. `Pass`: one of the reconciler, over everything, p50.",
        columns=(
            *("accounts", "queued", "claim", "to fewest", "complete", "to fewest"),
            *(f"claim, each of {AT_ONCE}", f"complete, each of {AT_ONCE}", "pass"),
        ),
        rows=[
            [
                f"{case.accounts:,}",
                f"{case.queued:,}",
                *p50_and_p99(lambda m: m.claim, case),
                *p50_and_p99(lambda m: m.complete, case),
                each(lambda m: m.claim_each, case),
                each(lambda m: m.complete_each, case),
                milliseconds(statistics.median(case.passes)),
            ]
            for case in cases
        ],
    )


def _load_table(loads: list[Load]) -> Table:
    return Table(
        title="What a job costs MongoDB",
        note=f"{CLAIMERS} claimers in one process, {THROUGHPUT_JOBS:,} jobs of 100 accounts in one pool, claimed and "
        "completed without doing anything else; mongod's own counters, for each job. `Conflicts`: "
        "writes to a lane that met another and were done again. `Ceiling`: jobs a second that "
        "one core of mongod would bear, if nothing else were slower.",
        columns=("jobs", "rate", "operations", "conflicts", "journal", "CPU of mongod", "ceiling"),
        rows=[
            (
                load.way,
                f"{load.jobs / load.seconds:.0f}/s",
                f"{load.operations / load.jobs:.2f}",
                f"{load.conflicts / load.jobs:.2f}",
                f"{load.journal_bytes / load.jobs / 1000:.1f} kB",
                milliseconds(load.mongodcpu_seconds / load.jobs),
                f"{load.jobs / load.mongodcpu_seconds:.0f}/s",
            )
            for load in loads
        ],
    )
