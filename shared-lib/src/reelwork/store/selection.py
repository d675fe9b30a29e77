"""Many jobs at once: who is in which state, counts of batches, jobs by their ids. Light reads, never an update."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from pymongo import DESCENDING

from reelwork.domain.batch import Tally
from reelwork.domain.ids import AccountId, BatchId, JobId
from reelwork.domain.job import Bill, Job, Status
from reelwork.domain.price import Cost
from reelwork.store.client import Database, Document, adapter
from reelwork.store.job_filter import JobFilter, matching
from reelwork.store.jobs import JOB_CODEC

_BILL = TypeAdapter(Bill)
_DECIDING = {
    "status": 1,
    "pool": 1,
    "attempt": 1,
    "error.retryable": 1,
    "data_removed": 1,
    "inputs_removed": 1,
    "has_input": {"$ne": ["$input", {}]},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What decides whether something can be done to a job. `retryable`: the error that it failed with says so.

    `has_data`: its input and files may be there; `has_anything`: any of them.
    """

    id: JobId
    pool: str
    status: Status
    attempt: int
    retryable: bool
    has_data: bool
    has_anything: bool


@adapter
class Selection:
    """Reads the `jobs` collection."""

    def __init__(self, database: Database) -> None:
        self._jobs = database["jobs"]

    async def find(self, account: AccountId, where: JobFilter, *, limit: int) -> list[Candidate]:
        """Up to `limit` of the account's jobs of this kind, newest first."""
        cursor = self._jobs.find(matching(account, where), _DECIDING).sort([("_id", DESCENDING)]).limit(limit)
        return [_candidate(job) async for job in cursor]

    async def among(self, account: AccountId, ids: Sequence[JobId]) -> list[Candidate]:
        """Those of `ids` that are the account's, in no order."""
        cursor = self._jobs.find({"_id": {"$in": list(ids)}, "account_id": account}, _DECIDING)
        return [_candidate(job) async for job in cursor]

    async def jobs(self, account: AccountId, ids: Sequence[JobId]) -> dict[JobId, Job]:
        """The same, whole."""
        cursor = self._jobs.find({"_id": {"$in": list(ids)}, "account_id": account})
        found = [JOB_CODEC.decode(job) async for job in cursor]
        return {job.id: job for job in found}

    async def tallies(self, batches: Sequence[BatchId]) -> dict[BatchId, Tally]:
        """How the jobs of these batches stand: counted now, out of the index. A batch without jobs is left out."""
        group = {
            "_id": {"batch": "$batch_id", "status": "$status"},
            "n": {"$sum": 1},
            "last": {"$max": "$completed_at"},
        }
        answer: Any = self._jobs.aggregate([{"$match": {"batch_id": {"$in": list(batches)}}}, {"$group": group}])
        cursor = await answer if inspect.isawaitable(answer) else answer  # Motor answers the cursor at once
        counts: dict[BatchId, dict[Status, int]] = {}
        ends: dict[BatchId, list[datetime]] = {}
        async for row in cursor:
            batch = row["_id"]["batch"]
            counts.setdefault(batch, {})[Status(row["_id"]["status"])] = row["n"]
            if row["last"] is not None:
                ends.setdefault(batch, []).append(row["last"])
        return {
            batch: Tally(counts=found, last_end=max(ends.get(batch, []), default=None))
            for batch, found in counts.items()
        }

    async def cost(self, batch: BatchId) -> Cost:
        """What the jobs of a batch cost together, by their bills."""
        cursor = self._jobs.find({"batch_id": batch, "bill": {"$type": "object"}}, {"bill": 1})
        costs = [Cost.of(_BILL.validate_python(job["bill"]), has_ended=False) async for job in cursor]
        return sum(costs, Cost(charged=0))


def _candidate(job: Document) -> Candidate:
    return Candidate(
        id=job["_id"],
        pool=job["pool"],
        status=Status(job["status"]),
        attempt=job["attempt"],
        retryable=bool((job.get("error") or {}).get("retryable")),
        has_data=not (job.get("data_removed") or job.get("inputs_removed")),
        has_anything=not (job.get("data_removed") and job.get("inputs_removed") and not job["has_input"]),
    )
