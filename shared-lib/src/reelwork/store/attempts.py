"""Attempts: the fenced compare-and-sets of a running job. Whoever lost the fence can change nothing."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta

from pymongo import ASCENDING, DESCENDING, ReturnDocument, UpdateOne

from reelwork.domain.ids import JobId, LaneId
from reelwork.domain.job import RUNNING, Job, JobError, Output, Progress, Status
from reelwork.domain.route import Lacked
from reelwork.store.client import Database, Document, adapter
from reelwork.store.jobs import JOB_CODEC
from reelwork.store.pipeline import NOW, Expression, in_time, later, literal, transition, with_call

COMPLETED = "completed"
# How often jobs are chosen anew after others took them; then one is taken in a single step, which cannot be raced.
_RACES = 2
# A provider was asked in the present attempt, or is about to be.
ASKED: Document = {"$expr": {"$eq": [{"$ifNull": ["$remote.attempt", 0]}, "$attempt"]}}
_QUEUE_ORDER = [("priority", DESCENDING), ("order", ASCENDING)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """The fence of one attempt, and of one turn in it: whoever does not hold it can change nothing."""

    job: JobId
    attempt: int
    slot: str
    turn: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Jobs of a lane that are ours now. `emptied`: nothing else was queued in it when they were chosen."""

    jobs: list[Job]
    emptied: bool


@adapter
class Attempts:
    """The running side of the `jobs` collection."""

    def __init__(self, database: Database) -> None:
        self._jobs = database["jobs"]

    async def take(
        self,
        lane: LaneId,
        *,
        worker: str,
        slots: Sequence[str],
        lease: timedelta,
        lacking: Collection[Lacked] = (),
        only: JobId | None = None,
    ) -> Taken:
        """Move the lane's first queued jobs (or `only` this one) to processing, one for each slot, with a lease each.

        Fewer when fewer are queued or others take them first; none only if nothing is queued. In the order of the
        queue. Jobs of models that the worker is `lacking` are passed over, unless it has one that may stand in: they
        stay for another worker.
        """
        claimable = _claimable(lane, lacking) | ({"_id": only} if only else {})
        taken = await self._take(claimable, worker=worker, slots=slots, lease=lease)
        if taken.emptied and lacking and await self._jobs.find_one(_claimable(lane), {"_id": 1}) is not None:
            return replace(taken, emptied=False)
        return taken

    async def _take(self, claimable: Document, *, worker: str, slots: Sequence[str], lease: timedelta) -> Taken:
        if len(slots) > 1:
            for _ in range(_RACES):
                taken = await self._take_many(claimable, worker=worker, slots=slots, lease=lease)
                if taken is not None:
                    return taken
        job = await self._jobs.find_one_and_update(
            claimable,
            _taking(worker, slots[0], lease),
            sort=_QUEUE_ORDER,
            return_document=ReturnDocument.AFTER,
        )
        return Taken(jobs=[JOB_CODEC.decode(job)] if job is not None else [], emptied=job is None)

    async def _take_many(
        self, claimable: Document, *, worker: str, slots: Sequence[str], lease: timedelta
    ) -> Taken | None:
        """Choose, then take by compare-and-set whatever is still queued, then read what we got.

        None when others took all that was chosen: that says nothing about what else is queued.
        """
        chosen = self._jobs.find(claimable, {"_id": 1}).sort(_QUEUE_ORDER).limit(len(slots))
        ids = [job["_id"] async for job in chosen]
        if not ids:
            return Taken(jobs=[], emptied=True)
        slot: Expression = {"$arrayElemAt": [list(slots), {"$indexOfArray": [ids, "$_id"]}]}
        taken = await self._jobs.update_many({"_id": {"$in": ids}, **claimable}, _taking(worker, slot, lease))
        if not taken.modified_count:
            return None
        ours = {"_id": {"$in": ids}, "lease.slot": {"$in": list(slots)}}
        jobs = [JOB_CODEC.decode(job) async for job in self._jobs.find(ours).sort(_QUEUE_ORDER)]
        # Whoever took some of the chosen ones says so too: only one of both may stop there for it.
        return Taken(jobs=jobs, emptied=len(jobs) == len(ids) < len(slots))

    async def put_back(self, claimed: Claimed, *, why: JobError | None = None) -> bool:
        """Undo a claim that never ran: the attempt does not count. False also once a provider was asked in it.
        `why`: what its owner is told meanwhile."""
        update = transition(
            Status.QUEUED,
            "job.queued",
            of_attempt={"$subtract": ["$attempt", 1]},
            attempt={"$subtract": ["$attempt", 1]},
            lease=None,
            started_at=None,
            progress=literal(asdict(Progress())),
            **({"error": literal(asdict(why))} if why is not None else {}),
            attempts={"$filter": {"input": "$attempts", "cond": {"$ne": ["$$this.n", "$attempt"]}}},
        )
        return await self._move(claimed, {Status.PROCESSING}, update, also={"$nor": [ASKED]})

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
            held(claimed, RUNNING), stages, projection={"status": 1}, return_document=ReturnDocument.AFTER
        )
        return Status(document["status"]) if document is not None else None

    async def complete(self, claimed: Claimed, outputs: Sequence[Output]) -> bool:
        """processing -> completed. False when the attempt is no longer ours, or a cancel came first."""
        return await self._move(claimed, {Status.PROCESSING}, _completing(outputs))

    async def complete_many(self, done: Sequence[tuple[Claimed, Sequence[Output]]]) -> set[JobId]:
        """The same for several attempts in one round trip; which of them are completed, by these very attempts."""
        updates = [UpdateOne(held(claimed, {Status.PROCESSING}), _completing(outputs)) for claimed, outputs in done]
        result = await self._jobs.bulk_write(updates, ordered=False)
        if result.modified_count == len(done):
            return {claimed.job for claimed, _ in done}
        return {claimed.job for claimed, _ in done if await self.outcome(claimed) == COMPLETED}

    async def outcome(self, claimed: Claimed) -> str | None:
        """How this very attempt ended (`completed`, `failed`, `cancelled`, `lost`); None while it has not.

        For a worker that did not hear whether its ending was written.
        """
        mine = {"attempts": {"$elemMatch": {"n": claimed.attempt, "slot": claimed.slot, "turn": _turn(claimed)}}}
        job = await self._jobs.find_one({"_id": claimed.job, **mine}, mine)
        outcome: str | None = job["attempts"][0]["outcome"] if job is not None else None
        return outcome

    async def fail(
        self, claimed: Claimed, error: JobError, *, lapsed: bool = False, too_late_for: timedelta | None = None
    ) -> bool:
        """processing -> failed, for good. False when a cancel came first.

        `lapsed`: only if the lease has run out; `too_late_for`: only if the deadline comes before such a delay is over.
        """
        recorded = asdict(error)
        ended = _ended("failed" if not lapsed else "lost", recorded)
        update = transition(Status.FAILED, "job.failed", recorded=recorded, **ended, error=literal(recorded))
        also = {"$nor": [in_time(too_late_for)]} if too_late_for is not None else None
        return await self._move(claimed, {Status.PROCESSING}, update, lapsed=lapsed, also=also)

    async def retry(self, claimed: Claimed, error: JobError, *, delay: timedelta, lapsed: bool = False) -> bool:
        """processing -> queued for another attempt, claimable after `delay` of database time.

        False also when the job's deadline comes first.
        """
        recorded = asdict(error)
        update = transition(
            Status.QUEUED,
            "job.retrying",
            recorded=recorded,
            **_left("failed" if not lapsed else "lost", recorded),
            queued_at=NOW,
            error=literal(recorded),
            progress=literal(asdict(Progress())),
            due=not delay,
            not_before=later(delay) if delay else None,
        )
        return await self._move(claimed, {Status.PROCESSING}, update, lapsed=lapsed, also=in_time(delay))

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
        also: Document | None = None,
    ) -> bool:
        conditions = [held(claimed, sources), also or {}]
        if lapsed:
            conditions.append({"$expr": {"$lt": ["$lease.expires_at", NOW]}})
        moved = await self._jobs.update_one({"$and": conditions}, update)
        return bool(moved.modified_count)


def _claimable(lane: LaneId, lacking: Collection[Lacked] = ()) -> Document:
    """What is past its deadline never starts, whether or not the reconciler has seen it yet."""
    others = {"$nor": [_of_others(lacked) for lacked in lacking]} if lacking else {}
    return {"lane": lane, "status": Status.QUEUED, "due": True, **in_time(), **others}


def _of_others(lacked: Lacked) -> Document:
    """Jobs of a model that the worker has not, and no model either that may do them instead."""
    theirs = {"model": lacked.model.name, "model_version": lacked.model.version}
    return theirs | ({"fallbacks": {"$nin": list(lacked.stand_ins)}} if lacked.stand_ins else {})


def _taking(worker: str, slot: Expression, lease: timedelta) -> list[Document]:
    number: Expression = {"$add": ["$attempt", 1]}
    attempt = {
        "n": number,
        "worker": literal(worker),
        "slot": slot,
        "started_at": NOW,
        "ended_at": None,
        "outcome": None,
        "error": None,
    }
    return transition(
        Status.PROCESSING,
        "job.processing",
        of_attempt=number,
        attempt=number,
        started_at=NOW,
        not_before=None,
        lease={"worker": literal(worker), "slot": slot, "expires_at": later(lease), "turn": 0},
        progress=literal(asdict(Progress())),
        attempts={"$concatArrays": ["$attempts", [attempt]]},
    )


def _completing(outputs: Sequence[Output]) -> list[Document]:
    return transition(
        Status.COMPLETED,
        "job.completed",
        **_ended(COMPLETED, None),
        outputs=literal([asdict(output) for output in outputs]),
        output_bytes=sum(output.size_bytes for output in outputs),  # usage tells it when the outputs are long gone
        error=None,
        progress=literal(asdict(Progress(fraction=1.0))),
    )


def held(claimed: Claimed, statuses: set[Status] | frozenset[Status]) -> Document:
    """The filter that is the fence: this job, while this turn of this attempt has it, in one of these states."""
    return {
        "_id": claimed.job,
        "attempt": claimed.attempt,
        "lease.slot": claimed.slot,
        "lease.turn": _turn(claimed),
        "status": {"$in": list(statuses)},
    }


def _turn(claimed: Claimed) -> Document:
    """Leases of an older version have no turn: theirs is the first."""
    return {"$in": [0, None]} if claimed.turn == 0 else {"$eq": claimed.turn}


def _left(outcome: str, error: Document | None) -> Document:
    """What every way out of a running attempt sets: the lease ends, the attempt is closed."""
    turn: Expression = {"$ifNull": ["$lease.turn", 0]}
    closed = {"ended_at": NOW, "outcome": literal(outcome), "error": literal(error), "turn": turn}
    return {
        "lease": None,
        "remote": with_call(due_at=None, note=None),
        "attempts": {
            "$map": {
                "input": "$attempts",
                "in": {"$cond": [{"$eq": ["$$this.n", "$attempt"]}, {"$mergeObjects": ["$$this", closed]}, "$$this"]},
            }
        },
    }


def _ended(outcome: str, error: Document | None) -> Document:
    return _left(outcome, error) | {"completed_at": NOW}
