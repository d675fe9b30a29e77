"""Jobs that do nothing: submitting, running, and the idle way from submit to start."""

import asyncio
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import httpx2 as httpx

from bench.stacks import DATABASE, PLAIN_DATABASE, Stacks
from bench.tables import Table, milliseconds, ratio

ROUNDS = 5
SUBMITS = 400
CONCURRENCY = 16
JOBS = 400
IDLE_JOBS = 60
# What a bench waits at most for jobs that must end; it fails then, instead of measuring nonsense.
PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One stack: how to submit to it, how many jobs it has finished, when a job started (Unix time)."""

    name: str
    url: str
    headers: dict[str, str]
    body: dict[str, object]
    finished: Callable[[], int]
    started_at: Callable[[str], float | None]


@dataclass(slots=True)
class Measured:
    submit_p50: list[float] = field(default_factory=list)
    submit_p99: list[float] = field(default_factory=list)
    loaded_p50: list[float] = field(default_factory=list)
    submit_rate: list[float] = field(default_factory=list)
    job_rate: list[float] = field(default_factory=list)
    idle: list[float] = field(default_factory=list)


def sides(stacks: Stacks) -> tuple[Side, Side, Side]:
    jobs = stacks.mongo[DATABASE]["jobs"]
    account = stacks.mongo[DATABASE]["accounts"].distinct("_id", {"name": "bench"})[0]
    results = stacks.mongo[PLAIN_DATABASE]["celery_taskmeta"]
    results.create_index("status")  # so that counting costs the same on both sides

    def our_start(job_id: str) -> float | None:
        job = jobs.find_one({"_id": job_id, "status": "completed"}, {"started_at": 1})
        return job["started_at"].timestamp() if job else None

    def plain_start(job_id: str) -> float | None:
        result = results.find_one({"_id": job_id, "status": "SUCCESS"})
        return float(json.loads(result["result"])["started_at"]) if result else None

    ours = Side(
        name="Reelwork",
        url=f"{stacks.ours}/v1/jobs",
        headers={"X-API-Key": stacks.key},
        body={"model": "bench/nothing", "input": {"prompt": "x"}},
        finished=lambda: jobs.count_documents({"account_id": account, "status": "completed"}),
        started_at=our_start,
    )
    plain = Side(
        name="FastAPI + Celery",
        url=f"{stacks.plain}/jobs",
        headers={},
        body={"prompt": "x"},
        finished=lambda: results.count_documents({"status": "SUCCESS"}),
        started_at=plain_start,
    )
    recorded = replace(plain, name="the same with a job row", url=f"{stacks.plain}/recorded-jobs")
    return ours, plain, recorded


async def measure(stacks: Stacks) -> list[Table]:
    """All tables of this file; the sides take turns, so that a change of the machine's mood meets both."""
    contenders = sides(stacks)
    measured = {side.name: Measured() for side in contenders}
    for side in contenders:
        await _warm_up(side)
    for turn in range(ROUNDS):
        for side in contenders if turn % 2 == 0 else reversed(contenders):
            await _one_round(side, measured[side.name])
    return [_table(measured)]


async def _warm_up(side: Side) -> None:
    async with _client(side) as client:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await client.post(side.url, json=side.body)).status_code != 202:
                await asyncio.sleep(0.2)  # no worker has told its models yet
        await _load(side, client, 50)
        await _drained(side, 50)


async def _one_round(side: Side, into: Measured) -> None:
    async with _client(side) as client:
        before = side.finished()
        latencies = await _load(side, client, SUBMITS // 4, at_once=1)
        into.submit_p50.append(statistics.median(latencies))
        into.submit_p99.append(statistics.quantiles(latencies, n=100)[98])
        await _drained(side, before + SUBMITS // 4)
        before = side.finished()
        begun = time.perf_counter()
        into.loaded_p50.append(statistics.median(await _load(side, client, SUBMITS)))
        submitted = time.perf_counter() - begun
        await _drained(side, before + SUBMITS)
        into.job_rate.append(SUBMITS / (time.perf_counter() - begun))
        into.submit_rate.append(SUBMITS / submitted)
        into.idle.extend([await _idle_start(side, client) for _ in range(IDLE_JOBS // ROUNDS)])


async def _load(side: Side, client: httpx.AsyncClient, count: int, *, at_once: int = CONCURRENCY) -> list[float]:
    latencies: list[float] = []
    left = iter(range(count))

    async def submitter() -> None:
        for _ in left:
            begun = time.perf_counter()
            answer = await client.post(side.url, json=side.body)
            answer.raise_for_status()
            latencies.append(time.perf_counter() - begun)

    await asyncio.gather(*(submitter() for _ in range(at_once)))
    return latencies


async def _drained(side: Side, count: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while side.finished() < count:
            await asyncio.sleep(0.05)


async def _idle_start(side: Side, client: httpx.AsyncClient) -> float:
    """Seconds from the request's leaving to the job's start, on machines whose clocks are one."""
    sent = time.time()
    answer = await client.post(side.url, json=side.body)
    job_id = answer.json()["id"]
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (started := side.started_at(job_id)) is None:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)  # let both sides come to rest: this measures the idle case
    return started - sent


def _client(side: Side) -> httpx.AsyncClient:
    return httpx.AsyncClient(headers=side.headers, timeout=30, limits=httpx.Limits(max_connections=CONCURRENCY))


def _table(measured: dict[str, Measured]) -> Table:
    (_, ours), *peers = measured.items()

    def row(name: str, pick: Callable[[Measured], list[float]], show: Callable[[float], str]) -> list[str]:
        mine = statistics.median(pick(ours))
        theirs = [statistics.median(pick(peer)) for _, peer in peers]
        return [name, show(mine), *(cell for value in theirs for cell in (show(value), ratio(mine, value)))]

    def rate(value: float) -> str:
        return f"{value:.0f}/s"

    note = (
        "One gateway process and two worker processes on each side, the same MongoDB and RabbitMQ, the sides in turn, "
        f"{ROUNDS} rounds, medians. Latency: {SUBMITS // 4} submits one after the other. Load and rates: {SUBMITS} "
        f"jobs a round, {CONCURRENCY} requests at a time, while the workers run them on the same cores. Reelwork's job "
        "is on disk, with its input checked against a schema, before it is accepted; the first peer publishes and "
        "forgets, the second stores a row for the job first, as a system does that lists its jobs."
    )
    return Table(
        title="Jobs that do nothing",
        note=note,
        columns=["", "Reelwork", *(cell for name, _ in peers for cell in (name, "ratio"))],
        rows=[
            row("submit latency, p50", lambda m: m.submit_p50, milliseconds),
            row("submit latency, p99", lambda m: m.submit_p99, milliseconds),
            row("submit latency under load, p50", lambda m: m.loaded_p50, milliseconds),
            row("submit rate", lambda m: m.submit_rate, rate),
            row("submitted and finished", lambda m: m.job_rate, rate),
            row("idle: submit to start, p50", lambda m: m.idle, milliseconds),
        ],
    )
