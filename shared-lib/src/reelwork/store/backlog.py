"""The backlog: what the reconciler asks of the `jobs` collection. Every question is bounded and served by an index."""

import inspect
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import structlog
from pydantic import ValidationError
from pymongo import ASCENDING

from reelwork.domain.ids import AccountId, JobId, LaneId
from reelwork.domain.job import RUNNING, WAITING, Job, JobError, Status
from reelwork.domain.worker import ModelOffered
from reelwork.store.client import Database, Document, adapter
from reelwork.store.jobs import JOB_CODEC
from reelwork.store.pipeline import NOW, literal, transition

log = structlog.get_logger(__name__)


# Of a job that waits; not its input, which may be large.
_TOLD_APART = dict.fromkeys(
    ("created_at", "queued_at", "due", "lane", "pool", "model", "model_version", "fallbacks"), 1
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A job that waits, by what may run it. `fallbacks`: names of models."""

    id: JobId
    lane: LaneId
    pool: str
    model: ModelOffered
    fallbacks: Sequence[str]


@adapter
class Backlog:
    """Lapsed leases, missed deadlines, due jobs, lanes with work."""

    def __init__(self, database: Database) -> None:
        self._jobs = database["jobs"]

    async def lapsed(self, now: datetime, *, limit: int) -> list[Job]:
        """Running jobs whose lease ended before `now` (database time), oldest first."""
        query = {"status": {"$in": list(RUNNING)}, "lease.expires_at": {"$lt": now}}
        cursor = self._jobs.find(query).sort("lease.expires_at", ASCENDING).limit(limit)
        return [job async for document in cursor if (job := _readable(document)) is not None]

    async def make_due(self, now: datetime, *, limit: int) -> int:
        """Let queued jobs whose `not_before` has come be claimed; how many there were."""
        waiting = {"status": Status.QUEUED, "not_before": {"$lte": now}, "due": False}
        found = [job["_id"] async for job in self._jobs.find(waiting, {"_id": 1}).limit(limit)]
        if not found:
            return 0
        released = await self._jobs.update_many(
            {"_id": {"$in": found}, **waiting}, {"$set": {"due": True}, "$inc": {"version": 1}}
        )
        return int(released.modified_count)

    async def expire(self, now: datetime, *, limit: int) -> list[Job]:
        """Let jobs end that have not started by their deadline; as they are afterwards. `now` is the database's."""
        late = {"status": {"$in": list(WAITING)}, "deadline_at": {"$lte": now, "$type": "date"}}
        found = [job["_id"] async for job in self._jobs.find(late, {"_id": 1}).limit(limit)]
        if not found:
            return []
        chosen: Document = {"_id": {"$in": found}}
        await self._jobs.update_many(chosen | late, transition(Status.EXPIRED, "job.expired", completed_at=NOW))
        expired = self._jobs.find(chosen | {"status": Status.EXPIRED})
        return [job async for document in expired if (job := _readable(document)) is not None]

    async def waiting_since(self, until: datetime, *, after: str, limit: int) -> tuple[list[Waiting], str]:
        """Claimable jobs that were queued before `until` (database time), of the first `limit` jobs with ids behind
        `after`; then where to go on, "" for from the beginning.

        Ids sort by when jobs were made, so that jobs which are too young end the search.
        """
        waiting: list[Waiting] = []
        looked_at, last = 0, ""
        query = {"status": Status.QUEUED, "_id": {"$gt": after}}
        async for document in self._jobs.find(query, _TOLD_APART).sort("_id", ASCENDING).limit(limit):
            if document["created_at"] > until:
                return waiting, ""
            looked_at, last = looked_at + 1, document["_id"]
            is_old = document.get("due") and document.get("queued_at") is not None and document["queued_at"] <= until
            if is_old and (job := _waiting(document)) is not None:
                waiting.append(job)
        return waiting, last if looked_at == limit else ""

    async def still_waiting(self, jobs: Sequence[JobId], until: datetime) -> list[Job]:
        """Those of these jobs that are claimable still, and were not queued anew since `until` (database time)."""
        query = {"_id": {"$in": list(jobs)}, "status": Status.QUEUED, "due": True, "queued_at": {"$lte": until}}
        return [job async for document in self._jobs.find(query) if (job := _readable(document)) is not None]

    async def fail_waiting(self, job: Job, error: JobError) -> bool:
        """queued -> failed without an attempt, if it waits as it was seen: nobody has claimed it or queued it anew."""
        recorded = asdict(error)
        update = transition(Status.FAILED, "job.failed", recorded=recorded, completed_at=NOW, error=literal(recorded))
        as_seen = {"status": Status.QUEUED, "attempt": job.attempt, "queued_at": job.queued_at}
        failed = await self._jobs.update_one({"_id": job.id} | as_seen, update)
        return bool(failed.modified_count)

    async def lanes_with_work(self, *, after: str, limit: int) -> list[tuple[LaneId, AccountId, str]]:
        """Lanes with claimable jobs, in id order from `after`, with their account and pool.

        One index seek each, all in one round trip: a plan of DISTINCT_SCAN, which also keeps them in order.
        """
        first_of_each: list[Document] = [
            {"$match": {"status": Status.QUEUED, "due": True, "lane": {"$gt": after}}},
            {"$sort": {"lane": ASCENDING}},
            {"$group": {"_id": "$lane", "account_id": {"$first": "$account_id"}, "pool": {"$first": "$pool"}}},
            {"$limit": limit},
        ]
        return [(job["_id"], job["account_id"], job["pool"]) for job in await self._aggregated(first_of_each)]

    async def count_claimable(self, lanes: Sequence[LaneId], *, limit: int) -> int:
        """How many jobs of these lanes could be claimed by anybody, counted up to `limit`."""
        return int(await self._jobs.count_documents(_claimable(lanes), limit=limit))

    async def count_runnable(
        self, lanes: Sequence[LaneId], *, by: Collection[ModelOffered], among: int, limit: int
    ) -> int:
        """How many of the first `among` claimable jobs of these lanes, in no particular order of the lanes, could be
        run by workers that have the models `by`; counted up to `limit`."""
        own = [{"model": model.name, "model_version": model.version} for model in by]
        runnable: Document = {"$or": [*own, {"fallbacks": {"$in": [model.name for model in by]}}]}
        counted: list[Document] = [
            {"$match": _claimable(lanes)},
            {"$limit": among},
            {"$match": runnable},
            {"$limit": limit},
            {"$count": "jobs"},
        ]
        return sum(group["jobs"] for group in await self._aggregated(counted))

    async def _aggregated(self, pipeline: list[Document]) -> list[Document]:
        cursor: Any = self._jobs.aggregate(pipeline)  # motor answers a cursor at once, pymongo is awaited
        documents = await cursor if inspect.isawaitable(cursor) else cursor
        return [document async for document in documents]

    async def running_slots(self, slots: Sequence[str]) -> set[str]:
        """Those of `slots` that a running job holds."""
        query = {"status": {"$in": list(RUNNING)}, "lease.slot": {"$in": list(slots)}}
        return {job["lease"]["slot"] async for job in self._jobs.find(query, {"lease.slot": 1})}


def _claimable(lanes: Sequence[LaneId]) -> Document:
    return {"status": Status.QUEUED, "due": True, "lane": {"$in": list(lanes)}}


def _waiting(document: Document) -> Waiting | None:
    try:
        return Waiting(
            id=document["_id"],
            lane=document["lane"],
            pool=document["pool"],
            model=ModelOffered(name=document["model"], version=document["model_version"]),
            fallbacks=document.get("fallbacks", ()),
        )
    except KeyError:  # as below
        log.exception("job.unreadable", job_id=document["_id"])
        return None


def _readable(document: Document) -> Job | None:
    """The job, or None for a document that this version cannot read: it must not stand in the way of others."""
    try:
        return JOB_CODEC.decode(document)
    except ValidationError:
        log.exception("job.unreadable", job_id=document["_id"])
        return None
