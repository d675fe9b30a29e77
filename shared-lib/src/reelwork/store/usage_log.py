"""The log of usage events: each once, by its name, kept for an audit. What is in it is not in the days' sums before it
is rolled up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from pymongo import ASCENDING, IndexModel
from pymongo.errors import BulkWriteError

from reelwork.domain.ids import AccountId
from reelwork.domain.usage import Counts, Metric, UsageEvent
from reelwork.store.client import Database, Document, adapter, duplicates

KEPT = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedUsage:
    """One row of the log."""

    id: str
    account_id: AccountId
    day: str
    counts: Counts


@adapter
class UsageLog:
    """The `usage_events` collection."""

    INDEXES = (
        IndexModel([("at", ASCENDING)], name="kept", expireAfterSeconds=int(KEPT.total_seconds())),
        IndexModel(
            [("account_id", ASCENDING), ("day", ASCENDING), ("_id", ASCENDING)],
            name="unrolled",
            partialFilterExpression={"unrolled": True},
        ),
    )

    def __init__(self, database: Database) -> None:
        self._log = database["usage_events"]

    async def add(self, events: Sequence[UsageEvent]) -> None:
        """Durable when this returns. Those that are there already stay as they are."""
        rows = [
            {
                "_id": event.id,
                "account_id": event.account_id,
                "day": event.day,
                "at": event.at,
                "counts": {metric.value: count for metric, count in event.counts.items()},
                "unrolled": True,
            }
            for event in events
        ]
        try:
            await self._log.insert_many(rows, ordered=False)
        except BulkWriteError as error:
            duplicates(error)

    async def unrolled_days(self, *, limit: int) -> list[tuple[AccountId, str]]:
        """Some accounts and days with events that may not be rolled up; `limit` is of events looked at."""
        rows = self._log.find({"unrolled": True}, {"_id": 0, "account_id": 1, "day": 1})
        found = rows.sort([("account_id", ASCENDING), ("day", ASCENDING)]).limit(limit)
        return list(dict.fromkeys([(row["account_id"], row["day"]) async for row in found]))

    async def unrolled(self, account: AccountId, day: str, *, limit: int) -> list[LoggedUsage]:
        """Events of one day that are not marked as rolled up."""
        query: Document = {"account_id": account, "day": day, "unrolled": True}
        return [_decode(row) async for row in self._log.find(query).sort([("_id", ASCENDING)]).limit(limit)]

    async def mark_rolled(self, events: Sequence[str]) -> None:
        """They are in the sum of their day. Safe to repeat."""
        await self._log.update_many({"_id": {"$in": list(events)}}, {"$unset": {"unrolled": ""}})


def _decode(row: Document) -> LoggedUsage:
    known = {metric.value for metric in Metric}
    counts = {Metric(name): count for name, count in row["counts"].items() if name in known}
    return LoggedUsage(id=row["_id"], account_id=row["account_id"], day=row["day"], counts=counts)
