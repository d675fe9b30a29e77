"""A pulse: something that any process may do, about once in an interval among all of them.

Not a lock and not a leader: it only spares work that is safe to do twice.
"""

from datetime import timedelta

from pymongo.errors import DuplicateKeyError

from reelwork.store.client import Database, adapter
from reelwork.store.pipeline import NOW


@adapter
class Pulses:
    """The `pulses` collection: one small document for each kind of work."""

    def __init__(self, database: Database) -> None:
        self._pulses = database["pulses"]

    async def take(self, name: str, *, every: timedelta) -> bool:
        """True for one caller in each interval of database time."""
        elapsed = {"$gte": [{"$subtract": [NOW, "$at"]}, int(every.total_seconds() * 1000)]}
        beat = [{"$set": {"at": NOW}}]
        taken = await self._pulses.update_one({"_id": name, "$expr": elapsed}, beat)
        if taken.modified_count:
            return True
        if await self._pulses.find_one({"_id": name}) is not None:
            return False
        try:
            created = await self._pulses.update_one({"_id": name}, beat, upsert=True)
        except DuplicateKeyError:
            return False
        return created.upserted_id is not None

    async def over(self, name: str) -> None:
        """Whoever comes next need not wait for the interval's end."""
        await self._pulses.delete_one({"_id": name})
