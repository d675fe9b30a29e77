"""Model cards: what workers say they can make. The gateway knows models only from here."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pymongo import ASCENDING

from reelwork.generator.card import ModelCard
from reelwork.store.client import Database, Document, adapter
from reelwork.store.pipeline import NOW, literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A published card. `available`: a worker vouched for it lately."""

    card: ModelCard
    seen_at: datetime
    available: bool


@adapter
class Models:
    """The `models` collection."""

    def __init__(self, database: Database) -> None:
        self._models = database["models"]

    async def publish(self, card: ModelCard) -> None:
        """Say that a worker runs this model now; repeated as a heartbeat."""
        fields = card.to_document()
        name = fields.pop("_id")
        sets: Document = {key: literal(value) for key, value in fields.items()}
        await self._models.update_one({"_id": name}, [{"$set": sets | {"seen_at": NOW}}], upsert=True)

    async def all(self, *, fresh: timedelta, known: timedelta) -> list[Listing]:
        """Cards seen within `known`, by name; those seen within `fresh` are available. Database time."""
        seconds = {"$divide": [{"$subtract": [NOW, "$seen_at"]}, 1000]}
        query = {"$expr": {"$lt": [seconds, known.total_seconds()]}}
        cursor = self._models.find(query, {"card": "$$ROOT", "age": seconds}).sort("_id", ASCENDING)
        return [_listing(document, fresh) async for document in cursor]


def _listing(document: Document, fresh: timedelta) -> Listing:
    stored = document["card"]
    return Listing(
        card=ModelCard.from_document(stored),
        seen_at=stored["seen_at"],
        available=document["age"] < fresh.total_seconds(),
    )
