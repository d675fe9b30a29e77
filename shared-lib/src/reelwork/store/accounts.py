"""Accounts and API keys. Keys are stored as digests; the key itself is nowhere."""

from collections.abc import Mapping
from typing import cast

from pymongo import ASCENDING, IndexModel, ReturnDocument

from reelwork.domain.account import Account, ApiKey, Scope
from reelwork.domain.ids import AccountId, KeyId
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

    async def keep(self, account: AccountId, changes: Mapping[str, int | None]) -> Account | None:
        """Set fields by their dotted names; the account as it is then, None when there is none."""
        stored = await self._accounts.find_one_and_update(
            {"_id": account}, {"$set": dict(changes)}, return_document=ReturnDocument.AFTER
        )
        return ACCOUNT_CODEC.decode(stored) if stored is not None else None

    async def get(self, account: AccountId) -> Account | None:
        document = await self._accounts.find_one({"_id": account})
        return ACCOUNT_CODEC.decode(document) if document is not None else None

    async def named(self, name: str) -> Account | None:
        """The account of this name."""
        document = await self._accounts.find_one({"name": name})
        return ACCOUNT_CODEC.decode(document) if document is not None else None

    async def add_key(self, key: ApiKey) -> None:
        document = _KEYS.encode(key)
        await self._keys.insert_one(document | {"scopes": sorted(key.scopes)})

    async def grant(self, key: KeyId, *scopes: Scope) -> None:
        """Let a key do more than before. Nothing for a key that is not there."""
        await self._keys.update_one({"_id": key}, {"$addToSet": {"scopes": {"$each": sorted(scopes)}}})

    async def key(self, key: KeyId) -> ApiKey | None:
        document = await self._keys.find_one({"_id": key})
        return _KEYS.decode(document) if document is not None else None
