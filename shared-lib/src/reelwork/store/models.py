"""Model cards: what workers say they can make. The gateway knows models only from here."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pymongo import ASCENDING

from reelwork.domain.worker import WorkerState
from reelwork.generator.card import ModelCard
from reelwork.store.client import Database, Document, adapter
from reelwork.store.pipeline import NOW, literal
from reelwork.store.workers import STATE


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A published card. `available`: a worker vouched for it lately, and not all that offer it drain or are gone."""

    card: ModelCard
    seen_at: datetime
    available: bool


@adapter
class Models:
    """The `models` collection."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._models = database["models"]

    async def publish(self, card: ModelCard) -> None:
        """Say that a worker runs this model now; repeated as a heartbeat."""
        fields = card.to_document()
        name = fields.pop("_id")
        sets: Document = {key: literal(value) for key, value in fields.items()}
        await self._models.update_one({"_id": name}, [{"$set": sets | {"seen_at": NOW}}], upsert=True)

    async def all(self, *, fresh: timedelta, known: timedelta) -> list[Listing]:
        """Cards seen within `known`, by name; those seen within `fresh` are available, unless every worker that offers
        them drains or has gone. Database time."""
        seconds = {"$divide": [{"$subtract": [NOW, "$seen_at"]}, 1000]}
        query = {"$expr": {"$lt": [seconds, known.total_seconds()]}}
        cursor = self._models.find(query, {"card": "$$ROOT", "age": seconds}).sort("_id", ASCENDING)
        documents = [document async for document in cursor]
        left = await self._left()
        return [_listing(document, fresh, left) for document in documents]

    async def _left(self) -> set[str]:
        """Models that listed workers offer, none of which takes jobs. One that no listed worker offers is not among
        them: a worker is listed a moment after its models are."""
        taking = {"$eq": [STATE, WorkerState.READY.value]}
        pipeline: list[Document] = [
            {"$project": {"name": "$card.models.name", "taking": taking}},
            {"$unwind": "$name"},
            {"$group": {"_id": "$name", "taking": {"$max": "$taking"}}},
            {"$match": {"taking": False}},
            {"$group": {"_id": None, "names": {"$push": "$_id"}}},
        ]
        # As a command: the one call for it that both drivers have in common.
        answer = await self._database.command({"aggregate": "workers", "pipeline": pipeline, "cursor": {}})
        return {name for group in answer["cursor"]["firstBatch"] for name in group["names"]}


def _listing(document: Document, fresh: timedelta, left: set[str]) -> Listing:
    stored = document["card"]
    card = ModelCard.from_document(stored)
    return Listing(
        card=card,
        seen_at=stored["seen_at"],
        available=document["age"] < fresh.total_seconds() and card.name not in left,
    )
