"""One-time tickets that open one event stream each, for browsers, whose EventSource can send no key."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from pymongo import ASCENDING, IndexModel, ReturnDocument

from reelwork.domain.account import digest
from reelwork.domain.ids import KeyId
from reelwork.store.client import Database, Document, adapter
from reelwork.store.pipeline import NOW, later, literal

LIFE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamTicket:
    """What a ticket stands for: the key that it was given to."""

    key_id: KeyId
    expires_at: datetime


@adapter
class StreamTickets:
    """The `stream_tickets` collection: digests, removed by MongoDB when their time is over."""

    INDEXES = (IndexModel([("expires_at", ASCENDING)], name="expiry", expireAfterSeconds=0),)

    def __init__(self, database: Database) -> None:
        self._tickets = database["stream_tickets"]

    async def add(self, secret: str, key: KeyId) -> StreamTicket:
        """A ticket that is good for `LIFE` from now."""
        document = await self._tickets.find_one_and_update(
            {"_id": digest(secret)},
            [{"$set": {"key_id": literal(key), "expires_at": later(LIFE)}}],
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        return _ticket(cast("Document", document))  # an upsert always answers a document

    async def take(self, secret: str, *, keep: bool = False) -> StreamTicket | None:
        """The ticket, which is used up by this unless it is to be kept; None for one that is unknown, used, or too
        old."""
        good = {"_id": digest(secret), "$expr": {"$gt": ["$expires_at", NOW]}}
        document = await (self._tickets.find_one(good) if keep else self._tickets.find_one_and_delete(good))
        return _ticket(document) if document is not None else None


def _ticket(document: Document) -> StreamTicket:
    return StreamTicket(key_id=document["key_id"], expires_at=document["expires_at"])
