"""Batches at rest, and the two steps that concern all jobs of one at once: release and withdrawal.

A batch that waits for something has a `settle_at`: from then on (database time) the reconciler looks after it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from reelwork.domain.batch import Batch, BatchState
from reelwork.domain.ids import AccountId, BatchId
from reelwork.domain.job import BillState, Status
from reelwork.store.client import Database, Document, adapter
from reelwork.store.codec import Codec
from reelwork.store.jobs import cancelling_waiting
from reelwork.store.pipeline import NOW, later, literal, transition
from reelwork.store.removals import without_outputs

BATCH_CODEC = Codec(Batch)
# What the owner may have made of a job of a batch that is not accepted yet, without having run it.
_WITHDRAWABLE = [Status.PENDING, Status.CANCELLED, Status.EXPIRED, Status.COMPLETED]  # that is, from the cache


@adapter
class Batches:
    """The `batches` collection."""

    INDEXES = (
        IndexModel([("account_id", ASCENDING), ("_id", DESCENDING)], name="newest"),
        IndexModel(
            [("settle_at", ASCENDING)], name="unsettled", partialFilterExpression={"settle_at": {"$exists": True}}
        ),
        IndexModel(
            [("mark", ASCENDING)],
            name="accepted_once",
            unique=True,
            partialFilterExpression={"state": BatchState.READY.value, "mark": {"$gt": ""}},
        ),
    )

    def __init__(self, database: Database) -> None:
        self._batches = database["batches"]
        self._jobs = database["jobs"]

    async def begin(self, batch: Batch, *, patience: timedelta) -> None:
        """Store a batch before any of its jobs; it is withdrawn unless it is committed within `patience`."""
        document = BATCH_CODEC.encode(batch)
        begun = {"$replaceWith": {"$mergeObjects": [literal(document), {"settle_at": later(patience)}]}}
        await self._batches.update_one({"_id": batch.id}, [begun], upsert=True)

    async def commit(self, batch: BatchId, *, patience: timedelta) -> bool:
        """storing -> ready: from here on it is accepted. False when it was withdrawn first, or another one of its mark
        was accepted.

        Unless `settle` is told within `patience` that its jobs are released, the reconciler releases them.
        """
        try:
            return await self._move(batch, BatchState.STORING, BatchState.READY, patience)
        except DuplicateKeyError:
            return False

    async def withdraw(self, batch: BatchId, *, patience: timedelta) -> bool:
        """storing -> withdrawn. False when it was committed first. `patience`: after it nobody writes its jobs."""
        return await self._move(batch, BatchState.STORING, BatchState.WITHDRAWN, patience)

    async def release(self, batch: BatchId) -> int:
        """Let the jobs of a batch that is ready be claimed, as many as were not released yet."""
        update = transition(Status.QUEUED, "job.queued", queued_at=NOW)
        released = await self._jobs.update_many({"batch_id": batch, "status": Status.PENDING}, update)
        return int(released.modified_count)

    async def end_jobs(self, batch: BatchId) -> AccountId | None:
        """End those jobs of a withdrawn batch for which something is reserved; whose books are to be settled then."""
        held: Document = {"batch_id": batch, "status": Status.PENDING, "bill.state": BillState.HELD}
        await self._jobs.update_many(held, cancelling_waiting("withdrawal"))
        due = await self._jobs.find_one({"batch_id": batch, "bill.due": True}, {"account_id": 1})
        return due["account_id"] if due is not None else None

    async def discard_jobs(self, batch: BatchId) -> bool:
        """Remove the jobs of a batch that is withdrawn; one that its owner has queued on purpose is kept.

        False while some have let go of outputs that nobody has seen to, or have bills that are not settled: then this
        is to be done again.
        """
        unrun: Document = {"batch_id": batch, "status": {"$in": _WITHDRAWABLE}, "attempt": 0}
        await self._jobs.update_many(unrun | {"outputs.0": {"$exists": True}}, [without_outputs()])
        settled: Document = {"bill.state": {"$in": [None, BillState.SETTLED]}}
        await self._jobs.delete_many(unrun | settled | {"let_go.0": {"$exists": False}})
        return await self._jobs.find_one(unrun, {"_id": 1}) is None

    async def settle(self, batch: BatchId) -> None:
        """Nothing has to be looked after any more."""
        await self._batches.update_one({"_id": batch, "state": BatchState.READY}, {"$unset": {"settle_at": ""}})

    async def forget(self, batch: BatchId) -> None:
        await self._batches.delete_many({"_id": batch, "state": BatchState.WITHDRAWN})

    async def unsettled(self, now: datetime, *, limit: int) -> list[tuple[BatchId, BatchState]]:
        """Batches whose patience ended before `now` (database time)."""
        cursor = self._batches.find({"settle_at": {"$lt": now}}, {"state": 1}).sort("settle_at", ASCENDING)
        return [(batch["_id"], BatchState(batch["state"])) async for batch in cursor.limit(limit)]

    async def get(self, account: AccountId, batch: BatchId) -> Batch | None:
        """The account's batch; None for unknown ids, for other accounts' ids, and for what is not accepted."""
        found = await self._batches.find_one({"_id": batch, **_shown(account)})
        return BATCH_CODEC.decode(found) if found is not None else None

    async def marked(self, account: AccountId, mark: str) -> Batch | None:
        """The accepted batch of this mark, if there is one."""
        found = await self._batches.find_one({"mark": mark, **_shown(account)})
        return BATCH_CODEC.decode(found) if found is not None else None

    async def page(self, account: AccountId, *, before: BatchId | None, limit: int) -> Sequence[Batch]:
        """Up to `limit` batches, newest first, older than `before`."""
        query = _shown(account) | ({"_id": {"$lt": before}} if before is not None else {})
        cursor = self._batches.find(query).sort([("_id", DESCENDING)]).limit(limit)
        return [BATCH_CODEC.decode(batch) async for batch in cursor]

    async def _move(self, batch: BatchId, source: BatchState, target: BatchState, patience: timedelta) -> bool:
        update = [{"$set": {"state": literal(target), "settle_at": later(patience)}}]
        moved = await self._batches.update_one({"_id": batch, "state": source}, update)
        return bool(moved.modified_count)


def _shown(account: AccountId) -> Document:
    return {"account_id": account, "state": BatchState.READY}
