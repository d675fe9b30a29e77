"""How long jobs took lately, by model and size of their input: a bounded sample of each, for estimates."""

from collections.abc import Iterable, Mapping, Sequence

from pymongo import UpdateOne

from reelwork.store.client import Database, Document, adapter

# Runs that are remembered of each kind: enough for a ninth decile, soon replaced when a model becomes faster.
KEPT = 100
Kind = tuple[str, int]  # model and size class


@adapter
class Runtimes:
    """The `runtimes` collection: one document for each model, small since the number of size classes is bounded."""

    def __init__(self, database: Database) -> None:
        self._runtimes = database["runtimes"]

    async def add(self, seconds: Mapping[Kind, Sequence[float]]) -> None:
        """Remember runs, all of them in one round trip. Bounded: the oldest are forgotten."""
        pushed: dict[str, Document] = {}
        for (model, size), lengths in seconds.items():
            pushed.setdefault(model, {})[f"sizes.{size}"] = {"$each": list(lengths), "$slice": -KEPT}
        updates = [
            UpdateOne({"_id": model}, {"$push": push, "$currentDate": {"updated_at": True}}, upsert=True)
            for model, push in pushed.items()
        ]
        if updates:
            await self._runtimes.bulk_write(updates, ordered=False)

    async def of(self, models: Iterable[str]) -> dict[str, dict[int, list[float]]]:
        """For each of these models that ever completed a job: the lengths of runs by size class, oldest first."""
        cursor = self._runtimes.find({"_id": {"$in": sorted(set(models))}})
        return {
            document["_id"]: {int(size): lengths for size, lengths in document["sizes"].items()}
            async for document in cursor
        }
