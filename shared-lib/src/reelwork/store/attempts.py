"""Attempts: the fenced compare-and-sets of a running job. Whoever lost the fence can change nothing."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta

from pymongo import ASCENDING, DESCENDING, ReturnDocument

from reelwork.domain.ids import JobId, LaneId
from reelwork.domain.job import RUNNING, Job, JobError, Output, Progress, Status
from reelwork.store.client import Database, Document, adapter
from reelwork.store.jobs import JOB_CODEC
from reelwork.store.pipeline import NOW, Expression, later, literal, transition


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """The fence of one attempt: whoever does not hold it can change nothing."""

    job: JobId
    attempt: int
    slot: str


@adapter
class Attempts:
    """The running side of the `jobs` collection."""

    def __init__(self, database: Database) -> None:
        self._jobs = database["jobs"]

    async def take(self, lane: LaneId, *, worker: str, slot: str, lease: timedelta) -> Job | None:
        """Move the lane's first queued job to processing, with a lease. None when nothing is queued."""
        number: Expression = {"$add": ["$attempt", 1]}
        attempt = {
            "n": number,
            "worker": literal(worker),
            "started_at": NOW,
            "ended_at": None,
            "outcome": None,
            "error": None,
        }
        update = transition(
            Status.PROCESSING,
            "job.processing",
            of_attempt=number,
            attempt=number,
            started_at=NOW,
            lease={"worker": literal(worker), "slot": slot, "expires_at": later(lease)},
            progress=literal(asdict(Progress())),
            attempts={"$concatArrays": ["$attempts", [attempt]]},
        )
        document = await self._jobs.find_one_and_update(
            {"lane": lane, "status": Status.QUEUED, "due": True},
            update,
            sort=[("priority", DESCENDING), ("order", ASCENDING)],
            return_document=ReturnDocument.AFTER,
        )
        return JOB_CODEC.decode(document) if document is not None else None

    async def put_back(self, claimed: Claimed) -> bool:
        """Undo a claim that never ran: the attempt does not count."""
        update = transition(
            Status.QUEUED,
            "job.queued",
            of_attempt={"$subtract": ["$attempt", 1]},
            attempt={"$subtract": ["$attempt", 1]},
            lease=None,
            started_at=None,
            attempts={"$filter": {"input": "$attempts", "cond": {"$ne": ["$$this.n", "$attempt"]}}},
        )
        return await self._move(claimed, {Status.PROCESSING}, update)

    async def renew(self, claimed: Claimed, *, lease: timedelta, progress: Progress | None) -> Status | None:
        """Extend the lease, report progress. The answer is the job's status; None when the lease was lost."""
        sets: Document = {"lease.expires_at": later(lease)}
        if progress is not None:
            sets["progress"] = literal(asdict(progress) | {"updated_at": None})
            sets["version"] = {"$add": ["$version", 1]}
        stages: list[Document] = [{"$set": sets}]
        if progress is not None:
            stages.append({"$set": {"progress.updated_at": NOW}})
        document = await self._jobs.find_one_and_update(
            _held(claimed, RUNNING), stages, projection={"status": 1}, return_document=ReturnDocument.AFTER
        )
        return Status(document["status"]) if document is not None else None

    async def complete(self, claimed: Claimed, outputs: Sequence[Output]) -> bool:
        """processing -> completed. False when the attempt is no longer ours, or a cancel came first."""
        update = transition(
            Status.COMPLETED,
            "job.completed",
            **_ended("completed", None),
            outputs=literal([asdict(output) for output in outputs]),
            error=None,
        )
        update.append({"$set": {"progress.fraction": 1.0}})
        return await self._move(claimed, {Status.PROCESSING}, update)

    async def fail(self, claimed: Claimed, error: JobError, *, lapsed: bool = False) -> bool:
        """processing or cancelling -> failed, for good. `lapsed`: only if the lease has run out."""
        recorded = asdict(error)
        update = transition(
            Status.FAILED, "job.failed", recorded=recorded, **_ended("failed", recorded), error=literal(recorded)
        )
        return await self._move(claimed, RUNNING, update, lapsed=lapsed)

    async def retry(self, claimed: Claimed, error: JobError, *, delay: timedelta, lapsed: bool = False) -> bool:
        """processing -> queued for another attempt, claimable after `delay` of database time."""
        recorded = asdict(error)
        update = transition(
            Status.QUEUED,
            "job.retrying",
            recorded=recorded,
            **_left("failed" if not lapsed else "lost", recorded),
            queued_at=NOW,
            error=literal(recorded),
            due=not delay,
            not_before=later(delay) if delay else None,
        )
        return await self._move(claimed, {Status.PROCESSING}, update, lapsed=lapsed)

    async def confirm_cancel(self, claimed: Claimed, *, lapsed: bool = False) -> bool:
        """cancelling -> cancelled, by the worker that stopped, or after its lease ran out."""
        update = transition(Status.CANCELLED, "job.cancelled", **_ended("cancelled", None))
        update.append({"$set": {"cancel.confirmed_at": NOW}})
        return await self._move(claimed, {Status.CANCELLING}, update, lapsed=lapsed)

    async def _move(
        self,
        claimed: Claimed,
        sources: set[Status] | frozenset[Status],
        update: list[Document],
        *,
        lapsed: bool = False,
    ) -> bool:
        query = _held(claimed, sources)
        if lapsed:
            query["$expr"] = {"$lt": ["$lease.expires_at", NOW]}
        moved = await self._jobs.update_one(query, update)
        return bool(moved.modified_count)


def _held(claimed: Claimed, statuses: set[Status] | frozenset[Status]) -> Document:
    return {
        "_id": claimed.job,
        "attempt": claimed.attempt,
        "lease.slot": claimed.slot,
        "status": {"$in": list(statuses)},
    }


def _left(outcome: str, error: Document | None) -> Document:
    """What every way out of a running attempt sets: the lease ends, the attempt is closed."""
    closed = {"ended_at": NOW, "outcome": literal(outcome), "error": literal(error)}
    return {
        "lease": None,
        "attempts": {
            "$map": {
                "input": "$attempts",
                "in": {"$cond": [{"$eq": ["$$this.n", "$attempt"]}, {"$mergeObjects": ["$$this", closed]}, "$$this"]},
            }
        },
    }


def _ended(outcome: str, error: Document | None) -> Document:
    return _left(outcome, error) | {"completed_at": NOW}
