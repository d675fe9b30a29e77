"""A lane's queue as its owner sees it: who is ahead, and moving jobs about in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pymongo import ASCENDING, DESCENDING, ReturnDocument

from reelwork.domain.ids import JobId, LaneId
from reelwork.domain.job import Job, Priority, Status
from reelwork.store.client import Database, Document, adapter
from reelwork.store.jobs import JOB_CODEC
from reelwork.store.pipeline import NOW, Expression, literal

# Room is made by moving this many jobs at most.
MOST_SHIFTED = 10_000
# Whether due or not: both keep their place, and both can be read in the order of the index.
_WAITING: Document = {"status": Status.QUEUED, "due": {"$in": [True, False]}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a job stands in its lane: higher priorities first, then smaller orders."""

    priority: Priority
    order: float


@adapter
class Queue:
    """The waiting side of the `jobs` collection."""

    def __init__(self, database: Database) -> None:
        self._jobs = database["jobs"]

    async def ahead(self, lane: LaneId, place: Place) -> int:
        """How many claimable jobs of the lane come before this place: read off an index."""
        line: Document = {"status": Status.QUEUED, "due": True, "lane": lane}
        higher = await self._jobs.count_documents(line | {"priority": {"$gt": place.priority}})
        earlier = {"priority": place.priority, "order": {"$lt": place.order}}
        return int(higher + await self._jobs.count_documents(line | earlier))

    async def place(self, lane: LaneId, job: JobId) -> Place | None:
        """Where the job stands; None when it does not wait in this lane."""
        found = await self._jobs.find_one(
            {"_id": job, "lane": lane, "status": Status.QUEUED}, {"priority": 1, "order": 1}
        )
        return _place(found) if found is not None else None

    async def edge(self, lane: LaneId, *, first: bool, but: JobId, priority: Priority | None) -> Place | None:
        """The first or the last place of the queue, or of one priority in it, not counting `but`; None if empty."""
        query: Document = _WAITING | {"lane": lane, "_id": {"$ne": but}}
        if priority is not None:
            query["priority"] = priority
        directions = (DESCENDING, ASCENDING) if first else (ASCENDING, DESCENDING)
        order = list(zip(("priority", "order"), directions, strict=True))
        found = await self._jobs.find_one(query, {"priority": 1, "order": 1}, sort=order)
        return _place(found) if found is not None else None

    async def order_before(self, lane: LaneId, place: Place, *, but: JobId) -> float | None:
        """The order of whoever stands right in front of a place with its priority; None: nobody does."""
        query: Document = _WAITING | {"lane": lane, "priority": place.priority, "_id": {"$ne": but}}
        query["order"] = {"$lt": place.order}
        found = await self._jobs.find_one(query, {"order": 1}, sort=[("order", DESCENDING)])
        return float(found["order"]) if found is not None else None

    async def make_room(self, lane: LaneId, place: Place) -> bool:
        """Move all that stand in front of a place, with its priority, further to the front, by one each.

        Their order among themselves stays, also when several callers do it at once. False: there are too many.
        """
        query: Document = _WAITING | {"lane": lane, "priority": place.priority, "order": {"$lt": place.order}}
        if await self._jobs.count_documents(query, limit=MOST_SHIFTED + 1) > MOST_SHIFTED:
            return False
        await self._jobs.update_many(query, {"$inc": {"order": -1.0}})
        return True

    async def edit(self, job: Job, sets: Mapping[str, Expression]) -> Job | None:
        """Change a job, if it still is in the version and state that were read. The job afterwards, or None."""
        changed = await self._jobs.find_one_and_update(
            {"_id": job.id, "account_id": job.account_id, "version": job.version, "status": job.status},
            [{"$set": {**sets, "version": {"$add": ["$version", 1]}}}],
            return_document=ReturnDocument.AFTER,
        )
        return JOB_CODEC.decode(changed) if changed is not None else None


def not_before(moment: datetime | None) -> dict[str, Expression]:
    """What a job's earliest start means for it, by the database's clock."""
    return {"not_before": moment, "due": moment is None or {"$lte": [moment, NOW]}}


def labels(tags: tuple[str, ...] | None, metadata: Mapping[str, str] | None) -> dict[str, Expression]:
    """Tags and metadata that are to be set; None leaves what is there."""
    given = {"tags": None if tags is None else list(tags), "metadata": None if metadata is None else dict(metadata)}
    return {name: literal(value) for name, value in given.items() if value is not None}


def _place(document: Document) -> Place:
    return Place(priority=Priority(document["priority"]), order=document["order"])
