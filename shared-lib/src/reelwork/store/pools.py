"""Pools as operators see them: which are held for everybody, and since when.

A hold of a pool is asked for at each claim and not written into lanes, of which there may be any number and new ones at
any time. What is remembered is at most `REMEMBERED` old: whoever holds a pool waits that long.
"""

import time
from datetime import datetime, timedelta
from typing import cast

from pymongo import ReturnDocument
from pymongo.read_concern import ReadConcern

from reelwork.store.client import Database, Document, adapter
from reelwork.store.pipeline import NOW, Expression

REMEMBERED = timedelta(seconds=1)
_LONG_AGO = datetime(2000, 1, 1)  # noqa: DTZ001  (only older than any place)


@adapter
class Pools:
    """The `pools` collection: one document for each pool that was ever held."""

    def __init__(self, database: Database, *, remembers: bool = True) -> None:
        """`remembers`: False asks anew each time, so that as much is asked whenever it is asked."""
        self._remembers = remembers
        self._pools = database["pools"]
        self._lanes = database.get_collection("lanes", read_concern=ReadConcern("local"))  # as they are now
        self._remembered: tuple[float, dict[str, datetime]] | None = None

    async def order(self, pool: str, *, held: bool) -> datetime | None:
        """Write down that the pool is held or not; since when it is. Durable when this returns."""
        since: Expression = {"$ifNull": ["$held_since", NOW]} if held else None
        stored = await self._pools.find_one_and_update(
            {"_id": pool}, [{"$set": {"held_since": since}}], upsert=True, return_document=ReturnDocument.AFTER
        )
        self._remembered = None
        return cast("Document", stored)["held_since"]  # type: ignore[no-any-return]  # an upsert always answers one

    async def held(self) -> dict[str, datetime]:
        """Pools that are held, with since when."""
        return {pool["_id"]: pool["held_since"] async for pool in self._pools.find({"held_since": {"$ne": None}})}

    async def is_held(self, pool: str) -> bool:
        """Whether the pool is held, as far as this process knows: what it knows is no older than `REMEMBERED`."""
        asked = time.monotonic()
        known = self._remembered if self._remembers else None
        if known is None or asked - known[0] >= REMEMBERED.total_seconds():
            known = self._remembered = asked, await self.held()
        return pool in known[1]

    async def places(self, pool: str) -> list[str]:
        """The places that are taken in this pool now."""
        cursor = self._lanes.find({"pool": pool, "slots.at": {"$gt": _LONG_AGO}}, {"slots.id": 1})
        return [slot["id"] async for lane in cursor for slot in lane["slots"]]
