"""Jobs whose history tells something that usage does not yet: each is marked by the very write that made it so.

`uncounted` marks them, `counted` is how many events of the history are counted; both are fields of the job's document
that only this module reads.
"""

from collections.abc import Mapping, Sequence

import structlog
from pydantic import ValidationError
from pymongo import ASCENDING, IndexModel

from reelwork.domain.batch import BatchState
from reelwork.domain.ids import BatchId, JobId
from reelwork.domain.job import Status
from reelwork.domain.usage import History
from reelwork.store.client import Database, Document, adapter
from reelwork.store.codec import Codec
from reelwork.store.pipeline import Expression

log = structlog.get_logger(__name__)

_HISTORIES = Codec(History)
_READ = dict.fromkeys(
    ("account_id", "batch_id", "status", "attempt", "events", "attempts", "output_bytes", "bill", "counted"), 1
)


@adapter
class Uncounted:
    """Reads and marks the `jobs` collection."""

    INDEXES = (
        IndexModel(
            [("uncounted", ASCENDING), ("_id", ASCENDING)],
            name="uncounted",
            partialFilterExpression={"uncounted": True},
        ),
    )

    def __init__(self, database: Database) -> None:
        self._jobs = database["jobs"]
        self._batches = database["batches"]

    async def page(self, *, after: JobId | None, limit: int) -> tuple[list[History], JobId | None]:
        """Up to `limit` of them in the order of their ids, and after which one to go on; None: these were the last."""
        query: Document = {"uncounted": True} | ({"_id": {"$gt": after}} if after is not None else {})
        found = [job async for job in self._jobs.find(query, _READ).sort([("_id", ASCENDING)]).limit(limit)]
        unsure = await self._of_unsure_batches(found)
        sure = [job for job in found if job.get("batch_id") not in unsure]
        histories = [history for job in sure if (history := _readable(job)) is not None]
        return histories, found[-1]["_id"] if len(found) == limit else None

    async def mark(self, upto: Mapping[JobId, int]) -> None:
        """So many events of these jobs are counted. Safe to repeat, in any order; what came since stays marked."""
        ids = list(upto)
        numbers: Expression = {"$arrayElemAt": [[upto[job] for job in ids], {"$indexOfArray": [ids, "$_id"]}]}
        count = {"$set": {"counted": {"$max": ["$counted", numbers]}}}
        more: Expression = {"$gt": [{"$size": "$events"}, "$counted"]}
        unmark = {"$set": {"uncounted": {"$cond": [more, True, "$$REMOVE"]}}}
        await self._jobs.update_many({"_id": {"$in": ids}}, [count, unmark])

    async def _of_unsure_batches(self, jobs: Sequence[Document]) -> set[BatchId]:
        """Batches that are not accepted, and of which these are jobs that an earlier one answered: they have ended
        already, and will be gone should the batch be withdrawn."""
        asked = {job["batch_id"] for job in jobs if job.get("batch_id") and _is_answered(job)}
        if not asked:
            return set()
        accepted: Document = {"_id": {"$in": list(asked)}, "state": BatchState.READY}
        return asked - {batch["_id"] async for batch in self._batches.find(accepted, {"_id": 1})}


def _is_answered(job: Document) -> bool:
    return bool(job["status"] == Status.COMPLETED and job["attempt"] == 0)


def _readable(job: Document) -> History | None:
    """The history, or None for a document that this version cannot read: it must not stand in the way of others."""
    try:
        return _HISTORIES.decode(job)
    except ValidationError:
        log.exception("job.unreadable", job_id=job["_id"])
        return None
