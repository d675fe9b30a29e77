"""Jobs as their owners see them: submit, read, cancel. Running them is `attempts.py`, repair is `backlog.py`."""

from collections.abc import Sequence
from dataclasses import dataclass

from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument

from reelwork.domain.ids import AccountId, JobId
from reelwork.domain.job import Job, Status
from reelwork.store.client import Database, Document, adapter
from reelwork.store.codec import Codec
from reelwork.store.pipeline import NOW, literal, transition

JOB_CODEC = Codec(Job)
_NEWEST_FIRST = [("_id", DESCENDING)]  # ids sort by creation time


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    statuses: Sequence[Status] = ()
    model: str | None = None
    tag: str | None = None


@adapter
class Jobs:
    """The `jobs` collection."""

    # Partial ones: most jobs have ended, and what has ended is in no queue and costs none of these a write.
    INDEXES = (
        # The status is in the key, where it is the same for all, because MongoDB 6 finds the distinct lanes by seeks
        # only in an index that answers the whole question: see `Backlog.lanes_with_work`.
        IndexModel(
            [
                ("status", ASCENDING),
                ("due", ASCENDING),
                ("lane", ASCENDING),
                ("priority", DESCENDING),
                ("order", ASCENDING),
            ],
            name="queue",
            partialFilterExpression={"status": Status.QUEUED.value},
        ),
        IndexModel(
            [("lease.expires_at", ASCENDING)],
            name="leases",
            partialFilterExpression={"lease.expires_at": {"$exists": True}},
        ),
        IndexModel([("not_before", ASCENDING)], name="waiting", partialFilterExpression={"due": False}),
        IndexModel(
            [("lease.slot", ASCENDING)],
            name="slots",
            partialFilterExpression={"lease.slot": {"$exists": True}},
        ),
        IndexModel([("account_id", ASCENDING), ("_id", DESCENDING)], name="newest"),
        IndexModel([("account_id", ASCENDING), ("status", ASCENDING), ("_id", DESCENDING)], name="newest_by_status"),
    )

    def __init__(self, database: Database) -> None:
        self._jobs = database["jobs"]

    async def get(self, account: AccountId, job: JobId) -> Job | None:
        """The account's job; None for unknown ids and for other accounts' ids alike."""
        document = await self._jobs.find_one({"_id": job, "account_id": account})
        return JOB_CODEC.decode(document) if document is not None else None

    async def versions(self, jobs: Sequence[JobId]) -> dict[JobId, int]:
        """How often each of these jobs has changed, whoever's they are; without those that do not exist."""
        cursor = self._jobs.find({"_id": {"$in": list(jobs)}}, {"version": 1})
        return {job["_id"]: job["version"] async for job in cursor}

    async def page(self, account: AccountId, where: JobFilter, *, before: JobId | None, limit: int) -> list[Job]:
        """Up to `limit` jobs, newest first, older than `before`."""
        query: Document = {"account_id": account}
        if before is not None:
            query["_id"] = {"$lt": before}
        if where.statuses:
            query["status"] = {"$in": list(where.statuses)}
        if where.model is not None:
            query["model"] = where.model
        if where.tag is not None:
            query["tags"] = where.tag
        cursor = self._jobs.find(query).sort(_NEWEST_FIRST).limit(limit)
        return [JOB_CODEC.decode(document) async for document in cursor]

    async def insert(self, *jobs: Job) -> None:
        """Store new jobs in one write; when this returns they are durable (majority and journal)."""
        documents = [JOB_CODEC.encode(job) | {"due": job.not_before is None} for job in jobs]
        if len(documents) == 1:
            await self._jobs.insert_one(documents[0])
        else:
            await self._jobs.insert_many(documents, ordered=False)

    async def cancel_waiting(self, account: AccountId, job: JobId, *, by: str) -> Job | None:
        """pending or queued -> cancelled: it will never run. None when it is in neither state."""
        update = transition(
            Status.CANCELLED,
            "job.cancelled",
            completed_at=NOW,
            cancel={"requested_at": NOW, "by": literal(by), "confirmed_at": NOW},
        )
        return await self._find_and_move(account, job, {Status.PENDING, Status.QUEUED}, update)

    async def cancel_running(self, account: AccountId, job: JobId, *, by: str) -> Job | None:
        """processing -> cancelling: the worker is told at its next heartbeat. None when it is not processing."""
        update = transition(
            Status.CANCELLING,
            "job.cancelling",
            cancel={"requested_at": NOW, "by": literal(by), "confirmed_at": None},
        )
        return await self._find_and_move(account, job, {Status.PROCESSING}, update)

    async def _find_and_move(
        self, account: AccountId, job: JobId, sources: set[Status], update: list[Document]
    ) -> Job | None:
        document = await self._jobs.find_one_and_update(
            {"_id": job, "account_id": account, "status": {"$in": list(sources)}},
            update,
            return_document=ReturnDocument.AFTER,
        )
        return JOB_CODEC.decode(document) if document is not None else None
