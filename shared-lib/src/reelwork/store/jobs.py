"""Jobs as their owners see them: submit, read, cancel. Running them is `attempts.py`, repair is `backlog.py`."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta

from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument
from pymongo.errors import BulkWriteError, DuplicateKeyError

from reelwork.domain.ids import AccountId, JobId
from reelwork.domain.job import TERMINAL, WAITING, Bill, Job, Progress, Status, sources_of
from reelwork.store.client import Database, Document, adapter, duplicates
from reelwork.store.codec import Codec
from reelwork.store.job_filter import HAS_DATA, JobFilter, matching
from reelwork.store.pipeline import NOW, Expression, later, literal, transition, with_call

JOB_CODEC = Codec(Job)
NEWEST_FIRST = [("_id", DESCENDING)]  # ids sort by creation time
# Events after which a job is not queued again by its owner: with the attempts beside them far below MongoDB's 16 MB.
LONGEST_HISTORY = 1000
MAY_BE_REQUEUED: Document = HAS_DATA | {f"events.{LONGEST_HISTORY}": {"$exists": False}, "bill.due": {"$ne": True}}
# Attempts that a job has in one round: until it is first queued again by its owner, and each time after that. What it
# may reach in all, less what it had reached when the present round began, as its history tells.
_ROUNDS: Expression = {"$filter": {"input": "$events", "cond": {"$eq": ["$$this.type", "job.retried"]}}}
_BEFORE_ROUND: Expression = {"$ifNull": [{"$last": {"$map": {"input": _ROUNDS, "in": "$$this.attempt"}}}, 0]}
_ALLOWANCE: Expression = {"$subtract": ["$max_attempts", _BEFORE_ROUND]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebilled:
    """What is reserved for a job that runs again, instead of its `last` bill; None where it costs or cost nothing."""

    bill: Bill | None
    last: Bill | None


async def numbered(database: Database, query: Document, *, skip: int, limit: int, most: int) -> tuple[list[Job], int]:
    """Up to `limit` jobs behind the `skip` newest, and how many there are in all, or `most` where that is fewer."""
    jobs = database["jobs"]
    cursor = jobs.find(query).sort(NEWEST_FIRST).skip(skip).limit(limit)
    return [JOB_CODEC.decode(one) async for one in cursor], int(await jobs.count_documents(query, limit=most))


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
        IndexModel(
            [("status", ASCENDING), ("deadline_at", ASCENDING)],
            name="deadlines",
            partialFilterExpression={"deadline_at": {"$type": "date"}},
        ),
        IndexModel([("account_id", ASCENDING), ("_id", DESCENDING)], name="newest"),
        # One for a batch's pages (by id) and its counts (answered by the index alone).
        IndexModel(
            [("batch_id", ASCENDING), ("_id", DESCENDING), ("status", ASCENDING), ("completed_at", ASCENDING)],
            name="batch",
            partialFilterExpression={"batch_id": {"$gt": ""}},
        ),
        IndexModel([("account_id", ASCENDING), ("status", ASCENDING), ("_id", DESCENDING)], name="newest_by_status"),
        IndexModel([("status", ASCENDING), ("_id", DESCENDING)], name="everybodys_by_status"),  # for operators
        IndexModel(
            [("account_id", ASCENDING), ("cache_key", ASCENDING), ("completed_at", DESCENDING)],
            name="answers",
            partialFilterExpression={"status": Status.COMPLETED.value, "cache_key": {"$gt": ""}},
        ),
    )

    def __init__(self, database: Database) -> None:
        self._database = database
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
        query = matching(account, where)
        query = {"$and": [query, {"_id": {"$lt": before}}]} if before is not None else query
        cursor = self._jobs.find(query).sort(NEWEST_FIRST).limit(limit)
        return [JOB_CODEC.decode(document) async for document in cursor]

    async def numbered(
        self, account: AccountId, where: JobFilter, *, skip: int, limit: int, most: int
    ) -> tuple[list[Job], int]:
        """Up to `limit` jobs behind the `skip` newest, and how many there are in all, or `most` where that is fewer."""
        return await numbered(self._database, matching(account, where), skip=skip, limit=limit, most=most)

    async def answer(self, account: AccountId, cache_key: str) -> Job | None:
        """The account's job with this key that was completed last, with its outputs; None when there is none."""
        query = {"account_id": account, "cache_key": cache_key, "status": Status.COMPLETED}
        document = await self._jobs.find_one(query, sort=[("completed_at", DESCENDING)])
        return JOB_CODEC.decode(document) if document is not None else None

    async def insert(self, *jobs: Job) -> frozenset[JobId]:
        """Store new jobs in one write; when this returns they are durable (majority and journal).

        The answer names those that were there already: they stay as they are, and the others are stored.
        """
        documents = [_document(job) for job in jobs]
        try:
            if len(documents) == 1:
                await self._jobs.insert_one(documents[0])
            else:
                await self._jobs.insert_many(documents, ordered=False)
        except DuplicateKeyError:
            return frozenset({jobs[0].id})
        except BulkWriteError as error:
            return frozenset(jobs[place].id for place in duplicates(error))
        return frozenset()

    async def cancel_waiting(self, account: AccountId, job: JobId, *, by: str) -> Job | None:
        """pending or queued -> cancelled: it will never run. None when it is in neither state."""
        return await self._find_and_move(account, job, WAITING, cancelling_waiting(by))

    async def cancel_running(self, account: AccountId, job: JobId, *, by: str) -> Job | None:
        """processing -> cancelling: the worker is told at its next heartbeat. None when it is not processing."""
        return await self._find_and_move(account, job, {Status.PROCESSING}, cancelling_running(by))

    async def requeue(
        self,
        account: AccountId,
        job: JobId,
        *,
        mark: str | None,
        deadline: timedelta | None,
        rebilled: Rebilled | None = None,
    ) -> Job | None:
        """failed, cancelled or expired -> queued, as if it were new: behind the others, with as many attempts again.

        `deadline`: from now; None for none, whatever it had before. `mark` names the request that does this, see
        `requeued_by`. None when it is in no such state, its data were removed, its history is full, or its last bill
        is not settled, or not the one that is `rebilled`.
        """
        sources = sources_of(Status.QUEUED) & TERMINAL
        if rebilled is None:
            return await self._find_and_move(account, job, sources, requeuing(mark, deadline), MAY_BE_REQUEUED)
        bills = [asdict(rebilled.bill)] if rebilled.bill is not None else None
        last: Document = {"bill.hold": rebilled.last.hold if rebilled.last is not None else None}
        update = requeuing(mark, deadline, bills=bills)
        return await self._find_and_move(account, job, sources, update, MAY_BE_REQUEUED | last)

    async def requeued_by(self, account: AccountId, job: JobId, mark: str) -> Job | None:
        """The job as it is now, if it was this request that last queued it again."""
        document = await self._jobs.find_one({"_id": job, "account_id": account, "retried_by": mark})
        return JOB_CODEC.decode(document) if document is not None else None

    async def _find_and_move(
        self,
        account: AccountId,
        job: JobId,
        sources: Collection[Status],
        update: list[Document],
        also: Document | None = None,
    ) -> Job | None:
        document = await self._jobs.find_one_and_update(
            {"_id": job, "account_id": account, "status": {"$in": list(sources)}, **(also or {})},
            update,
            return_document=ReturnDocument.AFTER,
        )
        return JOB_CODEC.decode(document) if document is not None else None


def _document(job: Job) -> Document:
    marks = {"uncounted": True} | ({"untold": True} if job.hooked else {})
    return JOB_CODEC.encode(job) | {"due": job.not_before is None} | marks


def cancelling_waiting(by: str) -> list[Document]:
    """The update pending, queued -> cancelled."""
    return transition(
        Status.CANCELLED,
        "job.cancelled",
        completed_at=NOW,
        cancel={"requested_at": NOW, "by": literal(by), "confirmed_at": NOW},
    )


def cancelling_running(by: str) -> list[Document]:
    """The update processing -> cancelling. A job that waits for a provider is looked at now, to stop that one."""
    waits = {"$eq": [{"$type": "$remote.due_at"}, "date"]}
    return transition(
        Status.CANCELLING,
        "job.cancelling",
        cancel={"requested_at": NOW, "by": literal(by), "confirmed_at": None},
        remote=with_call(due_at={"$cond": [waits, NOW, None]}),
    )


def requeuing(
    mark: str | None,
    deadline: timedelta | None,
    *,
    number: Expression = 0,
    bills: Sequence[Document | None] | None = None,
) -> list[Document]:
    """The update failed, cancelled, expired -> queued, for jobs that `MAY_BE_REQUEUED`. `number`: which one it is of
    those that one write changes, below 1000; they stand in line by it, and have their new bills by it."""
    new_bill = {"$ifNull": [{"$arrayElemAt": [literal(bills), number]}, "$bill"]}
    return transition(
        Status.QUEUED,
        "job.retried",
        max_attempts={"$add": ["$attempt", _ALLOWANCE]},
        queued_at=NOW,
        order={"$add": [{"$divide": [{"$toLong": NOW}, 1000]}, {"$divide": [number, 1_000_000]}]},
        due=True,
        not_before=None,
        deadline_at=later(deadline) if deadline is not None else None,
        started_at=None,
        completed_at=None,
        error=None,
        cancel=None,
        progress=literal(asdict(Progress())),
        retried_by=literal(mark),
        **({"bill": new_bill} if bills is not None else {}),
    )
