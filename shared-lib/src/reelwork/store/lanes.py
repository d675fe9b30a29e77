"""Lanes: who may run next, by the rules that `domain.schedule` explains; a test holds both to the same numbers.
Hints that can be rebuilt from the jobs, but for the virtual time."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import cast

from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument, UpdateOne, WriteConcern
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.read_concern import ReadConcern

from reelwork.domain.ids import LaneId
from reelwork.domain.lane import BATCH_SECONDS, ESTIMATE_GAIN, FIRST_ESTIMATE_SECONDS, LaneTerms, Reservation
from reelwork.domain.schedule import SHORTEST_SECONDS, lifted
from reelwork.store.client import Database, Document, adapter
from reelwork.store.entitlements import entitled, open_and_as_entitled
from reelwork.store.pipeline import NOW, RECOUNT, Expression, charge_of, literal, without_slots

_SERVABLE = {"active": True, "full": False, "paused": False}
_WAKEABLE = {"active": True, "paused": False, "starved": False}


def lanes_of(database: Database) -> AsyncCollection[Document]:
    """The `lanes` collection.

    Acknowledged, not waited for on disk: lanes can be rebuilt from the jobs. What a crash of MongoDB may forget is
    never older than the last durable write of a job, since the journal keeps the order of writes. Read as they are now:
    a majority read would trail such writes by up to a tenth of a second.
    """
    return database.get_collection("lanes", write_concern=WriteConcern(w=1, j=False), read_concern=ReadConcern("local"))


@adapter
class Lanes:
    """The `lanes` collection."""

    INDEXES = (
        IndexModel(
            [
                ("pool", ASCENDING),
                ("active", ASCENDING),
                ("full", ASCENDING),
                ("paused", ASCENDING),
                ("vstart", ASCENDING),
            ],
            name="next",
        ),
        IndexModel([("pool", ASCENDING), ("last_start", DESCENDING)], name="served"),
        # Lanes that no ticket has come for in vain: those that one came for must cost the next one nothing.
        IndexModel([("pool", ASCENDING)], name="wakeable", partialFilterExpression=_WAKEABLE),
    )

    def __init__(self, database: Database) -> None:
        self._lanes = lanes_of(database)

    async def open(self, terms: LaneTerms) -> float:
        """Say that the lane may have queued jobs; how long its jobs take on average, in seconds.

        Bumps the epoch, so that a late "went idle" loses. A lane that knows a later plan keeps its weight and limit.
        """
        as_it_is = open_and_as_entitled(terms)
        lane = await self._lanes.find_one_and_update(as_it_is, {"$inc": {"epoch": 1}}, projection={"estimate": 1})
        if lane is None:
            lane = await self._enter(terms)
        return float(lane["estimate"])

    async def reopen(self, lane: LaneId) -> None:
        """Say again that a lane that exists may have queued jobs."""
        await self._lanes.update_one({"_id": lane}, {"$set": {"active": True}, "$inc": {"epoch": 1}})

    async def _enter(self, terms: LaneTerms) -> Document:
        virtual_time = await self.virtual_time(terms.pool)
        entered = {"$max": [{"$ifNull": ["$vstart", 0.0]}, virtual_time]}  # idle time is not saved up
        entered_lane = await self._lanes.find_one_and_update(
            {"_id": terms.id},
            [
                {
                    "$set": {
                        "pool": literal(terms.pool),
                        "account_id": literal(terms.account_id),
                        **entitled(terms),
                        "slots": {"$ifNull": ["$slots", []]},
                        "paused": {"$ifNull": ["$paused", terms.held]},
                        "starved": {"$ifNull": ["$starved", False]},
                        "estimate": {"$ifNull": ["$estimate", FIRST_ESTIMATE_SECONDS]},
                        "last_start": {"$ifNull": ["$last_start", 0.0]},
                        "vstart": {"$cond": [{"$ifNull": ["$active", False]}, "$vstart", entered]},
                        "epoch": {"$add": [{"$ifNull": ["$epoch", 0]}, 1]},
                        "active": True,
                    }
                },
                RECOUNT,
            ],
            projection={"estimate": 1},
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        return cast("Document", entered_lane)  # an upsert always answers a document

    async def virtual_time(self, pool: str) -> float:
        """Smallest start tag among the lanes that could be served now, else the largest ever served."""
        # Both at once: the first job after a pause waits for this.
        ready, served = await asyncio.gather(
            self._lanes.find_one(_ready(pool), {"vstart": 1}, sort=[("vstart", ASCENDING)]),
            self._lanes.find_one({"pool": pool}, {"last_start": 1}, sort=[("last_start", DESCENDING)]),
        )
        if ready is not None:
            return float(ready["vstart"])
        return float(served["last_start"]) if served is not None else 0.0

    async def reserve(
        self, pool: str, claim: str, *, most: int = 1, skip: Collection[LaneId] = (), only: LaneId | None = None
    ) -> Reservation | None:
        """Take places in the lane that is next by virtual start time (or `only` this), charged with their estimate.

        One place, or up to `most` where its jobs are so short that they fit in BATCH_SECONDS together, within its
        limit. None when no lane, but those to `skip`, may be served; the others are then marked, so that whoever
        frees a place wakes a worker.
        """
        where = _ready(pool) | ({"_id": only} if only else {"_id": {"$nin": list(skip)}} if skip else {})
        reservation = await self._take_places(where, claim, most)
        if reservation is None and not only and await self._lanes.find_one({"pool": pool, "active": True}, {"_id": 1}):
            # Also those that have room by now: whoever takes it before the next look has a ticket, and we had one more.
            swallowed = {"pool": pool, **_WAKEABLE}
            passed = {"$or": [{"full": True}, {"_id": {"$nin": list(skip)}}]} if skip else {}
            await self._lanes.update_many(swallowed | passed, {"$set": {"starved": True}}, hint="wakeable")
            # Whoever freed a place before the mark was there woke nobody: look once more.
            reservation = await self._take_places(where, claim, most)
        return reservation

    async def _take_places(self, where: Document, claim: str, most: int) -> Reservation | None:
        charge = {"$divide": ["$estimate", "$weight"]}
        short: Expression = {"$floor": {"$divide": [BATCH_SECONDS, {"$max": ["$estimate", SHORTEST_SECONDS]}]}}
        room: Expression = {"$subtract": ["$limit", {"$size": "$slots"}]}
        count: Expression = {"$toInt": {"$max": [1, {"$min": [most, room, short]}]}}
        name: Expression = {"$concat": [claim, "-", {"$toString": "$$this"}]}
        place: Expression = {"id": name, "at": NOW, "charge": charge}
        taken = {"$map": {"input": {"$range": [0, "$count"]}, "in": place}}
        after = await self._lanes.find_one_and_update(
            where,
            [
                {"$set": {"count": count}},
                {
                    "$set": {
                        "slots": {"$concatArrays": ["$slots", taken]},
                        "last_start": "$vstart",
                        "vstart": {"$add": ["$vstart", {"$multiply": [charge, "$count"]}]},
                    }
                },
                RECOUNT,
                {"$unset": "count"},
            ],
            projection={"epoch": 1, "slots.id": 1, "last_start": 1},
            sort=[("vstart", ASCENDING)],
            return_document=ReturnDocument.AFTER,
        )
        if after is None:
            return None
        slots = tuple(slot["id"] for slot in after["slots"] if slot["id"].startswith(claim))
        return Reservation(lane=after["_id"], slots=slots, epoch=after["epoch"], start=after["last_start"])

    async def give_back(self, reservation: Reservation, places: Sequence[str], *, emptied: bool) -> bool:
        """Return places that nobody needs, and their charge. `emptied`: nothing more was queued; then the lane goes
        idle, unless it was opened meanwhile.

        True when a ticket may have been swallowed while these places were taken: the caller publishes one.
        """
        idle = {"$and": [emptied, {"$eq": ["$epoch", reservation.epoch]}]}
        after = await self._lanes.find_one_and_update(
            {"_id": reservation.lane, "slots.id": {"$in": list(places)}},
            [
                {
                    "$set": {
                        "slots": without_slots(places),
                        "vstart": {"$subtract": ["$vstart", charge_of(places)]},
                        "active": {"$cond": [idle, False, "$active"]},
                        "starved": {"$cond": [idle, False, "$starved"]},
                    }
                },
                RECOUNT,
            ],
            projection={"active": 1, "starved": 1},
            return_document=ReturnDocument.AFTER,
        )
        return bool(after and after["active"] and after["starved"])

    async def release(self, lane: LaneId, slots: Sequence[str], *, used: timedelta | None) -> bool:
        """Free places and correct the charge to what was really used by all of them together (None: nothing was).

        Idempotent, since places are known by their ids. True when a ticket may have been swallowed while the lane
        was full: the caller publishes one.
        """
        seconds = used.total_seconds() if used is not None else 0.0
        corrected = {"$add": ["$vstart", {"$subtract": [{"$divide": [seconds, "$weight"]}, charge_of(slots)]}]}
        gain = 1 - (1 - ESTIMATE_GAIN) ** len(slots)
        surprise = {"$subtract": [seconds / max(1, len(slots)), "$estimate"]}
        learned = {"$add": ["$estimate", {"$multiply": [gain, surprise]}]}
        before = await self._lanes.find_one_and_update(
            {"_id": lane, "slots.id": {"$in": list(slots)}},
            [
                {
                    "$set": {
                        "slots": without_slots(slots),
                        "vstart": corrected,
                        "estimate": learned if used is not None else "$estimate",
                    }
                },
                RECOUNT,
            ],
            projection={"active": 1, "starved": 1, "full": 1, "pool": 1},
            return_document=ReturnDocument.BEFORE,
        )
        if before is None:
            return False
        if before["full"]:
            await self._forfeit_credit(lane, before["pool"])
        return bool(before["active"] and before["starved"])

    async def _forfeit_credit(self, lane: LaneId, pool: str) -> None:
        """A lane that waited for its own limit earns no credit by it: it starts again at the pool's time."""
        others = _ready(pool) | {"_id": {"$ne": lane}}
        ready = await self._lanes.find_one(others, {"vstart": 1}, sort=[("vstart", ASCENDING)])
        if ready is not None:
            await self._lanes.update_one({"_id": lane}, {"$max": {"vstart": ready["vstart"]}})

    async def lift(self, pool: str, lanes: Collection[LaneId], *, served: float) -> None:
        """Take lanes along that a claim passed over, when it served one that started at `served`: see
        `domain.schedule.lifted`. Those that change meanwhile stay where that put them, until the next time."""
        if not lanes:
            return
        found = self._lanes.find(_ready(pool) | {"_id": {"$in": list(lanes)}}, {"vstart": 1})
        starts = {lane["_id"]: float(lane["vstart"]) async for lane in found}
        moves = [
            UpdateOne({"_id": lane, "vstart": starts[lane]}, {"$set": {"vstart": start}})
            for lane, start in lifted(starts, served=served).items()
        ]
        if moves:
            await self._lanes.bulk_write(moves, ordered=False)

    async def epochs(self, lanes: Sequence[LaneId]) -> dict[LaneId, int]:
        """How often each of these lanes was opened, without those that are idle or unknown."""
        found = self._lanes.find({"_id": {"$in": list(lanes)}, "active": True}, {"epoch": 1})
        return {lane["_id"]: lane["epoch"] async for lane in found}

    async def inactive(self, lanes: Sequence[LaneId]) -> list[LaneId]:
        """Those of `lanes` that are not open for serving: unknown, or idle."""
        cursor = self._lanes.find({"_id": {"$in": list(lanes)}, "active": True}, {"_id": 1})
        active = {lane["_id"] async for lane in cursor}
        return [lane for lane in lanes if lane not in active]

    async def ready_pools(self) -> list[str]:
        """Pools in which some lane may be served now, by name: one index seek each."""
        found: list[str] = []
        while True:
            beyond = {**_SERVABLE, "pool": {"$gt": found[-1] if found else ""}}
            lane = await self._lanes.find_one(beyond, {"pool": 1}, sort=[("pool", ASCENDING)])
            if lane is None:
                return found
            found.append(lane["pool"])

    async def ready_lanes(self, pool: str, *, among: Sequence[LaneId]) -> list[LaneId]:
        """Those of `among` that may be served now."""
        query = _ready(pool) | {"_id": {"$in": list(among)}}
        return [lane["_id"] async for lane in self._lanes.find(query, {"_id": 1})]

    async def get(self, lane: LaneId) -> Document | None:
        """The lane as it is stored, for explaining and for tests."""
        return await self._lanes.find_one({"_id": lane})


def _ready(pool: str) -> Document:
    return {"pool": pool, **_SERVABLE}
