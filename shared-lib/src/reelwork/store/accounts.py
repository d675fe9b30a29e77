"""Accounts and API keys. Keys are stored as digests; the key itself is nowhere."""

from dataclasses import asdict
from typing import cast

from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument

from reelwork.domain.account import Account, ApiKey, Scope
from reelwork.domain.ids import AccountId, KeyId
from reelwork.domain.job import Retention
from reelwork.store.client import Database, Document, adapter
from reelwork.store.codec import Codec

ACCOUNT_CODEC = Codec(Account)
_KEYS = Codec(ApiKey)


@adapter
class Accounts:
    """The `accounts` and `keys` collections."""

    ACCOUNT_INDEXES = (IndexModel([("name", ASCENDING)], name="name", unique=True),)
    KEY_INDEXES = (IndexModel([("account_id", ASCENDING)], name="account"),)

    def __init__(self, database: Database) -> None:
        self._accounts = database["accounts"]
        self._keys = database["keys"]

    async def add(self, account: Account) -> Account:
        """Store an account, or give the one that has its name already: safe to repeat."""
        document = ACCOUNT_CODEC.encode(account)
        stored = await self._accounts.find_one_and_update(
            {"name": account.name},
            {"$setOnInsert": document},
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        return ACCOUNT_CODEC.decode(cast("Document", stored))  # an upsert always answers a document

    async def set_retention(self, name: str, retention: Retention) -> bool:
        """The default for new jobs of the account of this name; False when there is none."""
        kept = await self._accounts.update_one({"name": name}, {"$set": {"retention": asdict(retention)}})
        return bool(kept.matched_count)

    async def get(self, account: AccountId) -> Account | None:
        document = await self._accounts.find_one({"_id": account})
        return ACCOUNT_CODEC.decode(document) if document is not None else None

    async def newest(self, *, before: AccountId | None, limit: int) -> list[Account]:
        """Accounts, newest first, made before this one."""
        where = {"_id": {"$lt": before}} if before is not None else {}
        found = self._accounts.find(where).sort("_id", DESCENDING).limit(limit)
        return [ACCOUNT_CODEC.decode(document) async for document in found]

    async def add_key(self, key: ApiKey) -> None:
        document = _KEYS.encode(key)
        await self._keys.insert_one(document | {"scopes": sorted(key.scopes)})

    async def grant(self, key: KeyId, *scopes: Scope) -> None:
        """Let a key do more than before. Nothing for a key that is not there."""
        await self._keys.update_one({"_id": key}, {"$addToSet": {"scopes": {"$each": sorted(scopes)}}})

    async def key(self, key: KeyId) -> ApiKey | None:
        document = await self._keys.find_one({"_id": key})
        return _KEYS.decode(document) if document is not None else None
