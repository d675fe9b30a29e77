"""The keys that access tokens are signed with. What is private in them comes sealed, and is not understood here."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from reelwork.store.client import Database, Document, adapter, server_time
from reelwork.store.pipeline import NOW, Expression, later

# How long a key signs before another one is made, and how long it is published after its last token has died.
SIGNS_FOR = timedelta(days=30)
TOKEN_LIFE = timedelta(minutes=15)
_SLACK = timedelta(minutes=5)

_PUBLISHED: Document = {
    "$expr": {
        "$or": [{"$eq": [{"$ifNull": ["$expires_at", None]}, None]}, {"$gt": ["$expires_at", NOW]}],
    }
}

_OLD: Expression = {"$lte": ["$created_at", {"$subtract": [NOW, int(SIGNS_FOR.total_seconds() * 1000)]}]}
_READ: Document = {
    **dict.fromkeys(("generation", "public", "private", "sealed", "created_at"), 1),
    "retired": {"$or": [{"$eq": ["$retired", True]}, _OLD]},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """`public`: the 32 bytes of an Ed25519 key. `private`: 32 bytes as well, or with `sealed` what they were made.

    `retired`: it signs no more.
    """

    id: str
    generation: int
    public: bytes
    private: bytes = field(repr=False)
    sealed: bool
    created_at: datetime
    retired: bool = False


@adapter
class SigningKeys:
    """The `signing_keys` collection. The one of the highest generation signs; those before it are published until
    their tokens are dead, then MongoDB removes them."""

    INDEXES = (
        IndexModel([("generation", DESCENDING)], name="generation", unique=True),
        IndexModel([("expires_at", ASCENDING)], name="expiry", expireAfterSeconds=0),
    )

    def __init__(self, database: Database) -> None:
        self._database = database
        self._keys = database["signing_keys"]

    async def latest(self) -> SigningKey | None:
        """The one of the highest generation, retired or not."""
        document = await self._keys.find_one({}, _READ, sort=[("generation", DESCENDING)])
        return _signing_key(document) if document is not None else None

    async def add(self, key: SigningKey) -> bool:
        """Store a new one, and let the older ones retire. False if somebody else made this generation.

        Its generation is the one after the `latest` that was found lacking: so of many who find that, one succeeds.
        """
        document = {
            "_id": key.id,
            "generation": key.generation,
            "public": key.public,
            "private": key.private,
            "sealed": key.sealed,
            "created_at": await server_time(self._database),
        }
        try:
            await self._keys.insert_one(document)
        except DuplicateKeyError:
            return False
        await self._retire({"generation": {"$lt": key.generation}})
        return True

    async def retire(self) -> None:
        """Let no key sign any more: the next token is signed by a new one. Tokens that are out stay good."""
        await self._retire({})

    async def remove(self) -> None:
        """Let every token that is out be worthless. Gateways notice within seconds."""
        await self._keys.update_many({}, [{"$set": {"retired": True, "expires_at": NOW}}])

    async def published(self, key: str | None = None) -> list[SigningKey]:
        """Those whose tokens are good, newest first; with `key` that one at most."""
        query = _PUBLISHED | ({"_id": key} if key is not None else {})
        cursor = self._keys.find(query, _READ).sort("generation", DESCENDING)
        return [_signing_key(document) async for document in cursor]

    async def _retire(self, which: Document) -> None:
        until = {"$min": ["$expires_at", later(TOKEN_LIFE + _SLACK)]}  # $min passes over what is missing
        await self._keys.update_many(which, [{"$set": {"retired": True, "expires_at": until}}])


def _signing_key(document: Document) -> SigningKey:
    return SigningKey(
        id=document["_id"],
        generation=document["generation"],
        public=bytes(document["public"]),
        private=bytes(document["private"]),
        sealed=document["sealed"],
        created_at=document["created_at"],
        retired=document["retired"],
    )
