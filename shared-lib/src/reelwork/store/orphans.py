"""Orphans: places in lanes that were taken for a claim which never ended. Found by their age, dropped by it too."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pymongo import ASCENDING, IndexModel

from reelwork.domain.ids import LaneId
from reelwork.store.client import Database, adapter
from reelwork.store.lanes import lanes_of
from reelwork.store.pipeline import NOW, RECOUNT, charge_of, without_slots

LONG_AGO = datetime.fromtimestamp(0, UTC)
SMALLEST_STEP = timedelta(milliseconds=1)  # of MongoDB's dates
_OLDEST = "oldest_slot"


@dataclass(frozen=True, slots=True, kw_only=True)
class OldPlaces:
    """Places by lane and slot. `next_after`: where to go on looking; LONG_AGO after the last ones."""

    places: Sequence[tuple[LaneId, str]]
    next_after: datetime


@adapter
class Orphans:
    """The places of the `lanes` collection, by when they were taken."""

    INDEXES = (IndexModel([("slots.at", ASCENDING)], name=_OLDEST, sparse=True),)

    def __init__(self, database: Database) -> None:
        self._lanes = lanes_of(database)

    async def before(self, until: datetime, *, after: datetime = LONG_AGO, limit: int = 100) -> OldPlaces:
        """Places taken from `after` to before `until` (database time) in up to `limit` lanes: perhaps orphans."""
        taken = {"$gte": after, "$lt": until}
        # By its hint the lanes come in the order of each one's oldest place in question.
        cursor = self._lanes.find({"slots": {"$elemMatch": {"at": taken}}}, {"slots": 1}, hint=_OLDEST)
        lanes = [
            (lane["_id"], [slot for slot in lane["slots"] if after <= slot["at"] < until])
            async for lane in cursor.limit(limit)
        ]
        places = tuple((lane, slot["id"]) for lane, slots in lanes for slot in slots)
        if len(lanes) < limit:
            return OldPlaces(places=places, next_after=LONG_AGO)
        reached = min(slot["at"] for slot in lanes[-1][1])
        return OldPlaces(places=places, next_after=max(reached, after + SMALLEST_STEP))

    async def drop(self, lane: LaneId, slot: str, *, older_than: timedelta) -> bool:
        """Free an orphan place, if it is still there and still that old. Its charge is returned.

        No claim can still make use of a place that old: see `engine.claim`.
        """
        cutoff = {"$subtract": [NOW, int(older_than.total_seconds() * 1000)]}
        mine = {"$filter": {"input": "$slots", "cond": {"$eq": ["$$this.id", slot]}}}
        old = {"$lt": [{"$min": {"$map": {"input": mine, "in": "$$this.at"}}}, cutoff]}
        dropped = await self._lanes.update_one(
            {"_id": lane, "slots.id": slot, "$expr": old},
            [
                {
                    "$set": {
                        "slots": without_slots([slot]),
                        "vstart": {"$subtract": ["$vstart", charge_of([slot])]},
                    }
                },
                RECOUNT,
            ],
        )
        return bool(dropped.modified_count)
