"""What is set on fire: real servers, gateways behind proxies, workers. Everything is a child of this process."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from chaos.model import NAME, RUNS
from chaos.points import Points
from gateway.account import give_credit, new_key
from reelwork.domain.account import parse_key
from reelwork.domain.ids import AccountId
from reelwork.domain.tier import Tier
from reelwork.store.accounts import Accounts
from reelwork.store.client import MongoOptions, open_database
from reelwork.store.indexes import ensure_indexes
from reelwork.store.stores import Stores
from run.children import answers
from run.servers import Mongod, RabbitMQ, SeaweedFS, Server
from run.servers.ports import free_port
from run.servers.process import Command
from testkit.faultproxy import FaultProxy

PROJECT = Path(__file__).resolve().parent.parent
DATABASE = "chaos"
BUCKET = "chaos"
# Every job counts in a quota, those that take time cost something, and nobody is ever refused for that. What costs
# nothing takes places that were set aside.
TIERS = json.dumps({tier: {"requests_per_minute": 10_000_000, "jobs_per_day": 10_000_000} for tier in Tier})
PRICES = json.dumps({NAME: {"amount": "0.01", "unit": "second", "by": ["seconds"]}})
CREDIT = 10**12  # in ten-thousandths of a dollar


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """`slots`: jobs at once of one worker. `staged_grace`: seconds after which the sweeper looks at outputs."""

    gateways: int = 2
    workers: int = 2
    slots: int = 2
    lease_seconds: float = 4.0
    staged_grace_seconds: float = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    id: AccountId
    key: str
    tier: Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A gateway process; clients reach it at `url`, through a proxy, as it reaches MongoDB and RabbitMQ."""

    server: Server
    url: str
    points: Points
    busy: asyncio.Lock


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    server: Server
    busy: asyncio.Lock


class Stand:
    """Made by `open`. A `busy` lock is held by whoever is doing something to that server."""

    def __init__(self, folder: Path, size: Size) -> None:
        self.folder = folder
        self.size = size
        self.mongod = Mongod(folder / "mongod")
        self.broker = RabbitMQ(folder / "rabbitmq")
        self.s3 = SeaweedFS(folder / "s3")
        self.mongod_busy, self.broker_busy, self.s3_busy = asyncio.Lock(), asyncio.Lock(), asyncio.Lock()
        self.gateways: list[Gateway] = []
        self.workers: list[Worker] = []
        self.accounts: dict[str, Account] = {}
        self.s3_proxy: FaultProxy
        self.runs = folder / "runs.jsonl"
        self.runs.touch()

    @classmethod
    @asynccontextmanager
    async def open(cls, folder: Path, size: Size, accounts: dict[str, Tier]) -> AsyncIterator[Self]:
        """Everything started, the models known, one account of each name; all gone at the end."""
        stand = cls(folder, size)
        async with AsyncExitStack() as stack:
            servers = (stand.mongod, stand.broker, stand.s3)
            stack.push_async_callback(_all, [server.stop for server in servers])
            await _all([server.start for server in servers])
            stand.s3_proxy = await stack.enter_async_context(FaultProxy.to(stand.s3.ports[0]))
            for name, tier in accounts.items():
                stand.accounts[name] = await stand._account(name, tier)
            for number in range(size.gateways):
                stand.gateways.append(await stack.enter_async_context(stand._gateway(number)))
            stand.workers = [
                Worker(server=stand._worker(number), busy=asyncio.Lock()) for number in range(size.workers)
            ]
            stack.push_async_callback(_all, [worker.server.kill for worker in stand.workers])
            await _all([worker.server.start for worker in stand.workers])
            yield stand

    async def _account(self, name: str, tier: Tier) -> Account:
        async with open_database(MongoOptions(url=self.mongod.url, database=DATABASE)) as database:
            await ensure_indexes(database)
            accounts = Accounts(database)
            key = await new_key(accounts, name=name, tier=tier)
            await give_credit(Stores.of(database), name, CREDIT)
            credentials = parse_key(key)
            stored = await accounts.key(credentials.key_id) if credentials else None
            assert stored is not None, "it was made a moment ago"
            return Account(id=stored.account_id, key=key, tier=tier)

    @asynccontextmanager
    async def _gateway(self, number: int) -> AsyncIterator[Gateway]:
        points, port = Points(), free_port()
        async with (
            FaultProxy.to(port, watch=points.on_client) as client,
            FaultProxy.to(self.mongod.port, watch=points.on_mongod) as mongod,
            FaultProxy.to(self.broker.port, watch=points.on_broker) as broker,
        ):
            server = self._process(
                f"gateway-{number}",
                ("-m", "gateway", "--port", str(port)),
                ready=f"http://127.0.0.1:{port}/healthz",
                # Else the driver would ask the replica set for its members, and go around the proxy.
                REELWORK_MONGO_URL=f"mongodb://127.0.0.1:{mongod.port}/?directConnection=true",
                REELWORK_BROKER_URL=self.broker.url.replace(f":{self.broker.port}/", f":{broker.port}/"),
            )
            try:
                await asyncio.to_thread(server.start)
                url = f"http://127.0.0.1:{client.port}"
                yield Gateway(server=server, url=url, points=points, busy=asyncio.Lock())
            finally:
                await asyncio.to_thread(server.stop)

    def _worker(self, number: int) -> Server:
        return self._process(f"worker-{number}", ("-m", "worker"), REELWORK_WORKER_NAME=f"worker-{number}")

    def _process(self, name: str, argv: Sequence[str], *, ready: str | None = None, **settings: str) -> Server:
        return Server(
            name=name,
            command=Command(argv=(sys.executable, *argv), env=self._environment() | settings, cwd=PROJECT),
            log=self.folder / f"{name}.log",
            ready=(lambda: answers(ready)) if ready else (lambda: True),
        )

    def _environment(self) -> dict[str, str]:
        plain = {name: value for name, value in os.environ.items() if not name.startswith("REELWORK_")}
        return plain | {
            "PYTHONPATH": str(PROJECT),
            "PYTHONUNBUFFERED": "1",
            RUNS: str(self.runs),
            "REELWORK_MONGO_URL": self.mongod.url,
            "REELWORK_MONGO_DATABASE": DATABASE,
            "REELWORK_BROKER_URL": self.broker.url,
            "REELWORK_S3_ENDPOINT_URL": f"http://127.0.0.1:{self.s3_proxy.port}",
            "REELWORK_S3_BUCKET": BUCKET,
            "REELWORK_S3_ACCESS_KEY": self.s3.keys.name,
            "REELWORK_S3_SECRET_KEY": self.s3.keys.secret,
            "REELWORK_TIERS": TIERS,
            "REELWORK_PRICES": PRICES,
            "REELWORK_LEASE_SECONDS": str(self.size.lease_seconds),
            "REELWORK_STAGED_GRACE_SECONDS": str(self.size.staged_grace_seconds),
            "REELWORK_CONCURRENCY": str(self.size.slots),
            "REELWORK_MODEL_MODULES": "chaos.model",
            # Killed workers leave their files to the next ones, and after the last of them nobody comes.
            "REELWORK_SCRATCH_DIRECTORY": str(self.folder / "scratch"),
        }


async def _all(actions: Sequence[Callable[[], None]]) -> None:
    """Blocking actions, all at once; the first error is raised when all are over."""
    outcomes = await asyncio.gather(*(asyncio.to_thread(action) for action in actions), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
