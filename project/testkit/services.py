"""Real servers for tests: where they come from, and what a test may do with them.

A Docker engine that answers is used first (`REELWORK_TEST_DOCKER=0` says no), else the embedded servers of
`run.servers`. Where neither can be had a test is skipped, and fails instead when `CI=true`, so that no green run in CI
has silently left the servers out.
"""

import functools
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeVar

import pytest
from pymongo import MongoClient

from run.servers import Mongod, RabbitMQ, SeaweedFS, ServerMissing, Valkey
from run.servers.keys import Keys
from testkit.containers import EngineMissing, LocalStackContainer, MongoContainer, RabbitContainer, ValkeyContainer
from worker.workroom import own_folder

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  (folders in it have random names and are nobody else's)
_PLENTY_BYTES = 8 * 1024**3


class Service(Protocol):
    """A running server that a test may disturb. Its address outlives every one of these verbs, and so do its data."""

    def start(self) -> None:
        """Start and wait until ready; nothing if it runs."""

    def stop(self) -> None:
        """End it in order."""

    def kill(self) -> None:
        """End it as a crash would (SIGKILL)."""

    def restart(self) -> None:
        """Stop, then start."""

    def pause(self) -> None:
        """Freeze it: connections stay, nothing is answered."""

    def resume(self) -> None:
        """Let it go on."""


class UrlService(Service, Protocol):
    """MongoDB (`mongodb://…`, without a database), RabbitMQ (`amqp://user:password@…`) or Valkey (`redis://…`)."""

    @property
    def url(self) -> str:
        """Connection string."""


class S3Service(Service, Protocol):
    """An S3 that checks signatures."""

    keys: Keys
    region: str

    @property
    def endpoint_url(self) -> str:
        """Address; path-style."""

    def client(self) -> "S3Client":
        """Return a new boto3 client; the caller closes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A fresh, empty bucket and all that is needed to reach it."""

    name: str
    endpoint_url: str
    region: str
    access_key: str
    secret_key: str = field(repr=False)


S = TypeVar("S", bound=Service)


@contextmanager
def running_mongod() -> Iterator[UrlService]:
    """A MongoDB of one's own, primary of a one-node replica set, for the length of the context."""
    ways: tuple[Callable[[Path], UrlService], ...] = (MongoContainer, Mongod)
    with _running("MongoDB", ways) as server:
        yield server


@contextmanager
def running_rabbitmq() -> Iterator[UrlService]:
    """A RabbitMQ of one's own for the length of the context."""
    ways: tuple[Callable[[Path], UrlService], ...] = (RabbitContainer, RabbitMQ)
    with _running("RabbitMQ", ways) as server:
        yield server


@contextmanager
def running_valkey() -> Iterator[UrlService]:
    """A Valkey of one's own for the length of the context."""
    ways: tuple[Callable[[Path], UrlService], ...] = (ValkeyContainer, Valkey)
    with _running("Valkey", ways) as server:
        yield server


@contextmanager
def running_s3(*, durable: bool = False) -> Iterator[S3Service]:
    """An S3 of one's own for the length of the context; `durable` where objects must outlive a restart or a kill."""
    ways: list[Callable[[Path], S3Service]] = [LocalStackContainer, SeaweedFS]
    if durable:  # LocalStack keeps objects in memory
        ways.remove(LocalStackContainer)
    with _running("S3", ways) as server:
        yield server


@contextmanager
def _running(what: str, ways: Sequence[Callable[[Path], S]]) -> Iterator[S]:
    # Not pytest's tmp_path: it keeps the folders of three runs, and a database is too big for that. What a run that was
    # killed left, gigabytes of memory, the next one removes.
    with own_folder(_in_memory(), prefix="reelwork-test-") as folder:
        server = first_available(what, [functools.partial(way, folder) for way in ways])
        try:
            server.start()
            yield server
        finally:
            server.stop()


def _in_memory() -> Path | None:
    """Where there is room: tests need the servers' promises, not a disk that keeps them when the power fails."""
    try:
        free = shutil.disk_usage(_SHARED_MEMORY).free
    except OSError:
        return None
    return _SHARED_MEMORY if free >= _PLENTY_BYTES else None


def first_available(what: str, ways: Sequence[Callable[[], S]]) -> S:
    """Return what the first way that exists on this machine makes; skip the test (fail it in CI) if none does.

    Only absence moves on to the next way. A server that is there and does not start is an error, not a reason to skip.
    """
    reasons = []
    for way in ways:
        try:
            return way()
        except (ServerMissing, EngineMissing) as missing:
            reasons.append(str(missing))
    raise unavailable(what, reasons)


def unavailable(what: str, reasons: Sequence[str]) -> NoReturn:
    """Skip the running test, or fail it where CI=true; never returns."""
    told = f"{what} cannot be had: {'; '.join(reasons)}"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"{told} (CI=true: the servers are required)", pytrace=False)
    pytest.skip(told)


@contextmanager
def fresh_database(url: str) -> Iterator[str]:
    """The name of a database that does not exist yet; dropped at the end."""
    name = f"test_{secrets.token_hex(8)}"
    yield name
    with MongoClient[dict[str, Any]](url, serverSelectionTimeoutMS=10_000) as client:
        client.drop_database(name)


@contextmanager
def fresh_bucket(server: S3Service) -> Iterator[Bucket]:
    """A new bucket; removed at the end with all that is in it."""
    name = f"test-{secrets.token_hex(8)}"
    client = server.client()
    try:
        client.create_bucket(Bucket=name)
        yield Bucket(
            name=name,
            endpoint_url=server.endpoint_url,
            region=server.region,
            access_key=server.keys.name,
            secret_key=server.keys.secret,
        )
        _remove_bucket(client, name)
    finally:
        client.close()


def _remove_bucket(client: "S3Client", name: str) -> None:
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=name):
        for item in page.get("Contents", ()):
            client.delete_object(Bucket=name, Key=item["Key"])
    client.delete_bucket(Bucket=name)
