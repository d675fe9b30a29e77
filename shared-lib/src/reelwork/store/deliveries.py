"""The outbox of webhooks: every event on its way to every address, until it arrived or is given up."""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import assert_never

from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument
from pymongo.errors import BulkWriteError

from reelwork.domain.ids import AccountId, DeliveryId, JobId, WebhookId
from reelwork.domain.webhook import Again, Dead, Delivered, Delivery, DeliveryState, Try, Verdict
from reelwork.store.client import Database, Document, adapter, duplicates
from reelwork.store.codec import Codec
from reelwork.store.pipeline import NOW, Expression, later, literal

_DELIVERIES = Codec(Delivery)
# How long it is remembered what was sent.
KEPT = timedelta(days=30)
_MOST_TRIES = 20
_PENDING: Document = {"state": DeliveryState.PENDING.value}
# In whose order a sender claims: account by account, each one's oldest first; or address by address, where some of an
# account's addresses are left out, so that a flood to these is stepped over and not read.
_TURNS: Sequence[tuple[str, int]] = (("account_id", ASCENDING), ("next_at", ASCENDING))
_TURNS_BY_ADDRESS: Sequence[tuple[str, int]] = (("account_id", ASCENDING), ("url", ASCENDING), ("next_at", ASCENDING))


@dataclass(frozen=True, slots=True)
class ClaimedDelivery:
    """One that is being tried, and the fence of whoever tries it."""

    delivery: Delivery
    claim: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFilter:
    """All of it has to hold; None is not asked for."""

    webhook_id: WebhookId | None = None
    job_id: JobId | None = None
    state: DeliveryState | None = None


@adapter
class Deliveries:
    """The `deliveries` collection."""

    INDEXES = (
        IndexModel([("next_at", ASCENDING)], name="due", partialFilterExpression=_PENDING),
        IndexModel(_TURNS, name="turns", partialFilterExpression=_PENDING),
        IndexModel(_TURNS_BY_ADDRESS, name="turns_by_address", partialFilterExpression=_PENDING),
        IndexModel([("account_id", ASCENDING), ("_id", DESCENDING)], name="newest"),
        IndexModel([("webhook_id", ASCENDING), ("_id", DESCENDING)], name="newest_of_endpoint"),
        IndexModel([("job_id", ASCENDING)], name="of_job", partialFilterExpression={"job_id": {"$gt": ""}}),
        IndexModel([("created_at", ASCENDING)], name="expiry", expireAfterSeconds=int(KEPT.total_seconds())),
    )

    def __init__(self, database: Database) -> None:
        self._deliveries = database["deliveries"]

    async def add(self, deliveries: Sequence[Delivery]) -> None:
        """Store them durably; those that are there already stay as they are."""
        if not deliveries:
            return
        documents = [_DELIVERIES.encode(delivery) for delivery in deliveries]
        try:
            await self._deliveries.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            duplicates(error)

    async def claim(
        self,
        now: datetime,
        *,
        lease: timedelta,
        after: AccountId | None = None,
        without_accounts: Collection[AccountId] = (),
        without_urls: Collection[str] = (),
    ) -> ClaimedDelivery | None:
        """One that is due, for whoever tries it within `lease`; None: none is due but for those that are left out.

        Accounts have their turns by id, whoever has more to send: `after` is whose turn it was last. `now` is the
        database's time.
        """
        due: Document = _PENDING | {"next_at": {"$lte": now}}
        if await self._deliveries.find_one(due, {"_id": 1}, hint="due") is None:
            return None  # where nothing is due, those that wait for later are not stepped over one account by another
        claim = secrets.token_hex(8)
        if without_urls:
            due["url"] = {"$nin": list(without_urls)}
        for turn in ({"$gt": after or ""}, {"$lte": after or ""}):
            document = await self._deliveries.find_one_and_update(
                due | {"account_id": turn | {"$nin": list(without_accounts)}},
                [{"$set": {"next_at": later(lease), "claim": literal(claim)}}],
                sort=_TURNS_BY_ADDRESS if without_urls else _TURNS,
                hint="turns_by_address" if without_urls else "turns",
                return_document=ReturnDocument.AFTER,
            )
            if document is not None:
                return ClaimedDelivery(_DELIVERIES.decode(document), claim)
        return None

    async def settle(self, claimed: ClaimedDelivery, tried: Try | None, verdict: Verdict) -> bool:
        """Write down what became of it. False: it was somebody else's by then, and nothing was written.

        `tried`: None if it was not sent at all.
        """
        more: list[Document] = [asdict(tried)] if tried is not None else []
        log: Expression = {"$slice": [{"$concatArrays": ["$log", literal(more)]}, -_MOST_TRIES]}
        sets: Document = {"tries": {"$add": ["$tries", len(more)]}, "log": log, "claim": None} | _after(verdict)
        settled = await self._deliveries.update_one(
            {"_id": claimed.delivery.id, "claim": claimed.claim, "state": DeliveryState.PENDING}, [{"$set": sets}]
        )
        return bool(settled.modified_count)

    async def get(
        self, account: AccountId, delivery: DeliveryId, *, webhook: WebhookId | None = None
    ) -> Delivery | None:
        """One of the account; `webhook`: and only if it is of this endpoint."""
        query: Document = {"_id": delivery, "account_id": account}
        if webhook is not None:
            query["webhook_id"] = webhook
        document = await self._deliveries.find_one(query)
        return _DELIVERIES.decode(document) if document is not None else None

    async def page(
        self, account: AccountId, where: DeliveryFilter, *, before: DeliveryId | None, limit: int
    ) -> list[Delivery]:
        """Up to `limit` of the account's, newest first, older than `before`."""
        wanted: dict[str, object] = {"webhook_id": where.webhook_id, "job_id": where.job_id, "state": where.state}
        query: Document = {"account_id": account} | {name: value for name, value in wanted.items() if value is not None}
        if before is not None:
            query["_id"] = {"$lt": before}
        cursor = self._deliveries.find(query).sort("_id", DESCENDING).limit(limit)
        return [_DELIVERIES.decode(document) async for document in cursor]

    async def recover(self, account: AccountId, webhook: WebhookId, *, since: datetime) -> int:
        """Try everything again that was given up since then, from the first wait on; how many those are."""
        dead: Document = {"account_id": account, "webhook_id": webhook, "state": DeliveryState.DEAD, "once": False}
        again: Document = {"state": DeliveryState.PENDING.value, "tries": 0, "next_at": NOW, "ended_at": None}
        recovered = await self._deliveries.update_many(dead | {"ended_at": {"$gte": since}}, [{"$set": again}])
        return int(recovered.modified_count)


def _after(verdict: Verdict) -> Document:
    match verdict:
        case Delivered():
            return {"state": DeliveryState.DELIVERED.value, "ended_at": NOW}
        case Dead():
            return {"state": DeliveryState.DEAD.value, "ended_at": NOW}
        case Again(wait=wait):
            return {"next_at": later(wait)}
        case _:
            assert_never(verdict)
