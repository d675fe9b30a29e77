"""Jobs that a provider works on: what was asked is stored before and after asking, and in between nobody holds the job.

    taken ── begin ──▶ asked ── keep / wait ──▶ waiting (due_at) ── resume ──▶ a turn ── wait … ──▶ an ending
                         └────────── lapsed: wait, one more was lost ──────────┘

A waiting job has no worker; its place in the lane stays taken. `resume` and `wait` begin and end a turn, and each of
them leaves the fence of the turn before behind.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta

from pymongo import ASCENDING, IndexModel, ReturnDocument

from reelwork.domain.ids import JobId
from reelwork.domain.job import RUNNING, Job, Progress, Status
from reelwork.store.attempts import ASKED, Claimed, held
from reelwork.store.client import Database, DatabaseClock, Document, adapter
from reelwork.store.jobs import JOB_CODEC
from reelwork.store.pipeline import NOW, Expression, later, literal, with_call

_WAITS: Document = {"status": {"$in": list(RUNNING)}, "remote.due_at": {"$type": "date"}}
_CHANGED: Document = {"version": {"$add": ["$version", 1]}}


@adapter
class Calls:
    """The jobs that were given to providers, in the `jobs` collection."""

    INDEXES = (
        IndexModel(
            [("remote.due_at", ASCENDING), ("pool", ASCENDING)],
            name="calls",
            partialFilterExpression={"remote.due_at": {"$type": "date"}},
        ),
    )

    def __init__(self, database: Database) -> None:
        self._jobs = database["jobs"]
        self._clock = DatabaseClock(database)

    async def begin(self, claimed: Claimed, *, model: str, token: str) -> Job | None:
        """Say that a provider is about to be asked, once in an attempt; the job as it is then.

        None when the attempt is no longer ours, a cancel came first, or somebody has been asked in it already.
        """
        call: Document = {
            "attempt": "$attempt",
            "model": literal(model),
            "token": literal(token),
            "asked_at": NOW,
            "turn_at": NOW,
            "handle": None,
            "due_at": None,
            "faults": 0,
            "lost": 0,
            "note": None,
        }
        named = {"$mergeObjects": ["$$this", {"model": literal(model)}]}
        present = {"$cond": [{"$eq": ["$$this.n", "$attempt"]}, named, "$$this"]}
        attempts = {"$map": {"input": "$attempts", "in": present}}
        update: list[Document] = [{"$set": {"remote": call, "attempts": attempts, **_CHANGED}}]
        return await self._change({"$and": [held(claimed, {Status.PROCESSING}), {"$nor": [ASKED]}]}, update)

    async def keep(self, claimed: Claimed, token: str, handle: str) -> bool:
        """Store what the provider answered; False when the attempt has ended, or has another handle. Safe to repeat.

        Whichever turn it is: a worker that comes late with it knows what nobody else knows, and decides nothing.
        """
        query: Document = {
            "_id": claimed.job,
            "attempt": claimed.attempt,
            "lease.slot": claimed.slot,
            "status": {"$in": list(RUNNING)},
            "remote.token": token,
            "remote.handle": {"$in": [None, handle]},
        }
        kept = await self._jobs.update_one(query, [{"$set": {"remote": with_call(handle=literal(handle))}}])
        return bool(kept.matched_count)

    async def wait(
        self,
        claimed: Claimed,
        delay: timedelta,
        *,
        handle: str | None = None,
        progress: Progress | None = None,
        fault: bool = False,
    ) -> Job | None:
        """End the turn: nobody has the job until `delay` of database time is over, or its deadline comes.

        `handle`: stored in the same write. `fault`: this turn came to nothing. A job that is being cancelled is due at
        once. The job as it is then; None when the turn is no longer ours.
        """
        faults: Expression = {"$add": ["$remote.faults", 1]} if fault else 0
        sets = {"faults": faults, **({"handle": literal(handle)} if handle is not None else {})}
        return await self._change(held(claimed, RUNNING), _waiting(delay, progress, **sets))

    async def lose(self, claimed: Claimed, delay: timedelta) -> Job | None:
        """The worker of this turn is gone: the job is due after `delay`. None when its lease has not run out, or it
        asked nobody yet."""
        over: Document = {"$expr": {"$lt": ["$lease.expires_at", NOW]}, "lease.expires_at": {"$type": "date"}}
        query = {"$and": [held(claimed, RUNNING), ASKED, over]}
        return await self._change(query, _waiting(delay, None, lost={"$add": ["$remote.lost", 1]}))

    async def resume(self, pool: str, *, worker: str, models: Collection[str], lease: timedelta) -> Job | None:
        """Begin the next turn of the job, of those that these models were asked for, that has been due longest; None
        when none is due."""
        ours: Document = {**_WAITS, "pool": pool, "remote.model": {"$in": list(models)}}
        due: Document = {**ours, "remote.due_at": {"$type": "date", "$lte": await self._clock.now()}}
        taken = {"worker": literal(worker), "expires_at": later(lease), "turn": {"$add": ["$lease.turn", 1]}}
        sets: Document = {
            "lease": {"$mergeObjects": ["$lease", taken]},
            "remote": with_call(due_at=None, turn_at=NOW),
        }
        job = await self._jobs.find_one_and_update(
            due, [{"$set": sets}], sort=[("remote.due_at", ASCENDING)], return_document=ReturnDocument.AFTER
        )
        return JOB_CODEC.decode(job) if job is not None else None

    async def hear(self, job: JobId, token: str, *, headers: Mapping[str, str], body: bytes, apart: timedelta) -> bool:
        """Keep a message for a waiting job's next turn, and let that be due now; False when nothing waits for it.

        One message in `apart`, so that whoever repeats himself does not make us ask the provider at his pace.
        """
        query: Document = {
            **_WAITS,
            "_id": job,
            "remote.token": token,
            "remote.note": None,
            "$expr": {"$gte": [{"$subtract": [NOW, "$remote.turn_at"]}, int(apart.total_seconds() * 1000)]},
        }
        note = {"headers": literal(dict(headers)), "body": literal(body), "was_due_at": "$remote.due_at"}
        heard = await self._jobs.update_one(query, [{"$set": {"remote": with_call(due_at=NOW, note=note)}}])
        return bool(heard.modified_count)

    async def count_due(self, pool: str, now: datetime, *, limit: int) -> int:
        """How many jobs of the pool are due at `now` (database time), counted up to `limit`."""
        due: Document = {**_WAITS, "pool": pool, "remote.due_at": {"$type": "date", "$lte": now}}
        return int(await self._jobs.count_documents(due, limit=limit))

    async def unattended(self, since: datetime, now: datetime, *, limit: int) -> list[Job]:
        """Jobs that have been due since before `since` and are being cancelled or past their deadline, oldest first."""
        over: Document = {"$or": [{"status": Status.CANCELLING}, {"deadline_at": {"$type": "date", "$lte": now}}]}
        due: Document = {"$type": "date", "$lt": since}
        found = self._jobs.find({"$and": [{**_WAITS, "remote.due_at": due}, over]}).limit(limit)
        return [JOB_CODEC.decode(job) async for job in found]

    async def _change(self, query: Document, update: list[Document]) -> Job | None:
        job = await self._jobs.find_one_and_update(query, update, return_document=ReturnDocument.AFTER)
        return JOB_CODEC.decode(job) if job is not None else None


def _waiting(delay: timedelta, progress: Progress | None, **call: Expression) -> list[Document]:
    in_time = {"$min": [later(delay), "$deadline_at"]}  # null does not count
    due_at = {"$cond": [{"$eq": ["$status", Status.CANCELLING.value]}, NOW, in_time]}
    between = {"expires_at": None, "turn": {"$add": ["$lease.turn", 1]}}
    sets: Document = {
        "lease": {"$mergeObjects": ["$lease", between]},
        "remote": with_call(due_at=due_at, note=None, **call),
    }
    if progress is None:
        return [{"$set": sets}]
    told = {"$mergeObjects": [literal(asdict(progress)), {"updated_at": NOW}]}
    return [{"$set": sets | _CHANGED | {"progress": told}}]
