"""What keys, rates and quotas cost a submit: the same build with all of it and with none of it."""

import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2 as httpx

from bench.processes import cpu_seconds
from bench.tables import Table, milliseconds, ratio
from gateway.account import new_key
from reelwork.domain.account import parse_key
from reelwork.domain.ids import AccountId
from reelwork.domain.tier import Tier
from reelwork.store.accounts import Accounts
from reelwork.store.client import MongoOptions, open_database
from reelwork.store.indexes import ensure_indexes
from run.children import answers, worker_process
from run.servers import Mongod, RabbitMQ, SeaweedFS, Server, Valkey
from run.servers.ports import free_port
from run.servers.process import Command

DATABASE = "bench_accounts"
ROUNDS = 15
SUBMITS = 100
WARM_UP = 50
AT_ONCE = 16
PATIENCE_SECONDS = 120.0
BODY = {"model": "bench/nothing", "input": {"prompt": "x"}}
# Far away, but there: the pro account has its quota checked, the enterprise one has none.
TIERS = {
    "pro": {"requests_per_minute": 10_000_000, "jobs_per_day": 10_000_000, "concurrent_jobs": 100},
    "enterprise": {"requests_per_minute": 10_000_000},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """Where it answers, and as which process."""

    url: str
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One way to submit. Of each round, in seconds: `p50`, the same under load (`loaded`), and the processor's time
    that the gateway took for those one after the other (`cpu`)."""

    name: str
    gateway: Gateway
    key: str
    p50: list[float] = field(default_factory=list)
    loaded: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Keys:
    pro: str
    enterprise: str
    enterprise_id: AccountId


def measure() -> list[Table]:
    """About a minute. The sides take turns, so that a change of the machine's mood meets all."""
    with running_sides() as sides:
        for side in sides:
            _submit(side, WARM_UP)
        for turn in range(ROUNDS):
            for side in sides if turn % 2 == 0 else reversed(sides):
                before = cpu_seconds(side.gateway.pid)
                side.p50.append(statistics.median(_submit(side, SUBMITS)))
                side.cpu.append(cpu_seconds(side.gateway.pid) - before)
            for side in sides if turn % 2 == 0 else reversed(sides):
                side.loaded.append(statistics.median(asyncio.run(_load(side, SUBMITS))))
    return [_table(sides), _loaded_table(sides)]


@contextmanager
def running_sides() -> Iterator[Sequence[Side]]:
    """Three gateways on the same servers, without a worker: a submit alone is measured."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="reelwork-bench-", ignore_cleanup_errors=True)))
        mongod = stack.enter_context(Mongod(folder / "mongod"))
        rabbitmq = stack.enter_context(RabbitMQ(folder / "rabbitmq"))
        s3 = stack.enter_context(SeaweedFS(folder / "s3"))
        valkey = stack.enter_context(Valkey(folder / "valkey"))
        os.environ.update(
            {
                "PYTHONPATH": str(Path(__file__).resolve().parent.parent),
                "REELWORK_MONGO_URL": mongod.url,
                "REELWORK_MONGO_DATABASE": DATABASE,
                "REELWORK_BROKER_URL": rabbitmq.url,
                "REELWORK_S3_ENDPOINT_URL": s3.endpoint_url,
                "REELWORK_S3_ACCESS_KEY": s3.keys.name,
                "REELWORK_S3_SECRET_KEY": s3.keys.secret,
                "REELWORK_MODEL_MODULES": "bench.noop",
                "REELWORK_LOG_LEVEL": "warning",
                "REELWORK_TIERS": json.dumps(TIERS),
            }
        )
        keys = asyncio.run(_new_keys(mongod.url))
        bare = _gateway(stack, folder, "bench.bare", "--account", keys.enterprise_id)
        alone = _gateway(stack, folder, "gateway")
        os.environ["REELWORK_REDIS_URL"] = valkey.url
        shared = _gateway(stack, folder, "gateway")
        sides = (
            Side(name="without key, rate and quota", gateway=bare, key=""),
            Side(name="with key and rate in memory", gateway=alone, key=keys.enterprise),
            Side(name="with all, counted in memory", gateway=alone, key=keys.pro),
            Side(name="with all, counted in Valkey", gateway=shared, key=keys.pro),
        )
        with worker_process(folder / "worker.log"):
            asyncio.run(_accepted(sides))
        yield sides


def _gateway(stack: ExitStack, folder: Path, module: str, *arguments: str) -> Gateway:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = Command(argv=(sys.executable, "-m", module, "--port", str(port), *arguments))
    log = folder / f"gateway-{port}.log"
    server: Server = stack.enter_context(
        Server(name=module, command=command, log=log, ready=lambda: answers(f"{url}/healthz"))
    )
    return Gateway(url=url, pid=server.pid)


async def _new_keys(url: str) -> _Keys:
    async with open_database(MongoOptions(url=url, database=DATABASE)) as database:
        await ensure_indexes(database)
        accounts = Accounts(database)
        pro = await new_key(accounts, name="pro", tier=Tier.PRO)
        enterprise_key = await new_key(accounts, name="enterprise", tier=Tier.ENTERPRISE)
        credentials = parse_key(enterprise_key)
        assert credentials is not None
        enterprise = await accounts.key(credentials.key_id)
        assert enterprise is not None
        return _Keys(pro=pro, enterprise=enterprise_key, enterprise_id=enterprise.account_id)


async def _accepted(sides: Sequence[Side]) -> None:
    """Until each gateway knows the model; then no worker is needed any more."""
    async with asyncio.timeout(PATIENCE_SECONDS), httpx.AsyncClient(timeout=30) as client:
        for side in sides:
            while (
                await client.post(f"{side.gateway.url}/v1/jobs", json=BODY, headers=_headers(side))
            ).status_code != 202:
                await asyncio.sleep(0.2)


def _submit(side: Side, count: int) -> list[float]:
    """Seconds of each of so many submits, one after the other."""
    seconds = []
    with httpx.Client(base_url=side.gateway.url, headers=_headers(side), timeout=30) as client:
        for _ in range(count):
            begun = time.perf_counter()
            client.post("/v1/jobs", json=BODY).raise_for_status()
            seconds.append(time.perf_counter() - begun)
    return seconds


async def _load(side: Side, count: int) -> list[float]:
    """Seconds of each of so many submits, `AT_ONCE` at once."""
    seconds: list[float] = []
    left = iter(range(count))

    async def one_after_the_other(client: httpx.AsyncClient) -> None:
        for _ in left:
            begun = time.perf_counter()
            (await client.post("/v1/jobs", json=BODY)).raise_for_status()
            seconds.append(time.perf_counter() - begun)

    async with httpx.AsyncClient(base_url=side.gateway.url, headers=_headers(side), timeout=30) as client:
        await asyncio.gather(*(one_after_the_other(client) for _ in range(AT_ONCE)))
    return seconds


def _headers(side: Side) -> dict[str, str]:
    return {"X-API-Key": side.key} if side.key else {}


def _table(sides: Sequence[Side]) -> Table:
    """Ratios are taken within a round, and their median told: what a moment does to all sides cancels out."""
    bare = sides[0]
    rows = [
        (
            side.name,
            milliseconds(statistics.median(side.p50)),
            _median_ratio(side.p50, bare.p50),
            milliseconds(sum(side.cpu) / (ROUNDS * SUBMITS)),
            ratio(sum(side.cpu), sum(bare.cpu)),
        )
        for side in sides
    ]
    return Table(
        title="What accounts cost a submit",
        note=f"Gateways of one build on the same MongoDB and RabbitMQ, no worker, in turn, {ROUNDS} rounds of "
        f"{SUBMITS} submits one after the other: p50 of a round, median of the rounds; ratio: median of the rounds' "
        "ratios. The CPU of a gateway is what its process took, divided by the submits. Without: nobody is asked for a "
        "key, nothing is counted (`bench/bare.py`). With all: a key, a rate, and the daily quota of the tier pro; the "
        "tier enterprise has no quota.",
        columns=("submit", "p50", "to without", "the gateway's CPU", "to without"),
        rows=rows,
    )


def _loaded_table(sides: Sequence[Side]) -> Table:
    bare = sides[0]
    rows = [
        (side.name, milliseconds(statistics.median(side.loaded)), _median_ratio(side.loaded, bare.loaded))
        for side in sides
    ]
    return Table(
        title="What accounts cost a submit under load",
        note=f"The same gateways and rounds, {AT_ONCE} submits at once: those of one account share their writes.",
        columns=("submit", "p50", "to without"),
        rows=rows,
    )


def _median_ratio(mine: Sequence[float], theirs: Sequence[float]) -> str:
    return ratio(statistics.median(one / other for one, other in zip(mine, theirs, strict=True)), 1)
