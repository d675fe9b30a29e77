"""All servers together on one data folder, as `make run` and `make services` want them."""

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reelwork.runtime.settings import INPROCESS
from run.servers.mongod import Mongod
from run.servers.process import Server, ServerError, ServerMissing
from run.servers.rabbitmq import RabbitMQ
from run.servers.seaweedfs import SeaweedFS


class FolderInUse(ServerError):
    """Another process runs its servers on this data folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The running servers; `rabbitmq` is None where the machine has none, and tickets then stay in the process."""

    mongod: Mongod
    s3: SeaweedFS
    rabbitmq: RabbitMQ | None

    @property
    def servers(self) -> tuple[Server, ...]:
        """All that run."""
        return tuple(server for server in (self.mongod, self.s3, self.rabbitmq) if server is not None)

    def environment(self) -> dict[str, str]:
        """Return the settings that make gateway and worker use these servers; secrets among them."""
        return {
            "REELWORK_MONGO_URL": self.mongod.url,
            "REELWORK_BROKER_URL": self.rabbitmq.url if self.rabbitmq else INPROCESS,
            "REELWORK_S3_ENDPOINT_URL": self.s3.endpoint_url,
            "REELWORK_S3_REGION": self.s3.region,
            "REELWORK_S3_ACCESS_KEY": self.s3.keys.name,
            "REELWORK_S3_SECRET_KEY": self.s3.keys.secret,
        }

    def fallen(self) -> Server | None:
        """Return a server that has ended by itself, None while all run."""
        return next((server for server in self.servers if not server.running), None)


@contextmanager
def running(folder: Path, *, with_rabbitmq: bool = True, on_start: Callable[[], None] | None = None) -> Iterator[Stack]:
    """All servers, ready, for the length of the context; their data stay in `folder`.

    `on_start` is called once the folder is ours, before the first server starts.

    Raises FolderInUse, ServerMissing (mongod or SeaweedFS; a missing RabbitMQ is no error) and ServerFailed, each with
    nothing left running.
    """
    with _held(folder):
        if on_start is not None:
            on_start()
        stack = Stack(
            mongod=Mongod(folder / "mongod"),
            s3=SeaweedFS(folder / "s3"),
            rabbitmq=_rabbitmq(folder / "rabbitmq") if with_rabbitmq else None,
        )
        try:
            _all_at_once([server.start for server in stack.servers])
            yield stack
        finally:
            _all_at_once([server.stop for server in stack.servers])


def _rabbitmq(folder: Path) -> RabbitMQ | None:
    try:
        return RabbitMQ(folder)
    except ServerMissing:
        return None


def _all_at_once(actions: Sequence[Callable[[], None]]) -> None:
    """Do all, wait for all, then raise the first error if any."""
    with ThreadPoolExecutor(max_workers=len(actions)) as pool:
        outcomes = [pool.submit(action) for action in actions]
    for outcome in outcomes:
        outcome.result()


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            holder = lock.read().strip() or "?"
            raise FolderInUse(
                f"Process {holder} already runs its servers on {folder}; stop it with Ctrl-C where it runs"
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
