"""The list of workers: one document each, kept alive by the heartbeats of its processes.

A heartbeat's answer is how a worker learns that it is to drain: there is no other way to reach one.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import cast

from pydantic import TypeAdapter
from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument

from reelwork.domain.ids import JobId, WorkerId
from reelwork.domain.worker import ModelOffered, Worker, WorkerCard, WorkerState
from reelwork.store.client import Database, Document, adapter
from reelwork.store.pipeline import NOW, Expression, literal

# How often each process of a worker says that it lives; after three that were missed it does not count any more.
BEAT = timedelta(seconds=3)
SILENCE = BEAT * 3 + timedelta(seconds=1)
# Workers that ended or were lost can be looked up for so long.
KEPT = timedelta(days=1)

_WORKER = TypeAdapter(Worker)


def _is_recent(moment: Expression) -> Expression:
    return {"$lt": [{"$subtract": [NOW, moment]}, int(SILENCE.total_seconds() * 1000)]}


STATE: Expression = {
    "$switch": {
        "branches": [
            {"case": "$gone", "then": WorkerState.GONE.value},
            {"case": {"$not": [_is_recent("$seen_at")]}, "then": WorkerState.LOST.value},
            {"case": {"$or": ["$drain", "$stopping"]}, "then": WorkerState.DRAINING.value},
        ],
        "default": WorkerState.READY.value,
    }
}
"""A worker's state at this moment, from its document."""
_ALIVE: Expression = {"$filter": {"input": "$processes", "cond": _is_recent("$$this.seen_at")}}
_READ: Document = {
    "card": 1,
    "started_at": 1,
    "seen_at": 1,
    "jobs_done": "$done",
    "jobs": {
        "$reduce": {"input": _ALIVE, "initialValue": [], "in": {"$concatArrays": ["$$value", "$$this.jobs"]}},
    },
    "drained": {"$allElementsTrue": [{"$map": {"input": _ALIVE, "in": "$$this.idle"}}]},
    "state": STATE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """What one process of a worker says. `done`: jobs ended since its last heartbeat. `idle`: it knows that it is to
    take no jobs, and has none. `stopping`: the whole worker is ending."""

    pid: int
    jobs: Sequence[JobId]
    done: int
    idle: bool
    stopping: bool


@adapter
class Workers:
    """The `workers` collection."""

    INDEXES = (IndexModel([("seen_at", ASCENDING)], name="kept", expireAfterSeconds=int(KEPT.total_seconds())),)

    def __init__(self, database: Database) -> None:
        self._workers = database["workers"]

    async def beat(self, card: WorkerCard, beat: Beat) -> bool:
        """Say that a process of this worker lives, and what it does; the answer: whether the worker is to drain."""
        fields: Document = {"card": literal(asdict(card)), "seen_at": NOW, "gone": False}
        fields["started_at"] = {"$ifNull": ["$started_at", NOW]}
        fields["drain"] = {"$ifNull": ["$drain", False]}
        fields["stopping"] = {"$or": ["$stopping", beat.stopping]}
        fields["done"] = {"$add": [{"$ifNull": ["$done", 0]}, beat.done]}
        fields["processes"] = _with_process(beat)
        document = await self._workers.find_one_and_update(
            {"_id": card.id},
            [{"$set": fields}],
            upsert=True,
            projection={"drain": 1},
            return_document=ReturnDocument.AFTER,
        )
        return bool(cast("Document", document)["drain"])  # an upsert always answers a document

    async def leave(self, worker: WorkerId) -> None:
        """Say good-bye for a worker whose processes have all ended."""
        await self._workers.update_one({"_id": worker}, [{"$set": {"gone": True, "seen_at": NOW, "processes": []}}])

    async def order(self, worker: WorkerId, *, drain: bool) -> bool:
        """Tell a worker to drain, or to take jobs again; safe to repeat. It hears it at its next heartbeat.

        False for one that has ended, or is being stopped and can take no more orders, or was never there.
        """
        ordered = await self._workers.update_one(
            {"_id": worker, "gone": False} | ({} if drain else {"stopping": False}), {"$set": {"drain": drain}}
        )
        return bool(ordered.matched_count)

    async def get(self, worker: WorkerId) -> Worker | None:
        document = await self._workers.find_one({"_id": worker}, _READ)
        return _worker(document) if document is not None else None

    async def models(self, pool: str) -> frozenset[ModelOffered]:
        """What the workers of a pool that take jobs now can run."""
        query = {"card.pool": pool, "$expr": {"$eq": [STATE, WorkerState.READY.value]}}
        found = self._workers.find(query, {"card.models": 1})
        return frozenset([ModelOffered(**model) async for worker in found for model in worker["card"]["models"]])

    async def page(self, states: Sequence[WorkerState], *, before: WorkerId | None, limit: int) -> list[Worker]:
        """Up to `limit` workers in any of these states (none: all), newest first, older than `before`."""
        query: Document = {"_id": {"$lt": before}} if before is not None else {}
        if states:
            query["$expr"] = {"$in": [STATE, [state.value for state in states]]}
        cursor = self._workers.find(query, _READ).sort("_id", DESCENDING).limit(limit)
        return [_worker(document) async for document in cursor]


def _with_process(beat: Beat) -> Expression:
    """The processes that still live, this one as it is now."""
    others = {"$and": [_is_recent("$$this.seen_at"), {"$ne": ["$$this.pid", beat.pid]}]}
    now = {"pid": beat.pid, "seen_at": NOW, "jobs": literal(list(beat.jobs)), "idle": beat.idle}
    known = {"$filter": {"input": {"$ifNull": ["$processes", []]}, "cond": others}}
    return {"$concatArrays": [known, [now]]}


def _worker(document: Document) -> Worker:
    """What is stored and computed; only a worker that is draining can be drained, and a dead one runs nothing."""
    state = WorkerState(document["state"])
    document["drained"] = document["drained"] and state is WorkerState.DRAINING
    if state in {WorkerState.GONE, WorkerState.LOST}:
        document["jobs"] = []
    return _WORKER.validate_python(document)
