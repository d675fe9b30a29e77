"""Assets: what is known of stored bytes. A document is staged before its bytes are written, and outlives them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pymongo import ASCENDING, DESCENDING, IndexModel

from reelwork.domain.asset import Asset, AssetState, Purpose
from reelwork.domain.ids import AccountId, AssetId
from reelwork.store.client import Database, Document, adapter
from reelwork.store.codec import Codec

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
    )

    def __init__(self, database: Database) -> None:
        self._assets = database["assets"]

    async def stage(self, asset: Asset) -> None:
        """Write down that bytes are about to be stored under `asset.key`."""
        await self._assets.insert_one(_CODEC.encode(asset))

    async def commit(self, assets: Sequence[AssetId]) -> None:
        """staged -> ready: the bytes are there and belong to somebody."""
        for asset in assets:  # one by one: the driver repeats a single update whose answer was lost
            query = {"_id": asset, "state": AssetState.STAGED}
            await self._assets.update_one(query, {"$set": {"state": AssetState.READY}})

    async def condemn(self, asset: AssetId) -> bool:
        """staged -> discarded: the bytes belong to nobody. False for one that is ready, or gone: hands off."""
        query = {"_id": asset, "state": {"$in": [AssetState.STAGED, AssetState.DISCARDED]}}
        condemned = await self._assets.update_one(query, {"$set": {"state": AssetState.DISCARDED}})
        return bool(condemned.matched_count)

    async def get(self, account: AccountId, asset: AssetId) -> Asset | None:
        """The account's asset, staged or ready; None for unknown ids and for other accounts' ids alike."""
        document = await self._assets.find_one({"_id": asset, "account_id": account})
        return _CODEC.decode(document) if document is not None else None

    async def page(self, account: AccountId, where: AssetFilter, *, before: AssetId | None, limit: int) -> list[Asset]:
        """Up to `limit` ready assets, newest first, older than `before`."""
        query: Document = {"account_id": account, "state": AssetState.READY}
        if before is not None:
            query["_id"] = {"$lt": before}
        if where.purpose is not None:
            query["purpose"] = where.purpose
        if where.kind is not None:
            query["content_type"] = {"$gte": f"{where.kind}/", "$lt": f"{where.kind}0"}  # "0" follows "/" in ASCII
        cursor = self._assets.find(query).sort([("_id", DESCENDING)]).limit(limit)
        return [_CODEC.decode(document) async for document in cursor]

    async def unsettled_before(self, moment: datetime, *, after: datetime, limit: int) -> list[Asset]:
        """Assets from between the moments, oldest first, that are staged, or discarded but perhaps still stored."""
        unsettled = [AssetState.STAGED, AssetState.DISCARDED]
        query = {"state": {"$in": unsettled}, "created_at": {"$gt": after, "$lt": moment}}
        cursor = self._assets.find(query).sort("created_at", ASCENDING).limit(limit)
        return [_CODEC.decode(document) async for document in cursor]

    async def forget(self, assets: Sequence[AssetId]) -> None:
        """Remove documents whose objects are gone. Only discarded ones are ever touched."""
        await self._assets.delete_many({"_id": {"$in": list(assets)}, "state": AssetState.DISCARDED})
