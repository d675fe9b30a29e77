"""Jobs whose history tells something that webhooks do not yet: marked by the very write that made it so.

`untold` marks them, `told` is how many events of the history became deliveries; both are fields of the job's document
that only this module and `pipeline.py` know. Jobs that no webhook listens to are never marked.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from pydantic import ValidationError
from pymongo import ASCENDING, IndexModel

from reelwork.domain.batch import BatchState
from reelwork.domain.ids import JobId
from reelwork.domain.job import Event, Job
from reelwork.store.client import Database, Document, adapter
from reelwork.store.jobs import JOB_CODEC
from reelwork.store.pipeline import Expression

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class UntoldJob:
    """A job, and how many of its events were told."""

    job: Job
    told: int

    @property
    def news(self) -> tuple[Event, ...]:
        return self.job.events[self.told :]


@adapter
class Untold:
    """Reads and marks the `jobs` collection."""

    INDEXES = (
        IndexModel(
            [("untold", ASCENDING), ("_id", ASCENDING)], name="untold", partialFilterExpression={"untold": True}
        ),
    )

    def __init__(self, database: Database) -> None:
        self._jobs = database["jobs"]
        self._batches = database["batches"]

    async def page(self, *, after: JobId | None, limit: int) -> tuple[list[UntoldJob], JobId | None]:
        """Up to `limit` of them in the order of their ids, and after which one to go on; None: these were the last.

        Those of batches that are not accepted are left out: they may never have been.
        """
        query: Document = {"untold": True} | ({"_id": {"$gt": after}} if after is not None else {})
        found = [job async for job in self._jobs.find(query).sort([("_id", ASCENDING)]).limit(limit)]
        batches = {job["batch_id"] for job in found if job.get("batch_id")}
        ready: Document = {"_id": {"$in": list(batches)}, "state": BatchState.READY}
        unsure = batches - {batch["_id"] async for batch in self._batches.find(ready, {"_id": 1})} if batches else set()
        jobs = [_readable(job) for job in found if job.get("batch_id") not in unsure]
        return [job for job in jobs if job is not None], found[-1]["_id"] if len(found) == limit else None

    async def mark(self, upto: Mapping[JobId, int]) -> None:
        """So many events of these jobs are told. Safe to repeat, in any order; what came since stays marked."""
        ids = list(upto)
        numbers: Expression = {"$arrayElemAt": [[upto[job] for job in ids], {"$indexOfArray": [ids, "$_id"]}]}
        count = {"$set": {"told": {"$max": ["$told", numbers]}}}
        more: Expression = {"$gt": [{"$size": "$events"}, "$told"]}
        unmark = {"$set": {"untold": {"$cond": [more, True, "$$REMOVE"]}}}
        await self._jobs.update_many({"_id": {"$in": ids}}, [count, unmark])


def _readable(document: Document) -> UntoldJob | None:
    """None for a document that this version cannot read: it must not stand in the way of others."""
    try:
        return UntoldJob(JOB_CODEC.decode(document), document.get("told", 0))
    except ValidationError:
        log.exception("job.unreadable", job_id=document["_id"])
        return None
