"""API keys as their owners look after them. Whom a key opens the door for is asked of `store.accounts`."""

import secrets
from dataclasses import asdict
from datetime import timedelta
from typing import Literal

from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError

from reelwork.domain.access import MOST_KEYS, Powers
from reelwork.domain.account import ApiKey
from reelwork.domain.ids import AccountId, KeyId
from reelwork.store.client import Database, Document, adapter
from reelwork.store.codec import Codec
from reelwork.store.pipeline import NOW, Expression, later, literal

# A key's `last_used_at` is written at most so often.
USE_NOTED_EVERY = timedelta(minutes=1)

KeyState = Literal["active", "expired", "revoked"]

_KEYS = Codec(ApiKey)
_ENDS: Expression = {"$ifNull": ["$expires_at", None]}
_EXPIRED: Expression = {"$and": [{"$ne": [_ENDS, None]}, {"$lte": [_ENDS, NOW]}]}
_LIVE: Document = {"revoked": False, "$expr": {"$not": [_EXPIRED]}}
_STATES: dict[KeyState, Document] = {
    "active": _LIVE,
    "expired": {"revoked": False, "$expr": _EXPIRED},
    "revoked": {"revoked": True},
}


@adapter
class Keys:
    """The `keys` collection. Live keys that were made over HTTP hold one of `MOST_KEYS` places of their account, by a
    unique index: so many requests at once cannot make more. Keys of the command line hold none."""

    INDEXES = (
        IndexModel([("account_id", ASCENDING), ("_id", DESCENDING)], name="newest"),
        IndexModel(
            [("account_id", ASCENDING), ("place", ASCENDING)],
            name="places",
            unique=True,
            partialFilterExpression={"place": {"$exists": True}},
        ),
    )

    def __init__(self, database: Database) -> None:
        self._keys = database["keys"]

    async def get(self, account: AccountId, key: KeyId) -> ApiKey | None:
        """The account's key; None for unknown ids and for other accounts' ids alike."""
        document = await self._keys.find_one({"_id": key, "account_id": account})
        return _KEYS.decode(document) if document is not None else None

    async def page(
        self, account: AccountId, state: KeyState | None, *, before: KeyId | None, limit: int
    ) -> list[ApiKey]:
        """Up to `limit` keys in this state (None: all), newest first, older than `before`."""
        query: Document = {"account_id": account} | (_STATES[state] if state is not None else {})
        if before is not None:
            query["_id"] = {"$lt": before}
        cursor = self._keys.find(query).sort("_id", DESCENDING).limit(limit)
        return [_KEYS.decode(document) async for document in cursor]

    async def add(self, key: ApiKey) -> bool:
        """Store a key at a free place of its account; on disk when this returns. False where there is none."""
        dead = {"account_id": key.account_id, "place": {"$exists": True}, "$expr": _EXPIRED}
        await self._keys.update_many(dead, {"$unset": {"place": ""}})
        while (place := await self._free_place(key.account_id)) is not None:
            document = _KEYS.encode(key) | {"scopes": sorted(key.scopes), "place": place}
            try:
                await self._keys.insert_one(document)
            except DuplicateKeyError:  # another request took the place
                continue
            return True
        return False

    async def change(self, account: AccountId, key: KeyId, known: ApiKey, powers: Powers) -> ApiKey | None:
        """Let a live key that is still as `known` do this from now on. None if it is not."""
        sets = asdict(powers) | {"scopes": sorted(powers.scopes)}
        document = await self._keys.find_one_and_update(
            {"_id": key, "account_id": account, **_LIVE, **_as_known(known)},
            {"$set": sets},
            return_document=ReturnDocument.AFTER,
        )
        return _KEYS.decode(document) if document is not None else None

    async def replace(self, account: AccountId, key: KeyId, by: KeyId, *, overlap: timedelta) -> ApiKey | None:
        """Let a live key end after `overlap`, or when it would anyway, in favour of another one.

        None if it was replaced before, or is not live.
        """
        ends: Expression = {"$min": [_ENDS, later(overlap)]}  # $min passes over null
        document = await self._keys.find_one_and_update(
            {"_id": key, "account_id": account, "replaced_by": None, **_LIVE},
            [{"$set": {"expires_at": ends, "replaced_by": literal(by)}}],
            return_document=ReturnDocument.AFTER,
        )
        return _KEYS.decode(document) if document is not None else None

    async def revoke(self, account: AccountId, key: KeyId) -> bool:
        """Let a key open nothing any more; safe to repeat. False for a key that is not the account's."""
        revoked = await self._keys.update_one(
            {"_id": key, "account_id": account}, {"$set": {"revoked": True}, "$unset": {"place": ""}}
        )
        return bool(revoked.matched_count)

    async def note_use(self, key: KeyId) -> None:
        """Say that a key was used now; nothing if that was said within the last minute."""
        ago = {"$subtract": [NOW, int(USE_NOTED_EVERY.total_seconds() * 1000)]}
        unnoted = {"$lt": [{"$ifNull": ["$last_used_at", None]}, ago]}  # null is before every moment
        await self._keys.update_one({"_id": key, "$expr": unnoted}, [{"$set": {"last_used_at": NOW}}])

    async def _free_place(self, account: AccountId) -> int | None:
        query = {"account_id": account, "place": {"$exists": True}}
        taken = {document["place"] async for document in self._keys.find(query, {"place": 1})}
        free = [place for place in range(MOST_KEYS) if place not in taken]
        return secrets.choice(free) if free else None  # any of them: others look for one as well


def _as_known(key: ApiKey) -> Document:
    """What a change is made from: another change meanwhile must not be lost."""
    known = asdict(Powers.of(key)) | {"replaced_by": key.replaced_by}
    known["scopes"] = {"$size": len(key.scopes), "$all": sorted(key.scopes)} if key.scopes else []
    for field in ("models", "allowed_ips"):
        known[field] = list(known[field]) or {"$in": [[], None]}  # None: documents from before there was such a field
    known["name"] = key.name or {"$in": ["", None]}
    return known
