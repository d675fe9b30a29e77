"""Standings: a pool as it is now, for telling owners what their jobs wait for. Nothing here decides anything."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING
from pymongo.read_concern import ReadConcern

from reelwork.domain.ids import AccountId, JobId, LaneId
from reelwork.domain.job import Status
from reelwork.domain.lifecycle import reference
from reelwork.domain.waiting import PoolView
from reelwork.domain.worker import WorkerState
from reelwork.store.client import Database, Document, adapter
from reelwork.store.workers import STATE

_LONG_AGO = datetime(2000, 1, 1)  # noqa: DTZ001  (only older than any place)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenPlace:
    """One place of a lane, taken at `at` (database time)."""

    id: str
    at: datetime
    charge: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A lane as it is stored."""

    id: LaneId
    account_id: AccountId
    weight: int
    limit: int
    vstart: float
    last_start: float
    estimate: float
    active: bool
    paused: bool
    places: tuple[TakenPlace, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A job, by what tells how long it may take."""

    id: JobId
    model: str
    input: dict[str, Any]  # as submitted; its shape is the model's


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """Who works in a pool. `models`: those that some worker of it runs, as `name@version`."""

    view: PoolView
    models: frozenset[str]


@adapter
class Standings:
    """Reads `lanes`, `jobs` and `workers`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lanes = database.get_collection("lanes", read_concern=ReadConcern("local"))  # as they are now
        self._jobs = database["jobs"]
        self._workers = database["workers"]

    async def lanes(self, ids: Sequence[LaneId]) -> dict[LaneId, Standing]:
        """Those of these lanes that exist."""
        return {lane["_id"]: _standing(lane) async for lane in self._lanes.find({"_id": {"$in": list(ids)}})}

    async def pool(self, pool: str, *, most: int) -> list[Standing]:
        """Up to `most` lanes that may have queued jobs, by virtual start time, and as many that only have running
        ones."""
        active = self._lanes.find({"pool": pool, "active": True}).sort([("vstart", ASCENDING)]).limit(most)
        found = {lane["_id"]: _standing(lane) async for lane in active}
        resting = {"pool": pool, "active": False, "slots.at": {"$gt": _LONG_AGO}}
        found |= {lane["_id"]: _standing(lane) async for lane in self._lanes.find(resting).limit(most)}
        return list(found.values())

    async def queued(self, lanes: Sequence[LaneId], *, due: bool = True) -> dict[LaneId, int]:
        """How many jobs of each lane wait; due: could be claimed, else: are delayed. Lanes without any are left out."""
        waiting = {"status": Status.QUEUED.value, "due": due, "lane": {"$in": list(lanes)}}
        grouped = [{"$match": waiting}, {"$group": {"_id": "$lane", "count": {"$sum": 1}}}]
        # As a command: the one call for it that both drivers have in common.
        answer = await self._database.command(
            {"aggregate": "jobs", "pipeline": grouped, "cursor": {"batchSize": len(lanes) + 1}}
        )
        return {LaneId(group["_id"]): group["count"] for group in answer["cursor"]["firstBatch"]}

    async def heads(self, lane: LaneId, *, most: int) -> list[Task]:
        """The first claimable jobs of a lane."""
        line = {"status": Status.QUEUED, "due": True, "lane": lane}
        order = [("priority", DESCENDING), ("order", ASCENDING)]
        cursor = self._jobs.find(line, {"model": 1, "input": 1}).sort(order).limit(most)
        return [_task(job) async for job in cursor]

    async def under(self, places: Sequence[str]) -> dict[str, Task]:
        """What runs in these places; places that were taken for a job that has not begun are left out."""
        query = {"lease.slot": {"$in": list(places)}}
        cursor = self._jobs.find(query, {"model": 1, "input": 1, "lease.slot": 1})
        return {job["lease"]["slot"]: _task(job) async for job in cursor}

    async def crew(self, pool: str, *, running: Collection[JobId]) -> Crew:
        """Who works in the pool, by the list of workers; `running`: the pool's jobs that run somewhere. What runs on a
        worker that drains takes no place of those that take jobs."""
        shown = {"card": 1, "processes.jobs": 1, "state": STATE}
        listed = [worker async for worker in self._workers.find({"card.pool": pool, "gone": False}, shown)]
        cards = [worker["card"] for worker in listed if worker["state"] == WorkerState.READY]
        draining = [worker for worker in listed if worker["state"] == WorkerState.DRAINING]
        left = {job for worker in draining for job in _jobs_on(worker)}
        view = PoolView(
            workers=len(cards),
            places=sum(card["concurrency"] for card in cards),
            running=len(set(running) - left),
            draining=len(draining),
        )
        return Crew(
            view=view,
            models=frozenset(reference(model["name"], model["version"]) for card in cards for model in card["models"]),
        )


def _jobs_on(worker: Document) -> list[JobId]:
    return [job for process in worker["processes"] for job in process["jobs"]]


def _task(job: Document) -> Task:
    return Task(id=job["_id"], model=job["model"], input=job["input"])


def _standing(lane: Document) -> Standing:
    return Standing(
        id=lane["_id"],
        account_id=lane["account_id"],
        weight=lane["weight"],
        limit=lane["limit"],
        vstart=lane["vstart"],
        last_start=lane["last_start"],
        estimate=lane["estimate"],
        active=lane["active"],
        paused=lane["paused"],
        places=tuple(TakenPlace(id=slot["id"], at=slot["at"], charge=slot["charge"]) for slot in lane["slots"]),
    )
