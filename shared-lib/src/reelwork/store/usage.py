"""Usage by days: one document for each account and day of UTC, which only ever grows, by `$inc`.

What was added is remembered in the very update that adds it, so that it is added once however often it is tried: the
number of the last flush (delta synchronisation), or the names of the events that were just added and are not marked in
the log yet (event synchronisation).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pymongo import UpdateOne

from reelwork.domain.ids import AccountId
from reelwork.domain.usage import Counts, Metric, UsageDay
from reelwork.store.client import Database, Document, adapter

# Updates in one write.
_MOST_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One day's document as it was read. `rolling`: events that are in it, and may not be marked so in the log."""

    account_id: AccountId
    day: str
    version: int
    rolling: Sequence[str] = ()

    @property
    def id(self) -> str:
        return _id(self.account_id, self.day)


@adapter
class UsageDays:
    """The `usage` collection."""

    def __init__(self, database: Database) -> None:
        self._usage = database["usage"]

    async def read(self, account: AccountId, first: date, last: date) -> list[UsageDay]:
        """The account's days from `first` to `last`, both included, in order; days without anything are absent."""
        between: Document = {"$gte": _id(account, first.isoformat()), "$lte": _id(account, last.isoformat())}
        return [_decode(found) async for found in self._usage.find({"_id": between}).sort([("_id", 1)])]

    async def add_flush(self, number: int, counts: Mapping[tuple[AccountId, str], Counts]) -> None:
        """Add what was counted, by account and day; once for each number, which must be higher than those before."""
        keys = list(counts)
        for start in range(0, len(keys), _MOST_AT_ONCE):
            chunk = keys[start : start + _MOST_AT_ONCE]
            await self._ensure(chunk)
            updates = [
                UpdateOne(
                    {"_id": _id(*key), "flushed": {"$lt": number}},
                    {"$inc": _increments([counts[key]]) | {"version": 1}, "$set": {"flushed": number}},
                )
                for key in chunk
            ]
            await self._usage.bulk_write(updates, ordered=False)

    async def standing(self, account: AccountId, day: str) -> Standing:
        """The day as it is now; made if it is not there."""
        found = await self._usage.find_one({"_id": _id(account, day)}, {"version": 1, "rolling": 1})
        if found is None:
            await self._ensure([(account, day)])
            return Standing(account_id=account, day=day, version=0)  # or somebody was faster, and it fits no more
        return Standing(account_id=account, day=day, version=found["version"], rolling=tuple(found["rolling"]))

    async def roll(self, standing: Standing, events: Mapping[str, Counts]) -> Standing | None:
        """Add events, by name, and remember the names. None when the day has changed since it was read."""
        return await self._move(standing, list(events), _increments(events.values()))

    async def rolled(self, standing: Standing) -> Standing | None:
        """Its events are marked in the log. None when the day has changed since it was read."""
        return await self._move(standing, [], {})

    async def _move(self, standing: Standing, rolling: list[str], increments: Document) -> Standing | None:
        update = {"$set": {"rolling": rolling}, "$inc": increments | {"version": 1}}
        moved = await self._usage.update_one({"_id": standing.id, "version": standing.version}, update)
        if not moved.modified_count:
            return None
        return Standing(
            account_id=standing.account_id, day=standing.day, version=standing.version + 1, rolling=tuple(rolling)
        )

    async def _ensure(self, keys: Iterable[tuple[AccountId, str]]) -> None:
        blank = {"flushed": 0, "version": 0, "rolling": [], "counts": {}}
        updates = [
            UpdateOne({"_id": _id(*key)}, {"$setOnInsert": {"account_id": key[0], "day": key[1], **blank}}, upsert=True)
            for key in keys
        ]
        await self._usage.bulk_write(updates, ordered=False)


def _id(account: AccountId, day: str) -> str:
    """Sorts by account, then by day: a range of days is a range of ids."""
    return f"{account}.{day}"


def _increments(counted: Iterable[Counts]) -> Document:
    total: dict[str, int] = {}
    for counts in counted:
        for metric, count in counts.items():
            total[f"counts.{metric.value}"] = total.get(f"counts.{metric.value}", 0) + count
    return total


def _decode(document: Document) -> UsageDay:
    known = {metric.value for metric in Metric}
    counts = {Metric(name): count for name, count in document["counts"].items() if name in known}
    return UsageDay(day=date.fromisoformat(document["day"]), counts=counts, flushed=document["flushed"])
