"""Numbered changes of what is stored, each done once, in order, by one process at a time.

A change is claimed by compare-and-set under a lease that is renewed while it runs, and done when it is written down as
done: whoever dies in between is followed by another, so a change must be safe to begin again. Changes only go forward;
an older program ignores what it does not know.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError, PyMongoError

from reelwork.store.client import Database, adapter
from reelwork.store.indexes import ensure_indexes
from reelwork.store.pipeline import NOW, later, literal

log = structlog.get_logger(__name__)

# So long others wait for one that was killed, and so long MongoDB may be away.
LEASE = timedelta(seconds=30)
RENEWALS = 3
_LOOK_SECONDS = 0.2
_LONG_AGO = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """`run` may be begun again after it was broken off. Numbers begin with 1 and have no gaps.

    `repeated`: each program does it at its start, however often it was done, since a newer one may do more. Done
    before, it costs little, and does no harm beside others.
    """

    number: int
    name: str
    run: Callable[[Database], Awaitable[None]]
    repeated: bool = False


MIGRATIONS: tuple[Migration, ...] = (Migration(number=1, name="indexes", run=ensure_indexes, repeated=True),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What is known of a change. `done_at` None: not yet."""

    number: int
    name: str
    done_at: datetime | None


@adapter
class Migrations:
    """The `migrations` collection: one document for each change that was begun."""

    def __init__(
        self,
        database: Database,
        known: Sequence[Migration] = MIGRATIONS,
        *,
        lease: timedelta = LEASE,
        renewals: int = RENEWALS,
    ) -> None:
        """`renewals`: how often within its length a lease is renewed."""
        self._database = database
        self._migrations = database["migrations"]
        self._known = known
        self._lease = lease
        self._pause_seconds = lease.total_seconds() / renewals

    async def status(self) -> list[Applied]:
        """All changes that this program knows, in their order."""
        done = {found["_id"]: found.get("done_at") async for found in self._migrations.find({})}
        return [Applied(number=one.number, name=one.name, done_at=done.get(one.number)) for one in self._known]

    async def up(self, holder: str) -> list[Applied]:
        """Do what is not done yet, or wait while somebody else does it; which were done by this call.

        `holder` tells this call from every other.
        """
        mine = []
        for migration in self._known:
            applied = await self._ensured(migration, holder)
            if applied is not None:
                mine.append(applied)
            elif migration.repeated:
                await migration.run(self._database)
        return mine

    async def _ensured(self, migration: Migration, holder: str) -> Applied | None:
        """Return when it is done; None: by somebody else, now or before."""
        waits = False
        while not await self._is_done(migration):
            if await self._claim(migration, holder):
                applied = await self._carried_out(migration, holder)
                if applied is not None:
                    return applied
            elif not waits:
                waits = True
                log.info("migration.waiting", number=migration.number, name=migration.name)
            await asyncio.sleep(_LOOK_SECONDS)
        return None

    async def _carried_out(self, migration: Migration, holder: str) -> Applied | None:
        """Run it while its lease is renewed, and let go of the lease however it ends. None: the lease was lost."""
        log.info("migration.begun", number=migration.number, name=migration.name)
        change = asyncio.ensure_future(migration.run(self._database))
        renewal = asyncio.create_task(self._renew(migration, holder))
        try:
            await asyncio.wait({change, renewal}, return_when=asyncio.FIRST_COMPLETED)
            if not change.done():
                log.warning("migration.lost", number=migration.number, name=migration.name)
                return None
            await change
            return await self._done(migration, holder)
        finally:
            for task in (change, renewal):
                task.cancel()
            await asyncio.gather(change, renewal, return_exceptions=True)
            await self._release(migration, holder)

    async def _renew(self, migration: Migration, holder: str) -> None:
        """Until the lease is somebody else's."""
        held = {"_id": migration.number, "holder": holder, "done_at": None}
        while True:
            await asyncio.sleep(self._pause_seconds)
            try:
                renewed = await self._migrations.update_one(held, [{"$set": {"lease_until": later(self._lease)}}])
            except PyMongoError as error:  # the lease goes on for the next tries
                log.warning("migration.not_renewed", number=migration.number, reason=type(error).__name__)
                continue
            if not renewed.matched_count:
                return

    async def _release(self, migration: Migration, holder: str) -> None:
        """Let others begin at once with what was not done; nothing where it was, or is somebody else's."""
        held = {"_id": migration.number, "holder": holder, "done_at": None}
        with suppress(PyMongoError):  # then the lease ends by itself
            await self._migrations.update_one(held, {"$set": {"lease_until": _LONG_AGO}})

    async def _is_done(self, migration: Migration) -> bool:
        return await self._migrations.find_one({"_id": migration.number, "done_at": {"$type": "date"}}) is not None

    async def _claim(self, migration: Migration, holder: str) -> bool:
        """False while somebody else has it."""
        new = {"name": migration.name, "done_at": None, "lease_until": _LONG_AGO}
        with suppress(DuplicateKeyError):  # somebody else came to it at the same moment
            await self._migrations.update_one({"_id": migration.number}, {"$setOnInsert": new}, upsert=True)
        free = {"_id": migration.number, "done_at": None, "$expr": {"$lt": ["$lease_until", NOW]}}
        sets = {"holder": literal(holder), "lease_until": later(self._lease)}
        return bool((await self._migrations.update_one(free, [{"$set": sets}])).modified_count)

    async def _done(self, migration: Migration, holder: str) -> Applied | None:
        """Write it down; None where somebody else has it by now, who does it once more."""
        document = await self._migrations.find_one_and_update(
            {"_id": migration.number, "holder": holder},
            [{"$set": {"done_at": NOW, "lease_until": _LONG_AGO}}],
            return_document=ReturnDocument.AFTER,
        )
        if document is None:
            return None
        log.info("migration.done", number=migration.number, name=migration.name)
        return Applied(number=migration.number, name=migration.name, done_at=document["done_at"])
