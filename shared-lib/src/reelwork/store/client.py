"""Opening MongoDB, and what every store shares. The only place that knows which driver is in use."""

import functools
import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, ParamSpec, TypeVar, cast

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    ExecutionTimeout,
    PyMongoError,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
    WriteConcernError,
)

from reelwork.domain.errors import StoreUnavailable
from reelwork.tls import TlsFiles

Document = dict[str, Any]  # BSON: its shape is each store's own knowledge
Database = AsyncDatabase[Document]
Driver = Literal["pymongo", "motor"]

P = ParamSpec("P")
T = TypeVar("T")
C = TypeVar("C", bound=type)

_UNREACHABLE = (
    ConnectionFailure,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
    ExecutionTimeout,
    WriteConcernError,  # a server that shuts down does not say whether the write is there
    BulkWriteError,  # compare-and-sets fail only by a server that goes away; inserts tell apart what was there
)


_DUPLICATE_KEY = 11000  # MongoDB's code
# A machine that slept shows it here: its wall clock goes on, its steady clock does not.
_JUMP_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MongoOptions:
    """`operation_timeout_seconds` bounds every single operation, its retry included."""

    url: str
    database: str
    driver: Driver = "pymongo"
    operation_timeout_seconds: float = 3.0
    pool_size: int = 50
    tls: TlsFiles = field(default_factory=TlsFiles)


@asynccontextmanager
async def open_database(options: MongoOptions) -> AsyncIterator[Database]:
    """The database, for the running event loop only; closed at the end. Connects lazily."""
    client = _client(options)
    try:
        yield client[options.database]
    finally:
        closing = client.close()
        if inspect.isawaitable(closing):  # motor closes at once, pymongo has to be awaited
            await closing


def _client(options: MongoOptions) -> AsyncMongoClient[Document]:
    arguments: dict[str, Any] = {  # driver options: their types are the driver's
        "w": "majority",
        "journal": True,
        "retryWrites": True,
        "readConcernLevel": "majority",
        "tz_aware": True,
        "serverSelectionTimeoutMS": 2000,
        "timeoutMS": int(options.operation_timeout_seconds * 1000),
        "maxPoolSize": options.pool_size,
        "maxConnecting": 16,  # the default of 2 costs 280 ms at the 99th percentile while the pool grows
        **options.tls.of_mongo(options.url),
    }
    if options.driver == "motor":
        from motor.motor_asyncio import AsyncIOMotorClient  # noqa: PLC0415  (an extra: imported only when chosen)

        # Motor's client answers to the same calls; the store suite runs on both.
        return cast("AsyncMongoClient[Document]", AsyncIOMotorClient(options.url, **arguments))
    return AsyncMongoClient(options.url, **arguments)


async def ping(database: Database) -> None:
    """One round trip. Raises StoreUnavailable."""
    try:
        await database.command("ping")
    except PyMongoError as error:
        raise unavailable(error) from error


async def server_time(database: Database) -> datetime:
    """The database's clock, for choosing candidates by an index; decisions use `$$NOW` in the update itself."""
    try:
        answer = await database.command("hello")
    except PyMongoError as error:
        raise unavailable(error) from error
    return cast("datetime", answer["localTime"]).replace(tzinfo=UTC)


class DatabaseClock:
    """The database's time, asked for rarely and counted on in between; our own wall clock decides nothing."""

    def __init__(self, database: Database, *, good_for_seconds: float = 10.0) -> None:
        self._database = database
        self._good_for = good_for_seconds
        self._read: tuple[datetime, float, float] | None = None

    async def now(self) -> datetime:
        """Off by one round trip at most. Raises StoreUnavailable."""
        if self._read is not None:
            then, ticked, shown = self._read
            ran, jumped = time.monotonic() - ticked, time.time() - shown
            if ran < self._good_for and abs(jumped - ran) < _JUMP_SECONDS:
                return then + timedelta(seconds=ran)
        asked = time.monotonic()
        then = await server_time(self._database)
        self._read = then, asked, time.time() - (time.monotonic() - asked)
        return then + timedelta(seconds=time.monotonic() - asked)


def unavailable(error: PyMongoError) -> StoreUnavailable:
    return StoreUnavailable(
        f"MongoDB did not answer ({type(error).__name__}).",
        hint="Nothing was changed that you were not told of. Try again in a moment.",
        retry_after_seconds=2,
    )


def duplicates(error: BulkWriteError) -> list[int]:
    """The places of those documents that were there already. Raises the error again if anything else went wrong."""
    details = error.details or {}
    faults = details.get("writeErrors", [])
    if not faults or details.get("writeConcernErrors") or any(fault["code"] != _DUPLICATE_KEY for fault in faults):
        raise error
    return [fault["index"] for fault in faults]


def adapter(cls: C) -> C:
    """Class decorator: every public coroutine of a store raises StoreUnavailable when MongoDB cannot be reached."""
    for name, member in vars(cls).items():
        if inspect.iscoroutinefunction(member) and not name.startswith("_"):
            setattr(cls, name, _translated(member))
    return cls


def _translated(method: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    @functools.wraps(method)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await method(*args, **kwargs)
        except _UNREACHABLE as error:
            raise unavailable(error) from error

    return call
