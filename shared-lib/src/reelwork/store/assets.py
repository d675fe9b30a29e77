"""Assets: what is known of stored bytes. A document is staged before its bytes are written, and outlives them.

Jobs hold assets by naming them. A job that is about to be stored says so here first (`announce_use`), so that nobody
removes what it names in the moment before: whoever removes an asset must find it unchanged since they looked for jobs.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import cast

from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError

from reelwork.domain.asset import Asset, AssetState, Purpose
from reelwork.domain.ids import AccountId, AssetId, JobId
from reelwork.store.client import Database, Document, adapter
from reelwork.store.codec import Codec
from reelwork.store.pipeline import NOW, Expression, later, literal

# Longer than it takes from the announcement of a job to its insert, also in a batch: see `engine.batches`.
NAMING = timedelta(seconds=45)
# So many announcements are known by their jobs; with more the asset is taken to be in use until all of them are old.
MOST_NAMED = 50

_CODEC = Codec(Asset)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetFilter:
    purpose: Purpose | None = None
    kind: str | None = None


@adapter
class Assets:
    """The `assets` collection."""

    INDEXES = (
        IndexModel([("account_id", ASCENDING), ("state", ASCENDING), ("_id", DESCENDING)], name="newest"),
        IndexModel([("state", ASCENDING), ("created_at", ASCENDING)], name="unsettled"),
        IndexModel([("account_id", ASCENDING), ("sha256", ASCENDING)], name="digests"),
        IndexModel(
            [("expires_at", ASCENDING)], name="expiry", partialFilterExpression={"expires_at": {"$type": "date"}}
        ),
    )

    def __init__(self, database: Database) -> None:
        self._assets = database["assets"]

    async def stage(self, asset: Asset) -> None:
        """Write down that bytes are about to be stored under `asset.key`."""
        await self._assets.insert_one(_CODEC.encode(asset))

    async def stage_once(self, asset: Asset) -> bool:
        """The same for an id that others may have been given too; False where one of them was here before."""
        try:
            await self.stage(asset)
        except DuplicateKeyError:
            return False
        return True

    async def commit(self, assets: Sequence[AssetId]) -> None:
        """staged -> ready: the bytes are there and belong to somebody."""
        for asset in assets:  # one by one: the driver repeats a single update whose answer was lost
            query = {"_id": asset, "state": AssetState.STAGED}
            await self._assets.update_one(query, {"$set": {"state": AssetState.READY}})

    async def condemn(self, asset: AssetId) -> bool:
        """staged -> discarded: the bytes belong to nobody. False for one that is ready: hands off.

        True also for one that is gone: it was condemned before, and whatever was stored since belongs to nobody.
        """
        query = {"_id": asset, "state": {"$in": [AssetState.STAGED, AssetState.DISCARDED]}}
        condemned = await self._assets.update_one(query, {"$set": {"state": AssetState.DISCARDED}})
        return bool(condemned.matched_count) or await self._assets.find_one({"_id": asset}, {"_id": 1}) is None

    async def retire(self, asset: Asset) -> bool:
        """staged or ready -> discarded: nobody holds the bytes any more. False when it was named since `asset` was
        read, or is to be kept for another time, or is gone."""
        named = [asdict(naming) for naming in asset.naming]
        unchanged = {"$eq": [{"$ifNull": ["$naming", []]}, literal(named)]}
        here = {"_id": asset.id, "state": {"$in": [AssetState.STAGED, AssetState.READY]}}
        query = here | {"expires_at": asset.expires_at, "$expr": unchanged}
        retired = await self._assets.update_one(query, {"$set": {"state": AssetState.DISCARDED}})
        return bool(retired.modified_count)

    async def announce_use(self, account: AccountId, asset: AssetId, job: JobId) -> datetime | None:
        """Keep a ready asset for a job that will be stored within NAMING. The database's time; None when the asset
        is not the account's, or not ready: such a job must not be stored."""
        age: Expression = {"$subtract": [NOW, int(NAMING.total_seconds() * 1000)]}
        known: Expression = {"$ifNull": ["$naming", []]}
        mine: Expression = {"job": literal(job), "at": NOW}
        after = await self._assets.find_one_and_update(
            {"_id": asset, "account_id": account, "state": AssetState.READY},
            [
                {"$set": {"naming": {"$filter": {"input": known, "cond": {"$gt": ["$$this.at", age]}}}}},
                {
                    "$set": {
                        "naming": {"$slice": [{"$concatArrays": ["$naming", [mine]]}, -MOST_NAMED]},
                        "crowded_until": {
                            "$cond": [{"$gte": [{"$size": "$naming"}, MOST_NAMED]}, later(NAMING), "$crowded_until"]
                        },
                    }
                },
            ],
            projection={"naming": {"$slice": -1}},
            return_document=ReturnDocument.AFTER,
        )
        return cast("datetime", after["naming"][0]["at"]) if after is not None else None

    async def get(self, account: AccountId, asset: AssetId) -> Asset | None:
        """The account's asset, staged or ready; None for unknown ids and for other accounts' ids alike."""
        document = await self._assets.find_one({"_id": asset, "account_id": account})
        return _CODEC.decode(document) if document is not None else None

    async def among(self, account: AccountId, assets: Collection[AssetId]) -> list[Asset]:
        """Those of these assets that are the account's, staged or ready, in any order."""
        query = {"_id": {"$in": list(assets)}, "account_id": account, "state": {"$ne": AssetState.DISCARDED}}
        return [_CODEC.decode(document) async for document in self._assets.find(query)]

    async def of_digest(self, account: AccountId, sha256: str) -> Asset | None:
        """The account's newest ready input with these bytes. Other accounts' bytes are never looked at, nor is what
        jobs made, which goes with their data, or what is to go at a time of its own."""
        own: Document = {"purpose": Purpose.INPUT, "expires_at": None}
        query = {"account_id": account, "sha256": sha256, "state": AssetState.READY} | own
        document = await self._assets.find_one(query, sort=[("_id", DESCENDING)])
        return _CODEC.decode(document) if document is not None else None

    async def page(self, account: AccountId, where: AssetFilter, *, before: AssetId | None, limit: int) -> list[Asset]:
        """Up to `limit` ready assets, newest first, older than `before`."""
        query = _ready(account, where)
        if before is not None:
            query["_id"] = {"$lt": before}
        cursor = self._assets.find(query).sort([("_id", DESCENDING)]).limit(limit)
        return [_CODEC.decode(document) async for document in cursor]

    async def numbered(
        self, account: AccountId, where: AssetFilter, *, skip: int, limit: int, most: int
    ) -> tuple[list[Asset], int]:
        """Up to `limit` ready ones behind the `skip` newest, and how many there are, or `most` where that is fewer."""
        query = _ready(account, where)
        cursor = self._assets.find(query).sort([("_id", DESCENDING)]).skip(skip).limit(limit)
        found = [_CODEC.decode(document) async for document in cursor]
        return found, int(await self._assets.count_documents(query, limit=most))

    async def unsettled_before(self, moment: datetime, *, after: datetime, limit: int) -> list[Asset]:
        """Staged assets from between the moments, oldest first."""
        query = {"state": AssetState.STAGED, "created_at": {"$gt": after, "$lt": moment}}
        cursor = self._assets.find(query).sort("created_at", ASCENDING).limit(limit)
        return [_CODEC.decode(document) async for document in cursor]

    async def keep(self, account: AccountId, asset: AssetId, life: timedelta | None) -> Asset | None:
        """Let it go so long from now, or None: not by itself. The asset then; None where it is gone, or not theirs."""
        ends: Expression = later(life) if life is not None else None
        document = await self._assets.find_one_and_update(
            {"_id": asset, "account_id": account, "state": {"$ne": AssetState.DISCARDED}},
            [{"$set": {"expires_at": ends}}],
            return_document=ReturnDocument.AFTER,
        )
        return _CODEC.decode(document) if document is not None else None

    async def expired(self, now: datetime, *, after: datetime, limit: int) -> list[Asset]:
        """Ready assets whose time ended between the moments (database time), longest ago first."""
        # The type as well: without it the index, which holds those that have an end, does not serve the query.
        query = {"expires_at": {"$type": "date", "$gt": after, "$lte": now}, "state": AssetState.READY}
        cursor = self._assets.find(query).sort("expires_at", ASCENDING).limit(limit)
        return [_CODEC.decode(document) async for document in cursor]

    async def discarded(self, *, limit: int) -> list[Asset]:
        """Discarded assets, oldest first, whose bytes are perhaps still stored."""
        cursor = self._assets.find({"state": AssetState.DISCARDED}).sort("created_at", ASCENDING).limit(limit)
        return [_CODEC.decode(document) async for document in cursor]

    async def forget(self, assets: Sequence[AssetId]) -> None:
        """Remove documents whose objects are gone. Only discarded ones are ever touched."""
        await self._assets.delete_many({"_id": {"$in": list(assets)}, "state": AssetState.DISCARDED})


def _ready(account: AccountId, where: AssetFilter) -> Document:
    query: Document = {"account_id": account, "state": AssetState.READY}
    if where.purpose is not None:
        query["purpose"] = where.purpose
    if where.kind is not None:
        query["content_type"] = {"$gte": f"{where.kind}/", "$lt": f"{where.kind}0"}  # "0" follows "/" in ASCII
    return query
