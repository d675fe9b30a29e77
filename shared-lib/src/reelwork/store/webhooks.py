"""Endpoints that hear of an account's jobs, and the secret that signs what single jobs have sent."""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from pydantic import TypeAdapter
from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError

from reelwork.domain.ids import AccountId, WebhookId
from reelwork.domain.webhook import MOST_WEBHOOKS, Secret, Webhook
from reelwork.store.client import Database, Document, adapter
from reelwork.store.codec import Codec
from reelwork.store.pipeline import NOW, Expression, later, literal

_WEBHOOKS = Codec(Webhook)
_SECRETS = TypeAdapter(tuple[Secret, ...])
# The newest and those it replaced lately.
_MOST_SECRETS = 5


@adapter
class Webhooks:
    """The collections `webhooks` and `webhook_secrets`. Endpoints hold one of `MOST_WEBHOOKS` places of their account,
    by a unique index: so many requests at once cannot make more."""

    INDEXES = (
        IndexModel([("account_id", ASCENDING), ("_id", DESCENDING)], name="newest"),
        IndexModel([("account_id", ASCENDING), ("place", ASCENDING)], name="places", unique=True),
    )

    def __init__(self, database: Database) -> None:
        self._webhooks = database["webhooks"]
        self._secrets = database["webhook_secrets"]

    async def add(self, webhook: Webhook) -> bool:
        """Store an endpoint at a free place of its account; False where there is none."""
        for place in range(MOST_WEBHOOKS):
            try:
                await self._webhooks.insert_one(_WEBHOOKS.encode(webhook) | {"place": place})
            except DuplicateKeyError:
                continue
            return True
        return False

    async def get(self, account: AccountId, webhook: WebhookId) -> Webhook | None:
        """The account's endpoint; None for unknown ids and for other accounts' ids alike."""
        document = await self._webhooks.find_one({"_id": webhook, "account_id": account})
        return _WEBHOOKS.decode(document) if document is not None else None

    async def of_account(self, account: AccountId) -> list[Webhook]:
        """All of them, newest first."""
        cursor = self._webhooks.find({"account_id": account}).sort("_id", DESCENDING)
        return [_WEBHOOKS.decode(document) async for document in cursor]

    async def enabled(self, accounts: Collection[AccountId]) -> list[Webhook]:
        """Those of these accounts that want to hear of anything."""
        cursor = self._webhooks.find({"account_id": {"$in": list(accounts)}, "enabled": True})
        return [_WEBHOOKS.decode(document) async for document in cursor]

    async def any_enabled(self, account: AccountId) -> bool:
        return await self._webhooks.find_one({"account_id": account, "enabled": True}, {"_id": 1}) is not None

    async def change(self, account: AccountId, webhook: WebhookId, fields: Mapping[str, Any]) -> Webhook | None:
        """Set these fields of an endpoint; None if there is none. `Any`: the fields' own types."""
        document = await self._webhooks.find_one_and_update(
            {"_id": webhook, "account_id": account}, {"$set": fields}, return_document=ReturnDocument.AFTER
        )
        return _WEBHOOKS.decode(document) if document is not None else None

    async def remove(self, account: AccountId, webhook: WebhookId) -> bool:
        removed = await self._webhooks.delete_many({"_id": webhook, "account_id": account})
        return bool(removed.deleted_count)

    async def disable(self, webhook: WebhookId, url: str, reason: str) -> bool:
        """Because its receiver is gone; not if it was given another address meanwhile. False: not this time."""
        changed = await self._webhooks.update_one(
            {"_id": webhook, "url": url, "enabled": True}, {"$set": {"enabled": False, "disabled_reason": reason}}
        )
        return bool(changed.modified_count)

    async def note(self, webhook: WebhookId, *, delivered: bool) -> None:
        """How the last try went."""
        sets: Document = {"failing_since": {"$ifNull": ["$failing_since", NOW]}}
        await self._webhooks.update_one(
            {"_id": webhook}, [{"$set": {"failing_since": None, "last_delivered_at": NOW} if delivered else sets}]
        )

    async def rotate(
        self, account: AccountId, webhook: WebhookId, secret: Secret, *, overlap: timedelta
    ) -> Webhook | None:
        """Sign with this secret from now on, and with those before it for `overlap` more. None: no such endpoint."""
        document = await self._webhooks.find_one_and_update(
            {"_id": webhook, "account_id": account}, _rotating(secret, overlap), return_document=ReturnDocument.AFTER
        )
        return _WEBHOOKS.decode(document) if document is not None else None

    async def secrets(self, account: AccountId, new: Secret) -> tuple[Secret, ...]:
        """Those that sign what single jobs have sent; `new` becomes the first where there is none."""
        try:
            document = await self._secrets.find_one_and_update(
                {"_id": account},
                {"$setOnInsert": {"secrets": [asdict(new)]}},
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        except DuplicateKeyError:  # another request made the first one at this moment
            document = await self._secrets.find_one({"_id": account})
        return _secrets(document)

    async def rotate_secrets(self, account: AccountId, secret: Secret, *, overlap: timedelta) -> tuple[Secret, ...]:
        """As `rotate`, for the account's own."""
        document = await self._secrets.find_one_and_update(
            {"_id": account}, _rotating(secret, overlap), upsert=True, return_document=ReturnDocument.AFTER
        )
        return _secrets(document)


def good(secrets: Collection[Secret], now: datetime) -> list[Secret]:
    """Those that sign at `now`, the newest first."""
    return [secret for secret in secrets if secret.expires_at is None or secret.expires_at > now]


def _secrets(document: Document | None) -> tuple[Secret, ...]:
    return _SECRETS.validate_python((document or {}).get("secrets", ()))


def _rotating(secret: Secret, overlap: timedelta) -> list[Document]:
    ends: Expression = {"$min": ["$$this.expires_at", later(overlap)]}  # $min passes over null
    before: Expression = {
        "$map": {
            "input": {"$ifNull": ["$secrets", []]},
            "in": {"$mergeObjects": ["$$this", {"expires_at": ends}]},
        }
    }
    return [{"$set": {"secrets": {"$slice": [{"$concatArrays": [[literal(asdict(secret))], before]}, _MOST_SECRETS]}}}]
