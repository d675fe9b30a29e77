"""Numbered changes of what is stored, each done once, in order, by one process at a time.

A change is claimed by compare-and-set under a lease, and done when it is written down as done: whoever dies in between
is followed by another, so a change must be safe to begin again. Changes only go forward; an older program ignores what
it does not know.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from reelwork.store.client import Database, adapter
from reelwork.store.indexes import ensure_indexes
from reelwork.store.pipeline import NOW, later, literal

log = structlog.get_logger(__name__)

# Longer than the building of the largest index may take.
LEASE = timedelta(hours=1)
_LOOK_SECONDS = 0.2
_LONG_AGO = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """`run` may be begun again after it was broken off. Numbers begin with 1 and have no gaps."""

    number: int
    name: str
    run: Callable[[Database], Awaitable[None]]


MIGRATIONS: tuple[Migration, ...] = (Migration(number=1, name="indexes", run=ensure_indexes),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What is known of a change. `done_at` None: not yet."""

    number: int
    name: str
    done_at: datetime | None


@adapter
class Migrations:
    """The `migrations` collection: one document for each change that was begun."""

    def __init__(self, database: Database, known: Sequence[Migration] = MIGRATIONS) -> None:
        self._database = database
        self._migrations = database["migrations"]
        self._known = known

    async def status(self) -> list[Applied]:
        """All changes that this program knows, in their order."""
        done = {found["_id"]: found.get("done_at") async for found in self._migrations.find({})}
        return [Applied(number=one.number, name=one.name, done_at=done.get(one.number)) for one in self._known]

    async def up(self, holder: str) -> list[Applied]:
        """Do what is not done yet, or wait while somebody else does it; which were done by this call."""
        mine = []
        for migration in self._known:
            while not await self._is_done(migration):
                if not await self._claim(migration, holder):
                    await asyncio.sleep(_LOOK_SECONDS)
                    continue
                log.info("migration.begun", number=migration.number, name=migration.name)
                await migration.run(self._database)
                mine.append(await self._done(migration, holder))
        return mine

    async def _is_done(self, migration: Migration) -> bool:
        return await self._migrations.find_one({"_id": migration.number, "done_at": {"$type": "date"}}) is not None

    async def _claim(self, migration: Migration, holder: str) -> bool:
        """False while somebody else has it."""
        new = {"name": migration.name, "done_at": None, "lease_until": _LONG_AGO}
        with suppress(DuplicateKeyError):  # somebody else came to it at the same moment
            await self._migrations.update_one({"_id": migration.number}, {"$setOnInsert": new}, upsert=True)
        free = {"_id": migration.number, "done_at": None, "$expr": {"$lt": ["$lease_until", NOW]}}
        sets = {"holder": literal(holder), "lease_until": later(LEASE)}
        return bool((await self._migrations.update_one(free, [{"$set": sets}])).modified_count)

    async def _done(self, migration: Migration, holder: str) -> Applied:
        document = await self._migrations.find_one_and_update(
            {"_id": migration.number, "holder": holder},
            [{"$set": {"done_at": NOW, "lease_until": _LONG_AGO}}],
            return_document=ReturnDocument.AFTER,
        )
        log.info("migration.done", number=migration.number, name=migration.name)
        done_at = document["done_at"] if document is not None else None
        return Applied(number=migration.number, name=migration.name, done_at=done_at)
