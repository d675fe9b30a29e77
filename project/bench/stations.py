"""One gateway of our own with the servers below it, for benches that look at the gateway's process itself."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.stacks import new_bench_key
from run.children import gateway_process
from run.servers import Mongod, RabbitMQ, SeaweedFS, Server
from run.servers.ports import free_port
from testkit.stack import UNHURRIED

DATABASE = "bench_station"


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """Where the gateway answers and as which process, and the servers that it works with."""

    url: str
    pid: int
    key: str
    mongo_url: str
    broker_url: str
    folder: Path


@contextmanager
def running_station(**settings: object) -> Iterator[Station]:
    """A gateway with these settings (`REELWORK_<NAME>`); no worker."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="reelwork-bench-", ignore_cleanup_errors=True)))
        mongod = stack.enter_context(Mongod(folder / "mongod"))
        rabbitmq = stack.enter_context(RabbitMQ(folder / "rabbitmq"))
        s3 = stack.enter_context(SeaweedFS(folder / "s3"))
        temporary = folder / "temporary"
        temporary.mkdir()
        fixed: dict[str, object] = {
            "mongo_url": mongod.url,
            "mongo_database": DATABASE,
            "broker_url": rabbitmq.url,
            "s3_endpoint_url": s3.endpoint_url,
            "s3_access_key": s3.keys.name,
            "s3_secret_key": s3.keys.secret,
            "log_level": "warning",
            "tiers": UNHURRIED,
        }
        chosen = {f"REELWORK_{name.upper()}": str(value) for name, value in (fixed | settings).items()}
        os.environ.update(chosen | {"TMPDIR": str(temporary)})
        key, port = asyncio.run(new_bench_key(mongod.url, DATABASE)), free_port()
        gateway: Server = stack.enter_context(gateway_process(port, folder / "gateway.log"))
        yield Station(
            url=f"http://127.0.0.1:{port}",
            pid=gateway.pid,
            key=key,
            mongo_url=mongod.url,
            broker_url=rabbitmq.url,
            folder=folder,
        )
