"""Circuit breakers of providers, shared by all workers: who fails again and again is left alone for a while.

    closed ── FAULTS in a row ──▶ open ── its time is over ──▶ one probe ── answered ──▶ closed
                                    ▲                              └─────── failed ────────┐
                                    └──────────────── twice as long ───────────────────────┘

M. Nygard, "Release It!", 2007, chapter 5.
"""

from datetime import datetime, timedelta

from pymongo import WriteConcern
from pymongo.read_concern import ReadConcern

from reelwork.store.client import Database, Document, adapter
from reelwork.store.pipeline import NOW, Expression, later

FAULTS = 5
SHORTEST = timedelta(seconds=15)
LONGEST = timedelta(minutes=5)
# Whoever probes has so long before another one does.
PROBE = timedelta(seconds=30)


@adapter
class Circuits:
    """The `circuits` collection: one small document for each provider that has ever failed."""

    def __init__(self, database: Database) -> None:
        # A hint, not a truth: what a crash of MongoDB may forget is learnt again by asking the provider.
        self._circuits = database.get_collection(
            "circuits", write_concern=WriteConcern(w=1, j=False), read_concern=ReadConcern("local")
        )

    async def admit(self, provider: str) -> datetime | None:
        """None: the provider may be asked, as a probe perhaps, so ask it. Else not before this moment."""
        found = await self._circuits.find_one({"_id": provider, "open_until": {"$type": "date"}})
        if found is None:
            return None
        over: Document = {"_id": provider, "$expr": {"$lte": ["$open_until", NOW]}}
        probing = await self._circuits.update_one(over, [{"$set": {"open_until": later(PROBE)}}])
        if probing.modified_count:
            return None
        until: datetime = found["open_until"]
        return until

    async def succeeded(self, provider: str) -> None:
        """It took a job: whatever it did before is forgotten."""
        await self._circuits.delete_one({"_id": provider})

    async def failed(self, provider: str) -> bool:
        """It could not be asked, or failed by itself; True if its circuit is open now."""
        faults: Expression = {"$add": [{"$ifNull": ["$faults", 0]}, 1]}
        doublings = {"$min": [{"$subtract": ["$faults", FAULTS]}, 10]}
        wait = {"$min": [_ms(LONGEST), {"$multiply": [_ms(SHORTEST), {"$pow": [2, doublings]}]}]}
        opened = {"$cond": [{"$gte": ["$faults", FAULTS]}, {"$add": [NOW, {"$toLong": wait}]}, None]}
        update = [{"$set": {"faults": faults, "failed_at": NOW}}, {"$set": {"open_until": opened}}]
        await self._circuits.update_one({"_id": provider}, update, upsert=True)
        return await self._circuits.find_one({"_id": provider, "faults": {"$gte": FAULTS}}) is not None


def _ms(length: timedelta) -> int:
    return int(length.total_seconds() * 1000)
