"""Changes of what an account is entitled to: its tier, its own weight, its suspension.

The account's document is the truth, with a version that grows with every change; lanes follow it, and a late one loses
to a newer one. An account whose lanes may not have followed yet is marked, for the reconciler.
"""

from dataclasses import dataclass

from pymongo import ASCENDING, IndexModel, ReturnDocument, WriteConcern
from pymongo.errors import DuplicateKeyError

from reelwork.domain.account import Account
from reelwork.domain.errors import InvalidState
from reelwork.domain.lane import LaneTerms
from reelwork.domain.tier import Tier
from reelwork.store.accounts import ACCOUNT_CODEC
from reelwork.store.client import Database, Document, adapter
from reelwork.store.entitlements import entitled, idle, overtaken
from reelwork.store.lanes import Lanes
from reelwork.store.pipeline import NOW, RECOUNT, Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountTerms:
    """What an operator decides about an account. `weight`: None for its tier's."""

    name: str
    tier: Tier
    weight: int | None
    suspended: bool

    @classmethod
    def of(cls, account: Account) -> "AccountTerms":
        return cls(
            name=account.name, tier=account.tier, weight=account.weight, suspended=account.suspended_at is not None
        )


@adapter
class AccountPlans:
    """What operators decided, in `accounts`, and what follows from it, in `lanes`."""

    ACCOUNT_INDEXES = (
        IndexModel([("plan_pending", ASCENDING)], name="plan_pending", partialFilterExpression={"plan_pending": True}),
    )

    def __init__(self, database: Database, lanes: Lanes) -> None:
        self._accounts = database["accounts"]
        # Waited for on disk, unlike other writes of lanes: whoever was told that nothing more starts relies on it.
        self._lanes = database.get_collection("lanes", write_concern=WriteConcern("majority", j=True))
        self._virtual_time = lanes.virtual_time

    async def change(self, seen: Account, wanted: AccountTerms) -> Account | None:
        """Write down what is wanted of an account that is as it was seen; it is durable when this returns.

        None when it has changed meanwhile, or is not there. Raises InvalidState where another one has the name.
        """
        since: Expression = {"$ifNull": ["$suspended_at", NOW]} if wanted.suspended else None
        as_seen: Document = {"plan_version": seen.plan_version}
        if not seen.plan_version:  # an account from before there were versions has none
            as_seen = {"$or": [as_seen, {"plan_version": {"$exists": False}}]}
        fields: Document = {
            "name": {"$literal": wanted.name},
            "tier": {"$literal": wanted.tier.value},
            "weight": wanted.weight,
            "suspended_at": since,
            "plan_version": seen.plan_version + 1,
            "plan_pending": True,
        }
        try:
            stored = await self._accounts.find_one_and_update(
                {"_id": seen.id, **as_seen}, [{"$set": fields}], return_document=ReturnDocument.AFTER
            )
        except DuplicateKeyError as error:
            raise InvalidState(f"Another account is called {wanted.name!r}.", hint="Choose another name.") from error
        return ACCOUNT_CODEC.decode(stored) if stored is not None else None

    async def follow(self, terms: LaneTerms) -> bool:
        """Let the lane have what these terms give it, unless it has heard of newer ones. True: it has more places now.

        A lane is there from now on, so that nobody can open it anew by an older plan. What it is ahead of the pool's
        time is measured by its weight, as in stride scheduling when tickets change (Waldspurger and Weihl 1995); one
        that waited for its own limit starts again at the pool's time.
        """
        virtual_time = await self._virtual_time(terms.pool)
        ahead: Expression = {"$subtract": ["$vstart", virtual_time]}
        scale: Expression = {"$divide": [{"$ifNull": ["$weight", terms.weight]}, terms.weight]}
        moved: Expression = {
            "$switch": {
                "branches": [
                    {"case": overtaken(terms), "then": "$vstart"},
                    {"case": {"$gt": [ahead, 0]}, "then": {"$add": [virtual_time, {"$multiply": [ahead, scale]}]}},
                    {"case": {"$ifNull": ["$full", False]}, "then": virtual_time},
                ],
                "default": "$vstart",
            }
        }
        charged: Expression = {"$mergeObjects": ["$$this", {"charge": {"$multiply": ["$$this.charge", scale]}}]}
        kept: Expression = {"$map": {"input": "$slots", "in": charged}}  # what they give back is what they took
        rescaled: Expression = {"$cond": [overtaken(terms), "$slots", kept]}
        before = await self._lanes.find_one_and_update(
            {"_id": terms.id},
            [{"$set": idle(terms)}, {"$set": {"vstart": moved, "slots": rescaled, **entitled(terms)}}, RECOUNT],
            projection={"limit": 1, "plan_version": 1},
            upsert=True,
            return_document=ReturnDocument.BEFORE,
        )
        if before is None:
            return False
        return bool(before.get("plan_version", 0) <= terms.plan_version and before["limit"] < terms.limit)

    async def followed(self, account: Account) -> None:
        """All lanes have followed this change; a newer one stays to be followed."""
        done = {"_id": account.id, "plan_version": account.plan_version}
        await self._accounts.update_one(done, {"$unset": {"plan_pending": ""}})

    async def pending(self, *, limit: int) -> list[Account]:
        """Accounts whose lanes may not have followed yet."""
        cursor = self._accounts.find({"plan_pending": True}).limit(limit)
        return [ACCOUNT_CODEC.decode(document) async for document in cursor]
