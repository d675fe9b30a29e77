"""The two stacks under test, on the same MongoDB, RabbitMQ and S3: ours, and the usual FastAPI with Celery."""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from gateway.account import new_key
from reelwork.domain.tier import Tier
from reelwork.store.accounts import Accounts
from reelwork.store.client import MongoOptions, open_database
from reelwork.store.indexes import ensure_indexes
from run.children import answers, gateway_process, worker_process
from run.servers import Mongod, RabbitMQ, SeaweedFS, Server
from run.servers.ports import free_port
from run.servers.process import Command
from testkit.stack import UNHURRIED

DATABASE = "bench"
PLAIN_DATABASE = "bench_plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stacks:
    """Where both answer, and the database that both use."""

    ours: str
    plain: str
    key: str
    mongo: MongoClient[dict[str, Any]]


@contextmanager
def running_stacks(folder: Path, *, concurrency: int) -> Iterator[Stacks]:
    """Both stacks, each with one gateway process and `concurrency` worker processes."""
    with ExitStack() as stack:
        mongod = stack.enter_context(Mongod(folder / "mongod"))
        rabbitmq = stack.enter_context(RabbitMQ(folder / "rabbitmq"))
        s3 = stack.enter_context(SeaweedFS(folder / "s3"))
        (folder / "scratch").mkdir()
        os.environ.update(
            {
                "PYTHONPATH": str(Path(__file__).resolve().parent.parent),
                "REELWORK_MONGO_URL": mongod.url,
                "REELWORK_MONGO_DATABASE": DATABASE,
                "REELWORK_BROKER_URL": rabbitmq.url,
                "REELWORK_S3_ENDPOINT_URL": s3.endpoint_url,
                "REELWORK_S3_ACCESS_KEY": s3.keys.name,
                "REELWORK_S3_SECRET_KEY": s3.keys.secret,
                "REELWORK_MODEL_MODULES": "testkit.models,bench.noop",
                "REELWORK_CONCURRENCY": str(concurrency),
                "REELWORK_LOG_LEVEL": "warning",
                "REELWORK_TIERS": UNHURRIED,
                "REELWORK_SCRATCH_DIRECTORY": str(folder / "scratch"),
                "PLAIN_BROKER_URL": rabbitmq.url,
                "PLAIN_BACKEND_URL": mongod.url.replace("/?", f"/{PLAIN_DATABASE}?"),
            }
        )
        key = asyncio.run(new_bench_key(mongod.url, DATABASE))
        for worker in (worker_process(folder / "worker.log"), _plain_worker(folder, concurrency)):
            stack.enter_context(worker)
        ours, plain = (_answering(stack, folder, make) for make in (_gateway, _plain_gateway))
        client = stack.enter_context(MongoClient[dict[str, Any]](mongod.url))
        yield Stacks(ours=ours, plain=plain, key=key, mongo=client)


def _answering(stack: ExitStack, folder: Path, make: Callable[[Path, int], Server]) -> str:
    """The address of a gateway that has just started. Its port is chosen at the last moment: nothing reserves it."""
    port = free_port()
    stack.enter_context(make(folder, port))
    return f"http://127.0.0.1:{port}"


def _gateway(folder: Path, port: int) -> Server:
    return gateway_process(port, folder / "gateway.log")


async def new_bench_key(url: str, name: str) -> str:
    """The key of a new enterprise account in this database."""
    async with open_database(MongoOptions(url=url, database=name)) as database:
        await ensure_indexes(database)
        return await new_key(Accounts(database), name="bench", tier=Tier.ENTERPRISE)


def _plain_worker(folder: Path, concurrency: int) -> Server:
    argv = (
        sys.executable,
        "-m",
        "celery",
        "-A",
        "bench.plain.tasks",
        "worker",
        "-c",
        str(concurrency),
        "-l",
        "WARNING",
    )
    return Server(name="plain-worker", command=Command(argv=argv), log=folder / "plain-worker.log", ready=lambda: True)


def _plain_gateway(folder: Path, port: int) -> Server:
    argv = (sys.executable, "-m", "uvicorn", "bench.plain.gateway:app", "--port", str(port), "--log-level", "warning")
    return Server(
        name="plain-gateway",
        command=Command(argv=argv),
        log=folder / "plain-gateway.log",
        ready=lambda: answers(f"http://127.0.0.1:{port}/openapi.json"),
    )
