"""Model cards: what workers say they can make. The gateway knows models only from here."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from pymongo import ASCENDING, IndexModel

from reelwork.domain.lifecycle import reference, version_rank
from reelwork.domain.worker import ModelOffered, WorkerState
from reelwork.generator.card import ModelCard
from reelwork.store.client import Database, Document, adapter
from reelwork.store.pipeline import NOW, literal
from reelwork.store.workers import STATE


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A published card. `workers`: those that offer it and take jobs. `available`: a worker vouched for it lately, and
    not all that offer it drain or are gone."""

    card: ModelCard
    seen_at: datetime
    available: bool
    workers: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sightings:
    """All versions of models that were ever published, by whether a worker has vouched for them lately."""

    seen: frozenset[ModelOffered]
    gone: frozenset[ModelOffered]


@adapter
class Models:
    """The `models` collection: one document for each version of a model, since several may be offered side by side."""

    INDEXES = (IndexModel([("name", ASCENDING), ("version", ASCENDING)], name="offered"),)

    def __init__(self, database: Database) -> None:
        self._database = database
        self._models = database["models"]

    async def publish(self, card: ModelCard) -> None:
        """Say that a worker runs this version of a model now; repeated as a heartbeat."""
        fields = card.to_document()
        reference = fields.pop("_id")
        sets: Document = {key: literal(value) for key, value in fields.items()}
        await self._models.update_one({"_id": reference}, [{"$set": sets | {"seen_at": NOW}}], upsert=True)

    async def all(self, *, fresh: timedelta, known: timedelta) -> list[Listing]:
        """Cards seen within `known`, by name, the newest version first; those seen within `fresh` are available, unless
        every worker that offers them drains or has gone. Database time."""
        seconds = {"$divide": [{"$subtract": [NOW, "$seen_at"]}, 1000]}
        query = {"$expr": {"$lt": [seconds, known.total_seconds()]}}
        cursor = self._models.find(query, {"card": "$$ROOT", "age": seconds}).sort("seen_at", ASCENDING)
        # What a worker of an older Reelwork published has another id: of two such the later one counts.
        documents = {_reference(document["card"]): document async for document in cursor}
        offered = await self._offered()
        listings = [_listing(document, fresh, offered.get(of)) for of, document in documents.items()]
        listings.sort(key=lambda listing: version_rank(listing.card.version), reverse=True)
        return sorted(listings, key=lambda listing: listing.card.name)

    async def living(self, models: Collection[ModelOffered], *, within: timedelta) -> set[ModelOffered]:
        """Those of these that a worker has vouched for within this time of the database's; draining ones do, too."""
        if not models:
            return set()
        # Not by id: workers of an older Reelwork publish under another one.
        named = [{"name": model.name, "version": model.version} for model in models]
        recent = {"$gt": ["$seen_at", {"$subtract": [NOW, int(within.total_seconds() * 1000)]}]}
        found = self._models.find({"$or": named, "$expr": recent}, {"name": 1, "version": 1})
        return {_offered(card) async for card in found}

    async def sightings(self, *, since: datetime) -> Sightings:
        """Which models workers have vouched for since a moment of the database's, and which they have not."""
        cards = [card async for card in self._models.find({}, {"name": 1, "version": 1, "seen_at": 1})]
        seen = frozenset(_offered(card) for card in cards if card["seen_at"] > since)
        return Sightings(seen=seen, gone=frozenset(map(_offered, cards)) - seen)

    async def _offered(self) -> dict[str, int]:
        """How many workers that take jobs offer each version of a model, of those that listed workers offer at all. One
        that no listed worker offers is not among them: a worker is listed a moment after its models are."""
        taking = {"$cond": [{"$eq": [STATE, WorkerState.READY.value]}, 1, 0]}
        pipeline: list[Document] = [
            {"$project": {"model": "$card.models", "taking": taking}},
            {"$unwind": "$model"},
            {"$group": {"_id": {"name": "$model.name", "version": "$model.version"}, "taking": {"$sum": "$taking"}}},
            {"$group": {"_id": None, "models": {"$push": {"card": "$_id", "taking": "$taking"}}}},
        ]
        # As a command: the one call for it that both drivers have in common.
        answer = await self._database.command({"aggregate": "workers", "pipeline": pipeline, "cursor": {}})
        groups = answer["cursor"]["firstBatch"]
        return {_reference(model["card"]): model["taking"] for group in groups for model in group["models"]}


def _offered(card: Document) -> ModelOffered:
    return ModelOffered(name=card["name"], version=card["version"])


def _reference(card: Document) -> str:
    return reference(card["name"], card["version"])


def _listing(document: Document, fresh: timedelta, workers: int | None) -> Listing:
    """`workers`: None where the list of workers knows nothing of this card."""
    stored = document["card"]
    return Listing(
        card=ModelCard.from_document(stored),
        seen_at=stored["seen_at"],
        available=document["age"] < fresh.total_seconds() and workers != 0,
        workers=workers or 0,
    )
