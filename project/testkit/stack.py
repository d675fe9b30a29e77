"""A whole Reelwork for tests: gateway and workers as real processes, on a database and a bucket of their own.

    with running_stack(Servers(mongo_url=..., s3=...)) as stack:                  # gateway and worker in one process
    with running_stack(Servers(mongo_url=..., s3=..., amqp_url=...)) as stack:    # processes of their own, on RabbitMQ

`testkit.models` is among the models, so a test can have jobs that take their time, fail or crash.
"""

import asyncio
import itertools
import json
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx2 as httpx
from pymongo import MongoClient

from gateway.account import give_credit
from reelwork.domain.account import OWNERS_SCOPES, Scope
from reelwork.domain.asset import Purpose
from reelwork.domain.money import ten_thousandths
from reelwork.domain.tier import Tier
from reelwork.runtime.settings import INPROCESS
from reelwork.store.accounts import Accounts
from reelwork.store.client import Database, MongoOptions, open_database
from reelwork.store.stores import Stores
from run.servers.ports import free_port
from run.servers.process import Command, Server
from testkit.books import check_books, read_books
from testkit.caller import Caller
from testkit.issuing import key_for
from testkit.services import Bucket, S3Service, fresh_bucket, fresh_database
from testkit.waiting import until
from testkit.witness import Witness
from worker.workroom import own_folder

T = TypeVar("T")

PROJECT = Path(__file__).resolve().parent.parent
LEASE_SECONDS = 3.0
# Tests ask faster than people do; what they say about rates they say with other numbers.
UNHURRIED = json.dumps({tier: {"requests_per_minute": 10_000_000} for tier in Tier})
_HOST = (
    "import os, sys; from reelwork.runtime.logging import configure_logging;"
    "from run.inprocess import serve_in_process;"
    "configure_logging(style='json', level=os.environ.get('REELWORK_LOG_LEVEL', 'info'));"
    "serve_in_process(port=int(sys.argv[1]))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """What a stack stands on. Without `amqp_url` gateway and worker share one process."""

    mongo_url: str
    s3: S3Service
    amqp_url: str | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """Everything that outlives a request: ids of jobs and assets, keys of objects."""

    jobs: frozenset[str]
    assets: frozenset[str]
    objects: frozenset[str]


class Stack:
    """Made by `running_stack`. `owner` calls with the key of an enterprise account."""

    owner: Caller
    witness: Witness

    def __init__(
        self,
        servers: Servers,
        database: str,
        bucket: Bucket,
        folder: Path,
        *,
        packages: Path | None = None,
        **settings: object,
    ) -> None:
        self._servers = servers
        self._bucket = bucket
        self.folder = folder  # logs and scratch
        self._database = database
        self._settings = settings
        self._packages = packages
        self._callers: list[Caller] = []
        self._numbers = itertools.count()
        self.scratch = folder / "scratch"
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.workers: list[Server] = []
        self.gateway = self._gateway("gateway", self.port)
        self.more_gateways: list[Server] = []

    @property
    def is_distributed(self) -> bool:
        """Whether gateway and workers are processes of their own."""
        return self._servers.amqp_url is not None

    @property
    def broker_prefix(self) -> str:
        """What the names of its exchanges and queues begin with."""
        return f"{self._database}."

    def start(self, *, workers: int) -> None:
        """Start everything; ready means that the gateway answers and knows the models."""
        self.gateway.start()
        self.witness = Witness(self.base_url)
        self.owner = self.caller("owner")
        for _ in range(workers if self.is_distributed else 0):
            self.start_worker()
        if workers:
            until(self._knows_models)

    def stop(self) -> None:
        """Stop everything that still runs; callers are closed."""
        for caller in self._callers:
            caller.http.close()
        for worker in self.workers:
            worker.kill()  # it may be in the middle of a job that nobody waits for
        for gateway in (self.gateway, *self.more_gateways):
            gateway.stop()

    def start_worker(self, *, concurrency: int = 1, **settings: object) -> Server:
        """One more worker process; what it misses while it starts waits in the queue."""
        chosen = {f"REELWORK_{name.upper()}": str(value) for name, value in settings.items()}
        name = f"worker-{next(self._numbers)}"
        worker = self._process(name, ("-m", "worker"), REELWORK_CONCURRENCY=str(concurrency), **chosen)
        worker.start()
        self.workers.append(worker)
        return worker

    def start_gateway(self) -> str:
        """One more gateway process beside the first, and its address."""
        port = free_port()
        gateway = self._gateway(f"gateway-{port}", port)
        gateway.start()
        self.more_gateways.append(gateway)
        return f"http://127.0.0.1:{port}"

    def caller(self, name: str, *, tier: Tier = Tier.ENTERPRISE, scopes: frozenset[Scope] = OWNERS_SCOPES) -> Caller:
        """A caller with a new key for the account of this name, which is made if it is not there."""
        key = self.on_database(lambda database: key_for(Accounts(database), name, tier, scopes))
        return self.with_key(key)

    def credit(self, name: str, dollars: str) -> None:
        """Add credit to the account of this name, as `python -m gateway.account grant` does."""
        self.on_database(lambda database: give_credit(Stores.of(database), name, ten_thousandths(dollars)))

    def check_books(self, *, settled: bool = False) -> None:
        """Balances are the sums of their entries; `settled`: nothing is under way any more. See `testkit.books`."""

        async def check(database: Database) -> None:
            check_books(await read_books(database), settled=settled)

        self.on_database(check)

    def with_key(self, key: str | None) -> Caller:
        """A caller with this very key, or with none."""
        caller = Caller(self.base_url, key, self.witness)
        self._callers.append(caller)
        return caller

    @contextmanager
    def documents(self) -> Iterator[Any]:
        """The database itself, for looking at what is stored. `Any`: pymongo's synchronous database."""
        with MongoClient[dict[str, Any]](self._servers.mongo_url, tz_aware=True) as client:
            yield client[self._database]

    def on_database(self, work: Callable[[Database], Awaitable[T]]) -> T:
        """What our own stores say or do, on the stack's database."""

        async def run() -> T:
            options = MongoOptions(url=self._servers.mongo_url, database=self._database)
            async with open_database(options) as database:
                return await work(database)

        return in_own_loop(run())

    def stored(self) -> Stored:
        """What is there now."""
        with self.documents() as database:
            jobs = frozenset(str(found["_id"]) for found in database["jobs"].find({}, {"_id": 1}))
            assets = frozenset(str(found["_id"]) for found in database["assets"].find({}, {"_id": 1}))
        return Stored(jobs, assets, frozenset(self._object_keys()))

    def added_since(self, before: Stored) -> set[str]:
        """What somebody brought meanwhile: without what jobs made, since those of earlier tests may still be at it."""
        now = self.stored()
        with self.documents() as database:
            made = {str(found["_id"]) for found in database["assets"].find({"purpose": Purpose.OUTPUT}, {"_id": 1})}
        objects = {key for key in now.objects - before.objects if "/jobs/" not in key}
        return {*(now.jobs - before.jobs), *(now.assets - before.assets - made), *objects}

    def logs(self) -> str:
        """All that its processes have said so far."""
        return "".join(server.log.read_text() for server in (self.gateway, *self.workers))

    def remove_object(self, key: str) -> None:
        """Take an object away behind Reelwork's back."""
        client = self._servers.s3.client()
        client.delete_object(Bucket=self._bucket.name, Key=key)
        client.close()

    def _knows_models(self) -> bool:
        """All of them: workers publish their cards one after the other."""
        names = [item["name"] for item in self.owner.http.get("/v1/models").json()["items"]]
        return "testkit/noop" in names

    def _object_keys(self) -> Iterator[str]:
        client = self._servers.s3.client()
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket.name):
            yield from (item["Key"] for item in page.get("Contents", ()))
        client.close()

    def _gateway(self, name: str, port: int) -> Server:
        argv = ("-m", "gateway", "--port") if self.is_distributed else ("-c", _HOST)
        return self._process(name, (*argv, str(port)), ready=f"http://127.0.0.1:{port}/healthz")

    def _process(self, name: str, argv: tuple[str, ...], *, ready: str | None = None, **settings: str) -> Server:
        return Server(
            name=name,
            command=Command(argv=(sys.executable, *argv), env=self._environment() | settings, cwd=PROJECT),
            log=self.folder / f"{name}.log",
            ready=(lambda: _answers(ready)) if ready else (lambda: True),
        )

    def _environment(self) -> dict[str, str]:
        """Ours without any setting of Reelwork, and the stack's settings; children find `run` and `testkit`."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith("REELWORK_")}
        fixed = {
            "mongo_url": self._servers.mongo_url,
            "mongo_database": self._database,
            "broker_url": self._servers.amqp_url or INPROCESS,
            "broker_prefix": self.broker_prefix,
            "s3_endpoint_url": self._bucket.endpoint_url,
            "s3_region": self._bucket.region,
            "s3_bucket": self._bucket.name,
            "s3_access_key": self._bucket.access_key,
            "s3_secret_key": self._bucket.secret_key,
            "lease_seconds": LEASE_SECONDS,
            "model_modules": "testkit.models",
            "scratch_directory": self.scratch,
            "tiers": UNHURRIED,
            "failed_logins_per_minute": 10_000_000,  # all tests come from one address
            "drain_seconds": 2,  # nobody waits for what still runs at a test's end
            "browser_executable": "/nowhere",  # stories of web pages start a worker of their own, which has one
        }
        chosen = {f"REELWORK_{name.upper()}": str(value) for name, value in (fixed | self._settings).items()}
        path = os.pathsep.join(str(folder) for folder in (PROJECT, self._packages) if folder is not None)
        return plain | chosen | {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}


@contextmanager
def running_stack(
    servers: Servers, *, workers: int = 1, packages: Path | None = None, **settings: object
) -> Iterator[Stack]:
    """A stack for the length of the context, with `REELWORK_<NAME>` settings as keywords.

    `packages`: a folder of more installed packages than those of the tests.

    A failure inside shows the ends of the processes' logs, in a note on the error.
    """
    with (
        fresh_database(servers.mongo_url) as database,
        fresh_bucket(servers.s3) as bucket,
        own_folder(None, prefix="reelwork-stack-") as folder,
    ):
        stack = Stack(servers, database, bucket, folder, packages=packages, **settings)
        try:
            stack.start(workers=workers)
            yield stack
        finally:
            stack.stop()


def in_own_loop(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine, run beside whatever loop the test itself may be on."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, work).result()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1).status_code == 200
    except httpx.HTTPError:
        return False
