"""Holds: an account's queue stands still until its owner lets it go on.

The account's document is the truth, with a version that grows with every order; lanes follow it, and a late order
loses to a newer one. An account whose lanes may not have followed yet is marked, for the reconciler.
"""

from collections.abc import Collection, Sequence
from typing import cast

from pymongo import ASCENDING, IndexModel, ReturnDocument, WriteConcern

from reelwork.domain.account import Account
from reelwork.domain.ids import AccountId, LaneId
from reelwork.domain.lane import LaneTerms
from reelwork.store.accounts import ACCOUNT_CODEC
from reelwork.store.client import Database, Document, adapter
from reelwork.store.entitlements import entitled, idle
from reelwork.store.lanes import Lanes
from reelwork.store.pipeline import NOW, RECOUNT, Expression


@adapter
class Holds:
    """What is held, in `accounts`, and what follows from it, in `lanes`."""

    ACCOUNT_INDEXES = (
        IndexModel([("hold_pending", ASCENDING)], name="hold_pending", partialFilterExpression={"hold_pending": True}),
    )

    def __init__(self, database: Database, lanes: Lanes) -> None:
        self._accounts = database["accounts"]
        # Waited for on disk, unlike other writes of lanes: whoever was told that the queue stands still relies on it.
        self._lanes = database.get_collection("lanes", write_concern=WriteConcern("majority", j=True))
        self._virtual_time = lanes.virtual_time

    async def order(self, account: AccountId, pools: Sequence[str], *, held: bool) -> Account | None:
        """Write down what the owner wants; it is durable when this returns. None for an account that is not there."""
        fields = [f"held_pools.{pool}" for pool in pools]
        change: Document = {"$unset": fields}
        if held:  # who is held already stays held since then
            change = {"$set": {field: {"$ifNull": [f"${field}", NOW]} for field in fields}}
        version: Expression = {"$add": [{"$ifNull": ["$hold_version", 0]}, 1]}
        stored = await self._accounts.find_one_and_update(
            {"_id": account},
            [change, {"$set": {"hold_version": version, "hold_pending": True}}],
            return_document=ReturnDocument.AFTER,
        )
        return ACCOUNT_CODEC.decode(stored) if stored is not None else None

    async def follow(self, account: Account, terms: LaneTerms) -> bool:
        """Let the lane do what the account says, unless it has heard something newer. True: it was let go on by this.

        A lane that is held is there from now on, so that nobody can open it anew without knowing of the hold.
        """
        if terms.held:
            await self._hold(account, terms)
            return False
        return await self._let_go(account, terms)

    async def _hold(self, account: Account, terms: LaneTerms) -> None:
        fields: Document = {**idle(terms), **entitled(terms)}
        fields["paused"] = {"$cond": [_newer(account), True, "$paused"]}
        fields["hold_version"] = {"$max": ["$hold_version", account.hold_version]}
        await self._lanes.update_one({"_id": terms.id}, [{"$set": fields}, RECOUNT], upsert=True)

    async def _let_go(self, account: Account, terms: LaneTerms) -> bool:
        """A lane that was held starts again at the pool's time: what it did not use meanwhile is not saved up."""
        virtual_time = await self._virtual_time(terms.pool)
        let_go: Expression = {"$and": ["$paused", _newer(account)]}
        before = await self._lanes.find_one_and_update(
            {"_id": terms.id},
            [
                {
                    "$set": {
                        "vstart": {"$cond": [let_go, {"$max": ["$vstart", virtual_time]}, "$vstart"]},
                        "paused": {"$cond": [_newer(account), False, "$paused"]},
                        "hold_version": {"$max": ["$hold_version", account.hold_version]},
                    }
                }
            ],
            projection={"paused": 1, "hold_version": 1},
            return_document=ReturnDocument.BEFORE,
        )
        return bool(before and before["paused"] and before.get("hold_version", 0) < account.hold_version)

    async def followed(self, account: Account) -> None:
        """All lanes have followed this order; a newer one stays to be followed."""
        done = {"_id": account.id, "hold_version": account.hold_version}
        await self._accounts.update_one(done, {"$unset": {"hold_pending": ""}})

    async def pending(self, *, limit: int) -> list[Account]:
        """Accounts whose lanes may not have followed yet."""
        cursor = self._accounts.find({"hold_pending": True}).limit(limit)
        return [ACCOUNT_CODEC.decode(document) async for document in cursor]

    async def held(self, lanes: Collection[LaneId]) -> set[str]:
        """Those of these lanes that stand still by their owners' word."""
        return {
            lane["_id"] async for lane in self._lanes.find({"_id": {"$in": list(lanes)}, "paused": True}, {"_id": 1})
        }

    async def places(self, lanes: Sequence[LaneId]) -> list[str]:
        """The places that are taken in these lanes now."""
        cursor = self._lanes.find({"_id": {"$in": list(lanes)}}, {"slots.id": 1})
        return [cast("str", slot["id"]) async for lane in cursor for slot in lane["slots"]]


def _newer(account: Account) -> Expression:
    return {"$lt": [{"$ifNull": ["$hold_version", 0]}, account.hold_version]}
