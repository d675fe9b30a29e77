"""One run: start everything, let jobs and faults loose on it, wait until it is quiet, and take down what there is."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx2 as httpx
import structlog
from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from chaos.checker import check
from chaos.clients import Clients, open_http
from chaos.history import Document, History, Run
from chaos.nemesis import Nemesis
from chaos.plan import make_plan
from chaos.report import Outcome
from chaos.stand import BUCKET, DATABASE, Size, Stand
from chaos.tape import Tape
from reelwork.domain.ids import lane_id
from reelwork.domain.job import TERMINAL
from reelwork.domain.tier import PLANS
from reelwork.runtime.tasks import running

log = structlog.get_logger(__name__)

BOOT_SECONDS = 90.0
DRAIN_SECONDS = 600.0  # then a job will not end any more
SETTLE_SECONDS = 60.0  # beyond the sweeper's grace
POLL_SECONDS = 0.25
POOL = "cpu"


async def run(*, seed: int, jobs: int, folder: Path, size: Size) -> Outcome:
    """A whole run, in a folder that is new; logs of all processes are in it afterwards.

    Raises ServerFailed if a server cannot be started (again).
    """
    plan = make_plan(seed, jobs=jobs, lease_seconds=size.lease_seconds)
    async with (
        Stand.open(folder, size, plan.accounts) as stand,
        AsyncMongoClient[Document](stand.mongod.url, tz_aware=True) as mongo,
        open_http() as http,
    ):
        tape, clients = Tape(mongo), Clients(stand, http)
        nemesis = Nemesis(stand, clients, plan.points)
        await _until(lambda: _knows_models(stand, http), BOOT_SECONDS)
        async with running(tape.record), running(tape.sample), running(nemesis.look_after):
            await tape.rolling.wait()
            begun = asyncio.get_running_loop().time()
            await asyncio.gather(clients.play(plan.jobs, begun), nemesis.strike(plan.faults, begun))
            storm, quiet_at = asyncio.get_running_loop().time() - begun, datetime.now(UTC)
            await _until(lambda: _all_ended(mongo), DRAIN_SECONDS)
            await _until(lambda: _settled(mongo), size.staged_grace_seconds + SETTLE_SECONDS)
            await _until(lambda: _taped(mongo, tape), SETTLE_SECONDS)
        history = await _history(stand, mongo, http, clients, tape)
    return Outcome(
        plan=plan,
        history=history,
        findings=check(history),
        inflicted=dict(nemesis.inflicted),
        fallen=nemesis.fallen.total(),
        storm_seconds=storm,
        quiet_at=quiet_at,
        slots=size.workers * size.slots,
    )


async def _until(condition: Callable[[], Awaitable[bool]], seconds: float) -> None:
    """Wait until it is so, or for as long as it may take: whether it is so is the checker's to say."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if await condition():
                return
        except (PyMongoError, httpx.HTTPError) as error:
            log.warning("chaos.not_yet", reason=type(error).__name__)
        await asyncio.sleep(POLL_SECONDS)
    log.warning("chaos.waited_in_vain", seconds=seconds)


async def _knows_models(stand: Stand, http: httpx.AsyncClient) -> bool:
    account = next(iter(stand.accounts.values()))
    answer = await http.get(f"{stand.gateways[0].url}/v1/models", headers={"X-API-Key": account.key})
    return bool(answer.json()["items"])


async def _all_ended(mongo: AsyncMongoClient[Document]) -> bool:
    ends = [status.value for status in TERMINAL]
    return await mongo[DATABASE]["jobs"].find_one({"status": {"$nin": ends}}) is None


async def _settled(mongo: AsyncMongoClient[Document]) -> bool:
    """No place is taken, no asset undecided, no bill unpaid."""
    database = mongo[DATABASE]
    left = {
        "lanes": {"slots": {"$ne": []}},
        "assets": {"state": {"$ne": "ready"}},
        "jobs": {"bill.due": True},
        "balances": {"$or": [{"reserved": {"$ne": 0}}, {"outbox": {"$ne": []}}, {"allotments": {"$ne": []}}]},
    }
    return not any([await database[name].find_one(where) for name, where in left.items()])


async def _taped(mongo: AsyncMongoClient[Document], tape: Tape) -> bool:
    """The tape has heard of as many changes as the jobs tell."""
    changed = tape.changed
    found = mongo[DATABASE]["jobs"].find({}, {"events.seq": 1})
    return all([changed[job["_id"]] >= len(job["events"]) async for job in found])


async def _history(
    stand: Stand,
    mongo: AsyncMongoClient[Document],
    http: httpx.AsyncClient,
    clients: Clients,
    tape: Tape,
) -> History:
    database = mongo[DATABASE]
    limits: dict[str, int] = {
        lane_id(POOL, account.id): PLANS[account.tier].concurrent_jobs for account in stand.accounts.values()
    }
    document = (await http.get(f"{stand.gateways[0].url}/openapi.json")).text
    return History(
        limits=limits,
        once="idempotency-key" in document.lower(),
        submissions=clients.submissions,
        cancels=clients.cancels,
        runs=_runs(stand.runs),
        changes=tape.changes,
        most_slots=dict(tape.most_slots),
        jobs=await database["jobs"].find().to_list(),
        assets=await database["assets"].find().to_list(),
        balances=await database["balances"].find().to_list(),
        ledger=await database["ledger"].find().to_list(),
        lanes=await database["lanes"].find().to_list(),
        objects=await asyncio.to_thread(_objects, stand),
    )


def _runs(file: Path) -> list[Run]:
    lines = map(json.loads, file.read_text().splitlines())
    return [Run(job=line["job"], at=line["at"]) for line in lines]


def _objects(stand: Stand) -> frozenset[str]:
    """Every key in the bucket, asked of S3 itself, not through the proxy."""
    client = stand.s3.client()
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    try:
        return frozenset(item["Key"] for page in pages for item in page.get("Contents", ()))
    finally:
        client.close()
