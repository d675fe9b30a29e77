"""Accounts as operators look through them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pymongo import ASCENDING, DESCENDING, IndexModel

from reelwork.domain.account import Account
from reelwork.domain.ids import AccountId
from reelwork.domain.tier import Tier
from reelwork.store.accounts import ACCOUNT_CODEC
from reelwork.store.client import Database, Document, adapter

# Behind every name that begins alike: the last character there is.
_LAST = "\U0010ffff"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFilter:
    """All of it has to hold; what is empty or None is not asked for. `name_prefix`: how its name begins."""

    tiers: Sequence[Tier] = ()
    suspended: bool | None = None
    name_prefix: str = ""


@adapter
class Directory:
    """Reads `accounts`."""

    ACCOUNT_INDEXES = (IndexModel([("tier", ASCENDING), ("_id", DESCENDING)], name="newest_by_tier"),)

    def __init__(self, database: Database) -> None:
        self._accounts = database["accounts"]

    async def page(self, where: AccountFilter, *, before: AccountId | None, limit: int) -> list[Account]:
        """Up to `limit` accounts, newest first, older than `before`."""
        query: Document = {"_id": {"$lt": before}} if before is not None else {}
        if where.tiers:
            query["tier"] = {"$in": [tier.value for tier in where.tiers]}
        if where.suspended is not None:
            query["suspended_at"] = {"$type": "date"} if where.suspended else None
        if where.name_prefix:
            query["name"] = {"$gte": where.name_prefix, "$lt": where.name_prefix + _LAST}
        cursor = self._accounts.find(query).sort("_id", DESCENDING).limit(limit)
        return [ACCOUNT_CODEC.decode(document) async for document in cursor]

    async def named(self, name: str) -> Account | None:
        """The account of this name."""
        document = await self._accounts.find_one({"name": name})
        return ACCOUNT_CODEC.decode(document) if document is not None else None

    async def names(self, accounts: Collection[AccountId]) -> dict[AccountId, str]:
        """What these accounts are called; without those that are not there."""
        cursor = self._accounts.find({"_id": {"$in": list(accounts)}}, {"name": 1})
        return {account["_id"]: account["name"] async for account in cursor}

    async def tiers(self, accounts: Collection[AccountId]) -> dict[AccountId, Tier]:
        """What plans these accounts have; without those that are not there."""
        cursor = self._accounts.find({"_id": {"$in": list(accounts)}}, {"tier": 1})
        return {account["_id"]: Tier(account["tier"]) async for account in cursor}
