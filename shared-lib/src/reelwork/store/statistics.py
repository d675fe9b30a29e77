"""How jobs of each version of a model went lately: bounded samples of times, and counts by the hour."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

from pymongo import UpdateOne

from reelwork.store.client import Database, Document, adapter
from reelwork.store.pipeline import NOW, Expression, literal

# Times that are remembered of each version: enough for a ninth decile, soon replaced when it becomes faster.
KEPT = 100
HOURS = 24
_HOUR_MS = 3_600_000
_THIS_HOUR: Expression = {"$floor": {"$divide": [{"$toLong": NOW}, _HOUR_MS]}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """What became of jobs. `runs`: seconds of those that completed; `queued`: seconds until a first attempt began.

    `completed`, `failed`: how many ended so.
    """

    runs: list[float] = field(default_factory=list)
    queued: list[float] = field(default_factory=list)
    completed: int = 0
    failed: int = 0


@adapter
class Statistics:
    """The `model_statistics` collection: one small document for each version of a model, by `name@version`."""

    def __init__(self, database: Database) -> None:
        self._statistics = database["model_statistics"]

    async def add(self, outcomes: Mapping[str, Outcomes]) -> None:
        """Count these in, all of them in one round trip."""
        updates = [UpdateOne({"_id": model}, _added(news), upsert=True) for model, news in outcomes.items()]
        if updates:
            await self._statistics.bulk_write(updates, ordered=False)

    async def of(self, models: Iterable[str]) -> dict[str, Outcomes]:
        """Of those of these versions that ever ended a job: the samples, oldest first, and counts of the last 24
        hours, by the database's clock."""
        shown = {
            "runs": 1,
            "queued": 1,
            "completed": _sum_of("completed"),
            "failed": _sum_of("failed"),
        }
        cursor = self._statistics.find({"_id": {"$in": sorted(set(models))}}, shown)
        return {found["_id"]: _outcomes(found) async for found in cursor}


def _added(news: Outcomes) -> list[Document]:
    """The update: samples at the end, the oldest forgotten; this hour's counts raised, hours of yesterday dropped."""
    this: Expression = {"$filter": {"input": _RECENT, "cond": {"$eq": ["$$this.hour", _THIS_HOUR]}}}
    others: Expression = {"$filter": {"input": _RECENT, "cond": {"$ne": ["$$this.hour", _THIS_HOUR]}}}
    raised = {
        "hour": _THIS_HOUR,
        "completed": {"$add": [_total(this, "completed"), news.completed]},
        "failed": {"$add": [_total(this, "failed"), news.failed]},
    }
    sets = {
        "runs": _lengthened("$runs", news.runs),
        "queued": _lengthened("$queued", news.queued),
        "hours": {"$concatArrays": [others, [raised]]},
        "updated_at": NOW,
    }
    return [{"$set": sets}]


def _lengthened(samples: str, more: list[float]) -> Expression:
    return {"$slice": [{"$concatArrays": [{"$ifNull": [samples, []]}, literal(more)]}, -KEPT]}


_RECENT: Expression = {
    "$filter": {
        "input": {"$ifNull": ["$hours", []]},
        "cond": {"$gt": ["$$this.hour", {"$subtract": [_THIS_HOUR, HOURS]}]},
    }
}


def _total(hours: Expression, of: str) -> Expression:
    return {"$sum": {"$map": {"input": hours, "in": f"$$this.{of}"}}}


def _sum_of(of: str) -> Expression:
    return _total(_RECENT, of)


def _outcomes(found: Document) -> Outcomes:
    return Outcomes(
        runs=cast("list[float]", found["runs"]),
        queued=cast("list[float]", found["queued"]),
        completed=int(found["completed"]),
        failed=int(found["failed"]),
    )
